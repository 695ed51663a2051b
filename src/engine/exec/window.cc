// Window functions of one window definition.
//
// Each worker keeps its rows (RowBlocks: the columns passed on and the values of all argument
// expressions) and one entry per row: the keys of PARTITION BY and ORDER BY, packed or as bytes,
// and the row's place. Entries are spread over buckets by their partition key, so that buckets hold
// whole partitions; at the end each bucket is sorted and its functions are computed
// (window_functions.h), side by side.
#include <algorithm>
#include <atomic>
#include <cstring>

#include "engine/exec/breakers.h"
#include "engine/exec/row_blocks.h"
#include "engine/exec/sort_key.h"
#include "engine/exec/window_functions.h"

namespace sirocco::engine {

namespace {

// Buckets per worker: enough to even out partitions of different sizes.
constexpr uint32_t kBucketsPerWorker = 8;

struct PackedEntry {
  uint64_t partition, order;
  uint32_t row;
  uint32_t run;

  bool operator<(const PackedEntry& other) const {
    return partition != other.partition ? partition < other.partition : order < other.order;
  }
  bool SamePartition(const PackedEntry& other) const { return partition == other.partition; }
  bool SamePeer(const PackedEntry& other) const { return order == other.order; }
};

// Key bytes of the partition, then of the order; no partition's key is a prefix of another's.
struct BytesEntry {
  const char* bytes;
  uint32_t partition_size, size;
  uint32_t row;
  uint32_t run;

  bool operator<(const BytesEntry& other) const {
    const int order = std::memcmp(bytes, other.bytes, std::min(size, other.size));
    return order != 0 ? order < 0 : size < other.size;
  }
  bool SamePartition(const BytesEntry& other) const {
    return partition_size == other.partition_size &&
           std::memcmp(bytes, other.bytes, partition_size) == 0;
  }
  bool SamePeer(const BytesEntry& other) const {
    return size == other.size && std::memcmp(bytes, other.bytes, size) == 0;
  }
};

uint64_t Mix(uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdull;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ull;
  return x ^ x >> 33;
}

template <typename Entry>
struct Run {
  Run(const std::vector<StoredColumn>& stored, uint32_t num_buckets, MemoryPool* pool)
      : rows(stored, pool), keys(pool), entries(num_buckets), reservation(pool) {}

  RowBlocks rows;
  Arena keys;
  std::vector<std::vector<Entry>> entries;  // per bucket
  MemoryReservation reservation;            // of entries, twice: they are put together for sorting
  uint64_t num_entries = 0;
};

// Sorted entries and computed columns of the partitions of one bucket.
template <typename Entry>
struct Bucket {
  std::vector<Entry> entries;
  std::vector<SortedColumn> results;
};

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
    const size_t num_passed = sink_->num_passed();
    state->buffers.resize(num_passed);
    for (size_t c = 0; c < num_passed; ++c) state->buffers[c].Reset(layout().columns[c].lane);
    state->places.resize(kVectorSize);
    return state;
  }
  OperatorStatistics Describe() const override { return {.name = "Read window rows"}; }
  Result<bool> Next(LocalState* local, Batch* batch) override {
    const size_t index = next_.fetch_add(1, std::memory_order_relaxed);
    if (index >= morsels_.size()) return false;
    auto* state = static_cast<State*>(local);
    const Bucket<Entry>& bucket = *morsels_[index].bucket;
    const size_t first = morsels_[index].first;
    const auto count =
        static_cast<uint32_t>(std::min<size_t>(kVectorSize, bucket.entries.size() - first));
    batch->count = count;
    batch->vectors.clear();
    for (size_t c = 0; c < sink_->num_passed(); ++c) {
      Vector vector = state->buffers[c].Flat();
      vector.dictionary = layout().columns[c].dictionary;
      if (sink_->HasNulls(c)) vector.nulls = state->buffers[c].Nulls();
      batch->vectors.push_back(vector);
    }
    for (uint32_t i = 0; i < count;) {
      const uint32_t run = bucket.entries[first + i].run;
      uint32_t n = 0;
      while (i + n < count && bucket.entries[first + i + n].run == run) {
        state->places[n] = RowBlocks::Locate(bucket.entries[first + i + n].row);
        ++n;
      }
      for (size_t c = 0; c < sink_->num_passed(); ++c)
        sink_->rows(run).Gather(c, state->places.data(), n, batch->vectors[c], i);
      i += n;
    }
    for (const SortedColumn& result : bucket.results) batch->vectors.push_back(result.View(first));
    return true;
  }
  const BatchLayout& layout() const override { return sink_->output_layout(); }
  uint32_t num_morsels() const override { return static_cast<uint32_t>(morsels_.size()); }

