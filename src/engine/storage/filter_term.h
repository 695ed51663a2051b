// Translation of predicate terms into filters; the rules of ScanFilter::FromTerm in pieces that can
// be tested.
#pragma once

#include <optional>
#include <span>
#include <utility>

#include "engine/storage/integer_set.h"
#include "engine/storage/scan.h"

namespace sirocco::engine {

// The only column a term reads, as its position in the table; nullopt if there is none or more than
// one, or it is not of this scan.
std::optional<uint32_t> OnlyColumn(const plan::Expr& term,
                                   std::span<const std::pair<ColumnId, uint32_t>> scan_columns);

// The values of a number column for which the term is true: comparisons with constants, IN lists,
// IS [NOT] NULL, and AND, OR, NOT of such. Values are the column's integers (scaled for decimals),
// or OrderedBits for doubles. nullopt if the term is of another kind.
std::optional<IntegerSet> NumberTermSet(const plan::Expr& term, const plan::Type& column_type);

// The codes of a dictionary column for which a term over its strings is true, the same way.
std::optional<IntegerSet> DictionaryTermSet(const plan::Expr& term, const plan::Type& column_type,
                                            const Dictionary& dictionary);

}  // namespace sirocco::engine
