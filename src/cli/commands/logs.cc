#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "cli/command.h"
#include "cli/commands/arguments.h"
#include "cli/commands/commands.h"
#include "cli/process.h"

namespace sirocco::cli {
namespace {

struct LogsArguments {
  std::string name;
  bool follow = false;
  bool node = false;
  unsigned lines = 100;
};

Error ShowLog(const LogsArguments& arguments) {
  auto system = OpenSystem(arguments.name);
  if (!system) return system.error();
  const std::filesystem::path log = arguments.node ? system->NodeLog() : system->ErrorLog();
  std::error_code error;
  if (!std::filesystem::exists(log, error)) {
    return Error{ErrorCode::kIo, 0, fmt::format("there is no log yet: {}", log.string())};
  }
  std::vector<std::string> command = {"tail", "-n", std::to_string(arguments.lines)};
  if (arguments.follow) command.push_back("-F");
  command.push_back("--");
  command.push_back(log.string());
  return ReplaceProcess(command);
}

}  // namespace

void RegisterLogs(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("logs", "Show the end of a DB system's error log");
  auto arguments = std::make_shared<LogsArguments>();
  AddName(*command, arguments->name);
  command->add_flag("-f,--follow", arguments->follow, "Go on as the log grows");
  command->add_option("-n,--lines", arguments->lines, "Number of lines")->capture_default_str();
  command->add_flag("--node", arguments->node, "The log of the RAPID node in place of the server's");
  command->callback([arguments, &exit_code] { exit_code = ReportError(ShowLog(*arguments)); });
}

}  // namespace sirocco::cli
