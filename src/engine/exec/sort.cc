// Full sort and top-N.
//
// Each worker keeps its rows (RowBlocks) and one entry per row: the packed key or a reference to
// the key's bytes, and the row's number. A full sort sorts each worker's entries as one run, in
// parallel, and its source merges the runs while it delivers. Top-N drops rows that cannot be among
// the first N as soon as N are known, and from time to time all but the best N. What does not fit
// the query's memory is sorted and written to disk run by run, and the source merges those
// (sorted_runs.h).
#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <type_traits>

#include "engine/exec/breakers.h"
#include "engine/exec/row_blocks.h"
#include "engine/exec/sort_key.h"
#include "engine/exec/sorted_runs.h"

namespace sirocco::engine {

namespace {

// Above this, keeping the best N apart costs more than sorting everything.
constexpr uint64_t kLargestTopN = 65536;
// Rows collected beyond N before the worst are dropped: the cost of a cut is spread over at least
// this many.
constexpr uint64_t kTopNSlack = 4096;
// Below this a comparison sort is faster than radix passes over 256 counters each.
constexpr size_t kRadixRows = 1024;

uint64_t Prefix(std::string_view bytes) {
  uint64_t prefix = 0;
  for (size_t i = 0; i < 8; ++i)
    prefix = prefix << 8 | (i < bytes.size() ? static_cast<uint8_t>(bytes[i]) : 0);
  return prefix;
}

struct PackedEntry {
  uint64_t key;
  uint32_t row;

  static constexpr size_t kNumKeys = 1;
  static constexpr Lane kKeyLane = Lane::kI64;
  static PackedEntry FromKeys(const Vector* keys, uint32_t row) {
    return {keys[0].u64()[row], row};
  }
  void ToKey(const Vector& key, uint32_t i) const { key.u64()[i] = this->key; }

  bool operator<(const PackedEntry& other) const { return key < other.key; }
};

struct BytesEntry {
  uint64_t prefix;  // first 8 bytes, big-endian, zero padded
  const char* bytes;
  uint32_t size;
  uint32_t row;

  static constexpr size_t kNumKeys = 1;
  static constexpr Lane kKeyLane = Lane::kStr;
  static BytesEntry FromKeys(const Vector* keys, uint32_t row) {
    const StringRef key = keys[0].str()[row];
    return {Prefix(key.view()), key.data, key.size, row};
  }
  void ToKey(const Vector& key, uint32_t i) const { key.str()[i] = {bytes, size, 0}; }
  bool operator<(const BytesEntry& other) const {
    if (prefix != other.prefix) return prefix < other.prefix;
    const int order = std::memcmp(bytes, other.bytes, std::min(size, other.size));
    return order != 0 ? order < 0 : size < other.size;
  }
};

// Sorts by the low `bits` bits of the key, one byte a pass, least significant first.
bool RadixSort(std::vector<PackedEntry>* entries, uint32_t bits, const QueryContext& context) {
  std::vector<PackedEntry> other(entries->size());
  for (uint32_t shift = 0; shift < bits; shift += 8) {
    if (context.cancelled()) return false;
    size_t counts[256] = {};
    for (const PackedEntry& entry : *entries) ++counts[(entry.key >> shift) & 0xff];
    size_t position = 0;
    for (size_t& count : counts) {
      const size_t n = count;
      count = position;
      position += n;
    }
    for (const PackedEntry& entry : *entries) other[counts[(entry.key >> shift) & 0xff]++] = entry;
    entries->swap(other);
  }
  return true;
}

Result<void> Sorted(bool finished) {
  if (finished) return {};
  return MakeError(ErrorCode::kCancelled, "query cancelled");
}
Result<void> SortEntries(std::vector<PackedEntry>* entries, uint32_t bits,
                         const QueryContext& context) {
  return Sorted(entries->size() < kRadixRows ? SortUnlessCancelled(entries, context)
                                             : RadixSort(entries, bits, context));
}
Result<void> SortEntries(std::vector<BytesEntry>* entries, uint32_t, const QueryContext& context) {
  return Sorted(SortUnlessCancelled(entries, context));
}

// Rows of one worker and their entries.
template <typename Entry>
struct Run {
  // `may_exceed`: its owner goes to disk in time.
  Run(const std::vector<StoredColumn>& stored, MemoryPool* parent, bool may_exceed)
      : pool("a run of sorted rows", MemoryPool::kUnlimited, parent, may_exceed),
        rows(std::make_unique<RowBlocks>(stored, &pool)),
        reservation(&pool),
        keys(std::make_unique<Arena>(&pool)) {}

