// Window functions of one window definition.
//
// Each worker keeps its rows (RowBlocks: the columns passed on and the values of all argument
// expressions) and one entry per row: the keys of PARTITION BY and ORDER BY, packed or as bytes,
// and the row's place. Entries are spread over buckets by their partition key, so that buckets hold
// whole partitions; at the end each bucket is sorted and its functions are computed
// (window_functions.h), side by side.
//
// Beyond the memory budget all rows go to disk, in partitions of their partition keys' hashes, with
// their keys. Each is then read back and becomes a bucket; one that is too large is split again by
// other bits. Where that is of no use (one huge partition) its rows are sorted on disk
// (sorted_runs.h); arguments and results live in memory that the kernel may write to a file, and
// the columns passed on are read a second time.
#include <algorithm>
#include <atomic>
#include <cstring>

#include "engine/exec/breakers.h"
#include "engine/exec/row_blocks.h"
#include "engine/exec/sort_key.h"
#include "engine/exec/sorted_runs.h"
#include "engine/exec/window_disk_source.h"
#include "engine/exec/window_entries.h"
#include "engine/exec/window_functions.h"

namespace sirocco::engine {

namespace {

// Buckets per worker: enough to even out partitions of different sizes.
constexpr uint32_t kBucketsPerWorker = 8;

template <typename Entry>
class WindowSink;

template <typename Entry>
class WindowSource final : public Source {
 public:
  explicit WindowSource(const WindowSink<Entry>* sink) : sink_(sink) {}

  Result<void> Prepare() override {
    for (const auto& bucket : sink_->buckets())
      for (size_t first = 0; first < bucket.entries.size(); first += kVectorSize)
        morsels_.push_back({&bucket, first});
    return {};
  }
  std::unique_ptr<LocalState> MakeState(uint32_t) override {
    auto state = std::make_unique<State>();
    sink_->StartReading(&state->read);
    return state;
  }
  OperatorStatistics Describe() const override { return {.name = "Read window rows"}; }
  Result<bool> Next(LocalState* local, Batch* batch) override {
    const size_t index = next_.fetch_add(1, std::memory_order_relaxed);
    if (index >= morsels_.size()) return false;
    auto* state = static_cast<State*>(local);
    sink_->ReadBucket(*morsels_[index].bucket, sink_->runs(), morsels_[index].first, &state->read,
                      batch);
    return true;
  }
  const BatchLayout& layout() const override { return sink_->output_layout(); }
  uint32_t num_morsels() const override { return static_cast<uint32_t>(morsels_.size()); }

 private:
  struct State final : LocalState {
    WindowReadBuffers read;
  };
  struct Morsel {
    const WindowBucket<Entry>* bucket;
    size_t first;
  };
  const WindowSink<Entry>* sink_;
  std::vector<Morsel> morsels_;
  std::atomic<size_t> next_{0};
};

template <typename Entry>
class WindowSink final : public MaterializingSink {
 public:
  WindowSink(WindowPlan plan, const plan::Node& node, QueryContext* context)
      : plan_(std::move(plan)),
        node_(node),
        context_(context),
        may_spill_(context->spill() != nullptr),
        pool_("a window", MemoryPool::kUnlimited, context->pool(), may_spill_),
        runs_(context->num_workers()),
        writers_(context->num_workers()) {
    for (size_t i = 0; i < plan_.passed.size(); ++i)
      stored_.push_back(PlanStorage(plan_.layout.columns[i]));
    for (const ColumnInfo& argument : plan_.arguments) stored_.push_back(PlanStorage(argument));
    buckets_.resize(plan_.partitioned ? context->num_workers() * kBucketsPerWorker : 1);
    on_disk_ = stored_;
    for (Lane lane : Entry::kKeyLanes) {
      ColumnInfo key;
      key.lane = lane;
      key.nullable = false;
      on_disk_.push_back(PlanStorage(key));
    }
    // Once more in memory while functions are computed, and their results.
    for (const ColumnInfo& argument : plan_.arguments)
      bytes_per_row_ += LaneWidth(argument.lane) + 1;
    for (const auto& function : plan_.functions)
      bytes_per_row_ += LaneWidth(function->result().lane) + 1;
  }

