// Runs the reading tasks of a load on several threads and puts what they find in order.
//
// Every task fills a writer of its own, numbered as the tasks are, so the table's rows stand in the
// order of files and offsets however many threads there are. A task is accepted when all tasks
// before it are; one that turns out to have started at the wrong place (a range of CSV) is run
// again then. The first error in file order ends the load, whatever thread found another one
// earlier. Threads: RunReadTasks is called from one thread and returns when all of its threads have
// ended.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/storage/table_builder.h"
#include "lakehouse/read/diagnostics.h"
#include "lakehouse/read/stop_token.h"

namespace sirocco::lakehouse {

class ReadTask {
 public:
  struct Outcome {
    uint64_t num_rows = 0;
    uint64_t num_bytes = 0;           // of the file, for progress
    std::optional<Diagnostic> error;  // a value or a record that ends the load
  };
  virtual ~ReadTask() = default;

  // May be called again, with a new writer and log, after Accept has said no or after a cancelled
  // run.
  virtual Result<Outcome> Run(engine::TableBuilder::Writer* writer, DiagnosticLog* log,
                              const StopToken* stop) = 0;
  // Whether the last run's rows are those of this task, knowing that `previous` (null: none) has
  // been accepted. False: run again; the next answer must be true.
  virtual bool Accept(const ReadTask* previous) { return true; }
  // True if Accept is always true.
  virtual bool independent() const { return true; }
  // Lines of the file before the first line that this task's log counts; known after Accept.
  virtual uint64_t lines_before() const { return 0; }
  virtual const std::string& file_name() const = 0;
};

struct ReadTotals {
  uint64_t num_rows = 0;
  uint64_t num_bytes = 0;
};

struct ReadTasksOptions {
  uint32_t num_threads = 2;
  const std::atomic<bool>* cancelled = nullptr;  // asked between batches
  std::function<void(const ReadTotals& accepted)>
      progress;  // from the load's threads, one at a time
};

// Errors: the first one in file order; a Diagnostic becomes kMysql with its number and text.
Result<ReadTotals> RunReadTasks(std::span<const std::unique_ptr<ReadTask>> tasks,
                                engine::TableBuilder* builder,
                                const std::vector<std::string>& column_names,
                                const ReadTasksOptions& options, LoadReport* report);

}  // namespace sirocco::lakehouse
