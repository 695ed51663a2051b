// Benchmarks of the kernels behind scans and of loading. Per-row rates are items per second.
#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "engine/simd/decode.h"
#include "engine/simd/find.h"
#include "engine/simd/mask.h"
#include "engine/storage/like_pattern.h"
#include "engine/storage/scan.h"
#include "engine/storage/table_builder.h"
#include "mysqlsem/collation.h"

namespace sirocco::engine {
namespace {

constexpr uint32_t kRows = 2048;

std::vector<uint8_t> RandomBytes(size_t size) {
  std::mt19937_64 random(1);
  std::vector<uint8_t> bytes(size + 64);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  return bytes;
}

void IntervalMask(benchmark::State& state) {
  const auto width = static_cast<uint32_t>(state.range(0));
  const auto stored = RandomBytes(kRows * 8);
  uint64_t mask[32];
  for (auto _ : state) {
    simd::IntervalMask(stored.data(), width, kRows, {10, 100, false}, mask);
    benchmark::DoNotOptimize(mask);
  }
  state.SetItemsProcessed(state.iterations() * kRows);
}
BENCHMARK(IntervalMask)->Arg(1)->Arg(2)->Arg(4)->Arg(8);

void MaskToRows(benchmark::State& state) {
  std::mt19937_64 random(1);
  std::vector<uint64_t> mask(32);
  for (uint32_t i = 0; i < kRows; ++i)
    mask[i / 64] |= static_cast<uint64_t>(random() % 100 < static_cast<uint64_t>(state.range(0)))
                    << (i & 63);
  uint16_t rows[kRows + 32];
  for (auto _ : state) benchmark::DoNotOptimize(simd::MaskToRows(mask.data(), kRows, rows));
  state.SetItemsProcessed(state.iterations() * kRows);
}
BENCHMARK(MaskToRows)->Arg(1)->Arg(10)->Arg(50)->Arg(100);

// Random keys against a bitmap of 2^arg bits.
void BitSetMask(benchmark::State& state) {
  const uint64_t bits = uint64_t{1} << state.range(0);
  std::mt19937_64 random(1);
  std::vector<uint64_t> bitmap(bits / 64);
  for (uint64_t& word : bitmap) word = random();
  std::vector<uint32_t> keys(64 * kRows + 16);
  for (uint32_t& key : keys) key = static_cast<uint32_t>(random() % bits);
  uint64_t mask[32];
  uint32_t block = 0;
  // Only factor 1 allows 32-bit positions.
  const uint64_t factor = state.range(1) ? 1 : 3;
  const uint64_t max_stored = bits - 1;
  for (auto _ : state) {
    simd::BitSetMask(
        keys.data() + block * kRows, 4, kRows,
        {.bitmap = bitmap.data(), .factor = factor, .limit = bits - 1, .max_stored = max_stored},
        mask);
    block = (block + 1) % 64;
    benchmark::DoNotOptimize(mask);
  }
  state.SetItemsProcessed(state.iterations() * kRows);
}
BENCHMARK(BitSetMask)->ArgsProduct({{16, 20, 24, 27}, {0, 1}})->ArgNames({"bits", "factor1"});

void DecodeI64(benchmark::State& state) {
  const auto stored = RandomBytes(kRows * 8);
  std::vector<uint64_t> out(kRows);
  for (auto _ : state) {
    simd::DecodeI64(stored.data(), static_cast<uint32_t>(state.range(0)), kRows, 5,
                    static_cast<uint64_t>(state.range(1)), out.data());
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * kRows);
}
BENCHMARK(DecodeI64)->Args({1, 1})->Args({2, 1})->Args({4, 1})->Args({1, 100});

void GatherI64(benchmark::State& state) {
  const auto stored = RandomBytes(kRows * 8);
  std::vector<uint64_t> out(kRows);
  std::vector<uint16_t> rows(kRows / 4);
  for (uint32_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<uint16_t>(4 * i + 1);
  for (auto _ : state) {
    simd::GatherI64(stored.data(), 4, rows.data(), static_cast<uint32_t>(rows.size()), 5, 1,
                    out.data());
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(rows.size()));
}
BENCHMARK(GatherI64);

// Comments as TPC-H has them: words, about 49 bytes a row.
struct Comments {
  std::vector<uint32_t> offsets = {0};
  std::string bytes;

  explicit Comments(uint32_t num_rows) {
    static const char* const kWords[] = {
        "furiously", "special",   "requests", "deposits", "accounts", "quickly",     "ironic",
        "final",     "carefully", "express",  "slyly",    "pending",  "theodolites", "sleep"};
    std::mt19937_64 random(1);
    for (uint32_t i = 0; i < num_rows; ++i) {
      const size_t wanted = bytes.size() + 19 + random() % 60;
      while (bytes.size() < wanted) (bytes += kWords[random() % 14]) += ' ';
      offsets.push_back(static_cast<uint32_t>(bytes.size()));
    }
    bytes.resize(bytes.size() + 64);
  }
};

void LikeOnHeap(benchmark::State& state) {
  mysqlsem::InitializeCollations();
  const LikePattern pattern(mysqlsem::FindCollation(255), "%special%requests%", '\\');
  const Comments comments(65536);
  uint64_t mask[32];
  uint32_t begin = 0;
  for (auto _ : state) {
    pattern.MatchRows(comments.bytes.data(), comments.offsets.data() + begin, kRows, true, mask);
    begin = (begin + kRows) % 65536;
    benchmark::DoNotOptimize(mask);
  }
  state.SetItemsProcessed(state.iterations() * kRows);
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * (comments.bytes.size() / 32)));
}
BENCHMARK(LikeOnHeap);

// A table like lineitem: 11 numbers and dates, 4 strings of few values, one comment.
struct Lines {
  static constexpr uint32_t kNumRows = 1 << 18;
  plan::TableSchema schema;
  std::vector<std::vector<int64_t>> numbers;
  std::vector<Comments> comments;
  std::vector<std::vector<uint32_t>> offsets;
  std::vector<std::string> strings;