  std::unique_ptr<LocalState> MakeState(uint32_t worker) override {
    auto state = std::make_unique<State>(*plan_.partition, *plan_.order);
    NewRun(worker);
    state->number = worker;
    if (plan_.expressions != nullptr) state->expressions = plan_.expressions->MakeState();
    state->arguments.resize(plan_.arguments.size());
    state->decoded.resize(plan_.arguments.size());
    state->vectors.resize(stored_.size());
    return state;
  }

  Result<void> Consume(const Batch& batch, LocalState* local) override {
    auto* state = static_cast<State*>(local);
    WindowRun<Entry>& run = *runs_[state->number];
    if (batch.count == 0) return {};
    if (run.rows.num_rows() + batch.count >= UINT32_MAX)
      return MakeError(ErrorCode::kOutOfMemory, "more than 2^32 rows in a window");
    if (plan_.expressions != nullptr) {
      RETURN_IF_ERROR(
          plan_.expressions->Evaluate(batch, state->expressions.get(), state->arguments));
      for (size_t i = 0; i < state->arguments.size(); ++i)
        state->vectors[plan_.passed.size() + i] =
            DecodeDictionary(state->arguments[i], batch.count, &state->decoded[i]);
    }
    for (size_t c = 0; c < plan_.passed.size(); ++c)
      state->vectors[c] = batch.vectors[plan_.passed[c]];
    RETURN_IF_ERROR(plan_.partition->Evaluate(batch, &state->partition));
    RETURN_IF_ERROR(plan_.order->Evaluate(batch, &state->order));
    rows_seen_.fetch_add(batch.count, std::memory_order_relaxed);
    run.num_entries += batch.count;
    RETURN_IF_ERROR(run.reservation.ResizeTo(3 * run.num_entries * sizeof(Entry)));
    RETURN_IF_ERROR(AddEntries(batch.count, state));
    RETURN_IF_ERROR(run.rows.Append(state->vectors.data(), nullptr, batch.count));
    if (!may_spill_) return {};
    const size_t needed =
        pool_.used_bytes() + rows_seen_.load(std::memory_order_relaxed) * bytes_per_row_;
    if (!spilled_.load(std::memory_order_relaxed)) {
      if (!context_->MustSpill(needed)) return {};
      spilled_.store(true, std::memory_order_relaxed);
    }
    // Rows are collected so that pages are worth writing, unless memory is needed at once.
    return run.pool.used_bytes() < context_->smallest_budget() ? Result<void>{}
                                                               : SpillRun(state->number);
  }

  Result<std::vector<Task>> Finish() override {
    std::vector<Task> tasks;
    if (spilled_ && finished_) {
      for (auto& writer : writers_)
        if (writer != nullptr) RETURN_IF_ERROR(writer->Close(&partitions_));
      writers_.clear();
      for (const SpilledPartition& partition : partitions_) {
        spilled_rows_ += partition.rows;
        spilled_bytes_ += partition.bytes;
      }
      return tasks;
    }
    if (finished_) return tasks;
    finished_ = true;
    if (spilled_) {
      for (uint32_t worker = 0; worker < runs_.size(); ++worker)
        if (runs_[worker] != nullptr)
          tasks.push_back([this, worker](uint32_t) { return SpillRun(worker); });
      return tasks;
    }
    for (size_t b = 0; b < buckets_.size(); ++b)
      tasks.push_back([this, b](uint32_t) { return ComputeBucket(b); });
    return tasks;
  }

