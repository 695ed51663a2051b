// Joins against a naive nested loop: kinds x key types x structures x sizes x NULLs x duplicates x
// extra condition x workers x in memory and on disk.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "engine/exec/join_table.h"
#include "engine/exec/query_fixture.h"
#include "mysqlsem/collation.h"

namespace sirocco::engine {
namespace {

using plan::Value;

constexpr uint32_t kAiCi = 255;

enum class Keys {
  kDenseInt,
  kSparseInt,
  kMixedSign,
  kTwoInts,
  kDecimalScales,
  kWideDecimal,
  kDouble,
  kString,
  kStringAndInt,
  kNone
};

struct Shape {
  uint32_t left = 0, right = 0;
  uint32_t domain = 100;
  double null_share = 0;
};

struct Side {
  std::vector<TestColumn> columns;  // keys, then a payload integer, a payload string
  size_t num_keys = 0;
};

std::vector<plan::Type> KeyTypes(Keys keys, bool left) {
  switch (keys) {
    case Keys::kDenseInt:
    case Keys::kSparseInt:
      return {plan::IntType()};
    case Keys::kMixedSign:
      return {left ? plan::IntType() : plan::UIntType()};
    case Keys::kTwoInts:
      return {plan::IntType(), plan::IntType()};
    case Keys::kDecimalScales:
      return {plan::DecimalType(12, left ? 2 : 4)};
    case Keys::kWideDecimal:
      return {plan::DecimalType(30, 2)};
    case Keys::kDouble:
      return {plan::DoubleType()};
    case Keys::kString:
      return {plan::StringType(kAiCi, 100)};
    case Keys::kStringAndInt:
      return {plan::StringType(kAiCi, 100), plan::IntType()};
    case Keys::kNone:
      return {};
  }
  return {};
}

// The value of logical key number `n` in the representation of `type`; equal numbers give equal
// values on both sides.
Value KeyValue(Keys keys, const plan::Type& type, int64_t n, bool left, std::mt19937* random) {
  switch (type.kind) {
    case plan::TypeKind::kInt:
      return Value::Int(keys == Keys::kSparseInt   ? n * 1'000'003'333'331
                        : keys == Keys::kMixedSign ? n - 3
                                                   : n);
    case plan::TypeKind::kUInt:
      return Value::Int(n < 3 ? (plan::int128{1} << 64) + (n - 3) : plan::int128{n - 3});
    case plan::TypeKind::kDecimal:
      return Value::Int(keys == Keys::kDecimalScales && !left ? n * 100
                        : keys == Keys::kWideDecimal
                            ? plan::int128{n} * 1'000'000'000'000'000'000 * 1000
                            : plan::int128{n});
    case plan::TypeKind::kDouble:
      return Value::Real(n == 0 && (*random)() % 2 ? -0.0 : static_cast<double>(n) / 4);
    default: {
      std::string text = "Key " + std::to_string(n);
      if ((*random)() % 2) text[0] = 'k';  // equal under the collation
      return Value::Bytes(text);
    }
  }
}

Side MakeSide(Keys keys, uint32_t rows, const Shape& shape, bool left, std::mt19937* random) {
  Side side;
  for (const plan::Type& type : KeyTypes(keys, left)) {
    side.columns.push_back(MakeColumn(type, rows, [&](uint32_t) {
      if (static_cast<double>((*random)() % 1000) < shape.null_share * 1000) return Value::Null();
      return KeyValue(keys, type, (*random)() % shape.domain, left, random);
    }));
  }
  side.num_keys = side.columns.size();
  side.columns.push_back(MakeColumn(plan::IntType(), rows, [&](uint32_t i) {
    return i % 7 == 3 ? Value::Null() : Value::Int((*random)() % 1000);
  }));
  side.columns.push_back(MakeColumn(plan::StringType(kAiCi, 100), rows, [&](uint32_t i) {
    return Value::Bytes("row " + std::to_string(i % 97));
  }));
  return side;
}

bool KeysEqual(const plan::Type& a, const Value& x, const plan::Type& b, const Value& y) {
  if (x.is_null || y.is_null) return false;
  switch (a.kind) {
    case plan::TypeKind::kDecimal:
      return x.integer * (a.scale < b.scale ? 100 : 1) == y.integer * (a.scale > b.scale ? 100 : 1);
    case plan::TypeKind::kDouble:
      return x.real == y.real;
    case plan::TypeKind::kString:
      return mysqlsem::FindCollation(kAiCi)->Equal(x.bytes, y.bytes);
    default:
      return x.integer == y.integer;
  }
}

// Extra condition of the tests: left payload < right payload.
std::vector<TestRow> NaiveJoin(plan::JoinKind kind, const Side& left, const Side& right,
                               bool null_safe, bool extra, uint32_t num_left, uint32_t num_right) {
  std::vector<TestRow> out;
  const size_t pl = left.num_keys, pr = right.num_keys;
  for (uint32_t i = 0; i < num_left; ++i) {
    TestRow row;
    for (const auto& column : left.columns) row.push_back(column.values[i]);
    bool matched = false, unknown = false;
    for (uint32_t j = 0; j < num_right; ++j) {
      bool equal = true, maybe = true;
      for (size_t k = 0; k < pl && maybe; ++k) {
        const Value &x = left.columns[k].values[i], &y = right.columns[k].values[j];
        if (x.is_null || y.is_null) {
          const bool both = x.is_null && y.is_null;
          equal &= null_safe && both;
          maybe = !null_safe || both;
        } else {
          const bool same =
              KeysEqual(left.columns[k].schema.type, x, right.columns[k].schema.type, y);
          equal &= same;
          maybe &= same;
        }
      }
      if (!maybe) continue;
      if (extra) {
        const Value &x = left.columns[pl].values[i], &y = right.columns[pr].values[j];
        if (x.is_null || y.is_null || !(x.integer < y.integer)) continue;
      }
      if (!equal) {
        unknown = true;
        continue;
      }
      matched = true;
      if (kind == plan::JoinKind::kInner || kind == plan::JoinKind::kLeft) {
        TestRow pair = row;
        for (const auto& column : right.columns) pair.push_back(column.values[j]);
        out.push_back(std::move(pair));
      }
    }
    switch (kind) {
      case plan::JoinKind::kInner:
        break;
      case plan::JoinKind::kLeft:
        if (!matched) {
          TestRow alone = row;
          alone.resize(row.size() + right.columns.size());
          out.push_back(std::move(alone));
        }
        break;
      case plan::JoinKind::kSemi:
        if (matched) out.push_back(row);
        break;
      case plan::JoinKind::kAnti:
        if (!matched) out.push_back(row);
        break;
      case plan::JoinKind::kNullAwareAnti:
        if (!matched && !unknown) out.push_back(row);
        break;
    }
  }
  std::sort(out.begin(), out.end(), RowLess);
  return out;
}

class JoinTest : public ::testing::Test {
 protected:
  JoinTest()
      : space_(::testing::TempDir() + "sirocco-join-" + std::to_string(::getpid()),
               SpillSpace::kUnlimited) {
    EXPECT_TRUE(space_.Open());
  }
  ~JoinTest() override {
    SetJoinDebug(JoinDebug::kNone);
    QueryContext::ForceSpill(false);
    std::filesystem::remove_all(space_.folder());
  }

