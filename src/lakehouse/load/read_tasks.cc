#include "lakehouse/load/read_tasks.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>

namespace sirocco::lakehouse {

namespace {

class Runner {
 public:
  Runner(std::span<const std::unique_ptr<ReadTask>> tasks, engine::TableBuilder* builder,
         const std::vector<std::string>& column_names, const ReadTasksOptions& options,
         LoadReport* report)
      : tasks_(tasks),
        builder_(builder),
        column_names_(column_names),
        options_(options),
        report_(report),
        runs_(tasks.size()) {}

  Result<ReadTotals> RunAll() {
    const size_t count = std::min<size_t>(std::max(1u, options_.num_threads), tasks_.size());
    std::vector<std::thread> threads;
    for (size_t i = 1; i < count; ++i) threads.emplace_back([this] { Work(); });
    Work();
    for (std::thread& thread : threads) thread.join();
    if (failure_) return std::unexpected(*failure_);
    return totals_;
  }

 private:
  enum class State : uint8_t { kWaiting, kRunning, kDone };
  struct Run {
    State state = State::kWaiting;
    std::unique_ptr<StopToken> stop;
    Result<ReadTask::Outcome> outcome;
    std::unique_ptr<engine::TableBuilder::Writer> writer;
    DiagnosticLog log;

    bool failed() const { return !outcome || outcome->error.has_value(); }
  };

  void Work() {
    std::unique_lock lock(mutex_);
    while (!failure_ && accepted_ < tasks_.size()) {
      if (options_.cancelled != nullptr && options_.cancelled->load()) {
        Fail({ErrorCode::kCancelled, 0, "the load was cancelled"});
        break;
      }
      if (!accepting_ && runs_[accepted_].state == State::kDone) {
        AcceptNext(&lock);
        continue;
      }
      // Tasks behind a failed one are left alone: usually the failure stands.
      while (next_ < tasks_.size() && runs_[next_].state != State::kWaiting) ++next_;
      if (next_ < tasks_.size() && next_ < first_failed_) {
        RunTask(next_++, &lock);
        continue;
      }
      changed_.wait(lock);
    }
    changed_.notify_all();
  }

  void RunTask(size_t index, std::unique_lock<std::mutex>* lock) {
    Run* run = &runs_[index];
    run->state = State::kRunning;
    run->stop = std::make_unique<StopToken>(options_.cancelled);
    run->log = DiagnosticLog();
    run->writer.reset();
    lock->unlock();
    auto writer = builder_->MakeWriter(static_cast<uint32_t>(index));
    Result<ReadTask::Outcome> outcome;
    try {
      outcome = tasks_[index]->Run(writer.get(), &run->log, run->stop.get());
      if (outcome && !outcome->error && tasks_[index]->independent()) {
        if (auto closed = writer->Close(); !closed) outcome = std::unexpected(closed.error());
        writer.reset();
      }
    } catch (const std::bad_alloc&) {
      outcome = MakeError(ErrorCode::kOutOfMemory, "allocation failed while reading a file");
    } catch (const std::exception& exception) {
      outcome =
          MakeError(ErrorCode::kInternal, std::string("a reader failed: ") + exception.what());
    }
    lock->lock();
    run->outcome = std::move(outcome);
    if (!run->outcome && run->outcome.error().code == ErrorCode::kCancelled) {
      run->state = State::kWaiting;
      next_ = std::min(next_, index);
      writer.reset();
    } else {
      run->state = State::kDone;
      if (run->failed()) {
        writer.reset();
        first_failed_ = std::min(first_failed_, index);
        for (size_t i = index + 1; i < runs_.size() && i < next_; ++i)
          if (runs_[i].state == State::kRunning) runs_[i].stop->Stop();
      }
      run->writer = std::move(writer);
    }
    changed_.notify_all();
  }

  // Accepts the task in turn, which has run; unlocks meanwhile.
  void AcceptNext(std::unique_lock<std::mutex>* lock) {
    const size_t index = accepted_;
    Run& run = runs_[index];
    accepting_ = true;
    lock->unlock();
    const bool good = tasks_[index]->Accept(index == 0 ? nullptr : tasks_[index - 1].get());
    Result<void> closed;
    if (good && !run.failed() && run.writer != nullptr) {
      closed = run.writer->Close();
      run.writer.reset();
    }
    lock->lock();
    accepting_ = false;
    changed_.notify_all();
    if (!good) {
      run.state = State::kWaiting;
      run.writer.reset();
      next_ = std::min(next_, index);
      first_failed_ = SIZE_MAX;
      for (size_t i = index + 1; i < runs_.size() && first_failed_ == SIZE_MAX; ++i)
        if (runs_[i].state == State::kDone && runs_[i].failed()) first_failed_ = i;
      return;
    }
    if (!run.outcome) return Fail(run.outcome.error());
    if (!closed) return Fail(closed.error());
    const ReadTask& task = *tasks_[index];
    report_->Add(run.log, task.lines_before(), task.file_name(), column_names_);
    run.log = DiagnosticLog();
    if (run.outcome->error) {
      Diagnostic diagnostic = *run.outcome->error;
      if (diagnostic.line != 0) diagnostic.line += task.lines_before();
      const std::string name =
          diagnostic.column >= 0 && static_cast<size_t>(diagnostic.column) < column_names_.size()
              ? column_names_[diagnostic.column]
              : std::string();
      return Fail({ErrorCode::kMysql, diagnostic.number,
                   DiagnosticText(diagnostic, task.file_name(), name)});
    }
    totals_.num_rows += run.outcome->num_rows;
    totals_.num_bytes += run.outcome->num_bytes;
    ++accepted_;
    if (options_.progress) options_.progress(totals_);
  }

  void Fail(Error error) {
    if (!failure_) failure_ = std::move(error);
    for (Run& run : runs_)
      if (run.state == State::kRunning) run.stop->Stop();
    changed_.notify_all();
  }

  const std::span<const std::unique_ptr<ReadTask>> tasks_;
  engine::TableBuilder* const builder_;
  const std::vector<std::string>& column_names_;
  const ReadTasksOptions& options_;
  LoadReport* const report_;

  std::mutex mutex_;  // guards all below but the run that a thread is running
  std::condition_variable changed_;
  std::vector<Run> runs_;
  size_t next_ = 0;                 // no task before it waits
  size_t first_failed_ = SIZE_MAX;  // among the tasks that are done
  size_t accepted_ = 0;
  bool accepting_ = false;
  std::optional<Error> failure_;
  ReadTotals totals_;
};

}  // namespace

Result<ReadTotals> RunReadTasks(std::span<const std::unique_ptr<ReadTask>> tasks,
                                engine::TableBuilder* builder,
                                const std::vector<std::string>& column_names,
                                const ReadTasksOptions& options, LoadReport* report) {
  if (tasks.empty()) return ReadTotals();
  return Runner(tasks, builder, column_names, options, report).RunAll();
}

}  // namespace sirocco::lakehouse
