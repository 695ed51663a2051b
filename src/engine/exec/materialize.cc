// Buffers rows for several readers (shared subplans, inputs of UNION ALL, LIMIT).
#include <algorithm>
#include <atomic>

#include "engine/exec/block_source.h"
#include "engine/exec/breakers.h"
#include "engine/exec/row_blocks.h"

namespace sirocco::engine {

namespace {

class Materialize final : public MaterializingSink {
 public:
  Materialize(const BatchLayout& input, const std::vector<ColumnId>& needed, uint64_t limit,
              uint64_t offset, QueryContext* context)
      : context_(context),
        offset_(offset),
        end_(limit > plan::kNoLimit - offset ? plan::kNoLimit : offset + limit) {
    for (size_t i = 0; i < input.columns.size(); ++i) {
      if (std::find(needed.begin(), needed.end(), input.columns[i].id) == needed.end()) continue;
      positions_.push_back(static_cast<uint32_t>(i));
      layout_.columns.push_back(input.columns[i]);
      stored_.push_back(PlanStorage(input.columns[i]));
    }
    rows_.resize(context->num_workers());
    for (auto& rows : rows_) rows = std::make_unique<RowBlocks>(stored_, context->pool());
  }

  std::unique_ptr<LocalState> MakeState(uint32_t worker) override {
    auto state = std::make_unique<State>();
    state->rows = rows_[worker].get();
    state->vectors.resize(positions_.size());
    for (uint32_t i = 0; i < kVectorSize; ++i) state->identity[i] = static_cast<uint16_t>(i);
    return state;
  }

  OperatorStatistics Describe() const override {
    uint64_t rows = 0;
    for (const auto& part : rows_) rows += part->num_rows();
    return {.name = "Materialize", .rows_out = rows};
  }

  Result<void> Consume(const Batch& batch, LocalState* local) override {
    auto* state = static_cast<State*>(local);
    for (size_t c = 0; c < positions_.size(); ++c) state->vectors[c] = batch.vectors[positions_[c]];
    if (offset_ == 0 && end_ == plan::kNoLimit)
      return state->rows->Append(state->vectors.data(), nullptr, batch.count);
    if (satisfied()) return {};
    const uint64_t first = seen_.fetch_add(batch.count, std::memory_order_relaxed);
    const uint64_t from = std::max(first, offset_), to = std::min(first + batch.count, end_);
    if (from >= to) return {};
    return state->rows->Append(state->vectors.data(), state->identity + (from - first),
                               static_cast<uint32_t>(to - from));
  }

  bool satisfied() const override { return seen_.load(std::memory_order_relaxed) >= end_; }
  std::unique_ptr<Source> MakeSource() override {
    return std::make_unique<BlockSource>(&rows_, layout_);
  }
  const BatchLayout& output_layout() const override { return layout_; }

 private:
  struct State final : LocalState {
    RowBlocks* rows = nullptr;
    std::vector<Vector> vectors;
    uint16_t identity[kVectorSize];
  };
  QueryContext* context_;
  uint64_t offset_, end_;
  std::atomic<uint64_t> seen_{0};
  std::vector<uint32_t> positions_;
  BatchLayout layout_;
  std::vector<StoredColumn> stored_;
  std::vector<std::unique_ptr<RowBlocks>> rows_;  // per worker
};

}  // namespace

Result<std::unique_ptr<MaterializingSink>> MakeMaterialize(const BatchLayout& input,
                                                           const std::vector<ColumnId>& needed,
                                                           uint64_t limit, uint64_t offset,
                                                           QueryContext* context) {
  return std::make_unique<Materialize>(input, needed, limit, offset, context);
}

}  // namespace sirocco::engine
