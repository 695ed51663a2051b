// Exact decimals as the server computes them.
//
// Two representations:
//  - scaled integers: int64_t (up to 18 digits) or __int128 (up to 38 digits), value = integer /
//  10^scale. Fast; the
//    engine's columns of DECIMAL(p <= 38) use them.
//  - BigDecimal: up to 81 digits in groups of nine (65 guaranteed), the server's own arithmetic
//  (decimal_t). For wider
//    columns and for operations whose result may not fit 128 bits.
//
// THE SERVER'S RULES for result digits, which callers must follow to give what the server gives
// (9.7, verified):
//  - Every operator and function result is rounded HALF UP to its declared scale at once
//  (Item_func_numhybrid), also
//    inside a larger expression: 1/3*3 is 0.9999. Printing pads to the declared scale.
//  - Declared scales: a + b, a - b, a % b: max(s1, s2). a * b: min(s1 + s2, 30). a / b: min(s1 +
//  increment, 30), where
//    increment is div_precision_increment (default 4). a DIV b: integer, quotient truncated towards
//    zero.
//  - The quotient itself is computed to DivisionDigits(s1, s2, increment) digits, a multiple of
//  nine, TRUNCATED there
//    and then rounded. Where both are the same number of digits it is therefore
//    truncated: 2.00000/3 = 0.666666666.
//  - AVG(x) = SUM(x) / COUNT(x) by the division rule with s2 = 0 (integers: s1 = 0). It is the one
//  exception: an
//    expression over AVG in the same query block (0.2 * AVG(x), AVG(x) > 1.3, HAVING) sees the
//    quotient truncated to DivisionDigits(s1, 0, increment) digits, not rounded: use
//    AverageScaledRaw. Selected, stored, cast to text, or passed through COALESCE, IF, a derived
//    table: rounded to min(s1 + increment, 30): use AverageScaled.
//  - ROUND(x, d): half up (away from zero), scale min(d, s1); TRUNCATE(x, d): towards zero.
// Threads: pure functions and values. Errors: DecimalStatus bits; no exceptions, no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sirocco::mysqlsem {

using Int128 = __int128;
using Uint128 = unsigned __int128;

// The server's E_DEC_* codes. kTruncated: digits after the point were lost; kOverflow: the value
// does not fit and the result is the largest value possible or unusable; kDivZero: no result (SQL
// gives NULL); kBadNumber: text without any digit (result is 0).
enum DecimalStatus : int {
  kDecOk = 0,
  kDecTruncated = 1,
  kDecOverflow = 2,
  kDecDivZero = 4,
  kDecBadNumber = 8,
};

inline constexpr int kDecimalMaxPrecision = 65;
inline constexpr int kDecimalMaxScale = 30;
inline constexpr int kDecimalMaxText = 84;  // sign, 81 digits, point, one spare

enum class DecimalRounding : uint8_t { kHalfUp, kTruncate, kCeiling, kFloor };

// ---- packed columns (the record and binlog format)
// -----------------------------------------------------------------

// Bytes of a packed DECIMAL(precision, scale).
int PackedDecimalSize(int precision, int scale);
// Value * 10^scale. Precondition: `packed` has PackedDecimalSize bytes; precision <= 18 / <= 38. A
// few ns; does not go through BigDecimal. Bytes no server writes give an unspecified value, never
// undefined behaviour.
int64_t DecodePackedToInt64(const uint8_t* packed, int precision, int scale);
Int128 DecodePackedToInt128(const uint8_t* packed, int precision, int scale);
// The reverse; the value must have at most `precision` digits (else kDecOverflow and the largest
// value is written).
DecimalStatus EncodePackedFromInt64(int64_t value, int precision, int scale, uint8_t* packed);
DecimalStatus EncodePackedFromInt128(Int128 value, int precision, int scale, uint8_t* packed);

// A decoder for one column: precomputes the layout once, then decodes without branches on precision
// and scale.
class PackedDecimalDecoder {
 public:
  PackedDecimalDecoder(int precision, int scale);
  int size_bytes() const { return size_bytes_; }
  // precision <= 18.
  int64_t DecodeInt64(const uint8_t* packed) const;
  // precision <= 38.
  Int128 DecodeInt128(const uint8_t* packed) const;

 private:
  uint8_t size_bytes_ = 0;
  uint8_t head_bytes_ = 0, tail_bytes_ = 0;  // bytes of the partial groups at both ends
  uint8_t groups_ = 0;                       // full groups of nine digits between them
  uint32_t tail_factor_ = 1;                 // 10^digits of the last partial group
};

// ---- scaled integers
// -----------------------------------------------------------------------------------------------

// 10^n for n in [0, 38].
Int128 PowerOfTen(int n);
// Digits of |value|, at least 1.
int DecimalDigits(Int128 value);
// Writes value / 10^scale as the server prints it ("-0.50", scale 2). `out` has room for
// kDecimalMaxText bytes. Returns the length.
size_t FormatScaled(int64_t value, int scale, char* out);
size_t FormatScaled(Int128 value, int scale, char* out);
std::string ScaledToString(Int128 value, int scale);
// Changes the scale, rounding when digits are dropped. kDecOverflow (result untouched) if it does
// not fit 128 bits.
DecimalStatus RescaleInt128(Int128 value, int from_scale, int to_scale, DecimalRounding rounding,
                            Int128* result);