  MemoryPool pool;
  std::unique_ptr<RowBlocks> rows;
  std::vector<Entry> entries;
  MemoryReservation reservation;  // of entries; sorting needs them twice
  std::unique_ptr<Arena> keys;    // key bytes
};

// Flat vectors for the columns of `runs`, with null bytes where a run has NULLs.
void StartVectors(const BatchLayout& layout, const std::vector<const RowBlocks*>& runs,
                  std::vector<VectorBuffer>* buffers, std::vector<Vector>* out) {
  buffers->resize(layout.columns.size());
  out->resize(layout.columns.size());
  for (size_t c = 0; c < layout.columns.size(); ++c) {
    (*buffers)[c].Reset(layout.columns[c].lane);
    (*out)[c] = (*buffers)[c].Flat();
    (*out)[c].dictionary = layout.columns[c].dictionary;
    if (std::any_of(runs.begin(), runs.end(),
                    [c](const RowBlocks* rows) { return rows->HasNulls(c); }))
      (*out)[c].nulls = (*buffers)[c].Nulls();
  }
}

template <typename Entry>
class SortSink;
template <typename Entry>
class DiskSortSource;

// Merges the sorted runs: one morsel, in order.
template <typename Entry>
class SortSource final : public Source {
 public:
  explicit SortSource(const SortSink<Entry>* sink) : sink_(sink) {}
  std::unique_ptr<LocalState> MakeState(uint32_t worker) override;
  OperatorStatistics Describe() const override {
    OperatorStatistics out;
    out.name = "Sort (merge)";
    return out;
  }
  Result<bool> Next(LocalState* state, Batch* batch) override;
  const BatchLayout& layout() const override;
  uint32_t num_morsels() const override { return 1; }

 private:
  struct State final : LocalState {
    std::vector<VectorBuffer> buffers;
    std::vector<Vector> vectors;
    std::vector<const Run<Entry>*> runs;
    std::vector<size_t> next;  // per run
    uint64_t left = 0;         // rows to deliver
    std::vector<RowPlace> places;
    std::vector<uint16_t> from;  // run of each row of the batch

    // The run with the smallest next entry.
    size_t NextRun() const {
      size_t best = runs.size();
      for (size_t r = 0; r < runs.size(); ++r) {
        if (next[r] == runs[r]->entries.size()) continue;
        if (best == runs.size() || runs[r]->entries[next[r]] < runs[best]->entries[next[best]])
          best = r;
      }
      return best;
    }
  };
  const SortSink<Entry>* sink_;
};

template <typename Entry>
class SortSink final : public MaterializingSink {
 public:
  SortSink(std::unique_ptr<SortKeyEncoder> encoder, const plan::Node& node,
           const BatchLayout& input, const std::vector<ColumnId>& needed, QueryContext* context)
      : encoder_(std::move(encoder)),
        context_(context),
        pool_("rows to sort", MemoryPool::kUnlimited, context->pool(), context->spill() != nullptr),
        limit_(node.limit),
        offset_(node.offset) {
    for (size_t i = 0; i < input.columns.size(); ++i) {
      if (std::find(needed.begin(), needed.end(), input.columns[i].id) == needed.end()) continue;
      positions_.push_back(static_cast<uint32_t>(i));
      layout_.columns.push_back(input.columns[i]);
      stored_.push_back(PlanStorage(input.columns[i]));
    }
    if (limit_ <= kLargestTopN && offset_ <= kLargestTopN) top_n_ = limit_ + offset_;
    runs_.resize(context->num_workers());
    on_disk_ = stored_;
    ColumnInfo key;
    key.lane = Entry::kKeyLane;
    key.nullable = false;
    on_disk_.push_back(PlanStorage(key));
  }

