// Aggregation beyond the memory budget.
//
// Each worker groups its rows in memory until its share of the budget is used; then its part is
// closed to new groups. Rows of groups it has are still added there (unless states grow with every
// row: GROUP_CONCAT, DISTINCT), all others go to disk in partitions of the groups' hashes. At the
// end one partition after the other is put together from its groups in the closed parts and its
// rows on disk; a partition that is still too large is closed and partitioned again by other bits.
// Threads: Add by each worker for its own part; Close by one thread; then Next from any thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "engine/exec/aggregate_part.h"
#include "engine/exec/spilled_rows.h"

namespace sirocco::engine {

class AggregateSpill {
 public:
  // `keys`: the group columns; plans and functions outlive the object.
  AggregateSpill(const GroupingPlans* plans, const std::vector<ColumnInfo>& keys,
                 const AggregateSet* functions, QueryContext* context);

  // Whether aggregates by these keys can go to disk at all.
  static bool Possible(const GroupingPlans& plans, const QueryContext& context) {
    return context.spill() != nullptr && plans.groups.mode() != GroupKeyPlan::Mode::kNone;
  }
  // Pool of the workers' parts: may exceed its limit by what one batch needs.
  MemoryPool* part_pool() { return &part_pool_; }
  // Before the first Add: shares out what memory there is now.
  void Start();
  Result<void> Add(uint32_t worker, AggregatePart* part, const Vector* keys,
                   const Vector* arguments, uint32_t count);
  bool spilled() const { return spilled_.load(std::memory_order_relaxed); }
  // After all rows: `parts` are the workers'.
  Result<void> Close(std::vector<AggregatePart*> parts);

  // After Close and before Next: all rows on disk, as keys and arguments.
  using RowVisitor =
      std::function<Result<void>(const Vector* keys, const Vector* arguments, uint32_t count)>;
  Result<void> ForEachRow(const RowVisitor& visit) const;
  const std::vector<AggregatePart*>& closed() const { return closed_; }

  // What one reader works on: partitions that had to be split again.
  class Reading {
   public:
    explicit Reading(AggregateSpill* spill);

   private:
    friend class AggregateSpill;
    struct Level {
      uint32_t level = 0, next = 0;
      std::vector<AggregatePart*> closed;
      std::unique_ptr<AggregatePart> owned;
      std::vector<SpilledPartition> partitions;
    };
    SpilledRowsReader rows;
    std::vector<Level> levels;
  };
  // The next partition's groups, without FinishDistinct; nullptr at the end. Each part is returned
  // once.
  Result<std::unique_ptr<AggregatePart>> Next(Reading* reading);
  uint64_t spilled_rows() const { return spilled_rows_; }
  uint64_t spilled_bytes() const { return spilled_bytes_; }

 private:
  bool IsFull(const AggregatePart& part, uint32_t count, size_t used, size_t budget) const;
  // Adds what it may and writes the rest to `out`.
  Result<void> AddClosed(AggregatePart* part, const Vector* keys, const Vector* arguments,
                         uint32_t count, uint32_t level, RowSpiller* out);
  Result<std::unique_ptr<AggregatePart>> Build(Reading* reading,
                                               const std::vector<AggregatePart*>& closed,
                                               const SpilledPartition& rows, uint32_t partition,
                                               uint32_t level);

  const GroupingPlans* plans_;
  const GroupingPlans hashed_plans_;
  const AggregateSet* functions_;
  QueryContext* context_;
  MemoryPool part_pool_;
  const size_t num_keys_;
  bool grows_with_rows_ = false;
  size_t worker_budget_ = 0;
  std::vector<StoredColumn> stored_;
  std::vector<std::unique_ptr<RowSpiller>> writers_;  // per worker
  std::atomic<bool> spilled_{false};
  std::vector<AggregatePart*> closed_;
  std::vector<SpilledPartition> partitions_;
  std::atomic<uint32_t> next_{0};
  uint64_t spilled_rows_ = 0, spilled_bytes_ = 0;
};

}  // namespace sirocco::engine
