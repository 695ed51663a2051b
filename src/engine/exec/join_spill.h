// Joins beyond the memory budget: both sides in partitions of their keys' hashes on disk.
//
// When the build side does not fit, its rows go to SpillPartitioning::kPartitions partitions. Some
// may then be read back to the join's own table ("resident"); probe rows of the others are put
// aside, and when all probe rows have been seen, one pair of partitions after the other is joined
// in memory. A pair that is too large is split again by other bits of the hash; where that is of no
// use (equal keys, no keys), its build rows are taken in blocks, and each block meets all probe
// rows of the pair ("block nested loop"). NOT IN with an extra condition, where NULL may equal
// anything, is always joined so, in one pair.
// Source: Kitsuregawa et al., "Application of Hash to Data Base Machine and Its Architecture", 1983
// (grace join); DeWitt et al., "Implementation Techniques for Main Memory Database Systems", 1984.
// Threads: JoinSpill: AddProbe and TakePair from any thread, the rest by one thread at a time;
// JoinPairs: one worker each.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/exec/join_build.h"
#include "engine/exec/join_table.h"
#include "engine/exec/spilled_rows.h"

namespace sirocco::engine {

// Rows of both sides that have to meet each other.
struct JoinPair {
  SpilledPartition build, probe;
  uint32_t level = 0;
  bool may_split = true;
};

// What build and probe share about rows on disk.
class JoinSpill {
 public:
  JoinSpill(const JoinSpec* spec, std::vector<StoredColumn> build_columns);

  // One partition only, joined by blocks.
  bool by_blocks() const { return by_blocks_; }
  uint32_t num_partitions() const { return by_blocks_ ? 1 : SpillPartitioning::kPartitions; }
  const std::vector<StoredColumn>& build_columns() const { return build_columns_; }
  std::vector<SpilledPartition>& build() { return build_; }
  // Probe rows of a resident partition meet the join's table at once. Set before probing.
  bool resident(uint32_t partition) const { return resident_[partition] != 0; }
  void set_resident(uint32_t partition) { resident_[partition] = 1; }

  void set_probe_columns(std::vector<StoredColumn> columns) { probe_columns_ = std::move(columns); }
  const std::vector<StoredColumn>& probe_columns() const { return probe_columns_; }
  // Where the keys are among the probe columns.
  void set_probe_keys(std::vector<uint32_t> positions) { probe_keys_ = std::move(positions); }
  const std::vector<uint32_t>& probe_keys() const { return probe_keys_; }
  Result<void> AddProbe(RowSpiller* rows);
  // The next pair; false at the end. After all probe rows were added.
  bool TakePair(JoinPair* pair);

  // After all build rows were added: chooses what may be resident in `budget` bytes.
  std::vector<uint32_t> ChooseResident(size_t budget, bool forced);
  // The resident partitions' rows are not needed on disk any more.
  void DropResident();
  // There is no memory for resident partitions after all.
  void ForgetResident();
  // For statistics.
  std::string Text() const;

  // partitions[i] of row i at a level of partitioning. Rows with keys that match nothing are spread
  // evenly; `spread` is the caller's running number for that.
  static void Partition(const std::vector<JoinKeyForm>& forms, const Vector* keys, uint32_t count,
                        uint32_t level, uint32_t* spread, uint32_t* partitions);

 private:
  const std::vector<StoredColumn> build_columns_;
  bool by_blocks_;
  std::vector<SpilledPartition> build_, probe_;
  std::vector<uint8_t> resident_;
  std::vector<StoredColumn> probe_columns_;
  std::vector<uint32_t> probe_keys_;
  uint64_t build_rows_ = 0, build_bytes_ = 0;
  std::mutex mutex_;
  std::atomic<uint32_t> next_{0};
};

// One worker's way through the pairs: tables that fit memory, each with the probe rows it meets.
class JoinPairs {
 public:
  JoinPairs(std::shared_ptr<const JoinSpec> spec, JoinSpill* spill, QueryContext* context);
  ~JoinPairs();

  // Makes the next table; false at the end. The last table is gone then.
  Result<bool> Next();
  const JoinTable& table() const { return *build_->shared_table(); }
  const SpilledPartition& probe() const { return pair_.probe; }
  // By blocks: one byte per probe row, kept from block to block (whether it has found a partner);
  // null if the table is all there is.
  uint8_t* matched() { return matched_.empty() ? nullptr : matched_.data(); }
  bool last_block() const { return !more_blocks_; }

 private:
  Result<void> Split();
  Result<void> LoadBlock(bool whole);

  std::shared_ptr<const JoinSpec> spec_;
  JoinSpill* spill_;
  QueryContext* context_;
  MemoryPool pool_;
  std::vector<JoinPair> pending_;
  JoinPair pair_;
  std::unique_ptr<JoinBuild> build_;
  SpilledRowsReader reader_;
  std::vector<Vector> vectors_;
  uint32_t rows_read_ = 0;  // of vectors_, not yet stored
  bool more_blocks_ = false;
  std::vector<uint8_t> matched_;
  size_t charged_ = 0;
};

}  // namespace sirocco::engine