  OperatorStatistics Describe() const override {
    OperatorStatistics out;
    out.node_id = node_.id;
    out.name = "Window";
    out.estimated_rows = node_.estimated_rows;
    out.rows_out = rows_seen_.load(std::memory_order_relaxed);
    out.memory_peak_bytes = pool_.peak_bytes();
    out.detail = std::to_string(plan_.functions.size()) + " functions";
    if (spilled_)
      out.detail += ", on disk: " + std::to_string(spilled_rows_) + " rows, " +
                    std::to_string(spilled_bytes_ >> 10) + " KB";
    return out;
  }
  std::unique_ptr<Source> MakeSource() override {
    if (spilled_) return std::make_unique<DiskWindowSource<Entry, WindowSink>>(this);
    return std::make_unique<WindowSource<Entry>>(this);
  }
  const BatchLayout& output_layout() const override { return plan_.layout; }

  const std::vector<WindowBucket<Entry>>& buckets() const { return buckets_; }
  const WindowRuns<Entry>& runs() const { return runs_; }
  const WindowPlan& plan() const { return plan_; }
  size_t num_passed() const { return plan_.passed.size(); }
  size_t bytes_per_row() const { return bytes_per_row_; }
  QueryContext* context() const { return context_; }
  const std::vector<StoredColumn>& stored() const { return stored_; }
  const std::vector<StoredColumn>& on_disk() const { return on_disk_; }
  // Each partition is taken once.
  std::vector<SpilledPartition>* partitions() { return &partitions_; }

  void StartReading(WindowReadBuffers* read) const {
    read->buffers.resize(num_passed());
    for (size_t c = 0; c < num_passed(); ++c) read->buffers[c].Reset(plan_.layout.columns[c].lane);
    read->places.resize(kVectorSize);
  }
  // Rows first, first + 1, ... of a bucket, whose entries refer to `runs`.
  void ReadBucket(const WindowBucket<Entry>& bucket, const WindowRuns<Entry>& runs, size_t first,
                  WindowReadBuffers* read, Batch* batch) const {
    const auto count =
        static_cast<uint32_t>(std::min<size_t>(kVectorSize, bucket.entries.size() - first));
    batch->count = count;
    batch->vectors.clear();
    for (size_t c = 0; c < num_passed(); ++c) {
      Vector vector = read->buffers[c].Flat();
      vector.dictionary = plan_.layout.columns[c].dictionary;
      if (std::any_of(runs.begin(), runs.end(),
                      [c](const auto& run) { return run != nullptr && run->rows.HasNulls(c); }))
        vector.nulls = read->buffers[c].Nulls();
      batch->vectors.push_back(vector);
    }
    for (uint32_t i = 0; i < count;) {
      const uint32_t run = bucket.entries[first + i].run;
      uint32_t n = 0;
      while (i + n < count && bucket.entries[first + i + n].run == run) {
        read->places[n] = RowBlocks::Locate(bucket.entries[first + i + n].row);
        ++n;
      }
      for (size_t c = 0; c < num_passed(); ++c)
        runs[run]->rows.Gather(c, read->places.data(), n, batch->vectors[c], i);
      i += n;
    }
    for (const SortedColumn& result : bucket.results) batch->vectors.push_back(result.View(first));
  }

  // Sorts the bucket's entries and computes its functions.
  Result<void> Compute(const WindowRuns<Entry>& runs, MemoryPool* pool,
                       WindowBucket<Entry>* bucket) const {
    if (!SortUnlessCancelled(&bucket->entries, *context_))
      return MakeError(ErrorCode::kCancelled, "query cancelled");
    WindowRows rows;
    RETURN_IF_ERROR(ReadRows(bucket->entries, runs, pool, &rows));
    return ComputeFunctions(rows, pool, nullptr, &bucket->results);
  }
  Result<void> ComputeFunctions(const WindowRows& rows, MemoryPool* pool, SpillSpace* space,
                                std::vector<SortedColumn>* results) const {
    results->resize(plan_.functions.size());
    for (size_t f = 0; f < plan_.functions.size(); ++f) {
      const ColumnInfo& result = plan_.functions[f]->result();
      RETURN_IF_ERROR(
          (*results)[f].Allocate(pool, result.lane, rows.num_rows, result.nullable, space));
      RETURN_IF_ERROR(plan_.functions[f]->Compute(rows, &(*results)[f]));
    }
    return {};
  }

