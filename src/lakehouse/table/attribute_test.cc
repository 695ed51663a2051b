// ENGINE_ATTRIBUTE: what is understood, what is refused, and that no bytes crash it.
#include "lakehouse/table/attribute.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace sirocco::lakehouse {
namespace {

using testing::HasSubstr;

std::string ErrorOf(std::string_view json) {
  auto table = ParseTableAttribute(json);
  return table ? "" : std::to_string(table.error().mysql_errno) + " " + table.error().message;
}

constexpr std::string_view kWhole =
    R"({"file":[{"uri":"s3://b/x_*.csv","is_strict_mode":false},{"par":"https://h/p/secret/n/ns/b/bk/o/","prefix":"data/"},
        {"bucket":"b","namespace":"n","region":"r","pattern":"data_[0-9]+\\.csv","allow_missing_files":true}],
       "dialect":{"format":"csv","compression":"gzip","encoding":"latin1","has_header":true,"skip_rows":2,
        "field_delimiter":"\t","quotation_marks":"'","escape_character":"\\","record_delimiter":"\\r\\n",
        "date_format":"%d.%m.%Y","time_format":"auto","timestamp_format":"%s","null_value":"NULL","empty_value":"''",
        "check_constraints":false,"allow_missing_files":true,"is_strict_mode":true,"trim_spaces":true},
       "auto_refresh_event_source":"x","match_columns_by":"name","allow_missing_columns":true,"sampling":true})";

TEST(Attribute, Everything) {
  auto table = ParseTableAttribute(kWhole);
  ASSERT_TRUE(table) << table.error().ToString();
  ASSERT_EQ(table->files.size(), 3u);
  EXPECT_EQ(table->files[0].uri, "s3://b/x_*.csv");
  EXPECT_EQ(table->files[0].is_strict_mode, false);
  EXPECT_EQ(table->files[1].prefix, "data/");
  EXPECT_EQ(table->files[2].pattern, "data_[0-9]+\\.csv");
  EXPECT_EQ(table->files[2].allow_missing_files, true);
  const TableDialect& dialect = table->dialect;
  EXPECT_EQ(dialect.compression, Compression::kGzip);
  EXPECT_EQ(dialect.csv.field_delimiter, "\t");
  EXPECT_EQ(dialect.csv.record_delimiter, "\r\n");
  EXPECT_EQ(dialect.csv.quote, '\'');
  EXPECT_EQ(dialect.csv.escape, '\\');
  EXPECT_EQ(dialect.csv.skip_rows, 2u);
  EXPECT_EQ(dialect.datetime_format, "%s");
  EXPECT_EQ(dialect.time_format, "");
  EXPECT_EQ(dialect.csv.empty_value, "''");
  EXPECT_FALSE(dialect.check_constraints);
  EXPECT_EQ(table->match_columns_by, MatchColumns::kName);
}

