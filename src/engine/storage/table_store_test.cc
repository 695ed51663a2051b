// Tables that follow changes, against a plain list of rows: random transactions over all lanes and
// encodings, growing dictionaries, bounds, filters, snapshots that stay as they are, failures.
#include "engine/storage/table_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <random>
#include <thread>

#include "engine/storage/chunk.h"
#include "engine/storage/table_fixture.h"
#include "mysqlsem/collation.h"

namespace sirocco::engine {
namespace {

using plan::Expr;
using plan::ExprOp;
using plan::ExprPtr;
using plan::Type;
using plan::Value;

constexpr uint32_t kAiCi = 255, kUtf8Mb4Bin = 46, kLatin1SwedishCi = 8;
constexpr ColumnId kId = 7;  // of column 0; column i has id kId + i

using Row = std::vector<Value>;

std::string Text(const Row& row) {
  std::string text;
  for (const Value& value : row) {
    if (value.is_null) {
      text += "NULL|";
    } else if (!value.bytes.empty()) {
      text += value.bytes + "|";
    } else {
      text.append(reinterpret_cast<const char*>(&value.integer), 16);
      text.append(reinterpret_cast<const char*>(&value.real), 8);
    }
  }
  return text;
}

// Images of some rows: the given columns.
struct Images {
  std::list<TestColumn> data;
  std::list<WireColumn> wire;
  std::vector<uint32_t> columns;
  std::vector<LoadColumn> values;

  Images(const std::vector<plan::ColumnSchema>& schema, const std::vector<Row>& rows,
         std::vector<uint32_t> which)
      : columns(std::move(which)) {
    for (const uint32_t column : columns) {
      TestColumn& one = data.emplace_back();
      one.schema = schema[column];
      for (const Row& row : rows) one.values.push_back(row[column]);
      values.push_back(wire.emplace_back(one, 0, rows.size()).view);
    }
  }
  RowImages images() const { return {columns, values}; }
};

class StoreTest : public testing::Test {
 protected:
  // Loads `rows` and keeps them as the model.
  void Load(std::vector<plan::ColumnSchema> schema, std::vector<uint32_t> key,
            std::vector<Row> rows, size_t limit = MemoryPool::kUnlimited) {
    schema_ = std::move(schema);
    key_ = std::move(key);
    rows_ = std::move(rows);
    pool_ = std::make_shared<MemoryPool>("test", limit);
    auto first = BuildTable(Columns(rows_), pool_, 3000, 1, key_);
    ASSERT_TRUE(first.has_value()) << first.error().ToString();
    store_ = std::make_unique<TableStore>(*first, pool_);
    all_.clear();
    for (uint32_t i = 0; i < schema_.size(); ++i) all_.push_back(i);
  }

  std::vector<TestColumn> Columns(const std::vector<Row>& rows) const {
    std::vector<TestColumn> columns(schema_.size());
    for (size_t c = 0; c < schema_.size(); ++c) {
      columns[c].schema = schema_[c];
      for (const Row& row : rows) columns[c].values.push_back(row[c]);
    }
    return columns;
  }

  Result<void> Insert(const std::vector<Row>& rows) {
    const Images after(schema_, rows, all_);
    return store_->Insert(static_cast<uint32_t>(rows.size()), after.images());
  }
  Result<void> Delete(const std::vector<Row>& rows, std::vector<uint32_t> named) {
    const Images before(schema_, rows, std::move(named));
    return store_->Delete(static_cast<uint32_t>(rows.size()), before.images());
  }
  Result<void> Update(const std::vector<Row>& old_rows, const std::vector<Row>& new_rows,
                      std::vector<uint32_t> named, std::vector<uint32_t> changed) {
    const Images before(schema_, old_rows, std::move(named));
    const Images after(schema_, new_rows, std::move(changed));
    return store_->Update(static_cast<uint32_t>(old_rows.size()), before.images(), after.images());
  }
  void Commit() {
    auto checked = store_->CheckKeys();
    ASSERT_TRUE(checked.has_value()) << checked.error().ToString();
    store_->Commit();
  }

