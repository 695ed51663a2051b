// Whole loads from local files: locating, detection, matching by name, formats, messages.
#include "lakehouse/load/load_table.h"

#include <arrow/io/memory.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <parquet/column_writer.h>
#include <parquet/file_writer.h>
#include <zlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "lakehouse/load/load_fixture.h"
#include "lakehouse/read/avro_file.h"
#include "lakehouse/table/glob.h"

namespace sirocco::lakehouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Load : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/sirocco-lakehouse-XXXXXX";
    folder_ = mkdtemp(pattern);
    stores_ = std::make_unique<StoreSet>(StoreSetOptions{.local_folders = {folder_}});
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void Write(const std::string& name, std::string_view bytes) {
    std::filesystem::create_directories(std::filesystem::path(folder_ + "/" + name).parent_path());
    std::ofstream(folder_ + "/" + name, std::ios::binary) << bytes;
  }
  // FILES as JSON with @ for the folder; `dialect` the members of the dialect.
  Result<TestLoad> Run(const std::vector<ColumnTarget>& targets, std::string files,
                       const std::string& dialect = "", const std::string& more = "") {
    for (size_t at; (at = files.find('@')) != std::string::npos;)
      files.replace(at, 1, "file://" + folder_);
    ASSIGN_OR_RETURN(ExternalTable definition,
                     ParseTableAttribute("{\"file\":[" + files + "],\"dialect\":{" + dialect + "}" +
                                         more + "}"));
    ExternalLoad load;
    load.definition = std::move(definition);
    load.targets = targets;
    load.schema.table_name = "t";
    for (const ColumnTarget& target : targets) load.schema.columns.push_back(target.schema);
    ASSIGN_OR_RETURN(
        const ExternalLoadResult result,
        LoadExternalTable(load, stores_.get(), std::make_shared<engine::MemoryPool>("test")));
    TestLoad out;
    ASSIGN_OR_RETURN(out.rows, PrintTable(result.snapshot));
    out.warnings = result.warnings;
    return out;
  }

  std::string folder_;
  std::unique_ptr<StoreSet> stores_;
};

std::vector<std::string> RowsOf(const Result<TestLoad>& load) {
  return load ? load->rows : std::vector<std::string>{load.error().ToString()};
}

std::vector<ColumnTarget> IdName() {
  return {TestColumn("id", plan::IntType()), TestText("name", 20)};
}

