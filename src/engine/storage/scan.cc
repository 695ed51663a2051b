#include "engine/storage/scan.h"

#include <algorithm>
#include <cstring>

#include "common/check.h"
#include "engine/simd/mask.h"
#include "engine/storage/chunk.h"
#include "engine/storage/column_filter.h"
#include "engine/storage/segment_reader.h"

namespace sirocco::engine {

namespace {

// An optional filter is dropped once it has seen this many rows and passes more than this share of
// them: testing then costs about as much as the rows it would remove. 70 % is the figure published
// for predicate transfer; a mispredicted drop costs one join probe a row.
constexpr double kDropAfterRows = 16384;
constexpr double kDropPassRate = 0.7;
// Counts fade when they pass this, so that the order follows the data.
constexpr double kFadeRows = 1 << 20;

// A filter of one worker and what it has seen.
struct ActiveFilter {
  std::unique_ptr<BoundFilter> filter;
  double rows_in = 0, rows_out = 0;
  bool dropped = false;

  double PassRate() const { return (rows_out + 1) / (rows_in + 2); }
  // Cost per row that it removes; the best order is ascending.
  double Rank() const { return filter->test_cost() / std::max(1e-6, 1 - PassRate()); }
  void Count(uint32_t in, uint32_t out) {
    rows_in += in;
    rows_out += out;
    if (rows_in < kFadeRows) return;
    rows_in /= 2;
    rows_out /= 2;
  }
};

// The rows of one vector that are still alive: all in a mask, or few in a list.
struct AliveRows {
  uint32_t first_row = 0, count = 0;  // the vector
  uint32_t alive = 0;
  bool listed = false;  // `rows` is valid, else `mask`
  alignas(64) uint64_t mask[kMaskWords];
  alignas(64) uint16_t rows[kVectorSize + 32];

  void List() {
    if (listed) return;
    alive = simd::MaskToRows(mask, count, rows);
    listed = true;
  }
};

class TableScanImpl;

class ScanWorkerImpl final : public ScanWorker {
 public:
  explicit ScanWorkerImpl(TableScanImpl* scan);
  ~ScanWorkerImpl() override { FlushCounters(); }
  bool NextMorsel() override;
  Result<bool> Next(Batch* batch) override;

 private:
  bool OpenChunk(uint32_t index);
  bool FilterVector();
  void RunFilter(ActiveFilter* active);
  void FlushCounters();
  void DeliverDense(Batch* batch);
  void DeliverPacked(Batch* batch);

  TableScanImpl* scan_;
  std::vector<SegmentReader> readers_;
  std::vector<ActiveFilter> filters_;
  std::vector<ActiveFilter*> chunk_filters_;  // those that zone maps leave undecided, best first
  const Chunk* chunk_ = nullptr;
  const VisibilityMap* visibility_ = nullptr;
  uint32_t next_row_ = 0;
  AliveRows vector_;
  bool pending_ = false;  // vector_ holds rows that are not delivered yet
  uint32_t packed_ = 0;   // rows appended to the readers
  uint64_t rows_in_ = 0, rows_out_ = 0, chunks_skipped_ = 0;
  double bytes_ = 0;
  double delivered_bytes_per_row_ = 0;  // of the open chunk
};

class TableScanImpl final : public TableScan {
 public:
  TableScanImpl(SnapshotPtr snapshot, std::vector<ScanOutput> outputs, QueryContext* context)
      : snapshot_(std::move(snapshot)), outputs_(std::move(outputs)), context_(context) {}

  void AddFilter(std::unique_ptr<ScanFilter> filter) override {
    // Every ScanFilter comes from the factories of this folder.
    std::unique_ptr<ColumnFilter> added(static_cast<ColumnFilter*>(filter.release()));
    for (auto& known : filters_)
      if (known->column() == added->column() && known->Absorb(*added)) return;
    filters_.push_back(std::move(added));
  }
  std::unique_ptr<ScanWorker> MakeWorker() override {
    return std::make_unique<ScanWorkerImpl>(this);
  }
  uint32_t num_morsels() const override { return snapshot_->num_chunks(); }
  const Counters& counters() const override { return counters_; }