  void MergeAll(uint64_t min_recent_rows = 1) {
    for (int i = 0; i < 100; ++i) {
      const auto merged = store_->MergeRows(min_recent_rows);
      ASSERT_TRUE(merged.has_value()) << merged.error().ToString();
      ASSERT_NE(*merged, TableStore::Merged::kBusy);
      if (*merged == TableStore::Merged::kNothing) return;
    }
    FAIL() << "the merge does not end";
  }
  void SortAll(uint32_t min_tail = 1) {
    for (int i = 0; i < 100; ++i) {
      const auto merged = store_->SortDictionary(min_tail);
      ASSERT_TRUE(merged.has_value()) << merged.error().ToString();
      ASSERT_NE(*merged, TableStore::Merged::kBusy);
      if (*merged == TableStore::Merged::kNothing) return;
    }
    FAIL() << "sorting does not end";
  }

  SnapshotPtr Current() {
    auto snapshot = store_->CurrentSnapshot();
    EXPECT_TRUE(snapshot.has_value());
    return snapshot.value_or(nullptr);
  }

  std::vector<std::string> Scan(const SnapshotPtr& snapshot,
                                std::vector<std::unique_ptr<ScanFilter>> filters = {}) {
    std::vector<ScanOutput> outputs;
    for (uint32_t i = 0; i < schema_.size(); ++i) outputs.push_back({i});
    auto scan = TableScan::Create(snapshot, outputs, std::move(filters), &context_);
    const auto read = ScanAll(scan.get(), *snapshot, outputs);
    std::vector<std::string> rows;
    for (size_t i = 0; i < read[0].size(); ++i) {
      Row row;
      for (const auto& column : read) row.push_back(column[i]);
      rows.push_back(Text(row));
    }
    std::sort(rows.begin(), rows.end());
    return rows;
  }
  static std::vector<std::string> Texts(const std::vector<Row>& rows) {
    std::vector<std::string> texts;
    for (const Row& row : rows) texts.push_back(Text(row));
    std::sort(texts.begin(), texts.end());
    return texts;
  }

  // The facts that a compiler relies on.
  void ExpectFacts(const Snapshot& snapshot) {
    ASSERT_EQ(snapshot.num_rows(), rows_.size());
    for (uint32_t c = 0; c < schema_.size(); ++c) {
      const ColumnInfo info = snapshot.column_info(c);
      std::set<std::string> distinct;
      for (const Row& row : rows_) {
        const Value& value = row[c];
        if (value.is_null) {
          ASSERT_TRUE(info.nullable);
          continue;
        }
        distinct.insert(Text({value}));
        if (info.lane == Lane::kI64 || info.lane == Lane::kI128) {
          ASSERT_TRUE(info.range.known);
          ASSERT_LE(info.range.min, value.integer);
          ASSERT_GE(info.range.max, value.integer);
        }
        if (info.lane == Lane::kI64 && !schema_[c].type.IsUnsigned()) {
          ASSERT_EQ(value.integer, static_cast<int64_t>(value.integer));
        }
      }
      if (info.lane != Lane::kCode) {
        ASSERT_GE(info.num_distinct * 1.1 + 2, static_cast<double>(distinct.size()));
      }
    }
  }

  void ExpectRows() {
    const SnapshotPtr snapshot = Current();
    ASSERT_EQ(Scan(snapshot), Texts(rows_));
    ExpectFacts(*snapshot);
  }

  // The term gives the same rows here and on a table loaded from the model.
  void ExpectFilter(const ExprPtr& term, const SnapshotPtr& fresh) {
    std::vector<std::pair<ColumnId, uint32_t>> columns;
    for (uint32_t i = 0; i < schema_.size(); ++i) columns.emplace_back(kId + i, i);
    const SnapshotPtr snapshot = Current();
    std::vector<std::string> expected, found;
    for (const SnapshotPtr& one : {fresh, snapshot}) {
      auto filter = ScanFilter::FromTerm(term, *one, columns, &context_);
      ASSERT_TRUE(filter.has_value() && *filter != nullptr) << plan::ExprText(*term);
      std::vector<std::unique_ptr<ScanFilter>> filters;
      filters.push_back(std::move(*filter));
      (one == fresh ? expected : found) = Scan(one, std::move(filters));
    }
    ASSERT_EQ(found, expected) << plan::ExprText(*term);
  }
  ExprPtr Column(uint32_t c) const { return plan::ColumnRef(kId + c, schema_[c].type); }
  ExprPtr Compare(ExprOp op, uint32_t c, const Value& value) const {
    return plan::Call(op, plan::IntType(), {Column(c), plan::Constant(value, schema_[c].type)},
                      schema_[c].type.collation);
  }

