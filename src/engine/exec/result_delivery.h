// The last sink of a query: brings batches to the result columns and hands them to the caller's
// ResultSink, one thread at a time.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "engine/exec/pipeline.h"

namespace sirocco::engine {

class ResultDelivery final : public Sink {
 public:
  // positions[i]: where result column i is in the input. Errors: kNotSupported if a column cannot
  // be brought to its type's lane.
  static Result<std::unique_ptr<ResultDelivery>> Create(
      const std::vector<plan::ResultColumn>& results, const BatchLayout& input);

  // Before the pipeline runs; lives until it has ended.
  void set_sink(const ResultSink* sink) { sink_ = sink; }

  std::unique_ptr<LocalState> MakeState(uint32_t worker) override;
  OperatorStatistics Describe() const override { return {.name = "Result", .rows_out = rows_}; }
  Result<void> Consume(const Batch& batch, LocalState* state) override;

 private:
  struct State;
  std::vector<uint32_t> positions_;
  std::vector<plan::Type> types_;
  std::vector<Lane> lanes_;
  const ResultSink* sink_ = nullptr;
  std::mutex mutex_;
  uint64_t rows_ = 0;
};

}  // namespace sirocco::engine