 private:
  struct State final : LocalState {
    std::vector<VectorBuffer> buffers;
    std::vector<RowPlace> places;
  };
  struct Morsel {
    const Bucket<Entry>* bucket;
    size_t first;
  };
  const WindowSink<Entry>* sink_;
  std::vector<Morsel> morsels_;
  std::atomic<size_t> next_{0};
};

// What is needed of the node before the kind of entry is chosen.
struct WindowPlan {
  std::unique_ptr<SortKeyEncoder> partition, order;
  std::unique_ptr<Expression> expressions;  // arguments; null if there are none
  std::vector<ColumnInfo> arguments;        // as stored: codes as strings
  std::vector<std::unique_ptr<WindowFunctionEvaluator>> functions;
  std::vector<uint32_t> passed;  // positions in the input
  BatchLayout layout;            // passed columns, then the functions' results
  bool partitioned = false;
};

template <typename Entry>
class WindowSink final : public MaterializingSink {
 public:
  WindowSink(WindowPlan plan, const plan::Node& node, QueryContext* context)
      : plan_(std::move(plan)), node_(node), context_(context), runs_(context->num_workers()) {
    for (size_t i = 0; i < plan_.passed.size(); ++i)
      stored_.push_back(PlanStorage(plan_.layout.columns[i]));
    for (const ColumnInfo& argument : plan_.arguments) stored_.push_back(PlanStorage(argument));
    buckets_.resize(plan_.partitioned ? context->num_workers() * kBucketsPerWorker : 1);
  }

  std::unique_ptr<LocalState> MakeState(uint32_t worker) override {
    auto state = std::make_unique<State>(*plan_.partition, *plan_.order);
    runs_[worker] = std::make_unique<Run<Entry>>(stored_, static_cast<uint32_t>(buckets_.size()),
                                                 context_->pool());
    state->run = runs_[worker].get();
    state->number = worker;
    if (plan_.expressions != nullptr) state->expressions = plan_.expressions->MakeState();
    state->arguments.resize(plan_.arguments.size());
    state->decoded.resize(plan_.arguments.size());
    state->vectors.resize(stored_.size());
    return state;
  }

  Result<void> Consume(const Batch& batch, LocalState* local) override {
    auto* state = static_cast<State*>(local);
    Run<Entry>& run = *state->run;
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
    run.num_entries += batch.count;
    RETURN_IF_ERROR(run.reservation.ResizeTo(3 * run.num_entries * sizeof(Entry)));
    RETURN_IF_ERROR(AddEntries(batch.count, state));
    return run.rows.Append(state->vectors.data(), nullptr, batch.count);
  }

  Result<std::vector<Task>> Finish() override {
    std::vector<Task> tasks;
    if (finished_) return tasks;
    finished_ = true;
    for (size_t b = 0; b < buckets_.size(); ++b)
      tasks.push_back([this, b](uint32_t) { return ComputeBucket(b); });
    return tasks;
  }

  OperatorStatistics Describe() const override {
    OperatorStatistics out;
    out.node_id = node_.id;
    out.name = "Window";
    out.estimated_rows = node_.estimated_rows;
    for (const auto& run : runs_)
      if (run != nullptr)
        out.rows_out += run->num_entries,
            out.memory_peak_bytes += run->reservation.bytes() + run->keys.allocated_bytes();
    out.detail = std::to_string(plan_.functions.size()) + " functions";
    return out;
  }
  std::unique_ptr<Source> MakeSource() override {
    return std::make_unique<WindowSource<Entry>>(this);
  }
  const BatchLayout& output_layout() const override { return plan_.layout; }

