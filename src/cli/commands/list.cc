#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/commands/commands.h"
#include "cli/status.h"

namespace sirocco::cli {
namespace {

int RunList() {
  auto systems = ListSystems();
  if (!systems) return ReportError(systems.error());
  if (systems->empty()) {
    fmt::print(stderr, "sirocco: no DB systems yet; `sirocco up` makes one\n");
    return kExitOk;
  }
  fmt::print("{:<16} {:<9} {:<6} {:<12} {}\n", "NAME", "STATE", "PORT", "SERVER", "FOLDER");
  for (const System& system : *systems) {
    const SystemStatus status = InspectSystem(system);
    fmt::print("{:<16} {:<9} {:<6} {:<12} {}\n", system.name, SystemStateName(status.state), status.port,
               status.server_version.empty() ? "-" : status.server_version, system.folder.string());
  }
  return kExitOk;
}

}  // namespace

void RegisterList(CLI::App& app, int& exit_code) {
  app.add_subcommand("list", "List all DB systems")->callback([&exit_code] { exit_code = RunList(); });
}

}  // namespace sirocco::cli
