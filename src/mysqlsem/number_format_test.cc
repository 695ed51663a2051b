#include "mysqlsem/number_format.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "mysqlsem/recorded.h"

namespace sirocco::mysqlsem {
namespace {

std::string Recorded(const std::string& operation, const RecordedArgs& args) {
  if (operation == "parse_double") return FormatDouble(ParseDouble(FromHex(args[0])).value);
  if (operation == "parse_signed") return std::to_string(ParseSigned(FromHex(args[0])).value);
  if (operation == "parse_unsigned") return std::to_string(ParseUnsigned(FromHex(args[0])).value);
  const double value = ParseDouble(args[0]).value;
  if (operation == "double") return FormatDouble(value);
  if (operation == "double_string")
    return FormatDouble(value, kNotFixedDecimals, FloatText::kString);
  if (operation == "float" || operation == "float_string") {
    if (std::fabs(value) > 3.4028234663852886e38) return "ERROR";
    const auto narrow = static_cast<float>(value);
    return FormatFloat(narrow, kNotFixedDecimals,
                       operation == "float" ? FloatText::kResultSet : FloatText::kString);
  }
  const int decimals = std::stoi(args[1]);
  if (operation == "round") return FormatDouble(RoundDouble(value, decimals, false));
  if (operation == "truncate") return FormatDouble(RoundDouble(value, decimals, true));
  return "unknown operation";
}

TEST(NumberFormatTest, AnswersAsTheServer) { EXPECT_GT(RunRecorded("number", Recorded), 1200u); }

TEST(NumberFormatTest, ParsingSaysWhatWasWrong) {
  EXPECT_FALSE(ParseDouble("1.5  ").truncated);
  EXPECT_TRUE(ParseDouble("1.5x").truncated);
  EXPECT_EQ(ParseDouble("1.5x").consumed, 3u);
  EXPECT_FALSE(ParseDouble("").truncated);
  EXPECT_TRUE(ParseDouble("x").truncated);
  EXPECT_TRUE(ParseDouble("1e999").out_of_range);
  EXPECT_FALSE(ParseSigned(" -12 ").truncated);
  EXPECT_TRUE(ParseSigned("1.5").truncated);
  EXPECT_TRUE(ParseSigned("18446744073709551616").out_of_range);
  EXPECT_TRUE(ParseSigned("9223372036854775808").complement);
  EXPECT_TRUE(ParseUnsigned("-1").complement);
  EXPECT_EQ(ParseUnsigned("-1").value, UINT64_MAX);
}

TEST(NumberFormatTest, ParsingStopsAtTheEndOfTheView) {
  const char text[] = "12345";
  EXPECT_EQ(ParseSigned(std::string_view(text, 2)).value, 12);
  EXPECT_EQ(ParseDouble(std::string_view(text, 3)).value, 123);
}

// Columns such as DOUBLE(10,2).
TEST(NumberFormatTest, FixedDecimals) {
  EXPECT_EQ(FormatDouble(2.5, 0), "2");  // half to even
  EXPECT_EQ(FormatDouble(1.005, 2), "1.00");
  EXPECT_EQ(FormatDouble(-0.125, 2), "-0.12");
  EXPECT_EQ(FormatDouble(1e15, 1), "1000000000000000.0");
  EXPECT_EQ(FormatFloat(1.5f, 3), "1.500");
}

TEST(NumberFormatTest, Integers) {
  char out[kMaxFormattedInteger];
  EXPECT_EQ(std::string(out, FormatInt64(INT64_MIN, out)), "-9223372036854775808");
  EXPECT_EQ(std::string(out, FormatUint64(UINT64_MAX, out)), "18446744073709551615");
}

TEST(NumberFormatTest, DoubleToInteger) {
  bool out_of_range = true;
  EXPECT_EQ(DoubleToInt64(2.5, &out_of_range), 2);
  EXPECT_FALSE(out_of_range);
  EXPECT_EQ(DoubleToInt64(-3.5, &out_of_range), -4);
  EXPECT_EQ(DoubleToInt64(1e19, &out_of_range), INT64_MAX);
  EXPECT_TRUE(out_of_range);
  EXPECT_EQ(DoubleToUint64(1.8e19, &out_of_range), 18000000000000000000ULL);
  EXPECT_FALSE(out_of_range);
  DoubleToUint64(-1, &out_of_range);
  EXPECT_TRUE(out_of_range);
}

}  // namespace
}  // namespace sirocco::mysqlsem
