// The expected lines and checksums are those of the TPC's own generator (the lines are also in many
// public texts).
#include "cli/tpch/generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "cli/tpch/generate_files.h"
#include "cli/tpch/table_text.h"

namespace sirocco::tpch {
namespace {

std::string Lines(double factor, Table table, UnitRange range, LineEnd line_end = LineEnd::kBar) {
  auto source = TableText::Make(TextPool::Get(), *Scale::Make(factor), table, range, line_end);
  std::string text;
  std::vector<char> buffer(4096);
  while (size_t bytes = source->Read(buffer)) text.append(buffer.data(), bytes);
  EXPECT_EQ(source->num_rows(), std::count(text.begin(), text.end(), '\n'));
  return text;
}

std::string AllLines(double factor, Table table) {
  return Lines(factor, table, {0, Scale::Make(factor)->NumUnits(table)});
}

uint64_t Fnv1a(std::string_view text) {
  uint64_t hash = 14695981039346656037u;
  for (unsigned char c : text) hash = (hash ^ c) * 1099511628211u;
  return hash;
}

std::string FirstLine(double factor, Table table) {
  const std::string text = Lines(factor, table, {0, 1});
  return text.substr(0, text.find('\n') + 1);
}

TEST(RandomStream, SkippedStreamContinuesTheSequentialOne) {
  for (uint32_t draws : {1u, 7u, 92u}) {
    RandomStream sequential(46831694, draws, 0);
    for (uint64_t row = 0; row < 300; ++row) {
      RandomStream skipped(46831694, draws, row);
      // Rows that use fewer draws than they own leave the next row where it is.
      for (uint32_t draw = 0; draw < std::min(draws, 1 + static_cast<uint32_t>(row) % 7); ++draw) {
        ASSERT_EQ(skipped.NextInt(0, 1 << 30), sequential.NextInt(0, 1 << 30)) << row;
      }
      sequential.FinishRow();
    }
  }
}

TEST(RandomStream, FollowsTheMinimalStandardGenerator) {
  // The check value of Park and Miller: from seed 1, the 10,000th number is 1043618065.
  EXPECT_EQ(StreamPower(10000), 1043618065u);
  RandomStream stream(1, 1, 0);
  double fraction = 0;
  for (int i = 0; i < 10000; ++i) fraction = stream.NextFraction();
  EXPECT_EQ(fraction, 1043618065.0 / 2147483647.0);
}

TEST(Generator, FirstRowsOfScaleFactorOne) {
  EXPECT_EQ(Lines(1, Table::kRegion, {1, 1}), "1|AMERICA|hs use ironic, even requests. s|\n");
  EXPECT_EQ(Lines(1, Table::kNation, {0, 1}),
            "0|ALGERIA|0| haggle. carefully final deposits detect slyly agai|\n");
  EXPECT_EQ(Lines(1, Table::kSupplier, {0, 1}),
            "1|Supplier#000000001| N kD4on9OM "
            "Ipw3,gf0JBoQDd7tgrzrddZ|17|27-918-335-1736|5755.94|each slyly above the "
            "careful|\n");
  EXPECT_EQ(Lines(1, Table::kCustomer, {0, 1}),
            "1|Customer#000000001|IVhzIApeRb ot,c,E|15|25-989-741-2988|711.56|BUILDING|to the "
            "even, regular platelets. "
            "regular, ironic epitaphs nag e|\n");
  EXPECT_EQ(Lines(1, Table::kPart, {0, 1}),
            "1|goldenrod lavender spring chocolate lace|Manufacturer#1|Brand#13|PROMO BURNISHED "
            "COPPER|7|JUMBO PKG|901.00|"
            "ly. slyly ironi|\n");
  EXPECT_THAT(FirstLine(1, Table::kPartsupp),
              testing::StartsWith(
                  "1|2|3325|771.64|, even theodolites. regular, final theodolites eat after the"));
  EXPECT_EQ(Lines(1, Table::kOrders, {0, 1}),
            "1|36901|O|173665.47|1996-01-02|5-LOW|Clerk#000000951|0|nstructions sleep furiously "
            "among |\n");
  EXPECT_EQ(FirstLine(1, Table::kLineitem),
            "1|155190|7706|1|17|21168.23|0.04|0.02|N|O|1996-03-13|1996-02-12|1996-03-22|DELIVER IN "
            "PERSON|TRUCK|egular "
            "courts above the|\n");
}

TEST(Generator, ChecksumsOfScaleFactorOneHundredth) {
  const std::map<Table, uint64_t> expected = {
      {Table::kRegion, 0x0c4088813f7d56f8u},   {Table::kNation, 0xb150da8bf741231du},
      {Table::kSupplier, 0xff9196a76fd458acu}, {Table::kCustomer, 0xc45814a618ad08d1u},
      {Table::kPart, 0x7423e7df08113e5cu},     {Table::kPartsupp, 0x98c43d0480b41dd7u},
      {Table::kOrders, 0xab07be0105d4ef57u},   {Table::kLineitem, 0xc7e35b485a0b9dbbu}};
  for (Table table : kAllTables) {
    EXPECT_EQ(Fnv1a(AllLines(0.01, table)), expected.at(table)) << TableName(table);
  }
}

TEST(Generator, RangesJoinToTheWhole) {
  for (Table table : kAllTables) {
    const int64_t num_units = Scale::Make(0.002)->NumUnits(table);
    const std::string whole = AllLines(0.002, table);
    for (int64_t piece : {int64_t{1}, int64_t{7}, num_units - 1}) {
      std::string joined;
      for (int64_t first = 0; first < num_units; first += piece) {
        joined += Lines(0.002, table, {first, std::min(piece, num_units - first)});
      }
      EXPECT_EQ(joined, whole) << TableName(table) << " in pieces of " << piece;
    }
  }
}

TEST(Generator, PlainLineEndsHaveNoLastBar) {
  EXPECT_EQ(Lines(1, Table::kRegion, {1, 1}, LineEnd::kPlain),
            "1|AMERICA|hs use ironic, even requests. s\n");
}

TEST(GenerateFiles, WritesWhatOneThreadWouldWrite) {
  const std::string folder =
      std::filesystem::temp_directory_path() / ("tpch_test_" + std::to_string(getpid()));
  std::map<Table, int64_t> num_rows;
  const auto result = GenerateFiles(*Scale::Make(0.01), folder, 3,
                                    [&](Table table, int64_t rows) { num_rows[table] = rows; });
  ASSERT_TRUE(result) << result.error().ToString();
  EXPECT_EQ(num_rows[Table::kLineitem], 60175);
  for (Table table : kAllTables) {
    std::ifstream file(folder + "/" + std::string(TableName(table)) + ".tbl");
    std::stringstream text;
    text << file.rdbuf();
    EXPECT_TRUE(text.str() == AllLines(0.01, table)) << TableName(table);
    if (table != Table::kLineitem) {
      EXPECT_EQ(num_rows[table], Scale::Make(0.01)->NumRows(table));
    }
  }
  std::filesystem::remove_all(folder);
}

TEST(GenerateFiles, ReportsAFolderThatCannotBe) {
  const auto result = GenerateFiles(*Scale::Make(0.001), "/dev/null/x", 1, [](Table, int64_t) {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kIo);
}

TEST(Scale, TakesWhatTheReferenceGeneratorKnows) {
  EXPECT_EQ(Scale::Make(0.1)->NumUnits(Table::kOrders), 150000);
  EXPECT_EQ(Scale::Make(10)->NumRows(Table::kPartsupp), 8000000);
  EXPECT_EQ(Scale::Make(0.001)->ToString(), "0.001");
  EXPECT_EQ(Scale::Make(1)->ToString(), "1");
  for (double factor : {0.0, -1.0, 0.0005, 0.0015, 1.5, 1e300})
    EXPECT_FALSE(Scale::Make(factor)) << factor;
  EXPECT_EQ(Scale::Make(30000).error().code, ErrorCode::kNotSupported);
}

TEST(DayText, CountsLeapYears) {
  EXPECT_EQ(DayText(0), "1992-01-01");
  EXPECT_EQ(DayText(59), "1992-02-29");
  EXPECT_EQ(DayText(1263), "1995-06-17");
  EXPECT_EQ(DayText(kNumDays - 1), "1998-12-31");
}

}  // namespace
}  // namespace sirocco::tpch
