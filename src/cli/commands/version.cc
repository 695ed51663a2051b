#include <fmt/format.h>
#include <mysql/mysql_version.h>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/commands/commands.h"
#include "cli/installation.h"

namespace sirocco::cli {

void RegisterVersion(CLI::App& app, int& exit_code) {
  app.add_subcommand("version", "Tell the versions of Sirocco and of the MySQL it was built for")->callback([&exit_code] {
    fmt::print("sirocco {} (built for MySQL {})\n", SIROCCO_VERSION, MYSQL_SERVER_VERSION);
    auto installation = FindInstallation();
    if (!installation) {
      exit_code = ReportError(installation.error());
      return;
    }
    const auto shown = [](const std::filesystem::path& path) { return path.empty() ? "not built" : path.string(); };
    fmt::print("server   {}\nplugin   {}\nnode     {}\n", installation->mysqld.string(), shown(installation->rapid_plugin),
               shown(installation->rapid_node));
    exit_code = kExitOk;
  });
}

}  // namespace sirocco::cli
