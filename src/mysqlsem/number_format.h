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

inline constexpr size_t kMaxFormattedDouble = 350;  // any FormatDouble/FormatFloat
inline constexpr size_t kMaxFormattedInteger = 21;

// Where a floating point number becomes text. The server uses different widths, which shows in the
// last digits:
enum class FloatText : uint8_t {
  kResultSet,  // sent to a client
  kString,     // an expression's value used as a string: CONCAT(x), CAST(x AS CHAR)
  kColumn,     // a column used as a string: CONCAT(t.x)
};

// Writes a DOUBLE as the server does: shortest digits that read back equal within the width,
// exponent form for very large or small values; with `decimals` < 31 exactly that many decimals.
// `out` has room for kMaxFormattedDouble bytes. Returns the length.
size_t FormatDouble(double value, uint32_t decimals, char* out,
                    FloatText where = FloatText::kResultSet);
// Same for a value of type FLOAT.
size_t FormatFloat(float value, uint32_t decimals, char* out,
                   FloatText where = FloatText::kResultSet);
std::string FormatDouble(double value, uint32_t decimals = kNotFixedDecimals,
                         FloatText where = FloatText::kResultSet);
std::string FormatFloat(float value, uint32_t decimals = kNotFixedDecimals,
                        FloatText where = FloatText::kResultSet);

// Writes an integer in decimal; `out` has room for kMaxFormattedInteger bytes. Returns the length.
size_t FormatInt64(int64_t value, char* out);
size_t FormatUint64(uint64_t value, char* out);

// Rounds as Item_func_round does for DOUBLE: ROUND(x, d) or TRUNCATE(x, d); d may be negative.
double RoundDouble(double value, int64_t decimals, bool truncate);

// Result of reading a number from text.
template <typename T>
struct Parsed {
  T value{};
  size_t consumed = 0;  // bytes read, counting leading space; 0 if there was no number
  bool truncated =
      false;  // something else than space followed, or out of range, or (integers only) no number
              // at all: the server warns ER_TRUNCATED_WRONG_VALUE (1292)
  bool out_of_range = false;  // clamped to the largest or smallest value
  bool complement =
      false;  // the sign was lost: the server warns "Cast to (un)signed converted ..." (1105)
};

// String to DOUBLE as in `'1e3abc' + 0` (the text must be ASCII compatible; convert others first).
Parsed<double> ParseDouble(std::string_view text);
// String to integer as CAST(... AS SIGNED / UNSIGNED) does: decimal digits only, no rounding of a
// fraction ('1.9' gives 1, truncated). A value beyond the sign gives the two's complement.
Parsed<int64_t> ParseSigned(std::string_view text);
Parsed<uint64_t> ParseUnsigned(std::string_view text);

// DOUBLE to integer with rounding half to even (rint) and clamping, as CAST(double AS
// SIGNED/UNSIGNED) does.
// `*out_of_range` tells that the value was clamped.
int64_t DoubleToInt64(double value, bool* out_of_range);
uint64_t DoubleToUint64(double value, bool* out_of_range);

}  // namespace sirocco::mysqlsem
