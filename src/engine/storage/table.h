// A loaded table: partitions of chunks of encoded segments, a delta of recent inserts, visibility of deleted rows.
//
// Table is the long-lived object; queries work on a Snapshot, which never changes: the chunks, the visibility maps and the watermark that
// were current when it was taken. A snapshot keeps its chunks alive, so a reload or merge never disturbs a running query.
// Threads: Table's methods from any thread; a Snapshot is immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "common/error.h"
#include "engine/memory/memory_pool.h"
#include "engine/storage/dictionary.h"
#include "engine/vector/vector.h"
#include "plan/table_schema.h"

namespace sirocco::engine {

// 65,536 rows: 16-bit row numbers, and a pipeline's columns of one chunk stay in L2 vector by vector.
inline constexpr uint32_t kChunkRows = 65536;

class Chunk;      // storage/chunk.h

class Snapshot {
 public:
  const plan::TableSchema& schema() const { return *schema_; }
  const plan::TableStatistics& statistics() const { return *statistics_; }
  uint64_t num_rows() const { return statistics_->num_rows; }   // visible rows
  uint32_t num_chunks() const { return static_cast<uint32_t>(chunks_.size()); }
  const Chunk& chunk(uint32_t index) const { return *chunks_[index]; }
  // Dictionary of a column; nullptr if its segments are not dictionary encoded (all chunks of a column agree).
  const Dictionary* dictionary(uint32_t column) const { return dictionaries_[column].get(); }
  // Compile-time facts of a column as a scan delivers it (lane kCode for dictionary columns); `id` is 0.
  ColumnInfo column_info(uint32_t column) const;
  // Up to a few thousand row numbers (chunk * kChunkRows + row), evenly spread, for estimates.
  const std::vector<uint64_t>& sample() const { return sample_; }

 private:
  friend class Table;
  friend class TableBuilder;
  std::shared_ptr<const plan::TableSchema> schema_;
  std::shared_ptr<const plan::TableStatistics> statistics_;
  std::vector<std::shared_ptr<const Chunk>> chunks_;
  std::vector<std::shared_ptr<const Dictionary>> dictionaries_;
  std::vector<uint64_t> sample_;
};

using SnapshotPtr = std::shared_ptr<const Snapshot>;

class Table {
 public:
  explicit Table(SnapshotPtr first) : current_(std::move(first)) {}
  SnapshotPtr CurrentSnapshot() const;
  void Publish(SnapshotPtr next);

 private:
  mutable std::mutex mutex_;
  SnapshotPtr current_;
};

}  // namespace sirocco::engine
