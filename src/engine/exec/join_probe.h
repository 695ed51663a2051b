// Operator of a join's probe side, for builds on inputs[1] and for inner joins built on inputs[0].
//
// Output: the chosen probe columns, then (kInner, kLeft) the chosen build columns. Rows come in no
// particular order. With build_left set (mirrored semi and anti joins) nothing is passed on:
// matching build rows are marked, and read with JoinMarkedSource.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "engine/exec/join_build.h"
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

  std::unique_ptr<LocalState> MakeState(uint32_t worker) override;
  OperatorStatistics Describe() const override;
  Result<void> Push(const Batch& batch, LocalState* state, BatchConsumer* next) override;
  Result<void> Flush(LocalState* state, BatchConsumer* next) override;
  const BatchLayout& layout() const override { return layout_; }

  // Layout over which JoinProbeColumns::extra is compiled.
  static BatchLayout ExtraLayout(const JoinSpec& spec, const BatchLayout& input,
                                 const std::vector<uint32_t>& probe,
                                 const std::vector<uint32_t>& build);

 private:
  struct State;
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

  std::shared_ptr<const JoinSpec> spec_;
  std::shared_ptr<JoinTable> table_;
  JoinProbeColumns columns_;
  BatchLayout layout_;
  QueryContext* context_;
};

// The build rows of a mirrored semi join that were matched (or of an anti join that were not),
// after the probe side has ended.
class JoinMarkedSource final : public Source {
 public:
  JoinMarkedSource(std::shared_ptr<const JoinSpec> spec, std::shared_ptr<JoinTable> table,
                   std::vector<uint32_t> output);

  Result<void> Prepare() override;
  std::unique_ptr<LocalState> MakeState(uint32_t worker) override;
  OperatorStatistics Describe() const override;
  Result<bool> Next(LocalState* state, Batch* batch) override;
  const BatchLayout& layout() const override { return layout_; }
  uint32_t num_morsels() const override { return num_morsels_; }

 private:
  struct State;
  std::shared_ptr<const JoinSpec> spec_;
  std::shared_ptr<JoinTable> table_;
  std::vector<uint32_t> output_;  // positions in JoinSpec::payload
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
