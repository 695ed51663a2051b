// Runs the queries in a MySQL server through one client connection.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "cli/bench/answers.h"
#include "cli/bench/measurement.h"
#include "cli/bench/query_set.h"
#include "cli/tpch/connection.h"
#include "common/error.h"

namespace sirocco::bench {

class MysqlSide {
 public:
  // `connection` has the TPC-H database as its default.
  explicit MysqlSide(tpch::Connection connection) : connection_(std::move(connection)) {}

  // Chooses who executes: the secondary engine where the optimizer offers it, or InnoDB only. A
  // cost threshold below 0 leaves the session's as it is.
  Result<void> Prepare(bool use_secondary_engine, double cost_threshold);

  // One run to warm up, then `num_runs` timed ones, from sending the text to having fetched all
  // rows. The answer of the warm-up run is put into `answer`. A query that fails is reported in the
  // measurement.
  Result<Measurement> Measure(const BenchQuery& query, int num_runs, Answer& answer);

  // Runs a query once in InnoDB and returns its answer; the session offloads again afterwards.
  // Errors: kTimeout after `limit_seconds` (queries 17 and 20 need an index that the tables lack).
  Result<Answer> AnswerOfInnodb(const BenchQuery& query, int limit_seconds);

  // Versions, settings and load state of the server, as a JSON object.
  nlohmann::json Describe();

  // Errors: kInvalidArgument if the tables are not those of the scale factor.
  Result<void> CheckScale(double scale_factor);

 private:
  Result<int64_t> OffloadCount();
  // Result of two text columns as an object; empty if the query fails.
  nlohmann::json NamesAndValues(const std::string& sql);

  tpch::Connection connection_;
  int server_pid_ = 0;  // 0: not on this machine
};

}  // namespace sirocco::bench
