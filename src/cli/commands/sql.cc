#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/commands/commands.h"
#include "cli/installation.h"
#include "cli/process.h"
#include "cli/status.h"

namespace sirocco::cli {
namespace {

// Replaces this process by the mysql client; returns only on failure.
Error StartClient(std::vector<std::string> arguments) {
  std::string name = kDefaultSystem;
  if (!arguments.empty() && !arguments[0].starts_with('-')) {
    name = arguments[0];
    arguments.erase(arguments.begin());
  }
  auto system = OpenSystem(name);
  if (!system) return system.error();
  if (auto account = ReadAccount(*system); !account) {
    Error error = account.error();
    error.code = ErrorCode::kIo;
    error.message += fmt::format("\n  `sirocco down {0}` and `sirocco up {0} --reset-password` make a new one", name);
    return error;
  }
  if (FindServer(*system) == 0) {
    return Error{ErrorCode::kUnavailable, 0, fmt::format("system '{}' is not up; `sirocco up {}` starts it", name, name)};
  }
  auto installation = FindInstallation();
  if (!installation) return installation.error();
  std::vector<std::string> command = MysqlCommand(*installation, installation->mysql);
  // Only our file: a password or a socket in the user's own ~/.my.cnf would lead to another server.
  command.push_back("--defaults-file=" + system->ClientConfig().string());
  command.push_back("--no-login-paths");
  command.insert(command.end(), arguments.begin(), arguments.end());
  return ReplaceProcess(command);
}

}  // namespace

void RegisterSql(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "sql", "Open the mysql client on a DB system: sql [NAME] [any option of the client]; reads standard input");
  // Everything behind `sql` is for the client, --help too.
  command->set_help_flag();
  command->prefix_command();
  command->callback([command, &exit_code] { exit_code = ReportError(StartClient(command->remaining())); });
}

}  // namespace sirocco::cli
