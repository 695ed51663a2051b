// CSV: cutting into fields, conversion as MySQL's, ranges in parallel, messages.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "lakehouse/load/load_fixture.h"

namespace sirocco::lakehouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<ColumnTarget> IntAndText() {
  return {TestColumn("id", plan::IntType()), TestText("name", 20)};
}

std::vector<std::string> Rows(const std::vector<ColumnTarget>& targets, const CsvDialect& dialect,
                              std::string_view text, TestCsvOptions options = {}) {
  auto load = LoadCsv(targets, dialect, text, options);
  if (!load) return {"error: " + load.error().ToString()};
  return load->rows;
}

TEST(Csv, PlainFields) {
  EXPECT_THAT(Rows(IntAndText(), {}, "1,abc\n-2,\n\\N,\\N\n"),
              ElementsAre("1|abc", "-2|", "NULL|NULL"));
  EXPECT_THAT(Rows(IntAndText(), {}, "1,last without end"), ElementsAre("1|last without end"));
  EXPECT_THAT(Rows(IntAndText(), {}, ""), ElementsAre());
  EXPECT_THAT(Rows(IntAndText(), {}, "\n\n1,a\n\n"), ElementsAre("1|a"));
  EXPECT_THAT(Rows(IntAndText(), {},
                   "\xEF\xBB\xBF"
                   "1,a\n"),
              ElementsAre("1|a"));
}

TEST(Csv, Quotes) {
  EXPECT_THAT(Rows(IntAndText(), {}, "1,\"a,b\"\n\"2\",\"a\nb\"\n3,\"say \"\"hi\"\"\"\n"),
              ElementsAre("1|a,b", "2|a\nb", "3|say \"hi\""));
  EXPECT_THAT(Rows(IntAndText(), {}, "1,a\"b\n2,\"a\"b\"\n3,\"\"\n4,\"\\N\"\n"),
              ElementsAre("1|a\"b", "2|a\"b", "3|", "4|N"));
  CsvDialect single;
  single.quote = '\'';
  EXPECT_THAT(Rows(IntAndText(), single, "1,'a,b'\n2,\"x\"\n"), ElementsAre("1|a,b", "2|\"x\""));
  CsvDialect none;
  none.quote = '\0';
  EXPECT_THAT(Rows(IntAndText(), none, "1,\"a\n"), ElementsAre("1|\"a"));
}

TEST(Csv, Escapes) {
  EXPECT_THAT(Rows(IntAndText(), {}, "1,a\\,b\n2,a\\\nb\n3,\\t\\\\\n4,\"a\\\"b\"\n"),
              ElementsAre("1|a,b", "2|a\nb", "3|\t\\", "4|a\"b"));
  CsvDialect none;
  none.escape = '\0';
  EXPECT_THAT(Rows(IntAndText(), none, "1,a\\b\n2,\\N\n"), ElementsAre("1|a\\b", "2|NULL"));
  CsvDialect doubled;
  doubled.escape = '"';
  EXPECT_THAT(Rows(IntAndText(), doubled, "1,\"a\"\"b\\\"\n2,x\n"), ElementsAre("1|a\"b\\", "2|x"));
}

TEST(Csv, Delimiters) {
  CsvDialect dialect;
  dialect.field_delimiter = "|";
  dialect.record_delimiter = "|\n";
  EXPECT_THAT(Rows(IntAndText(), dialect, "1|a|\n2|b|\n3|c|"), ElementsAre("1|a", "2|b", "3|c"));
  dialect.field_delimiter = "::";
  dialect.record_delimiter = "\r\n";
  EXPECT_THAT(Rows(IntAndText(), dialect, "1::a:b\r\n2::c\rd\n\r\n"),
              ElementsAre("1|a:b", "2|c\rd\n"));
  dialect.field_delimiter = "<field-delimiter>";
  dialect.record_delimiter = "<end>";
  EXPECT_THAT(Rows(IntAndText(), dialect, "1<field-delimiter><f<end>2<field-delimiter>b<en"),
              ElementsAre("1|<f", "2|b<en"));
}

TEST(Csv, HeaderSkipTrimNullEmpty) {
  CsvDialect dialect;
  dialect.has_header = true;
  dialect.skip_rows = 2;
  EXPECT_THAT(Rows(IntAndText(), dialect, "comment\nmore\nid,\"na\nme\"\n1,a\n"),
              ElementsAre("1|a"));
  CsvDialect trim;
  trim.trim_spaces = true;
  EXPECT_THAT(Rows(IntAndText(), trim, " 1 , a b \n2, \" q \" \n"), ElementsAre("1|a b", "2| q "));
  CsvDialect nulls;
  nulls.null_value = "-1";
  nulls.empty_value = "empty";
  EXPECT_THAT(Rows(IntAndText(), nulls, "-1,-1\n\"-1\",empty\n1,\\N\n"),
              ElementsAre("NULL|NULL", "-1|", "1|N"));
  nulls.null_value = "";
  EXPECT_THAT(Rows(IntAndText(), nulls, ",\n1,\"\"\n"), ElementsAre("NULL|NULL", "1|"));
}