  std::shared_ptr<MemoryPool> pool_;
  std::vector<plan::ColumnSchema> schema_;
  std::vector<uint32_t> key_, all_;
  std::vector<Row> rows_;
  std::unique_ptr<TableStore> store_;
  plan::Plan plan_;
  MemoryPool query_pool_{"query"};
  QueryContext context_{&plan_, &query_pool_, 1};
};

plan::ColumnSchema Schema(const char* name, const Type& type,
                          plan::EncodingHint encoding = plan::EncodingHint::kAuto) {
  plan::ColumnSchema schema;
  schema.name = name;
  schema.type = type;
  schema.encoding = encoding;
  return schema;
}

std::vector<plan::ColumnSchema> TwoColumns() {
  return {Schema("id", plan::IntType(false)), Schema("v", plan::StringType(kAiCi, 400))};
}
Row Pair(int64_t id, const char* v) { return {Value::Int(id), Value::Bytes(v)}; }

// One of every lane and encoding; values come from a range that widens with `spread`.
class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}
  static std::vector<plan::ColumnSchema> Columns() {
    return {Schema("id", plan::IntType(false)),
            Schema("kind", plan::StringType(kLatin1SwedishCi, 20, false)),
            Schema("i", plan::IntType()),
            Schema("u", plan::UIntType()),
            Schema("price", plan::DecimalType(15, 2)),
            Schema("wide", plan::DecimalType(30, 4)),
            Schema("d", plan::DoubleType()),
            Schema("word", plan::StringType(kAiCi, 80)),
            Schema("bin", plan::StringType(kUtf8Mb4Bin, 80)),
            Schema("text", plan::StringType(kAiCi, 4000), plan::EncodingHint::kVarlen)};
  }
  uint64_t Below(uint64_t n) { return random_() % n; }
  Row Make(int64_t id, int spread) {
    auto maybe = [&](Value value) { return Below(9) == 0 ? Value::Null() : value; };
    auto number = [&](int bits) {
      const auto value = static_cast<int64_t>(random_() >> (64 - bits));
      return Below(2) == 0 ? value : -value;
    };
    auto word = [&](size_t letters) {
      std::string text;
      const size_t size = Below(letters + 1);
      for (size_t i = 0; i < size; ++i) text += "aAbB\xC3\xA4z "[Below(5)];
      return text;
    };
    std::string text = word(5 + 10 * spread);
    if (Below(50) == 0) text.append(3000, 'x');
    int128 wide = number(10 + 8 * spread);
    if (spread > 4) wide *= static_cast<int128>(1) << 60;
    return {Value::Int(id),
            Value::Bytes(std::string(1, static_cast<char>('a' + Below(3 + spread * 3)))),
            maybe(Value::Int(number(4 + spread * 9))),
            maybe(Value::Int(random_() >> (60 - spread * 10))),
            maybe(Value::Int(number(8 + spread * 4) * 100)),
            maybe(Value::Int(wide)),
            maybe(Value::Real(Below(8) == 0 ? -0.0 : static_cast<double>(number(30)) / 8)),
            maybe(Value::Bytes(word(2 + spread))),
            maybe(Value::Bytes(word(1 + spread))),
            maybe(Value::Bytes(std::move(text)))};
  }

 private:
  std::mt19937_64 random_;
};

