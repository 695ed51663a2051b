// Operators that go to disk: the same answers as in memory, and within their limits.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "engine/exec/query_context.h"
#include "engine/exec/query_fixture.h"

namespace sirocco::engine {
namespace {

using plan::Value;

constexpr uint32_t kRows = 100000;

class SpillTest : public ::testing::Test {
 protected:
  SpillTest()
      : space_(::testing::TempDir() + "sirocco-exec-spill-" + std::to_string(::getpid()),
               SpillSpace::kUnlimited) {
    EXPECT_TRUE(space_.Open());
    table_ = fixture_.AddTable(
        {MakeColumn(plan::IntType(), kRows,
                    [](uint32_t i) { return i % 7 == 0 ? Value::Null() : Value::Int(i % 30011); }),
         MakeColumn(plan::IntType(false), kRows,
                    [](uint32_t i) { return Value::Int((i * 2654435761u) >> 3); }),
         MakeColumn(plan::StringType(255, 400), kRows, [](uint32_t i) {
           return i % 11 == 0 ? Value::Null()
                              : Value::Bytes("a group of some length " + std::to_string(i / 3));
         })});
  }
  ~SpillTest() override {
    QueryContext::ForceSpill(false);
    std::filesystem::remove_all(space_.folder());
  }

  plan::Plan GroupBy(const std::vector<uint32_t>& columns, bool with_distinct) {
    auto node = std::make_shared<plan::Node>();
    node->kind = plan::NodeKind::kAggregate;
    node->inputs = {fixture_.Scan(table_, 1)};
    std::vector<ColumnId> results;
    for (uint32_t c : columns) {
      node->groups.push_back({50 + c, fixture_.Column(table_, 1, c)});
      results.push_back(50 + c);
    }
    const auto add = [&](plan::AggregateFunction function, uint32_t column, plan::Type type,
                         bool distinct) {
      plan::Aggregate aggregate;
      aggregate.id = 100 + static_cast<ColumnId>(node->aggregates.size());
      aggregate.function = function;
      aggregate.distinct = distinct;
      if (function != plan::AggregateFunction::kCountStar)
        aggregate.args = {fixture_.Column(table_, 1, column)};
      aggregate.type = std::move(type);
      results.push_back(aggregate.id);
      node->aggregates.push_back(std::move(aggregate));
    };
    add(plan::AggregateFunction::kCountStar, 0, plan::IntType(false), false);
    add(plan::AggregateFunction::kCount, 0, plan::IntType(false), with_distinct);
    add(plan::AggregateFunction::kSum, 1, plan::DecimalType(32, 0, true), false);
    add(plan::AggregateFunction::kMin, 2, plan::StringType(255, 400), false);
    add(plan::AggregateFunction::kMax, 1, plan::IntType(), false);
    return QueryFixture::MakePlan(node, results);
  }

  std::vector<TestRow> Sorted(Result<std::vector<TestRow>> rows) {
    EXPECT_TRUE(rows) << rows.error().ToString();
    if (!rows) return {};
    std::sort(rows->begin(), rows->end(), RowLess);
    return *rows;
  }

  void ExpectSame(const std::vector<TestRow>& a, const std::vector<TestRow>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) ASSERT_EQ(RowText(a[i]), RowText(b[i])) << "row " << i;
  }

  // Forced to disk, and by a limit that the groups do not fit.
  void ExpectSameOnDisk(const plan::Plan& plan, size_t limit, bool may_be_empty = false) {
    QueryContext::ForceSpill(false);
    const std::vector<TestRow> expected = Sorted(fixture_.Run(plan, 1));
    ASSERT_TRUE(may_be_empty || !expected.empty());
    for (uint32_t workers : {1u, 2u}) {
      EXPECT_FALSE(fixture_.Run(plan, workers, limit)) << "the limit must be too small for memory";
      ExpectSame(Sorted(fixture_.Run(plan, workers, limit, &space_)), expected);
      QueryContext::ForceSpill(true);
      const uint64_t before = space_.peak_bytes();
      ExpectSame(Sorted(fixture_.Run(plan, workers, MemoryPool::kUnlimited, &space_)), expected);
      EXPECT_GT(space_.peak_bytes(), 0u) << before;
      QueryContext::ForceSpill(false);
    }
    EXPECT_EQ(space_.used_bytes(), 0u);
  }

