// The engine's front door: compile a plan against a set of snapshots, run it, get batches. No sockets, no MySQL server types.
//
// Life of a query: Prepare (optimize the plan with what the snapshots know, compile to pipelines; everything that can be refused is refused here,
// before any row is sent) -> Run (workers execute; the sink gets batches of the result columns in order) -> statistics.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "engine/exec/query_context.h"
#include "engine/storage/table.h"
#include "engine/vector/vector.h"
#include "plan/node.h"

namespace sirocco::engine {

// Gives the snapshot of a table for one query; nullptr if unknown.
using SnapshotLookup = std::function<SnapshotPtr(plan::TableId)>;

struct QueryOptions {
  uint32_t num_workers = 1;
  MemoryPool* pool = nullptr;            // the query's pool
  SpillSpace* spill = nullptr;           // where operators go beyond it; nullptr: kOutOfMemory
};

// What one operator did, for rpd_exec_stats.
struct OperatorStatistics {
  uint32_t node_id = 0;
  std::string name;                      // "HashJoin inner (array)", "Scan tpch.lineitem"
  double estimated_rows = -1;
  uint64_t rows_out = 0;
  uint64_t cpu_ns = 0;                   // summed over workers
  uint64_t memory_peak_bytes = 0;
  uint64_t bytes_scanned = 0;            // scans: encoded bytes read
  std::string detail;                    // choices made: "build 15000 rows, bitmap semijoin filter on l_suppkey"
};

// Receives result batches. Called by one thread at a time, in result order; vectors follow Query::result_columns() and are in the lanes of
// their types (no codes, no narrowed decimals). An error ends the query.
using ResultSink = std::function<Result<void>(const Batch&)>;

class Query {
 public:
  virtual ~Query() = default;

  // Plan and lookup may be dropped afterwards. Errors: kNotSupported with the reason, kNotFound for a missing table.
  static Result<std::unique_ptr<Query>> Prepare(plan::Plan plan, const SnapshotLookup& lookup, const QueryOptions& options);

  // Runs to the end, on the calling thread plus num_workers - 1 threads of the shared worker pool. Once.
  virtual Result<void> Run(const ResultSink& sink) = 0;
  // From any thread; Run returns kCancelled soon after.
  virtual void Cancel() = 0;

  virtual const std::vector<plan::ResultColumn>& result_columns() const = 0;
  virtual std::vector<Warning> warnings() const = 0;
  virtual std::vector<OperatorStatistics> statistics() const = 0;
  // The optimized plan with estimates, as text.
  virtual std::string plan_text() const = 0;
};

}  // namespace sirocco::engine
