// Changes through the catalogue: whole transactions over several tables, positions, tables that
// cannot follow, connections that die; and tables that come back after a restart.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "engine/storage/table_fixture.h"
#include "mysqlsem/collation.h"
#include "node/change_stream.h"
#include "node/maintenance.h"
#include "wire/column_batch.h"

namespace sirocco::node {
namespace {

using engine::TestColumn;
using plan::Value;
using wire::ChangeKind;
using Rows = std::vector<std::vector<Value>>;  // by row

class ChangesTest : public testing::Test {
 protected:
  void SetUp() override { mysqlsem::InitializeCollations(); }

  // Columns id (key) and v.
  static plan::TableSchema Schema(const std::string& name) {
    plan::TableSchema schema{
        .schema_name = "test", .table_name = name, .columns = {}, .primary_key = {0}};
    schema.columns.resize(2);
    schema.columns[0].name = "id";
    schema.columns[0].type = plan::IntType(false);
    schema.columns[1].name = "v";
    schema.columns[1].type = plan::StringType(255, 40);
    return schema;
  }
  static std::vector<TestColumn> Columns(const Rows& rows) {
    std::vector<TestColumn> columns(2);
    for (uint32_t c = 0; c < 2; ++c) {
      columns[c].schema = Schema("t").columns[c];
      for (const auto& row : rows) columns[c].values.push_back(row[c]);
    }
    return columns;
  }
  static std::vector<Value> Row(int64_t id, const char* v) {
    return {Value::Int(id), Value::Bytes(v)};
  }
  static wire::ChangeRows Images(const Rows& rows, std::vector<uint32_t> which) {
    std::vector<plan::Lane> lanes;
    for (const uint32_t c : which) lanes.push_back(c == 0 ? plan::Lane::kI64 : plan::Lane::kStr);
    wire::ColumnBatchBuilder builder(lanes);
    for (size_t i = 0; i < which.size(); ++i) {
      for (const auto& row : rows) {
        if (which[i] == 0) {
          builder.columns()[i].i64.push_back(static_cast<int64_t>(row[0].integer));
        } else {
          builder.columns()[i].PushString(row[1].bytes);
        }
      }
    }
    builder.num_rows = static_cast<uint32_t>(rows.size());
    return {std::move(which), builder.Encode()};
  }
  static wire::ChangeSection Insert(plan::TableId table, const Rows& rows) {
    return {
        table, ChangeKind::kInsert, static_cast<uint32_t>(rows.size()), {}, Images(rows, {0, 1})};
  }
  static wire::ChangeSection Delete(plan::TableId table, const Rows& rows) {
    return {table, ChangeKind::kDelete, static_cast<uint32_t>(rows.size()), Images(rows, {0}), {}};
  }
  static wire::ChangeSection Update(plan::TableId table, const Rows& before, const Rows& after) {
    return {table, ChangeKind::kUpdate, static_cast<uint32_t>(before.size()), Images(before, {0}),
            Images(after, {1})};
  }

  plan::TableId Load(const std::string& name, const Rows& rows, uint64_t position = 100) {
    auto load = catalogue_.BeginLoad(Schema(name));
    auto writer = load->OpenWriter(0);
    const std::vector<TestColumn> columns = Columns(rows);
    const engine::WireColumn id(columns[0], 0, rows.size()), v(columns[1], 0, rows.size());
    const std::vector<engine::LoadColumn> views = {id.view, v.view};
    EXPECT_TRUE(writer->Append(static_cast<uint32_t>(rows.size()), views).has_value());
    EXPECT_TRUE(writer->Close().has_value());
    load->WriterClosed();
    const auto table = catalogue_.FinishLoad(load->id(), position, "origin of " + name, 1);
    EXPECT_TRUE(table.has_value());
    return table->id;
  }

  wire::Applied Send(ChangeStream* stream, uint64_t position,
                     std::vector<wire::ChangeSection> sections, bool last = true) {
    const wire::ChangeBatch batch{position, last, std::move(sections)};
    const auto reply = stream->Receive(wire::EncodeChangeBatch(batch));
    EXPECT_TRUE(reply.has_value());
    return *wire::DecodeApplied(*reply);
  }
  wire::Applied Send(uint64_t position, std::vector<wire::ChangeSection> sections) {
    return Send(&stream_, position, std::move(sections));
  }