TEST(GlobTest, Matching) {
  const auto matches = [](const char* pattern, const char* name) {
    auto glob = Glob::Parse(pattern);
    return glob && glob->Matches(name);
  };
  EXPECT_TRUE(matches("a/*.csv", "a/x.csv"));
  EXPECT_FALSE(matches("a/*.csv", "a/b/x.csv"));
  EXPECT_TRUE(matches("a/**.csv", "a/b/x.csv"));
  EXPECT_TRUE(matches("data_[1-10].csv", "data_10.csv"));
  EXPECT_TRUE(matches("data_[1-10].csv", "data_2.csv"));
  EXPECT_FALSE(matches("data_[1-10].csv", "data_11.csv"));
  EXPECT_TRUE(matches("x[a-c]?", "xb1"));
  EXPECT_FALSE(matches("x[!a-c]", "xb"));
  EXPECT_TRUE(matches("{a,b}/{c,d}", "b/c"));
  EXPECT_FALSE(matches("{a,b}", "c"));
  EXPECT_FALSE(Glob::Parse("a[b").has_value());
  // Time stays proportional however many stars there are.
  EXPECT_FALSE(matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", std::string(2000, 'a').c_str()));
}

TEST_F(Load, FilesOfAGlobInOrder) {
  Write("d/x_2.csv", "2,b\n");
  Write("d/x_10.csv", "10,c\n");
  Write("d/x_1.csv", "1,a\n");
  Write("d/y.txt", "9,z\n");
  auto load = Run(IdName(), R"({"uri":"@/d/x_[1-10].csv"})");
  ASSERT_TRUE(load) << load.error().ToString();
  EXPECT_THAT(load->rows, ElementsAre("1|a", "10|c", "2|b"));
  load = Run(IdName(), R"({"uri":"@/d/x_1.csv"},{"uri":"@/d/x_*"})");
  ASSERT_TRUE(load);
  EXPECT_THAT(load->rows, ElementsAre("1|a", "10|c", "2|b"));
  ASSERT_EQ(load->warnings.size(), 1u);
  EXPECT_EQ(load->warnings[0].number, 6070u);
}

TEST_F(Load, MissingEmptyAndForbidden) {
  Write("a.csv", "1,a\n");
  Write("empty.csv", "");
  auto load = Run(IdName(), R"({"uri":"@/a.csv"},{"uri":"@/none.csv"})");
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().mysql_errno, 6068u);
  EXPECT_THAT(load.error().message, HasSubstr("/none.csv"));
  load = Run(
      IdName(),
      R"({"uri":"@/a.csv"},{"uri":"@/none*.csv","allow_missing_files":true},{"uri":"@/empty.csv"})");
  ASSERT_TRUE(load) << load.error().ToString();
  EXPECT_THAT(load->rows, ElementsAre("1|a"));
  ASSERT_EQ(load->warnings.size(), 2u);
  EXPECT_EQ(load->warnings[0].number, 6068u);
  EXPECT_EQ(load->warnings[1].number, 6069u);
  EXPECT_EQ(Run(IdName(), R"({"uri":"file:///etc/passwd"})").error().mysql_errno, 6514u);
  EXPECT_EQ(Run(IdName(), R"({"uri":"@/../../etc/passwd"})").error().mysql_errno, 6514u);
  std::filesystem::create_symlink("/etc/passwd", folder_ + "/link.csv");
  EXPECT_EQ(Run(IdName(), R"({"uri":"@/link.csv"})").error().mysql_errno, 6514u);
}

TEST_F(Load, Detection) {
  Write("comma.csv", "1,a;b\n2,c\n");
  Write("tab.csv", "1\ta,b\r\n2\tc\r\n");
  Write("pipe.tbl", "1|a|\n2|b|\n");
  Write("semi.csv", "1;\"a;x\"\n2;b\n");
  EXPECT_THAT(RowsOf(Run(IdName(), R"({"uri":"@/comma.csv"})")), ElementsAre("1|a;b", "2|c"));
  EXPECT_THAT(RowsOf(Run(IdName(), R"({"uri":"@/tab.csv"})")), ElementsAre("1|a,b", "2|c"));
  EXPECT_THAT(RowsOf(Run(IdName(), R"({"uri":"@/pipe.tbl"})")), ElementsAre("1|a", "2|b"));
  EXPECT_THAT(RowsOf(Run(IdName(), R"({"uri":"@/semi.csv"})")), ElementsAre("1|a;x", "2|b"));
}

TEST_F(Load, ColumnsByName) {
  Write("a.csv", "Name,extra,ID\nx,1,7\n");
  Write("b.csv", "id,name\n8,y\n");
  auto load = Run(IdName(), R"({"uri":"@/?.csv"})", R"("has_header":true)",
                  R"(,"match_columns_by":"name")");
  ASSERT_TRUE(load) << load.error().ToString();
  EXPECT_THAT(load->rows, ElementsAre("7|x", "8|y"));
  Write("c.csv", "id\n9\n");
  load = Run(IdName(), R"({"uri":"@/c.csv"})", R"("has_header":true)",
             R"(,"match_columns_by":"name")");
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().mysql_errno, 6515u);
  load = Run(IdName(), R"({"uri":"@/c.csv"})", R"("has_header":true)",
             R"(,"match_columns_by":"name","allow_missing_columns":true)");
  ASSERT_TRUE(load) << load.error().ToString();
  EXPECT_THAT(load->rows, ElementsAre("9|NULL"));
}

std::string Gzip(std::string_view text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST_F(Load, PackedFiles) {
  Write("x.csv.gz", Gzip("1,a\n") + Gzip("2,b\n"));
  auto load = Run(IdName(), R"({"uri":"@/x.csv.gz"})");
  ASSERT_TRUE(load) << load.error().ToString();
  EXPECT_THAT(load->rows, ElementsAre("1|a", "2|b"));
  std::string broken = Gzip("1,a\n2,b\n");
  Write("short.csv.gz", broken.substr(0, broken.size() - 9));
  EXPECT_EQ(Run(IdName(), R"({"uri":"@/short.csv.gz"})").error().mysql_errno, 6445u);
  broken[12] ^= 0x55;
  Write("broken.csv.gz", broken);
  EXPECT_EQ(Run(IdName(), R"({"uri":"@/broken.csv.gz"})").error().mysql_errno, 6445u);
  Write("wrong.csv", "1,a\n");
  EXPECT_EQ(
      Run(IdName(), R"({"uri":"@/wrong.csv"})", R"("compression":"bzip2")").error().mysql_errno,
      6445u);
  // A bomb: zeros without end are one record that is too long, whatever they unpack to.
  Write("bomb.csv.gz", Gzip(std::string(100 << 20, '0')));
  EXPECT_EQ(Run(IdName(), R"({"uri":"@/bomb.csv.gz"})").error().mysql_errno, 6106u);
}

TEST_F(Load, JsonLines) {
  Write("x.json", "{\"a\":1}\n\n  [1,\"x\"]  \nnull\n");
  const std::vector<ColumnTarget> targets = {TestColumn("doc", {.kind = plan::TypeKind::kJson})};
  auto load = Run(targets, R"({"uri":"@/x.json"})", R"("format":"json")");
  ASSERT_TRUE(load) << load.error().ToString();
  ASSERT_EQ(load->rows.size(), 3u);
  EXPECT_EQ(load->rows[0], "\\x00\\x01\\x00\\x0C\\x00\\x0B\\x00\\x01\\x00\\x05\\x01\\x00a");
  EXPECT_EQ(load->rows[2], "\\x04\\x00");
  Write("bad.json", "{\"a\":1}\n{\"a\":}\n");
  load = Run(targets, R"({"uri":"@/bad.json"})", R"("format":"json")");
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().mysql_errno, 6121u);
  EXPECT_THAT(load.error().message, HasSubstr("line 2, byte offset 8"));
  EXPECT_EQ(Run(IdName(), R"({"uri":"@/x.json"})", R"("format":"json")").error().mysql_errno,
            6131u);
}

// A Parquet file with most types, written by Arrow's own writer.
std::string ParquetBytes(int num_rows) {
  using namespace parquet;  // NOLINT
  using schema::GroupNode, schema::PrimitiveNode;
  schema::NodeVector fields = {
      PrimitiveNode::Make("i32", Repetition::OPTIONAL, Type::INT32),
      PrimitiveNode::Make("u64", Repetition::REQUIRED, LogicalType::Int(64, false), Type::INT64),
      PrimitiveNode::Make("f64", Repetition::REQUIRED, Type::DOUBLE),
      PrimitiveNode::Make("text", Repetition::OPTIONAL, LogicalType::String(), Type::BYTE_ARRAY),
      PrimitiveNode::Make("price", Repetition::REQUIRED, LogicalType::Decimal(20, 2),
                          Type::FIXED_LEN_BYTE_ARRAY, 9),
      PrimitiveNode::Make("day", Repetition::REQUIRED, LogicalType::Date(), Type::INT32),
      PrimitiveNode::Make("stamp", Repetition::REQUIRED,
                          LogicalType::Timestamp(false, LogicalType::TimeUnit::NANOS), Type::INT64),
      PrimitiveNode::Make("old", Repetition::REQUIRED, Type::INT96),
      PrimitiveNode::Make("flag", Repetition::REQUIRED, Type::BOOLEAN),
      GroupNode::Make(
          "list", Repetition::OPTIONAL,
          {GroupNode::Make("list", Repetition::REPEATED,
                           {PrimitiveNode::Make("element", Repetition::OPTIONAL, Type::INT32)})},
          LogicalType::List())};
  auto root =
      std::static_pointer_cast<GroupNode>(GroupNode::Make("schema", Repetition::REQUIRED, fields));
  auto sink = *::arrow::io::BufferOutputStream::Create();
  auto writer = ParquetFileWriter::Open(sink, root);
  auto* group = writer->AppendRowGroup();
  const int16_t present = 1, absent = 0;
  auto* i32 = static_cast<Int32Writer*>(group->NextColumn());
  for (int i = 0; i < num_rows; ++i) {
    const int32_t value = i - 1;
    i32->WriteBatch(1, i % 3 == 2 ? &absent : &present, nullptr, &value);
  }
  auto* u64 = static_cast<Int64Writer*>(group->NextColumn());
  for (int i = 0; i < num_rows; ++i) {
    const int64_t value = -1 - i;
    u64->WriteBatch(1, nullptr, nullptr, &value);
  }
  auto* f64 = static_cast<DoubleWriter*>(group->NextColumn());
  for (int i = 0; i < num_rows; ++i) {
    const double value = i + 0.5;
    f64->WriteBatch(1, nullptr, nullptr, &value);
  }
  auto* text = static_cast<ByteArrayWriter*>(group->NextColumn());
  for (int i = 0; i < num_rows; ++i) {
    const std::string bytes = "text " + std::to_string(i);
    const ByteArray value(static_cast<uint32_t>(bytes.size()),
                          reinterpret_cast<const uint8_t*>(bytes.data()));
    text->WriteBatch(1, i % 4 == 3 ? &absent : &present, nullptr, &value);
  }
  auto* price = static_cast<FixedLenByteArrayWriter*>(group->NextColumn());
  for (int i = 0; i < num_rows; ++i) {
    uint8_t bytes[9];
    const int64_t scaled = i % 2 ? -125 - i : 125 + i;
    for (int k = 0; k < 9; ++k)
      bytes[8 - k] = k < 8 ? static_cast<uint8_t>(scaled >> (8 * k)) : (scaled < 0 ? 0xFF : 0);
    const FixedLenByteArray value(bytes);
    price->WriteBatch(1, nullptr, nullptr, &value);
  }
  auto* day = static_cast<Int32Writer*>(group->NextColumn());
  for (int i = 0; i < num_rows; ++i) {
    const int32_t value = 19782 + i;  // 2024-02-29
    day->WriteBatch(1, nullptr, nullptr, &value);
  }
  auto* stamp = static_cast<Int64Writer*>(group->NextColumn());
  for (int i = 0; i < num_rows; ++i) {
    const int64_t value = (19782 * int64_t{86400} + 3661) * 1000000000 + 123456500;
    stamp->WriteBatch(1, nullptr, nullptr, &value);
  }
  auto* old = static_cast<Int96Writer*>(group->NextColumn());
  for (int i = 0; i < num_rows; ++i) {
    Int96 value;
    const uint64_t nanos = 3661000000000;
    value.value[0] = static_cast<uint32_t>(nanos);
    value.value[1] = static_cast<uint32_t>(nanos >> 32);
    value.value[2] = 2440588 + 19782;
    old->WriteBatch(1, nullptr, nullptr, &value);
  }
  auto* flag = static_cast<BoolWriter*>(group->NextColumn());
  for (int i = 0; i < num_rows; ++i) {
    const bool value = i % 2 == 0;
    flag->WriteBatch(1, nullptr, nullptr, &value);
  }
  auto* list = static_cast<Int32Writer*>(group->NextColumn());
  for (int i = 0; i < num_rows; ++i) {
    // NULL, [], [7, null, 8] in turn.
    const int16_t definition[3] = {static_cast<int16_t>(i % 3 == 2 ? 3 : i % 3), 2, 3},
                  repetition[3] = {0, 1, 1};
    const int32_t values[2] = {7, 8};
    list->WriteBatch(i % 3 == 2 ? 3 : 1, definition, repetition, values);
  }
  writer->Close();
  return (*sink->Finish())->ToString();
}

std::vector<ColumnTarget> ParquetTargets() {
  return {TestColumn("i32", plan::IntType()),
          TestColumn("u64", plan::UIntType(), 8),
          TestColumn("f64", plan::DoubleType()),
          TestText("text", 20),
          TestColumn("price", plan::DecimalType(20, 2)),
          TestColumn("day", plan::DateType()),
          TestColumn("stamp", plan::DatetimeType(6)),
          TestColumn("old", plan::DatetimeType(0)),
          TestColumn("flag", plan::IntType(), 1),
          TestText("list", 50)};
}

TEST_F(Load, ParquetTypes) {
  Write("x.parquet", ParquetBytes(3));
  auto load = Run(ParquetTargets(), R"({"uri":"@/x.parquet"})", R"("format":"parquet")");
  ASSERT_TRUE(load) << load.error().ToString();
  EXPECT_THAT(
      load->rows,
      ElementsAre("-1|18446744073709551615|0.5|text 0|1.25|2024-02-29|2024-02-29 01:01:01.123457|"
                  "2024-02-29 01:01:01|1|NULL",
                  "0|18446744073709551614|1.5|text 1|-1.26|2024-03-01|2024-02-29 01:01:01.123457|"
                  "2024-02-29 01:01:01|0|[]",
                  "NULL|18446744073709551613|2.5|text 2|1.27|2024-03-02|2024-02-29 01:01:01.123457|"
                  "2024-02-29 01:01:01|1|[7, null, 8]"));
  // Many rows: batches, pages and lists that go on in the next page.
  Write("many.parquet", ParquetBytes(20000));
  load = Run(ParquetTargets(), R"({"uri":"@/many.parquet"})", R"("format":"parquet")");
  ASSERT_TRUE(load) << load.error().ToString();
  ASSERT_EQ(load->rows.size(), 20000u);
  EXPECT_THAT(load->rows[19998],
              HasSubstr("19997|18446744073709531617|19998.5|text 19998|201.23|"));
  EXPECT_THAT(load->rows[19997], HasSubstr("|[7, null, 8]"));
}

TEST_F(Load, ParquetConversionsAndErrors) {
  Write("x.parquet", ParquetBytes(200));
  auto targets = ParquetTargets();
  targets[0] = TestColumn("i32", plan::IntType(), 1);
  auto load = Run(targets, R"({"uri":"@/x.parquet"})", R"("format":"parquet")");
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().mysql_errno, 6051u);
  EXPECT_THAT(load.error().message, HasSubstr("row 130, column `i32`, value '128'"));
  targets = {TestText("u64", 30), TestText("day", 30),
             TestColumn("price", plan::DecimalType(5, 1))};
  load = Run(targets, R"({"uri":"@/x.parquet","is_strict_mode":false})", R"("format":"parquet")",
             R"(,"match_columns_by":"name")");
  ASSERT_TRUE(load) << load.error().ToString();
  EXPECT_EQ(load->rows[0], "18446744073709551615|2024-02-29|1.3");
  targets = {TestColumn("day", plan::IntType())};
  load = Run(targets, R"({"uri":"@/x.parquet"})", R"("format":"parquet")",
             R"(,"match_columns_by":"name")");
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().mysql_errno, 6091u);
  Write("no.parquet", "this is no Parquet file at all");
  EXPECT_EQ(Run(targets, R"({"uri":"@/no.parquet"})", R"("format":"parquet")").error().mysql_errno,
            6081u);
}

