// sirocco-bench-duckdb: times the TPC-H queries in DuckDB. Started by `sirocco bench tpch --peer
// duckdb`, in a process of its own so that both sides start from the same state and never run at
// the same time.
//
//   sirocco-bench-duckdb --sf S --queries FOLDER --list 1,2,... --runs N --threads N --database
//   FILE [--answers FOLDER]
//     [--json FILE]
//
// FOLDER holds q01.sql ... as text for DuckDB. The database file is made if it is missing
// (":memory:" each time). Each query: one run to warm up, then N timed runs, from handing over the
// SQL text to the materialized result. With --answers, results are also written there as q01.csv
// ... ('|' between fields). The report is one JSON object, on standard output unless --json is
// given.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "duckdb_loader.h"
#include "duckdb_session.h"

namespace sirocco::bench {
namespace {

using std::chrono::duration;
using std::chrono::steady_clock;

struct Arguments {
  double scale_factor = 1;
  std::string queries, answers, json_file, database = ":memory:";
  std::vector<int> list;
  int num_runs = 5;
  int num_threads = 1;
};

double Milliseconds(steady_clock::time_point start) {
  return duration<double, std::milli>(steady_clock::now() - start).count();
}

double CpuMilliseconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  auto ms = [](const timeval& time) { return time.tv_sec * 1e3 + time.tv_usec / 1e3; };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

Result<std::string> ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return MakeError(ErrorCode::kIo, "cannot read " + path);
  std::string text(std::istreambuf_iterator<char>(file), {});
  while (!text.empty() && (text.back() == '\n' || text.back() == ';')) text.pop_back();
  return text;
}

// Opens the database; makes it first, under a temporary name, if it is a file that does not exist.
Result<DuckdbSession> OpenWithData(const Arguments& arguments, tpch::Scale scale) {
  const bool in_memory = arguments.database == ":memory:";
  if (!in_memory && !std::filesystem::exists(arguments.database)) {
    std::error_code ignored;
    const std::string unfinished = fmt::format("{}.{}", arguments.database, getpid());
    std::filesystem::create_directories(std::filesystem::path(arguments.database).parent_path(),
                                        ignored);
    Result<void> loaded;
    {
      ASSIGN_OR_RETURN(DuckdbSession session, DuckdbSession::Open(unfinished));
      loaded = LoadTpch(session, scale);
    }
    if (!loaded) {
      std::filesystem::remove(unfinished, ignored);
      return std::unexpected(loaded.error());
    }
    std::filesystem::rename(unfinished, arguments.database, ignored);
    if (ignored)
      return MakeError(ErrorCode::kIo, "cannot rename " + unfinished + ": " + ignored.message());
  }
  ASSIGN_OR_RETURN(DuckdbSession session, DuckdbSession::Open(arguments.database));
  if (in_memory) RETURN_IF_ERROR(LoadTpch(session, scale));
  RETURN_IF_ERROR(session.Query(fmt::format("SET threads = {}", arguments.num_threads)));
  return session;
}

Result<nlohmann::json> Run(const Arguments& arguments) {
  ASSIGN_OR_RETURN(const tpch::Scale scale, tpch::Scale::Make(arguments.scale_factor));
  const auto load_start = steady_clock::now();
  ASSIGN_OR_RETURN(DuckdbSession session, OpenWithData(arguments, scale));
  nlohmann::json report = {{"version", duckdb_library_version()},
                           {"database", arguments.database == ":memory:" ? "memory" : "file"},
                           {"threads", arguments.num_threads},
                           {"open_ms", Milliseconds(load_start)},
                           {"queries", nlohmann::json::array()}};
  for (int number : arguments.list) {
    ASSIGN_OR_RETURN(const std::string sql,
                     ReadText(fmt::format("{}/q{:02}.sql", arguments.queries, number)));
    nlohmann::json runs = nlohmann::json::array();
    auto start = steady_clock::now();
    ASSIGN_OR_RETURN(const int64_t num_rows, session.Query(sql));
    const double warmup_ms = Milliseconds(start);
    const double cpu_start = CpuMilliseconds();
    for (int run = 0; run < arguments.num_runs; ++run) {
      start = steady_clock::now();
      RETURN_IF_ERROR(session.Query(sql));
      runs.push_back(Milliseconds(start));
    }
    report["queries"].push_back({{"query", number},
                                 {"rows", num_rows},
                                 {"warmup_ms", warmup_ms},
                                 {"runs_ms", runs},
                                 {"cpu_ms", (CpuMilliseconds() - cpu_start) / arguments.num_runs}});
    if (!arguments.answers.empty()) {
      RETURN_IF_ERROR(session.Query(
          fmt::format("COPY ({}) TO '{}/q{:02}.csv' (DELIMITER '|', HEADER, QUOTE '', ESCAPE '', "
                      "NULLSTR 'NULL')",
                      sql, arguments.answers, number)));
    }
  }
  return report;
}

}  // namespace
}  // namespace sirocco::bench

int main(int argc, char** argv) {
  CLI::App app{"Times the TPC-H queries in DuckDB"};
  sirocco::bench::Arguments arguments;
  app.add_option("--sf", arguments.scale_factor)->required();
  app.add_option("--queries", arguments.queries)->required();
  app.add_option("--list", arguments.list)->delimiter(',')->required();
  app.add_option("--runs", arguments.num_runs)->check(CLI::Range(1, 1000));
  app.add_option("--threads", arguments.num_threads)->check(CLI::Range(1, 1024));
  app.add_option("--database", arguments.database);
  app.add_option("--answers", arguments.answers);
  app.add_option("--json", arguments.json_file);
  CLI11_PARSE(app, argc, argv);
  const auto report = sirocco::bench::Run(arguments);
  if (!report) {
    fmt::print(stderr, "sirocco-bench-duckdb: {}\n", report.error().message);
    return 1;
  }
  if (arguments.json_file.empty()) {
    fmt::print("{}\n", report->dump());
    return 0;
  }
  std::ofstream file(arguments.json_file);
  file << report->dump() << "\n";
  return file.flush() ? 0 : 1;
}
