// The groups of a part of the input: one worker's rows, or one partition of the keys after merging.
#pragma once

#include <memory>
#include <vector>

#include "engine/exec/aggregate_functions.h"
#include "engine/exec/group_table.h"

namespace sirocco::engine {

// Key plans of one grouping: of its groups, and of each distinct set (group columns, then the set's arguments).
struct GroupingPlans {
  GroupKeyPlan groups;
  std::vector<GroupKeyPlan> distinct;

  // The first `num_keys` of `keys`.
  static Result<GroupingPlans> Make(const std::vector<ColumnInfo>& keys, size_t num_keys, const AggregateSet& functions);
  // The same without direct arrays, for parts that see a share of the keys only.
  GroupingPlans WithoutArrays() const;
};

// A set of rows of a part, split by partition: rows[starts[p] .. starts[p+1]).
struct PartitionLists {
  std::vector<uint32_t> rows;
  std::vector<uint32_t> starts;
};

class AggregatePart {
 public:
  // Plans and functions outlive the part.
  static Result<std::unique_ptr<AggregatePart>> Make(const GroupingPlans* plans, const AggregateSet* functions,
                                                     MemoryPool* pool);

  // Adds rows: flat group keys and arguments. Errors: kOutOfMemory.
  Result<void> Add(const Vector* keys, const Vector* arguments, uint32_t count);
  // Adds only rows whose group exists; others[0..result) are the rows that were left out.
  Result<uint32_t> AddKnown(const Vector* keys, const Vector* arguments, uint32_t count, uint16_t* others);
  // Makes sure that group 0 exists (aggregates without GROUP BY have one row even for no input).
  Result<void> AddImplicitGroup();
  // Sorts groups and distinct entries by the partition of their group, for Merge.
  void Partition(uint32_t num_partitions);
  // The same by the bits of one level of partitioning on disk (spilled_rows.h).
  void PartitionForSpill(uint32_t level);
  // Adds one partition of another part (after its Partition), or all of it (`partition` < 0).
  Result<void> Merge(const AggregatePart& from, int partition);
  // Adds all of `from`, grouped by its first columns only (ROLLUP).
  Result<void> MergeCoarser(const AggregatePart& from);
  // Feeds the functions that see distinct values. Once, after all rows and merges.
  Result<void> FinishDistinct();

  const GroupTable& table() const { return table_; }
  const std::vector<std::unique_ptr<Accumulator>>& states() const { return states_; }

 private:
  struct DistinctEntries {
    DistinctEntries(const GroupKeyPlan* plan, MemoryPool* pool) : table(plan, pool), owner(pool) {}
    GroupTable table;              // (group columns, arguments) -> entry
    GrowArray<uint32_t> owner;     // the entry's group
    PartitionLists partitions;
  };

  AggregatePart(const GroupingPlans* plans, const AggregateSet* functions, MemoryPool* pool);
  Result<void> ResizeStates();
  Result<void> UpdateStates(const Vector* keys, const Vector* arguments, uint32_t count);
  template <typename PartitionOfGroup>
  void PartitionBy(uint32_t num_partitions, PartitionOfGroup partition_of);
  Result<void> SetOwners(DistinctEntries* entries, const uint32_t* ids, const uint32_t* groups, uint32_t count);
  GroupedRows OrderByGroup(const uint32_t* groups, uint32_t count);

  const GroupingPlans* plans_;
  const AggregateSet* functions_;
  GroupTable table_;
  std::vector<std::unique_ptr<Accumulator>> states_;
  std::vector<std::unique_ptr<DistinctEntries>> distinct_;
  PartitionLists partitions_;
  // Per batch.
  std::vector<uint32_t> groups_, entries_, starts_;
  std::vector<uint16_t> ordered_rows_;
};

}  // namespace sirocco::engine