// ---- Avro, encoded here

std::string AvroLong(int64_t value) {
  auto zigzag = static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
  std::string out;
  do {
    out += static_cast<char>((zigzag & 127) | (zigzag > 127 ? 128 : 0));
    zigzag >>= 7;
  } while (zigzag != 0);
  return out;
}
std::string AvroText(std::string_view text) {
  return AvroLong(static_cast<int64_t>(text.size())) + std::string(text);
}
constexpr std::string_view kAvroSchema = R"({"type":"record","name":"r","fields":[
  {"name":"id","type":"long"},{"name":"name","type":["null","string"]},
  {"name":"tags","type":{"type":"map","values":{"type":"array","items":"int"}}},
  {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}},
  {"name":"day","type":{"type":"int","logicalType":"date"}},
  {"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},
  {"name":"kind","type":{"type":"enum","name":"k","symbols":["small","LARGE"]}}]})";

std::string AvroBytes(const std::string& codec, std::string_view schema = kAvroSchema) {
  const std::string sync = "0123456789abcdef";
  std::string out = std::string("Obj\x01", 4) + AvroLong(2) + AvroText("avro.schema") +
                    AvroText(schema) + AvroText("avro.codec") + AvroText(codec) + AvroLong(0) +
                    sync;
  for (int block = 0; block < 2; ++block) {
    std::string rows;
    for (int i = 0; i < 2; ++i) {
      rows += AvroLong(block * 2 + i - 1);
      rows += i == 0 ? AvroLong(1) + AvroText("n\xC3\xA4me") : AvroLong(0);
      rows += AvroLong(1) + AvroText("a") + AvroLong(2) + AvroLong(7) + AvroLong(8) + AvroLong(0) +
              AvroLong(0);
      rows += AvroText(std::string("\xFF\x83", 2));  // -125
      rows += AvroLong(19782) + AvroLong(19782 * int64_t{86400000} + 1500) + AvroLong(i);
    }
    if (codec == "deflate") {
      z_stream stream{};
      deflateInit2(&stream, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
      std::string packed(1000, '\0');
      stream.next_in = reinterpret_cast<Bytef*>(rows.data());
      stream.avail_in = static_cast<uInt>(rows.size());
      stream.next_out = reinterpret_cast<Bytef*>(packed.data());
      stream.avail_out = 1000;
      deflate(&stream, Z_FINISH);
      packed.resize(stream.total_out);
      deflateEnd(&stream);
      rows = packed;
    }
    out += AvroLong(2) + AvroText(rows) + sync;
  }
  return out;
}
std::vector<ColumnTarget> AvroTargets() {
  return {TestText("kind", 10),
          TestText("name", 10),
          TestColumn("id", plan::IntType(), 8),
          TestColumn("price", plan::DecimalType(10, 2)),
          TestColumn("day", plan::DateType()),
          TestColumn("at", plan::DatetimeType(3))};
}

TEST_F(Load, Avro) {
  const std::string by_name = R"(,"match_columns_by":"name")";
  for (const std::string codec : {"null", "deflate"}) {
    Write("x.avro", AvroBytes(codec));
    auto load = Run(AvroTargets(), R"({"uri":"@/x.avro"})", R"("format":"avro")", by_name);
    ASSERT_TRUE(load) << load.error().ToString();
    EXPECT_THAT(load->rows,
                ElementsAre("small|n\xC3\xA4me|-1|-1.25|2024-02-29|2024-02-29 00:00:01.500",
                            "LARGE|NULL|0|-1.25|2024-02-29|2024-02-29 00:00:01.500",
                            "small|n\xC3\xA4me|1|-1.25|2024-02-29|2024-02-29 00:00:01.500",
                            "LARGE|NULL|2|-1.25|2024-02-29|2024-02-29 00:00:01.500"));
  }
  const std::string good = AvroBytes("null");
  Write("short.avro", good.substr(0, good.size() - 5));
  EXPECT_EQ(Run(AvroTargets(), R"({"uri":"@/short.avro"})", R"("format":"avro")", by_name)
                .error()
                .mysql_errno,
            6076u);
  Write("no.avro", "1,2\n");
  EXPECT_EQ(Run(AvroTargets(), R"({"uri":"@/no.avro"})", R"("format":"avro")", by_name)
                .error()
                .mysql_errno,
            6081u);
  EXPECT_EQ(Run({TestText("tags", 10)}, R"({"uri":"@/x.avro"})", R"("format":"avro")", by_name)
                .error()
                .mysql_errno,
            6075u);
}

TEST(AvroFuzz, NeverCrashes) {
  mysqlsem::InitializeCollations();
  const auto targets = AvroTargets();
  uint64_t seed = 5;
  const auto random = [&seed] {
    return (seed = seed * 6364136223846793005u + 1442695040888963407u) >> 33;
  };
  for (int round = 0; round < 5000; ++round) {
    std::string bytes = AvroBytes(round % 2 ? "null" : "deflate");
    for (uint64_t n = random() % 4 + 1; n > 0; --n)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 8 == 0) bytes.resize(random() % bytes.size());
    MemoryStore store;
    ASSERT_TRUE(store.Put("x", bytes));
    auto plan = std::make_shared<AvroReadPlan>();
    plan->store = &store;
    plan->object = *store.Head("x");
    auto header = ReadAvroHeader(&store, plan->object, "x");
    if (!header || header->fields.size() != 7) continue;
    plan->header = *header;
    plan->targets = &targets;
    plan->rules.strict = round % 3 == 0;
    plan->field_of_column = {6, 1, 0, 3, 4, 5};
    plan->file_name = "x";
    if (!CheckAvroTypes(*plan)) continue;
    std::vector<std::unique_ptr<ReadTask>> tasks;
    tasks.push_back(MakeAvroTask(plan));
    LoadReport report;
    (void)LoadTasks(targets, std::move(tasks), 1, &report);
  }
}

