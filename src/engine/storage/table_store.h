// A loaded table that follows its changes, and merges, over the snapshots that queries use.
//
// Shape: rows lie in slots of up to kChunkRows rows; a slot is an encoded chunk (from the load or a
// merge) or a block of recent rows (delta_block.h). Each slot has a visibility map once a row of it
// is gone. An update is a deletion and an insertion. A row to change is found by the hash of its
// primary key (row_index.h; tables without key: of the whole row); the index is built at the first
// change. Strings of dictionary columns become codes when they come; values the dictionary does not
// know go to its tail (growing_dictionary.h).
//
// Life of a change: Insert, Update, Delete, Truncate in any number; nothing of them is visible.
// CheckKeys, then Commit shows them all. After an error the table cannot follow any more and must
// be loaded anew; what was committed before stays readable. Life of a query: Pin remembers what is
// committed (cheap, so that several tables can be pinned under one lock); Open makes the snapshot,
// which encodes the rows that came since the last one.
//
// Threads: changes from one thread at a time; everything else from any thread.
// Errors: kOutOfMemory, kCorrupt (a row that is not as the change says), kInvalidArgument (images
// with wrong columns).
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "common/error.h"
#include "engine/storage/column_tracker.h"
#include "engine/storage/delta_block.h"
#include "engine/storage/growing_dictionary.h"
#include "engine/storage/row_index.h"
#include "engine/storage/table.h"

namespace sirocco::engine {

// Some columns of the rows of a change: values[i] is column columns[i] of the schema, ascending.
struct RowImages {
  std::span<const uint32_t> columns;
  std::span<const LoadColumn> values;
};

class TableStore {
 public:
  class View;

  // `pool`: what the table's memory is charged to.
  TableStore(SnapshotPtr first, std::shared_ptr<MemoryPool> pool);
  ~TableStore();

  const plan::TableSchema& schema() const { return *schema_; }

  // `after` has every column. `before` has the primary key or more; every column if there is none.
  // Images are read row by row, in order.
  Result<void> Insert(uint32_t num_rows, const RowImages& after);
  Result<void> Update(uint32_t num_rows, const RowImages& before, const RowImages& after);
  Result<void> Delete(uint32_t num_rows, const RowImages& before);
  Result<void> Truncate();
  // Fails if a primary key is there twice.
  Result<void> CheckKeys();
  void Commit();

  // What a query that begins now sees.
  std::shared_ptr<const View> Pin();
  Result<SnapshotPtr> Open(const View& view);
  // Pin and Open.
  Result<SnapshotPtr> CurrentSnapshot() { return Open(*Pin()); }
  // As of the last commit.
  plan::TableStatistics Statistics();

  // Background work, one call at a time, from a thread that may be slow; queries and changes go on
  // but for some milliseconds at its end. The table stays as it was after an error.
  enum class Merged : uint8_t {
    kNothing,  // there is nothing to do
    kDone,     // there may be more to do
    kBusy,     // changes are under way; try again
  };
  // Makes chunks of recent rows, if they are at least `min_recent_rows`, and of chunks that have
  // lost many rows (fewer are enough at 1: the table is at rest).
  Result<Merged> MergeRows(uint64_t min_recent_rows);
  // Sorts one dictionary whose tail has at least `min_tail` values, or gives it up if it has become
  // too large, and rewrites the column.
  Result<Merged> SortDictionary(uint32_t min_tail);
  // Number of commits so far; tells whether a table is at rest.
  uint64_t version();

 private:
  // Dictionaries and statistics: grow with the rows, never shrink; a merge makes new ones. Views
  // keep those that their codes belong to.
  struct Columns {
    std::vector<std::shared_ptr<GrowingDictionary>> dictionaries;  // null: none
    std::vector<ColumnTracker> trackers;
    std::vector<Lane> staged_lanes;  // in which blocks keep values
  };
  struct Slot {
    std::shared_ptr<const Chunk> chunk;  // or
    std::shared_ptr<DeltaBlock> block;   // both null: the slot is free
    std::shared_ptr<VisibilityMap> visibility;
    bool is_shared = false;   // a view has the visibility map: copy before a change
    bool is_dropped = false;  // by a truncation that is not committed yet
    bool is_merging = false;
    uint32_t num_rows = 0;     // committed
    uint32_t num_visible = 0;  // of those
    uint64_t age = 0;          // ascending
  };
  struct Image;
  class ChangeLock;
  struct Victim;
  struct Merge;

  std::unique_lock<std::mutex> LockForQuery();
  Result<void> Begin();
  Result<void> BuildIndex();
  Result<Image> OpenImage(const RowImages& images, bool needs_key, bool needs_all) const;
  Cell Read(RowId row, uint32_t column) const;
  // HashCell and SameCell of the columns that name a row.
  uint32_t KeyHash(const Image& image, uint32_t row) const;
  uint32_t KeyHash(RowId row) const;
  bool SameKey(RowId a, RowId b) const;
  Result<RowId> FindRow(const Image& before, uint32_t row, uint32_t hash) const;
  bool IsOlder(RowId a, RowId b) const;
  Result<uint32_t> OpenSlot();
  Result<void> AppendCell(DeltaBlock* block, uint32_t column, Cell cell);
  Result<void> AddToIndex(uint32_t hash, RowId row);
  void Remove(uint32_t hash, RowId row);
  // The lock while no changes are under way; not owned if that takes too long.
  std::unique_lock<std::mutex> LockForMerge();
  std::shared_ptr<Merge> PickVictims(uint64_t min_recent_rows);
  Result<void> RewriteVictims(Merge* merge) const;
  Result<Merged> InstallMerge(Merge* merge);
  uint32_t TakeFreeSlot();
  Result<SnapshotPtr> Assemble(const View& view,
                               const std::vector<std::vector<DeltaBlock::Piece>>& pieces);

  const std::shared_ptr<MemoryPool> pool_;
  const std::shared_ptr<const plan::TableSchema> schema_;
  std::vector<Lane> lanes_;    // of the columns' types
  std::vector<uint32_t> key_;  // columns that name a row
  const bool has_key_;

  std::mutex publish_mutex_;  // one Open at a time; before mutex_
  // Everything below is read by queries under it, and changed under it by the applying thread,
  // which reads without.
  std::mutex mutex_;
  std::atomic<uint32_t> num_waiting_{0};  // queries that wait for it
  std::condition_variable merge_turn_;    // has_changes_ or merge_waits_ has become false
  bool merge_waits_ = false;
  std::shared_ptr<Columns> columns_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_slots_;
  uint32_t open_slot_ = kNoSlot;  // takes new rows
  uint64_t next_age_ = 0;
  RowIndex index_;
  bool has_index_ = false;
  uint64_t num_visible_ = 0;
  uint64_t version_ = 0;   // of what is committed
  SnapshotPtr published_;  // null, or that of published_version_
  uint64_t published_version_ = 0;
  uint64_t layout_ = 0;  // number of merges
  // Not committed yet.
  std::vector<uint32_t> grown_slots_;
  std::vector<RowId> removed_;
  struct DoubleKey {
    uint32_t hash;
    RowId row;
  };
  std::vector<DoubleKey> double_keys_;  // inserted where the key was already there
  bool has_changes_ = false, has_dropped_ = false;

  static constexpr uint32_t kNoSlot = ~uint32_t{0};
};

}  // namespace sirocco::engine
