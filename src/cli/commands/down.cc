#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/command.h"
#include "cli/commands/arguments.h"
#include "cli/commands/commands.h"
#include "cli/lifecycle.h"

namespace sirocco::cli {

int RunDown(const std::string& name, unsigned timeout_seconds) {
  auto system = OpenSystem(name);
  if (!system) return ReportError(system.error());
  auto stopped = DownSystem(*system, timeout_seconds);
  if (!stopped) return ReportError(stopped.error());
  fmt::print("{} {}\n", name, *stopped ? "is down" : "was down already");
  return kExitOk;
}

void RegisterDown(CLI::App& app, int& exit_code) {
  struct Arguments {
    std::string name;
    unsigned timeout_seconds = 300;
  };
  CLI::App* command = app.add_subcommand("down", "Shut a DB system down; its data stay");
  auto arguments = std::make_shared<Arguments>();
  AddName(*command, arguments->name);
  command->add_option("--timeout", arguments->timeout_seconds, "Seconds to wait for the shutdown")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  command->callback([arguments, &exit_code] { exit_code = RunDown(arguments->name, arguments->timeout_seconds); });
}

}  // namespace sirocco::cli
