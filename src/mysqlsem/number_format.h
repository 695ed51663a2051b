// Numbers to text and text to numbers, digit for digit as the server does it.
//
// Threads: all functions are pure. Output goes to caller buffers; nothing is zero terminated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sirocco::mysqlsem {

// Scale that means "no fixed number of decimals" for FLOAT/DOUBLE columns and expressions.
inline constexpr uint32_t kNotFixedDecimals = 31;

inline constexpr size_t kMaxFormattedDouble = 350;   // any FormatDouble/FormatFloat
inline constexpr size_t kMaxFormattedInteger = 21;

// Writes a DOUBLE as the server prints it in a result set: shortest form of up to 17 digits that reads back equal,
// exponent form for very large or small values; with `decimals` < 31 exactly that many decimals.
// `out` has room for kMaxFormattedDouble bytes. Returns the length.
size_t FormatDouble(double value, uint32_t decimals, char* out);
// Same for a FLOAT column or expression of type FLOAT (about 6 significant digits, as the server prints them).
size_t FormatFloat(float value, uint32_t decimals, char* out);
std::string FormatDouble(double value, uint32_t decimals = kNotFixedDecimals);
std::string FormatFloat(float value, uint32_t decimals = kNotFixedDecimals);

// Writes an integer in decimal; `out` has room for kMaxFormattedInteger bytes. Returns the length.
size_t FormatInt64(int64_t value, char* out);
size_t FormatUint64(uint64_t value, char* out);

// Rounds as Item_func_round does for DOUBLE: ROUND(x, d) or TRUNCATE(x, d); d may be negative.
double RoundDouble(double value, int64_t decimals, bool truncate);

// Result of reading a number from text. `consumed` bytes were read, counting leading space; `truncated` says that
// something other than space followed (or nothing numeric was there), which is when the server warns
// (ER_TRUNCATED_WRONG_VALUE); `out_of_range` says that the value was clamped to the type's limit.
template <typename T>
struct Parsed {
  T value{};
  size_t consumed = 0;
  bool truncated = false;
  bool out_of_range = false;
};

// String to DOUBLE as in `'1e3abc' + 0` (the text must be ASCII compatible; convert others first).
Parsed<double> ParseDouble(std::string_view text);
// String to integer as CAST(... AS SIGNED / UNSIGNED) does: decimal digits only, no rounding of a fraction
// ('1.9' gives 1, truncated). Negative text for unsigned gives the two's complement, as in the server.
Parsed<int64_t> ParseSigned(std::string_view text);
Parsed<uint64_t> ParseUnsigned(std::string_view text);

// DOUBLE to integer with rounding half to even (rint) and clamping, as CAST(double AS SIGNED/UNSIGNED) does.
// `*out_of_range` tells that the value was clamped.
int64_t DoubleToInt64(double value, bool* out_of_range);
uint64_t DoubleToUint64(double value, bool* out_of_range);

}  // namespace sirocco::mysqlsem
