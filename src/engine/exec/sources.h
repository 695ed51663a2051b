// Small sources: rows of constants, another source under other names, several sources one after the
// other.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "engine/exec/pipeline.h"
#include "plan/node.h"

namespace sirocco::engine {

// kValues: one morsel.
class ValuesSource final : public Source {
 public:
  // Errors: kNotSupported if a value does not fit its type's lane.
  static Result<std::unique_ptr<ValuesSource>> Create(const plan::Node& node,
                                                      const std::vector<ColumnId>& needed,
                                                      QueryContext* context);

  std::unique_ptr<LocalState> MakeState(uint32_t worker) override;
  OperatorStatistics Describe() const override { return {.name = "Values"}; }
  Result<bool> Next(LocalState* state, Batch* batch) override;
  const BatchLayout& layout() const override { return layout_; }
  uint32_t num_morsels() const override { return 1; }

 private:
  struct State;
  const plan::Node* node_ = nullptr;
  std::vector<uint32_t> positions_;  // of the needed columns in node_->value_columns
  BatchLayout layout_;
  std::atomic<bool> taken_{false};
};

// Columns positions[i] of `inner` under ids[i]. Types may be wider than the inner ones (nullability
// of a union).
class RenamingSource final : public Source {
 public:
  RenamingSource(std::unique_ptr<Source> inner, std::vector<uint32_t> positions,
                 const std::vector<ColumnId>& ids);

  Result<void> Prepare() override { return inner_->Prepare(); }
  std::unique_ptr<LocalState> MakeState(uint32_t worker) override;
  OperatorStatistics Describe() const override { return inner_->Describe(); }
  Result<bool> Next(LocalState* state, Batch* batch) override;
  const BatchLayout& layout() const override { return layout_; }
  uint32_t num_morsels() const override { return inner_->num_morsels(); }

 private:
  struct State;
  std::unique_ptr<Source> inner_;
  std::vector<uint32_t> positions_;
  BatchLayout layout_;
};

// All rows of the inner sources, which have equal layouts but for ranges and nullability; the given
// layout covers them all.
class ConcatSource final : public Source {
 public:
  ConcatSource(std::vector<std::unique_ptr<Source>> inner, BatchLayout layout)
      : inner_(std::move(inner)), layout_(std::move(layout)) {}

  Result<void> Prepare() override;
  std::unique_ptr<LocalState> MakeState(uint32_t worker) override;
  OperatorStatistics Describe() const override { return {.name = "Union all"}; }
  Result<bool> Next(LocalState* state, Batch* batch) override;
  const BatchLayout& layout() const override { return layout_; }
  uint32_t num_morsels() const override;

 private:
  struct State;
  std::vector<std::unique_ptr<Source>> inner_;
  BatchLayout layout_;
};

}  // namespace sirocco::engine