  Lines() {
    std::mt19937_64 random(1);
    const int64_t domains[] = {1500000, 200000, 10000, 7, 50, 9000000, 11, 9, 2526, 2466, 2554};
    for (int64_t domain : domains) {
      schema.columns.push_back({.name = "n", .type = plan::DecimalType(15, 2)});
      auto& column = numbers.emplace_back(kNumRows);
      for (uint32_t i = 0; i < kNumRows; ++i)
        column[i] = numbers.size() == 1
                        ? i / 4
                        : (domain == 50 ? 100 : 1) * static_cast<int64_t>(random() % domain);
    }
    for (uint32_t distinct : {3u, 2u, 4u, 7u}) {
      schema.columns.push_back({.name = "s", .type = plan::StringType(255, 25)});
      auto& at = offsets.emplace_back(1, 0);
      auto& bytes = strings.emplace_back();
      for (uint32_t i = 0; i < kNumRows; ++i) {
        bytes += distinct < 4 ? std::string(1, static_cast<char>('A' + random() % distinct))
                              : "DELIVER IN PERSON " + std::to_string(random() % distinct);
        at.push_back(static_cast<uint32_t>(bytes.size()));
      }
    }
    schema.columns.push_back({.name = "comment", .type = plan::StringType(255, 44)});
    comments.emplace_back(kNumRows);
  }

