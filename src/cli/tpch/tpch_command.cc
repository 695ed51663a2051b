#include "cli/tpch/tpch_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <thread>

#include "cli/command.h"
#include "cli/system.h"
#include "cli/tpch/generate_files.h"
#include "cli/tpch/load.h"
#include "cli/tpch/progress.h"

namespace sirocco::cli {
namespace {

int DefaultThreads() {
  return static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, 16u));
}

struct LoadArguments {
  tpch::LoadOptions options;
  std::string system = kDefaultSystem;
  std::string option_file;
};

struct GenerateArguments {
  double scale_factor = 1;
  std::string folder;
  int num_threads = DefaultThreads();
};

Result<void> RunLoad(LoadArguments arguments) {
  if (arguments.option_file.empty()) {
    ASSIGN_OR_RETURN(const System system, OpenSystem(arguments.system));
    arguments.options.option_file = system.ClientConfig();
  } else {
    arguments.options.option_file = arguments.option_file;
  }
  return tpch::LoadTables(arguments.options);
}

Result<void> RunGenerate(const GenerateArguments& arguments) {
  ASSIGN_OR_RETURN(const tpch::Scale scale, tpch::Scale::Make(arguments.scale_factor));
  return tpch::GenerateFiles(
      scale, arguments.folder, arguments.num_threads, [](tpch::Table table, int64_t num_rows) {
        fmt::print(stderr, "{}.tbl: {} rows\n", tpch::TableName(table), tpch::WithCommas(num_rows));
      });
}

void RegisterLoad(CLI::App& tpch, int& exit_code) {
  auto arguments = std::make_shared<LoadArguments>();
  arguments->options.num_threads = DefaultThreads();
  CLI::App* load =
      tpch.add_subcommand("load", "Create the TPC-H tables, fill them and load them into RAPID");
  load->footer(
      "The tables have the types and primary keys of the TPC-H specification, no secondary indexes "
      "and no foreign keys.\n"
      "The load is not written to the binary log (sql_log_bin = 0): replicas do not get the data. "
      "It needs an account with\n"
      "SYSTEM_VARIABLES_ADMIN, turns local_infile on for its duration, and removes its tables if "
      "it fails or is interrupted.");
  load->add_option("--sf", arguments->options.scale_factor,
                   "Scale factor: 0.001 to 0.999 in steps of 0.001, or whole")
      ->capture_default_str();
  load->add_option("--db", arguments->options.database, "Database, created if missing")
      ->capture_default_str();
  load->add_option("--system", arguments->system, "DB system")->capture_default_str();
  load->add_option("--client-options", arguments->option_file,
                   "Option file with a login, in place of a DB system");
  load->add_option("--threads", arguments->options.num_threads, "Connections that load at a time")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  load->add_option("--collation", arguments->options.collation,
                   "Collation of the tables; default: the server's");
  load->add_flag("--replace", arguments->options.replace, "Drop TPC-H tables that are there");
  load->add_flag("!--no-secondary-load", arguments->options.secondary_load, "Fill InnoDB only");
  load->callback([arguments, &exit_code] {
    const auto result = RunLoad(*arguments);
    exit_code = result ? kExitOk : ReportError(result.error());
  });
}

void RegisterGenerate(CLI::App& tpch, int& exit_code) {
  auto arguments = std::make_shared<GenerateArguments>();
  CLI::App* generate = tpch.add_subcommand("generate", "Write the TPC-H tables as .tbl files");
  generate->add_option("--sf", arguments->scale_factor, "Scale factor")->capture_default_str();
  generate->add_option("--out", arguments->folder, "Folder, created if missing")->required();
  generate->add_option("--threads", arguments->num_threads, "Threads")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  generate->callback([arguments, &exit_code] {
    const auto result = RunGenerate(*arguments);
    exit_code = result ? kExitOk : ReportError(result.error());
  });
}

}  // namespace

void RegisterTpch(CLI::App& app, int& exit_code) {
  CLI::App* tpch =
      app.add_subcommand("tpch", "TPC-H's data: load it into a DB system, or write files");
  tpch->require_subcommand(1);
  RegisterLoad(*tpch, exit_code);
  RegisterGenerate(*tpch, exit_code);
}

}  // namespace sirocco::cli
