#include "sql/runner/comparison.h"

#include <gtest/gtest.h>
#include <mysql/field_types.h>

namespace sirocco::sqltest {
namespace {

Column Typed(int type) {
  Column column;
  column.name = "c";
  column.type = type;
  return column;
}

TEST(ComparisonTest, RowsMayComeInAnyOrderButMustBeTheSame) {
  Statement statement;
  const std::vector<Column> columns = {Typed(MYSQL_TYPE_LONG)};
  EXPECT_TRUE(
      CompareRows(statement, columns, {{"1"}, {"2"}, {"2"}}, {{"2"}, {"1"}, {"2"}}).empty());
  EXPECT_FALSE(
      CompareRows(statement, columns, {{"1"}, {"2"}, {"2"}}, {{"1"}, {"1"}, {"2"}}).empty());
  EXPECT_FALSE(CompareRows(statement, columns, {{std::nullopt}}, {{""}}).empty());
  EXPECT_FALSE(CompareRows(statement, columns, {{"1"}}, {{"1"}, {"1"}}).empty());
  statement.order = Order::kExact;
  EXPECT_FALSE(CompareRows(statement, columns, {{"1"}, {"2"}}, {{"2"}, {"1"}}).empty());
}

TEST(ComparisonTest, KeysMustBeInOrder) {
  Statement statement;
  statement.order = Order::kKeys;
  statement.key_columns = {1};
  const std::vector<Column> columns = {Typed(MYSQL_TYPE_LONG), Typed(MYSQL_TYPE_LONG)};
  EXPECT_TRUE(CompareRows(statement, columns, {{"1", "a"}, {"1", "b"}, {"2", "c"}},
                          {{"1", "b"}, {"1", "a"}, {"2", "c"}})
                  .empty());
  EXPECT_FALSE(
      CompareRows(statement, columns, {{"1", "a"}, {"2", "c"}}, {{"2", "c"}, {"1", "a"}}).empty());
}

TEST(ComparisonTest, ApproximateTouchesFloatingColumnsOnly) {
  Statement statement;
  const std::vector<Row> off = {{"0.30000000000000004"}}, forced = {{"0.3"}};
  EXPECT_FALSE(CompareRows(statement, {Typed(MYSQL_TYPE_DOUBLE)}, off, forced).empty());
  statement.approximate = true;
  EXPECT_TRUE(CompareRows(statement, {Typed(MYSQL_TYPE_DOUBLE)}, off, forced).empty());
  EXPECT_FALSE(CompareRows(statement, {Typed(MYSQL_TYPE_NEWDECIMAL)}, off, forced).empty());
  EXPECT_FALSE(
      CompareRows(statement, {Typed(MYSQL_TYPE_DOUBLE)}, {{"0.3"}}, {{"0.30001"}}).empty());
}

TEST(ComparisonTest, OutcomesDifferInErrorsTypesAndWarnings) {
  Statement statement;
  Outcome off, forced;
  off.columns = forced.columns = {Typed(MYSQL_TYPE_LONG)};
  EXPECT_TRUE(CompareOutcomes(statement, off, forced).empty());
  forced.warnings = {"Warning 1365 Division by 0"};
  EXPECT_FALSE(CompareOutcomes(statement, off, forced).empty());
  off.warnings = forced.warnings;
  EXPECT_TRUE(CompareOutcomes(statement, off, forced).empty());
  forced.columns[0].length = 11;
  EXPECT_FALSE(CompareOutcomes(statement, off, forced).empty());
  forced.columns = off.columns;
  forced.error = 1690;
  EXPECT_FALSE(CompareOutcomes(statement, off, forced).empty());
}

}  // namespace
}  // namespace sirocco::sqltest
