#include "cli/status.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/commands/arguments.h"
#include "cli/commands/commands.h"
#include "cli/installation.h"
#include "cli/machine.h"
#include "cli/system_files.h"

namespace sirocco::cli {
namespace {

void PrintJson(const System& system, const SystemStatus& status) {
  nlohmann::ordered_json json;
  json["name"] = system.name;
  json["state"] = SystemStateName(status.state);
  json["up"] = status.state == SystemState::kUp;
  json["pid"] = status.pid;
  json["host"] = "127.0.0.1";
  json["port"] = status.port;
  json["socket"] = system.SocketFile().string();
  json["folder"] = system.folder.string();
  json["client_config"] = system.ClientConfig().string();
  json["server_version"] = status.server_version;
  json["uptime_seconds"] = status.uptime_seconds;
  json["rapid_plugin"] = status.rapid_plugin;
  json["rapid_service"] = status.rapid_service;
  json["note"] = status.note;
  // A path may hold any bytes; an answer that is not UTF-8 must not end the program.
  fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

void PrintText(const System& system, const SystemStatus& status) {
  const auto line = [](const char* key, const std::string& value) {
    if (!value.empty()) fmt::print("{:<8} {}\n", key, value);
  };
  line("system", system.name);
  line("state", SystemStateName(status.state));
  if (!status.server_version.empty()) {
    line("server", "MySQL " + status.server_version);
    line("uptime", FormatDuration(status.uptime_seconds));
    line("rapid", status.rapid_plugin.empty() ? "plugin not installed"
                                              : fmt::format("plugin {}{}{}", status.rapid_plugin,
                                                            status.rapid_service.empty() ? "" : ", service ",
                                                            status.rapid_service));
  }
  if (status.pid != 0) line("process", std::to_string(status.pid));
  line("port", fmt::format("127.0.0.1:{}", status.port));
  line("socket", system.SocketFile().string());
  line("folder", system.folder.string());
  line("note", status.note);
}

}  // namespace

void RegisterStatus(CLI::App& app, int& exit_code) {
  struct Arguments {
    std::string name;
    bool json = false;
  };
  CLI::App* command = app.add_subcommand("status", "Tell what a DB system is doing; exit code 0 only if it is up");
  auto arguments = std::make_shared<Arguments>();
  AddName(*command, arguments->name);
  command->add_flag("--json", arguments->json, "As JSON");
  command->callback([arguments, &exit_code] {
    auto system = OpenSystem(arguments->name);
    if (!system) {
      exit_code = ReportError(system.error());
      return;
    }
    SystemStatus status = InspectSystem(*system);
    auto installation = FindInstallation();
    if (status.state == SystemState::kUp && status.note.empty() && installation && !HasCurrentPlugin(*system, *installation)) {
      status.note = "the build has another RAPID plugin; `sirocco restart " + system->name + "` loads it";
    }
    if (arguments->json) PrintJson(*system, status);
    else PrintText(*system, status);
    exit_code = status.state == SystemState::kUp ? kExitOk : kExitNotUp;
  });
}

}  // namespace sirocco::cli
