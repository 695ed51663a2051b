#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/commands/arguments.h"
#include "cli/commands/commands.h"
#include "cli/machine.h"

namespace sirocco::cli {
namespace {

// Below this neither InnoDB nor the engine is of use.
constexpr uint64_t kMinMemoryBytes = 256ull << 20;

Result<SystemStatus> Up(const UpArguments& arguments) {
  ASSIGN_OR_RETURN(const System system, LocateSystem(arguments.name));
  UpOptions options;
  options.port = arguments.port;
  options.timeout_seconds = arguments.timeout_seconds;
  options.reset_password = arguments.reset_password;
  options.time_zones = !arguments.no_time_zones;
  if (!arguments.memory.empty()) {
    ASSIGN_OR_RETURN(options.memory_bytes, ParseSize(arguments.memory));
    if (options.memory_bytes < kMinMemoryBytes) {
      return MakeError(ErrorCode::kInvalidArgument, "--memory must be at least 256M");
    }
  }
  return UpSystem(system, options);
}

}  // namespace

void AddUpOptions(CLI::App& command, UpArguments& arguments) {
  AddName(command, arguments.name);
  command.add_option("--port", arguments.port, "TCP port on 127.0.0.1; default: what the system has, or a free one")
      ->check(CLI::Range(1, 65535));
  command.add_option("--timeout", arguments.timeout_seconds, "Seconds to wait for an answer")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
}

int RunUp(const UpArguments& arguments) {
  auto status = Up(arguments);
  if (!status) return ReportError(status.error());
  if (status->server_version.empty()) {
    fmt::print("{} is up on 127.0.0.1:{}, but nobody can log in as root\n", arguments.name, status->port);
  } else {
    fmt::print("{} is up: MySQL {} on 127.0.0.1:{}, RAPID {}\n", arguments.name, status->server_version, status->port,
               status->rapid_plugin.empty()    ? "not installed"
               : status->rapid_service.empty() ? "loaded"
                                               : status->rapid_service);
  }
  if (!status->note.empty()) fmt::print(stderr, "sirocco: {}\n", status->note);
  return kExitOk;
}

void RegisterUp(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("up", "Start a DB system; make it if there is none of that name");
  auto arguments = std::make_shared<UpArguments>();
  AddUpOptions(*command, *arguments);
  command->add_option("--memory", arguments->memory,
                      "For a new system: memory for InnoDB and the engine together, e.g. 8G; default: 70 % of the machine's");
  command->add_flag("--no-time-zones", arguments->no_time_zones, "For a new system: leave the named time zones out, some seconds faster");
  command->add_flag("--reset-password", arguments->reset_password, "Give root a new password");
  command->callback([arguments, &exit_code] { exit_code = RunUp(*arguments); });
}

}  // namespace sirocco::cli
