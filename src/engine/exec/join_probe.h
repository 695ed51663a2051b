// Operator of a join's probe side, for builds on inputs[1] and for inner joins built on inputs[0].
//
// Output: the chosen probe columns, then (kInner, kLeft) the chosen build columns. Rows come in no
// particular order. With build_left set (mirrored semi and anti joins) nothing is passed on:
// matching build rows are marked, and read with JoinMarkedSource. Where build rows are on disk
// (join_spill.h), the probe rows that belong to them are put aside and joined when all have come.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "engine/exec/join_build.h"
#include "engine/exec/join_spill.h"
#include "engine/exec/pipeline.h"

namespace sirocco::engine {

struct JoinProbeColumns {
  std::vector<uint32_t> probe;  // positions in the probe side's layout
  std::vector<uint32_t> build;  // positions in JoinSpec::payload
  // The extra condition (null: none) is compiled over these columns, in this order.
  std::vector<uint32_t> extra_probe, extra_build;
  std::unique_ptr<Expression> extra;
};

class JoinProbe final : public Operator {
 public:
  JoinProbe(std::shared_ptr<const JoinSpec> spec, std::shared_ptr<JoinTable> table,
            const BatchLayout& input, JoinProbeColumns columns, QueryContext* context);

  Result<void> Prepare() override;
  std::unique_ptr<LocalState> MakeState(uint32_t worker) override;
  OperatorStatistics Describe() const override;
  Result<void> Push(const Batch& batch, LocalState* state, BatchConsumer* next) override;
  Result<void> Flush(LocalState* state, BatchConsumer* next) override;
  bool has_deferred() const override { return table_->spill != nullptr && !spec_->marks_build(); }
  Result<void> RunDeferred(LocalState* state, BatchConsumer* next) override;
  // The probe rows that meet the current table of `pairs`. `next` may be null if build rows are
  // marked.
  Result<void> ProbePairs(JoinPairs* pairs, LocalState* state, BatchConsumer* next);
  const BatchLayout& layout() const override { return layout_; }

  // Layout over which JoinProbeColumns::extra is compiled.
  static BatchLayout ExtraLayout(const JoinSpec& spec, const BatchLayout& input,
                                 const std::vector<uint32_t>& probe,
                                 const std::vector<uint32_t>& build);

 private:
  struct State;
  struct Aside;  // of a worker: rows for partitions on disk
  Result<void> PushAside(const Batch& batch, State* state, BatchConsumer* next);
  Result<void> Probe(const Batch& batch, State* state, BatchConsumer* next);
  Result<void> PushMatches(const Batch& batch, State* state, BatchConsumer* next);
  Result<uint32_t> TestPairs(const Batch& batch, State* state, uint32_t count) const;
  Result<void> RunCandidates(const Batch& batch, State* state, uint32_t num_hits,
                             const uint16_t* hits, const uint32_t* begins, const uint32_t* ends,
                             bool verify, BatchConsumer* next);
  Result<void> EmitPairs(const Batch& batch, State* state, const uint16_t* rows,
                         const uint32_t* positions, uint32_t count, BatchConsumer* next) const;
  Result<void> EmitRows(const Batch& batch, State* state, const uint16_t* rows, uint32_t count,
                        bool null_build, BatchConsumer* next) const;
  Result<void> EmitUnmatched(const Batch& batch, State* state, BatchConsumer* next) const;
  Result<void> PushNullAware(const Batch& batch, State* state, BatchConsumer* next);
  // NOT IN of a list with NULL: no row is surely outside.
  bool NothingIsOut() const {
    return spec_->kind == plan::JoinKind::kNullAwareAnti && columns_.extra == nullptr &&
           table_->null_keys_seen != 0;
  }
  void StartMatches(const Batch& batch, State* state) const;
  bool KeepMatches(const Batch& batch, State* state) const;

  std::shared_ptr<const JoinSpec> spec_;
  std::shared_ptr<JoinTable> table_;
  JoinProbeColumns columns_;
  BatchLayout input_, layout_;
  std::vector<uint32_t> stored_keys_;  // keys that are put aside beside the input's columns
  QueryContext* context_;
};

// The build rows of a mirrored semi join that were matched (or of an anti join that were not),
// after the probe side has ended.
class JoinMarkedSource final : public Source {
 public:
  // `probe` is the operator that marked the rows.
  JoinMarkedSource(std::shared_ptr<const JoinSpec> spec, std::shared_ptr<JoinTable> table,
                   JoinProbe* probe, std::vector<uint32_t> output, QueryContext* context);

  Result<void> Prepare() override;
  std::unique_ptr<LocalState> MakeState(uint32_t worker) override;
  OperatorStatistics Describe() const override;
  Result<bool> Next(LocalState* state, Batch* batch) override;
  const BatchLayout& layout() const override { return layout_; }
  uint32_t num_morsels() const override;

 private:
  struct State;
  void ReadMarked(const JoinTable& table, State* state, Batch* batch) const;

  std::shared_ptr<const JoinSpec> spec_;
  std::shared_ptr<JoinTable> table_;
  JoinProbe* probe_;
  std::vector<uint32_t> output_;  // positions in JoinSpec::payload
  QueryContext* context_;
  BatchLayout layout_;
  uint32_t num_morsels_ = 0;
  std::atomic<uint32_t> next_{0};
};

// Swallows the end of a mirrored probe pipeline, which passes no rows.
class NullSink final : public Sink {
 public:
  OperatorStatistics Describe() const override { return {.name = "End"}; }
  Result<void> Consume(const Batch& batch, LocalState* state) override { return {}; }
};

}  // namespace sirocco::engine
