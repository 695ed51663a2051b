// Snapshots as files: what is written comes back, also with recent rows, deleted rows and
// dictionary tails; damaged files are refused; a failed write leaves the former file.
#include "engine/storage/snapshot_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "engine/storage/table_fixture.h"
#include "engine/storage/table_store.h"

namespace sirocco::engine {
namespace {

using plan::Value;
using Rows = std::vector<std::vector<Value>>;  // by column

constexpr uint32_t kAiCi = 255;

class SnapshotFileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "snapshot-file-" + std::to_string(::getpid());
    std::filesystem::create_directories(folder_);
    path_ = folder_ + "/one.table";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // One of every encoding, with recent rows, gone rows and a dictionary tail.
  SnapshotPtr MakeSnapshot(uint32_t num_rows) {
    auto number = [](uint32_t i) { return Value::Int(static_cast<int64_t>(i % 1000) * 7 - 30); };
    std::vector<TestColumn> columns;
    columns.push_back(
        MakeColumn(plan::IntType(false), num_rows, [](uint32_t i) { return Value::Int(i); }));
    columns.push_back(MakeColumn(plan::IntType(), num_rows, number));
    columns.push_back(MakeColumn(plan::UIntType(), num_rows, [](uint32_t i) {
      return i % 5 == 0 ? Value::Null() : Value::Int(~uint64_t{0} - i);
    }));
    columns.push_back(MakeColumn(plan::DecimalType(30, 2), num_rows, [](uint32_t i) {
      return Value::Int((static_cast<int128>(1) << 70) + i);
    }));
    columns.push_back(
        MakeColumn(plan::DoubleType(), num_rows, [](uint32_t i) { return Value::Real(i / 3.0); }));
    columns.push_back(MakeColumn(plan::StringType(kAiCi, 40), num_rows, [](uint32_t i) {
      return i % 7 == 0 ? Value::Null() : Value::Bytes(std::string(1, "abAB"[i % 4]));
    }));
    columns.push_back(MakeColumn(plan::StringType(kAiCi, 400), num_rows, [](uint32_t i) {
      return Value::Bytes("row " + std::to_string(i));
    }));
    columns.back().schema.encoding = plan::EncodingHint::kVarlen;
    columns.push_back(
        MakeColumn(plan::IntType(), num_rows, [](uint32_t) { return Value::Null(); }));
    auto first = BuildTable(columns, pool_, 1000, 1, {0});
    EXPECT_TRUE(first.has_value());
    if (num_rows == 0) return *first;
    TableStore store(*first, pool_);
    // Every tenth row goes; some come with new values.
    TestColumn gone = MakeColumn(plan::IntType(false), num_rows / 10,
                                 [](uint32_t i) { return Value::Int(i * 10); });
    const WireColumn key(gone, 0, gone.values.size());
    const std::vector<uint32_t> key_column = {0};
    EXPECT_TRUE(store.Delete(num_rows / 10, {key_column, std::span(&key.view, 1)}).has_value());
    std::vector<std::unique_ptr<WireColumn>> wire;
    std::vector<LoadColumn> values;
    std::vector<uint32_t> all;
    for (TestColumn& column : columns) {
      column.values.resize(1);
      column.values.push_back(column.values[0]);
      all.push_back(static_cast<uint32_t>(all.size()));
    }
    columns[0].values = {Value::Int(num_rows), Value::Int(num_rows + 1)};
    columns[5].values = {Value::Bytes("new"), Value::Bytes("NEW")};
    for (const TestColumn& column : columns) {
      wire.push_back(std::make_unique<WireColumn>(column, 0, 2));
      values.push_back(wire.back()->view);
    }
    EXPECT_TRUE(store.Insert(2, {all, values}).has_value());
    store.Commit();
    return *store.CurrentSnapshot();
  }

  static Rows Scan(const SnapshotPtr& snapshot) {
    std::vector<ScanOutput> outputs;
    for (uint32_t i = 0; i < snapshot->schema().columns.size(); ++i) outputs.push_back({i});
    auto scan = TableScan::Create(snapshot, outputs, {}, nullptr);
    return ScanAll(scan.get(), *snapshot, outputs);
  }

  Result<SnapshotFile::Content> Read(size_t limit = MemoryPool::kUnlimited) {
    return SnapshotFile::Read(path_, std::make_shared<MemoryPool>("read", limit));
  }
  std::string Bytes() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void Store(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
  }