  QueryFixture fixture_;
  SpillSpace space_;
  plan::TableId table_;
};

TEST_F(SpillTest, GroupsByStrings) { ExpectSameOnDisk(GroupBy({2}, false), 3 << 20); }
TEST_F(SpillTest, GroupsByIntegers) { ExpectSameOnDisk(GroupBy({0}, false), 1 << 20); }
TEST_F(SpillTest, GroupsByBoth) { ExpectSameOnDisk(GroupBy({0, 2}, false), 4 << 20); }
TEST_F(SpillTest, DistinctValuesPerGroup) { ExpectSameOnDisk(GroupBy({2}, true), 4 << 20); }
TEST_F(SpillTest, EveryRowAGroup) { ExpectSameOnDisk(GroupBy({1}, false), 3 << 20); }

TEST_F(SpillTest, DistinctValuesWithoutGroups) {
  for (uint32_t column : {1u, 2u}) {
    plan::Plan plan = GroupBy({}, true);
    auto node = std::make_shared<plan::Node>(*plan.root);
    node->aggregates.resize(2);
    for (plan::Aggregate& aggregate : node->aggregates) {
      aggregate.function = plan::AggregateFunction::kCount;
      aggregate.distinct = true;
      aggregate.type = plan::IntType(false);
      aggregate.args = {fixture_.Column(table_, 1, column)};
    }
    node->aggregates[1].function = plan::AggregateFunction::kMax;
    node->aggregates[1].type = node->aggregates[1].args[0]->type;
    ExpectSameOnDisk(QueryFixture::MakePlan(node, {100, 101}), column == 1 ? 1 << 20 : 3 << 20);
  }
}

TEST_F(SpillTest, RollupOfManyGroups) {
  for (bool distinct : {false, true}) {
    // Keys of both kinds: packed into a number, and strings.
    plan::Plan plan =
        GroupBy(distinct ? std::vector<uint32_t>{0} : std::vector<uint32_t>{0, 2}, distinct);
    auto node = std::make_shared<plan::Node>(*plan.root);
    node->rollup = true;
    plan.root = node;
    ExpectSameOnDisk(plan, distinct ? 1 << 20 : 4 << 20);
  }
}

// Both sides too large for memory, with strings in the build side.
TEST_F(SpillTest, Joins) {
  for (plan::JoinKind kind : {plan::JoinKind::kInner, plan::JoinKind::kLeft, plan::JoinKind::kSemi,
                              plan::JoinKind::kAnti, plan::JoinKind::kNullAwareAnti}) {
    auto join = std::make_shared<plan::Node>();
    join->kind = plan::NodeKind::kJoin;
    join->join_kind = kind;
    join->inputs = {fixture_.Scan(table_, 1), fixture_.Scan(table_, 101)};
    // Column 1 is unique but for its lowest bits; the shifted key meets one row in eight.
    join->join_keys.push_back({fixture_.Column(table_, 1, 1), fixture_.Column(table_, 101, 1)});
    join->predicate = plan::Call(plan::ExprOp::kLt, plan::IntType(),
                                 {fixture_.Column(table_, 1, 0), fixture_.Column(table_, 101, 1)});
    std::vector<ColumnId> results = {1, 2, 3};
    if (kind == plan::JoinKind::kInner || kind == plan::JoinKind::kLeft)
      results.insert(results.end(), {101, 102, 103});
    if (kind == plan::JoinKind::kNullAwareAnti) join->predicate = nullptr;
    SCOPED_TRACE("kind " + std::to_string(static_cast<int>(kind)));
    const bool may_be_empty = kind != plan::JoinKind::kInner && kind != plan::JoinKind::kLeft &&
                              kind != plan::JoinKind::kSemi;
    const bool rows_are_kept = kind == plan::JoinKind::kInner || kind == plan::JoinKind::kLeft;
    ExpectSameOnDisk(QueryFixture::MakePlan(join, results), rows_are_kept ? 3 << 20 : 300 << 10,
                     may_be_empty);
  }
}

TEST_F(SpillTest, Sorts) {
  for (uint64_t limit : {uint64_t{50000}, plan::kNoLimit})
    for (uint32_t column : {1u, 2u}) {
      auto sort = std::make_shared<plan::Node>();
      sort->kind = plan::NodeKind::kSort;
      sort->inputs = {fixture_.Scan(table_, 1)};
      sort->sort_keys = {{fixture_.Column(table_, 1, column), true},
                         {fixture_.Column(table_, 1, 1), false}};
      sort->limit = limit;
      sort->offset = 1234;
      ExpectSameOnDisk(QueryFixture::MakePlan(sort, {1, 2, 3}), 3 << 20);
    }
}

TEST_F(SpillTest, Windows) {
  for (int column : {-1, 0, 2}) {
    auto node = std::make_shared<plan::Node>();
    node->kind = plan::NodeKind::kWindow;
    node->inputs = {fixture_.Scan(table_, 1)};
    if (column >= 0) node->partition_by = {fixture_.Column(table_, 1, column)};
    node->window_order = {{fixture_.Column(table_, 1, 1), false},
                          {fixture_.Column(table_, 1, 2), false}};
    plan::WindowCall call;
    call.id = 100;
    call.function = plan::WindowFunction::kRowNumber;
    call.type = plan::IntType(false);
    node->windows = {call};
    ExpectSameOnDisk(QueryFixture::MakePlan(node, {1, 2, 3, 100}), 4 << 20);
  }
}

TEST_F(SpillTest, Sets) {
  for (plan::SetOperation operation : {plan::SetOperation::kUnion, plan::SetOperation::kExceptAll,
                                       plan::SetOperation::kIntersect}) {
    auto node = std::make_shared<plan::Node>();
    node->kind = plan::NodeKind::kSetOperation;
    node->set_operation = operation;
    auto filtered = std::make_shared<plan::Node>();
    filtered->kind = plan::NodeKind::kFilter;
    filtered->inputs = {fixture_.Scan(table_, 101)};
    filtered->predicate = plan::Call(
        plan::ExprOp::kLt, plan::IntType(),
        {fixture_.Column(table_, 101, 0), plan::Constant(Value::Int(15000), plan::IntType(false))});
    node->inputs = {fixture_.Scan(table_, 1), filtered};
    node->set_inputs = {{1, 2, 3}, {101, 102, 103}};
    const auto& schema = fixture_.table(table_).schema().columns;
    for (uint32_t c = 0; c < 3; ++c) node->set_outputs.push_back({400 + c, schema[c].type});
    ExpectSameOnDisk(QueryFixture::MakePlan(node, {400, 401, 402}), 6 << 20);
  }
}

TEST_F(SpillTest, SharedRowsAreReadTwice) {
  plan::Plan plan;
  auto project = fixture_.Scan(table_, 1);
  plan.shared = {project};
  auto set = std::make_shared<plan::Node>();
  set->kind = plan::NodeKind::kSetOperation;
  set->set_operation = plan::SetOperation::kUnionAll;
  const auto& schema = fixture_.table(table_).schema().columns;
  for (ColumnId first : {200u, 300u}) {
    auto read = std::make_shared<plan::Node>();
    read->kind = plan::NodeKind::kSharedScan;
    read->shared = 0;
    std::vector<ColumnId> ids;
    for (uint32_t c = 0; c < schema.size(); ++c) {
      read->shared_columns.push_back({first + c, 1 + c});
      ids.push_back(first + c);
    }
    set->inputs.push_back(read);
    set->set_inputs.push_back(ids);
  }
  for (uint32_t c = 0; c < schema.size(); ++c) {
    set->set_outputs.push_back({400 + c, schema[c].type});
    plan.results.push_back({400 + c, schema[c].type, "c"});
  }
  plan.root = set;
  ExpectSameOnDisk(plan, 4 << 20);
}

TEST_F(SpillTest, FullDiskIsAnError) {
  SpillSpace small(space_.folder() + "/small", 100 << 10);
  ASSERT_TRUE(small.Open());
  const auto result = fixture_.Run(GroupBy({2}, false), 2, 4 << 20, &small);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().mysql_errno, 1114u) << result.error().ToString();
  EXPECT_EQ(small.used_bytes(), 0u);
}

}  // namespace
}  // namespace sirocco::engine
