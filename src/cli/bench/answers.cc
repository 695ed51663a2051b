#include "cli/bench/answers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

namespace sirocco::bench {
namespace {

// A decimal number taken apart: digits without leading zeros, the last `fraction` of them after the
// point.
struct Number {
  bool negative = false;
  std::string digits;
  size_t fraction = 0;
};

std::optional<Number> ParseNumber(std::string_view text) {
  Number number;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    number.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  bool point = false;
  for (char c : text) {
    if (c == '.' && !point) {
      point = true;
    } else if (std::isdigit(static_cast<unsigned char>(c))) {
      number.digits += c;
      if (point) ++number.fraction;
    } else {
      return std::nullopt;
    }
  }
  if (number.digits.empty()) return std::nullopt;
  return number;
}

// Rounds half away from zero to `fraction` digits after the point, and drops leading zeros and the
// sign of zero.
void RoundTo(Number& number, size_t fraction) {
  bool carry = false;
  while (number.fraction > fraction) {
    // Only the first dropped digit, the last one removed here, decides.
    carry = number.digits.back() >= '5';
    number.digits.pop_back();
    --number.fraction;
  }
  for (size_t at = number.digits.size(); carry && at > 0;) {
    char& digit = number.digits[--at];
    carry = digit == '9';
    digit = carry ? '0' : static_cast<char>(digit + 1);
  }
  if (carry) number.digits.insert(number.digits.begin(), '1');
  number.digits.erase(0, std::min(number.digits.find_first_not_of('0'), number.digits.size()));
  if (number.digits.empty()) number.negative = false;
}

bool SameNumber(Number a, Number b) {
  const size_t fraction = std::min(a.fraction, b.fraction);
  RoundTo(a, fraction);
  RoundTo(b, fraction);
  return a.negative == b.negative && a.digits == b.digits;
}

std::string_view WithoutTrailingBlanks(std::string_view text) {
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

bool SameRow(const AnswerRow& a, const AnswerRow& b) { return std::ranges::equal(a, b, SameValue); }

std::string Shown(const AnswerRow& row) {
  std::vector<std::string> values;
  for (const auto& value : row) values.push_back(value.value_or("NULL"));
  return fmt::format("{}", fmt::join(values, "|"));
}

}  // namespace

Result<Answer> ParseAnswer(std::string_view text) {
  Answer answer;
  size_t num_fields = 0;
  for (bool header = true; !text.empty(); header = false) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    AnswerRow row;
    for (size_t bar = 0; bar != std::string_view::npos;) {
      bar = line.find('|');
      const std::string_view field = line.substr(0, bar);
      if (field == "NULL") {
        row.emplace_back(std::nullopt);
      } else {
        row.emplace_back(field);
      }
      line.remove_prefix(bar == std::string_view::npos ? line.size() : bar + 1);
    }
    if (header) {
      num_fields = row.size();
      continue;
    }
    if (row.size() != num_fields) {
      return MakeError(ErrorCode::kCorrupt, fmt::format("answer row with {} fields of {}: {}",
                                                        row.size(), num_fields, Shown(row)));
    }
    answer.push_back(std::move(row));
  }
  return answer;
}

bool SameValue(const std::optional<std::string>& a, const std::optional<std::string>& b) {
  if (!a || !b) return !a && !b;
  if (*a == *b) return true;
  const auto x = ParseNumber(*a), y = ParseNumber(*b);
  if (x && y) return SameNumber(*x, *y);
  return WithoutTrailingBlanks(*a) == WithoutTrailingBlanks(*b);
}

std::optional<std::string> FindDifference(const Answer& expected, const Answer& actual,
                                          const std::vector<size_t>& tie_columns) {
  if (expected.size() != actual.size()) {
    return fmt::format("{} rows, expected {}", actual.size(), expected.size());
  }
  auto ties = [&](const AnswerRow& a, const AnswerRow& b) {
    return !tie_columns.empty() && std::ranges::all_of(tie_columns, [&](size_t column) {
      return column < a.size() && column < b.size() && SameValue(a[column], b[column]);
    });
  };
  // Walks over groups of rows that tie; in a group every expected row takes one equal actual row.
  for (size_t begin = 0; begin < expected.size();) {
    size_t end = begin + 1;
    while (end < expected.size() && ties(expected[begin], expected[end])) ++end;
    std::vector<bool> taken(end - begin);
    for (size_t row = begin; row < end; ++row) {
      size_t match = begin;
      while (match < end && (taken[match - begin] || !SameRow(expected[row], actual[match])))
        ++match;
      if (match == end) {
        return fmt::format("row {}: {} expected {}", row + 1, Shown(actual[row]),
                           Shown(expected[row]));
      }
      taken[match - begin] = true;
    }
    begin = end;
  }
  return std::nullopt;
}

}  // namespace sirocco::bench
