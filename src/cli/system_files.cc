#include "cli/system_files.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <system_error>

#include "cli/log_tail.h"
#include "cli/machine.h"
#include "cli/option_file.h"
#include "cli/process.h"

namespace sirocco::cli {
namespace {

namespace fs = std::filesystem;

constexpr uint16_t kFirstPort = 3306;
constexpr size_t kPasswordSize = 24;  // of 62 characters: 143 bits
constexpr uint64_t kMebibyte = 1024 * 1024;

std::unexpected<Error> IoError(const std::string& action, const fs::path& path, const std::string& reason) {
  return MakeError(ErrorCode::kIo, fmt::format("{} {}: {}", action, path.string(), reason));
}

// Makes a folder that only we can enter; an existing one must be ours.
Result<void> MakePrivateFolder(const fs::path& folder) {
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return IoError("cannot make", folder, std::strerror(errno));
  struct stat found;
  if (lstat(folder.c_str(), &found) != 0) return IoError("cannot read", folder, std::strerror(errno));
  if (!S_ISDIR(found.st_mode)) return IoError("cannot use", folder, "it is not a folder");
  if (found.st_uid != getuid()) return IoError("cannot use", folder, "it belongs to another user");
  if ((found.st_mode & 077) != 0 && chmod(folder.c_str(), 0700) != 0) {
    return IoError("cannot protect", folder, std::strerror(errno));
  }
  return {};
}

Result<std::string> RandomPassword() {
  static constexpr std::string_view kCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string password;
  while (password.size() < kPasswordSize) {
    unsigned char byte = 0;
    if (getrandom(&byte, 1, 0) != 1) return MakeError(ErrorCode::kIo, "the system has no random numbers");
    // Bytes above the largest multiple of 62 would make some characters more likely.
    if (byte < 248) password += kCharacters[byte % kCharacters.size()];
  }
  return password;
}

// Makes `link` point to `target`, replacing what was there in one step.
Result<void> MakeLink(const fs::path& target, const fs::path& link) {
  std::error_code error;
  if (fs::is_symlink(link, error) && fs::read_symlink(link, error) == target) return {};
  const fs::path temporary = link.string() + ".new";
  fs::remove(temporary, error);
  fs::create_symlink(target, temporary, error);
  if (!error) fs::rename(temporary, link, error);
  if (error) return IoError("cannot make", link, error.message());
  return {};
}

bool IsSameFile(const fs::path& source, const fs::path& copy) {
  std::error_code error;
  if (fs::is_symlink(copy, error) || !fs::exists(copy, error) || fs::file_size(copy, error) != fs::file_size(source, error)) {
    return false;
  }
  return fs::last_write_time(copy, error) == fs::last_write_time(source, error) && !error;
}

// Copies `source` to `copy` if size or time of change differ; the old file lives on for those who use it.
Result<void> CopyIfChanged(const fs::path& source, const fs::path& copy) {
  if (IsSameFile(source, copy)) return {};
  std::error_code error;
  const auto time = fs::last_write_time(source, error);
  if (error) return IoError("cannot read", source, error.message());
  const fs::path temporary = copy.string() + ".new";
  fs::copy_file(source, temporary, fs::copy_options::overwrite_existing, error);
  if (!error) fs::last_write_time(temporary, time, error);
  if (!error) fs::rename(temporary, copy, error);
  if (error) return IoError("cannot write", copy, error.message());
  return {};
}

// plugins/: links to the server's own plugins, and our copy of ha_rapid.so: a server has one plugin folder only.
Result<void> RefreshPlugins(const System& system, const Installation& installation) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(system.PluginFolder(), error)) {
    if (entry.is_symlink(error) && !fs::exists(entry.path(), error)) fs::remove(entry.path(), error);
  }
  if (!installation.server_plugins.empty()) {
    for (const auto& entry : fs::directory_iterator(installation.server_plugins, error)) {
      if (entry.path().extension() != ".so" && entry.path().extension() != ".ini") continue;
      RETURN_IF_ERROR(MakeLink(entry.path(), system.PluginFolder() / entry.path().filename()));
    }
  }
  const fs::path rapid = system.PluginFolder() / "ha_rapid.so";
  if (!installation.rapid_plugin.empty()) {
    RETURN_IF_ERROR(CopyIfChanged(installation.rapid_plugin, rapid));
  } else {
    fs::remove(rapid, error);
  }
  return {};
}