// Random transactions; `key` may be empty. Checks after some, and old snapshots at the end.
class RandomStoreTest : public StoreTest {
 protected:
  void Run(uint32_t seed, std::vector<uint32_t> key, uint32_t num_loaded, int num_transactions) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Generator generator(seed);
    int64_t next_id = 1;
    std::vector<Row> first;
    // Without a key, rows repeat.
    auto make = [&](int spread) {
      return key.empty() && generator.Below(4) == 0
                 ? Row(Generator(7).Make(static_cast<int64_t>(generator.Below(3)), 0))
                 : generator.Make(next_id++, spread);
    };
    for (uint32_t i = 0; i < num_loaded; ++i) first.push_back(make(0));
    Load(Generator::Columns(), key, std::move(first));
    std::vector<std::pair<SnapshotPtr, std::vector<std::string>>> kept;
    for (int transaction = 0; transaction < num_transactions; ++transaction) {
      const int spread = std::min(5, transaction * 6 / num_transactions);
      const size_t num_changes = generator.Below(8) == 0 ? 300 : 1 + generator.Below(6);
      for (size_t change = 0; change < num_changes; ++change) {
        Result<void> done;
        const uint64_t what = rows_.empty() ? 0 : generator.Below(10);
        const size_t many = 1 + generator.Below(4);
        if (what < 4) {
          std::vector<Row> rows;
          for (size_t i = 0; i < many; ++i) rows.push_back(make(spread));
          done = Insert(rows);
          rows_.insert(rows_.end(), rows.begin(), rows.end());
        } else if (what < 8) {
          // Some rows in a row, perhaps the same one twice; some columns.
          std::vector<uint32_t> changed;
          for (uint32_t c = 0; c < schema_.size(); ++c)
            if (generator.Below(3) == 0) changed.push_back(c);
          const bool whole = key.empty() || generator.Below(2) == 0;
          std::vector<Row> old_rows, new_rows;
          for (size_t i = 0; i < many; ++i) {
            const size_t at = generator.Below(rows_.size());
            old_rows.push_back(rows_[at]);
            const Row fresh = generator.Make(next_id++, spread);
            for (const uint32_t c : changed) rows_[at][c] = fresh[c];
            new_rows.push_back(rows_[at]);
          }
          done = Update(old_rows, new_rows, whole ? all_ : key, changed);
        } else {
          std::vector<Row> rows;
          for (size_t i = 0; i < many && !rows_.empty(); ++i) {
            const size_t at = generator.Below(rows_.size());
            rows.push_back(rows_[at]);
            rows_.erase(rows_.begin() + static_cast<ptrdiff_t>(at));
          }
          done = Delete(rows, key.empty() || generator.Below(2) == 0 ? all_ : key);
        }
        ASSERT_TRUE(done.has_value()) << done.error().ToString();
      }
      if (generator.Below(120) == 0) {
        ASSERT_TRUE(store_->Truncate().has_value());
        rows_.clear();
      }
      if (generator.Below(10) == 0) Current();  // must not see what is under way
      Commit();
      if (generator.Below(12) == 0) MergeAll(generator.Below(2) == 0 ? 1 : 50);
      if (generator.Below(12) == 0) SortAll();
      if (generator.Below(6) == 0) {
        ExpectRows();
        if (generator.Below(4) == 0) kept.emplace_back(Current(), Texts(rows_));
      }
      if (generator.Below(25) == 0) ExpectFilters(&generator);
      if (HasFatalFailure()) return;
    }
    ExpectRows();
    ExpectFilters(&generator);
    for (const auto& [snapshot, texts] : kept) ASSERT_EQ(Scan(snapshot), texts);
    // All memory comes back.
    kept.clear();
    store_.reset();
    EXPECT_EQ(pool_->used_bytes(), 0u);
  }

  void ExpectFilters(Generator* generator) {
    auto scratch = std::make_shared<MemoryPool>("fresh");
    auto fresh = BuildTable(Columns(rows_), scratch, 3000, 1, key_);
    ASSERT_TRUE(fresh.has_value());
    constexpr ExprOp kOps[] = {ExprOp::kEq, ExprOp::kNe, ExprOp::kLt,
                               ExprOp::kLe, ExprOp::kGt, ExprOp::kGe};
    for (uint32_t c = 0; c < schema_.size(); ++c) {
      if (rows_.size() > 10000 && generator->Below(5) != 0) continue;
      for (const ExprOp op : kOps) {
        const Value value =
            rows_.empty() ? generator->Make(1, 3)[c] : rows_[generator->Below(rows_.size())][c];
        if (value.is_null) continue;
        ExpectFilter(Compare(op, c, value), *fresh);
        if (HasFatalFailure()) return;
      }
      ExpectFilter(plan::Call(ExprOp::kIsNull, plan::IntType(), {Column(c)}), *fresh);
      if (!schema_[c].type.IsString()) continue;
      ExpectFilter(plan::Call(ExprOp::kLike, plan::IntType(),
                              {Column(c), plan::Constant(Value::Bytes("%b%"), schema_[c].type)},
                              schema_[c].type.collation),
                   *fresh);
    }
  }
};

TEST_F(RandomStoreTest, FollowsByKey) {
  for (uint32_t seed = 1; seed <= 3; ++seed) Run(seed, {0}, 50 * seed, 150);
}

