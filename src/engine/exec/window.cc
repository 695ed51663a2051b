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
#include "engine/exec/window_functions.h"

namespace sirocco::engine {

namespace {

// Buckets per worker: enough to even out partitions of different sizes.
constexpr uint32_t kBucketsPerWorker = 8;

uint64_t Mix(uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdull;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ull;
  return x ^ x >> 33;
}

struct PackedEntry {
  uint64_t partition, order;
  uint32_t row;
  uint32_t run;

  // On disk: partition and order.
  static constexpr size_t kNumKeys = 2;
  static constexpr Lane kKeyLanes[] = {Lane::kI64, Lane::kI64};
  static PackedEntry FromKeys(const Vector* keys, uint32_t row) {
    return {keys[0].u64()[row], keys[1].u64()[row], row, 0};
  }
  void ToKeys(const Vector* keys, uint32_t i) const {
    keys[0].u64()[i] = partition;
    keys[1].u64()[i] = order;
  }
  uint64_t PartitionHash() const { return Mix(partition); }

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

  // On disk: the bytes and the size of the partition's part.
  static constexpr size_t kNumKeys = 2;
  static constexpr Lane kKeyLanes[] = {Lane::kStr, Lane::kI64};
  static BytesEntry FromKeys(const Vector* keys, uint32_t row) {
    const StringRef key = keys[0].str()[row];
    return {key.data, static_cast<uint32_t>(keys[1].i64()[row]), key.size, row, 0};
  }
  void ToKeys(const Vector* keys, uint32_t i) const {
    keys[0].str()[i] = {bytes, size, 0};
    keys[1].i64()[i] = partition_size;
  }
  uint64_t PartitionHash() const {
    return Mix(std::hash<std::string_view>{}(std::string_view(bytes, partition_size)));
  }

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

template <typename Entry>
struct Run {
  // `may_exceed`: its owner goes to disk in time.
  Run(const std::vector<StoredColumn>& stored, uint32_t num_buckets, MemoryPool* parent,
      bool may_exceed)
      : pool("rows of a window", MemoryPool::kUnlimited, parent, may_exceed),
        rows(stored, &pool),
        keys(&pool),
        entries(num_buckets),
        reservation(&pool) {}

  MemoryPool pool;
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
using Runs = std::vector<std::unique_ptr<Run<Entry>>>;

// One reader's vectors for rows of a bucket.
struct ReadBuffers {
  std::vector<VectorBuffer> buffers;
  std::vector<RowPlace> places;
};

template <typename Entry>
class WindowSink;
template <typename Entry>
class DiskWindowSource;

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
    ReadBuffers read;
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
    Run<Entry>& run = *runs_[state->number];
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
    if (spilled_) return std::make_unique<DiskWindowSource<Entry>>(this);
    return std::make_unique<WindowSource<Entry>>(this);
  }
  const BatchLayout& output_layout() const override { return plan_.layout; }

  const std::vector<Bucket<Entry>>& buckets() const { return buckets_; }
  const Runs<Entry>& runs() const { return runs_; }
  const WindowPlan& plan() const { return plan_; }
  size_t num_passed() const { return plan_.passed.size(); }
  size_t bytes_per_row() const { return bytes_per_row_; }
  QueryContext* context() const { return context_; }
  const std::vector<StoredColumn>& stored() const { return stored_; }
  const std::vector<StoredColumn>& on_disk() const { return on_disk_; }
  // Each partition is taken once.
  std::vector<SpilledPartition>* partitions() { return &partitions_; }