// Digits after the point to which decimal_div computes a quotient of operands with these scales
// before truncating.
int DivisionDigits(int scale1, int scale2, int scale_increment);
// a/10^s1 divided by b/10^s2, then rounded half up to `result_scale` (the item's declared scale):
// what SELECT a/b and AVG print. kDecDivZero: no result. kDecOverflow: does not fit 128 bits (use
// BigDecimal).
DecimalStatus DivideScaled(Int128 a, int scale1, Int128 b, int scale2, int scale_increment,
                           int result_scale, Int128* result);
// Same without the final rounding: `*result` has scale DivisionDigits(s1, s2, increment),
// truncated.
DecimalStatus DivideScaledRaw(Int128 a, int scale1, Int128 b, int scale2, int scale_increment,
                              Int128* result);
// The unrounded average for expressions over AVG (see above); `*result` has scale
// DivisionDigits(scale, 0, increment).
DecimalStatus AverageScaledRaw(Int128 sum, int scale, uint64_t count, int scale_increment,
                               Int128* result);
// AVG of `count` values whose scaled sum is `sum` (count > 0); the result has scale min(scale +
// increment, 30).
DecimalStatus AverageScaled(Int128 sum, int scale, uint64_t count, int scale_increment,
                            Int128* result);

// ---- BigDecimal
// ----------------------------------------------------------------------------------------------------

// A decimal of up to 81 digits by value: 48 bytes, trivially copyable. Default: 0.
class BigDecimal {
 public:
  BigDecimal() = default;

  static BigDecimal FromInt64(int64_t value);
  static BigDecimal FromUint64(uint64_t value);
  // value / 10^scale.
  static BigDecimal FromScaled(Int128 value, int scale);
  // Shortest decimal text of the double, as the server does (15-17 digits). NaN and infinities:
  // kDecBadNumber/overflow.
  static DecimalStatus FromDouble(double value, BigDecimal* result);
  // Text such as " -12.5e3"; trailing garbage gives kDecTruncated, no digits kDecBadNumber (value
  // 0).
  static DecimalStatus FromString(std::string_view text, BigDecimal* result);
  static DecimalStatus FromPacked(const uint8_t* packed, int precision, int scale,
                                  BigDecimal* result);
  // The largest DECIMAL(precision, scale): 99...9.
  static BigDecimal Max(int precision, int scale, bool negative);

  // Rounds half up to the integer; kDecOverflow clamps to the type's limit.
  DecimalStatus ToInt64(int64_t* result) const;
  DecimalStatus ToUint64(uint64_t* result) const;
  // Scaled by 10^scale, rounding half up if digits are dropped (kDecTruncated); kDecOverflow if
  // above 128 bits.
  DecimalStatus ToScaled(int scale, Int128* result) const;
  double ToDouble() const;
  // As the server prints it: scale() digits after the point, no leading zeros ("0.50", "-3").
  std::string ToString() const;
  size_t Format(char* out) const;  // room for kDecimalMaxText
  // Rounds half up to `scale` (kDecTruncated); kDecOverflow: the largest value was written.
  DecimalStatus ToPacked(int precision, int scale, uint8_t* packed) const;

  int scale() const { return frac_; }
  int integer_digits() const;  // without leading zeros, 0 for |x| < 1
  bool is_negative() const { return negative_; }
  bool is_zero() const;

  // Equal values of different scale compare equal.
  int Compare(const BigDecimal& other) const;
  // Equal values hash equally, whatever their scale.
  uint64_t Hash(uint64_t seed = 0) const;

  BigDecimal Negated() const;
  // To `scale` digits after the point (negative: tens, hundreds, ...), padding with zeros. The
  // result has exactly this scale (0 if negative) unless its 81 digits do not suffice.
  DecimalStatus Round(int scale, DecimalRounding rounding, BigDecimal* result) const;
  // Rounds and clamps to DECIMAL(precision, scale), as storing into such a column does.
  DecimalStatus Fit(int precision, int scale, BigDecimal* result) const;

 private:
  friend struct BigDecimalAccess;
  int8_t integer_digits_ = 1;  // digits before the point as stored, may include leading zeros
  int8_t frac_ = 0;
  bool negative_ = false;
  int32_t groups_[9] = {};  // base 10^9; integer groups first
};

DecimalStatus Add(const BigDecimal& a, const BigDecimal& b, BigDecimal* result);
DecimalStatus Subtract(const BigDecimal& a, const BigDecimal& b, BigDecimal* result);
DecimalStatus Multiply(const BigDecimal& a, const BigDecimal& b, BigDecimal* result);
// The quotient truncated at DivisionDigits (see the rules above); round it to the declared scale
// with Round(kHalfUp).
DecimalStatus Divide(const BigDecimal& a, const BigDecimal& b, int scale_increment,
                     BigDecimal* result);
DecimalStatus Modulo(const BigDecimal& a, const BigDecimal& b, BigDecimal* result);

}  // namespace sirocco::mysqlsem
