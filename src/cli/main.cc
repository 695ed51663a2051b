// The sirocco program. Exit codes are in cli/command.h.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>

#include "cli/command.h"
#include "cli/commands/commands.h"
#ifdef SIROCCO_HAS_TPCH
#include "cli/tpch/tpch_command.h"
#endif
#ifdef SIROCCO_HAS_BENCH
#include "cli/bench/bench_command.h"
#endif

namespace sirocco::cli {
namespace {

constexpr const char* kFooter =
    "NAME is the DB system, `main` unless given. Systems live in ${SIROCCO_HOME:-~/.sirocco}/systems.\n"
    "Exit codes: 0 done (status: up), 1 failed, 2 wrong usage, 3 the system is not up, 4 no such system.";

// CLI11 says "A subcommand is required" for a misspelt one too.
std::string UsageMessage(const CLI::App& app, const CLI::Error& error, int argc, char** argv) {
  if (argc > 1 && argv[1][0] != '-' && app.get_subcommand_no_throw(argv[1]) == nullptr) {
    return "sirocco: no command '" + std::string(argv[1]) + "'; `sirocco --help` lists all\n";
  }
  return "sirocco: " + std::string(error.what()) + "; --help tells more\n";
}

int Run(int argc, char** argv) {
  int exit_code = kExitOk;
  CLI::App app("Sirocco: MySQL with an in-memory analytic engine", "sirocco");
  app.footer(kFooter);
  app.require_subcommand(1);
  RegisterQuickstart(app, exit_code);
  RegisterUp(app, exit_code);
  RegisterDown(app, exit_code);
  RegisterRestart(app, exit_code);
  RegisterStatus(app, exit_code);
  RegisterList(app, exit_code);
  RegisterSql(app, exit_code);
  RegisterLogs(app, exit_code);
  RegisterDestroy(app, exit_code);
#ifdef SIROCCO_HAS_TPCH
  RegisterTpch(app, exit_code);
#endif
#ifdef SIROCCO_HAS_BENCH
  RegisterBench(app, exit_code);
#endif
  RegisterCoverage(app, exit_code);
  RegisterVersion(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::fputs(UsageMessage(app, error, argc, argv).c_str(), stderr);
    return kExitUsage;
  }
  return exit_code;
}

}  // namespace
}  // namespace sirocco::cli

int main(int argc, char** argv) {
  // A reader that goes away (`sirocco list | head`) must not look like a failure of ours.
  signal(SIGPIPE, SIG_DFL);
  try {
    return sirocco::cli::Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sirocco: %s\n", error.what());
    return sirocco::cli::kExitFailed;
  }
}
