// Streaming operators that look at one batch at a time: filter, projection, limit, choice of
// columns.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "engine/exec/pipeline.h"
#include "engine/expr/expression.h"

namespace sirocco::engine {

// Rows for which `predicate` is true; only the columns in `output` (positions in the input layout)
// are passed on.
class FilterOperator final : public Operator {
 public:
  FilterOperator(std::unique_ptr<Expression> predicate, const BatchLayout& input,
                 std::vector<uint32_t> output);

  std::unique_ptr<LocalState> MakeState(uint32_t worker) override;
  OperatorStatistics Describe() const override;
  Result<void> Push(const Batch& batch, LocalState* state, BatchConsumer* next) override;
  Result<void> Flush(LocalState* state, BatchConsumer* next) override;
  const BatchLayout& layout() const override { return layout_; }

 private:
  struct State;
  std::unique_ptr<Expression> predicate_;
  std::vector<uint32_t> output_;
  BatchLayout layout_;
};

// Input columns by position, then the results of `expressions` (null: none) with the given ids and
// types.
class ProjectOperator final : public Operator {
 public:
  ProjectOperator(const BatchLayout& input, std::vector<uint32_t> output,
                  std::unique_ptr<Expression> expressions,
                  std::span<const std::pair<ColumnId, plan::Type>> columns);

  std::unique_ptr<LocalState> MakeState(uint32_t worker) override;
  OperatorStatistics Describe() const override;
  Result<void> Push(const Batch& batch, LocalState* state, BatchConsumer* next) override;
  const BatchLayout& layout() const override { return layout_; }

 private:
  struct State;
  std::unique_ptr<Expression> expressions_;
  std::vector<uint32_t> output_;
  BatchLayout layout_;
};

// The rows offset .. offset+limit of all that come, in order of arrival.
class LimitOperator final : public Operator {
 public:
  LimitOperator(BatchLayout layout, uint64_t limit, uint64_t offset);

  std::unique_ptr<LocalState> MakeState(uint32_t worker) override;
  OperatorStatistics Describe() const override;
  Result<void> Push(const Batch& batch, LocalState* state, BatchConsumer* next) override;
  const BatchLayout& layout() const override { return layout_; }
  bool satisfied() const override { return seen_.load(std::memory_order_relaxed) >= end_; }

 private:
  BatchLayout layout_;
  uint64_t offset_, end_;
  std::atomic<uint64_t> seen_{0};
};

// Brings columns to given lanes: codes to strings, narrow decimals to the lane of their type. For
// places where different inputs meet.
class LaneOperator final : public Operator {
 public:
  // lanes[i] belongs to column positions[i] of the input, which becomes output column i under id
  // ids[i].
  LaneOperator(const BatchLayout& input, std::vector<uint32_t> positions,
               std::span<const ColumnId> ids, std::span<const Lane> lanes);

  std::unique_ptr<LocalState> MakeState(uint32_t worker) override;
  OperatorStatistics Describe() const override;
  Result<void> Push(const Batch& batch, LocalState* state, BatchConsumer* next) override;
  const BatchLayout& layout() const override { return layout_; }
  // Whether a column of `type` in lane `from` can be brought to lane `to`.
  static bool CanConvert(const plan::Type& type, Lane from, Lane to);

 private:
  struct State;
  std::vector<uint32_t> positions_;
  BatchLayout layout_;
};

// Memory of converted values of one column.
struct LaneBuffer {
  VectorBuffer values;
  std::unique_ptr<char[]> bytes;  // of packed decimals
};

// kCode to kStr, kI64 to kI128, integers of decimals to packed decimals (kStr); same lane:
// unchanged. `buffer` owns a converted vector.
Vector ConvertLane(const Vector& in, uint32_t count, const plan::Type& type, Lane lane,
                   LaneBuffer* buffer);

}  // namespace sirocco::engine