// Settings that follow from where things are; the user's my.cnf may override each.
std::string GeneratedSettings(const System& system, const Installation& installation) {
  std::string text =
      "# Written by `sirocco up` each time: change my.cnf instead, its lines win.\n"
      "[mysqld]\n";
  const auto add = [&text](std::string_view key, const std::string& value) {
    text += fmt::format("{} = {}\n", key, EscapeOptionValue(value));
  };
  add("basedir", installation.basedir.string());
  add("lc_messages_dir", installation.share.string());
  add("character_sets_dir", (installation.share / "charsets").string());
  add("datadir", system.DataFolder().string());
  add("tmpdir", (system.folder / "tmp").string());
  add("secure_file_priv", (system.folder / "files").string());
  add("socket", system.SocketFile().string());
  add("pid_file", system.PidFile().string());
  add("log_error", system.ErrorLog().string());
  add("plugin_dir", system.PluginFolder().string());
  if (getuid() == 0) {
    text += "# mysqld refuses to run as root unless told so by name; this system was started by root.\n";
    add("user", "root");
  }
  if (!installation.rapid_plugin.empty()) {
    add("plugin_load_add", "ha_rapid.so");
    add("loose_rapid_node_socket", system.NodeSocketFile().string());
    add("loose_rapid_node_log", system.NodeLog().string());
    if (!installation.rapid_node.empty()) add("loose_rapid_node_command", (system.ProgramFolder() / "rapidd").string());
  }
  return text;
}

// Ports that other systems have in their configuration, up or not.
std::set<uint16_t> TakenPorts(const System& except) {
  std::set<uint16_t> taken;
  auto systems = ListSystems();
  if (!systems) return taken;
  for (const System& system : *systems) {
    if (system.name == except.name) continue;
    if (auto account = ReadAccount(system)) taken.insert(account->port);
  }
  return taken;
}

Result<uint16_t> ChoosePort(const System& system, const std::optional<uint16_t>& wanted) {
  if (wanted) {
    RETURN_IF_ERROR(CheckPort(system, *wanted));
    return *wanted;
  }
  const std::set<uint16_t> taken = TakenPorts(system);
  for (uint16_t port = kFirstPort; port < kFirstPort + 1000; ++port) {
    if (!taken.contains(port) && IsPortFree(port)) return port;
  }
  return MakeError(ErrorCode::kAlreadyExists, fmt::format("no free port from {} on", kFirstPort));
}

}  // namespace

Result<void> MakeFolders(const System& system) {
  for (const fs::path& folder :
       {system.folder, system.LogFolder(), system.RunFolder(), system.PluginFolder(), system.ProgramFolder(),
        system.folder / "tmp", system.folder / "files", system.runtime_folder}) {
    RETURN_IF_ERROR(MakePrivateFolder(folder));
  }
  return {};
}

fs::path PasswordStatementFile(const System& system) { return system.RunFolder() / "set_password.sql"; }

Result<void> MakePassword(const System& system) {
  ASSIGN_OR_RETURN(const std::string password, RandomPassword());
  // Not in the binary log: each server of a replication topology keeps its own root password.
  RETURN_IF_ERROR(WriteFile(PasswordStatementFile(system),
                            fmt::format("SET SESSION sql_log_bin = 0;\n"
                                        "ALTER USER 'root'@'localhost' IDENTIFIED BY '{}';\n"
                                        "SET SESSION sql_log_bin = 1;\n",
                                        password),
                            0600));
  return WriteFile(system.ClientConfig(),
                   fmt::format("# For any MySQL client: mysql --defaults-file={}\n"
                               "[client]\n"
                               "user = root\n"
                               "password = {}\n"
                               "socket = {}\n",
                               system.ClientConfig().string(), password, EscapeOptionValue(system.SocketFile().string())),
                   0600);
}