  const std::vector<Bucket<Entry>>& buckets() const { return buckets_; }
  size_t num_passed() const { return plan_.passed.size(); }
  const RowBlocks& rows(uint32_t run) const { return runs_[run]->rows; }
  bool HasNulls(size_t column) const {
    return std::any_of(runs_.begin(), runs_.end(), [&](const auto& run) {
      return run != nullptr && run->rows.HasNulls(column);
    });
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
    Run<Entry>* run = nullptr;
    uint32_t number = 0;
    uint64_t partition_keys[kVectorSize], order_keys[kVectorSize];
    std::string bytes;
  };

  Result<void> AddEntries(uint32_t count, State* state) {
    Run<Entry>& run = *state->run;
    const auto first = static_cast<uint32_t>(run.rows.num_rows());
    const auto bucket_of = [&](uint64_t hash) -> std::vector<Entry>& {
      return run.entries[buckets_.size() == 1 ? 0 : (hash >> 20) % buckets_.size()];
    };
    if constexpr (std::is_same_v<Entry, PackedEntry>) {
      plan_.partition->Pack(count, &state->partition, state->partition_keys);
      plan_.order->Pack(count, &state->order, state->order_keys);
      for (uint32_t i = 0; i < count; ++i)
        bucket_of(Mix(state->partition_keys[i]))
            .push_back({state->partition_keys[i], state->order_keys[i], first + i, state->number});
    } else {
      for (uint32_t i = 0; i < count; ++i) {
        state->bytes = plan_.partition->Bytes(i, &state->partition);
        const auto partition_size = static_cast<uint32_t>(state->bytes.size());
        const uint64_t hash = Mix(std::hash<std::string_view>{}(state->bytes));
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
    Bucket<Entry>& bucket = buckets_[number];
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
    std::sort(bucket.entries.begin(), bucket.entries.end());
    if (context_->cancelled()) return MakeError(ErrorCode::kCancelled, "query cancelled");
    WindowRows rows;
    RETURN_IF_ERROR(ReadRows(bucket.entries, &rows));
    bucket.results.resize(plan_.functions.size());
    for (size_t f = 0; f < plan_.functions.size(); ++f) {
      const ColumnInfo& result = plan_.functions[f]->result();
      RETURN_IF_ERROR(
          bucket.results[f].Allocate(context_->pool(), result.lane, size, result.nullable));
      RETURN_IF_ERROR(plan_.functions[f]->Compute(rows, &bucket.results[f]));
    }
    return {};
  }

  // Borders of partitions and peers, and the arguments in sorted order.
  Result<void> ReadRows(const std::vector<Entry>& entries, WindowRows* rows) const {
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
      RETURN_IF_ERROR(rows->arguments[a].Allocate(context_->pool(), plan_.arguments[a].lane,
                                                  entries.size(), plan_.arguments[a].nullable));
    std::vector<RowPlace> places(kVectorSize);
    for (uint32_t i = 0; i < entries.size();) {
      uint32_t n = 0;
      while (n < kVectorSize && i + n < entries.size() && entries[i + n].run == entries[i].run) {
        places[n] = RowBlocks::Locate(entries[i + n].row);
        ++n;
      }
      for (size_t a = 0; a < plan_.arguments.size(); ++a)
        runs_[entries[i].run]->rows.Gather(plan_.passed.size() + a, places.data(), n,
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
  std::vector<StoredColumn> stored_;
  std::vector<std::unique_ptr<Run<Entry>>> runs_;  // per worker
  std::vector<Bucket<Entry>> buckets_;
  bool finished_ = false;
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
    return std::make_unique<WindowSink<PackedEntry>>(std::move(plan), node, context);
  return std::make_unique<WindowSink<BytesEntry>>(std::move(plan), node, context);
}

}  // namespace sirocco::engine
