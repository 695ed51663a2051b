// A StringPredicate on a column of string heaps. NULLs never pass.
#pragma once

#include <memory>

#include "engine/storage/column_filter.h"
#include "engine/storage/string_predicate.h"

namespace sirocco::engine {

std::unique_ptr<ColumnFilter> MakeStringFilter(uint32_t column,
                                               std::unique_ptr<StringPredicate> predicate);

}  // namespace sirocco::engine