// ---- Delta

// One row group of optional structs of texts, as checkpoints have them: {"add.path": ["x", "",
// ...], ...}.
std::string Checkpoint(
    const std::vector<std::pair<std::string, std::vector<std::string>>>& leaves) {
  using namespace parquet;  // NOLINT
  using schema::GroupNode, schema::PrimitiveNode;
  schema::NodeVector fields;
  for (const auto& [path, values] : leaves) {
    const size_t dot = path.find('.');
    schema::NodePtr leaf =
        path == "protocol.minReaderVersion"
            ? PrimitiveNode::Make(path.substr(dot + 1), Repetition::OPTIONAL, Type::INT32)
            : PrimitiveNode::Make(path.substr(dot + 1), Repetition::OPTIONAL, LogicalType::String(),
                                  Type::BYTE_ARRAY);
    fields.push_back(GroupNode::Make(path.substr(0, dot), Repetition::OPTIONAL, {leaf}));
  }
  auto sink = *::arrow::io::BufferOutputStream::Create();
  auto writer = ParquetFileWriter::Open(sink, std::static_pointer_cast<GroupNode>(GroupNode::Make(
                                                  "schema", Repetition::REQUIRED, fields)));
  auto* group = writer->AppendRowGroup();
  const int16_t present = 2, absent = 0;
  for (const auto& [path, values] : leaves) {
    auto* column = group->NextColumn();
    for (const std::string& text : values) {
      if (path == "protocol.minReaderVersion") {
        const int32_t value = text.empty() ? 0 : std::stoi(text);
        static_cast<Int32Writer*>(column)->WriteBatch(1, text.empty() ? &absent : &present, nullptr,
                                                      &value);
      } else {
        const ByteArray value(static_cast<uint32_t>(text.size()),
                              reinterpret_cast<const uint8_t*>(text.data()));
        static_cast<ByteArrayWriter*>(column)->WriteBatch(1, text.empty() ? &absent : &present,
                                                          nullptr, &value);
      }
    }
  }
  writer->Close();
  return (*sink->Finish())->ToString();
}