  std::vector<LoadColumn> Slice(uint32_t from) const {
    std::vector<LoadColumn> columns;
    for (const auto& column : numbers)
      columns.push_back({.lane = Lane::kI64, .values = column.data() + from});
    for (size_t i = 0; i < strings.size(); ++i)
      columns.push_back(
          {.lane = Lane::kStr, .offsets = offsets[i].data() + from, .bytes = strings[i].data()});
    columns.push_back({.lane = Lane::kStr,
                       .offsets = comments[0].offsets.data() + from,
                       .bytes = comments[0].bytes.data()});
    return columns;
  }
};

SnapshotPtr Load(const Lines& lines, bool finish, uint32_t repeats = 1) {
  auto builder = TableBuilder::Create(lines.schema, std::make_shared<MemoryPool>("bench"));
  auto writer = builder->MakeWriter(0);
  for (uint32_t r = 0; r < repeats; ++r)
    for (uint32_t from = 0; from < Lines::kNumRows; from += 4096)
      if (!writer->Append(4096, lines.Slice(from))) std::abort();
  if (!writer->Close()) std::abort();
  return finish ? *builder->Finish(1) : nullptr;
}

// What a loading thread pays per row of 16 columns.
void Append(benchmark::State& state) {
  const Lines lines;
  for (auto _ : state) benchmark::DoNotOptimize(Load(lines, state.range(0) != 0));
  state.SetItemsProcessed(state.iterations() * Lines::kNumRows);
}
BENCHMARK(Append)->ArgName("finish")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

plan::ExprPtr Compare(plan::ExprOp op, ColumnId id, const plan::Type& type, int64_t constant) {
  return plan::Call(op, plan::IntType(),
                    {plan::ColumnRef(id, type), plan::Constant(plan::Value::Int(constant), type)});
}

// A scan like TPC-H Q6: a year of dates, a range of discounts, a bound on quantity; two columns
// out.
void ScanThreeFilters(benchmark::State& state) {
  const Lines lines;
  const SnapshotPtr snapshot = Load(lines, true, 8);
  plan::Plan plan;
  MemoryPool pool("query");
  QueryContext context(&plan, &pool, 1);
  std::vector<std::pair<ColumnId, uint32_t>> columns;
  for (uint32_t i = 0; i < lines.schema.columns.size(); ++i) columns.emplace_back(i, i);
  const plan::Type type = plan::DecimalType(15, 2);
  uint64_t rows = 0;
  for (auto _ : state) {
    std::vector<std::unique_ptr<ScanFilter>> filters;
    for (const auto& term :
         {Compare(plan::ExprOp::kGe, 8, type, 800), Compare(plan::ExprOp::kLt, 8, type, 1165),
          Compare(plan::ExprOp::kGe, 6, type, 5), Compare(plan::ExprOp::kLe, 6, type, 7),
          Compare(plan::ExprOp::kLt, 4, type, 2400)})
      filters.push_back(*ScanFilter::FromTerm(term, *snapshot, columns, &context));
    auto scan = TableScan::Create(snapshot, {{5}, {6}}, std::move(filters), &context);
    auto worker = scan->MakeWorker();
    Batch batch;
    while (worker->NextMorsel())
      while (*worker->Next(&batch)) rows += batch.count;
  }
  benchmark::DoNotOptimize(rows);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * snapshot->num_rows()));
}
BENCHMARK(ScanThreeFilters)->Unit(benchmark::kMillisecond);

// What one estimate for the optimizer costs.
void Estimate(benchmark::State& state) {
  const Lines lines;
  const SnapshotPtr snapshot = Load(lines, true);
  plan::Plan plan;
  MemoryPool pool("query");
  QueryContext context(&plan, &pool, 1);
  std::vector<std::pair<ColumnId, uint32_t>> columns;
  for (uint32_t i = 0; i < lines.schema.columns.size(); ++i) columns.emplace_back(i, i);
  const plan::Type type = plan::DecimalType(15, 2);
  const plan::Type text = lines.schema.columns[15].type;
  std::vector<plan::ExprPtr> terms = {Compare(plan::ExprOp::kGe, 8, type, 800),
                                      Compare(plan::ExprOp::kLt, 8, type, 1165)};
  if (state.range(0)) {
    terms = {plan::Call(
        plan::ExprOp::kNotLike, plan::IntType(),
        {plan::ColumnRef(15, text), plan::Constant(plan::Value::Bytes("%special%requests%"), text)},
        255)};
  }
  for (auto _ : state)
    benchmark::DoNotOptimize(SampleSelectivity(*snapshot, terms, columns, &context));
}
BENCHMARK(Estimate)->ArgName("like")->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);

// All rows of some numeric columns.
void ScanDense(benchmark::State& state) {
  const Lines lines;
  const SnapshotPtr snapshot = Load(lines, true, 8);
  uint64_t rows = 0;
  for (auto _ : state) {
    auto scan = TableScan::Create(snapshot, {{0}, {4}, {5}, {8}, {11}}, {}, nullptr);
    auto worker = scan->MakeWorker();
    Batch batch;
    while (worker->NextMorsel())
      while (*worker->Next(&batch)) rows += batch.count;
  }
  benchmark::DoNotOptimize(rows);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * snapshot->num_rows()));
}
BENCHMARK(ScanDense)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sirocco::engine

BENCHMARK_MAIN();