 private:
  struct State final : LocalState {
    State(const SortKeyEncoder& partition_keys, const SortKeyEncoder& order_keys)
        : partition(partition_keys), order(order_keys) {}
    SortKeyEncoder::State partition, order;
    std::unique_ptr<ExpressionState> expressions;
    std::vector<Vector> arguments;
    std::vector<VectorBuffer> decoded;
    std::vector<Vector> vectors;  // as stored
    uint32_t number = 0;
    uint64_t partition_keys[kVectorSize], order_keys[kVectorSize];
    std::string bytes;
  };

  void NewRun(uint32_t worker) {
    runs_[worker] = std::make_unique<WindowRun<Entry>>(
        stored_, static_cast<uint32_t>(buckets_.size()), &pool_, may_spill_);
  }

  // Moves a worker's rows to disk.
  Result<void> SpillRun(uint32_t worker) {
    WindowRun<Entry>& run = *runs_[worker];
    if (run.num_entries == 0) return {};
    if (writers_[worker] == nullptr)
      writers_[worker] = std::make_unique<RowSpiller>(
          on_disk_, plan_.partitioned ? SpillPartitioning::kPartitions : 1, context_);
    std::vector<VectorBuffer> buffers(on_disk_.size());
    std::vector<Vector> vectors(on_disk_.size());
    for (size_t c = 0; c < on_disk_.size(); ++c) {
      buffers[c].Reset(on_disk_[c].info.lane);
      vectors[c] = buffers[c].Flat();
      vectors[c].dictionary = on_disk_[c].info.dictionary;
      if (c < stored_.size() && run.rows.HasNulls(c)) vectors[c].nulls = buffers[c].Nulls();
    }
    std::vector<RowPlace> places(kVectorSize);
    uint32_t partitions[kVectorSize];
    for (const std::vector<Entry>& entries : run.entries) {
      for (size_t first = 0; first < entries.size(); first += kVectorSize) {
        const auto n = static_cast<uint32_t>(std::min<size_t>(kVectorSize, entries.size() - first));
        for (uint32_t i = 0; i < n; ++i) {
          const Entry& entry = entries[first + i];
          places[i] = RowBlocks::Locate(entry.row);
          entry.ToKeys(vectors.data() + stored_.size(), i);
          partitions[i] =
              plan_.partitioned ? SpillPartitioning::FromTop(entry.PartitionHash(), 0) : 0;
        }
        for (size_t c = 0; c < stored_.size(); ++c)
          run.rows.Gather(c, places.data(), n, vectors[c], 0);
        RETURN_IF_ERROR(
            writers_[worker]->AppendPartitioned(vectors.data(), nullptr, n, partitions));
        if (context_->cancelled()) return MakeError(ErrorCode::kCancelled, "query cancelled");
      }
    }
    NewRun(worker);
    return {};
  }

  Result<void> AddEntries(uint32_t count, State* state) {
    WindowRun<Entry>& run = *runs_[state->number];
    const auto first = static_cast<uint32_t>(run.rows.num_rows());
    const auto bucket_of = [&](uint64_t hash) -> std::vector<Entry>& {
      return run.entries[buckets_.size() == 1 ? 0 : (hash >> 20) % buckets_.size()];
    };
    if constexpr (std::is_same_v<Entry, PackedWindowEntry>) {
      plan_.partition->Pack(count, &state->partition, state->partition_keys);
      plan_.order->Pack(count, &state->order, state->order_keys);
      for (uint32_t i = 0; i < count; ++i)
        bucket_of(MixWindowKey(state->partition_keys[i]))
            .push_back({state->partition_keys[i], state->order_keys[i], first + i, state->number});
    } else {
      for (uint32_t i = 0; i < count; ++i) {
        state->bytes = plan_.partition->Bytes(i, &state->partition);
        const auto partition_size = static_cast<uint32_t>(state->bytes.size());
        const uint64_t hash = MixWindowKey(std::hash<std::string_view>{}(state->bytes));
        state->bytes += plan_.order->Bytes(i, &state->order);
        const char* bytes = run.keys.Copy(state->bytes);
        if (bytes == nullptr)
          return MakeError(ErrorCode::kOutOfMemory, "memory limit reached by window keys");
        bucket_of(hash).push_back({bytes, partition_size,
                                   static_cast<uint32_t>(state->bytes.size()), first + i,
                                   state->number});
      }
    }
    return {};
  }

