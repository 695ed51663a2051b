#include "cli/system.h"

#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <system_error>

#include "cli/option_file.h"

namespace sirocco::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxNameSize = 32;
// sun_path holds 108 bytes with the terminating zero.
constexpr size_t kMaxSocketPath = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::string_view kLongestSocketName = "/mysqld.sock.lock";

// FNV-1a, enough to tell the folders of one user apart in /tmp.
uint64_t HashPath(const std::string& path) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (unsigned char c : path) hash = (hash ^ c) * 0x100000001b3u;
  return hash;
}

std::string Hex(uint64_t value) {
  char text[17];
  const auto end = std::to_chars(text, text + sizeof text, value, 16).ptr;
  return std::string(text, end);
}

fs::path RuntimeFolder(const fs::path& folder) {
  const fs::path usual = folder / "run";
  if (usual.native().size() + kLongestSocketName.size() <= kMaxSocketPath) return usual;
  return "/tmp/sirocco-" + std::to_string(getuid()) + "-" + Hex(HashPath(folder.native()));
}

}  // namespace

bool IsValidSystemName(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameSize || name[0] == '-') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

Result<fs::path> SystemsFolder() {
  const char* home = std::getenv("SIROCCO_HOME");
  fs::path root;
  if (home != nullptr && *home != '\0') {
    root = home;
  } else {
    const char* user_home = std::getenv("HOME");
    if (user_home == nullptr || *user_home == '\0') {
      return MakeError(ErrorCode::kNotFound, "set SIROCCO_HOME or HOME: no place for DB systems");
    }
    root = fs::path(user_home) / ".sirocco";
  }
  std::error_code error;
  const fs::path absolute = fs::absolute(root, error).lexically_normal();
  if (error) return MakeError(ErrorCode::kIo, "cannot resolve " + root.string() + ": " + error.message());
  return absolute / "systems";
}

Result<System> LocateSystem(std::string_view name) {
  if (!IsValidSystemName(name)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "a system's name is 1 to 32 letters, digits, '_' or '-' and does not start with '-': '" +
                         std::string(name) + "'");
  }
  ASSIGN_OR_RETURN(const fs::path systems, SystemsFolder());
  System system;
  system.name = name;
  system.folder = systems / system.name;
  system.runtime_folder = RuntimeFolder(system.folder);
  return system;
}

Result<System> OpenSystem(std::string_view name) {
  ASSIGN_OR_RETURN(System system, LocateSystem(name));
  std::error_code error;
  if (!fs::exists(system.ServerConfig(), error)) {
    return MakeError(ErrorCode::kNotFound, "no system '" + system.name + "' (`sirocco list` shows all, `sirocco up " +
                                               system.name + "` makes it): " + system.folder.string());
  }
  return system;
}

Result<std::vector<System>> ListSystems() {
  ASSIGN_OR_RETURN(const fs::path systems, SystemsFolder());
  std::vector<System> all;
  std::error_code error;
  for (fs::directory_iterator entry(systems, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!IsValidSystemName(name)) continue;
    if (auto system = OpenSystem(name)) all.push_back(std::move(*system));
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return MakeError(ErrorCode::kIo, "cannot read " + systems.string() + ": " + error.message());
  }
  std::sort(all.begin(), all.end(), [](const System& a, const System& b) { return a.name < b.name; });
  return all;
}

Result<Account> ReadAccount(const System& system) {
  auto client = ReadFile(system.ClientConfig());
  if (!client) {
    client.error().message += " (the file holds the system's root password)";
    return std::unexpected(std::move(client.error()));
  }
  Account account;
  auto user = FindOption(*client, "client", "user");
  auto password = FindOption(*client, "client", "password");
  auto socket = FindOption(*client, "client", "socket");
  if (!user || !password || !socket) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "user, password or socket is missing in " + system.ClientConfig().string());
  }
  account.user = *user;
  account.password = *password;
  account.socket = *socket;

  ASSIGN_OR_RETURN(const std::string server, ReadFile(system.ServerConfig()));
  const std::string port = FindOption(server, "mysqld", "port").value_or("3306");
  const auto parsed = std::from_chars(port.data(), port.data() + port.size(), account.port);
  if (parsed.ec != std::errc() || parsed.ptr != port.data() + port.size()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "not a port number in " + system.ServerConfig().string() + ": '" + port + "'");
  }
  return account;
}

}  // namespace sirocco::cli
