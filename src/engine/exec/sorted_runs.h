// Sorted rows on disk: runs, merged row by row. For sorts and windows beyond the memory budget.
//
// A run is a SpilledPartition whose rows are in order; its last Entry::kNumKeys columns are the
// key. Entry: a key in comparable form, made of these columns by Entry::FromKeys(keys, row), with
// operator<; it may refer to the columns' bytes. Threads: one.
#pragma once

#include <algorithm>
#include <exception>
#include <memory>
#include <vector>

#include "common/error.h"
#include "engine/exec/query_context.h"
#include "engine/exec/spilled_rows.h"

namespace sirocco::engine {

// Runs that may be merged at once: each needs a page and what its strings take.
inline size_t MaxMergedRuns(const QueryContext& context) {
  constexpr size_t kBytesPerRun = 512 << 10;
  if (context.spill_forced()) return 3;
  return std::clamp<size_t>(context.WorkerBudget() / kBytesPerRun, 4, 256);
}

// std::sort that ends early, with false, when the query is cancelled.
template <typename Entry>
bool SortUnlessCancelled(std::vector<Entry>* entries, const QueryContext& context) {
  // A look at the flag every 64 k comparisons, some milliseconds, costs nothing.
  struct Cancelled {};
  uint32_t looks = 0;
  try {
    std::sort(entries->begin(), entries->end(), [&](const Entry& a, const Entry& b) {
      if ((++looks & 0xffff) == 0 && context.cancelled()) throw Cancelled();
      return a < b;
    });
  } catch (const Cancelled&) {
    return false;
  }
  return true;
}

template <typename Entry>
class RunMerger {
 public:
  // `columns`: those of the runs. The runs outlive the merger.
  RunMerger(const std::vector<StoredColumn>& columns, const std::vector<SpilledPartition>& runs,
            size_t first, size_t count, QueryContext* context)
      : columns_(columns), buffers_(columns.size()), picks_(kVectorSize) {
    for (size_t r = first; r < first + count; ++r) {
      cursors_.push_back(std::make_unique<Cursor>(columns, context));
      cursors_.back()->reader.Open(&runs[r]);
      waiting_.push_back(cursors_.back().get());
    }
  }

  // The next rows in order, up to kVectorSize (seldom as many); 0 at the end. The vectors are valid
  // until the next call.
  Result<uint32_t> Next(std::vector<Vector>* out) {
    RETURN_IF_ERROR(Refill());
    uint32_t n = 0;
    while (n < kVectorSize && !heap_.empty()) {
      Cursor* cursor = heap_.front();
      picks_[n++] = {cursor, static_cast<uint16_t>(cursor->row)};
      std::pop_heap(heap_.begin(), heap_.end(), Behind);
      if (++cursor->row == cursor->count) {
        // Its vectors are needed until the next call.
        heap_.pop_back();
        waiting_.push_back(cursor);
        break;
      }
      SetEntry(cursor);
      std::push_heap(heap_.begin(), heap_.end(), Behind);
    }
    out->resize(columns_.size());
    for (size_t c = 0; c < columns_.size(); ++c) Gather(c, n, &(*out)[c]);
    return n;
  }

 private:
  struct Cursor {
    Cursor(const std::vector<StoredColumn>& columns, QueryContext* context)
        : reader(columns, context) {}
    SpilledRowsReader reader;
    std::vector<Vector> vectors;
    uint32_t row = 0, count = 0;
    Entry entry{};
  };
  struct Pick {
    Cursor* cursor;
    uint16_t row;
  };

  static bool Behind(const Cursor* a, const Cursor* b) { return b->entry < a->entry; }
  void SetEntry(Cursor* cursor) const {
    cursor->entry =
        Entry::FromKeys(cursor->vectors.data() + (columns_.size() - Entry::kNumKeys), cursor->row);
  }
  Result<void> Refill() {
    for (Cursor* cursor : waiting_) {
      ASSIGN_OR_RETURN(cursor->count, cursor->reader.Next(&cursor->vectors));
      cursor->row = 0;
      if (cursor->count == 0) continue;
      SetEntry(cursor);
      heap_.push_back(cursor);
      std::push_heap(heap_.begin(), heap_.end(), Behind);
    }
    waiting_.clear();
    return {};
  }
  void Gather(size_t c, uint32_t n, Vector* out) {
    buffers_[c].Reset(columns_[c].info.lane);
    *out = buffers_[c].Flat();
    out->dictionary = columns_[c].info.dictionary;
    for (uint32_t i = 0; i < n && out->nulls == nullptr; ++i)
      if (picks_[i].cursor->vectors[c].nulls != nullptr) out->nulls = buffers_[c].Nulls();
    uint16_t rows[kVectorSize];
    for (uint32_t first = 0; first < n;) {
      const Cursor* cursor = picks_[first].cursor;
      uint32_t end = first;
      for (; end < n && picks_[end].cursor == cursor; ++end) rows[end - first] = picks_[end].row;
      GatherVector(cursor->vectors[c], rows, end - first, *out, first);
      first = end;
    }
  }

  const std::vector<StoredColumn>& columns_;
  std::vector<std::unique_ptr<Cursor>> cursors_;
  std::vector<Cursor*> heap_, waiting_;
  std::vector<VectorBuffer> buffers_;
  std::vector<Pick> picks_;
};

// Merges neighbouring runs until at most MaxMergedRuns are left.
template <typename Entry>
Result<void> ReduceRuns(const std::vector<StoredColumn>& columns,
                        std::vector<SpilledPartition>* runs, QueryContext* context) {
  while (runs->size() > MaxMergedRuns(*context)) {
    const size_t fan_in = MaxMergedRuns(*context);
    std::vector<SpilledPartition> merged;
    for (size_t first = 0; first < runs->size(); first += fan_in) {
      const size_t count = std::min(fan_in, runs->size() - first);
      RowSpiller writer(columns, 1, context);
      {
        RunMerger<Entry> merger(columns, *runs, first, count, context);
        std::vector<Vector> vectors;
        while (true) {
          ASSIGN_OR_RETURN(const uint32_t rows, merger.Next(&vectors));
          if (rows == 0) break;
          RETURN_IF_ERROR(writer.Append(vectors.data(), nullptr, rows, 0));
        }
      }
      for (size_t r = first; r < first + count; ++r) (*runs)[r] = {};
      std::vector<SpilledPartition> one(1);
      RETURN_IF_ERROR(writer.Close(&one));
      merged.push_back(std::move(one[0]));
    }
    *runs = std::move(merged);
  }
  return {};
}

}  // namespace sirocco::engine