  void StartReading(ReadBuffers* read) const {
    read->buffers.resize(num_passed());
    for (size_t c = 0; c < num_passed(); ++c) read->buffers[c].Reset(plan_.layout.columns[c].lane);
    read->places.resize(kVectorSize);
  }
  // Rows first, first + 1, ... of a bucket, whose entries refer to `runs`.
  void ReadBucket(const Bucket<Entry>& bucket, const Runs<Entry>& runs, size_t first,
                  ReadBuffers* read, Batch* batch) const {
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
  Result<void> Compute(const Runs<Entry>& runs, MemoryPool* pool, Bucket<Entry>* bucket) const {
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
    runs_[worker] = std::make_unique<Run<Entry>>(stored_, static_cast<uint32_t>(buckets_.size()),
                                                 &pool_, may_spill_);
  }

  // Moves a worker's rows to disk.
  Result<void> SpillRun(uint32_t worker) {
    Run<Entry>& run = *runs_[worker];
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
    Run<Entry>& run = *runs_[state->number];
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
    return Compute(runs_, &pool_, &bucket);
  }

  // Borders of partitions and peers, and the arguments in sorted order.
  Result<void> ReadRows(const std::vector<Entry>& entries, const Runs<Entry>& runs,
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
  Runs<Entry> runs_;  // per worker
  std::vector<Bucket<Entry>> buckets_;
  bool finished_ = false;
  std::vector<StoredColumn> on_disk_;  // stored_, then the keys
  size_t bytes_per_row_ = 0;
  std::atomic<uint64_t> rows_seen_{0};
  std::atomic<bool> spilled_{false};
  std::vector<std::unique_ptr<RowSpiller>> writers_;  // per worker
  std::vector<SpilledPartition> partitions_;
  uint64_t spilled_rows_ = 0, spilled_bytes_ = 0;
};

// Rows that went to disk: one partition after the other, each worker its own.
template <typename Entry>
class DiskWindowSource final : public Source {
 public:
  explicit DiskWindowSource(WindowSink<Entry>* sink) : sink_(sink) {}
  std::unique_ptr<LocalState> MakeState(uint32_t) override {
    auto state = std::make_unique<State>(sink_->context());
    sink_->StartReading(&state->read);
    return state;
  }
  OperatorStatistics Describe() const override { return {.name = "Read window rows from disk"}; }
  const BatchLayout& layout() const override { return sink_->output_layout(); }
  uint32_t num_morsels() const override {
    return static_cast<uint32_t>(sink_->partitions()->size());
  }

  Result<bool> Next(LocalState* local, Batch* batch) override {
    auto* state = static_cast<State*>(local);
    while (true) {
      if (state->merger != nullptr) {
        ASSIGN_OR_RETURN(batch->count, state->merger->Next(&batch->vectors));
        if (batch->count != 0) {
          batch->vectors.resize(sink_->num_passed());
          for (const SortedColumn& result : state->bucket.results)
            batch->vectors.push_back(result.View(state->row));
          state->row += batch->count;
          return true;
        }
        state->Clear();
      }
      if (state->row < state->bucket.entries.size()) {
        sink_->ReadBucket(state->bucket, state->runs, state->row, &state->read, batch);
        state->row += batch->count;
        return true;
      }
      state->Clear();
      ASSIGN_OR_RETURN(const bool more, NextBucket(state));
      if (!more) return false;
    }
  }

 private:
  struct Part {
    SpilledPartition rows;
    uint32_t level = 0;
    bool may_split = true;
  };
  struct State final : LocalState {
    explicit State(QueryContext* context)
        : pool("a window's partition", MemoryPool::kUnlimited, context->pool(), true) {}
    void Clear() {
      bucket = {};
      runs.clear();
      merger.reset();
      sorted.clear();
      strings.clear();
      row = 0;
    }
    MemoryPool pool;  // sizes are watched here
    std::vector<Part> pending;
    ReadBuffers read;
    // What is being read: a bucket in memory, or sorted runs on disk and the bucket's results.
    Bucket<Entry> bucket;
    Runs<Entry> runs;
    std::vector<SpilledPartition> sorted;
    std::unique_ptr<RunMerger<Entry>> merger;
    std::vector<std::unique_ptr<SpillMapping>> strings;
    size_t row = 0;
  };

  Result<bool> NextBucket(State* state) {
    QueryContext* context = sink_->context();
    while (true) {
      if (context->cancelled()) return MakeError(ErrorCode::kCancelled, "query cancelled");
      Part part;
      if (!state->pending.empty()) {
        part = std::move(state->pending.back());
        state->pending.pop_back();
      } else {
        const size_t index = next_.fetch_add(1, std::memory_order_relaxed);
        if (index >= sink_->partitions()->size()) return false;
        part.rows = std::move((*sink_->partitions())[index]);
        part.may_split = sink_->plan().partitioned;
      }
      if (part.rows.rows == 0) continue;
      if (part.rows.rows >= UINT32_MAX)
        return MakeError(ErrorCode::kOutOfMemory, "more than 2^32 rows in a window");
      // Entries are there up to three times, arguments twice.
      const uint64_t needed =
          part.rows.bytes + part.rows.rows * (3 * sizeof(Entry) + sink_->bytes_per_row() +
                                              sizeof(StringRef) * sink_->stored().size());
      if (needed <= context->WorkerBudget()) {
        RETURN_IF_ERROR(Load(part.rows, state));
        return true;
      }
      if (part.may_split && part.level + 1 < SpillPartitioning::kMaxLevels) {
        RETURN_IF_ERROR(Split(std::move(part), state));
        continue;
      }
      RETURN_IF_ERROR(SortOnDisk(std::move(part.rows), state));
      return true;
    }
  }

  Result<void> Load(const SpilledPartition& rows, State* state) {
    state->runs.push_back(std::make_unique<Run<Entry>>(sink_->stored(), 1, &state->pool, true));
    Run<Entry>& run = *state->runs[0];
    RETURN_IF_ERROR(run.reservation.ResizeTo(rows.rows * sizeof(Entry)));
    state->bucket.entries.reserve(rows.rows);
    SpilledRowsReader reader(sink_->on_disk(), sink_->context());
    reader.Open(&rows);
    std::vector<Vector> vectors;
    while (true) {
      ASSIGN_OR_RETURN(const uint32_t count, reader.Next(&vectors));
      if (count == 0) break;
      RETURN_IF_ERROR(AddRows(vectors, count, &run, &state->bucket.entries));
    }
    return sink_->Compute(state->runs, &state->pool, &state->bucket);
  }

  // Rows as they are on disk to a run and its entries.
  Result<void> AddRows(const std::vector<Vector>& vectors, uint32_t count, Run<Entry>* run,
                       std::vector<Entry>* entries) const {
    const Vector* keys = vectors.data() + sink_->stored().size();
    const auto first = static_cast<uint32_t>(run->rows.num_rows());
    for (uint32_t i = 0; i < count; ++i) {
      Entry entry = Entry::FromKeys(keys, i);
      entry.row = first + i;
      if constexpr (std::is_same_v<Entry, BytesEntry>) {
        entry.bytes = run->keys.Copy({entry.bytes, entry.size});
        if (entry.bytes == nullptr)
          return MakeError(ErrorCode::kOutOfMemory, "memory limit reached by window keys");
      }
      entries->push_back(entry);
    }
    return run->rows.Append(vectors.data(), nullptr, count);
  }

  Result<void> Split(Part part, State* state) {
    const uint32_t level = part.level + 1;
    QueryContext* context = sink_->context();
    RowSpiller writer(sink_->on_disk(), SpillPartitioning::kPartitions, context);
    SpilledRowsReader reader(sink_->on_disk(), context);
    reader.Open(&part.rows);
    std::vector<Vector> vectors;
    uint32_t partitions[kVectorSize];
    while (true) {
      ASSIGN_OR_RETURN(const uint32_t count, reader.Next(&vectors));
      if (count == 0) break;
      for (uint32_t i = 0; i < count; ++i)
        partitions[i] = SpillPartitioning::FromTop(
            Entry::FromKeys(vectors.data() + sink_->stored().size(), i).PartitionHash(), level);
      RETURN_IF_ERROR(writer.AppendPartitioned(vectors.data(), nullptr, count, partitions));
    }
    std::vector<SpilledPartition> split;
    RETURN_IF_ERROR(writer.Close(&split));
    for (SpilledPartition& rows : split) {
      // Equal keys stay together whatever the bits.
      const bool may_split = rows.rows != part.rows.rows;
      state->pending.push_back({std::move(rows), level, may_split});
    }
    return {};
  }

  // Sorts rows that do not fit memory and computes their functions.
  Result<void> SortOnDisk(SpilledPartition rows, State* state) {
    QueryContext* context = sink_->context();
    const std::vector<StoredColumn>& columns = sink_->on_disk();
    {
      SpilledRowsReader reader(columns, context);
      reader.Open(&rows);
      std::vector<Vector> vectors;
      uint32_t count = 1;
      while (count != 0) {
        Run<Entry> run(sink_->stored(), 1, &state->pool, true);
        std::vector<Entry> entries;
        const size_t budget = context->WorkerBudget();
        while (run.pool.used_bytes() + entries.size() * 2 * sizeof(Entry) < budget) {
          ASSIGN_OR_RETURN(count, reader.Next(&vectors));
          if (count == 0) break;
          RETURN_IF_ERROR(AddRows(vectors, count, &run, &entries));
        }
        RETURN_IF_ERROR(WriteSorted(run, &entries, state));
      }
    }
    const uint64_t num_rows = rows.rows, bytes = rows.bytes;
    rows = {};
    RETURN_IF_ERROR(ReduceRuns<Entry>(columns, &state->sorted, context));
    WindowRows sorted;
    RETURN_IF_ERROR(ReadSorted(num_rows, bytes, state, &sorted));
    RETURN_IF_ERROR(
        sink_->ComputeFunctions(sorted, &state->pool, context->spill(), &state->bucket.results));
    state->merger = std::make_unique<RunMerger<Entry>>(columns, state->sorted, 0,
                                                       state->sorted.size(), context);
    return {};
  }

  Result<void> WriteSorted(const Run<Entry>& run, std::vector<Entry>* entries, State* state) {
    if (entries->empty()) return {};
    QueryContext* context = sink_->context();
    if (!SortUnlessCancelled(entries, *context))
      return MakeError(ErrorCode::kCancelled, "query cancelled");
    const std::vector<StoredColumn>& columns = sink_->on_disk();
    const size_t num_stored = sink_->stored().size();
    RowSpiller writer(columns, 1, context);
    std::vector<VectorBuffer> buffers(columns.size());
    std::vector<Vector> vectors(columns.size());
    for (size_t c = 0; c < columns.size(); ++c) {
      buffers[c].Reset(columns[c].info.lane);
      vectors[c] = buffers[c].Flat();
      vectors[c].dictionary = columns[c].info.dictionary;
      if (c < num_stored && run.rows.HasNulls(c)) vectors[c].nulls = buffers[c].Nulls();
    }
    std::vector<RowPlace> places(kVectorSize);
    for (size_t first = 0; first < entries->size(); first += kVectorSize) {
      const auto n = static_cast<uint32_t>(std::min<size_t>(kVectorSize, entries->size() - first));
      for (uint32_t i = 0; i < n; ++i) {
        places[i] = RowBlocks::Locate((*entries)[first + i].row);
        (*entries)[first + i].ToKeys(vectors.data() + num_stored, i);
      }
      for (size_t c = 0; c < num_stored; ++c) run.rows.Gather(c, places.data(), n, vectors[c], 0);
      RETURN_IF_ERROR(writer.Append(vectors.data(), nullptr, n, 0));
    }
    state->sorted.emplace_back();
    std::vector<SpilledPartition> written(1);
    RETURN_IF_ERROR(writer.Close(&written));
    state->sorted.back() = std::move(written[0]);
    return {};
  }

  // Borders and arguments of the sorted rows.
  Result<void> ReadSorted(uint64_t num_rows, uint64_t bytes, State* state, WindowRows* rows) {
    QueryContext* context = sink_->context();
    const WindowPlan& plan = sink_->plan();
    rows->num_rows = static_cast<uint32_t>(num_rows);
    rows->arguments.resize(plan.arguments.size());
    char* strings = nullptr;
    for (size_t a = 0; a < plan.arguments.size(); ++a) {
      RETURN_IF_ERROR(rows->arguments[a].Allocate(&state->pool, plan.arguments[a].lane, num_rows,
                                                  plan.arguments[a].nullable, context->spill()));
      if (plan.arguments[a].lane != Lane::kStr || strings != nullptr) continue;
      // All strings of the rows are not more than the rows.
      ASSIGN_OR_RETURN(auto mapping, context->spill()->Map(bytes));
      strings = mapping->data();
      state->strings.push_back(std::move(mapping));
    }
    RunMerger<Entry> merger(sink_->on_disk(), state->sorted, 0, state->sorted.size(), context);
    std::vector<Vector> vectors;
    Entry last{};
    std::string last_bytes;
    uint32_t row = 0;
    while (true) {
      ASSIGN_OR_RETURN(const uint32_t count, merger.Next(&vectors));
      if (count == 0) break;
      for (uint32_t i = 0; i < count; ++i) {
        const Entry entry = Entry::FromKeys(vectors.data() + sink_->stored().size(), i);
        const bool new_partition = row + i == 0 || !entry.SamePartition(last);
        if (new_partition) rows->partitions.push_back(row + i);
        if (new_partition || !entry.SamePeer(last)) rows->peers.push_back(row + i);
        last = entry;
      }
      if constexpr (std::is_same_v<Entry, BytesEntry>) {
        last_bytes.assign(last.bytes, last.size);
        last.bytes = last_bytes.data();
      }
      for (size_t a = 0; a < plan.arguments.size(); ++a) {
        const Vector& in = vectors[plan.passed.size() + a];
        const Vector out = rows->arguments[a].View(row);
        std::memcpy(out.data, in.data, count * size_t{LaneWidth(in.lane)});
        if (in.nulls != nullptr) std::memcpy(out.nulls, in.nulls, count);
        if (in.lane != Lane::kStr) continue;
        for (uint32_t i = 0; i < count; ++i) {
          StringRef& value = out.str()[i];
          if (value.size != 0) std::memcpy(strings, value.data, value.size);
          value.data = strings;
          strings += value.size;
        }
      }
      row += count;
    }
    rows->partitions.push_back(rows->num_rows);
    rows->peers.push_back(rows->num_rows);
    return {};
  }

  WindowSink<Entry>* sink_;
  std::atomic<size_t> next_{0};
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
