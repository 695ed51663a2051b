#include "engine/exec/driver.h"

#include <x86intrin.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <new>
#include <optional>

#include "engine/exec/worker_pool.h"

namespace sirocco::engine {

namespace {

struct ClockPair {
  uint64_t ticks = __rdtsc();
  std::chrono::steady_clock::time_point time = std::chrono::steady_clock::now();
};
// Taken when the process starts; the rate of the counter is measured over the whole life of the
// process.
const ClockPair kProcessStart;

// What the workers of one parallel step share.
class StepStatus {
 public:
  explicit StepStatus(QueryContext* context) : context_(context) {}

  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }
  void Stop() { stopped_.store(true, std::memory_order_relaxed); }
  void Fail(Error error) {
    std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
    Stop();
    context_->Abandon();
  }
  // Runs `body`, turning exceptions into errors, and records a failure.
  template <typename Body>
  void Guard(const Body& body) {
    try {
      Result<void> result = body();
      if (!result) Fail(std::move(result.error()));
    } catch (const std::bad_alloc&) {
      Fail({ErrorCode::kOutOfMemory, 0, "allocation failed"});
    } catch (const std::exception& e) {
      Fail({ErrorCode::kInternal, 0, std::string("exception in a worker: ") + e.what()});
    }
  }
  Result<void> result() {
    if (error_) return std::unexpected(std::move(*error_));
    if (context_->cancelled()) return MakeError(ErrorCode::kCancelled, "query cancelled");
    return {};
  }

 private:
  QueryContext* context_;
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::optional<Error> error_;
};

std::atomic<uint32_t> debug_vector_size{kVectorSize};

// Hands a batch on in pieces of a few rows, each in memory of its own.
class BatchSlicer {
 public:
  template <typename Pass>
  Result<void> ForEach(const Batch& batch, uint32_t rows_per_piece, const Pass& pass) {
    buffers_.resize(batch.vectors.size());
    piece_.vectors.resize(batch.vectors.size());
    std::vector<uint16_t> rows(rows_per_piece);
    for (uint32_t first = 0; first < batch.count; first += rows_per_piece) {
      piece_.count = std::min(rows_per_piece, batch.count - first);
      for (uint32_t i = 0; i < piece_.count; ++i) rows[i] = static_cast<uint16_t>(first + i);
      for (size_t c = 0; c < batch.vectors.size(); ++c) {
        const Vector& in = batch.vectors[c];
        piece_.vectors[c] = in;
        if (in.constant) continue;
        buffers_[c].Reset(in.lane);
        Vector out = buffers_[c].Flat();
        out.dictionary = in.dictionary;
        if (in.nulls != nullptr) out.nulls = buffers_[c].Nulls();
        GatherVector(in, rows.data(), piece_.count, out, 0);
        piece_.vectors[c] = out;
      }
      RETURN_IF_ERROR(pass(piece_));
    }
    return {};
  }

 private:
  Batch piece_;
  std::vector<VectorBuffer> buffers_;
};

// One worker's chain: link i hands its input to operator i, the last one to the sink.
class Chain {
 public:
  Chain(const Pipeline& pipeline, uint32_t worker)
      : pipeline_(pipeline), links_(pipeline.operators.size() + 1) {
    source_state_ = pipeline.source->MakeState(worker);
    for (size_t i = 0; i < pipeline.operators.size(); ++i) {
      links_[i].op = pipeline.operators[i].get();
      links_[i].state = links_[i].op->MakeState(worker);
      links_[i].next = &links_[i + 1];
    }
    links_.back().sink = pipeline.sink.get();
    links_.back().state = pipeline.sink->MakeState(worker);
  }

  // Runs from the source (`deferred_from` 0) or from what operator deferred_from - 1 has put aside,
  // up to the next operator that puts rows aside, or to the end.
  Result<void> Run(QueryContext* context, const StepStatus& status, size_t deferred_from) {
    const uint64_t start = __rdtsc();
    if (deferred_from == 0) {
      RETURN_IF_ERROR(RunSource(context, status));
    } else if (!Satisfied()) {
      RETURN_IF_ERROR(RunDeferred(deferred_from - 1));
    }
    if (context->cancelled() || status.stopped()) return {};
    for (size_t i = deferred_from; i + 1 < links_.size(); ++i) {
      const uint64_t before = __rdtsc();
      RETURN_IF_ERROR(links_[i].op->Flush(links_[i].state.get(), links_[i].next));
      links_[i].ticks += __rdtsc() - before;
      if (links_[i].op->has_deferred()) {
        total_ticks_ += __rdtsc() - start;
        return {};
      }
    }
    const uint64_t before = __rdtsc();
    RETURN_IF_ERROR(pipeline_.sink->Combine(links_.back().state.get()));
    const uint64_t end = __rdtsc();
    links_.back().ticks += end - before;
    total_ticks_ += end - start;
    return {};
  }

  // Link i's ticks include those of the links after it.
  void AddCounters(std::vector<StageCounters>* counters) const {
    uint64_t outer = total_ticks_;
    for (size_t i = 0; i <= links_.size(); ++i) {
      const uint64_t inner = i < links_.size() ? links_[i].ticks : 0;
      (*counters)[i].ticks += outer > inner ? outer - inner : 0;
      if (i < links_.size()) (*counters)[i].rows_out += links_[i].rows;
      outer = inner;
    }
  }

