#include "sql/runner/test_file.h"

#include <gtest/gtest.h>

namespace sirocco::sqltest {
namespace {

TEST(TestFileTest, ReadsStatementsAndDirectives) {
  const auto parsed = ParseTests(
      "# a comment\n"
      "CREATE TABLE t (a INT);\n"
      "-- load t u\n"
      "\n"
      "SELECT a\n"
      "FROM t;\n"
      "-- ordered 2, 1\n"
      "-- rows 3\n"
      "-- params 5, NULL, 'it''s', -1.5e3\n"
      "SELECT a, b FROM t WHERE c IN (?, ?, ?, ?);\n"
      "-- refused not\\s+supported\n"
      "WITH x AS (SELECT 1) SELECT * FROM t;\n"
      "-- into v\n"
      "CREATE TABLE v AS SELECT * FROM t;\n"
      "-- not-offered\n"
      "SET @x = (SELECT 1 FROM t);\n",
      ".", "x.test");
  ASSERT_TRUE(parsed) << parsed.error().message;
  const std::vector<Statement>& s = *parsed;
  ASSERT_EQ(s.size(), 7u);
  EXPECT_EQ(s[0].action, Action::kRun);
  EXPECT_EQ(s[1].action, Action::kLoad);
  EXPECT_EQ(s[1].tables, (std::vector<std::string>{"t", "u"}));
  EXPECT_EQ(s[2].action, Action::kCompare);
  EXPECT_EQ(s[2].sql, "SELECT a\nFROM t");
  EXPECT_EQ(s[2].line, 5);
  EXPECT_EQ(s[3].order, Order::kKeys);
  EXPECT_EQ(s[3].key_columns, (std::vector<int>{2, 1}));
  EXPECT_EQ(s[3].expected_rows, 3);
  ASSERT_EQ(s[3].parameters.size(), 4u);
  EXPECT_EQ(s[3].parameters[0].type, Parameter::Type::kInteger);
  EXPECT_EQ(s[3].parameters[1].type, Parameter::Type::kNull);
  EXPECT_EQ(s[3].parameters[2].text, "it's");
  EXPECT_EQ(s[3].parameters[3].type, Parameter::Type::kDouble);
  EXPECT_TRUE(s[4].refused);
  EXPECT_EQ(s[4].reason, "not\\s+supported");
  EXPECT_EQ(s[5].action, Action::kInto);
  EXPECT_EQ(s[5].target, "v");
  EXPECT_TRUE(s[6].not_offered);
  EXPECT_EQ(s[6].action, Action::kCompare);
}

TEST(TestFileTest, RefusesWhatItCannotRead) {
  EXPECT_FALSE(ParseTests("SELECT 1\n", ".", "x"));
  EXPECT_FALSE(ParseTests("-- orderd\nSELECT 1;\n", ".", "x"));
  EXPECT_FALSE(ParseTests("-- refused (\nSELECT 1;\n", ".", "x"));
  EXPECT_FALSE(ParseTests("-- include nothing.inc\n", ".", "x"));
  EXPECT_FALSE(ParseTests("SELECT 1;\n-- rows 1\n", ".", "x"));
}

}  // namespace
}  // namespace sirocco::sqltest
