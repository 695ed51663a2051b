// Sort and top-N against std::stable_sort on values.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "engine/exec/query_fixture.h"
#include "mysqlsem/collation.h"

namespace sirocco::engine {
namespace {

using plan::Value;

constexpr uint32_t kAiCi = 255;

int CompareValues(const plan::Type& type, const Value& a, const Value& b) {
  if (a.is_null || b.is_null) return static_cast<int>(b.is_null) - static_cast<int>(a.is_null);
  if (type.IsReal()) return a.real < b.real ? -1 : a.real > b.real;
  if (type.IsString()) return mysqlsem::FindCollation(type.collation)->Compare(a.bytes, b.bytes);
  return a.integer < b.integer ? -1 : a.integer > b.integer;
}

class SortTest : public ::testing::Test {
 protected:
  SortTest()
      : space_(::testing::TempDir() + "sirocco-sort-" + std::to_string(::getpid()),
               SpillSpace::kUnlimited) {
    EXPECT_TRUE(space_.Open());
  }
  ~SortTest() override {
    QueryContext::ForceSpill(false);
    std::filesystem::remove_all(space_.folder());
  }

  // Sorts a table of key columns and a row number; the rows must be in order, and be exactly the
  // best ones.
  void Check(const std::vector<plan::Type>& types, const std::vector<bool>& descending,
             uint32_t rows, uint64_t limit, uint64_t offset, uint32_t distinct) {
    std::mt19937 random(rows + distinct);
    std::vector<TestColumn> columns;
    for (const plan::Type& type : types) {
      columns.push_back(MakeColumn(type, rows, [&](uint32_t) {
        const auto n = static_cast<int64_t>(random() % distinct);
        if (type.nullable && n % 10 == 3) return Value::Null();
        if (type.IsReal()) return Value::Real(static_cast<double>(n - distinct / 2) / 8);
        if (type.IsString())
          return Value::Bytes((n % 2 ? "a" : "A") + std::string(n % 3, 'b') + std::to_string(n));
        if (type.kind == plan::TypeKind::kUInt)
          return Value::Int((plan::int128{1} << 63) + (n - distinct / 2));
        if (type.precision > 18) return Value::Int(plan::int128{n - distinct / 2} << 70);
        return Value::Int((n - distinct / 2) * (distinct > 1000 ? 1'000'000'007 : 1));
      }));
    }
    columns.push_back(
        MakeColumn(plan::IntType(false), rows, [](uint32_t i) { return Value::Int(i); }));
    QueryFixture fixture;
    const plan::TableId table = fixture.AddTable(columns);
    auto sort = std::make_shared<plan::Node>();
    sort->kind = plan::NodeKind::kSort;
    sort->inputs = {fixture.Scan(table, 1)};
    sort->limit = limit;
    sort->offset = offset;
    std::vector<ColumnId> results;
    for (uint32_t i = 0; i < types.size(); ++i)
      sort->sort_keys.push_back({fixture.Column(table, 1, i), descending[i]});
    for (uint32_t i = 0; i < columns.size(); ++i) results.push_back(1 + i);

    std::vector<TestRow> all;
    for (uint32_t i = 0; i < rows; ++i) {
      TestRow row;
      for (const TestColumn& column : columns) row.push_back(column.values[i]);
      all.push_back(std::move(row));
    }
    const auto compare = [&](const TestRow& a, const TestRow& b) {
      for (size_t k = 0; k < types.size(); ++k) {
        const int order = CompareValues(types[k], a[k], b[k]);
        if (order != 0) return descending[k] ? -order : order;
      }
      return 0;
    };
    std::vector<TestRow> sorted = all;
    std::stable_sort(sorted.begin(), sorted.end(),
                     [&](const TestRow& a, const TestRow& b) { return compare(a, b) < 0; });
    for (int way = 0; way < 4; ++way) {
      const uint32_t workers = 1 + way % 2;
      const bool spill = way >= 2;
      QueryContext::ForceSpill(spill);
      SCOPED_TRACE(
          std::string(spill ? "on disk, rows " : "rows ") + std::to_string(rows) + " limit " +
          std::to_string(limit) + " offset " + std::to_string(offset) + " distinct " +
          std::to_string(distinct) + " keys " + std::to_string(types.size()) + " of kind " +
          std::to_string(static_cast<int>(types[0].kind)) + " workers " + std::to_string(workers));
      auto result = fixture.Run(QueryFixture::MakePlan(sort, results), workers,
                                MemoryPool::kUnlimited, spill ? &space_ : nullptr);
      ASSERT_EQ(space_.used_bytes(), 0u);
      ASSERT_TRUE(result.has_value()) << result.error().ToString();
      const uint64_t expected = offset >= rows ? 0 : std::min<uint64_t>(limit, rows - offset);
      ASSERT_EQ(result->size(), expected);
      std::vector<bool> seen(rows);
      for (uint64_t i = 0; i < expected; ++i) {
        const TestRow& row = (*result)[i];
        // Ties come in any order: the key must be right, and the row must be one of the table's,
        // once.
        ASSERT_EQ(compare(row, sorted[offset + i]), 0)
            << i << ": " << RowText(row) << " expected " << RowText(sorted[offset + i]);
        const auto number = static_cast<size_t>(row.back().integer);
        ASSERT_LT(number, rows);
        ASSERT_FALSE(seen[number]);
        seen[number] = true;
        ASSERT_EQ(row, all[number]);
      }
    }
  }

  SpillSpace space_;
};

TEST_F(SortTest, AllTypesBothDirections) {
  const std::vector<plan::Type> types = {plan::IntType(),          plan::UIntType(),
                                         plan::DecimalType(12, 2), plan::DecimalType(30, 4),
                                         plan::DoubleType(),       plan::StringType(kAiCi, 80),
                                         plan::StringType(46, 80), plan::IntType(false)};
  for (const plan::Type& type : types)
    for (bool descending : {false, true})
      for (uint32_t distinct : {5u, 100000u})
        Check({type}, {descending}, 3000, plan::kNoLimit, 0, distinct);
}

TEST_F(SortTest, SeveralKeys) {
  for (bool descending : {false, true}) {
    Check({plan::StringType(kAiCi, 80), plan::IntType()}, {descending, !descending}, 2500,
          plan::kNoLimit, 0, 12);
    Check({plan::IntType(), plan::DoubleType(), plan::DecimalType(30, 2)},
          {descending, false, true}, 2500, plan::kNoLimit, 0, 7);
    Check({plan::IntType(), plan::IntType()}, {descending, true}, 2500, plan::kNoLimit, 0, 30);
  }
}

TEST_F(SortTest, SizesAndLimits) {
  for (uint32_t rows : {0u, 1u, 2047u, 2048u, 2049u, 70000u})
    for (uint64_t limit : {uint64_t{0}, uint64_t{1}, uint64_t{10}, uint64_t{5000}, plan::kNoLimit})
      for (uint64_t offset : {uint64_t{0}, uint64_t{7}})
        Check({plan::IntType()}, {true}, rows, limit, offset, 50000);
  for (uint64_t limit : {uint64_t{10}, uint64_t{3000}})
    Check({plan::StringType(kAiCi, 80)}, {false}, 30000, limit, 5, 90000);
}

}  // namespace
}  // namespace sirocco::engine