constexpr std::string_view kProtocol =
    R"({"protocol":{"minReaderVersion":1,"minWriterVersion":2}})";
constexpr std::string_view kDeltaSchema =
    R"({\"type\":\"struct\",\"fields\":[{\"name\":\"i32\",\"type\":\"integer\"},{\"name\":\"text\",\"type\":\"string\"},{\"name\":\"later\",\"type\":\"string\"},{\"name\":\"part\",\"type\":\"string\"}]})";
std::string MetaData(const std::string& configuration = "{}") {
  return R"({"metaData":{"id":"x","schemaString":")" + std::string(kDeltaSchema) +
         R"(","partitionColumns":["part"],"configuration":)" + configuration + "}}";
}

TEST_F(Load, DeltaLog) {
  const std::vector<ColumnTarget> targets = {
      TestText("TEXT", 20), TestColumn("i32", plan::IntType()), TestText("later", 5)};
  const std::string files = R"({"uri":"@/t"})", delta = R"("format":"delta")";
  const auto commit = [&](int version, const std::string& lines) {
    char name[64];
    std::snprintf(name, sizeof(name), "t/_delta_log/%020d.json", version);
    Write(name, lines);
  };
  Write("t/a b.parquet", ParquetBytes(2));
  Write("t/part=1/c.parquet", ParquetBytes(1));
  Write("t/gone.parquet", "not read");
  commit(0, std::string(kProtocol) + "\n" + MetaData() + "\n" +
                R"({"add":{"path":"a%20b.parquet","size":1}})" + "\n");
  commit(1, R"({"add":{"path":"gone.parquet"}})"
            "\n"
            R"({"commitInfo":{}})"
            "\n");
  commit(2, R"({"remove":{"path":"gone.parquet"}})"
            "\n"
            R"({"add":{"path":"part=1/c.parquet"}})"
            "\n");
  auto load = Run(targets, files, delta);
  ASSERT_TRUE(load) << load.error().ToString();
  EXPECT_THAT(load->rows, ElementsAre("text 0|-1|NULL", "text 1|0|NULL", "text 0|-1|NULL"));
  EXPECT_EQ(Run({TestText("part", 5)}, files, delta).error().mysql_errno, 6521u);
  EXPECT_EQ(Run({TestText("none", 5)}, files, delta).error().mysql_errno, 6521u);

  // A checkpoint stands for the commits before it.
  std::string plain_schema(kDeltaSchema);
  std::erase(plain_schema, '\\');
  Write("t/_delta_log/00000000000000000001.checkpoint.parquet",
        Checkpoint({{"add.path", {"", "", "a%20b.parquet", "gone.parquet"}},
                    {"protocol.minReaderVersion", {"1", "", "", ""}},
                    {"metaData.schemaString", {"", plain_schema, "", ""}}}));
  std::filesystem::remove(folder_ + "/t/_delta_log/00000000000000000000.json");
  load = Run(targets, files, delta);
  ASSERT_TRUE(load) << load.error().ToString();
  EXPECT_EQ(load->rows.size(), 3u);
  std::filesystem::remove(folder_ + "/t/_delta_log/00000000000000000002.json");
  commit(3, R"({"add":{"path":"x"}})");
  load = Run(targets, files, delta);
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().mysql_errno, 6522u);
  EXPECT_THAT(load.error().message, HasSubstr("commit 2 is missing"));
  commit(2, MetaData(R"({"delta.columnMapping.mode":"name"})"));
  EXPECT_EQ(Run(targets, files, delta).error().mysql_errno, 6523u);
  commit(2, R"({"add":{"path":"x","deletionVector":{"storageType":"u"}}})");
  EXPECT_EQ(Run(targets, files, delta).error().mysql_errno, 6523u);
  commit(2, R"({"protocol":{"minReaderVersion":3,"readerFeatures":["future"]}})");
  EXPECT_EQ(Run(targets, files, delta).error().mysql_errno, 6523u);
  commit(2, "{broken");
  EXPECT_EQ(Run(targets, files, delta).error().mysql_errno, 6522u);
  EXPECT_EQ(Run(targets, R"({"uri":"@/nowhere"})", delta).error().mysql_errno, 6522u);
}

