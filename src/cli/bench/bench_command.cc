#include "cli/bench/bench_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>

#include "cli/bench/oltp_bench.h"
#include "cli/bench/query_set.h"
#include "cli/bench/tpch_bench.h"
#include "cli/command.h"
#include "cli/machine.h"
#include "cli/system.h"

namespace sirocco::cli {
namespace {

struct BenchArguments {
  bench::TpchBenchOptions options;
  std::string system = kDefaultSystem;
  std::string option_file, queries, peer, json_file;
  std::string engine = "rapid";
  std::string check = "auto";
};

bench::AnswerCheck ToAnswerCheck(const std::string& name) {
  if (name == "published") return bench::AnswerCheck::kPublished;
  if (name == "innodb") return bench::AnswerCheck::kInnodb;
  return name == "none" ? bench::AnswerCheck::kNone : bench::AnswerCheck::kAuto;
}

struct OltpArguments {
  bench::OltpBenchOptions options;
  std::string system = kDefaultSystem;
  std::string option_file, json_file;
};

// Where to log in: a DB system of ours, or what the option file says.
template <typename Arguments>
Result<void> ChooseServer(Arguments& arguments) {
  auto& options = arguments.options;
  options.system = arguments.option_file.empty() ? arguments.system : arguments.option_file;
  options.option_file = arguments.option_file;
  if (!arguments.option_file.empty()) return {};
  ASSIGN_OR_RETURN(const System system, OpenSystem(arguments.system));
  options.option_file = system.ClientConfig();
  return {};
}

// The file is opened before a long run and filled after it.
Result<std::ofstream> OpenReport(const std::string& file) {
  std::ofstream json;
  if (file.empty()) return json;
  json.open(file);
  if (!json) return MakeError(ErrorCode::kIo, fmt::format("cannot write {}", file));
  return json;
}

Result<void> WriteReport(const nlohmann::json& report, const std::string& file,
                         std::ofstream* json) {
  if (!json->is_open()) return {};
  *json << report.dump(2) << "\n";
  if (!json->flush()) return MakeError(ErrorCode::kIo, fmt::format("cannot write {}", file));
  return {};
}

Result<int> RunOltpBench(OltpArguments arguments) {
  RETURN_IF_ERROR(ChooseServer(arguments));
  ASSIGN_OR_RETURN(std::ofstream json, OpenReport(arguments.json_file));
  ASSIGN_OR_RETURN(const bench::OltpReport report, bench::BenchOltp(arguments.options));
  fmt::print("{}", report.ToTable());
  RETURN_IF_ERROR(WriteReport(report.ToJson(), arguments.json_file, &json));
  return report.Passed() ? kExitOk : kExitFailed;
}

Result<int> RunTpchBench(BenchArguments arguments) {
  bench::TpchBenchOptions& options = arguments.options;
  RETURN_IF_ERROR(ChooseServer(arguments));
  ASSIGN_OR_RETURN(options.queries, bench::ParseQueryList(arguments.queries));
  options.use_rapid = arguments.engine == "rapid";
  options.check = ToAnswerCheck(arguments.check);
  options.with_duckdb = arguments.peer == "duckdb";

  ASSIGN_OR_RETURN(std::ofstream json, OpenReport(arguments.json_file));
  ASSIGN_OR_RETURN(const bench::BenchReport report, bench::BenchTpch(options));
  fmt::print("{}", bench::ToTable(report));
  if (!report.checked_against.empty() && report.Passed())
    fmt::print("checked answers equal to: {}\n", report.checked_against);
  RETURN_IF_ERROR(WriteReport(bench::ToJson(report), arguments.json_file, &json));
  return report.Passed() ? kExitOk : kExitFailed;
}

void RegisterTpch(CLI::App& bench, int& exit_code) {
  CLI::App* tpch = bench.add_subcommand(
      "tpch", "Time the 22 TPC-H queries (load the data with `sirocco tpch load`)");
  auto arguments = std::make_shared<BenchArguments>();
  arguments->options.num_threads = static_cast<int>(MachineCores());
  tpch->footer(
      "Exit code 0 only if every query ran, gave the right answer, and was offloaded (unless "
      "--engine innodb).");
  tpch->add_option("--sf", arguments->options.scale_factor, "Scale factor of the loaded data")
      ->capture_default_str();
  tpch->add_option("--db", arguments->options.database, "Database")->capture_default_str();
  tpch->add_option("--system", arguments->system, "DB system")->capture_default_str();
  tpch->add_option("--client-options", arguments->option_file,
                   "Option file with a login, in place of a DB system");
  tpch->add_option("--queries", arguments->queries,
                   "Which ones, for example 1,3,5-8; default: all");
  tpch->add_option("--runs", arguments->options.num_runs,
                   "Timed runs of each query, after one to warm up")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  tpch->add_option("--threads", arguments->options.num_threads,
                   "Threads of the peer; default: the machine's cores, as ours")
      ->check(CLI::Range(1, 1024));
  tpch->add_option("--engine", arguments->engine, "rapid, or innodb to time MySQL alone")
      ->check(CLI::IsMember({"rapid", "innodb"}))
      ->capture_default_str();
  tpch->add_option("--cost-threshold", arguments->options.cost_threshold,
                   "Session value of secondary_engine_cost_threshold; small data needs a low one "
                   "to be offloaded");
  tpch->add_option(
          "--check", arguments->check,
          "Where the right answers come from; auto: published at scale factor 1, else innodb")
      ->check(CLI::IsMember({"auto", "published", "innodb", "none"}))
      ->capture_default_str();
  tpch->add_option("--check-limit", arguments->options.check_limit_seconds,
                   "Seconds InnoDB may take for a right answer; beyond, the answer stays unchecked")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  tpch->add_option("--peer", arguments->peer, "Also time another system on the same data: duckdb")
      ->check(CLI::IsMember({"duckdb"}));
  tpch->add_option("--peer-database", arguments->options.duckdb_database,
                   "The peer's database: :memory:, or a file that is made if missing")
      ->capture_default_str();
  tpch->add_option("--json", arguments->json_file, "Write the full report to this file");
  tpch->callback([arguments, &exit_code] {
    const auto result = RunTpchBench(*arguments);
    exit_code = result ? *result : ReportError(result.error());
  });
}

void RegisterOltp(CLI::App& bench, int& exit_code) {
  CLI::App* oltp = bench.add_subcommand(
      "oltp", "Transactions with RAPID off, with their tables loaded, and with offloaded queries");
  auto arguments = std::make_shared<OltpArguments>();
  bench::OltpBenchOptions& options = arguments->options;
  oltp->footer(
      "Makes tables of its own and drops them. Exit code 0 only if RAPID never gave an answer "
      "without a change committed before.");
  oltp->add_option("--db", options.database, "Database, dropped at the end")->capture_default_str();
  oltp->add_option("--system", arguments->system, "DB system")->capture_default_str();
  oltp->add_option("--client-options", arguments->option_file,
                   "Option file with a login, in place of a DB system");
  oltp->add_option("--tables", options.scale.num_tables, "Tables")
      ->check(CLI::Range(2, 1000))
      ->capture_default_str();
  oltp->add_option("--rows", options.scale.rows_per_table, "Rows of each table")
      ->check(CLI::Range(1000, 100000000))
      ->capture_default_str();
  oltp->add_option("--clients", options.num_clients, "Clients that run transactions")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  oltp->add_option("--rounds", options.num_rounds, "How often each phase runs")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  oltp->add_option("--seconds", options.phase_seconds, "Length of a phase")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  oltp->add_option("--json", arguments->json_file, "Write the full report to this file");
  oltp->callback([arguments, &exit_code] {
    const auto result = RunOltpBench(*arguments);
    exit_code = result ? *result : ReportError(result.error());
  });
}

}  // namespace

void RegisterBench(CLI::App& app, int& exit_code) {
  CLI::App* bench = app.add_subcommand("bench", "Benchmarks");
  bench->require_subcommand(1);
  RegisterTpch(*bench, exit_code);
  RegisterOltp(*bench, exit_code);
}

}  // namespace sirocco::cli