  static std::vector<std::string> Values(Catalogue* catalogue, plan::TableId table) {
    auto snapshots = catalogue->SnapshotsForQuery({table});
    EXPECT_TRUE(snapshots.has_value());
    if (!snapshots->contains(table)) return {"none"};
    const engine::SnapshotPtr snapshot = (*snapshots)[table];
    auto scan = engine::TableScan::Create(snapshot, {{0}, {1}}, {}, nullptr);
    const auto read = engine::ScanAll(scan.get(), *snapshot, {{0}, {1}});
    std::vector<std::string> values;
    for (size_t i = 0; i < read[0].size(); ++i)
      values.push_back(std::to_string(static_cast<int64_t>(read[0][i].integer)) + read[1][i].bytes);
    std::sort(values.begin(), values.end());
    return values;
  }
  std::vector<std::string> Values(plan::TableId table) { return Values(&catalogue_, table); }
  uint64_t Position(plan::TableId table) const {
    for (const wire::LoadedTable& info : catalogue_.List())
      if (info.id == table) return info.position;
    return 0;
  }
  using Texts = std::vector<std::string>;

  engine::MemoryPool pool_{"node"};
  Catalogue catalogue_{&pool_};
  ChangeStream stream_{&catalogue_, &pool_};
};

TEST_F(ChangesTest, OneTransactionOverTwoTables) {
  const auto a = Load("a", {Row(1, "x"), Row(2, "y")}), b = Load("b", {Row(1, "z")});
  const auto applied = Send(200, {Insert(a, {Row(3, "new")}),
                                  Update(b, {Row(1, "")}, {Row(1, "Z")}),
                                  Delete(a, {Row(1, "")}),
                                  {a, ChangeKind::kInsert, 0, {}, {}}});
  EXPECT_EQ(applied.position, 200u);
  EXPECT_TRUE(applied.failed.empty());
  EXPECT_EQ(Values(a), (Texts{"2y", "3new"}));
  EXPECT_EQ(Values(b), (Texts{"1Z"}));
  EXPECT_EQ(Position(a), 200u);
  EXPECT_EQ(Position(b), 200u);
  for (const wire::LoadedTable& info : catalogue_.List())
    EXPECT_EQ(info.statistics.num_rows, info.id == a ? 2u : 1u);
  Send(300, {{a, ChangeKind::kTruncate, 0, {}, {}}, Insert(a, {Row(9, "only")})});
  EXPECT_EQ(Values(a), (Texts{"9only"}));
  EXPECT_EQ(Position(b), 200u);
  // A section without rows moves the position and nothing else.
  Send(400, {{b, ChangeKind::kDelete, 0, {}, {}}});
  EXPECT_EQ(Position(b), 400u);
  EXPECT_EQ(Values(b), (Texts{"1Z"}));
}

TEST_F(ChangesTest, QueriesSeeAllTablesOfATransactionOrNone) {
  const auto a = Load("a", {Row(0, "0")}), b = Load("b", {Row(0, "0")});
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done) {
      const auto snapshots = catalogue_.SnapshotsForQuery({a, b});
      ASSERT_TRUE(snapshots.has_value());
      ASSERT_EQ(snapshots->at(a)->num_rows(), snapshots->at(b)->num_rows());
    }
  });
  for (int i = 1; i <= 1000; ++i)
    Send(200 + static_cast<uint64_t>(i), {Insert(a, {Row(i, "a")}), Insert(b, {Row(i, "b")})});
  done = true;
  reader.join();
  EXPECT_EQ(Values(a).size(), 1001u);
}

TEST_F(ChangesTest, PositionsMakeBatchesIdempotent) {
  const auto a = Load("a", {Row(1, "x")}, 100), b = Load("b", {}, 250);
  EXPECT_TRUE(Send(200, {Insert(a, {Row(2, "y")}), Insert(b, {Row(2, "y")})}).failed.empty());
  EXPECT_EQ(Values(a), (Texts{"1x", "2y"}));
  EXPECT_EQ(Values(b), Texts{});
  EXPECT_EQ(Position(b), 250u);
  EXPECT_TRUE(Send(200, {Insert(a, {Row(2, "y")})}).failed.empty());
  EXPECT_TRUE(Send(150, {Delete(a, {Row(7, "")})}).failed.empty());
  EXPECT_EQ(Values(a), (Texts{"1x", "2y"}));
}

