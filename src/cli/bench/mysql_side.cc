#include "cli/bench/mysql_side.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "cli/bench/machine_facts.h"
#include "cli/tpch/tables.h"

namespace sirocco::bench {
namespace {

using std::chrono::duration;
using std::chrono::steady_clock;

double MillisecondsSince(steady_clock::time_point start) {
  return duration<double, std::milli>(steady_clock::now() - start).count();
}

}  // namespace

Result<void> MysqlSide::Prepare(bool use_secondary_engine, double cost_threshold) {
  RETURN_IF_ERROR(connection_.Execute(
      fmt::format("SET SESSION use_secondary_engine = {}", use_secondary_engine ? "ON" : "OFF")));
  if (cost_threshold >= 0) {
    RETURN_IF_ERROR(connection_.Execute(
        fmt::format("SET SESSION secondary_engine_cost_threshold = {}", cost_threshold)));
  }
  if (const auto file = connection_.QueryValue("SELECT @@pid_file"))
    std::ifstream(*file) >> server_pid_;
  return {};
}

Result<int64_t> MysqlSide::OffloadCount() {
  ASSIGN_OR_RETURN(
      const tpch::ResultSet result,
      connection_.Query("SHOW SESSION STATUS LIKE 'Secondary_engine_execution_count'"));
  const auto rows = result.Rows();
  return rows.empty() ? 0 : std::atoll(rows[0].back().value_or("0").c_str());
}

Result<Measurement> MysqlSide::Measure(const BenchQuery& query, int num_runs, Answer& answer) {
  Measurement measurement{.query = query.number};
  ASSIGN_OR_RETURN(const int64_t count_before, OffloadCount());
  auto start = steady_clock::now();
  auto warmup = connection_.Query(query.sql);
  measurement.warmup_ms = MillisecondsSince(start);
  if (!warmup) {
    if (warmup.error().code != ErrorCode::kMysql) return std::unexpected(warmup.error());
    measurement.error =
        fmt::format("error {}: {}", warmup.error().mysql_errno, warmup.error().message);
    return measurement;
  }
  answer = warmup->Rows();
  measurement.num_rows = static_cast<int64_t>(answer.size());

  const double cpu_before = ProcessTreeCpuMs(server_pid_);
  for (int run = 0; run < num_runs; ++run) {
    start = steady_clock::now();
    const auto result = connection_.Query(query.sql);
    const double elapsed = MillisecondsSince(start);
    if (!result) {
      if (result.error().code != ErrorCode::kMysql) return std::unexpected(result.error());
      measurement.error =
          fmt::format("error {}: {}", result.error().mysql_errno, result.error().message);
      measurement.runs_ms.clear();
      return measurement;
    }
    measurement.runs_ms.push_back(elapsed);
  }
  measurement.cpu_ms = (ProcessTreeCpuMs(server_pid_) - cpu_before) / num_runs;
  ASSIGN_OR_RETURN(const int64_t count_after, OffloadCount());
  measurement.offloaded = count_after - count_before == num_runs + 1;
  return measurement;
}

Result<Answer> MysqlSide::AnswerOfInnodb(const BenchQuery& query, int limit_seconds) {
  constexpr uint32_t kQueryTimeout = 3024;
  RETURN_IF_ERROR(connection_.Execute(fmt::format(
      "SET SESSION use_secondary_engine = OFF, max_execution_time = {}", limit_seconds * 1000)));
  auto result = connection_.Query(query.sql);
  RETURN_IF_ERROR(
      connection_.Execute("SET SESSION use_secondary_engine = ON, max_execution_time = 0"));
  if (result) return result->Rows();
  if (result.error().mysql_errno == kQueryTimeout) {
    return MakeError(ErrorCode::kTimeout, "InnoDB took too long");
  }
  return std::unexpected(result.error());
}

nlohmann::json MysqlSide::NamesAndValues(const std::string& sql) {
  nlohmann::json object = nlohmann::json::object();
  const auto result = connection_.Query(sql);
  if (!result) return object;
  for (const auto& row : result->Rows()) object[row[0].value_or("")] = row[1].value_or("NULL");
  return object;
}

nlohmann::json MysqlSide::Describe() {
  auto value = [this](const char* sql) { return connection_.QueryValue(sql).value_or("unknown"); };
  nlohmann::json description = {
      {"version", value("SELECT VERSION()")},
      {"rapid_plugin",
       value("SELECT PLUGIN_VERSION FROM information_schema.PLUGINS WHERE PLUGIN_NAME = 'RAPID'")},
      {"collation", value("SELECT TABLE_COLLATION FROM information_schema.TABLES WHERE "
                          "TABLE_SCHEMA = DATABASE() AND "
                          "TABLE_NAME = 'lineitem'")},
      {"variables",
       NamesAndValues("SHOW GLOBAL VARIABLES WHERE Variable_name LIKE 'rapid%' OR Variable_name "
                      "LIKE 'secondary_engine%' "
                      "OR Variable_name IN ('innodb_buffer_pool_size', 'use_secondary_engine')")},
      {"status", NamesAndValues("SHOW GLOBAL STATUS LIKE 'rapid%'")}};
  return description;
}

Result<void> MysqlSide::CheckScale(double scale_factor) {
  ASSIGN_OR_RETURN(const tpch::Scale scale, tpch::Scale::Make(scale_factor));
  ASSIGN_OR_RETURN(const std::string count,
                   connection_.QueryValue("SELECT COUNT(*) FROM supplier"));
  if (count != std::to_string(scale.NumRows(tpch::Table::kSupplier))) {
    return MakeError(ErrorCode::kInvalidArgument,
                     fmt::format("table supplier has {} rows: not TPC-H at scale factor {}", count,
                                 scale.ToString()));
  }
  return {};
}

}  // namespace sirocco::bench
