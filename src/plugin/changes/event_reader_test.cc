#include "plugin/changes/event_reader.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "wire/column_batch.h"

namespace sirocco::plugin {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
Bytes Text(std::string_view text) { return Bytes(text.begin(), text.end()); }

const Bytes kMapId = {9, 1, 0, 0, 0, 0};
constexpr uint8_t kWrite = 30, kUpdate = 31, kDelete = 32, kPartialUpdate = 39;

// d.t (id INT, v INT, s BINARY(3)), of which v may be left out by the images.
Bytes TableMapBody() {
  return kMapId + Bytes{1, 0, 1, 'd', 0, 1, 't', 0, 3, 3, 3, 254, 2, 254, 3, 0x06};
}

Bytes QueryBody(std::string_view text) {
  return Bytes{1, 0, 0, 0, 0, 0, 0, 0, /*schema*/ 1, 0, 0, /*status*/ 2, 0, 0xaa, 0xbb, 'd', 0} +
         Text(text);
}

Bytes RowsBody(const Bytes& rest) { return kMapId + Bytes{1, 0, 2, 0, 3} + rest; }

// An image of all columns.
Bytes Image(uint8_t id, uint8_t v, std::string_view s) {
  return Bytes{0, id, 0, 0, 0, v, 0, 0, 0, static_cast<uint8_t>(s.size())} + Text(s);
}

class EventReaderTest : public ::testing::Test {
 protected:
  EventReaderTest() {
    auto schema = std::make_shared<plan::TableSchema>();
    schema->columns.resize(3);
    schema->columns[0] = {.name = "id", .type = plan::IntType(false), .field_index = 0};
    schema->columns[1] = {.name = "v", .type = plan::IntType(), .field_index = 1};
    schema->columns[2] = {
        .name = "s", .type = plan::StringType(plan::kBinaryCollation, 3), .field_index = 2};
    schema->primary_key = {0};
    schema_ = schema;
    auto layout = std::make_shared<LoggedLayout>();
    layout->num_logged = 3;
    for (uint32_t i = 0; i < 3; ++i) layout->columns.push_back({.logged = i, .has_default = true});
    layout->columns[1].default_value = {.is_null = false, .i64 = 77};
    layout_ = layout;
    table_.names = {{{"d", "t"}}};
    table_.node_table = 5;
    table_.schema = schema_;
    table_.layout = layout_;
    table_.start = 100;
    EventReader::Callbacks callbacks;
    callbacks.find = [this](std::string_view schema_name, std::string_view table_name,
                            wire::Position) -> std::vector<const FollowedTable*> {
      if (schema_name == "d" && table_name == "t") return {&table_};
      return {};
    };
    callbacks.fail = [this](plan::TableId table, const std::string& reason) {
      failures_.push_back(std::to_string(table) + ": " + reason);
    };
    callbacks.unknown_xa = [this](const std::string& xid) { unknown_.push_back(xid); };
    reader_ = std::make_unique<EventReader>(std::move(callbacks));
  }

  Result<void> Feed(uint8_t type, const Bytes& body, uint16_t flags = 0) {
    at_ += 10;
    return reader_->Read(
        {.type = type, .flags = flags, .body = body, .start = at_, .end = at_ + 10});
  }
  void Query(std::string_view text) { ASSERT_TRUE(Feed(2, QueryBody(text))); }
  void Begin() {
    ASSERT_TRUE(Feed(34, Bytes(60)));
    Query("BEGIN");
  }
  void Commit() { ASSERT_TRUE(Feed(16, Bytes(8))); }
  void Rows(uint8_t type, const Bytes& rest) {
    ASSERT_TRUE(Feed(19, TableMapBody()));
    ASSERT_TRUE(Feed(type, RowsBody(rest)));
  }
  void Insert(uint8_t id, uint8_t v = 1) { Rows(kWrite, Bytes{7} + Image(id, v, "ab")); }