TEST_F(RandomStoreTest, FollowsByKeyOfSeveralColumns) {
  for (uint32_t seed = 11; seed <= 12; ++seed) Run(seed, {0, 1}, 0, 150);
}

TEST_F(RandomStoreTest, FollowsWithoutKey) {
  for (uint32_t seed = 21; seed <= 22; ++seed) Run(seed, {}, 100, 150);
}

TEST_F(RandomStoreTest, SeveralChunks) { Run(31, {0}, 67000, 5); }

TEST_F(StoreTest, NothingIsVisibleBeforeCommit) {
  Load(TwoColumns(), {0}, {Pair(1, "a"), Pair(2, "b")});
  const SnapshotPtr before = Current();
  ASSERT_TRUE(Insert({Pair(3, "c")}));
  ASSERT_TRUE(Delete({Pair(1, "a")}, {0}));
  EXPECT_EQ(Scan(Current()), Texts({Pair(1, "a"), Pair(2, "b")}));
  Commit();
  EXPECT_EQ(Scan(Current()), Texts({Pair(2, "b"), Pair(3, "c")}));
  EXPECT_EQ(Scan(before), Texts({Pair(1, "a"), Pair(2, "b")}));
}

TEST_F(StoreTest, ViewPinnedBeforeLaterCommits) {
  Load(TwoColumns(), {0}, {Pair(1, "a")});
  ASSERT_TRUE(Insert({Pair(2, "b")}));
  Commit();
  const auto view = store_->Pin();
  ASSERT_TRUE(Insert({Pair(3, "new"), Pair(4, "A")}));
  ASSERT_TRUE(Delete({Pair(1, "a")}, {0}));
  Commit();
  EXPECT_EQ(Scan(Current()), Texts({Pair(2, "b"), Pair(3, "new"), Pair(4, "A")}));
  auto old = store_->Open(*view);
  ASSERT_TRUE(old.has_value());
  EXPECT_EQ(Scan(*old), Texts({Pair(1, "a"), Pair(2, "b")}));
  EXPECT_EQ(Scan(Current()), Texts({Pair(2, "b"), Pair(3, "new"), Pair(4, "A")}));
}

TEST_F(StoreTest, SwappedKeysInOneStatement) {
  Load(TwoColumns(), {0}, {Pair(1, "one"), Pair(2, "two"), Pair(3, "three")});
  // 1 -> 2, 2 -> 3, 3 -> 1; the images have the key only.
  ASSERT_TRUE(Update({Pair(1, ""), Pair(2, ""), Pair(3, "")},
                     {Pair(2, ""), Pair(3, ""), Pair(1, "")}, {0}, {0}));
  Commit();
  rows_ = {Pair(2, "one"), Pair(3, "two"), Pair(1, "three")};
  ExpectRows();
  // A chain over a row that the statement changed itself.
  ASSERT_TRUE(Update({Pair(3, "two"), Pair(9, "two")}, {Pair(9, ""), Pair(10, "")}, {0, 1}, {0}));
  Commit();
  rows_ = {Pair(2, "one"), Pair(10, "two"), Pair(1, "three")};
  ExpectRows();
}

TEST_F(StoreTest, RowOfTheSameTransactionIsChangedAndDeleted) {
  Load(TwoColumns(), {0}, {Pair(1, "a")});
  ASSERT_TRUE(Insert({Pair(2, "x"), Pair(3, "y")}));
  ASSERT_TRUE(Update({Pair(2, "x")}, {Pair(2, "z")}, {0}, {1}));
  ASSERT_TRUE(Delete({Pair(3, "y"), Pair(1, "a")}, {0, 1}));
  ASSERT_TRUE(Insert({Pair(1, "again")}));
  Commit();
  rows_ = {Pair(2, "z"), Pair(1, "again")};
  ExpectRows();
}

