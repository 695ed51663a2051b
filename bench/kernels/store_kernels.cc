// Benchmarks of tables that follow changes: what a changed row costs, what a scan costs while 5 %
// of the rows are recent, and what a merge costs.
#include <benchmark/benchmark.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "engine/storage/scan.h"
#include "engine/storage/table_builder.h"
#include "engine/storage/table_store.h"
#include "mysqlsem/collation.h"

namespace sirocco::engine {
namespace {

constexpr uint32_t kNumRows = 1 << 20;
constexpr uint32_t kBatchRows = 1000;

// Rows like TPC-H's lineitem: a key, ten numbers, four columns of few strings, a comment.
class Rows {
 public:
  // Rows with these ids.
  explicit Rows(std::vector<int64_t> ids, uint64_t seed) {
    std::mt19937_64 random(seed);
    const auto num_rows = static_cast<uint32_t>(ids.size());
    const int64_t domains[] = {200000, 10000, 7, 50, 9000000, 11, 9, 2526, 2466, 2554};
    numbers_.push_back(std::move(ids));
    for (const int64_t domain : domains) {
      auto& column = numbers_.emplace_back(num_rows);
      for (int64_t& value : column)
        value = (domain == 50 ? 100 : 1) * static_cast<int64_t>(random() % domain);
    }
    for (const uint32_t distinct : {3u, 2u, 4u, 7u, 0u}) {
      auto& at = offsets_.emplace_back(1, 0);
      auto& bytes = bytes_.emplace_back();
      for (uint32_t i = 0; i < num_rows; ++i) {
        bytes += distinct == 0  ? "carefully final deposits " + std::to_string(random() % 1000000)
                 : distinct < 4 ? std::string(1, static_cast<char>('A' + random() % distinct))
                                : "DELIVER IN PERSON " + std::to_string(random() % distinct);
        at.push_back(static_cast<uint32_t>(bytes.size()));
      }
    }
  }
  static plan::TableSchema Schema() {
    plan::TableSchema schema{
        .schema_name = "bench", .table_name = "t", .columns = {}, .primary_key = {0}};
    schema.columns.push_back({.name = "id", .type = plan::IntType(false)});
    for (int i = 0; i < 10; ++i)
      schema.columns.push_back({.name = "n", .type = plan::DecimalType(15, 2)});
    for (int i = 0; i < 5; ++i)
      schema.columns.push_back({.name = "s", .type = plan::StringType(255, 44)});
    return schema;
  }
  std::vector<LoadColumn> Slice(uint32_t from, uint32_t num_columns = 16) const {
    std::vector<LoadColumn> columns;
    for (const auto& column : numbers_)
      columns.push_back({.lane = Lane::kI64, .values = column.data() + from});
    for (size_t i = 0; i < bytes_.size(); ++i)
      columns.push_back(
          {.lane = Lane::kStr, .offsets = offsets_[i].data() + from, .bytes = bytes_[i].data()});
    columns.resize(num_columns);
    return columns;
  }

