// Window functions against naive loops: kinds of partitions and order x sizes x NULLs x workers x
// in memory and on disk.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>

#include "engine/exec/query_fixture.h"
#include "mysqlsem/collation.h"

namespace sirocco::engine {
namespace {

using plan::Value;
using plan::WindowFunction;

constexpr uint32_t kAiCi = 255;

class WindowTest : public ::testing::Test {
 protected:
  WindowTest()
      : space_(::testing::TempDir() + "sirocco-window-" + std::to_string(::getpid()),
               SpillSpace::kUnlimited) {
    EXPECT_TRUE(space_.Open());
  }
  ~WindowTest() override {
    QueryContext::ForceSpill(false);
    std::filesystem::remove_all(space_.folder());
  }

  enum class Partition { kNone, kInt, kString };

  // Columns: partition, order (the row's number, mixed), value, text.
  void Check(Partition kind, uint32_t num_rows, uint32_t num_partitions, uint32_t seed) {
    std::mt19937 random(seed);
    const plan::Type text = plan::StringType(kAiCi, 80);
    std::vector<uint32_t> order(num_rows);
    for (uint32_t i = 0; i < num_rows; ++i) order[i] = i;
    std::shuffle(order.begin(), order.end(), random);
    std::vector<TestColumn> columns = {
        MakeColumn(kind == Partition::kString ? text : plan::IntType(), num_rows,
                   [&](uint32_t) {
                     const uint32_t n = random() % num_partitions;
                     if (n % 11 == 4) return Value::Null();
                     return kind == Partition::kString
                                ? Value::Bytes((random() % 2 ? "p" : "P") + std::to_string(n))
                                : Value::Int(int64_t{n} * 1'000'000'007);
                   }),
        MakeColumn(plan::IntType(false), num_rows,
                   [&](uint32_t i) { return Value::Int(order[i]); }),
        MakeColumn(plan::IntType(), num_rows,
                   [&](uint32_t) {
                     return random() % 9 == 0 ? Value::Null() : Value::Int(random() % 1000);
                   }),
        MakeColumn(text, num_rows, [&](uint32_t i) {
          return i % 17 == 0 ? Value::Null() : Value::Bytes("text " + std::to_string(i));
        })};
    QueryFixture fixture;
    const plan::TableId table = fixture.AddTable(columns);
    auto node = std::make_shared<plan::Node>();
    node->kind = plan::NodeKind::kWindow;
    node->inputs = {fixture.Scan(table, 1)};
    if (kind != Partition::kNone) node->partition_by = {fixture.Column(table, 1, 0)};
    node->window_order = {{fixture.Column(table, 1, 1), false}};
    const auto add = [&](WindowFunction function, const plan::Type& type,
                         std::vector<plan::ExprPtr> args) -> plan::WindowCall& {
      plan::WindowCall call;
      call.id = 100 + static_cast<ColumnId>(node->windows.size());
      call.function = function;
      call.type = type;
      call.args = std::move(args);
      node->windows.push_back(std::move(call));
      return node->windows.back();
    };
    add(WindowFunction::kRowNumber, plan::IntType(false), {});
    plan::WindowCall& sum = add(WindowFunction::kAggregate, plan::DecimalType(32, 0), {});
    sum.aggregate.function = plan::AggregateFunction::kSum;
    sum.aggregate.args = {fixture.Column(table, 1, 2)};
    sum.aggregate.type = sum.type;
    plan::WindowCall& least = add(WindowFunction::kAggregate, plan::IntType(), {});
    least.aggregate.function = plan::AggregateFunction::kMin;
    least.aggregate.args = {fixture.Column(table, 1, 2)};
    least.aggregate.type = least.type;
    least.unit = plan::FrameUnit::kRows;
    least.start = plan::FrameBound::kPreceding;
    least.start_offset = plan::Constant(Value::Int(2), plan::IntType(false));
    least.end = plan::FrameBound::kFollowing;
    least.end_offset = plan::Constant(Value::Int(3), plan::IntType(false));
    add(WindowFunction::kFirstValue, text, {fixture.Column(table, 1, 3)});
    std::vector<ColumnId> results = {1, 2, 3, 4};
    for (const plan::WindowCall& call : node->windows) results.push_back(call.id);

    // Rows of each partition in order.
    std::map<std::string, std::vector<uint32_t>> partitions;
    for (uint32_t i = 0; i < num_rows; ++i) {
      const Value& key = columns[0].values[i];
      std::string name = key.is_null ? "-" : RowText({Value::Int(key.integer)}) + key.bytes;
      for (char& c : name) c = static_cast<char>(std::tolower(c));
      partitions[kind == Partition::kNone ? "" : name].push_back(i);
    }
    std::vector<TestRow> expected;
    for (auto& [name, rows] : partitions) {
      std::sort(rows.begin(), rows.end(),
                [&](uint32_t a, uint32_t b) { return order[a] < order[b]; });
      plan::int128 total = 0;
      bool any = false;
      for (size_t r = 0; r < rows.size(); ++r) {
        TestRow row;
        for (const TestColumn& column : columns) row.push_back(column.values[rows[r]]);
        row.push_back(Value::Int(static_cast<int64_t>(r + 1)));
        if (!row[2].is_null) {
          total += row[2].integer;
          any = true;
        }
        row.push_back(any ? Value::Int(total) : Value::Null());
        Value least_value = Value::Null();
        for (size_t f = r < 2 ? 0 : r - 2; f < std::min(rows.size(), r + 4); ++f) {
          const Value& value = columns[2].values[rows[f]];
          if (!value.is_null && (least_value.is_null || value.integer < least_value.integer))
            least_value = value;
        }
        row.push_back(least_value);
        row.push_back(columns[3].values[rows[0]]);
        expected.push_back(std::move(row));
      }
    }
    std::sort(expected.begin(), expected.end(), RowLess);
    const plan::Plan plan = QueryFixture::MakePlan(node, results);
    for (int way = 0; way < 4; ++way) {
      SCOPED_TRACE("partition kind " + std::to_string(static_cast<int>(kind)) + " rows " +
                   std::to_string(num_rows) + " partitions " + std::to_string(num_partitions) +
                   " way " + std::to_string(way) + " seed " + std::to_string(seed));
      QueryContext::ForceSpill(way >= 2);
      auto rows =
          fixture.Run(plan, 1 + way % 2, MemoryPool::kUnlimited, way >= 2 ? &space_ : nullptr);
      ASSERT_TRUE(rows.has_value()) << rows.error().ToString();
      ASSERT_EQ(space_.used_bytes(), 0u);
      std::sort(rows->begin(), rows->end(), RowLess);
      ASSERT_EQ(rows->size(), expected.size());
      for (size_t i = 0; i < expected.size(); ++i)
        ASSERT_EQ((*rows)[i], expected[i])
            << RowText((*rows)[i]) << " expected " << RowText(expected[i]);
    }
  }

  SpillSpace space_;
};

TEST_F(WindowTest, PartitionsOfAllSizes) {
  uint32_t seed = 1;
  for (Partition kind : {Partition::kNone, Partition::kInt, Partition::kString})
    for (uint32_t rows : {0u, 1u, 2047u, 2049u, 20000u})
      for (uint32_t partitions : {1u, 5u, 3000u}) Check(kind, rows, partitions, ++seed);
}

}  // namespace
}  // namespace sirocco::engine
