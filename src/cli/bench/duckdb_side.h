// Runs the queries in DuckDB, in the helper program sirocco-bench-duckdb (bench/peers/duckdb).
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/bench/answers.h"
#include "cli/bench/measurement.h"
#include "cli/bench/query_set.h"
#include "common/error.h"

namespace sirocco::bench {

struct PeerRequest {
  double scale_factor = 1;
  std::vector<BenchQuery> queries;
  int num_runs = 5;
  int num_threads = 1;
  std::string database = ":memory:";  // or a file, made if missing
};

struct PeerReport {
  nlohmann::json description;  // name, version, build, database, threads
  std::vector<Measurement> measurements;
  std::map<int, Answer> answers;
};

// Errors: kNotSupported if the helper was not built, kInternal if it failed (its message is on
// standard error by then).
Result<PeerReport> MeasureDuckdb(const PeerRequest& request);

}  // namespace sirocco::bench
