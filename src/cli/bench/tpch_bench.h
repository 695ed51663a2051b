// `sirocco bench tpch`: the 22 TPC-H queries in a DB system, optionally beside DuckDB on the same
// data and threads. The two never run at the same time.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/bench/report.h"
#include "common/error.h"

namespace sirocco::bench {

enum class AnswerCheck {
  kAuto,       // published answers at scale factor 1, else InnoDB
  kPublished,  // bench/tpch/answers; scale factor 1 only
  kInnodb,     // the same query with use_secondary_engine = OFF
  kNone,
};

struct TpchBenchOptions {
  std::filesystem::path option_file;  // login, group [client]
  std::string system;                 // for the report
  std::string database = "tpch";
  double scale_factor = 1;
  std::vector<int> queries;
  int num_runs = 5;
  int num_threads = 1;  // the peer's, and what the report says of ours
  bool use_rapid = true;
  double cost_threshold = -1;  // below 0: the server's
  AnswerCheck check = AnswerCheck::kAuto;
  int check_limit_seconds = 300;  // for a query in InnoDB; beyond, its answer stays unchecked
  bool with_duckdb = false;
  std::string duckdb_database = ":memory:";
};

// Reports progress on standard error. Queries that fail or give wrong answers are in the report,
// not errors.
Result<BenchReport> BenchTpch(const TpchBenchOptions& options);

}  // namespace sirocco::bench