Result<void> InitialiseData(const System& system, const Installation& installation) {
  // Under another name until it is complete: an interrupted run leaves nothing that looks like data.
  const fs::path unfinished = system.folder / "data.new";
  std::error_code error;
  fs::remove_all(unfinished, error);
  std::vector<std::string> command = MysqlCommand(installation, installation.mysqld);
  for (const std::string& option :
       {std::string("--no-defaults"), std::string("--initialize-insecure"), "--basedir=" + installation.basedir.string(),
        "--lc-messages-dir=" + installation.share.string(),
        "--character-sets-dir=" + (installation.share / "charsets").string(), "--datadir=" + unfinished.string(),
        std::string("--log-error-verbosity=2")}) {
    command.push_back(option);
  }
  if (getuid() == 0) command.push_back("--user=root");
  const uint64_t log_start = FileSize(system.ErrorLog());
  ASSIGN_OR_RETURN(const int status, RunProgram(command, system.ErrorLog()));
  if (status != 0) {
    return MakeError(ErrorCode::kIo, fmt::format("mysqld could not initialise {} (exit {}):\n{}", unfinished.string(),
                                                 status, LogSince(system.ErrorLog(), log_start)));
  }
  fs::rename(unfinished, system.DataFolder(), error);
  if (error) return IoError("cannot make", system.DataFolder(), error.message());
  return {};
}

Result<void> WriteServerConfig(const System& system, const NewSystemOptions& options) {
  // Two new systems must not choose the same port.
  ASSIGN_OR_RETURN(const fs::path systems, SystemsFolder());
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::Acquire(systems / ".lock", "waiting for another `sirocco up`"));
  ASSIGN_OR_RETURN(const uint16_t port, ChoosePort(system, options.port));

  const uint64_t total = options.memory_bytes != 0 ? options.memory_bytes : MachineMemoryBytes() / 10 * 7;
  // 25 : 45 between InnoDB and the engine. InnoDB rounds its pool to 128 MB; more than 128 MB is given in such steps.
  uint64_t pool = total / 70 * 25;
  pool = std::max(pool / (128 * kMebibyte) * (128 * kMebibyte), 64 * kMebibyte);
  const uint64_t engine = std::max(total - std::min(total, pool), 64 * kMebibyte);
  const uint64_t redo = std::clamp(pool / 8, 100 * kMebibyte, 4096 * kMebibyte);

  uint32_t server_id = 0;
  if (getrandom(&server_id, sizeof server_id, 0) != sizeof server_id) {
    return MakeError(ErrorCode::kIo, "the system has no random numbers");
  }
  server_id = std::max(server_id, 1u);

  std::string text = fmt::format(
      "# Settings of the MySQL server of the Sirocco system \"{0}\". Written once, yours to change; then: sirocco restart {0}\n"
      "!include {1}\n"
      "\n"
      "[mysqld]\n"
      "# Loopback only. To serve other machines set bind_address, and create accounts for them.\n"
      "bind_address = 127.0.0.1\n"
      "port = {2}\n"
      "mysqlx = OFF\n"
      "# Drawn at random: servers that replicate from each other need different ones.\n"
      "server_id = {7}\n"
      "\n"
      "# About 25 % of memory for InnoDB.\n"
      "innodb_buffer_pool_size = {3}\n"
      "innodb_redo_log_capacity = {4}\n"
      "\n"
      "# Every commit is on disk; changes reach RAPID through the binary log (ROW, the default).\n"
      "innodb_flush_log_at_trx_commit = 1\n"
      "sync_binlog = 1\n"
      "log_bin = binlog\n"
      "binlog_row_image = FULL\n"
      "gtid_mode = ON\n"
      "enforce_gtid_consistency = ON\n"
      "\n"
      "# About 45 % of memory for the engine's node, in bytes; all cores.\n"
      "loose_rapid_node_memory_limit = {5}\n"
      "loose_rapid_node_threads = {6}\n"
      "# Offered to RAPID: what the optimizer expects to keep InnoDB busy for more than some milliseconds\n"
      "# (about 1,000 units a millisecond; the server's own default is 100000).\n"
      "secondary_engine_cost_threshold = 5000\n",
      system.name, system.GeneratedConfig().string(), port, FormatSize(pool), FormatSize(redo), engine, MachineCores(), server_id);
  return WriteFile(system.ServerConfig(), text, 0600);
}