  Result<void> ComputeBucket(size_t number) {
    WindowBucket<Entry>& bucket = buckets_[number];
    size_t size = 0;
    for (const auto& run : runs_)
      if (run != nullptr) size += run->entries[number].size();
    if (size == 0) return {};
    if (size >= UINT32_MAX)
      return MakeError(ErrorCode::kOutOfMemory, "more than 2^32 rows in a window");
    bucket.entries.reserve(size);
    for (const auto& run : runs_) {
      if (run == nullptr) continue;
      bucket.entries.insert(bucket.entries.end(), run->entries[number].begin(),
                            run->entries[number].end());
      std::vector<Entry>().swap(run->entries[number]);
    }
    return Compute(runs_, &pool_, &bucket);
  }

  // Borders of partitions and peers, and the arguments in sorted order.
  Result<void> ReadRows(const std::vector<Entry>& entries, const WindowRuns<Entry>& runs,
                        MemoryPool* pool, WindowRows* rows) const {
    rows->num_rows = static_cast<uint32_t>(entries.size());
    for (uint32_t i = 0; i < entries.size(); ++i) {
      const bool new_partition = i == 0 || !entries[i].SamePartition(entries[i - 1]);
      if (new_partition) rows->partitions.push_back(i);
      if (new_partition || !entries[i].SamePeer(entries[i - 1])) rows->peers.push_back(i);
    }
    rows->partitions.push_back(rows->num_rows);
    rows->peers.push_back(rows->num_rows);
    rows->arguments.resize(plan_.arguments.size());
    for (size_t a = 0; a < plan_.arguments.size(); ++a)
      RETURN_IF_ERROR(rows->arguments[a].Allocate(pool, plan_.arguments[a].lane, entries.size(),
                                                  plan_.arguments[a].nullable));
    std::vector<RowPlace> places(kVectorSize);
    for (uint32_t i = 0; i < entries.size();) {
      uint32_t n = 0;
      while (n < kVectorSize && i + n < entries.size() && entries[i + n].run == entries[i].run) {
        places[n] = RowBlocks::Locate(entries[i + n].row);
        ++n;
      }
      for (size_t a = 0; a < plan_.arguments.size(); ++a)
        runs[entries[i].run]->rows.Gather(plan_.passed.size() + a, places.data(), n,
                                          rows->arguments[a].View(i), 0);
      i += n;
      if ((i & ~uint32_t{0xffff}) != ((i - n) & ~uint32_t{0xffff}) && context_->cancelled())
        return MakeError(ErrorCode::kCancelled, "query cancelled");
    }
    return {};
  }

