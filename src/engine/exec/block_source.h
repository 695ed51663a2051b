// Reads materialized rows: one morsel per block of several RowBlocks.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "engine/exec/pipeline.h"
#include "engine/exec/row_blocks.h"

namespace sirocco::engine {

class BlockSource final : public Source {
 public:
  // The RowBlocks are complete when Prepare is called and outlive the source; all have the columns
  // of `layout`, in order.
  BlockSource(const std::vector<std::unique_ptr<RowBlocks>>* rows, BatchLayout layout)
      : rows_(rows), layout_(std::move(layout)) {}

  Result<void> Prepare() override;
  std::unique_ptr<LocalState> MakeState(uint32_t worker) override;
  OperatorStatistics Describe() const override { return {.name = "Read materialized rows"}; }
  Result<bool> Next(LocalState* state, Batch* batch) override;
  const BatchLayout& layout() const override { return layout_; }
  uint32_t num_morsels() const override { return static_cast<uint32_t>(morsels_.size()); }

 private:
  struct State;
  struct Morsel {
    const RowBlocks* rows;
    const RowBlock* block;
  };
  const std::vector<std::unique_ptr<RowBlocks>>* rows_;
  BatchLayout layout_;
  std::vector<Morsel> morsels_;
  std::atomic<uint32_t> next_{0};
};

}  // namespace sirocco::engine