TEST_F(ChangesTest, TablesThatCannotFollowLeaveAloneTheOthers) {
  const auto a = Load("a", {Row(1, "x")}), b = Load("b", {Row(1, "x")}),
             c = Load("c", {Row(1, "x")});
  const auto d = Load("d", {Row(1, "x")}), e = Load("e", {Row(1, "x")});
  wire::ChangeSection broken = Insert(c, {Row(2, "y")});
  broken.after.batch.resize(broken.after.batch.size() / 2);
  wire::ChangeSection miscounted = Insert(d, {Row(2, "y")});
  miscounted.num_rows = 2;
  const auto applied = Send(
      200, {Insert(a, {Row(2, "y")}), Delete(b, {Row(5, "")}), broken, miscounted,
            Insert(e, {Row(1, "twice")}), Insert(77, {Row(1, "x")}), Insert(a, {Row(3, "z")})});
  std::vector<plan::TableId> failed;
  for (const wire::FailedTable& table : applied.failed) failed.push_back(table.table);
  EXPECT_EQ(failed, (std::vector<plan::TableId>{b, c, d, e, 77}));
  EXPECT_EQ(Values(a), (Texts{"1x", "2y", "3z"}));
  for (const auto gone : {b, c, d, e}) EXPECT_EQ(Values(gone), Texts{"none"});
  EXPECT_EQ(catalogue_.List().size(), 1u);
}

TEST_F(ChangesTest, CutTransactionsBecomeVisibleWithTheirLastBatch) {
  const auto a = Load("a", {Row(1, "x")});
  Send(&stream_, 200, {Insert(a, {Row(2, "y")})}, false);
  EXPECT_EQ(Values(a), Texts{"1x"});
  EXPECT_EQ(Position(a), 100u);
  {
    ChangeStream dies(&catalogue_, &pool_);
    Send(&dies, 200, {Insert(a, {Row(5, "lost")})}, false);
  }
  Send(&stream_, 200, {Update(a, {Row(2, "")}, {Row(2, "Y")})});
  EXPECT_EQ(Values(a), (Texts{"1x", "2Y"}));
  // Nonsense ends the transaction.
  Send(&stream_, 300, {Insert(a, {Row(3, "y")})}, false);
  EXPECT_FALSE(stream_.Receive("nonsense").has_value());
  Send(&stream_, 300, {Insert(a, {Row(4, "z")})});
  EXPECT_EQ(Values(a), (Texts{"1x", "2Y", "4z"}));
}

TEST_F(ChangesTest, TransactionThatDoesNotFitMemory) {
  const auto a = Load("a", {Row(1, "x")}), b = Load("b", {Row(1, "x")});
  engine::MemoryPool small("small", 1000);
  ChangeStream stream(&catalogue_, &small);
  Send(&stream, 200, {Insert(b, {Row(2, "y")})}, false);
  Rows many;
  for (int i = 10; i < 200; ++i) many.push_back(Row(i, "many"));
  Send(&stream, 200, {Insert(a, many)}, false);
  const auto applied = Send(&stream, 200, {Insert(a, {Row(3, "y")})});
  EXPECT_EQ(applied.failed.size(), 2u);  // of both some changes are lost
  EXPECT_TRUE(catalogue_.List().empty());
  EXPECT_EQ(small.used_bytes(), 0u);
}