// Wherever blocks and ranges are cut, the table is the same.
TEST(Csv, RangesAndBlocks) {
  std::mt19937 random(7);
  std::string text;
  std::vector<std::string> expected;
  for (int i = 0; i < 400; ++i) {
    std::string value;
    for (uint32_t n = random() % 15; n > 0; --n) value += "ab,\n\"\\x"[random() % 7];
    std::string quoted;
    for (const char c : value) {
      if (c == '"')
        quoted += random() % 2 ? "\"\"" : "\\\"";
      else if (c == '\\')
        quoted += "\\\\";
      else
        quoted += c;
    }
    text += std::to_string(i) + ",\"" + quoted + "\"\n";
    expected.push_back(std::to_string(i) + "|" + value);
  }
  for (const uint64_t range : {7u, 50u, 333u, 100000u})
    for (const size_t request : {1u, 13u, 1000000u})
      EXPECT_EQ(Rows(IntAndText(), {}, text,
                     {.num_threads = 3, .range_bytes = range, .request_bytes = request}),
                expected)
          << range << " " << request;
}

TEST(Csv, ErrorsNameThePlace) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += std::to_string(i) + ",\"x\ny\"\n";
  const size_t offset = text.size();
  text += "12x,bad\n13,x\n";
  for (const uint64_t range : {20u, 1000000u}) {
    auto load = LoadCsv(IntAndText(), {}, text, {.range_bytes = range});
    ASSERT_FALSE(load);
    EXPECT_EQ(load.error().mysql_errno, 6045u);
    EXPECT_EQ(load.error().message,
              "Column 1 of test.csv : Invalid INT value. (line 201, byte offset " +
                  std::to_string(offset) + ", column `id`, value '12x')");
  }
  auto lenient = LoadCsv(IntAndText(), {}, "12x,a\n99999999999,b\n,c\n", {.strict = false});
  ASSERT_TRUE(lenient) << lenient.error().ToString();
  EXPECT_THAT(lenient->rows, ElementsAre("12|a", "2147483647|b", "NULL|c"));
  ASSERT_EQ(lenient->warnings.size(), 3u);
  EXPECT_EQ(lenient->warnings[0].number, 6057u);
  EXPECT_EQ(lenient->warnings[1].number, 6053u);
  EXPECT_EQ(lenient->warnings[2].number, 6044u);
}

TEST(Csv, CountsOfColumns) {
  auto load = LoadCsv(IntAndText(), {}, "1,a\n2\n");
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().mysql_errno, 6062u);
  EXPECT_THAT(load.error().message, HasSubstr("Expected 2, found 1."));
  load = LoadCsv(IntAndText(), {}, "1,a,x\n");
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().mysql_errno, 6062u);
  load = LoadCsv(IntAndText(), {}, "1,a,x\n2\n", {.strict = false});
  ASSERT_TRUE(load);
  EXPECT_THAT(load->rows, ElementsAre("1|a", "2|NULL"));
}

TEST(Csv, QuoteNeverClosed) {
  auto load = LoadCsv(IntAndText(), {}, "1,a\n2,\"never\n3,b\n");
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().mysql_errno, 6061u);
  EXPECT_THAT(load.error().message, HasSubstr("test.csv at byte offset 6: Parsing error."));
  // A huge field ends the load with bounded memory.
  const std::string huge = "1,\"" + std::string(40 << 20, 'x') + "\"\n2,b\n";
  load = LoadCsv(IntAndText(), {}, huge);
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().mysql_errno, 6061u);
  load = LoadCsv(IntAndText(), {}, std::string(40 << 20, 'x'));
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().mysql_errno, 6106u);
}

