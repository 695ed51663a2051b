// Pipelines: a source, streaming operators, a sink; run by several workers over morsels.
//
// A plan becomes a list of pipelines in dependency order. Each pipeline is run by up to num_workers workers; every worker has its own
// state per source, operator and sink, and shares nothing with the others but the immutable parts. The life of a pipeline:
//   1. Source::Prepare, Operator::Prepare, Sink::Prepare   once, by one thread (inputs made by earlier pipelines are complete)
//   2. per worker: loop Source::Next -> Operator::Push ... -> Sink::Consume; at the end Operator::Flush in order, then Sink::Combine.
//      An operator that put rows aside (a join on disk) says so by has_deferred: when all workers have flushed it, each calls
//      RunDeferred, and only then go on with the next operator's Flush.
//   3. Sink::Finish once, by one thread; it may return tasks that the workers then run in parallel (e.g. one per hash partition),
//      and is called again after they are done, until it returns none.
// Cancellation: the driver checks QueryContext::cancelled() between batches; loops that run longer than about 10 ms without returning check it
// themselves. An error of any worker stops all of them; the first error wins.
//
// Ownership of data: see vector.h; a batch passed on is valid during the call only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "engine/engine.h"
#include "engine/exec/query_context.h"
#include "engine/vector/vector.h"

namespace sirocco::engine {

// Where an operator hands its output batches: the rest of the pipeline of one worker.
class BatchConsumer {
 public:
  virtual ~BatchConsumer() = default;
  virtual Result<void> Consume(const Batch& batch) = 0;
};

class LocalState {
 public:
  virtual ~LocalState() = default;
};

class PipelineStage {
 public:
  virtual ~PipelineStage() = default;
  virtual Result<void> Prepare() { return {}; }
  virtual std::unique_ptr<LocalState> MakeState(uint32_t worker) { return nullptr; }
  // For rpd_exec_stats; rows_out and cpu_ns are counted by the driver.
  virtual OperatorStatistics Describe() const = 0;
};

class Source : public PipelineStage {
 public:
  // Gives the next batch of this worker; false at the end (batch untouched). Work is split between workers inside (morsels).
  virtual Result<bool> Next(LocalState* state, Batch* batch) = 0;
  virtual const BatchLayout& layout() const = 0;
  // Upper estimate of morsels; 1 means that one worker is enough.
  virtual uint32_t num_morsels() const = 0;
};

class Operator : public PipelineStage {
 public:
  virtual Result<void> Push(const Batch& batch, LocalState* state, BatchConsumer* next) = 0;
  // End of this worker's input: emit what is still buffered.
  virtual Result<void> Flush(LocalState* state, BatchConsumer* next) { return {}; }
  // Whether output is left that could not be computed before all workers had flushed.
  virtual bool has_deferred() const { return false; }
  virtual Result<void> RunDeferred(LocalState* state, BatchConsumer* next) { return {}; }
  virtual const BatchLayout& layout() const = 0;   // of its output
  // As Sink::satisfied: the operator will pass on no further rows.
  virtual bool satisfied() const { return false; }
};

using Task = std::function<Result<void>(uint32_t worker)>;

class Sink : public PipelineStage {
 public:
  virtual Result<void> Consume(const Batch& batch, LocalState* state) = 0;
  // End of this worker's input.
  virtual Result<void> Combine(LocalState* state) { return {}; }
  virtual Result<std::vector<Task>> Finish() { return std::vector<Task>{}; }
  // True if rows beyond those consumed cannot change the result any more (LIMIT without order): the driver then stops early.
  virtual bool satisfied() const { return false; }
};

struct Pipeline {
  std::unique_ptr<Source> source;
  std::vector<std::unique_ptr<Operator>> operators;
  std::unique_ptr<Sink> sink;
};

// Pipeline breakers that are read again (aggregates, sorts, set operations, shared subplans) implement both ends: the sink object is owned
// by its pipeline, and MakeSource gives the source for the next one. The sink must outlive the source: the compiled query owns all pipelines.
class MaterializingSink : public Sink {
 public:
  // May be called several times (a shared subplan); each source reads everything once.
  virtual std::unique_ptr<Source> MakeSource() = 0;
  virtual const BatchLayout& output_layout() const = 0;
};

}  // namespace sirocco::engine
