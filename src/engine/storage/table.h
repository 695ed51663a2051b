// A loaded table as a query sees it: chunks of encoded segments and visibility of deleted rows.
//
// TableStore (storage/table_store.h) is the long-lived object; queries work on a Snapshot, which
// never changes: the chunks, the visibility maps and the watermark that were current when it was
// taken. A snapshot keeps its chunks alive, so changes, a reload or a merge never disturb a running
// query. Threads: any.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/error.h"
#include "engine/memory/memory_pool.h"
#include "engine/storage/dictionary.h"
#include "engine/vector/vector.h"
#include "plan/table_schema.h"

namespace sirocco::engine {

// 65,536 rows: 16-bit row numbers, and a pipeline's columns of one chunk stay in L2 vector by
// vector.
inline constexpr uint32_t kChunkRows = 65536;

class Chunk;  // storage/chunk.h

// Which rows of one chunk a snapshot sees: bit (row & 63) of words[row / 64]; words for whole vectors
// of rows, at least those of the chunk.
struct VisibilityMap {
  std::vector<uint64_t> words = std::vector<uint64_t>(kChunkRows / 64);
  uint32_t num_visible = 0;
};

class Snapshot {
 public:
  const plan::TableSchema& schema() const { return *schema_; }
  const plan::TableStatistics& statistics() const { return *statistics_; }
  uint64_t num_rows() const { return statistics_->num_rows; }  // visible rows
  uint32_t num_chunks() const { return static_cast<uint32_t>(chunks_.size()); }
  const Chunk& chunk(uint32_t index) const { return *chunks_[index]; }
  // The chunk's visible rows; nullptr if all are.
  const VisibilityMap* visibility(uint32_t index) const {
    return visibility_.empty() ? nullptr : visibility_[index].get();
  }
  // The same chunks with other visible rows: one map per chunk, null where all rows are visible.
  // Only num_rows of the statistics changes.
  std::shared_ptr<const Snapshot> WithVisibility(
      std::vector<std::shared_ptr<const VisibilityMap>> maps) const;
  // Dictionary of a column; nullptr if its segments are not dictionary encoded (all chunks of a
  // column agree).
  const Dictionary* dictionary(uint32_t column) const { return dictionaries_[column].get(); }
  // The lane in which a scan delivers a column: kCode for dictionary columns, kI64 for decimals of
  // lane kI128 that all fit.
  Lane lane(uint32_t column) const { return lanes_[column]; }
  // Compile-time facts of a column as a scan delivers it; `id` is 0. No range for dictionary
  // columns.
  ColumnInfo column_info(uint32_t column) const;
  // Up to a few thousand ascending row numbers (chunk * kChunkRows + row), evenly spread over all
  // rows, visible or not, for estimates.
  const std::vector<uint64_t>& sample() const { return sample_; }

 private:
  friend class SnapshotFile;
  friend class TableStore;
  friend class TableBuilderImpl;
  std::shared_ptr<const plan::TableSchema> schema_;
  std::shared_ptr<const plan::TableStatistics> statistics_;
  std::vector<std::shared_ptr<const Chunk>> chunks_;
  std::vector<std::shared_ptr<const VisibilityMap>> visibility_;  // empty: all rows of all chunks
  std::vector<Lane> lanes_;
  std::vector<std::shared_ptr<const Dictionary>> dictionaries_;
  std::vector<uint64_t> sample_;
};

using SnapshotPtr = std::shared_ptr<const Snapshot>;

}  // namespace sirocco::engine
