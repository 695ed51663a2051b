// Whole queries: small nodes, early stop, cancellation, refused memory, errors in mid stream.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "engine/exec/query_fixture.h"

namespace sirocco::engine {
namespace {

using plan::ExprOp;
using plan::Value;

constexpr uint32_t kRows = 200000;

class QueryTest : public ::testing::Test {
 protected:
  QueryTest() {
    table_ = fixture_.AddTable(
        {MakeColumn(plan::IntType(false), kRows, [](uint32_t i) { return Value::Int(i); }),
         MakeColumn(plan::IntType(), kRows,
                    [](uint32_t i) { return i % 5 == 0 ? Value::Null() : Value::Int(i % 1000); }),
         MakeColumn(plan::StringType(255, 100), kRows,
                    [](uint32_t i) { return Value::Bytes("text " + std::to_string(i)); })});
  }
  plan::ExprPtr Column(uint32_t column, ColumnId first_id = 1) {
    return fixture_.Column(table_, first_id, column);
  }
  plan::ExprPtr Int(int64_t value) {
    return plan::Constant(Value::Int(value), plan::IntType(false));
  }
  // Every row with every row of the table: runs for minutes if it is not stopped.
  plan::Plan CrossJoin() {
    auto join = std::make_shared<plan::Node>();
    join->kind = plan::NodeKind::kJoin;
    join->inputs = {fixture_.Scan(table_, 1), fixture_.Scan(table_, 101)};
    join->predicate = plan::Call(
        ExprOp::kLt, plan::IntType(),
        {plan::Call(ExprOp::kAdd, plan::IntType(), {Column(0), Column(0, 101)}), Int(-1)});
    return QueryFixture::MakePlan(join, {1, 101});
  }