  std::shared_ptr<MemoryPool> pool_ = std::make_shared<MemoryPool>("test");
  std::string folder_, path_;
};

TEST_F(SnapshotFileTest, ComesBack) {
  for (const uint32_t num_rows : {0u, 1u, 50u, 70000u}) {
    const SnapshotPtr snapshot = MakeSnapshot(num_rows);
    const auto written = SnapshotFile::Write(*snapshot, "label", path_, nullptr);
    ASSERT_TRUE(written.has_value()) << written.error().ToString();
    const auto read = Read();
    ASSERT_TRUE(read.has_value()) << read.error().ToString();
    EXPECT_EQ(read->label, "label");
    EXPECT_EQ(read->checksum, *written);
    const Snapshot& back = *read->snapshot;
    EXPECT_EQ(back.num_rows(), snapshot->num_rows());
    EXPECT_EQ(back.schema().primary_key, snapshot->schema().primary_key);
    for (uint32_t c = 0; c < 8; ++c) {
      EXPECT_EQ(back.lane(c), snapshot->lane(c));
      EXPECT_EQ(back.statistics().columns[c].min, snapshot->statistics().columns[c].min);
      EXPECT_EQ(back.statistics().columns[c].num_nulls,
                snapshot->statistics().columns[c].num_nulls);
    }
    EXPECT_EQ(Scan(read->snapshot), Scan(snapshot));
    EXPECT_FALSE(std::filesystem::exists(path_ + ".tmp"));
  }
}

TEST_F(SnapshotFileTest, FollowsChangesAfterwards) {
  ASSERT_TRUE(SnapshotFile::Write(*MakeSnapshot(50), "", path_, nullptr).has_value());
  auto pool = std::make_shared<MemoryPool>("read");
  auto read = SnapshotFile::Read(path_, pool);
  ASSERT_TRUE(read.has_value());
  const Rows before = Scan(read->snapshot);
  TableStore store(read->snapshot, pool);
  const TestColumn id{store.schema().columns[0], {Value::Int(51)}},
      word{store.schema().columns[5], {Value::Bytes("nEw")}};
  const WireColumn id_wire(id, 0, 1), word_wire(word, 0, 1);
  const std::vector<uint32_t> key = {0}, changed = {5};
  ASSERT_TRUE(
      store.Update(1, {key, std::span(&id_wire.view, 1)}, {changed, std::span(&word_wire.view, 1)})
          .has_value());
  store.Commit();
  const SnapshotPtr after = *store.CurrentSnapshot();
  const Dictionary* dictionary = after->dictionary(5);
  // A third value of the class that the file brought as a tail.
  EXPECT_EQ(dictionary->size(), 7u);
  EXPECT_EQ(dictionary->classes()[6], dictionary->classes()[5]);
  EXPECT_EQ(dictionary->classes()[5], dictionary->classes()[4]);
  EXPECT_EQ(Scan(after)[5].size(), before[5].size());
  EXPECT_EQ(Scan(after)[5].back(), Value::Bytes("nEw"));
}

TEST_F(SnapshotFileTest, DamageIsFound) {
  ASSERT_TRUE(SnapshotFile::Write(*MakeSnapshot(3000), "label", path_, nullptr).has_value());
  const std::string whole = Bytes();
  const Rows rows = Scan(Read()->snapshot);
  std::mt19937_64 random(3);
  uint32_t refused = 0;
  for (int i = 0; i < 400; ++i) {
    std::string damaged = whole;
    // Every byte of the header, and bytes anywhere.
    const size_t at = i < 64 ? static_cast<size_t>(i) : random() % whole.size();
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
    Store(damaged);
    const auto read = Read();
    refused += !read.has_value();
    // Only bytes between two arrays may change unnoticed.
    if (read.has_value()) {
      ASSERT_EQ(Scan(read->snapshot), rows) << "byte " << at;
      ASSERT_EQ(read->label, "label");
    }
  }
  EXPECT_GT(refused, 350u);
  for (int i = 0; i < 100; ++i) {
    Store(whole.substr(0, i < 70 ? static_cast<size_t>(i) : random() % whole.size()));
    EXPECT_FALSE(Read().has_value());
  }
  Store(whole + "x");
  EXPECT_FALSE(Read().has_value());
  // Blocks of zeros, as a file system may leave them.
  for (int i = 0; i < 50; ++i) {
    std::string damaged = whole;
    const size_t at = random() % whole.size();
    std::fill(damaged.begin() + static_cast<ptrdiff_t>(at),
              damaged.begin() + static_cast<ptrdiff_t>(std::min(at + 4096, whole.size())), '\0');
    Store(damaged);
    if (damaged == whole) continue;
    const auto read = Read();
    if (read.has_value()) {
      ASSERT_EQ(Scan(read->snapshot), rows);
    }
  }
}

TEST_F(SnapshotFileTest, OtherVersionsAndLittleMemoryAreErrors) {
  ASSERT_TRUE(SnapshotFile::Write(*MakeSnapshot(3000), "", path_, nullptr).has_value());
  const auto small = Read(20000);
  ASSERT_FALSE(small.has_value());
  EXPECT_EQ(small.error().code, ErrorCode::kOutOfMemory);
  std::string other = Bytes();
  other[8] = 2;
  Store(other);
  const auto read = Read();
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, ErrorCode::kNotSupported);
  std::filesystem::remove(path_);
  EXPECT_FALSE(Read().has_value());
}

TEST_F(SnapshotFileTest, StoppedWriteKeepsTheFormerFile) {
  ASSERT_TRUE(SnapshotFile::Write(*MakeSnapshot(10), "first", path_, nullptr).has_value());
  const std::atomic<bool> stop{true};
  const auto stopped = SnapshotFile::Write(*MakeSnapshot(3000), "second", path_, &stop);
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(Read()->label, "first");
  EXPECT_FALSE(std::filesystem::exists(path_ + ".tmp"));
  EXPECT_FALSE(
      SnapshotFile::Write(*MakeSnapshot(10), "", folder_ + "/none/x.table", nullptr).has_value());
}

TEST_F(SnapshotFileTest, SmallFiles) {
  ASSERT_TRUE(WriteSmallFile(path_, "position").has_value());
  EXPECT_EQ(ReadSmallFile(path_).value_or(""), "position");
  std::string bytes = Bytes();
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] ^= 4;
    Store(damaged);
    EXPECT_FALSE(ReadSmallFile(path_).has_value());
  }
}

}  // namespace
}  // namespace sirocco::engine