  wire::ChangeBatch Take() {
    EXPECT_TRUE(reader_->at_boundary());
    wire::ChangeBatch batch = reader_->changes().Encode(at_, true);
    reader_->changes().Clear();
    return batch;
  }
  // The ids in the first column of a section's rows.
  static std::vector<int64_t> Ids(const wire::ChangeRows& rows) {
    // Views want aligned bytes.
    std::vector<__int128> aligned(rows.batch.size() / 16 + 1);
    std::memcpy(aligned.data(), rows.batch.data(), rows.batch.size());
    auto view = wire::ColumnBatchView::Parse(
        {reinterpret_cast<const char*>(aligned.data()), rows.batch.size()});
    EXPECT_TRUE(view);
    std::vector<int64_t> ids;
    for (uint32_t i = 0; view && i < view->num_rows(); ++i)
      ids.push_back(view->columns()[0].i64(i));
    return ids;
  }

  std::shared_ptr<const plan::TableSchema> schema_;
  std::shared_ptr<const LoggedLayout> layout_;
  FollowedTable table_;
  std::unique_ptr<EventReader> reader_;
  std::vector<std::string> failures_, unknown_;
  wire::Position at_ = 1000;
};

TEST_F(EventReaderTest, RowsOfOneKindShareASectionOverTransactions) {
  for (uint8_t id = 1; id <= 3; ++id) {
    Begin();
    EXPECT_FALSE(reader_->at_boundary());
    Insert(id);
    Commit();
  }
  Begin();
  Rows(kUpdate, Bytes{7, 7} + Image(1, 1, "ab") + Image(9, 2, "cde"));
  Rows(kDelete, Bytes{7} + Image(3, 1, "ab"));
  Commit();
  const wire::ChangeBatch batch = Take();
  ASSERT_EQ(batch.sections.size(), 3u);
  EXPECT_EQ(batch.sections[0].kind, wire::ChangeKind::kInsert);
  EXPECT_EQ(batch.sections[0].num_rows, 3u);
  EXPECT_EQ(Ids(batch.sections[0].after), (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(batch.sections[1].kind, wire::ChangeKind::kUpdate);
  EXPECT_EQ(batch.sections[1].before.columns, (std::vector<uint32_t>{0}));
  EXPECT_EQ(Ids(batch.sections[1].before), (std::vector<int64_t>{1}));
  EXPECT_EQ(Ids(batch.sections[1].after), (std::vector<int64_t>{9}));
  EXPECT_EQ(batch.sections[2].kind, wire::ChangeKind::kDelete);
  EXPECT_EQ(Ids(batch.sections[2].before), (std::vector<int64_t>{3}));
  EXPECT_TRUE(failures_.empty());
}

TEST_F(EventReaderTest, RolledBackRowsDisappear) {
  Begin();
  Insert(1);
  Commit();
  Begin();
  Insert(2);
  Query("SAVEPOINT `a`");
  Insert(3);
  Query("SAVEPOINT `b`");
  Insert(4);
  Query("ROLLBACK TO `A`");
  Insert(5);
  Query("COMMIT");
  Begin();
  Insert(6);
  Rows(kDelete, Bytes{7} + Image(1, 1, "ab"));
  Query("ROLLBACK");
  const wire::ChangeBatch batch = Take();
  ASSERT_EQ(batch.sections.size(), 1u);
  EXPECT_EQ(Ids(batch.sections[0].after), (std::vector<int64_t>{1, 2, 5}));
}

TEST_F(EventReaderTest, UnfinishedGroupDoesNotCount) {
  Begin();
  Insert(1);
  Begin();
  Insert(2);
  Commit();
  EXPECT_EQ(Ids(Take().sections[0].after), (std::vector<int64_t>{2}));
}

TEST_F(EventReaderTest, PreparedRowsWaitForTheirCommit) {
  const auto prepare = [&](std::string_view xid, uint8_t id, uint8_t one_phase) {
    ASSERT_TRUE(Feed(34, Bytes(60)));
    Query("XA START " + std::string(xid));
    Insert(id);
    Query("XA END " + std::string(xid));
    ASSERT_TRUE(Feed(38, Bytes{one_phase} + Bytes(12)));
  };
  prepare("X'61',X'',1", 1, 0);
  prepare("X'62',X'',1", 2, 0);
  EXPECT_TRUE(Take().sections.empty());
  EXPECT_EQ(reader_->prepared().size(), 2u);
  prepare("X'63',X'',1", 3, 1);
  EXPECT_EQ(Ids(Take().sections[0].after), (std::vector<int64_t>{3}));
  ASSERT_TRUE(Feed(34, Bytes(60)));
  Query("XA ROLLBACK X'62',X'',1");
  ASSERT_TRUE(Feed(34, Bytes(60)));
  Query("XA COMMIT X'61',X'',1");
  EXPECT_EQ(Ids(Take().sections[0].after), (std::vector<int64_t>{1}));
  EXPECT_TRUE(reader_->prepared().empty());
  ASSERT_TRUE(Feed(34, Bytes(60)));
  Query("XA COMMIT X'64',X'',1");
  EXPECT_EQ(unknown_, (std::vector<std::string>{"X'64',X'',1"}));
}

TEST_F(EventReaderTest, PartialImages) {
  Begin();
  // INSERT of id and s alone: v has its default.
  Rows(kWrite, Bytes{5} + Bytes{0, 4, 0, 0, 0, 1} + Text("x"));
  // UPDATE: the key before, v after.
  Rows(kUpdate, Bytes{1, 2} + Bytes{0, 4, 0, 0, 0} + Bytes{0, 8, 0, 0, 0});
  Rows(kDelete, Bytes{1} + Bytes{0, 4, 0, 0, 0});
  Commit();
  const wire::ChangeBatch batch = Take();
  ASSERT_EQ(batch.sections.size(), 3u);
  EXPECT_EQ(batch.sections[0].after.columns, (std::vector<uint32_t>{0, 1, 2}));
  EXPECT_EQ(batch.sections[1].before.columns, (std::vector<uint32_t>{0}));
  EXPECT_EQ(batch.sections[1].after.columns, (std::vector<uint32_t>{1}));
  EXPECT_EQ(Ids(batch.sections[1].after), (std::vector<int64_t>{8}));
  EXPECT_EQ(batch.sections[2].before.columns, (std::vector<uint32_t>{0}));
}

TEST_F(EventReaderTest, WhatCannotBeFollowedFailsTheTable) {
  Begin();
  Insert(1);
  Rows(kPartialUpdate, Bytes{7, 7});
  Commit();
  ASSERT_EQ(failures_.size(), 1u);
  EXPECT_TRUE(failures_[0].starts_with("5: "));
  EXPECT_TRUE(Take().sections.empty());
}

TEST_F(EventReaderTest, ImageWithoutKeyFailsTheTable) {
  Begin();
  Rows(kDelete, Bytes{2} + Bytes{0, 4, 0, 0, 0});
  Commit();
  EXPECT_EQ(failures_.size(), 1u);
}

TEST_F(EventReaderTest, RowsBeforeTheStartAreSkipped) {
  table_.start = 2000;
  Begin();
  Insert(1);
  Commit();
  at_ = 2000;
  Begin();
  Insert(2);
  Commit();
  EXPECT_EQ(Ids(Take().sections[0].after), (std::vector<int64_t>{2}));
}

TEST_F(EventReaderTest, IncidentsAndUnknownEventsEndTheStream) {
  EXPECT_FALSE(Feed(26, Bytes(4)));
  EXPECT_FALSE(Feed(99, Bytes(4)));
  EXPECT_TRUE(Feed(99, Bytes(4), /*flags=*/0x80));
}

TEST_F(EventReaderTest, OtherTablesAndShortEvents) {
  Begin();
  Bytes other = TableMapBody();
  other[9] = 'e';
  ASSERT_TRUE(Feed(19, other));
  ASSERT_TRUE(Feed(kWrite, RowsBody(Bytes{7} + Image(1, 1, "ab"))));
  Commit();
  EXPECT_TRUE(Take().sections.empty());
  EXPECT_FALSE(Feed(19, Bytes{1, 2}));
  EXPECT_FALSE(Feed(2, Bytes{1, 2}));
}

}  // namespace
}  // namespace sirocco::plugin