  QueryFixture fixture_;
  plan::TableId table_;
};

TEST_F(QueryTest, FilterProjectLimit) {
  auto filter = std::make_shared<plan::Node>();
  filter->kind = plan::NodeKind::kFilter;
  filter->predicate =
      plan::Call(ExprOp::kEq, plan::IntType(),
                 {plan::Call(ExprOp::kMod, plan::IntType(), {Column(0), Column(1)}), Int(3)});
  filter->inputs = {fixture_.Scan(table_, 1)};
  auto project = std::make_shared<plan::Node>();
  project->kind = plan::NodeKind::kProject;
  project->expressions = {{50, plan::Call(ExprOp::kMul, plan::IntType(), {Column(0), Int(2)})}};
  project->inputs = {filter};
  std::vector<int64_t> expected;
  for (int64_t i = 0; i < kRows; ++i)
    if (i % 5 != 0 && i % 1000 != 0 && i % (i % 1000) == 3) expected.push_back(2 * i);
  for (uint32_t workers : {1, 2}) {
    auto rows = fixture_.Run(QueryFixture::MakePlan(project, {50}), workers);
    ASSERT_TRUE(rows.has_value()) << rows.error().ToString();
    std::vector<int64_t> found;
    for (const TestRow& row : *rows) found.push_back(static_cast<int64_t>(row[0].integer));
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, expected);
    for (uint64_t limit : {uint64_t{0}, uint64_t{1}, uint64_t{100}, expected.size() + 5}) {
      auto node = std::make_shared<plan::Node>();
      node->kind = plan::NodeKind::kLimit;
      node->limit = limit;
      node->offset = 2;
      node->inputs = {project};
      auto limited = fixture_.Run(QueryFixture::MakePlan(node, {50}), workers);
      ASSERT_TRUE(limited.has_value()) << limited.error().ToString();
      EXPECT_EQ(limited->size(), std::min<uint64_t>(limit, expected.size() - 2));
    }
  }
}

TEST_F(QueryTest, UnionAllAndSharedSubplan) {
  auto filter = std::make_shared<plan::Node>();
  filter->kind = plan::NodeKind::kFilter;
  filter->predicate = plan::Call(ExprOp::kLt, plan::IntType(), {Column(0), Int(1000)});
  filter->inputs = {fixture_.Scan(table_, 1)};
  plan::Plan plan;
  plan.shared = {filter};
  const auto shared_scan = [](ColumnId a, ColumnId b) {
    auto node = std::make_shared<plan::Node>();
    node->kind = plan::NodeKind::kSharedScan;
    node->shared_columns = {{a, 1}, {b, 3}};
    return node;
  };
  auto values = std::make_shared<plan::Node>();
  values->kind = plan::NodeKind::kValues;
  values->value_columns = {{301, plan::IntType()}, {302, plan::StringType(255, 100)}};
  values->rows = {{Value::Int(-1), Value::Bytes("constant")}, {Value::Null(), Value::Null()}};
  auto all = std::make_shared<plan::Node>();
  all->kind = plan::NodeKind::kSetOperation;
  all->inputs = {shared_scan(201, 202), values, shared_scan(203, 204)};
  all->set_outputs = {{401, plan::IntType()}, {402, plan::StringType(255, 100)}};
  all->set_inputs = {{201, 202}, {301, 302}, {203, 204}};
  plan.root = all;
  plan.results = {{401, plan::IntType(), "a"}, {402, plan::StringType(255, 100), "b"}};
  for (uint32_t workers : {1, 2}) {
    auto rows = fixture_.Run(plan, workers);
    ASSERT_TRUE(rows.has_value()) << rows.error().ToString();
    ASSERT_EQ(rows->size(), 2002u);
    std::sort(rows->begin(), rows->end(), RowLess);
    EXPECT_TRUE((*rows)[0][0].is_null);
    EXPECT_EQ((*rows)[1][1].bytes, "constant");
    EXPECT_EQ((*rows)[2][1].bytes, "text 0");
    EXPECT_EQ((*rows)[2001][1].bytes, "text 999");
  }
}

TEST_F(QueryTest, CancelStopsWithinAFifthOfASecond) {
  for (uint32_t workers : {1, 2}) {
    MemoryPool pool("query");
    auto query =
        Query::Prepare(CrossJoin(), fixture_.lookup(), {.num_workers = workers, .pool = &pool});
    ASSERT_TRUE(query.has_value()) << query.error().ToString();
    std::chrono::steady_clock::time_point asked;
    std::thread killer([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      asked = std::chrono::steady_clock::now();
      (*query)->Cancel();
    });
    const Result<void> result = (*query)->Run([](const Batch&) -> Result<void> { return {}; });
    const auto ended = std::chrono::steady_clock::now();
    killer.join();
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
    EXPECT_LT(std::chrono::duration<double>(ended - asked).count(), 0.2);
  }
}

TEST_F(QueryTest, MemoryIsRefusedNotExceeded) {
  auto join = std::make_shared<plan::Node>();
  join->kind = plan::NodeKind::kJoin;
  join->inputs = {fixture_.Scan(table_, 1), fixture_.Scan(table_, 101)};
  join->join_keys = {{Column(0), Column(0, 101)}};
  auto sort = std::make_shared<plan::Node>();
  sort->kind = plan::NodeKind::kSort;
  sort->sort_keys = {{Column(2), false}};
  sort->inputs = {join};
  const plan::Plan plan = QueryFixture::MakePlan(sort, {1, 103});
  for (uint32_t workers : {1, 2}) {
    // Limits grow until the query succeeds: every step before must fail cleanly.
    bool succeeded = false;
    int refused = 0;
    for (size_t limit = 64 << 10; limit <= size_t{1} << 30 && !succeeded; limit *= 2) {
      auto rows = fixture_.Run(plan, workers, limit);
      if (rows.has_value()) {
        succeeded = true;
        EXPECT_EQ(rows->size(), kRows);
      } else {
        EXPECT_EQ(rows.error().code, ErrorCode::kOutOfMemory) << rows.error().ToString();
        ++refused;
      }
    }
    EXPECT_TRUE(succeeded);
    EXPECT_GT(refused, 3);
  }
}

TEST_F(QueryTest, FirstErrorEndsTheQuery) {
  // Overflow in one late row.
  auto project = std::make_shared<plan::Node>();
  project->kind = plan::NodeKind::kProject;
  project->expressions = {
      {50, plan::Call(ExprOp::kAdd, plan::IntType(), {Column(0), Int(INT64_MAX - 150000)})}};
  project->inputs = {fixture_.Scan(table_, 1)};
  for (uint32_t workers : {1, 2}) {
    auto rows = fixture_.Run(QueryFixture::MakePlan(project, {50}), workers);
    ASSERT_FALSE(rows.has_value());
    EXPECT_EQ(rows.error().code, ErrorCode::kMysql);
    EXPECT_EQ(rows.error().mysql_errno, 1690u);
  }
  // The sink's error.
  MemoryPool pool("query");
  auto query = Query::Prepare(QueryFixture::MakePlan(fixture_.Scan(table_, 1), {1}),
                              fixture_.lookup(), {.num_workers = 2, .pool = &pool});
  ASSERT_TRUE(query.has_value());
  const Result<void> result = (*query)->Run(
      [](const Batch&) -> Result<void> { return MakeError(ErrorCode::kIo, "client gone"); });
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kIo);
}

TEST_F(QueryTest, UnknownTableIsNotFound) {
  auto scan = std::make_shared<plan::Node>(*fixture_.Scan(table_, 1));
  scan->table = 77;
  auto rows = fixture_.Run(QueryFixture::MakePlan(scan, {1}), 1);
  ASSERT_FALSE(rows.has_value());
  EXPECT_EQ(rows.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace sirocco::engine