TEST_F(StoreTest, DictionaryGrowsAnywhere) {
  Load(TwoColumns(), {0}, {Pair(1, "m"), Pair(2, "M"), Pair(3, "t")});
  const SnapshotPtr before = Current();
  const std::vector<std::string> old_rows = Scan(before);
  ASSERT_EQ(before->lane(1), Lane::kCode);
  int64_t id = 10;
  for (const char* value : {"a", "n", "z", "T", "\xC3\x84", "A", "", "mm", "Z", "m"}) {
    ASSERT_TRUE(Insert({Pair(id, value)}));
    rows_.push_back(Pair(id, value));
    ++id;
  }
  Commit();
  ExpectRows();
  const SnapshotPtr after = Current();
  const Dictionary* dictionary = after->dictionary(1);
  EXPECT_EQ(dictionary->sorted_size(), 3u);
  EXPECT_EQ(dictionary->size(), 12u);
  // Classes: {m M} {t T} {a A Ae} {n} {z Z} {""} {mm}.
  EXPECT_EQ(after->statistics().columns[1].num_distinct, 7);
  EXPECT_EQ(after->statistics().columns[1].min.bytes, "");
  for (uint32_t a = 0; a < dictionary->size(); ++a) {
    for (uint32_t b = 0; b < dictionary->size(); ++b) {
      EXPECT_EQ(dictionary->classes()[a] == dictionary->classes()[b],
                dictionary->collation()->Equal(dictionary->value(a), dictionary->value(b)))
          << dictionary->value(a) << " " << dictionary->value(b);
    }
  }
  EXPECT_EQ(before->dictionary(1)->size(), 3u);
  EXPECT_EQ(Scan(before), old_rows);
}

TEST_F(StoreTest, NumbersLeaveTheirLane) {
  Load({Schema("id", plan::IntType(false)), Schema("v", plan::DecimalType(30, 0))}, {0},
       {{Value::Int(1), Value::Int(5)}, {Value::Int(2), Value::Int(7)}});
  const SnapshotPtr before = Current();
  EXPECT_EQ(before->lane(1), Lane::kI64);
  const int128 big = static_cast<int128>(1) << 80;
  ASSERT_TRUE(Insert({{Value::Int(3), Value::Int(big)}}));
  rows_.push_back({Value::Int(3), Value::Int(big)});
  // Pinned before a commit whose rows share a piece with those it sees.
  Commit();
  ExpectRows();
  EXPECT_EQ(Current()->lane(1), Lane::kI128);
  EXPECT_EQ(before->lane(1), Lane::kI64);
  EXPECT_EQ(Scan(before), Texts({rows_[0], rows_[1]}));
  // The extreme goes; the bounds may stay.
  ASSERT_TRUE(Delete({rows_[2]}, {0}));
  rows_.pop_back();
  Commit();
  ExpectRows();
}

TEST_F(StoreTest, LaneOfAnOlderViewCoversSharedPieces) {
  Load({Schema("id", plan::IntType(false)), Schema("v", plan::DecimalType(30, 0))}, {0},
       {{Value::Int(1), Value::Int(5)}});
  ASSERT_TRUE(Insert({{Value::Int(2), Value::Int(6)}}));
  Commit();
  const auto view = store_->Pin();
  ASSERT_TRUE(Insert({{Value::Int(3), Value::Int(static_cast<int128>(1) << 90)}}));
  Commit();
  Current();
  auto old = store_->Open(*view);
  ASSERT_TRUE(old.has_value());
  EXPECT_EQ(Scan(*old), Texts({{Value::Int(1), Value::Int(5)}, {Value::Int(2), Value::Int(6)}}));
}

TEST_F(StoreTest, BlocksFillAndBecomeChunks) {
  Load(TwoColumns(), {0}, {});
  std::vector<Row> rows;
  for (int64_t i = 0; i < 150000; ++i) rows.push_back(Pair(i, std::to_string(i % 5000).c_str()));
  ASSERT_TRUE(Insert(rows));
  Commit();
  rows_ = rows;
  ExpectRows();
  ExpectRows();
  EXPECT_EQ(Current()->num_chunks(), 3u);
  // Rows of the blocks that are chunks now are found, too.
  ASSERT_TRUE(Delete({rows[0], rows[65535], rows[65536], rows[149999]}, {0}));
  for (const size_t gone : {149999, 65536, 65535, 0})
    rows_.erase(rows_.begin() + static_cast<ptrdiff_t>(gone));
  Commit();
  ExpectRows();
}

