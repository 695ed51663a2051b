#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/commands/arguments.h"
#include "cli/commands/commands.h"
#include "cli/installation.h"
#include "cli/process.h"
#include "cli/status.h"

namespace sirocco::cli {
namespace {

struct QuickstartArguments {
  UpArguments up;
  double scale = 0.1;
  std::string schema = "tpch";
};

// Revenue, quantities and discounts by return flag and line status: query 1 of TPC-H, the classic of analytic queries.
constexpr const char* kQueryText =
    "SELECT l_returnflag, l_linestatus, SUM(l_quantity) AS sum_qty, SUM(l_extendedprice) AS sum_base_price,\n"
    "       SUM(l_extendedprice * (1 - l_discount)) AS sum_disc_price, AVG(l_discount) AS avg_disc, COUNT(*) AS count_order\n"
    "  FROM lineitem WHERE l_shipdate <= DATE '1998-12-01' - INTERVAL 90 DAY\n"
    " GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus";

struct Timed {
  TextResult result;
  double milliseconds = 0;
};

Result<Timed> RunTimed(Client& client, const char* engine_switch) {
  RETURN_IF_ERROR(client.Query(fmt::format("SET SESSION use_secondary_engine = {}", engine_switch)));
  const auto begin = std::chrono::steady_clock::now();
  ASSIGN_OR_RETURN(TextResult result, client.Query(kQueryText));
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - begin;
  return Timed{std::move(result), time.count()};
}

void PrintTable(const TextResult& result) {
  std::vector<size_t> widths;
  for (size_t column = 0; column < result.columns.size(); ++column) {
    widths.push_back(result.columns[column].size());
    for (const auto& row : result.rows) widths[column] = std::max(widths[column], row[column].value_or("NULL").size());
  }
  const auto print_row = [&](const auto& text_of) {
    for (size_t column = 0; column < widths.size(); ++column) {
      fmt::print("  {:<{}}", text_of(column), widths[column]);
    }
    fmt::print("\n");
  };
  print_row([&](size_t column) { return result.columns[column]; });
  for (const auto& row : result.rows) print_row([&](size_t column) { return row[column].value_or("NULL"); });
}

// The sample tables as information_schema shows them: how many of the eight exist, are meant for RAPID, and are in its memory.
struct SampleState {
  int tables = 0;
  int loaded = 0;
  std::vector<std::string> not_loaded;
};

constexpr int kSampleTables = 8;

Result<SampleState> InspectSample(Client& client, const std::string& schema) {
  ASSIGN_OR_RETURN(const TextResult tables,
                   client.Query(fmt::format(
                       "SELECT TABLE_NAME, CREATE_OPTIONS LIKE '%SECONDARY_LOAD=\"1\"%' FROM information_schema.TABLES"
                       " WHERE TABLE_SCHEMA = '{}' AND TABLE_NAME IN ('region', 'nation', 'supplier', 'customer', 'part',"
                       " 'partsupp', 'orders', 'lineitem')",
                       schema)));
  SampleState state;
  for (const auto& row : tables.rows) {
    ++state.tables;
    if (row[1] == "1") ++state.loaded;
    else state.not_loaded.push_back(row[0].value_or(""));
  }
  return state;
}

// Makes the eight tables exist and be in RAPID, with as little work as the state of the system allows.
Result<void> ProvideSample(const QuickstartArguments& arguments, const System& system, const Account& account) {
  {
    ASSIGN_OR_RETURN(Client client, Client::Connect(account));
    ASSIGN_OR_RETURN(const SampleState state, InspectSample(client, arguments.schema));
    if (state.tables == kSampleTables) {
      fmt::print("The TPC-H sample data are there already (schema {}).\n", arguments.schema);
      for (const std::string& table : state.not_loaded) {
        fmt::print(stderr, "sirocco: loading {}.{} into RAPID\n", arguments.schema, table);
        RETURN_IF_ERROR(client.Query(fmt::format("ALTER TABLE `{}`.`{}` SECONDARY_LOAD", arguments.schema, table)));
      }
      return {};
    }
  }
  fmt::print("Loading TPC-H sample data, scale factor {} ...\n", arguments.scale);
  ASSIGN_OR_RETURN(const int status,
                   RunProgram({OwnProgram().string(), "tpch", "load", "--sf", fmt::format("{}", arguments.scale), "--db",
                               arguments.schema, "--system", system.name}));
  if (status != 0) return MakeError(ErrorCode::kIo, fmt::format("loading the sample data failed (exit code {})", status));
  return {};
}

// After a restart of the server or the node, tables come back into RAPID by themselves; waits for that.
void WaitForTables(Client& client, const std::string& schema) {
  constexpr auto kPatience = std::chrono::seconds(180);
  const auto begin = std::chrono::steady_clock::now();
  bool told = false;
  while (std::chrono::steady_clock::now() - begin < kPatience) {
    auto ready = client.QueryValue(
        fmt::format("SELECT COUNT(*) FROM performance_schema.rpd_table_id JOIN performance_schema.rpd_tables USING (ID)"
                    " WHERE SCHEMA_NAME = '{}' AND LOAD_STATUS = 'AVAIL_RPDGSTABSTATE'",
                    schema));
    if (!ready || !*ready || std::atoi((*ready)->c_str()) >= kSampleTables) return;
    if (!told) fmt::print(stderr, "sirocco: waiting for RAPID to have the tables in memory again\n");
    told = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
}

Result<void> CompareEngines(Client& client, const std::string& schema) {
  RETURN_IF_ERROR(client.Query(fmt::format("USE `{}`", schema)));
  fmt::print("\nThe same statement on both engines:\n\n{}\n\n", kQueryText);
  ASSIGN_OR_RETURN(const Timed innodb, RunTimed(client, "OFF"));
  // Once unmeasured: a first query may pay for what later ones find ready.
  RETURN_IF_ERROR(RunTimed(client, "FORCED"));
  ASSIGN_OR_RETURN(const Timed rapid, RunTimed(client, "FORCED"));
  PrintTable(rapid.result);
  const bool equal = innodb.result.columns == rapid.result.columns && innodb.result.rows == rapid.result.rows;
  fmt::print("\n  InnoDB  {:10.1f} ms\n  RAPID   {:10.1f} ms   ({:.1f} times as fast)\n  results {}\n", innodb.milliseconds,
             rapid.milliseconds, innodb.milliseconds / std::max(rapid.milliseconds, 0.001),
             equal ? "are equal" : "DIFFER");
  if (!equal) return MakeError(ErrorCode::kInternal, "the two engines gave different results; please report this");
  return {};
}

void PrintNextSteps(const System& system, uint16_t port) {
  const std::string name = system.name == kDefaultSystem ? "" : " " + system.name;
  fmt::print(
      "\nYour DB system '{}' is up.\n"
      "  a session             ./sirocco sql{}\n"
      "  any MySQL client      mysql --defaults-file={}\n"
      "  over TCP              127.0.0.1:{}, user root, password in that file\n"
      "  state, logs           ./sirocco status{}    ./sirocco logs{}\n"
      "  stop, remove          ./sirocco down{}      ./sirocco destroy{}\n",
      system.name, name, system.ClientConfig().string(), port, name, name, name, name);
}

Result<void> ShowSample(CLI::App& app, const QuickstartArguments& arguments, const System& system) {
  const SystemStatus status = InspectSystem(system);
  if (status.rapid_plugin != "ACTIVE") {
    return MakeError(ErrorCode::kIo, "the RAPID plugin is not active: there is nothing to compare yet");
  }
  if (app.get_subcommand_no_throw("tpch") == nullptr) {
    return MakeError(ErrorCode::kIo, "this build has no `tpch` command: no sample data");
  }
  ASSIGN_OR_RETURN(const Account account, ReadAccount(system));
  RETURN_IF_ERROR(ProvideSample(arguments, system, account));
  ASSIGN_OR_RETURN(Client client, Client::Connect(account));
  WaitForTables(client, arguments.schema);
  return CompareEngines(client, arguments.schema);
}

int RunQuickstart(CLI::App& app, const QuickstartArguments& arguments) {
  if (const int code = RunUp(arguments.up); code != kExitOk) return code;
  auto system = OpenSystem(arguments.up.name);
  if (!system) return ReportError(system.error());
  std::fflush(stdout);
  int code = kExitOk;
  if (auto shown = ShowSample(app, arguments, *system); !shown) code = ReportError(shown.error());
  PrintNextSteps(*system, InspectSystem(*system).port);
  return code;
}

}  // namespace

void RegisterQuickstart(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("quickstart", "A DB system with sample data, and one query on both engines");
  auto arguments = std::make_shared<QuickstartArguments>();
  AddUpOptions(*command, arguments->up);
  command->add_option("--sf", arguments->scale, "Scale factor of the TPC-H sample data")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->callback([arguments, &app, &exit_code] { exit_code = RunQuickstart(app, *arguments); });
}

}  // namespace sirocco::cli
