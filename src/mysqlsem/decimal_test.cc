#include "mysqlsem/decimal.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "mysqlsem/number_format.h"
#include "mysqlsem/recorded.h"

namespace sirocco::mysqlsem {
namespace {

constexpr int kIncrement = 4;  // div_precision_increment

BigDecimal Parse(const std::string& text) {
  BigDecimal value;
  BigDecimal::FromString(text, &value);
  return value;
}

std::string Rounded(const BigDecimal& value, int scale) {
  BigDecimal rounded;
  value.Round(scale, DecimalRounding::kHalfUp, &rounded);
  return rounded.ToString();
}

// True if the text is a number of at most 38 digits at the scale, which then goes to `value`.
bool ToScaled(const std::string& text, int scale, Int128* value) {
  return (Parse(text).ToScaled(scale, value) & kDecOverflow) == 0 && DecimalDigits(*value) <= 38;
}

std::string Binary(const std::string& operation, const RecordedArgs& args) {
  const BigDecimal a = Parse(args[0]), b = Parse(args[2]);
  const int s1 = std::stoi(args[1]), s2 = std::stoi(args[3]);
  BigDecimal result;
  DecimalStatus status = kDecOk;
  int scale = std::max(s1, s2);
  if (operation == "add") status = Add(a, b, &result);
  if (operation == "sub") status = Subtract(a, b, &result);
  if (operation == "mod") status = Modulo(a, b, &result);
  if (operation == "mul") {
    status = Multiply(a, b, &result);
    scale = std::min(s1 + s2, kDecimalMaxScale);
  }
  if (operation == "div") {
    status = Divide(a, b, kIncrement, &result);
    scale = std::min(s1 + kIncrement, kDecimalMaxScale);
  }
  if (status & kDecDivZero) return "\\N";
  if (status & kDecOverflow) return "ERROR";
  const std::string big = Rounded(result, scale);
  // The scaled integers must agree wherever they have an answer.
  Int128 x, y, quotient;
  if (operation == "div" && ToScaled(args[0], s1, &x) && ToScaled(args[2], s2, &y)) {
    const DecimalStatus scaled = DivideScaled(x, s1, y, s2, kIncrement, scale, &quotient);
    if (scaled == kDecOk) {
      EXPECT_EQ(ScaledToString(quotient, scale), Rounded(result, scale))
          << args[0] << " / " << args[2];
      Int128 raw;
      if (DivideScaledRaw(x, s1, y, s2, kIncrement, &raw) == kDecOk) {
        EXPECT_EQ(BigDecimal::FromScaled(raw, DivisionDigits(s1, s2, kIncrement)).Compare(result),
                  0);
      }
    }
  }
  return big;
}

std::string Recorded(const std::string& operation, const RecordedArgs& args) {
  BigDecimal result;
  if (operation == "add" || operation == "sub" || operation == "mul" || operation == "div" ||
      operation == "mod") {
    return Binary(operation, args);
  }
  if (operation == "avg") {
    const int scale = std::stoi(args[1]);
    const int result_scale = std::min(scale + kIncrement, kDecimalMaxScale);
    Int128 sum, average;
    if (ToScaled(args[0], scale, &sum) &&
        AverageScaled(sum, scale, std::stoull(args[2]), kIncrement, &average) == kDecOk) {
      return ScaledToString(average, result_scale);
    }
    Divide(Parse(args[0]), Parse(args[2]), kIncrement, &result);
    return Rounded(result, result_scale);
  }
  if (operation == "div_mul") {
    BigDecimal quotient;
    Divide(Parse(args[0]), Parse(args[1]), kIncrement, &quotient);
    const int scale1 = args[0].find('.') == std::string::npos
                           ? 0
                           : static_cast<int>(args[0].size() - args[0].find('.') - 1);
    const int scale3 = args[2].find('.') == std::string::npos
                           ? 0
                           : static_cast<int>(args[2].size() - args[2].find('.') - 1);
    quotient.Round(scale1 + kIncrement, DecimalRounding::kHalfUp, &quotient);
    Multiply(quotient, Parse(args[2]), &result);
    return Rounded(result, scale1 + kIncrement + scale3);
  }
  if (operation == "from_string") {
    BigDecimal::FromString(FromHex(args[0]), &result);
    const DecimalStatus status = result.Fit(65, 10, &result);
    (void)status;
    return result.ToString();
  }
  if (operation == "from_double") {
    BigDecimal::FromDouble(ParseDouble(args[0]).value, &result);
    result.Fit(65, 30, &result);
    return result.ToString();
  }
  const BigDecimal a = Parse(args[0]);
  if (operation == "round")
    return a.Round(std::stoi(args[1]), DecimalRounding::kHalfUp, &result), result.ToString();
  if (operation == "truncate")
    return a.Round(std::stoi(args[1]), DecimalRounding::kTruncate, &result), result.ToString();
  if (operation == "ceiling")
    return a.Round(0, DecimalRounding::kCeiling, &result), result.ToString();
  if (operation == "floor") return a.Round(0, DecimalRounding::kFloor, &result), result.ToString();
  if (operation == "cast")
    return a.Fit(std::stoi(args[1]), std::stoi(args[2]), &result), result.ToString();
  if (operation == "double") return FormatDouble(a.ToDouble());
  if (operation == "negate") return a.Negated().ToString();
  if (operation == "signed") {
    int64_t value = 0;
    a.ToInt64(&value);
    return std::to_string(value);
  }
  return "unknown operation";
}

TEST(DecimalTest, AnswersAsTheServer) { EXPECT_GT(RunRecorded("decimal", Recorded), 900u); }

Uint128 RandomBelow(Uint128 limit, std::mt19937_64& random) {
  const Uint128 value = static_cast<Uint128>(random()) << 64 | random();
  return value % limit;
}

// Every precision and scale: the fast decoders, the fast encoders and the server's packing agree.
TEST(DecimalTest, PackedRoundTrip) {
  std::mt19937_64 random(3);
  for (int precision = 1; precision <= 38; ++precision) {
    for (int scale = 0; scale <= std::min(precision, 30); ++scale) {
      const PackedDecimalDecoder decoder(precision, scale);
      for (int i = 0; i < 12; ++i) {
        const auto limit = static_cast<Uint128>(PowerOfTen(precision));
        Uint128 magnitude = i == 0 ? 0 : i == 1 ? limit - 1 : RandomBelow(limit, random);
        if (i > 6) magnitude %= static_cast<Uint128>(PowerOfTen(1 + i % precision));
        const Int128 value =
            i % 2 == 0 ? static_cast<Int128>(magnitude) : -static_cast<Int128>(magnitude);
        uint8_t packed[32] = {}, server[32] = {};
        ASSERT_EQ(EncodePackedFromInt128(value, precision, scale, packed), kDecOk);
        ASSERT_EQ(BigDecimal::FromScaled(value, scale).ToPacked(precision, scale, server), kDecOk);
        ASSERT_EQ(std::memcmp(packed, server, sizeof(packed)), 0)
            << ScaledToString(value, scale) << " " << precision;
        ASSERT_TRUE(decoder.DecodeInt128(packed) == value);
        BigDecimal back;
        ASSERT_EQ(BigDecimal::FromPacked(packed, precision, scale, &back), kDecOk);
        ASSERT_EQ(back.ToString(), ScaledToString(value, scale));
        Int128 scaled;
        ASSERT_EQ(back.ToScaled(scale, &scaled), kDecOk);
        ASSERT_TRUE(scaled == value);
        if (precision > 18) continue;
        ASSERT_EQ(decoder.DecodeInt64(packed), static_cast<int64_t>(value));
        uint8_t packed64[32] = {};
        ASSERT_EQ(EncodePackedFromInt64(static_cast<int64_t>(value), precision, scale, packed64),
                  kDecOk);
        ASSERT_EQ(std::memcmp(packed64, server, sizeof(packed)), 0);
      }
    }
  }
}

TEST(DecimalTest, EncodingTooManyDigitsGivesTheLargestValue) {
  uint8_t packed[16];
  EXPECT_EQ(EncodePackedFromInt64(-12345, 4, 2, packed), kDecOverflow);
  EXPECT_EQ(DecodePackedToInt64(packed, 4, 2), -9999);
}

TEST(DecimalTest, DivisionTruncatesAtNineDigitGroups) {
  EXPECT_EQ(DivisionDigits(0, 0, 4), 9);
  EXPECT_EQ(DivisionDigits(2, 0, 4), 9);
  EXPECT_EQ(DivisionDigits(2, 2, 4), 18);
  EXPECT_EQ(DivisionDigits(5, 0, 4), 9);
  Int128 result;
  // SELECT CAST(2 AS DECIMAL(10,5)) / 3: declared scale 9 equals the computed digits, so nothing
  // rounds it up.
  ASSERT_EQ(DivideScaled(200000, 5, 3, 0, 4, 9, &result), kDecOk);
  EXPECT_EQ(ScaledToString(result, 9), "0.666666666");
  ASSERT_EQ(DivideScaled(200, 2, 3, 0, 4, 6, &result), kDecOk);
  EXPECT_EQ(ScaledToString(result, 6), "0.666667");
  EXPECT_EQ(DivideScaled(1, 0, 0, 0, 4, 4, &result), kDecDivZero);
}

TEST(DecimalTest, RescaleRoundsAndChecks) {
  Int128 result;
  EXPECT_EQ(RescaleInt128(12345, 3, 1, DecimalRounding::kHalfUp, &result), kDecTruncated);
  EXPECT_TRUE(result == 123);
  EXPECT_EQ(RescaleInt128(-1250, 3, 1, DecimalRounding::kHalfUp, &result), kDecTruncated);
  EXPECT_TRUE(result == -13);
  EXPECT_EQ(RescaleInt128(-1250, 3, 1, DecimalRounding::kCeiling, &result), kDecTruncated);
  EXPECT_TRUE(result == -12);
  EXPECT_EQ(RescaleInt128(-1250, 3, 1, DecimalRounding::kFloor, &result), kDecTruncated);
  EXPECT_TRUE(result == -13);
  EXPECT_EQ(RescaleInt128(7, 0, 2, DecimalRounding::kHalfUp, &result), kDecOk);
  EXPECT_TRUE(result == 700);
  EXPECT_EQ(RescaleInt128(PowerOfTen(38), 0, 1, DecimalRounding::kHalfUp, &result), kDecOverflow);
}

TEST(DecimalTest, EqualValuesHashEqually) {
  EXPECT_EQ(Parse("1.50").Hash(), Parse("1.5").Hash());
  EXPECT_EQ(Parse("0.000").Hash(), Parse("-0").Hash());
  EXPECT_EQ(Parse("000123456789012.0").Hash(), Parse("123456789012").Hash());
  EXPECT_EQ(Parse("1.500000000000").Compare(Parse("1.5")), 0);
  EXPECT_NE(Parse("1.5").Hash(), Parse("-1.5").Hash());
  EXPECT_NE(Parse("1000000000").Hash(), Parse("1").Hash());
}

TEST(DecimalTest, TextOfExtremes) {
  EXPECT_EQ(ScaledToString(0, 0), "0");
  EXPECT_EQ(ScaledToString(0, 3), "0.000");
  EXPECT_EQ(ScaledToString(-5, 3), "-0.005");
  EXPECT_EQ(ScaledToString(PowerOfTen(38) - 1, 38), "0." + std::string(38, '9'));
  EXPECT_EQ(ScaledToString(PowerOfTen(37), 0), "1" + std::string(37, '0'));
}

}  // namespace
}  // namespace sirocco::mysqlsem