  WindowPlan plan_;
  const plan::Node& node_;
  QueryContext* context_;
  const bool may_spill_;
  MemoryPool pool_;
  std::vector<StoredColumn> stored_;
  WindowRuns<Entry> runs_;  // per worker
  std::vector<WindowBucket<Entry>> buckets_;
  bool finished_ = false;
  std::vector<StoredColumn> on_disk_;  // stored_, then the keys
  size_t bytes_per_row_ = 0;
  std::atomic<uint64_t> rows_seen_{0};
  std::atomic<bool> spilled_{false};
  std::vector<std::unique_ptr<RowSpiller>> writers_;  // per worker
  std::vector<SpilledPartition> partitions_;
  uint64_t spilled_rows_ = 0, spilled_bytes_ = 0;
};

size_t AddExpression(const plan::ExprPtr& expr, std::vector<plan::ExprPtr>* expressions) {
  for (size_t i = 0; i < expressions->size(); ++i)
    if (plan::SameExpr(*(*expressions)[i], *expr)) return i;
  expressions->push_back(expr);
  return expressions->size() - 1;
}

Result<WindowPlan> BindWindow(const plan::Node& node, const BatchLayout& input,
                              const std::vector<ColumnId>& needed, QueryContext* context) {
  WindowPlan plan;
  plan.partitioned = !node.partition_by.empty();
  std::vector<plan::SortKey> partition;
  for (const plan::ExprPtr& expr : node.partition_by) partition.push_back({.expr = expr});
  ASSIGN_OR_RETURN(plan.partition, SortKeyEncoder::Create(partition, input, context));
  ASSIGN_OR_RETURN(plan.order, SortKeyEncoder::Create(node.window_order, input, context));

  std::vector<plan::ExprPtr> expressions;
  std::vector<std::vector<size_t>> args(node.windows.size());
  constexpr size_t kNoColumn = ~size_t{0};
  size_t order_column = kNoColumn;
  std::vector<std::pair<size_t, size_t>> bound_columns(node.windows.size(), {kNoColumn, kNoColumn});
  for (size_t w = 0; w < node.windows.size(); ++w) {
    const plan::WindowCall& call = node.windows[w];
    const bool aggregate = call.function == plan::WindowFunction::kAggregate;
    for (const plan::ExprPtr& arg : aggregate ? call.aggregate.args : call.args)
      args[w].push_back(AddExpression(arg, &expressions));
    if (FrameBounds::NeedsOrderValue(call) && node.window_order.size() == 1)
      order_column = AddExpression(node.window_order[0].expr, &expressions);
    if (FrameBounds::NeedsOrderValue(call) && FrameBounds::IsKey(call.start_offset))
      bound_columns[w].first = AddExpression(call.start_offset, &expressions);
    if (FrameBounds::NeedsOrderValue(call) && FrameBounds::IsKey(call.end_offset))
      bound_columns[w].second = AddExpression(call.end_offset, &expressions);
  }
  if (!expressions.empty()) {
    ASSIGN_OR_RETURN(plan.expressions, Expression::Compile(expressions, input, context));
    plan.arguments = plan.expressions->outputs();
    for (ColumnInfo& argument : plan.arguments) {
      if (argument.lane == Lane::kCode) argument.lane = Lane::kStr, argument.dictionary = nullptr;
      argument.nullable = true;
    }
  }
  for (size_t i = 0; i < input.columns.size(); ++i) {
    if (std::find(needed.begin(), needed.end(), input.columns[i].id) == needed.end()) continue;
    plan.passed.push_back(static_cast<uint32_t>(i));
    plan.layout.columns.push_back(input.columns[i]);
  }
  for (size_t w = 0; w < node.windows.size(); ++w) {
    const ColumnInfo* order = order_column == kNoColumn ? nullptr : &plan.arguments[order_column];
    const bool descending = !node.window_order.empty() && node.window_order[0].descending;
    ASSIGN_OR_RETURN(FrameBounds bounds,
                     FrameBounds::Make(node.windows[w], order, order_column, descending,
                                       bound_columns[w].first, bound_columns[w].second));
    ASSIGN_OR_RETURN(auto function, MakeWindowFunction(node.windows[w], args[w], plan.arguments,
                                                       std::move(bounds), context));
    plan.layout.columns.push_back(function->result());
    plan.functions.push_back(std::move(function));
  }
  return plan;
}

}  // namespace

Result<std::unique_ptr<MaterializingSink>> MakeWindow(const plan::Node& node,
                                                      const BatchLayout& input,
                                                      const std::vector<ColumnId>& needed,
                                                      QueryContext* context) {
  ASSIGN_OR_RETURN(WindowPlan plan, BindWindow(node, input, needed, context));
  if (plan.partition->packed() && plan.order->packed())
    return std::make_unique<WindowSink<PackedWindowEntry>>(std::move(plan), node, context);
  return std::make_unique<WindowSink<BytesWindowEntry>>(std::move(plan), node, context);
}

}  // namespace sirocco::engine