 private:
  std::vector<std::vector<int64_t>> numbers_;
  std::vector<std::vector<uint32_t>> offsets_;
  std::vector<std::string> bytes_;
};

std::vector<int64_t> Ids(uint32_t begin, uint32_t count) {
  std::vector<int64_t> ids(count);
  for (uint32_t i = 0; i < count; ++i) ids[i] = begin + i;
  return ids;
}
std::vector<int64_t> RandomIds(uint32_t count, uint64_t seed) {
  std::vector<int64_t> ids = Ids(0, kNumRows);
  std::mt19937_64 random(seed);
  for (uint32_t i = 0; i < count; ++i) std::swap(ids[i], ids[i + random() % (kNumRows - i)]);
  ids.resize(count);
  return ids;
}

const std::vector<uint32_t>& AllColumns() {
  static const std::vector<uint32_t> columns = [] {
    std::vector<uint32_t> all;
    for (uint32_t i = 0; i < 16; ++i) all.push_back(i);
    return all;
  }();
  return columns;
}

SnapshotPtr Base(const std::shared_ptr<MemoryPool>& pool) {
  auto builder = TableBuilder::Create(Rows::Schema(), pool);
  auto writer = builder->MakeWriter(0);
  const Rows rows(Ids(0, kNumRows), 1);
  for (uint32_t from = 0; from < kNumRows; from += 4096)
    if (!writer->Append(4096, rows.Slice(from))) std::abort();
  if (!writer->Close()) std::abort();
  return *builder->Finish(1);
}

enum Change { kInsert, kUpdate, kDelete, kUpdateOneColumn };

void Apply(TableStore* store, Change change, const Rows& rows, uint32_t count) {
  static const std::vector<uint32_t> key = {0}, one = {4};
  for (uint32_t from = 0; from < count; from += kBatchRows) {
    const std::vector<LoadColumn> all = rows.Slice(from), id = rows.Slice(from, 1);
    Result<void> done;
    if (change == kInsert) {
      done = store->Insert(kBatchRows, {AllColumns(), all});
    } else if (change == kDelete) {
      done = store->Delete(kBatchRows, {key, id});
    } else if (change == kUpdate) {
      done = store->Update(kBatchRows, {key, id}, {AllColumns(), all});
    } else {
      done = store->Update(kBatchRows, {key, id}, {one, std::span(all).subspan(4, 1)});
    }
    if (!done) std::abort();
    store->Commit();
  }
}

// What a changed row of 16 columns costs, by batches of 1,000.
void ApplyRows(benchmark::State& state) {
  constexpr uint32_t kCount = 50000;
  const auto change = static_cast<Change>(state.range(0));
  auto pool = std::make_shared<MemoryPool>("bench");
  const SnapshotPtr base = Base(pool);
  const Rows rows(change == kInsert ? Ids(kNumRows, kCount) : RandomIds(kCount, 2), 3);
  const Rows warm(Ids(2 * kNumRows, kBatchRows), 5);
  for (auto _ : state) {
    state.PauseTiming();
    auto store = std::make_unique<TableStore>(base, pool);
    Apply(store.get(), kInsert, warm, kBatchRows);  // builds the index
    state.ResumeTiming();
    Apply(store.get(), change, rows, kCount);
    state.PauseTiming();
    store.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * kCount);
}
BENCHMARK(ApplyRows)->ArgName("kind")->DenseRange(0, 3)->Unit(benchmark::kMillisecond);

void BuildIndex(benchmark::State& state) {
  auto pool = std::make_shared<MemoryPool>("bench");
  const SnapshotPtr base = Base(pool);
  const Rows one(Ids(2 * kNumRows, kBatchRows), 5);
  for (auto _ : state) {
    auto store = std::make_unique<TableStore>(base, pool);
    if (!store->Delete(0, {std::vector<uint32_t>{0}, one.Slice(0, 1)})) std::abort();
  }
  state.SetItemsProcessed(state.iterations() * kNumRows);
}
BENCHMARK(BuildIndex)->Unit(benchmark::kMillisecond);

// A query's snapshot after one changed row.
void SnapshotAfterEachChange(benchmark::State& state) {
  auto pool = std::make_shared<MemoryPool>("bench");
  TableStore store(Base(pool), pool);
  const Rows rows(RandomIds(100000, 2), 3);
  static const std::vector<uint32_t> key = {0};
  uint32_t at = 0;
  for (auto _ : state) {
    if (!store.Update(1, {key, rows.Slice(at, 1)}, {AllColumns(), rows.Slice(at)})) std::abort();
    at = (at + 1) % 100000;
    store.Commit();
    benchmark::DoNotOptimize(*store.CurrentSnapshot());
  }
}
BENCHMARK(SnapshotAfterEachChange)->Unit(benchmark::kMicrosecond);

enum State { kLoaded, kInserted, kUpdated, kMerged };

// 0 as loaded, 1 with 5 % inserted, 2 with 5 % updated all over the table, 3 that merged. A query
// asks for a snapshot now and then.
SnapshotPtr InState(State state) {
  static std::map<State, SnapshotPtr> made;
  if (made.contains(state)) return made[state];
  auto pool = std::make_shared<MemoryPool>("bench");
  TableStore store(Base(pool), pool);
  constexpr uint32_t kCount = kNumRows / 20 / kBatchRows * kBatchRows;
  const Rows rows(state == kInserted ? Ids(kNumRows, kCount) : RandomIds(kCount, 2), 3);
  if (state != kLoaded) Apply(&store, state == kInserted ? kInsert : kUpdate, rows, kCount);
  if (state == kMerged)
    while (*store.MergeRows(1) == TableStore::Merged::kDone) {
    }
  return made[state] = *store.CurrentSnapshot();
}

plan::ExprPtr Compare(plan::ExprOp op, ColumnId id, const plan::Type& type, int64_t constant) {
  return plan::Call(op, plan::IntType(),
                    {plan::ColumnRef(id, type), plan::Constant(plan::Value::Int(constant), type)});
}

// kind 0: five columns, no filter; 1: three filters as TPC-H Q6, two columns.
void ScanInState(benchmark::State& state) {
  const SnapshotPtr snapshot = InState(static_cast<State>(state.range(0)));
  plan::Plan plan;
  MemoryPool pool("query");
  QueryContext context(&plan, &pool, 1);
  std::vector<std::pair<ColumnId, uint32_t>> columns;
  for (uint32_t i = 0; i < 16; ++i) columns.emplace_back(i, i);
  const plan::Type type = plan::DecimalType(15, 2);
  uint64_t rows = 0;
  for (auto _ : state) {
    std::vector<std::unique_ptr<ScanFilter>> filters;
    std::vector<ScanOutput> outputs = {{0}, {4}, {5}, {8}, {11}};
    if (state.range(1) == 1) {
      outputs = {{5}, {6}};
      for (const auto& term :
           {Compare(plan::ExprOp::kGe, 8, type, 800), Compare(plan::ExprOp::kLt, 8, type, 1165),
            Compare(plan::ExprOp::kGe, 6, type, 5), Compare(plan::ExprOp::kLe, 6, type, 7),
            Compare(plan::ExprOp::kLt, 4, type, 2400)})
        filters.push_back(*ScanFilter::FromTerm(term, *snapshot, columns, &context));
    }
    auto scan = TableScan::Create(snapshot, outputs, std::move(filters), &context);
    auto worker = scan->MakeWorker();
    Batch batch;
    while (worker->NextMorsel())
      while (*worker->Next(&batch)) rows += batch.count;
  }
  benchmark::DoNotOptimize(rows);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * snapshot->num_rows()));
}
BENCHMARK(ScanInState)
    ->ArgNames({"state", "filters"})
    ->ArgsProduct({{0, 1, 2, 3}, {0, 1}})
    ->Unit(benchmark::kMillisecond);

// Merging 5 % of updated rows: a twentieth of every chunk is gone, so only recent rows move.
void MergeRecentRows(benchmark::State& state) {
  auto pool = std::make_shared<MemoryPool>("bench");
  const SnapshotPtr base = Base(pool);
  const Rows rows(RandomIds(50000, 2), 3);
  for (auto _ : state) {
    state.PauseTiming();
    auto store = std::make_unique<TableStore>(base, pool);
    Apply(store.get(), kUpdate, rows, 50000);
    state.ResumeTiming();
    while (*store->MergeRows(1) == TableStore::Merged::kDone) {
    }
    state.PauseTiming();
    store.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * 50000);
}
BENCHMARK(MergeRecentRows)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sirocco::engine

int main(int argc, char** argv) {
  sirocco::mysqlsem::InitializeCollations();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