  void Check(plan::JoinKind kind, Keys keys, const Shape& shape, bool null_safe, bool extra,
             uint32_t seed) {
    if (kind == plan::JoinKind::kNullAwareAnti && (null_safe || KeyTypes(keys, true).size() != 1))
      return;
    std::mt19937 random(seed);
    const Side left = MakeSide(keys, shape.left, shape, true, &random),
               right = MakeSide(keys, shape.right, shape, false, &random);
    QueryFixture fixture;
    const plan::TableId l = fixture.AddTable(left.columns), r = fixture.AddTable(right.columns);
    auto join = std::make_shared<plan::Node>();
    join->kind = plan::NodeKind::kJoin;
    join->join_kind = kind;
    join->inputs = {fixture.Scan(l, 1), fixture.Scan(r, 101)};
    for (uint32_t k = 0; k < left.num_keys; ++k)
      join->join_keys.push_back(
          {fixture.Column(l, 1, k), fixture.Column(r, 101, k), kAiCi, null_safe});
    const auto p = static_cast<uint32_t>(left.num_keys);
    if (extra)
      join->predicate = plan::Call(plan::ExprOp::kLt, plan::IntType(),
                                   {fixture.Column(l, 1, p), fixture.Column(r, 101, p)});
    std::vector<ColumnId> results;
    for (uint32_t i = 0; i < left.columns.size(); ++i) results.push_back(1 + i);
    if (kind == plan::JoinKind::kInner || kind == plan::JoinKind::kLeft)
      for (uint32_t i = 0; i < right.columns.size(); ++i) results.push_back(101 + i);
    const plan::Plan plan = QueryFixture::MakePlan(join, results);
    const std::vector<TestRow> expected =
        NaiveJoin(kind, left, right, null_safe, extra, shape.left, shape.right);
    struct Way {
      JoinDebug debug;
      bool spill;
    };
    for (const auto [debug, spill] :
         {Way{JoinDebug::kNone, false}, Way{JoinDebug::kHash, false}, Way{JoinDebug::kDense, false},
          Way{JoinDebug::kNone, true}, Way{JoinDebug::kHash, true}}) {
      SetJoinDebug(debug);
      QueryContext::ForceSpill(spill);
      for (uint32_t workers : {1, 2}) {
        SCOPED_TRACE((spill ? "on disk, " : "") + std::string() + "kind " +
                     std::to_string(static_cast<int>(kind)) + " keys " +
                     std::to_string(static_cast<int>(keys)) + " left " +
                     std::to_string(shape.left) + " right " + std::to_string(shape.right) +
                     " domain " + std::to_string(shape.domain) + " nulls " +
                     std::to_string(shape.null_share) + " null_safe " + std::to_string(null_safe) +
                     " extra " + std::to_string(extra) + " debug " +
                     std::to_string(static_cast<int>(debug)) + " workers " +
                     std::to_string(workers) + " seed " + std::to_string(seed));
        Result<std::vector<TestRow>> rows =
            fixture.Run(plan, workers, MemoryPool::kUnlimited, spill ? &space_ : nullptr);
        ASSERT_TRUE(rows.has_value()) << rows.error().ToString();
        ASSERT_EQ(space_.used_bytes(), 0u);
        std::sort(rows->begin(), rows->end(), RowLess);
        ASSERT_EQ(rows->size(), expected.size());
        for (size_t i = 0; i < expected.size(); ++i)
          ASSERT_EQ((*rows)[i], expected[i])
              << RowText((*rows)[i]) << " expected " << RowText(expected[i]);
      }
    }
  }

