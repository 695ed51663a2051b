// Load and read back: every encoding, NULLs, extremes, sizes around vectors and chunks,
// dictionaries and their collations, statistics, visibility, memory.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "engine/storage/chunk.h"
#include "engine/storage/table_fixture.h"

namespace sirocco::engine {
namespace {

using plan::Value;

constexpr uint32_t kSizes[] = {0, 1, 2047, 2048, 2049, 65535, 65536, 65537};
constexpr uint32_t kAiCi = 255, kBin0900 = 309, kUtf8Mb4Bin = 46, kLatin1SwedishCi = 8;

std::shared_ptr<MemoryPool> Pool(size_t limit = MemoryPool::kUnlimited) {
  return std::make_shared<MemoryPool>("test", limit);
}

uint64_t Mix(uint64_t i) {
  i = (i + 1) * 0x9E3779B97F4A7C15ull;
  return i ^ (i >> 29);
}

void ExpectRoundTrip(const TestColumn& column, const char* what, uint32_t num_writers = 1) {
  auto pool = Pool();
  {
    auto snapshot = BuildTable({column}, pool, 1777, num_writers);
    ASSERT_TRUE(snapshot.has_value()) << what << ": " << snapshot.error().ToString();
    auto scan = TableScan::Create(*snapshot, {{0}}, {}, nullptr);
    const auto read = ScanAll(scan.get(), **snapshot, {{0}});
    ASSERT_EQ(read[0].size(), column.values.size()) << what;
    for (size_t i = 0; i < read[0].size(); ++i)
      ASSERT_EQ(read[0][i], column.values[i]) << what << " row " << i;
    EXPECT_EQ((*snapshot)->num_rows(), column.values.size());
  }
  EXPECT_EQ(pool->used_bytes(), 0u) << what;
}

struct Case {
  const char* name;
  plan::Type type;
  std::function<Value(uint32_t)> value;
};

std::vector<Case> Cases() {
  const auto i64min = std::numeric_limits<int64_t>::min(),
             i64max = std::numeric_limits<int64_t>::max();
  const int128 wide = static_cast<int128>(i64max) * 1000000007;
  return {
      {"constant", plan::IntType(), [](uint32_t) { return Value::Int(-42); }},
      {"u8", plan::IntType(),
       [](uint32_t i) { return Value::Int(static_cast<int64_t>(Mix(i) % 256) - 100); }},
      {"u16", plan::IntType(),
       [](uint32_t i) { return Value::Int(static_cast<int64_t>(Mix(i) % 60000) - 100); }},
      {"u32", plan::IntType(),
       [](uint32_t i) { return Value::Int(static_cast<uint32_t>(Mix(i))); }},
      {"u64", plan::IntType(), [](uint32_t i) { return Value::Int(static_cast<int64_t>(Mix(i))); }},
      {"extremes", plan::IntType(),
       [=](uint32_t i) {
         return Value::Int(i % 3 == 0 ? i64min : i % 3 == 1 ? i64max : 0);
       }},
      {"unsigned extremes", plan::UIntType(),
       [](uint32_t i) {
         return Value::Int(i % 2 == 0 ? static_cast<int128>(~uint64_t{0}) : static_cast<int128>(i));
       }},
      {"large unsigned, narrow", plan::UIntType(),
       [](uint32_t i) { return Value::Int(static_cast<int128>(~uint64_t{0} - i % 200)); }},
      {"factor", plan::DecimalType(15, 2),
       [](uint32_t i) { return Value::Int(100 * (1 + static_cast<int64_t>(Mix(i) % 50))); }},
      {"factor broken late", plan::DecimalType(15, 2),
       [](uint32_t i) {
         return Value::Int(i == 60000 ? 99 : 1000 * static_cast<int64_t>(Mix(i) % 250));
       }},
      {"odd factor", plan::DecimalType(15, 2),
       [](uint32_t i) { return Value::Int(-700001 * static_cast<int64_t>(Mix(i) % 250)); }},
      {"skew", plan::IntType(),
       [](uint32_t i) { return Value::Int(i % 1000 == 999 ? 1000000000 : 7); }},
      {"nulls", plan::IntType(),
       [](uint32_t i) { return Mix(i) % 3 == 0 ? Value::Null() : Value::Int(1000 + i % 77); }},
      {"constant and nulls", plan::IntType(),
       [](uint32_t i) { return i % 3 == 0 ? Value::Null() : Value::Int(5); }},
      {"all null", plan::IntType(), [](uint32_t) { return Value::Null(); }},
      {"late null", plan::IntType(),
       [](uint32_t i) { return i == 65535 || i == 2046 ? Value::Null() : Value::Int(i); }},
      {"date", plan::DateType(),
       [](uint32_t i) { return Value::Int(1992 * 512 + (Mix(i) % 12 + 1) * 32 + Mix(i) % 28); }},
      {"double", plan::DoubleType(),
       [](uint32_t i) { return Value::Real(static_cast<double>(Mix(i)) / 7.0 - 1e17); }},
      {"double nulls", plan::DoubleType(),
       [](uint32_t i) { return i % 5 == 0 ? Value::Null() : Value::Real(-0.25 * i); }},
      {"decimal 30 narrow", plan::DecimalType(30, 4),
       [](uint32_t i) { return Value::Int(static_cast<int64_t>(Mix(i)) / 3); }},
      {"decimal 30 wide", plan::DecimalType(30, 4),
       [=](uint32_t i) { return Value::Int(i % 100 == 50 ? -wide : static_cast<int128>(i)); }},
      {"decimal 30 wide nulls", plan::DecimalType(30, 4),
       [=](uint32_t i) { return i % 4 == 0 ? Value::Null() : Value::Int(wide + i); }},
      {"dictionary", plan::StringType(kAiCi, 40),
       [](uint32_t i) { return Value::Bytes("value " + std::to_string(Mix(i) % 300)); }},
      {"dictionary nulls", plan::StringType(kAiCi, 40),
       [](uint32_t i) { return i % 7 == 2 ? Value::Null() : Value::Bytes(std::to_string(i % 9)); }},
      {"all null strings", plan::StringType(kAiCi, 40), [](uint32_t) { return Value::Null(); }},
      {"one string", plan::StringType(kAiCi, 40), [](uint32_t) { return Value::Bytes("same"); }},
      {"empty strings", plan::StringType(kAiCi, 40), [](uint32_t) { return Value::Bytes(""); }},
      {"unique strings", plan::StringType(kAiCi, 40),
       [](uint32_t i) { return Value::Bytes("unique string number " + std::to_string(Mix(i))); }},
      {"unique strings nulls", plan::StringType(kAiCi, 40),
       [](uint32_t i) {
         return i % 11 == 0 ? Value::Null()
                            : Value::Bytes(std::string(i % 40, 'x') + std::to_string(i));
       }},
      {"text", plan::StringType(plan::kBinaryCollation, 70000),
       [](uint32_t i) {
         return Value::Bytes(i % 5000 == 0 ? std::string(70000, 'a' + i % 20) : "t");
       }},
      {"big decimal", plan::DecimalType(60, 4),
       [](uint32_t i) { return Value::Bytes("packed" + std::to_string(i % 10)); }},
  };
}

TEST(TableTest, RoundTrip) {
  for (const Case& c : Cases())
    for (uint32_t size : kSizes) ExpectRoundTrip(MakeColumn(c.type, size, c.value), c.name);
}

TEST(TableTest, RoundTripSeveralWriters) {
  for (const Case& c : Cases()) ExpectRoundTrip(MakeColumn(c.type, 150000, c.value), c.name, 3);
}

SnapshotPtr Build(const plan::Type& type, uint32_t num_rows,
                  const std::function<Value(uint32_t)>& value,
                  plan::EncodingHint hint = plan::EncodingHint::kAuto) {
  TestColumn column = MakeColumn(type, num_rows, value);
  column.schema.encoding = hint;
  auto snapshot = BuildTable({column}, Pool(), 5000);
  EXPECT_TRUE(snapshot.has_value());
  return *snapshot;
}

TEST(TableTest, ChoosesEncodings) {
  auto width = [](const SnapshotPtr& s) { return static_cast<int>(s->chunk(0).segment(0).width); };
  EXPECT_EQ(width(Build(plan::IntType(), 5000, [](uint32_t) { return Value::Int(9); })), 0);
  EXPECT_EQ(
      width(Build(plan::IntType(), 5000, [](uint32_t i) { return Value::Int(1000000 + i % 256); })),
      1);
  EXPECT_EQ(
      width(Build(plan::IntType(), 5000, [](uint32_t i) { return Value::Int(1000000 + i % 257); })),
      2);
  // Whole quantities in DECIMAL(15,2).
  EXPECT_EQ(width(Build(plan::DecimalType(15, 2), 5000,
                        [](uint32_t i) { return Value::Int(100 * (i % 50)); })),
            1);
  auto wide = Build(plan::DecimalType(30, 2), 70000, [](uint32_t i) { return Value::Int(i); });
  EXPECT_EQ(wide->lane(0), Lane::kI64);
  EXPECT_EQ(wide->column_info(0).lane, Lane::kI64);
  EXPECT_EQ(wide->column_info(0).range.max, 69999);
  auto really = Build(plan::DecimalType(30, 2), 70000, [](uint32_t i) {
    return Value::Int(i == 69999 ? static_cast<int128>(1) << 100 : i);
  });
  EXPECT_EQ(really->lane(0), Lane::kI128);
  EXPECT_TRUE(really->column_info(0).range.max == static_cast<int128>(1) << 100);
}

TEST(TableTest, DictionaryOrHeap) {
  const plan::Type type = plan::StringType(kAiCi, 40);
  auto few = [](uint32_t i) { return Value::Bytes(std::to_string(i % 100)); };
  auto unique = [](uint32_t i) { return Value::Bytes(std::to_string(i)); };
  EXPECT_NE(Build(type, 100000, few)->dictionary(0), nullptr);
  EXPECT_EQ(Build(type, 100000, few, plan::EncodingHint::kVarlen)->dictionary(0), nullptr);
  EXPECT_EQ(Build(type, 100000, unique)->dictionary(0), nullptr);
  EXPECT_EQ(Build(type, 100000, unique)->statistics().columns[0].encoding, "VARLEN");
  EXPECT_NE(Build(type, 100000, unique, plan::EncodingHint::kSorted)->dictionary(0), nullptr);
  EXPECT_NE(Build(type, 100, unique)->dictionary(0), nullptr);
  // A third of the rows: kept while loading, given up at the end.
  EXPECT_EQ(
      Build(type, 100000, [](uint32_t i) { return Value::Bytes(std::to_string(Mix(i) % 40000)); })
          ->dictionary(0),
      nullptr);
  // Distinct at first, repeating later: more rows arrive than the first chunk lets hope for.
  auto late =
      Build(type, 300000, [](uint32_t i) { return Value::Bytes(std::to_string(Mix(i) % 50000)); });
  ASSERT_NE(late->dictionary(0), nullptr);
  EXPECT_NEAR(late->statistics().columns[0].num_distinct, 50000, 200);
}

TEST(TableTest, DictionaryOrderAndClasses) {
  const std::vector<std::string> words = {"b", "A",  "a",  "B",  "\xC3\xA4", "z",
                                          "",  "a ", "ab", "AB", "\xC3\x84"};
  auto make = [&](uint32_t collation) {
    return Build(plan::StringType(collation, 40), 1100,
                 [&](uint32_t i) { return Value::Bytes(words[i % words.size()]); });
  };
  auto ordered = [](const SnapshotPtr& s) {
    std::vector<std::string> values;
    for (uint32_t i = 0; i < s->dictionary(0)->size(); ++i)
      values.emplace_back(s->dictionary(0)->value(i));
    return values;
  };
  {
    auto s = make(kAiCi);  // NO PAD: "a " after all forms of "a"
    EXPECT_EQ(ordered(s), (std::vector<std::string>{"", "A", "a", "\xC3\x84", "\xC3\xA4", "a ",
                                                    "AB", "ab", "B", "b", "z"}));
    const uint32_t* classes = s->dictionary(0)->classes();
    ASSERT_NE(classes, nullptr);
    EXPECT_EQ(std::vector<uint32_t>(classes, classes + 11),
              (std::vector<uint32_t>{0, 1, 1, 1, 1, 5, 6, 6, 8, 8, 10}));
    EXPECT_EQ(s->statistics().columns[0].num_distinct, 6);
    EXPECT_TRUE(s->dictionary(0)->sorted());
  }
  {
    auto s = make(kBin0900);
    EXPECT_EQ(ordered(s), (std::vector<std::string>{"", "A", "AB", "B", "a", "a ", "ab", "b", "z",
                                                    "\xC3\x84", "\xC3\xA4"}));
    EXPECT_EQ(s->dictionary(0)->classes(), nullptr);
  }
  {
    auto s = make(kUtf8Mb4Bin);  // PAD SPACE: "a" = "a "
    EXPECT_EQ(ordered(s), (std::vector<std::string>{"", "A", "AB", "B", "a", "a ", "ab", "b", "z",
                                                    "\xC3\x84", "\xC3\xA4"}));
    const uint32_t* classes = s->dictionary(0)->classes();
    ASSERT_NE(classes, nullptr);
    EXPECT_EQ(classes[5], 4u);
    EXPECT_EQ(classes[6], 6u);
  }
  {
    const std::vector<std::string> latin = {"b", "A", "a", "B", "\xE4", "a ", "\xC4"};
    auto s = Build(plan::StringType(kLatin1SwedishCi, 40), 700,
                   [&](uint32_t i) { return Value::Bytes(latin[i % latin.size()]); });
    // Swedish: a-umlaut comes after z; PAD SPACE.
    EXPECT_EQ(ordered(s), (std::vector<std::string>{"A", "a", "a ", "B", "b", "\xC4", "\xE4"}));
    const uint32_t* classes = s->dictionary(0)->classes();
    ASSERT_NE(classes, nullptr);
    EXPECT_EQ(std::vector<uint32_t>(classes, classes + 7),
              (std::vector<uint32_t>{0, 0, 0, 3, 3, 5, 5}));
  }
}

TEST(TableTest, Statistics) {
  auto s = Build(plan::IntType(), 100000, [](uint32_t i) {
    return i % 10 == 0 ? Value::Null() : Value::Int(static_cast<int64_t>(i % 1000) - 500);
  });
  const plan::ColumnStatistics& c = s->statistics().columns[0];
  EXPECT_EQ(c.num_nulls, 10000u);
  EXPECT_EQ(c.num_distinct, 900);
  EXPECT_EQ(c.min, Value::Int(-499));
  EXPECT_EQ(c.max, Value::Int(499));
  EXPECT_EQ(c.encoding, "FOR16");
  EXPECT_TRUE(s->column_info(0).nullable);
  auto wide = Build(plan::IntType(), 100000,
                    [](uint32_t i) { return Value::Int(static_cast<int64_t>(Mix(i % 50000))); });
  EXPECT_NEAR(wide->statistics().columns[0].num_distinct, 50000, 50000 * 0.04);
  EXPECT_FALSE(wide->column_info(0).nullable);
  auto strings = Build(plan::StringType(kAiCi, 40), 100000,
                       [](uint32_t i) { return Value::Bytes("some text " + std::to_string(i)); });
  EXPECT_NEAR(strings->statistics().columns[0].num_distinct, 100000, 4000);
  auto doubles = Build(plan::DoubleType(), 1000,
                       [](uint32_t i) { return Value::Real(static_cast<double>(i) - 500); });
  EXPECT_EQ(doubles->statistics().columns[0].min.real, -500);
  EXPECT_EQ(doubles->statistics().columns[0].max.real, 499);
  EXPECT_NEAR(doubles->statistics().columns[0].num_distinct, 1000, 20);
}

TEST(TableTest, Sample) {
  auto s = Build(plan::IntType(), 200000, [](uint32_t i) { return Value::Int(i); });
  const auto& sample = s->sample();
  EXPECT_EQ(sample.size(), 4096u);
  std::set<uint64_t> seen;
  uint64_t below_half = 0;
  for (uint64_t row : sample) {
    const uint64_t chunk = row / kChunkRows;
    ASSERT_LT(chunk, s->num_chunks());
    ASSERT_LT(row % kChunkRows, s->chunk(static_cast<uint32_t>(chunk)).num_rows());
    seen.insert(row);
    below_half += row < 100000;
  }
  EXPECT_EQ(seen.size(), sample.size());
  EXPECT_NEAR(static_cast<double>(below_half), 2048, 2);
}

TEST(TableTest, VisibilityHidesRows) {
  auto s = Build(plan::IntType(), 140000, [](uint32_t i) { return Value::Int(i); });
  std::vector<std::shared_ptr<const VisibilityMap>> maps(s->num_chunks());
  auto some = std::make_shared<VisibilityMap>();
  for (uint32_t row = 0; row < kChunkRows; ++row) {
    if (row % 3 != 1) continue;
    some->words[row / 64] |= uint64_t{1} << (row & 63);
    ++some->num_visible;
  }
  maps[0] = some;
  maps[1] = std::make_shared<VisibilityMap>();
  auto part = s->WithVisibility(maps);
  EXPECT_EQ(part->num_rows(), some->num_visible + 140000 - 2 * kChunkRows);
  auto scan = TableScan::Create(part, {{0}}, {}, nullptr);
  const auto read = ScanAll(scan.get(), *part, {{0}});
  std::vector<Value> expected;
  for (uint32_t i = 0; i < 140000; ++i)
    if (i >= 2 * kChunkRows || (i < kChunkRows && i % 3 == 1)) expected.push_back(Value::Int(i));
  EXPECT_EQ(read[0], expected);
}

TEST(TableTest, MemoryRefusalLeavesPoolEmpty) {
  std::vector<TestColumn> columns;
  for (const Case& c : Cases()) columns.push_back(MakeColumn(c.type, 9000, c.value));
  size_t needed = 0;
  {
    auto pool = Pool();
    ASSERT_TRUE(BuildTable(columns, pool).has_value());
    needed = pool->peak_bytes();
  }
  for (size_t limit = 0; limit < needed; limit += needed / 37) {
    auto pool = Pool(limit);
    {
      auto snapshot = BuildTable(columns, pool);
      ASSERT_FALSE(snapshot.has_value()) << limit;
      EXPECT_EQ(snapshot.error().code, ErrorCode::kOutOfMemory);
    }
    EXPECT_EQ(pool->used_bytes(), 0u) << limit;
  }
}

TEST(TableTest, RowsOfAnUnclosedWriterAreLost) {
  auto pool = Pool();
  {
    plan::TableSchema schema;
    schema.columns.push_back({.name = "a", .type = plan::IntType()});
    auto builder = TableBuilder::Create(schema, pool);
    const int64_t values[] = {1, 2, 3};
    const LoadColumn column{.lane = Lane::kI64, .values = values};
    for (bool close : {false, true}) {
      auto writer = builder->MakeWriter(close);
      ASSERT_TRUE(writer->Append(close ? 2 : 3, std::span(&column, 1)).has_value());
      if (close) {
        ASSERT_TRUE(writer->Close().has_value());
      }
    }
    auto snapshot = builder->Finish(1);
    ASSERT_TRUE(snapshot.has_value());
    EXPECT_EQ((*snapshot)->num_rows(), 2u);
    auto scan = TableScan::Create(*snapshot, {{0}}, {}, nullptr);
    EXPECT_EQ(ScanAll(scan.get(), **snapshot, {{0}})[0],
              (std::vector<Value>{Value::Int(1), Value::Int(2)}));
  }
  EXPECT_EQ(pool->used_bytes(), 0u);
}

TEST(TableTest, RefusesBatchesOfAnotherShape) {
  plan::TableSchema schema;
  schema.columns.push_back({.name = "a", .type = plan::IntType()});
  auto builder = TableBuilder::Create(schema, Pool());
  auto writer = builder->MakeWriter(0);
  EXPECT_EQ(writer->Append(1, {}).error().code, ErrorCode::kInvalidArgument);
  const double value = 1;
  const LoadColumn column{.lane = Lane::kF64, .values = &value};
  EXPECT_EQ(writer->Append(1, std::span(&column, 1)).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace sirocco::engine
