#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "cli/command.h"
#include "cli/commands/arguments.h"
#include "cli/commands/commands.h"
#include "cli/lifecycle.h"
#include "cli/status.h"

namespace sirocco::cli {
namespace {

struct DestroyArguments {
  std::string name;
  bool yes = false;
  bool force = false;
};

Result<void> Confirm(const System& system) {
  if (isatty(STDIN_FILENO) == 0) {
    return MakeError(ErrorCode::kInvalidArgument, "destroy asks before it removes data; without a terminal say --yes");
  }
  fmt::print(stderr, "This removes system '{}' with all its data: {}\nType its name to go on: ", system.name,
             system.folder.string());
  std::string answer;
  if (!std::getline(std::cin, answer) || answer != system.name) {
    return MakeError(ErrorCode::kCancelled, "nothing was removed");
  }
  return {};
}

Result<void> Destroy(const DestroyArguments& arguments) {
  ASSIGN_OR_RETURN(const System system, OpenSystem(arguments.name));
  if (!arguments.force && FindServer(system) != 0) {
    return MakeError(ErrorCode::kUnavailable, fmt::format("system '{}' is up; `sirocco down {}` first, or use --force",
                                                          system.name, system.name));
  }
  if (!arguments.yes) RETURN_IF_ERROR(Confirm(system));
  return DestroySystem(system, arguments.force);
}

}  // namespace

void RegisterDestroy(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("destroy", "Remove a DB system and all its data");
  auto arguments = std::make_shared<DestroyArguments>();
  AddName(*command, arguments->name);
  command->add_flag("-y,--yes", arguments->yes, "Do not ask");
  command->add_flag("--force", arguments->force, "Even if it is up");
  command->callback([arguments, &exit_code] {
    if (auto done = Destroy(*arguments); !done) {
      exit_code = done.error().code == ErrorCode::kUnavailable ? (ReportError(done.error()), kExitFailed)
                                                               : ReportError(done.error());
      return;
    }
    fmt::print("{} is removed\n", arguments->name);
    exit_code = kExitOk;
  });
}

}  // namespace sirocco::cli