Result<void> ChangePort(const System& system, const std::optional<uint16_t>& port) {
  ASSIGN_OR_RETURN(const fs::path systems, SystemsFolder());
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::Acquire(systems / ".lock", "waiting for another `sirocco up`"));
  ASSIGN_OR_RETURN(const uint16_t free_port, ChoosePort(system, port));
  ASSIGN_OR_RETURN(const std::string text, ReadFile(system.ServerConfig()));
  return WriteFile(system.ServerConfig(), SetOption(text, "mysqld", "port", std::to_string(free_port)), 0600);
}

Result<void> RefreshPrograms(const System& system, const Installation& installation) {
  RETURN_IF_ERROR(RefreshPlugins(system, installation));
  RETURN_IF_ERROR(MakeLink(installation.loader, system.ProgramFolder() / "mysqld"));
  if (!installation.rapid_node.empty()) {
    RETURN_IF_ERROR(CopyIfChanged(installation.rapid_node, system.ProgramFolder() / "rapidd"));
    // rapidd looks for it beside itself.
    const fs::path ml_worker = installation.rapid_node.parent_path() / "rapidd-ml";
    std::error_code error;
    if (fs::exists(ml_worker, error)) RETURN_IF_ERROR(CopyIfChanged(ml_worker, system.ProgramFolder() / "rapidd-ml"));
  }
  return WriteFile(system.GeneratedConfig(), GeneratedSettings(system, installation), 0600);
}

bool HasCurrentPlugin(const System& system, const Installation& installation) {
  return installation.rapid_plugin.empty() ||
         IsSameFile(installation.rapid_plugin, system.PluginFolder() / "ha_rapid.so");
}

Result<void> LoadTimeZones(const System& system, const Installation& installation) {
  const fs::path zones = "/usr/share/zoneinfo";
  std::error_code error;
  if (!fs::exists(zones / "UTC", error)) {
    return MakeError(ErrorCode::kNotFound, "no named time zones: this machine has no /usr/share/zoneinfo");
  }
  const fs::path statements = system.RunFolder() / "time_zones.sql";
  fs::remove(statements, error);
  std::vector<std::string> generate =
      MysqlCommand(installation, installation.mysql.parent_path() / "mysql_tzinfo_to_sql");
  generate.push_back(zones.string());
  ASSIGN_OR_RETURN(int status, RunProgram(generate, statements));
  if (status == 0) {
    std::vector<std::string> execute = MysqlCommand(installation, installation.mysql);
    for (const std::string& argument :
         {"--defaults-file=" + system.ClientConfig().string(), std::string("--no-login-paths"),
          std::string("--init-command=SET SESSION sql_log_bin = 0"), std::string("mysql")}) {
      execute.push_back(argument);
    }
    ASSIGN_OR_RETURN(status, RunProgram(execute, system.ErrorLog(), statements));
  }
  fs::remove(statements, error);
  if (status != 0) {
    return MakeError(ErrorCode::kIo, fmt::format("the named time zones could not be loaded (exit code {})", status));
  }
  return {};
}

Result<void> CheckPort(const System& system, uint16_t port) {
  if (TakenPorts(system).contains(port)) {
    return MakeError(ErrorCode::kAlreadyExists, fmt::format("another system has port {} (`sirocco list`)", port));
  }
  if (!IsPortFree(port)) {
    return MakeError(ErrorCode::kAlreadyExists, fmt::format("another program uses port {}", port));
  }
  return {};
}

bool IsPortFree(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);  // as mysqld does: ports in TIME_WAIT are free
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool free = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && listen(fd, 1) == 0;
  close(fd);
  return free;
}

}  // namespace sirocco::cli