  std::unique_ptr<LocalState> MakeState(uint32_t worker) override {
    auto state = std::make_unique<State>(*encoder_);
    NewRun(worker);
    state->worker = worker;
    state->vectors.resize(positions_.size());
    return state;
  }

  OperatorStatistics Describe() const override {
    OperatorStatistics out;
    out.name = top_n_ != plan::kNoLimit ? "Top " + std::to_string(top_n_) : "Sort";
    out.rows_out = rows_seen_.load();
    out.detail = encoder_->packed() ? "keys in " + std::to_string(encoder_->packed_bits()) + " bits"
                                    : "keys as bytes";
    out.memory_peak_bytes = pool_.peak_bytes();
    if (spilled_rows_ != 0)
      out.detail += ", on disk: " + std::to_string(spilled_rows_) + " rows, " +
                    std::to_string(spilled_bytes_ >> 10) + " KB";
    return out;
  }

  Result<void> Consume(const Batch& batch, LocalState* local) override {
    auto* state = static_cast<State*>(local);
    rows_seen_.fetch_add(batch.count, std::memory_order_relaxed);
    if (top_n_ == 0) return {};
    RETURN_IF_ERROR(encoder_->Evaluate(batch, &state->keys));
    if (context_->MustSpill(pool_.used_bytes())) RETURN_IF_ERROR(MakeRoom(state));
    Run<Entry>& run = *runs_[state->worker];
    const size_t entries_before = run.entries.size();
    if (run.rows->num_rows() + batch.count >= UINT32_MAX)
      return MakeError(ErrorCode::kOutOfMemory, "more than 2^32 rows to sort");
    uint32_t n = 0;
    if constexpr (std::is_same_v<Entry, PackedEntry>) {
      encoder_->Pack(batch.count, &state->keys, state->packed);
      for (uint32_t i = 0; i < batch.count; ++i) {
        state->rows[n] = static_cast<uint16_t>(i);
        state->kept[n] = {state->packed[i], 0};
        n += !state->has_bound || state->packed[i] < state->bound.key;
      }
    } else {
      for (uint32_t i = 0; i < batch.count; ++i) {
        const std::string_view bytes = encoder_->Bytes(i, &state->keys);
        BytesEntry entry{Prefix(bytes), bytes.data(), static_cast<uint32_t>(bytes.size()), 0};
        if (state->has_bound && !(entry < state->bound)) continue;
        entry.bytes = run.keys->Copy(bytes);
        if (entry.bytes == nullptr)
          return MakeError(ErrorCode::kOutOfMemory, "memory limit reached while sorting");
        state->rows[n] = static_cast<uint16_t>(i);
        state->kept[n++] = entry;
      }
    }
    if (n == 0) return {};
    if (run.entries.capacity() < entries_before + n) {
      const size_t capacity =
          std::max<size_t>(entries_before * 2, entries_before + n + kVectorSize);
      RETURN_IF_ERROR(run.reservation.ResizeTo(2 * capacity * sizeof(Entry)));
      run.entries.reserve(capacity);
    }
    for (uint32_t i = 0; i < n; ++i) {
      state->kept[i].row = static_cast<uint32_t>(run.rows->num_rows() + i);
      run.entries.push_back(state->kept[i]);
    }
    for (size_t c = 0; c < positions_.size(); ++c) state->vectors[c] = batch.vectors[positions_[c]];
    RETURN_IF_ERROR(
        run.rows->Append(state->vectors.data(), n == batch.count ? nullptr : state->rows, n));
    if (top_n_ != plan::kNoLimit && run.entries.size() >= 2 * top_n_ + kTopNSlack)
      return CutToBest(state);
    return {};
  }

