// Answers of queries as text rows, and when two of them are the same.
//
// Numbers may be printed with different numbers of fraction digits (an average is decimal in MySQL
// and floating elsewhere): they are equal if they agree at the precision of the one with fewer
// digits. Everything else is compared as text, without trailing blanks (CHAR columns). Rows that
// tie in the query's order may come in any order.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace sirocco::bench {

using AnswerRow = std::vector<std::optional<std::string>>;  // nullopt: NULL
using Answer = std::vector<AnswerRow>;

// Reads the text of an answer file: a line of column names, then rows, fields separated by '|',
// "NULL" for NULL. Errors: kCorrupt if rows differ in their number of fields.
Result<Answer> ParseAnswer(std::string_view text);

// True if both are NULL, the same number at the lower precision, or the same text.
bool SameValue(const std::optional<std::string>& a, const std::optional<std::string>& b);

// Returns nothing if the answers are the same, else a sentence about the first difference.
// `tie_columns` are the columns of the ORDER BY if that does not order rows totally, else empty.
std::optional<std::string> FindDifference(const Answer& expected, const Answer& actual,
                                          const std::vector<size_t>& tie_columns);

}  // namespace sirocco::bench
