#include "mysqlsem/number_format.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cfloat>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

#include "mysql/strings/dtoa.h"
#include "mysql/strings/m_ctype.h"
#include "mysql/strings/my_strtoll10.h"

namespace sirocco::mysqlsem {
namespace {

// Widths the server passes to my_gcvt: sql/sql_const.h, Item::val_string_from_real,
// Field_double::val_str and the text protocol.
constexpr int kDoubleStringWidth = DBL_DIG + 7;
constexpr int kDoubleColumnWidth = DBL_DIG + 9;
constexpr int kFloatStringWidth = FLT_DIG + 6;
static_assert(FLOATING_POINT_BUFFER + 2 <= kMaxFormattedDouble);

int Width(FloatText where, bool is_float) {
  switch (where) {
    case FloatText::kResultSet:
      return FLOATING_POINT_BUFFER;
    case FloatText::kString:
      return is_float ? kFloatStringWidth : kDoubleStringWidth;
    case FloatText::kColumn:
      return is_float ? kFloatStringWidth : kDoubleColumnWidth;
  }
  return FLOATING_POINT_BUFFER;
}

bool OnlySpaces(const char* from, const char* end) {
  return std::all_of(from, end, [](char c) { return my_isspace(&my_charset_latin1, c); });
}

// The server's table of powers is written as literals; 1e0 .. 1e308 as the compiler reads them.
const std::array<double, 309>& PowersOfTen() {
  static const std::array<double, 309> powers = [] {
    std::array<double, 309> table{};
    char text[8];
    for (int i = 0; i < 309; ++i) {
      const int size = std::snprintf(text, sizeof(text), "1e%d", i);
      std::from_chars(text, text + size, table[i]);
    }
    return table;
  }();
  return powers;
}

}  // namespace

size_t FormatDouble(double value, uint32_t decimals, char* out, FloatText where) {
  if (decimals >= kNotFixedDecimals)
    return my_gcvt(value, MY_GCVT_ARG_DOUBLE, Width(where, false), out, nullptr);
  return my_fcvt(value, static_cast<int>(decimals), out, nullptr);
}

size_t FormatFloat(float value, uint32_t decimals, char* out, FloatText where) {
  if (decimals >= kNotFixedDecimals)
    return my_gcvt(value, MY_GCVT_ARG_FLOAT, Width(where, true), out, nullptr);
  return my_fcvt(value, static_cast<int>(decimals), out, nullptr);
}

std::string FormatDouble(double value, uint32_t decimals, FloatText where) {
  char buffer[kMaxFormattedDouble];
  return std::string(buffer, FormatDouble(value, decimals, buffer, where));
}

std::string FormatFloat(float value, uint32_t decimals, FloatText where) {
  char buffer[kMaxFormattedDouble];
  return std::string(buffer, FormatFloat(value, decimals, buffer, where));
}

size_t FormatInt64(int64_t value, char* out) {
  return static_cast<size_t>(std::to_chars(out, out + kMaxFormattedInteger, value).ptr - out);
}

size_t FormatUint64(uint64_t value, char* out) {
  return static_cast<size_t>(std::to_chars(out, out + kMaxFormattedInteger, value).ptr - out);
}

double RoundDouble(double value, int64_t decimals, bool truncate) {
  const auto& powers = PowersOfTen();
  const bool negative = decimals < 0;
  if (negative && decimals <= -static_cast<int64_t>(powers.size())) return 0.0;
  const uint64_t magnitude =
      negative ? -static_cast<uint64_t>(decimals) : static_cast<uint64_t>(decimals);
  // volatile keeps the compiler from using wider intermediates, as in the server.
  const double power = magnitude < powers.size() ? powers[magnitude]
                                                 : std::pow(10.0, static_cast<double>(magnitude));
  const volatile double multiplied = value * power;
  if (!negative && !std::isfinite(multiplied)) return value;
  const volatile double divided = value / power;
  if (truncate) {
    if (value >= 0.0)
      return negative ? std::floor(divided) * power : std::floor(multiplied) / power;
    return negative ? std::ceil(divided) * power : std::ceil(multiplied) / power;
  }
  return negative ? std::rint(divided) * power : std::rint(multiplied) / power;
}

Parsed<double> ParseDouble(std::string_view text) {
  Parsed<double> result;
  const char* const end = text.data() + text.size();
  const char* stop = end;
  int error = 0;
  result.value = my_strntod(&my_charset_latin1, text.data(), text.size(), &stop, &error);
  result.consumed = static_cast<size_t>(stop - text.data());
  result.out_of_range = error != 0;  // overflow is the only error my_strtod knows
  result.truncated = error != 0 || (stop != end && !OnlySpaces(stop, end));
  return result;
}

namespace {

struct ParsedInteger {
  int64_t bits = 0;
  const char* stop = nullptr;
  int error = 0;  // as my_strtoll10: -1 negative number, 0 fine, >0 range error or no number
};

ParsedInteger ParseInteger(std::string_view text) {
  ParsedInteger result;
  result.stop = text.data() + text.size();
  result.bits = my_strtoll10(text.data(), &result.stop, &result.error);
  return result;
}

template <typename T>
Parsed<T> FinishInteger(std::string_view text, const ParsedInteger& parsed) {
  Parsed<T> result;
  const char* const end = text.data() + text.size();
  result.value = static_cast<T>(parsed.bits);
  result.consumed = static_cast<size_t>(parsed.stop - text.data());
  result.out_of_range = parsed.error == ERANGE;
  result.truncated = parsed.error > 0 || (parsed.stop != end && !OnlySpaces(parsed.stop, end));
  return result;
}

}  // namespace

Parsed<int64_t> ParseSigned(std::string_view text) {
  const ParsedInteger parsed = ParseInteger(text);
  Parsed<int64_t> result = FinishInteger<int64_t>(text, parsed);
  result.complement = parsed.error == 0 && parsed.bits < 0;
  return result;
}

Parsed<uint64_t> ParseUnsigned(std::string_view text) {
  const ParsedInteger parsed = ParseInteger(text);
  Parsed<uint64_t> result = FinishInteger<uint64_t>(text, parsed);
  result.complement = parsed.error < 0;
  return result;
}

int64_t DoubleToInt64(double value, bool* out_of_range) {
  const double rounded = std::rint(value);
  *out_of_range = true;
  if (std::isnan(rounded)) return 0;
  if (rounded < -9223372036854775808.0) return INT64_MIN;
  if (rounded >= 9223372036854775808.0) return INT64_MAX;
  *out_of_range = false;
  return static_cast<int64_t>(rounded);
}

uint64_t DoubleToUint64(double value, bool* out_of_range) {
  const double rounded = std::rint(value);
  *out_of_range = true;
  if (std::isnan(rounded) || rounded < 0) return 0;
  if (rounded >= 18446744073709551616.0) return UINT64_MAX;
  *out_of_range = false;
  return static_cast<uint64_t>(rounded);
}

}  // namespace sirocco::mysqlsem
