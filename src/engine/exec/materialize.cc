// Buffers rows for several readers (shared subplans, inputs of UNION ALL, LIMIT).
#include <algorithm>
#include <atomic>

#include "engine/exec/block_source.h"
#include "engine/exec/breakers.h"
#include "engine/exec/row_blocks.h"
#include "engine/exec/spilled_rows.h"

namespace sirocco::engine {

namespace {

class Materialize final : public MaterializingSink {
 public:
  Materialize(const BatchLayout& input, const std::vector<ColumnId>& needed, uint64_t limit,
              uint64_t offset, QueryContext* context)
      : context_(context),
        pool_("materialized rows", MemoryPool::kUnlimited, context->pool()),
        offset_(offset),
        end_(limit > plan::kNoLimit - offset ? plan::kNoLimit : offset + limit) {
    for (size_t i = 0; i < input.columns.size(); ++i) {
      if (std::find(needed.begin(), needed.end(), input.columns[i].id) == needed.end()) continue;
      positions_.push_back(static_cast<uint32_t>(i));
      layout_.columns.push_back(input.columns[i]);
      stored_.push_back(PlanStorage(input.columns[i]));
    }
    rows_.resize(context->num_workers());
    for (auto& rows : rows_) rows = std::make_unique<RowBlocks>(stored_, &pool_);
    spillers_.resize(rows_.size());
  }

  std::unique_ptr<LocalState> MakeState(uint32_t worker) override {
    auto state = std::make_unique<State>();
    state->worker = worker;
    state->vectors.resize(positions_.size());
    for (uint32_t i = 0; i < kVectorSize; ++i) state->identity[i] = static_cast<uint16_t>(i);
    return state;
  }

  OperatorStatistics Describe() const override {
    uint64_t rows = 0;
    for (const auto& part : rows_) rows += part->num_rows();
    rows += spilled_.rows;
    OperatorStatistics out{.name = "Materialize", .rows_out = rows};
    if (spilled_.rows != 0) out.detail = "on disk: " + std::to_string(spilled_.bytes >> 10) + " KB";
    return out;
  }

  Result<void> Consume(const Batch& batch, LocalState* local) override {
    auto* state = static_cast<State*>(local);
    for (size_t c = 0; c < positions_.size(); ++c) state->vectors[c] = batch.vectors[positions_[c]];
    if (offset_ == 0 && end_ == plan::kNoLimit) return Append(state, nullptr, batch.count);
    if (satisfied()) return {};
    const uint64_t first = seen_.fetch_add(batch.count, std::memory_order_relaxed);
    const uint64_t from = std::max(first, offset_), to = std::min(first + batch.count, end_);
    if (from >= to) return {};
    return Append(state, state->identity + (from - first), static_cast<uint32_t>(to - from));
  }

  // A worker's rows on disk must all be there before anybody reads.
  Result<std::vector<Task>> Finish() override {
    if (std::any_of(spillers_.begin(), spillers_.end(),
                    [](const auto& s) { return s != nullptr; })) {
      for (uint32_t worker = 0; worker < rows_.size(); ++worker) {
        RETURN_IF_ERROR(Spill(worker));
        std::vector<SpilledPartition> partitions(1);
        RETURN_IF_ERROR(spillers_[worker]->Close(&partitions));
        spilled_.Append(std::move(partitions[0]));
        spillers_[worker].reset();
      }
    }
    return std::vector<Task>{};
  }

  bool satisfied() const override { return seen_.load(std::memory_order_relaxed) >= end_; }
  std::unique_ptr<Source> MakeSource() override {
    if (spilled_.rows != 0)
      return std::make_unique<SpilledRowsSource>(&spilled_, stored_, layout_, context_);
    return std::make_unique<BlockSource>(&rows_, layout_);
  }
  const BatchLayout& output_layout() const override { return layout_; }

 private:
  struct State final : LocalState {
    uint32_t worker = 0;
    std::vector<Vector> vectors;
    uint16_t identity[kVectorSize];
  };
  Result<void> Append(State* state, const uint16_t* rows, uint32_t count) {
    if (spillers_[state->worker] == nullptr && !context_->MustSpill(pool_.used_bytes())) {
      Result<void> kept = rows_[state->worker]->Append(state->vectors.data(), rows, count);
      if (kept || context_->spill() == nullptr || kept.error().code != ErrorCode::kOutOfMemory)
        return kept;
    }
    RETURN_IF_ERROR(Spill(state->worker));
    return spillers_[state->worker]->Append(state->vectors.data(), rows, count, 0);
  }

  // Moves the worker's rows to disk.
  Result<void> Spill(uint32_t worker) {
    if (spillers_[worker] == nullptr)
      spillers_[worker] = std::make_unique<RowSpiller>(stored_, 1, context_);
    if (rows_[worker]->num_rows() == 0) return {};
    RETURN_IF_ERROR(spillers_[worker]->AppendAll(*rows_[worker]));
    rows_[worker] = std::make_unique<RowBlocks>(stored_, &pool_);
    return {};
  }

  QueryContext* context_;
  MemoryPool pool_;
  uint64_t offset_, end_;
  std::atomic<uint64_t> seen_{0};
  std::vector<uint32_t> positions_;
  BatchLayout layout_;
  std::vector<StoredColumn> stored_;
  std::vector<std::unique_ptr<RowBlocks>> rows_;       // per worker
  std::vector<std::unique_ptr<RowSpiller>> spillers_;  // per worker that has gone to disk
  SpilledPartition spilled_;                           // all rows, if any worker has
};

}  // namespace

Result<std::unique_ptr<MaterializingSink>> MakeMaterialize(const BatchLayout& input,
                                                           const std::vector<ColumnId>& needed,
                                                           uint64_t limit, uint64_t offset,
                                                           QueryContext* context) {
  return std::make_unique<Materialize>(input, needed, limit, offset, context);
}

}  // namespace sirocco::engine
