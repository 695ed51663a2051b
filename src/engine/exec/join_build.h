// Sink of a join's build side: stores the rows, then chooses and builds the index (join_table.h),
// then publishes semijoin filters. Rows that do not fit the query's memory go to disk by partitions
// (join_spill.h).
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/exec/join_filter.h"
#include "engine/exec/join_table.h"
#include "engine/exec/pipeline.h"
#include "engine/exec/spilled_rows.h"
#include "engine/storage/scan.h"

namespace sirocco::engine {

class JoinBuild final : public Sink {
 public:
  // `spec` is shared with the probe and outlives both.
  JoinBuild(std::shared_ptr<const JoinSpec> spec, QueryContext* context);
  // For a part of the rows, fed by AddStored: everything is charged to `pool`, nothing goes to
  // disk.
  JoinBuild(std::shared_ptr<const JoinSpec> spec, QueryContext* context, MemoryPool* pool);
  ~JoinBuild() override;

  // Complete after the pipeline has ended.
  const JoinTable& table() const { return *table_; }
  std::shared_ptr<JoinTable> shared_table() const { return table_; }

  std::unique_ptr<LocalState> MakeState(uint32_t worker) override;
  OperatorStatistics Describe() const override;
  Result<void> Consume(const Batch& batch, LocalState* state) override;
  Result<std::vector<Task>> Finish() override;
  // Rows in stored form: the normalized keys, then the payload.
  Result<void> AddStored(LocalState* state, const std::vector<Vector>& vectors, uint32_t count);

  // Asks for a semijoin filter on build key `key`, to be made in Finish unless nearly all of the
  // `target_distinct` values that the filtered column has (negative: unknown) occur. Before the
  // pipeline runs; the largest of several requests counts.
  void RequestFilter(uint32_t key, double target_distinct);
  // The filter of a key; empty if none was made. After the pipeline has ended.
  const PublishedFilter& filter(uint32_t key) const { return filters_[key]; }

 private:
  struct State;
  struct Part;     // rows of one worker
  class Assembly;  // the steps after all rows are stored
  enum class SpillStep { kNone, kClose, kLoad, kDone };

  std::unique_ptr<Part> NewPart();
  Result<void> Store(State* state, uint32_t count, bool may_spill);
  // join_build_spill.cc:
  bool MustSpill() const;
  Result<void> WriteRows(Part* part, const Vector* vectors, const uint16_t* rows, uint32_t count);
  Result<void> SpillPart(Part* part);
  Result<std::vector<Task>> NextSpillStep();
  Result<void> CloseSpillers();
  Result<void> MakeSpilledFilter(uint32_t key);
  Result<void> LoadResident(uint32_t worker, const SpilledPartition& rows);
  void SetTotals();

  std::shared_ptr<const JoinSpec> spec_;
  QueryContext* context_;
  MemoryPool* pool_;      // of the table
  MemoryPool rows_pool_;  // of the rows as they come
  const bool may_spill_;
  std::atomic<bool> spilled_{false};
  SpillStep spill_step_ = SpillStep::kNone;
  std::atomic<bool> out_of_memory_{false};
  std::shared_ptr<JoinSpill> spill_;
  uint64_t rows_seen_ = 0, null_keys_seen_ = 0;  // of all rows, once they are on disk
  std::vector<int64_t> min_, max_;
  std::vector<bool> has_nulls_;
  std::vector<uint32_t> payload_;
  std::vector<StoredColumn> stored_;          // keys, then payload
  std::vector<std::unique_ptr<Part>> parts_;  // per worker
  std::shared_ptr<JoinTable> table_;
  std::unique_ptr<Assembly> assembly_;
  std::vector<double> filter_targets_;  // per key: 0 = no filter wanted, negative = wanted for an
                                        // unknown number of values
  std::vector<PublishedFilter> filters_;
};

}  // namespace sirocco::engine
