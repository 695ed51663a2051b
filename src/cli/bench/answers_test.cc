#include "cli/bench/answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sirocco::bench {
namespace {

TEST(SameValue, ComparesNumbersAtTheLowerPrecision) {
  EXPECT_TRUE(SameValue("25.522006", "25.522005853257337"));
  EXPECT_TRUE(SameValue("37734107.00", "37734107"));
  EXPECT_TRUE(SameValue("0.10", ".1"));
  EXPECT_TRUE(SameValue("-0.004", "0.00"));
  EXPECT_TRUE(SameValue("99.996", "100.00"));
  EXPECT_TRUE(SameValue("1.005", "1.01"));
  EXPECT_FALSE(SameValue("1.00499", "1.01"));
  EXPECT_FALSE(SameValue("25.522006", "25.522004853257337"));
  EXPECT_FALSE(SameValue("5", "-5"));
  EXPECT_FALSE(SameValue("56586554400.73", "56586554400.74"));
  EXPECT_FALSE(SameValue("123456789012345678901234567890.1", "123456789012345678901234567890.2"));
}

TEST(SameValue, ComparesTextWithoutTrailingBlanks) {
  EXPECT_TRUE(SameValue("1-URGENT       ", "1-URGENT"));
  EXPECT_FALSE(SameValue("1-URGENT", "1-Urgent"));
  EXPECT_FALSE(SameValue(" a", "a"));
  EXPECT_TRUE(SameValue(std::nullopt, std::nullopt));
  EXPECT_FALSE(SameValue(std::nullopt, ""));
  EXPECT_FALSE(SameValue("1995-03-05", "1995-03-06"));
  EXPECT_FALSE(SameValue("1.2.3", "1.2"));
}

TEST(ParseAnswer, ReadsFieldsNullsAndEmptyText) {
  const auto answer = ParseAnswer("a|b\n1|x y\nNULL|\n");
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer, (Answer{{"1", "x y"}, {std::nullopt, ""}}));
  EXPECT_EQ(ParseAnswer("a|b\n1\n").error().code, ErrorCode::kCorrupt);
  EXPECT_TRUE(ParseAnswer("a\n")->empty());
  EXPECT_EQ(ParseAnswer("a\n1")->size(), 1u);
}

TEST(FindDifference, WantsTheSameRowsInTheSameOrder) {
  const Answer expected = {{"1", "a"}, {"2", "b"}};
  EXPECT_EQ(FindDifference(expected, expected, {}), std::nullopt);
  EXPECT_THAT(FindDifference(expected, {{"2", "b"}, {"1", "a"}}, {}),
              testing::Optional(testing::HasSubstr("row 1")));
  EXPECT_THAT(FindDifference(expected, {{"1", "a"}}, {}),
              testing::Optional(testing::HasSubstr("1 rows, expected 2")));
  EXPECT_NE(FindDifference(expected, {{"1", "a"}, {"2"}}, {}), std::nullopt);
  EXPECT_NE(FindDifference(expected, {{"1", "a"}, {"2", "c"}}, {}), std::nullopt);
}

TEST(FindDifference, LetsRowsThatTieChangePlaces) {
  const Answer expected = {{"1", "9"}, {"2", "5"}, {"3", "5"}, {"4", "1"}};
  const Answer swapped = {{"1", "9"}, {"3", "5"}, {"2", "5"}, {"4", "1"}};
  const Answer wrong_order = {{"2", "5"}, {"1", "9"}, {"3", "5"}, {"4", "1"}};
  const Answer doubled = {{"1", "9"}, {"2", "5"}, {"2", "5"}, {"4", "1"}};
  EXPECT_EQ(FindDifference(expected, swapped, {1}), std::nullopt);
  EXPECT_NE(FindDifference(expected, swapped, {}), std::nullopt);
  EXPECT_NE(FindDifference(expected, wrong_order, {1}), std::nullopt);
  EXPECT_NE(FindDifference(expected, doubled, {1}), std::nullopt);
}

}  // namespace
}  // namespace sirocco::bench