TEST(Attribute, Defaults) {
  auto table = ParseTableAttribute(R"({"file":[{"uri":"file:///x.csv"}]})");
  ASSERT_TRUE(table);
  EXPECT_EQ(table->dialect.format, FileFormat::kCsv);
  EXPECT_EQ(table->dialect.csv.field_delimiter, "");  // to be detected
  EXPECT_TRUE(table->dialect.check_constraints);
  EXPECT_FALSE(table->dialect.is_strict_mode.has_value());
}

TEST(Attribute, Refusals) {
  EXPECT_THAT(ErrorOf("{"), HasSubstr("6511"));
  EXPECT_THAT(ErrorOf("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(ErrorOf("{}"), HasSubstr("no file is given"));
  EXPECT_THAT(ErrorOf(R"({"file":[]})"), HasSubstr("at least one file"));
  EXPECT_THAT(ErrorOf(R"({"file":[{"uri":"a"}],"x":1})"), HasSubstr("unknown key 'x'"));
  EXPECT_THAT(ErrorOf(R"({"file":[{"uri":"a","x":1}]})"), HasSubstr("unknown key 'x'"));
  EXPECT_THAT(ErrorOf(R"({"file":[{"uri":"a","uri":"b"}]})"), HasSubstr("twice"));
  EXPECT_THAT(ErrorOf(R"({"file":[{"uri":"a","par":"b"}]})"), HasSubstr("one of"));
  EXPECT_THAT(ErrorOf(R"({"file":[{"bucket":"a"}]})"), HasSubstr("needs one of"));
  EXPECT_THAT(ErrorOf(R"({"file":[{"par":"a","name":"b","prefix":"c"}]})"),
              HasSubstr("only one of"));
  EXPECT_THAT(ErrorOf(R"({"file":[{"par":"a","pattern":"("}]})"), HasSubstr("regular expression"));
  const std::string secret = ErrorOf(R"({"file":[{"uri":"s3://key:s3cret@bucket/x"}]})");
  EXPECT_THAT(secret, HasSubstr("credentials"));
  EXPECT_EQ(secret.find("s3cret"), std::string::npos);
  const auto dialect = [](std::string_view body) {
    return ErrorOf(R"({"file":[{"uri":"a"}],"dialect":{)" + std::string(body) + "}}");
  };
  EXPECT_THAT(dialect(R"("format":"xml")"), HasSubstr("'format' must be"));
  EXPECT_THAT(dialect(R"("format":"parquet","field_delimiter":",")"), HasSubstr("csv only"));
  EXPECT_THAT(dialect(R"("format":"avro","compression":"gzip")"), HasSubstr("must be auto"));
  EXPECT_THAT(dialect(R"("skip_rows":21)"), HasSubstr("0 to 20"));
  EXPECT_THAT(dialect(R"("skip_rows":"1")"), HasSubstr("0 to 20"));
  EXPECT_THAT(dialect(R"("has_header":"yes")"), HasSubstr("true or false"));
  EXPECT_THAT(dialect(R"("encoding":"klingon")"), HasSubstr("character set"));
  EXPECT_THAT(dialect(R"("quotation_marks":"ab")"), HasSubstr("one character"));
  EXPECT_THAT(dialect(R"("field_delimiter":"")"), HasSubstr("empty"));
  EXPECT_THAT(dialect(R"("field_delimiter":";","record_delimiter":";")"), HasSubstr("differ"));
}

TEST(Attribute, Columns) {
  auto formats = ParseColumnAttribute(R"({"datetime_format":"%Y","timestamp_format":"%m"})");
  ASSERT_TRUE(formats);
  EXPECT_EQ(formats->datetime_format, "%Y");
  ASSERT_EQ(formats->warnings.size(), 1u);
  EXPECT_EQ(formats->warnings[0].number, 6525u);
  EXPECT_EQ(ParseColumnAttribute(R"({"x":"y"})").error().mysql_errno, 6407u);
  EXPECT_EQ(ParseColumnAttribute(R"({"date_format":1})").error().mysql_errno, 6407u);
  EXPECT_EQ(ParseColumnAttribute("").error().mysql_errno, 6407u);
}

// Mutations of a good document and pure noise: an answer, never a crash.
TEST(Attribute, Fuzz) {
  std::mt19937 random(11);
  for (int round = 0; round < 20000; ++round) {
    std::string text(kWhole);
    for (uint32_t n = random() % 6 + 1; n > 0; --n) {
      const size_t at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, random() % 20);
          break;
        case 2:
          text.insert(at, text.substr(random() % text.size(), random() % 40));
          break;
        case 3:
          text[at] = "{}[]\",:\\0"[random() % 9];
          break;
      }
      if (text.empty()) text = "{";
    }
    (void)ParseTableAttribute(text);
    (void)ParseColumnAttribute(text);
  }
  EXPECT_NE(ErrorOf(std::string(100000, '[')), "");
  EXPECT_NE(ErrorOf(std::string(100000, '{')), "");
}

}  // namespace
}  // namespace sirocco::lakehouse
