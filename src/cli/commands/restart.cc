#include <CLI/CLI.hpp>
#include <memory>

#include "cli/command.h"
#include "cli/commands/arguments.h"
#include "cli/commands/commands.h"

namespace sirocco::cli {

void RegisterRestart(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("restart", "Shut a DB system down and start it again, with its new settings and programs");
  auto arguments = std::make_shared<UpArguments>();
  AddUpOptions(*command, *arguments);
  command->callback([arguments, &exit_code] {
    exit_code = RunDown(arguments->name, arguments->timeout_seconds);
    if (exit_code == kExitOk) exit_code = RunUp(*arguments);
  });
}

}  // namespace sirocco::cli