// Bytes changed, cut or doubled anywhere: an error or other values, never a crash.
TEST_F(Load, ParquetFuzz) {
  mysqlsem::InitializeCollations();
  const std::string good = ParquetBytes(50);
  const auto targets = ParquetTargets();
  std::vector<int32_t> positions(targets.size());
  for (size_t i = 0; i < positions.size(); ++i) positions[i] = static_cast<int32_t>(i);
  uint64_t seed = 1;
  const auto random = [&seed] {
    return (seed = seed * 6364136223846793005u + 1442695040888963407u) >> 33;
  };
  for (int round = 0; round < 1500; ++round) {
    std::string bytes = good;
    for (uint64_t n = random() % 4 + 1; n > 0; --n)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 8 == 0) bytes.resize(random() % bytes.size());
    MemoryStore store;
    ASSERT_TRUE(store.Put("x", bytes));
    const ObjectMeta meta = *store.Head("x");
    auto plan = std::make_shared<ParquetReadPlan>();
    auto file = ParquetFile::Open(&store, meta, "x");
    if (!file) continue;
    plan->file = *file;
    plan->targets = &targets;
    plan->file_name = "x";
    if ((*file)->columns().size() != targets.size()) continue;
    plan->column_of_target = positions;
    if (!(*file)->CheckTypes(targets, positions)) continue;
    if ((*file)->num_rows() > 1000000) continue;
    std::vector<uint32_t> groups;
    for (uint32_t i = 0; i < (*file)->num_row_groups(); ++i) groups.push_back(i);
    std::vector<std::unique_ptr<ReadTask>> tasks;
    AddParquetTasks(plan, groups, 1000000, &tasks);
    LoadReport report;
    (void)LoadTasks(targets, std::move(tasks), 1, &report);
  }
}

}  // namespace
}  // namespace sirocco::lakehouse