TEST_F(StoreTest, TruncateInAndBetweenTransactions) {
  Load(TwoColumns(), {0}, {Pair(1, "a"), Pair(2, "b")});
  const SnapshotPtr before = Current();
  ASSERT_TRUE(Insert({Pair(3, "c")}));
  ASSERT_TRUE(store_->Truncate());
  ASSERT_TRUE(Insert({Pair(1, "new"), Pair(4, "d")}));
  ASSERT_TRUE(Delete({Pair(4, "d")}, {0}));
  EXPECT_EQ(Scan(Current()), Texts({Pair(1, "a"), Pair(2, "b")}));
  Commit();
  rows_ = {Pair(1, "new")};
  ExpectRows();
  EXPECT_EQ(Scan(before), Texts({Pair(1, "a"), Pair(2, "b")}));
  EXPECT_FALSE(Delete({Pair(2, "b")}, {0}));
}

TEST_F(StoreTest, EmptiedAndFilledAgain) {
  Load(TwoColumns(), {0}, {Pair(1, "a"), Pair(2, "b")});
  ASSERT_TRUE(Delete(rows_, {0}));
  Commit();
  rows_.clear();
  ExpectRows();
  ASSERT_TRUE(Insert({Pair(1, "x")}));
  Commit();
  rows_ = {Pair(1, "x")};
  ExpectRows();
}

TEST_F(StoreTest, ManyEqualRowsWithoutKey) {
  std::vector<Row> rows(20000, Pair(1, "same"));
  Load(TwoColumns(), {}, rows);
  ASSERT_TRUE(Insert(std::vector<Row>(20000, Pair(1, "same"))));
  ASSERT_TRUE(Delete(std::vector<Row>(39000, Pair(1, "same")), all_));
  Commit();
  rows_ = std::vector<Row>(1000, Pair(1, "same"));
  ExpectRows();
  EXPECT_FALSE(Delete({Pair(1, "Same")}, all_));  // equal under the collation is not enough
}

TEST_F(StoreTest, WhatCannotBeFollowedIsRefused) {
  Load(TwoColumns(), {0}, {Pair(1, "a"), Pair(2, "b")});
  auto code = [](const Result<void>& result) {
    return result ? ErrorCode::kInternal : result.error().code;
  };
  EXPECT_EQ(code(Delete({Pair(3, "a")}, {0})), ErrorCode::kCorrupt);
  EXPECT_EQ(code(Delete({Pair(1, "A")}, {0, 1})), ErrorCode::kCorrupt);
  EXPECT_EQ(code(Update({Pair(1, "b")}, {Pair(1, "c")}, {0, 1}, {1})), ErrorCode::kCorrupt);
  EXPECT_EQ(code(Delete({Pair(1, "a")}, {1})), ErrorCode::kInvalidArgument);
  const Images key_only(schema_, {Pair(5, "a")}, {0});
  EXPECT_EQ(code(store_->Insert(1, key_only.images())), ErrorCode::kInvalidArgument);
  const std::vector<uint32_t> wrong_columns = {1};
  EXPECT_EQ(code(store_->Delete(1, {wrong_columns, key_only.values})), ErrorCode::kInvalidArgument);
  const std::vector<uint32_t> no_column = {2};
  EXPECT_EQ(code(store_->Delete(1, {no_column, key_only.values})), ErrorCode::kInvalidArgument);
  // A key that is there already: found when the transaction ends.
  ASSERT_TRUE(Insert({Pair(2, "twice")}));
  EXPECT_EQ(code(store_->CheckKeys()), ErrorCode::kCorrupt);
}

TEST_F(StoreTest, MemoryLimitIsAnError) {
  std::vector<Row> rows;
  for (int64_t i = 0; i < 1000; ++i) rows.push_back(Pair(i, "some text"));
  Load(TwoColumns(), {0}, rows, 1 << 20);
  Result<void> done;
  for (int64_t id = 1000; done && id < 100000; ++id)
    done = Insert({Pair(id, (std::string(50, 'x') + std::to_string(id)).c_str())});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kOutOfMemory);
  EXPECT_LE(pool_->peak_bytes(), size_t{1} << 20);
  // What was committed can still be read.
  EXPECT_EQ(Scan(Current()), Texts(rows));
  store_.reset();
  EXPECT_EQ(pool_->used_bytes(), 0u);
}

