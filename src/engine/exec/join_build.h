// Sink of a join's build side: stores the rows, then chooses and builds the index (join_table.h),
// then publishes semijoin filters.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/exec/join_table.h"
#include "engine/exec/pipeline.h"
#include "engine/storage/scan.h"

namespace sirocco::engine {

class JoinBuild final : public Sink {
 public:
  // `spec` is shared with the probe and outlives both. `input` is the build side's layout.
  JoinBuild(std::shared_ptr<const JoinSpec> spec, const BatchLayout& input, QueryContext* context);
  ~JoinBuild() override;

  // Complete after the pipeline has ended.
  const JoinTable& table() const { return *table_; }
  std::shared_ptr<JoinTable> shared_table() const { return table_; }

  std::unique_ptr<LocalState> MakeState(uint32_t worker) override;
  OperatorStatistics Describe() const override;
  Result<void> Consume(const Batch& batch, LocalState* state) override;
  Result<std::vector<Task>> Finish() override;

  // Asks for a semijoin filter on build key `key`, to be made in Finish unless nearly all of the
  // `target_distinct` values that the filtered column has (negative: unknown) occur. Before the
  // pipeline runs; the largest of several requests counts.
  void RequestFilter(uint32_t key, double target_distinct);
  // The filter of a key; empty if none was made. After the pipeline has ended. `num_keys`:
  // different keys (for a Bloom filter an upper bound).
  struct PublishedFilter {
    std::shared_ptr<const SemijoinFilter> filter;
    uint64_t num_keys = 0;
  };
  const PublishedFilter& filter(uint32_t key) const { return filters_[key]; }
  // Whether testing `num_keys` of `target_distinct` values drops enough rows to be worth it.
  static bool IsSelective(double num_keys, double target_distinct);

 private:
  struct State;
  struct Part;     // rows of one worker
  class Assembly;  // the steps after all rows are stored

  std::shared_ptr<const JoinSpec> spec_;
  QueryContext* context_;
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