class RestartTest : public ChangesTest {
 protected:
  void SetUp() override {
    ChangesTest::SetUp();
    folder_ = testing::TempDir() + "maintenance-" + std::to_string(::getpid());
    std::filesystem::remove_all(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::vector<std::filesystem::path> Files(const std::string& suffix) const {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
      if (entry.path().string().ends_with(suffix)) files.push_back(entry.path());
    return files;
  }
  template <typename F>
  static void WaitFor(const F& condition) {
    for (int i = 0; i < 6000 && !condition(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ASSERT_TRUE(condition());
  }
  // A node that starts with the folder.
  struct Restarted {
    engine::MemoryPool pool{"node"};
    Catalogue catalogue{&pool};
    Maintenance maintenance;
    explicit Restarted(const std::string& folder) : maintenance(&catalogue, folder, 2) {
      catalogue.set_on_gone([this](uint64_t identity) { maintenance.Forget(identity); });
      EXPECT_TRUE(maintenance.Open().has_value());
    }
    ~Restarted() { maintenance.Stop(); }
  };

  std::string folder_;
};

TEST_F(RestartTest, TablesComeBackWithTheirPosition) {
  Maintenance maintenance(&catalogue_, folder_, 1);
  catalogue_.set_on_gone([&](uint64_t identity) { maintenance.Forget(identity); });
  ASSERT_TRUE(maintenance.Open().has_value());
  const auto a = Load("a", {Row(1, "x"), Row(2, "y")}), b = Load("b", {Row(1, "z")});
  WaitFor([&] { return Files(".table").size() == 2; });
  // Changes after the checkpoint: the file follows when the table has come to rest.
  const auto written = std::filesystem::last_write_time(Files(".table")[0]),
             written_too = std::filesystem::last_write_time(Files(".table")[1]);
  Send(200, {Insert(a, {Row(3, "new")}), Delete(a, {Row(1, "")})});
  WaitFor([&] {
    return std::filesystem::last_write_time(Files(".table")[0]) != written ||
           std::filesystem::last_write_time(Files(".table")[1]) != written_too;
  });
  maintenance.Stop();
  {
    Restarted node(folder_);
    const auto tables = node.catalogue.List();
    ASSERT_EQ(tables.size(), 2u);
    for (const wire::LoadedTable& info : tables) {
      const bool is_a = info.schema.table_name == "a";
      EXPECT_EQ(info.position, is_a ? 200u : 100u);
      EXPECT_EQ(info.origin, is_a ? "origin of a" : "origin of b");
      EXPECT_EQ(info.statistics.num_rows, is_a ? 2u : 1u);
      EXPECT_EQ(Values(&node.catalogue, info.id), is_a ? (Texts{"2y", "3new"}) : (Texts{"1z"}));
      // It goes on from there.
      ChangeStream stream(&node.catalogue, &node.pool);
      EXPECT_TRUE(Send(&stream, 300, {Insert(info.id, {Row(7, "seven")})}).failed.empty());
      EXPECT_EQ(Values(&node.catalogue, info.id).size(), is_a ? 3u : 2u);
    }
    EXPECT_TRUE(node.catalogue.DropTable(tables[0].id).has_value());
    EXPECT_EQ(Files(".table").size(), 1u);
  }
  EXPECT_EQ(Values(b), Texts{"1z"});
}

TEST_F(RestartTest, PositionOfATableWithoutChanges) {
  Maintenance maintenance(&catalogue_, folder_, 1);
  ASSERT_TRUE(maintenance.Open().has_value());
  const auto a = Load("a", {Row(1, "x")});
  WaitFor([&] { return Files(".table").size() == 1; });
  Send(900, {{a, ChangeKind::kDelete, 0, {}, {}}});
  WaitFor([&] { return Files(".position").size() == 1; });
  maintenance.Stop();
  {
    Restarted node(folder_);
    ASSERT_EQ(node.catalogue.List().size(), 1u);
    EXPECT_EQ(node.catalogue.List()[0].position, 900u);
  }
  std::ofstream(Files(".position")[0]) << "damaged";
  Restarted node(folder_);
  EXPECT_EQ(node.catalogue.List()[0].position, 100u);
}

TEST_F(RestartTest, DamagedFilesAreLeftOut) {
  {
    Maintenance maintenance(&catalogue_, folder_, 1);
    ASSERT_TRUE(maintenance.Open().has_value());
    Load("a", {Row(1, "x")});
    Load("b", {Row(1, "x")});
    WaitFor([&] { return Files(".table").size() == 2; });
  }
  std::filesystem::resize_file(Files(".table")[0], 1000);
  std::ofstream(folder_ + "/0123456789abcdef.table") << "no checkpoint";
  std::ofstream(folder_ + "/0123456789abcdef.table.tmp") << "half";
  Restarted node(folder_);
  EXPECT_EQ(node.catalogue.List().size(), 1u);
  EXPECT_EQ(Files(".table").size(), 1u);
  EXPECT_EQ(Files(".tmp").size(), 0u);
}

}  // namespace
}  // namespace sirocco::node
