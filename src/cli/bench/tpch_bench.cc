#include "cli/bench/tpch_bench.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <map>
#include <utility>

#include "cli/bench/answers.h"
#include "cli/bench/duckdb_side.h"
#include "cli/bench/machine_facts.h"
#include "cli/bench/mysql_side.h"
#include "cli/bench/query_set.h"

namespace sirocco::bench {
namespace {

nlohmann::json Header(const TpchBenchOptions& options) {
  return {{"benchmark", "tpch"},
          {"scale_factor", options.scale_factor},
          {"time", fmt::format("{:%FT%TZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(
                                                std::chrono::system_clock::now())))},
          {"machine", DescribeMachine()},
          {"threads", options.num_threads},
          {"runs", options.num_runs},
          {"warmup_runs", 1},
          {"measured",
           "milliseconds from sending the SQL text to having fetched all rows, one client, warm"},
          {"build", {{"version", SIROCCO_VERSION}, {"type", SIROCCO_BUILD_TYPE}}},
          {"engine", options.use_rapid ? "rapid" : "innodb"}};
}

// Finds the right answer of a query by the chosen way.
class Checker {
 public:
  Checker(const TpchBenchOptions& options, MysqlSide& mysql)
      : mysql_(mysql), check_(options.check), limit_seconds_(options.check_limit_seconds) {
    if (check_ == AnswerCheck::kAuto) {
      check_ = options.scale_factor == 1 ? AnswerCheck::kPublished : AnswerCheck::kInnodb;
    }
  }

  std::string Name() const {
    switch (check_) {
      case AnswerCheck::kPublished:
        return "published TPC-H answers";
      case AnswerCheck::kInnodb:
        return "InnoDB";
      default:
        return "";
    }
  }

  // Compares; remembers the right answer for the peer.
  Result<void> Check(const BenchQuery& query, const Answer& actual, Measurement& measurement) {
    if (check_ == AnswerCheck::kNone || measurement.error) return {};
    auto right = Right(query);
    if (!right && right.error().code == ErrorCode::kTimeout) return {};
    if (!right) return std::unexpected(right.error());
    right_[query.number] = std::move(*right);
    Compare(query, actual, measurement);
    return {};
  }
  void CheckPeer(const BenchQuery& query, const Answer& actual, Measurement& measurement) const {
    if (right_.contains(query.number)) Compare(query, actual, measurement);
  }

 private:
  void Compare(const BenchQuery& query, const Answer& actual, Measurement& measurement) const {
    measurement.difference = FindDifference(right_.at(query.number), actual, query.tie_columns);
    measurement.checked = true;
  }
  Result<Answer> Right(const BenchQuery& query) {
    if (check_ == AnswerCheck::kInnodb) return mysql_.AnswerOfInnodb(query, limit_seconds_);
    ASSIGN_OR_RETURN(const std::string text,
                     ReadTextFile(fmt::format(SIROCCO_BENCH_FOLDER "/tpch/answers/sf1/q{:02}.csv",
                                              query.number)));
    return ParseAnswer(text);
  }

  MysqlSide& mysql_;
  AnswerCheck check_;
  const int limit_seconds_;
  std::map<int, Answer> right_;
};

Result<void> MeasurePeer(const TpchBenchOptions& options, const std::vector<BenchQuery>& queries,
                         const Checker& checker, BenchReport& report) {
  fmt::print(stderr, "DuckDB: loading scale factor {}, {} queries\n", options.scale_factor,
             queries.size());
  ASSIGN_OR_RETURN(PeerReport peer, MeasureDuckdb({.scale_factor = options.scale_factor,
                                                   .queries = queries,
                                                   .num_runs = options.num_runs,
                                                   .num_threads = options.num_threads,
                                                   .database = options.duckdb_database}));
  if (peer.measurements.size() != queries.size())
    return MakeError(ErrorCode::kInternal, "the DuckDB helper left out queries");
  for (size_t i = 0; i < queries.size(); ++i) {
    checker.CheckPeer(queries[i], peer.answers[queries[i].number], peer.measurements[i]);
  }
  report.header["peer"] = peer.description;
  report.peer = std::move(peer.measurements);
  return {};
}

}  // namespace

Result<BenchReport> BenchTpch(const TpchBenchOptions& options) {
  if (options.check == AnswerCheck::kPublished && options.scale_factor != 1) {
    return MakeError(ErrorCode::kInvalidArgument, "published answers are those of scale factor 1");
  }
  ASSIGN_OR_RETURN(
      const std::vector<BenchQuery> queries,
      ReadQueries(SIROCCO_BENCH_FOLDER "/tpch/queries", options.queries, options.scale_factor));
  BenchReport report{.header = Header(options), .engine = options.use_rapid ? "rapid" : "innodb"};
  ASSIGN_OR_RETURN(tpch::Connection connection,
                   tpch::Connection::Open(options.option_file, options.database));
  MysqlSide mysql(std::move(connection));
  RETURN_IF_ERROR(mysql.CheckScale(options.scale_factor));
  RETURN_IF_ERROR(mysql.Prepare(options.use_rapid, options.cost_threshold));
  Checker checker(options, mysql);
  report.checked_against = checker.Name();

  std::vector<Answer> answers(queries.size());
  for (size_t i = 0; i < queries.size(); ++i) {
    fmt::print(stderr, "\rquery {:>2} ...", queries[i].number);
    ASSIGN_OR_RETURN(Measurement measurement,
                     mysql.Measure(queries[i], options.num_runs, answers[i]));
    report.ours.push_back(std::move(measurement));
  }
  fmt::print(stderr, "\r             \r");
  // After all timings: InnoDB's runs would cool the caches between them.
  for (size_t i = 0; i < queries.size(); ++i)
    RETURN_IF_ERROR(checker.Check(queries[i], answers[i], report.ours[i]));
  report.header["server"] = mysql.Describe();
  report.header["server"]["system"] = options.system;
  report.header["server"]["database"] = options.database;
  if (options.with_duckdb) RETURN_IF_ERROR(MeasurePeer(options, queries, checker, report));
  return report;
}

}  // namespace sirocco::bench