 private:
  friend class ScanWorkerImpl;
  SnapshotPtr snapshot_;
  std::vector<ScanOutput> outputs_;
  QueryContext* context_;
  std::vector<std::unique_ptr<ColumnFilter>> filters_;
  std::atomic<uint32_t> next_chunk_{0};
  Counters counters_;
};

ScanWorkerImpl::ScanWorkerImpl(TableScanImpl* scan) : scan_(scan) {
  for (const ScanOutput& output : scan->outputs_)
    readers_.emplace_back(scan->snapshot_->lane(output.column),
                          scan->snapshot_->dictionary(output.column));
  for (const auto& filter : scan->filters_) filters_.push_back({.filter = filter->Bind()});
}

void ScanWorkerImpl::FlushCounters() {
  TableScan::Counters& counters = scan_->counters_;
  counters.rows_in.fetch_add(rows_in_, std::memory_order_relaxed);
  counters.rows_out.fetch_add(rows_out_, std::memory_order_relaxed);
  counters.chunks_skipped.fetch_add(chunks_skipped_, std::memory_order_relaxed);
  counters.bytes.fetch_add(static_cast<uint64_t>(bytes_), std::memory_order_relaxed);
  rows_in_ = rows_out_ = chunks_skipped_ = 0;
  bytes_ = 0;
}

bool ScanWorkerImpl::NextMorsel() {
  FlushCounters();
  for (;;) {
    const uint32_t index = scan_->next_chunk_.fetch_add(1, std::memory_order_relaxed);
    if (index >= scan_->snapshot_->num_chunks()) return false;
    if (OpenChunk(index)) return true;
    ++chunks_skipped_;
  }
}

// Asks every filter about the chunk; false if one rules it out.
bool ScanWorkerImpl::OpenChunk(uint32_t index) {
  chunk_ = &scan_->snapshot_->chunk(index);
  visibility_ = scan_->snapshot_->visibility(index);
  if (chunk_->num_rows() == 0 || (visibility_ != nullptr && visibility_->num_visible == 0))
    return false;
  chunk_filters_.clear();
  for (ActiveFilter& active : filters_) {
    if (active.dropped) continue;
    const Verdict verdict = active.filter->OpenChunk(*chunk_);
    if (verdict == Verdict::kNone) return false;
    if (verdict == Verdict::kSome) chunk_filters_.push_back(&active);
  }
  std::stable_sort(
      chunk_filters_.begin(), chunk_filters_.end(),
      [](const ActiveFilter* a, const ActiveFilter* b) { return a->Rank() < b->Rank(); });
  delivered_bytes_per_row_ = 0;
  for (size_t i = 0; i < readers_.size(); ++i) {
    const Segment& segment = chunk_->segment(scan_->outputs_[i].column);
    readers_[i].Open(&segment);
    delivered_bytes_per_row_ += static_cast<double>(segment.size_bytes()) / chunk_->num_rows();
  }
  next_row_ = 0;
  pending_ = false;
  packed_ = 0;
  return true;
}

void ScanWorkerImpl::RunFilter(ActiveFilter* active) {
  AliveRows& v = vector_;
  BoundFilter* filter = active->filter.get();
  const uint32_t before = v.alive;
  if (!v.listed && filter->test_cost() * v.count > filter->refine_cost() * v.alive) v.List();
  if (v.listed) {
    v.alive = filter->Refine(v.first_row, v.rows, v.alive);
  } else {
    alignas(64) uint64_t mask[kMaskWords];
    filter->Test(v.first_row, v.count, mask);
    v.alive = simd::AndMask(v.mask, mask, (v.count + 63) / 64);
  }
  bytes_ += filter->bytes_per_row() * (v.listed ? before : v.count);
  active->Count(before, v.alive);
  if (filter->optional() && active->rows_in > kDropAfterRows && active->PassRate() > kDropPassRate)
    active->dropped = true;
}

// Moves to the next vector of the chunk and filters it; false at the end of the chunk.
// vector_.alive may be 0.
bool ScanWorkerImpl::FilterVector() {
  AliveRows& v = vector_;
  if (next_row_ >= chunk_->num_rows()) return false;
  v.first_row = next_row_;
  v.count = v.alive = std::min(kVectorSize, chunk_->num_rows() - next_row_);
  v.listed = false;
  next_row_ += v.count;

  // Zone maps first: one filter may spare the work of all others.
  uint64_t undecided = 0;
  for (size_t i = 0; i < chunk_filters_.size(); ++i) {
    if (chunk_filters_[i]->dropped) continue;
    const Verdict verdict = chunk_filters_[i]->filter->CheckVector(v.first_row);
    if (verdict == Verdict::kNone) {
      v.alive = 0;
      return true;
    }
    if (verdict == Verdict::kSome || i >= 64) undecided |= uint64_t{1} << (i & 63);
  }
  rows_in_ += v.count;
  const uint32_t num_words = (v.count + 63) / 64;
  if (visibility_ != nullptr) {
    std::memcpy(v.mask, visibility_->words.data() + v.first_row / 64, num_words * 8);
    if (v.count % 64 != 0) v.mask[num_words - 1] &= (uint64_t{1} << (v.count % 64)) - 1;
    v.alive = simd::CountMask(v.mask, num_words);
  } else {
    std::memset(v.mask, 0xFF, num_words * 8);
    if (v.count % 64 != 0) v.mask[num_words - 1] = (uint64_t{1} << (v.count % 64)) - 1;
  }
  for (size_t i = 0; i < chunk_filters_.size() && v.alive != 0; ++i)
    if (!chunk_filters_[i]->dropped && (undecided >> (i & 63) & 1) != 0)
      RunFilter(chunk_filters_[i]);
  return true;
}

void ScanWorkerImpl::DeliverDense(Batch* batch) {
  batch->count = vector_.count;
  for (size_t i = 0; i < readers_.size(); ++i)
    batch->vectors[i] = readers_[i].Dense(vector_.first_row, vector_.count);
  bytes_ += delivered_bytes_per_row_ * vector_.count;
  rows_out_ += vector_.count;
}

void ScanWorkerImpl::DeliverPacked(Batch* batch) {
  batch->count = packed_;
  for (size_t i = 0; i < readers_.size(); ++i) batch->vectors[i] = readers_[i].Take();
  rows_out_ += packed_;
  packed_ = 0;
}

Result<bool> ScanWorkerImpl::Next(Batch* batch) {
  batch->vectors.resize(readers_.size());
  batch->count = 0;
  if (chunk_ == nullptr) return false;
  while (pending_ || FilterVector()) {
    pending_ = false;
    if (vector_.alive == 0) continue;
    if (vector_.alive + packed_ > kVectorSize) {
      pending_ = true;
      DeliverPacked(batch);
      return true;
    }
    if (vector_.alive == vector_.count && packed_ == 0) {
      DeliverDense(batch);
      return true;
    }
    const bool by_mask = !vector_.listed && vector_.alive * 2 >= vector_.count;
    for (SegmentReader& reader : readers_) {
      if (by_mask && reader.takes_mask()) {
        reader.AppendMask(vector_.first_row, vector_.mask, vector_.count, vector_.alive);
        continue;
      }
      vector_.List();
      reader.Append(vector_.first_row, vector_.rows, vector_.alive);
    }
    bytes_ += delivered_bytes_per_row_ * vector_.alive;
    packed_ += vector_.alive;
    if (packed_ == kVectorSize) {
      DeliverPacked(batch);
      return true;
    }
  }
  if (packed_ != 0) {
    DeliverPacked(batch);
    return true;
  }
  chunk_ = nullptr;
  return false;
}

}  // namespace

std::unique_ptr<TableScan> TableScan::Create(SnapshotPtr snapshot, std::vector<ScanOutput> outputs,
                                             std::vector<std::unique_ptr<ScanFilter>> filters,
                                             QueryContext* context) {
  auto scan = std::make_unique<TableScanImpl>(std::move(snapshot), std::move(outputs), context);
  for (auto& filter : filters) scan->AddFilter(std::move(filter));
  return scan;
}

}  // namespace sirocco::engine