  SpillSpace space_;
};

constexpr plan::JoinKind kKinds[] = {plan::JoinKind::kInner, plan::JoinKind::kLeft,
                                     plan::JoinKind::kSemi, plan::JoinKind::kAnti,
                                     plan::JoinKind::kNullAwareAnti};
constexpr Keys kAllKeys[] = {Keys::kDenseInt, Keys::kSparseInt,     Keys::kMixedSign,
                             Keys::kTwoInts,  Keys::kDecimalScales, Keys::kWideDecimal,
                             Keys::kDouble,   Keys::kString,        Keys::kStringAndInt,
                             Keys::kNone};

TEST_F(JoinTest, AllKindsAndKeys) {
  uint32_t seed = 1;
  for (plan::JoinKind kind : kKinds)
    for (Keys keys : kAllKeys)
      for (bool extra : {false, true})
        for (double nulls : {0.0, 0.2})
          Check(kind, keys, {.left = 300, .right = 70, .domain = 90, .null_share = nulls}, false,
                extra, ++seed);
}

TEST_F(JoinTest, MirroredSides) {
  uint32_t seed = 1000;
  for (plan::JoinKind kind : kKinds)
    for (Keys keys : {Keys::kDenseInt, Keys::kSparseInt, Keys::kTwoInts, Keys::kString})
      for (bool extra : {false, true})
        for (uint32_t domain : {20u, 100u, 3000u})
          Check(kind, keys, {.left = 60, .right = 500, .domain = domain, .null_share = 0.1}, false,
                extra, ++seed);
}

TEST_F(JoinTest, NullSafeKeys) {
  uint32_t seed = 2000;
  for (plan::JoinKind kind : kKinds)
    for (Keys keys : {Keys::kDenseInt, Keys::kTwoInts, Keys::kWideDecimal, Keys::kString})
      for (bool extra : {false, true})
        for (double nulls : {0.0, 0.3})
          Check(kind, keys, {.left = 100, .right = 150, .domain = 50, .null_share = nulls}, true,
                extra, ++seed);
}

TEST_F(JoinTest, EmptySidesAndVectorBorders) {
  uint32_t seed = 3000;
  for (plan::JoinKind kind : kKinds)
    for (uint32_t left : {0u, 1u, 2047u, 2048u, 2049u})
      for (uint32_t right : {0u, 1u, 100u})
        Check(kind, Keys::kDenseInt,
              {.left = left, .right = right, .domain = 200, .null_share = 0.05}, false,
              (left + right) % 2 == 0, ++seed);
}

TEST_F(JoinTest, ManyDuplicates) {
  uint32_t seed = 4000;
  for (plan::JoinKind kind : kKinds)
    for (bool extra : {false, true})
      Check(kind, Keys::kDenseInt, {.left = 16, .right = 2500, .domain = 2, .null_share = 0.01},
            false, extra, ++seed);
}

// Partitions that are split again, or joined block by block because their keys are all equal.
TEST_F(JoinTest, LargePartitions) {
  uint32_t seed = 5000;
  for (plan::JoinKind kind : kKinds)
    for (Keys keys : {Keys::kSparseInt, Keys::kString, Keys::kNone})
      for (bool extra : {false, true})
        for (uint32_t domain : {1u, 100000u}) {
          if (keys == Keys::kString && (extra || domain == 1)) continue;
          const bool many = domain > 3 && keys != Keys::kNone;
          Check(kind, keys,
                {.left = many ? 200u : 4u, .right = 7000, .domain = domain, .null_share = 0.02},
                false, extra, ++seed);
          Check(kind, keys,
                {.left = 5000, .right = many ? 200u : 4u, .domain = domain, .null_share = 0.02},
                false, extra, ++seed);
        }
}

// Large sides are checked by counts and sums of payload: unique keys, so the naive answer is known.
TEST_F(JoinTest, LargeUniqueBuild) {
  for (JoinDebug debug : {JoinDebug::kNone, JoinDebug::kHash}) {
    SetJoinDebug(debug);
    for (uint32_t step : {1u, 3u, 50u}) {
      constexpr uint32_t kRows = 70000;
      QueryFixture fixture;
      const plan::TableId l = fixture.AddTable(
          {MakeColumn(plan::IntType(), kRows, [](uint32_t i) { return Value::Int(i); })});
      const plan::TableId r = fixture.AddTable(
          {MakeColumn(plan::IntType(), kRows,
                      [&](uint32_t i) { return Value::Int(int64_t{(i * 37) % kRows} * step); }),
           MakeColumn(plan::IntType(), kRows,
                      [&](uint32_t i) { return Value::Int(int64_t{(i * 37) % kRows} * 5); })});
      auto join = std::make_shared<plan::Node>();
      join->kind = plan::NodeKind::kJoin;
      join->inputs = {fixture.Scan(l, 1), fixture.Scan(r, 101)};
      join->join_keys.push_back({fixture.Column(l, 1, 0), fixture.Column(r, 101, 0)});
      for (uint32_t workers : {1, 2}) {
        auto rows = fixture.Run(QueryFixture::MakePlan(join, {1, 102}), workers);
        ASSERT_TRUE(rows.has_value()) << rows.error().ToString();
        ASSERT_EQ(rows->size(), (kRows - 1) / step + 1);
        for (const TestRow& row : *rows) ASSERT_EQ(row[0].integer / step * 5, row[1].integer);
      }
    }
  }
}

TEST(RowBlocksTest, LocatesRowsInGrowingBlocks) {
  uint32_t row = 0;
  for (uint32_t block = 0, size = 2048; block < 12; ++block) {
    EXPECT_EQ(RowBlocks::Locate(row).block, block);
    EXPECT_EQ(RowBlocks::Locate(row).row, 0u);
    EXPECT_EQ(RowBlocks::Locate(row + size - 1).block, block);
    EXPECT_EQ(RowBlocks::Locate(row + size - 1).row, size - 1);
    row += size;
    if (size < 65536) size *= 2;
  }
}

}  // namespace
}  // namespace sirocco::engine