  Result<std::vector<Task>> Finish() override {
    std::vector<Task> tasks;
    if (sorted_) {
      RETURN_IF_ERROR(ReduceRuns<Entry>(on_disk_, &disk_runs_, context_));
      return tasks;
    }
    sorted_ = true;
    if (!disk_runs_.empty()) {
      for (uint32_t worker = 0; worker < runs_.size(); ++worker)
        if (runs_[worker] != nullptr)
          tasks.push_back([this, worker](uint32_t) { return SpillRun(worker); });
      return tasks;
    }
    uint64_t rows = 0;
    for (const auto& run : runs_) {
      if (run == nullptr) continue;
      rows += run->entries.size();
      tasks.push_back([this, run = run.get()](uint32_t) {
        return SortEntries(&run->entries, encoder_->packed_bits(), *context_);
      });
    }
    if (rows >= kRadixRows * 8) return tasks;
    for (const Task& task : tasks) RETURN_IF_ERROR(task(0));
    return std::vector<Task>{};
  }

  std::unique_ptr<Source> MakeSource() override {
    if (!disk_runs_.empty()) return std::make_unique<DiskSortSource<Entry>>(this);
    return std::make_unique<SortSource<Entry>>(this);
  }
  const BatchLayout& output_layout() const override { return layout_; }

  const std::vector<std::unique_ptr<Run<Entry>>>& runs() const { return runs_; }
  const std::vector<SpilledPartition>& disk_runs() const { return disk_runs_; }
  const std::vector<StoredColumn>& on_disk() const { return on_disk_; }
  QueryContext* context() const { return context_; }
  uint64_t limit() const { return limit_; }
  uint64_t offset() const { return offset_; }

 private:
  struct State final : LocalState {
    explicit State(const SortKeyEncoder& encoder) : keys(encoder) {}
    SortKeyEncoder::State keys;
    uint32_t worker = 0;
    std::vector<Vector> vectors;
    bool has_bound = false;
    Entry bound{};  // rows not below it are dropped
    std::string bound_bytes;
    uint64_t packed[kVectorSize];
    uint16_t rows[kVectorSize];
    Entry kept[kVectorSize];
  };

  void NewRun(uint32_t worker) {
    runs_[worker] = std::make_unique<Run<Entry>>(stored_, &pool_, context_->spill() != nullptr);
  }

  // Gets a worker's rows out of the memory they may not use any longer, if they are enough to be
  // worth it.
  Result<void> MakeRoom(State* state) {
    Run<Entry>& run = *runs_[state->worker];
    if (top_n_ != plan::kNoLimit && run.entries.size() > 2 * top_n_)
      RETURN_IF_ERROR(CutToBest(state));
    if (runs_[state->worker]->pool.used_bytes() < context_->smallest_budget()) return {};
    return SpillRun(state->worker);
  }

  // Sorts a worker's rows and writes them as one run; top-N only the best.
  Result<void> SpillRun(uint32_t worker) {
    Run<Entry>& run = *runs_[worker];
    if (run.entries.empty()) return {};
    RETURN_IF_ERROR(SortEntries(&run.entries, encoder_->packed_bits(), *context_));
    if (run.entries.size() > top_n_) run.entries.resize(top_n_);
    RowSpiller writer(on_disk_, 1, context_);
    std::vector<VectorBuffer> buffers;
    std::vector<Vector> vectors;
    StartVectors(layout_, {run.rows.get()}, &buffers, &vectors);
    VectorBuffer keys(Entry::kKeyLane);
    vectors.push_back(keys.Flat());
    std::vector<RowPlace> places(kVectorSize);
    for (size_t first = 0; first < run.entries.size(); first += kVectorSize) {
      const auto n =
          static_cast<uint32_t>(std::min<size_t>(kVectorSize, run.entries.size() - first));
      for (uint32_t i = 0; i < n; ++i) {
        places[i] = RowBlocks::Locate(run.entries[first + i].row);
        run.entries[first + i].ToKey(vectors.back(), i);
      }
      for (size_t c = 0; c < stored_.size(); ++c)
        run.rows->Gather(c, places.data(), n, vectors[c], 0);
      RETURN_IF_ERROR(writer.Append(vectors.data(), nullptr, n, 0));
    }
    std::vector<SpilledPartition> written(1);
    RETURN_IF_ERROR(writer.Close(&written));
    NewRun(worker);
    std::lock_guard lock(mutex_);
    spilled_rows_ += written[0].rows;
    spilled_bytes_ += written[0].bytes;
    disk_runs_.push_back(std::move(written[0]));
    return {};
  }

