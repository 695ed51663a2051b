// Full sort and top-N.
//
// Each worker keeps its rows (RowBlocks) and one entry per row: the packed key or a reference to
// the key's bytes, and the row's number. A full sort sorts each worker's entries as one run, in
// parallel, and its source merges the runs while it delivers. Top-N drops rows that cannot be among
// the first N as soon as N are known, and from time to time all but the best N.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <type_traits>

#include "engine/exec/breakers.h"
#include "engine/exec/row_blocks.h"
#include "engine/exec/sort_key.h"

namespace sirocco::engine {

namespace {

// Above this, keeping the best N apart costs more than sorting everything.
constexpr uint64_t kLargestTopN = 65536;
// Rows collected beyond N before the worst are dropped: the cost of a cut is spread over at least
// this many.
constexpr uint64_t kTopNSlack = 4096;
// Below this a comparison sort is faster than radix passes over 256 counters each.
constexpr size_t kRadixRows = 1024;

struct PackedEntry {
  uint64_t key;
  uint32_t row;

  bool operator<(const PackedEntry& other) const { return key < other.key; }
};

struct BytesEntry {
  uint64_t prefix;  // first 8 bytes, big-endian, zero padded
  const char* bytes;
  uint32_t size;
  uint32_t row;

  bool operator<(const BytesEntry& other) const {
    if (prefix != other.prefix) return prefix < other.prefix;
    const int order = std::memcmp(bytes, other.bytes, std::min(size, other.size));
    return order != 0 ? order < 0 : size < other.size;
  }
};

uint64_t Prefix(std::string_view bytes) {
  uint64_t prefix = 0;
  for (size_t i = 0; i < 8; ++i)
    prefix = prefix << 8 | (i < bytes.size() ? static_cast<uint8_t>(bytes[i]) : 0);
  return prefix;
}

// Sorts by the low `bits` bits of the key, one byte a pass, least significant first.
void RadixSort(std::vector<PackedEntry>* entries, uint32_t bits) {
  std::vector<PackedEntry> other(entries->size());
  for (uint32_t shift = 0; shift < bits; shift += 8) {
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
}

void SortEntries(std::vector<PackedEntry>* entries, uint32_t bits) {
  if (entries->size() < kRadixRows) {
    std::sort(entries->begin(), entries->end());
  } else {
    RadixSort(entries, bits);
  }
}
void SortEntries(std::vector<BytesEntry>* entries, uint32_t) {
  std::sort(entries->begin(), entries->end());
}

// Rows of one worker and their entries.
template <typename Entry>
struct Run {
  Run(const std::vector<StoredColumn>& stored, MemoryPool* pool)
      : rows(std::make_unique<RowBlocks>(stored, pool)),
        reservation(pool),
        keys(std::make_unique<Arena>(pool)) {}

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
      : encoder_(std::move(encoder)), context_(context), limit_(node.limit), offset_(node.offset) {
    for (size_t i = 0; i < input.columns.size(); ++i) {
      if (std::find(needed.begin(), needed.end(), input.columns[i].id) == needed.end()) continue;
      positions_.push_back(static_cast<uint32_t>(i));
      layout_.columns.push_back(input.columns[i]);
      stored_.push_back(PlanStorage(input.columns[i]));
    }
    if (limit_ <= kLargestTopN && offset_ <= kLargestTopN) top_n_ = limit_ + offset_;
    runs_.resize(context->num_workers());
  }

  std::unique_ptr<LocalState> MakeState(uint32_t worker) override {
    auto state = std::make_unique<State>(*encoder_);
    runs_[worker] = std::make_unique<Run<Entry>>(stored_, context_->pool());
    state->run = runs_[worker].get();
    state->vectors.resize(positions_.size());
    return state;
  }

  OperatorStatistics Describe() const override {
    OperatorStatistics out;
    out.name = top_n_ != plan::kNoLimit ? "Top " + std::to_string(top_n_) : "Sort";
    out.rows_out = rows_seen_.load();
    out.detail = encoder_->packed() ? "keys in " + std::to_string(encoder_->packed_bits()) + " bits"
                                    : "keys as bytes";
    for (const auto& run : runs_)
      if (run != nullptr)
        out.memory_peak_bytes += run->reservation.bytes() + run->keys->allocated_bytes();
    return out;
  }

  Result<void> Consume(const Batch& batch, LocalState* local) override {
    auto* state = static_cast<State*>(local);
    rows_seen_.fetch_add(batch.count, std::memory_order_relaxed);
    if (top_n_ == 0) return {};
    RETURN_IF_ERROR(encoder_->Evaluate(batch, &state->keys));
    Run<Entry>& run = *state->run;
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
    if (sorted_) return tasks;
    sorted_ = true;
    uint64_t rows = 0;
    for (const auto& run : runs_) {
      if (run == nullptr) continue;
      rows += run->entries.size();
      tasks.push_back([this, run = run.get()](uint32_t) -> Result<void> {
        SortEntries(&run->entries, encoder_->packed_bits());
        return {};
      });
    }
    if (rows >= kRadixRows * 8) return tasks;
    for (const Task& task : tasks) RETURN_IF_ERROR(task(0));
    return std::vector<Task>{};
  }

  std::unique_ptr<Source> MakeSource() override {
    return std::make_unique<SortSource<Entry>>(this);
  }
  const BatchLayout& output_layout() const override { return layout_; }

  const std::vector<std::unique_ptr<Run<Entry>>>& runs() const { return runs_; }
  uint64_t limit() const { return limit_; }
  uint64_t offset() const { return offset_; }

 private:
  struct State final : LocalState {
    explicit State(const SortKeyEncoder& encoder) : keys(encoder) {}
    SortKeyEncoder::State keys;
    Run<Entry>* run = nullptr;
    std::vector<Vector> vectors;
    bool has_bound = false;
    Entry bound{};  // rows not below it are dropped
    uint64_t packed[kVectorSize];
    uint16_t rows[kVectorSize];
    Entry kept[kVectorSize];
  };

  // Keeps the best top_n_ rows of the worker, in fresh memory.
  Result<void> CutToBest(State* state) {
    Run<Entry>& run = *state->run;
    std::nth_element(run.entries.begin(), run.entries.begin() + (top_n_ - 1), run.entries.end());
    run.entries.resize(top_n_);
    auto rows = std::make_unique<RowBlocks>(stored_, context_->pool());
    auto keys = std::make_unique<Arena>(context_->pool());
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
    // Its bytes live until the next cut, which sets a new bound.
    state->bound = run.entries[top_n_ - 1];
    state->has_bound = true;
    return {};
  }

  std::unique_ptr<SortKeyEncoder> encoder_;
  QueryContext* context_;
  uint64_t limit_, offset_;
  uint64_t top_n_ = plan::kNoLimit;
  std::vector<uint32_t> positions_;
  BatchLayout layout_;
  std::vector<StoredColumn> stored_;
  std::vector<std::unique_ptr<Run<Entry>>> runs_;  // per worker
  std::atomic<uint64_t> rows_seen_{0};
  bool sorted_ = false;
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
