// Reads materialized rows: one morsel per block of several RowBlocks, or per page on disk.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "engine/exec/pipeline.h"
#include "engine/exec/row_blocks.h"
#include "engine/exec/spilled_rows.h"

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

class SpilledRowsSource final : public Source {
 public:
  // The rows outlive the source.
  SpilledRowsSource(const SpilledPartition* rows, std::vector<StoredColumn> columns,
                    BatchLayout layout, QueryContext* context)
      : rows_(rows), columns_(std::move(columns)), layout_(std::move(layout)), context_(context) {}

  std::unique_ptr<LocalState> MakeState(uint32_t worker) override;
  OperatorStatistics Describe() const override { return {.name = "Read rows from disk"}; }
  Result<bool> Next(LocalState* state, Batch* batch) override;
  const BatchLayout& layout() const override { return layout_; }
  uint32_t num_morsels() const override { return static_cast<uint32_t>(rows_->pages.size()); }

 private:
  struct State;
  const SpilledPartition* rows_;
  const std::vector<StoredColumn> columns_;
  BatchLayout layout_;
  QueryContext* context_;
  std::atomic<uint32_t> next_{0};
};

}  // namespace sirocco::engine