  // Keeps the best top_n_ rows of the worker, in fresh memory.
  Result<void> CutToBest(State* state) {
    Run<Entry>& run = *runs_[state->worker];
    std::nth_element(run.entries.begin(), run.entries.begin() + (top_n_ - 1), run.entries.end());
    run.entries.resize(top_n_);
    auto rows = std::make_unique<RowBlocks>(stored_, &run.pool);
    auto keys = std::make_unique<Arena>(&run.pool);
    std::vector<VectorBuffer> buffers;
    std::vector<Vector> vectors;
    StartVectors(layout_, {run.rows.get()}, &buffers, &vectors);
    std::vector<RowPlace> places(kVectorSize);
    for (size_t first = 0; first < run.entries.size(); first += kVectorSize) {
      const auto n =
          static_cast<uint32_t>(std::min<size_t>(kVectorSize, run.entries.size() - first));
      for (uint32_t i = 0; i < n; ++i) places[i] = RowBlocks::Locate(run.entries[first + i].row);
      for (size_t c = 0; c < vectors.size(); ++c)
        run.rows->Gather(c, places.data(), n, vectors[c], 0);
      RETURN_IF_ERROR(rows->Append(vectors.data(), nullptr, n));
    }
    for (size_t i = 0; i < run.entries.size(); ++i) {
      Entry& entry = run.entries[i];
      entry.row = static_cast<uint32_t>(i);
      if constexpr (std::is_same_v<Entry, BytesEntry>) {
        entry.bytes = keys->Copy({entry.bytes, entry.size});
        if (entry.bytes == nullptr)
          return MakeError(ErrorCode::kOutOfMemory, "memory limit reached while sorting");
      }
    }
    run.rows = std::move(rows);
    run.keys = std::move(keys);
    state->bound = run.entries[top_n_ - 1];
    if constexpr (std::is_same_v<Entry, BytesEntry>) {
      state->bound_bytes.assign(state->bound.bytes, state->bound.size);
      state->bound.bytes = state->bound_bytes.data();
    }
    state->has_bound = true;
    return {};
  }

  std::unique_ptr<SortKeyEncoder> encoder_;
  QueryContext* context_;
  MemoryPool pool_;
  uint64_t limit_, offset_;
  uint64_t top_n_ = plan::kNoLimit;
  std::vector<uint32_t> positions_;
  BatchLayout layout_;
  std::vector<StoredColumn> stored_;
  std::vector<std::unique_ptr<Run<Entry>>> runs_;  // per worker
  std::atomic<uint64_t> rows_seen_{0};
  bool sorted_ = false;
  std::vector<StoredColumn> on_disk_;  // stored_, then the key
  std::mutex mutex_;                   // of what follows, while rows come
  std::vector<SpilledPartition> disk_runs_;
  uint64_t spilled_rows_ = 0, spilled_bytes_ = 0;
};

// Merges the runs on disk: one morsel, in order.
template <typename Entry>
class DiskSortSource final : public Source {
 public:
  explicit DiskSortSource(const SortSink<Entry>* sink) : sink_(sink) {}
  std::unique_ptr<LocalState> MakeState(uint32_t worker) override {
    return std::make_unique<State>(*sink_);
  }
  OperatorStatistics Describe() const override { return {.name = "Sort (merge from disk)"}; }
  Result<bool> Next(LocalState* local, Batch* batch) override {
    auto* state = static_cast<State*>(local);
    while (state->left != 0) {
      ASSIGN_OR_RETURN(uint32_t count, state->merger.Next(&batch->vectors));
      if (count == 0) break;
      if (count <= state->to_skip) {
        state->to_skip -= count;
        continue;
      }
      batch->vectors.pop_back();  // the key
      if (state->to_skip != 0) {
        const auto first = static_cast<uint32_t>(state->to_skip);
        state->to_skip = 0;
        count -= first;
        state->skipped.resize(batch->vectors.size());
        for (uint32_t i = 0; i < count; ++i) state->rows[i] = static_cast<uint16_t>(first + i);
        for (size_t c = 0; c < batch->vectors.size(); ++c) {
          const Vector& in = batch->vectors[c];
          state->skipped[c].Reset(in.lane);
          Vector out = state->skipped[c].Flat();
          out.dictionary = in.dictionary;
          if (in.nulls != nullptr) out.nulls = state->skipped[c].Nulls();
          GatherVector(in, state->rows, count, out, 0);
          batch->vectors[c] = out;
        }
      }
      batch->count = static_cast<uint32_t>(std::min<uint64_t>(count, state->left));
      state->left -= batch->count;
      return true;
    }
    return false;
  }
  const BatchLayout& layout() const override { return sink_->output_layout(); }
  uint32_t num_morsels() const override { return 1; }

