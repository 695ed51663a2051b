#include "cli/status.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <system_error>

#include "cli/client.h"
#include "cli/option_file.h"
#include "cli/process.h"

namespace sirocco::cli {
namespace {

// Number of the client error "access denied": the server answers, only our password is wrong.
constexpr uint32_t kAccessDenied = 1045;
constexpr uint32_t kPasswordExpired = 1862;

uint16_t ConfiguredPort(const System& system) {
  auto text = ReadFile(system.ServerConfig());
  if (!text) return 0;
  const std::string port = FindOption(*text, "mysqld", "port").value_or("3306");
  uint16_t number = 0;
  std::from_chars(port.data(), port.data() + port.size(), number);
  return number;
}

// Fills what only a logged-in client can tell.
void AskServer(Client& client, SystemStatus& status) {
  status.server_version = client.ServerVersion();
  if (auto uptime = client.QueryValue(
          "SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Uptime'");
      uptime && *uptime) {
    std::from_chars((*uptime)->data(), (*uptime)->data() + (*uptime)->size(), status.uptime_seconds);
  }
  if (auto plugin = client.QueryValue(
          "SELECT PLUGIN_STATUS FROM information_schema.PLUGINS WHERE PLUGIN_NAME = 'RAPID'");
      plugin && *plugin) {
    status.rapid_plugin = **plugin;
  }
  if (auto service = client.QueryValue(
          "SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = 'rapid_service_status'");
      service && *service) {
    status.rapid_service = **service;
  }
}

}  // namespace

const char* SystemStateName(SystemState state) {
  switch (state) {
    case SystemState::kDown: return "down";
    case SystemState::kStarting: return "starting";
    case SystemState::kUp: return "up";
    case SystemState::kCrashed: return "crashed";
  }
  return "unknown";
}

pid_t FindServer(const System& system) {
  const std::string mark = "--defaults-file=" + system.ServerConfig().string();
  if (auto text = ReadFile(system.PidFile())) {
    pid_t pid = 0;
    std::from_chars(text->data(), text->data() + text->size(), pid);
    if (IsRunningWith(pid, mark)) return pid;
  }
  // The pid file may have been lost; the socket knows who listens on it.
  const pid_t owner = SocketOwner(system.SocketFile());
  return IsRunningWith(owner, mark) ? owner : 0;
}

SystemStatus InspectSystem(const System& system) {
  SystemStatus status;
  status.port = ConfiguredPort(system);
  status.pid = FindServer(system);
  if (status.pid == 0) {
    std::error_code error;
    if (std::filesystem::exists(system.PidFile(), error)) {
      status.state = SystemState::kCrashed;
      status.note = "the server ended without a shutdown; the end of " + system.ErrorLog().string() + " may say why";
    }
    return status;
  }
  auto account = ReadAccount(system);
  if (!account) {
    status.note = account.error().message;
    // The server can still be seen to answer: it refuses an unknown password only after it has come up.
    account = Account{"root", "", system.SocketFile().string(), status.port};
  }
  auto client = Client::Connect(*account);
  if (client) {
    status.state = SystemState::kUp;
    AskServer(*client, status);
  } else if (client.error().mysql_errno == kAccessDenied || client.error().mysql_errno == kPasswordExpired) {
    status.state = SystemState::kUp;
    if (status.note.empty()) {
      status.note = fmt::format("the password in {} is not root's", system.ClientConfig().string());
    }
  } else {
    status.state = SystemState::kStarting;
    status.note = client.error().message;
  }
  return status;
}

}  // namespace sirocco::cli