 private:
  struct Link final : BatchConsumer {
    Result<void> Consume(const Batch& batch) override {
      const uint32_t limit = debug_vector_size.load(std::memory_order_relaxed);
      if (batch.count <= limit) [[likely]]
        return Take(batch);
      if (slicer == nullptr) slicer = std::make_unique<BatchSlicer>();
      return slicer->ForEach(batch, limit, [this](const Batch& piece) { return Take(piece); });
    }
    Result<void> Take(const Batch& batch) {
      if (batch.count == 0) return {};
      rows += batch.count;
      const uint64_t before = __rdtsc();
      Result<void> result =
          op != nullptr ? op->Push(batch, state.get(), next) : sink->Consume(batch, state.get());
      ticks += __rdtsc() - before;
      return result;
    }
    Operator* op = nullptr;
    Sink* sink = nullptr;
    std::unique_ptr<LocalState> state;
    BatchConsumer* next = nullptr;
    uint64_t rows = 0, ticks = 0;
    std::unique_ptr<BatchSlicer> slicer;
  };

  Result<void> RunSource(QueryContext* context, const StepStatus& status) {
    Batch batch;
    while (!context->cancelled() && !status.stopped() && !Satisfied()) {
      ASSIGN_OR_RETURN(const bool more, pipeline_.source->Next(source_state_.get(), &batch));
      if (!more) break;
      if (batch.count == 0) continue;
      RETURN_IF_ERROR(links_[0].Consume(batch));
    }
    return {};
  }

  Result<void> RunDeferred(size_t i) {
    const uint64_t before = __rdtsc();
    RETURN_IF_ERROR(links_[i].op->RunDeferred(links_[i].state.get(), links_[i].next));
    links_[i].ticks += __rdtsc() - before;
    return {};
  }

  bool Satisfied() const {
    if (pipeline_.sink->satisfied()) return true;
    for (const auto& op : pipeline_.operators)
      if (op->satisfied()) return true;
    return false;
  }

  const Pipeline& pipeline_;
  std::vector<Link> links_;
  std::unique_ptr<LocalState> source_state_;
  uint64_t total_ticks_ = 0;
};

Result<void> RunTasks(const std::vector<Task>& tasks, QueryContext* context) {
  StepStatus status(context);
  std::atomic<size_t> next{0};
  WorkerPool::Shared().Run(std::min<uint64_t>(context->num_workers(), tasks.size()),
                           [&](uint32_t worker) {
                             while (!status.stopped() && !context->cancelled()) {
                               const size_t i = next.fetch_add(1, std::memory_order_relaxed);
                               if (i >= tasks.size()) return;
                               status.Guard([&] { return tasks[i](worker); });
                             }
                           });
  return status.result();
}

}  // namespace

void SetDebugVectorSize(uint32_t rows) {
  debug_vector_size = std::clamp<uint32_t>(rows, 1, kVectorSize);
}

uint64_t ReadTicks() { return __rdtsc(); }

uint64_t TicksToNanoseconds(uint64_t ticks) {
  const ClockPair now;
  const double elapsed_ns =
      std::chrono::duration<double, std::nano>(now.time - kProcessStart.time).count();
  const double elapsed_ticks = static_cast<double>(now.ticks - kProcessStart.ticks);
  return elapsed_ticks > 0
             ? static_cast<uint64_t>(static_cast<double>(ticks) * (elapsed_ns / elapsed_ticks))
             : 0;
}

Result<void> RunPipeline(const Pipeline& pipeline, QueryContext* context,
                         std::vector<StageCounters>* counters) {
  counters->assign(pipeline.operators.size() + 2, {});
  if (context->cancelled()) return MakeError(ErrorCode::kCancelled, "query cancelled");
  StepStatus status(context);
  status.Guard([&]() -> Result<void> {
    RETURN_IF_ERROR(pipeline.source->Prepare());
    for (const auto& op : pipeline.operators) RETURN_IF_ERROR(op->Prepare());
    return pipeline.sink->Prepare();
  });
  RETURN_IF_ERROR(status.result());

  // One morsel is not worth waking a thread for.
  const uint32_t num_workers =
      std::max(1u, std::min(context->num_workers(), pipeline.source->num_morsels()));
  std::vector<std::unique_ptr<Chain>> chains(num_workers);
  size_t deferred_from = 0;
  do {
    std::vector<uint8_t> ran(num_workers, 0);
    const auto run = [&](uint32_t worker) {
      ran[worker] = 1;
      status.Guard([&]() -> Result<void> {
        if (chains[worker] == nullptr) chains[worker] = std::make_unique<Chain>(pipeline, worker);
        return chains[worker]->Run(context, status, deferred_from);
      });
    };
    WorkerPool::Shared().Run(num_workers, run);
    // Workers that had work before must also end it, although they got no thread this time.
    for (uint32_t worker = 0; worker < num_workers; ++worker)
      if (ran[worker] == 0 && chains[worker] != nullptr && !status.stopped()) run(worker);
    RETURN_IF_ERROR(status.result());
    size_t next = deferred_from;
    while (next < pipeline.operators.size() && !pipeline.operators[next]->has_deferred()) ++next;
    deferred_from = next < pipeline.operators.size() ? next + 1 : 0;
  } while (deferred_from != 0);
  for (const auto& chain : chains)
    if (chain != nullptr) chain->AddCounters(counters);
  chains.clear();

  while (true) {
    std::vector<Task> tasks;
    const uint64_t before = __rdtsc();
    status.Guard([&]() -> Result<void> {
      ASSIGN_OR_RETURN(tasks, pipeline.sink->Finish());
      return {};
    });
    RETURN_IF_ERROR(status.result());
    if (tasks.empty()) {
      counters->back().ticks += __rdtsc() - before;
      return {};
    }
    RETURN_IF_ERROR(RunTasks(tasks, context));
    counters->back().ticks += __rdtsc() - before;
  }
}

}  // namespace sirocco::engine