 private:
  struct State final : LocalState {
    explicit State(const SortSink<Entry>& sink)
        : merger(sink.on_disk(), sink.disk_runs(), 0, sink.disk_runs().size(), sink.context()),
          to_skip(sink.offset()),
          left(sink.limit()) {}
    RunMerger<Entry> merger;
    uint64_t to_skip, left;
    std::vector<VectorBuffer> skipped;
    uint16_t rows[kVectorSize];
  };
  const SortSink<Entry>* sink_;
};

template <typename Entry>
const BatchLayout& SortSource<Entry>::layout() const {
  return sink_->output_layout();
}

template <typename Entry>
std::unique_ptr<LocalState> SortSource<Entry>::MakeState(uint32_t worker) {
  auto state = std::make_unique<State>();
  uint64_t rows = 0;
  std::vector<const RowBlocks*> blocks;
  for (const auto& run : sink_->runs()) {
    if (run == nullptr || run->entries.empty()) continue;
    rows += run->entries.size();
    state->runs.push_back(run.get());
    blocks.push_back(run->rows.get());
  }
  state->next.resize(state->runs.size());
  state->places.resize(kVectorSize);
  state->from.resize(kVectorSize);
  StartVectors(layout(), blocks, &state->buffers, &state->vectors);
  if (rows <= sink_->offset()) return state;
  state->left = std::min(rows - sink_->offset(), sink_->limit());
  // The rows before the offset are passed over without reading them.
  for (uint64_t skipped = 0; skipped < sink_->offset(); ++skipped) ++state->next[state->NextRun()];
  return state;
}

template <typename Entry>
Result<bool> SortSource<Entry>::Next(LocalState* local, Batch* batch) {
  auto* state = static_cast<State*>(local);
  if (state->left == 0) return false;
  const auto n = static_cast<uint32_t>(std::min<uint64_t>(kVectorSize, state->left));
  state->left -= n;
  // Consecutive rows of one run are fetched together.
  for (uint32_t i = 0; i < n; ++i) {
    const size_t run = state->NextRun();
    state->from[i] = static_cast<uint16_t>(run);
    state->places[i] = RowBlocks::Locate(state->runs[run]->entries[state->next[run]++].row);
  }
  for (uint32_t first = 0; first < n;) {
    uint32_t end = first + 1;
    while (end < n && state->from[end] == state->from[first]) ++end;
    const RowBlocks& rows = *state->runs[state->from[first]]->rows;
    for (size_t c = 0; c < state->vectors.size(); ++c)
      rows.Gather(c, state->places.data() + first, end - first, state->vectors[c], first);
    first = end;
  }
  batch->count = n;
  batch->vectors = state->vectors;
  return true;
}

}  // namespace

Result<std::unique_ptr<MaterializingSink>> MakeSort(const plan::Node& node,
                                                    const BatchLayout& input,
                                                    const std::vector<ColumnId>& needed,
                                                    QueryContext* context) {
  ASSIGN_OR_RETURN(auto encoder, SortKeyEncoder::Create(node.sort_keys, input, context));
  if (encoder->packed())
    return std::make_unique<SortSink<PackedEntry>>(std::move(encoder), node, input, needed,
                                                   context);
  return std::make_unique<SortSink<BytesEntry>>(std::move(encoder), node, input, needed, context);
}

}  // namespace sirocco::engine