TEST_F(StoreTest, MergeMakesOneChunkOfWhatIsThere) {
  std::vector<Row> rows;
  for (int64_t i = 0; i < 3000; ++i) rows.push_back(Pair(i, std::to_string(i % 7).c_str()));
  Load(TwoColumns(), {0}, rows);
  const auto before = store_->Pin();
  ASSERT_TRUE(Delete({rows[5], rows[7]}, {0}));
  ASSERT_TRUE(Insert({Pair(5, "new"), Pair(9000, "8")}));
  Commit();
  rows_ = rows;
  rows_.erase(rows_.begin() + 7);
  rows_[5] = Pair(5, "new");
  rows_.push_back(Pair(9000, "8"));
  const auto recent = store_->Pin();
  MergeAll();
  ExpectRows();
  EXPECT_EQ(Current()->num_chunks(), 1u);
  EXPECT_EQ(Current()->visibility(0), nullptr);
  EXPECT_FALSE(Current()->dictionary(1)->sorted());
  SortAll();
  ExpectRows();
  EXPECT_TRUE(Current()->dictionary(1)->sorted());
  EXPECT_EQ(Current()->dictionary(1)->size(), 9u);
  // Views of before still show what they showed, and rows are found where they are now.
  EXPECT_EQ(Scan(*store_->Open(*before)), Texts(rows));
  EXPECT_EQ(Scan(*store_->Open(*recent)), Texts(rows_));
  ASSERT_TRUE(Delete(rows_, {0, 1}));
  Commit();
  rows_.clear();
  MergeAll();
  ExpectRows();
  EXPECT_EQ(Current()->num_chunks(), 0u);
}

TEST_F(StoreTest, DictionaryThatGrowsTooLargeIsGivenUp) {
  Load(TwoColumns(), {0}, {Pair(-1, "a"), {Value::Int(-2), Value::Null()}});
  std::vector<Row> rows;
  for (int64_t i = 0; i < 40000; ++i) rows.push_back(Pair(i, std::to_string(i).c_str()));
  ASSERT_TRUE(Insert(rows));
  Commit();
  rows_.insert(rows_.end(), rows.begin(), rows.end());
  ExpectRows();
  EXPECT_EQ(Current()->lane(1), Lane::kCode);
  const auto before = store_->Pin();
  ASSERT_TRUE(Insert({Pair(50000, "in a block that changes its form")}));
  Commit();
  SortAll();
  EXPECT_EQ(Scan(*store_->Open(*before)), Texts(rows_));
  rows_.push_back(Pair(50000, "in a block that changes its form"));
  ExpectRows();
  EXPECT_EQ(Current()->lane(1), Lane::kStr);
  ASSERT_TRUE(Delete({rows_[0], rows_[2], rows_.back()}, all_));
  Commit();
  rows_.erase(rows_.begin() + 2);
  rows_.erase(rows_.begin());
  rows_.pop_back();
  ExpectRows();
}

TEST_F(StoreTest, QueriesAndMergesWhileChangesCome) {
  std::vector<Row> rows;
  for (int64_t i = 0; i < 3000; ++i) rows.push_back({Value::Int(i), Value::Int(i)});
  Load({Schema("id", plan::IntType(false)), Schema("v", plan::IntType())}, {0}, rows);
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done) {
      auto snapshot = store_->CurrentSnapshot();
      ASSERT_TRUE(snapshot.has_value());
      auto scan = TableScan::Create(*snapshot, {{1}}, {}, nullptr);
      const auto read = ScanAll(scan.get(), **snapshot, {{1}});
      int128 sum = 0;
      for (const Value& value : read[0]) sum += value.integer;
      // Every transaction moves an amount from one row to another.
      ASSERT_EQ(read[0].size(), 3000u);
      ASSERT_EQ(static_cast<int64_t>(sum), 3000 * 2999 / 2);
    }
  });
  std::thread merger([&] {
    while (!done) {
      ASSERT_TRUE(store_->MergeRows(100).has_value());
      std::this_thread::yield();
    }
  });
  std::mt19937 random(5);
  for (int i = 0; i < 6000; ++i) {
    std::vector<Row> old_rows, new_rows;
    const size_t a = random() % 3000, b = (a + 1 + random() % 2999) % 3000;
    old_rows = {rows[a], rows[b]};
    rows[a][1].integer -= i;
    rows[b][1].integer += i;
    new_rows = {rows[a], rows[b]};
    ASSERT_TRUE(Update(old_rows, new_rows, all_, {1}));
    store_->Commit();
  }
  done = true;
  reader.join();
  merger.join();
  rows_ = rows;
  ExpectRows();
}

}  // namespace
}  // namespace sirocco::engine