TEST(Csv, Types) {
  const std::vector<ColumnTarget> targets = {
      TestColumn("a", plan::DecimalType(10, 2)), TestColumn("b", plan::DateType()),
      TestColumn("c", plan::DatetimeType(3)), TestColumn("d", plan::DoubleType()),
      TestColumn("e", plan::UIntType(), 8)};
  EXPECT_THAT(Rows(targets, {},
                   "1.5,2024-02-29,2024-01-01 10:00:00.1234,1e3,18446744073709551615\n"
                   "-0.05,20240131,2024-01-01T01:02:03,-0.5,7\n"
                   "12345678.90,24-1-1,2024-01-01,.5,1.5\n"),
              ElementsAre("1.50|2024-02-29|2024-01-01 10:00:00.123|1000|18446744073709551615",
                          "-0.05|2024-01-31|2024-01-01 01:02:03.000|-0.5|7",
                          "12345678.90|2024-01-01|2024-01-01 00:00:00.000|0.5|2"));
  const auto error_of = [&](const std::string& text) {
    auto load = LoadCsv(targets, {}, text);
    return load ? 0u : load.error().mysql_errno;
  };
  EXPECT_EQ(error_of("1.555,2024-01-01,2024-01-01,1,1\n"), 6049u);
  EXPECT_EQ(error_of("123456789,2024-01-01,2024-01-01,1,1\n"), 6051u);
  EXPECT_EQ(error_of("1,2024-02-30,2024-01-01,1,1\n"), 6045u);
  EXPECT_EQ(error_of("1,0000-00-00,2024-01-01,1,1\n"), 6045u);
  EXPECT_EQ(error_of("1,2024-01-01,2024-01-01 25:00:00,1,1\n"), 6045u);
  EXPECT_EQ(error_of("1,2024-01-01,2024-01-01,abc,1\n"), 6045u);
  EXPECT_EQ(error_of("1,2024-01-01,2024-01-01,1e999,1\n"), 6055u);
  EXPECT_EQ(error_of("1,2024-01-01,2024-01-01,1,-1\n"), 6050u);
  EXPECT_EQ(error_of(",2024-01-01,2024-01-01,1,1\n"), 6043u);
}

TEST(Csv, DateFormats) {
  ColumnTarget date = TestColumn("d", plan::DateType());
  date.date_format = "%d.%m.%Y";
  EXPECT_THAT(Rows({date, TestText("t", 5)}, {}, "31.12.2023,a\n"), ElementsAre("2023-12-31|a"));
  auto load = LoadCsv({date, TestText("t", 5)}, {}, "2023-12-31,a\n");
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().mysql_errno, 6056u);
}

TEST(Csv, Strings) {
  const std::vector<ColumnTarget> targets = {TestText("a", 3), TestText("b", 3, StringForm::kChar)};
  EXPECT_THAT(Rows(targets, {}, "\xC3\xA4\xC3\xB6\xC3\xBC,ab  \nab ,a\n"),
              ElementsAre("\xC3\xA4\xC3\xB6\xC3\xBC|ab", "ab |a"));
  auto load = LoadCsv(targets, {}, "abcd,a\n");
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().mysql_errno, 6066u);
  load = LoadCsv(targets, {}, "a\xFF,a\n");
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().mysql_errno, 6045u);
  load = LoadCsv(targets, {},
                 "abcd,a\na\xFF"
                 "b,c\n",
                 {.strict = false});
  ASSERT_TRUE(load);
  EXPECT_THAT(load->rows, ElementsAre("abc|a", "a|c"));
}

TEST(Csv, NotNullAndFileName) {
  ColumnTarget id = TestColumn("id", plan::IntType(false));
  ColumnTarget file = TestText("_metadata_filename", 100);
  file.is_filename = true;
  EXPECT_THAT(Rows({id, file}, {}, "1\n2\n"), ElementsAre("1|test.csv", "2|test.csv"));
  auto load = LoadCsv({id, file}, {}, "\\N\n");
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().mysql_errno, 6041u);
  load = LoadCsv({id, file}, {}, "\\N\n", {.strict = false});
  ASSERT_TRUE(load);
  EXPECT_THAT(load->rows, ElementsAre("0|test.csv"));
}

// Noise under random dialects: an answer, never a crash, and the same one however the text is cut.
TEST(Csv, Fuzz) {
  std::mt19937 random(3);
  const std::string alphabet = "1,\"\\\n\r|a; N'\xC3\xFF-.\t";
  for (int round = 0; round < 1500; ++round) {
    CsvDialect dialect;
    const char* fields[] = {",", "|", "::", ",\n;"};
    const char* records[] = {"\n", "\r\n", "|\n", ";"};
    dialect.field_delimiter = fields[random() % 4];
    dialect.record_delimiter = records[random() % 4];
    dialect.quote = "\"'\0"[random() % 3];
    dialect.escape = "\\\"\0"[random() % 3];
    dialect.trim_spaces = random() % 2;
    dialect.has_header = random() % 4 == 0;
    std::string text;
    for (uint32_t n = random() % 300; n > 0; --n) text += alphabet[random() % alphabet.size()];
    const bool strict = random() % 4 == 0;
    const auto whole = LoadCsv(IntAndText(), dialect, text, {.strict = strict, .num_threads = 1});
    const auto cut = LoadCsv(IntAndText(), dialect, text,
                             {.strict = strict,
                              .num_threads = 2,
                              .range_bytes = random() % 40 + 1,
                              .request_bytes = random() % 30 + 1});
    ASSERT_EQ(whole.has_value(), cut.has_value()) << round;
    if (whole) {
      ASSERT_EQ(whole->rows, cut->rows) << round << " " << QuoteValue(text);
    }
  }
}

}  // namespace
}  // namespace sirocco::lakehouse
