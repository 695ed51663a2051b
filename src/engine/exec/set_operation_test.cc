// Set operations against counting in a map: operations x types x sizes x NULLs x workers x in
// memory and on disk.
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

using plan::SetOperation;
using plan::Value;

constexpr uint32_t kAiCi = 255;

class SetOperationTest : public ::testing::Test {
 protected:
  SetOperationTest()
      : space_(::testing::TempDir() + "sirocco-sets-" + std::to_string(::getpid()),
               SpillSpace::kUnlimited) {
    EXPECT_TRUE(space_.Open());
  }
  ~SetOperationTest() override {
    QueryContext::ForceSpill(false);
    std::filesystem::remove_all(space_.folder());
  }

  // Inputs of random rows below `domain`; strings are compared by what they are equal to.
  void Check(SetOperation operation, const std::vector<plan::Type>& types,
             const std::vector<uint32_t>& sizes, uint32_t domain, uint32_t seed) {
    std::mt19937 random(seed);
    QueryFixture fixture;
    auto node = std::make_shared<plan::Node>();
    node->kind = plan::NodeKind::kSetOperation;
    node->set_operation = operation;
    std::vector<std::map<std::string, int64_t>> counts;
    ColumnId id = 1;
    for (uint32_t rows : sizes) {
      std::vector<TestColumn> columns;
      for (const plan::Type& type : types)
        columns.push_back(MakeColumn(type, rows, [&](uint32_t) {
          const uint32_t n = random() % domain;
          if (n % 13 == 5) return Value::Null();
          if (type.IsString())
            return Value::Bytes((random() % 2 ? "value " : "VALUE ") + std::to_string(n));
          if (type.IsReal()) return Value::Real(n / 8.0);
          return Value::Int(int64_t{n} * 7919 - 100);
        }));
      const plan::TableId table = fixture.AddTable(columns);
      node->inputs.push_back(fixture.Scan(table, id));
      std::vector<ColumnId> ids;
      for (size_t c = 0; c < types.size(); ++c) ids.push_back(id++);
      node->set_inputs.push_back(ids);
      counts.emplace_back();
      for (uint32_t i = 0; i < rows; ++i) {
        TestRow row;
        for (const TestColumn& column : columns) row.push_back(column.values[i]);
        ++counts.back()[Folded(row)];
      }
    }
    std::vector<ColumnId> results;
    for (const plan::Type& type : types) {
      node->set_outputs.push_back({1000 + static_cast<ColumnId>(results.size()), type});
      results.push_back(node->set_outputs.back().first);
    }
    const auto at = [&](size_t input, const std::string& key) {
      const auto found = counts[input].find(key);
      return found == counts[input].end() ? int64_t{0} : found->second;
    };
    std::map<std::string, int64_t> expected;
    for (const auto& input : counts)
      for (const auto& [key, unused] : input) {
        int64_t n = at(0, key);
        for (size_t k = 1; k < counts.size(); ++k) {
          switch (operation) {
            case SetOperation::kUnion:
              n = n > 0 || at(k, key) > 0;
              break;
            case SetOperation::kIntersect:
              n = n > 0 && at(k, key) > 0;
              break;
            case SetOperation::kIntersectAll:
              n = std::min(n, at(k, key));
              break;
            case SetOperation::kExcept:
              n = n > 0 && at(k, key) == 0;
              break;
            case SetOperation::kExceptAll:
              n = std::max<int64_t>(n - at(k, key), 0);
              break;
            default:
              break;
          }
        }
        if (n > 0) expected[key] = n;
      }
    const plan::Plan plan = QueryFixture::MakePlan(node, results);
    for (int way = 0; way < 4; ++way) {
      SCOPED_TRACE("operation " + std::to_string(static_cast<int>(operation)) + " types " +
                   std::to_string(types.size()) + " domain " + std::to_string(domain) + " way " +
                   std::to_string(way) + " seed " + std::to_string(seed));
      QueryContext::ForceSpill(way >= 2);
      auto rows =
          fixture.Run(plan, 1 + way % 2, MemoryPool::kUnlimited, way >= 2 ? &space_ : nullptr);
      ASSERT_TRUE(rows.has_value()) << rows.error().ToString();
      ASSERT_EQ(space_.used_bytes(), 0u);
      std::map<std::string, int64_t> got;
      for (const TestRow& row : *rows) ++got[Folded(row)];
      ASSERT_EQ(got, expected);
    }
  }

  static std::string Folded(const TestRow& row) {
    std::string key;
    for (const Value& value : row) {
      std::string bytes = value.bytes;
      for (char& c : bytes) c = static_cast<char>(std::tolower(c));
      key += value.is_null
                 ? "NULL"
                 : RowText({Value::Int(value.integer)}) + bytes + std::to_string(value.real);
      key += '|';
    }
    return key;
  }

  SpillSpace space_;
};

TEST_F(SetOperationTest, AllOperationsAndTypes) {
  uint32_t seed = 1;
  for (SetOperation operation :
       {SetOperation::kUnion, SetOperation::kIntersect, SetOperation::kIntersectAll,
        SetOperation::kExcept, SetOperation::kExceptAll})
    for (const std::vector<plan::Type>& types :
         std::vector<std::vector<plan::Type>>{{plan::IntType()},
                                              {plan::StringType(kAiCi, 80)},
                                              {plan::DecimalType(30, 2)},
                                              {plan::DoubleType()},
                                              {plan::IntType(), plan::StringType(kAiCi, 80)}})
      for (uint32_t domain : {3u, 20000u}) {
        Check(operation, types, {5000, 6000}, domain, ++seed);
        Check(operation, types, {3000, 0, 3000}, domain, ++seed);
        Check(operation, types, {0, 2049}, domain, ++seed);
        Check(operation, types, {2047, 2048, 2500}, domain, ++seed);
      }
}

}  // namespace
}  // namespace sirocco::engine
