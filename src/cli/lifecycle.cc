#include "cli/lifecycle.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <thread>

#include "cli/installation.h"
#include "cli/log_tail.h"
#include "cli/option_file.h"
#include "cli/process.h"
#include "cli/system_files.h"

namespace sirocco::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::seconds;

constexpr auto kPollInterval = std::chrono::milliseconds(50);
constexpr int kPortAttempts = 5;
constexpr auto kProgressInterval = seconds(10);

void Say(const std::string& text) { std::fprintf(stderr, "sirocco: %s\n", text.c_str()); }

Result<FileLock> LockSystem(const System& system) {
  return FileLock::Acquire(system.folder / ".lock",
                           fmt::format("waiting for another command on system '{}'", system.name));
}

// Makes what a first start needs; each step is skipped if an earlier, interrupted run has done it.
Result<void> PrepareNewSystem(const System& system, const Installation& installation, const UpOptions& options) {
  std::error_code error;
  if (!fs::exists(system.DataFolder(), error)) {
    Say(fmt::format("initialising system '{}' in {}", system.name, system.folder.string()));
    RETURN_IF_ERROR(InitialiseData(system, installation));
    RETURN_IF_ERROR(MakePassword(system));
  } else if (!fs::exists(system.ClientConfig(), error)) {
    RETURN_IF_ERROR(MakePassword(system));
  }
  return WriteServerConfig(system, {options.port, options.memory_bytes});
}

Result<void> PreparePort(const System& system, const SystemStatus& status, const UpOptions& options) {
  if (options.port && *options.port != status.port) return ChangePort(system, *options.port);
  if (!IsPortFree(status.port)) {
    return MakeError(ErrorCode::kAlreadyExists,
                     fmt::format("another program uses port {} of system '{}'; choose another one with --port", status.port,
                                 system.name));
  }
  return {};
}

Error StartFailure(const System& system, uint64_t log_start, const std::string& what) {
  const std::string tail = LogSince(system.ErrorLog(), log_start);
  return Error{ErrorCode::kIo, 0,
               fmt::format("{}; {} says:\n{}", what, system.ErrorLog().string(), tail.empty() ? "  (nothing)" : tail)};
}

// Waits until the server answers. `child` is its pid if we started it, else 0.
Result<SystemStatus> WaitUntilUp(const System& system, pid_t child, uint64_t log_start, unsigned timeout_seconds) {
  const auto begin = Clock::now();
  auto next_word = begin + kProgressInterval;
  while (true) {
    int status = 0;
    if (child != 0 && waitpid(child, &status, WNOHANG) == child) {
      std::error_code error;
      fs::remove(system.PidFile(), error);
      const std::string how = WIFSIGNALED(status) ? fmt::format("was killed by signal {}", WTERMSIG(status))
                                                  : fmt::format("ended with exit code {}", WEXITSTATUS(status));
      return std::unexpected(StartFailure(system, log_start, fmt::format("mysqld of system '{}' {}", system.name, how)));
    }
    const SystemStatus now = InspectSystem(system);
    if (now.state == SystemState::kUp) return now;
    if (child == 0 && now.state != SystemState::kStarting) {
      return std::unexpected(StartFailure(system, log_start, fmt::format("mysqld of system '{}' ended", system.name)));
    }
    if (Clock::now() - begin > seconds(timeout_seconds)) {
      return MakeError(ErrorCode::kTimeout,
                       fmt::format("system '{}' does not answer after {} s; it goes on starting (`sirocco status {}`, "
                                   "`sirocco logs {}`)",
                                   system.name, timeout_seconds, system.name, system.name));
    }
    if (Clock::now() > next_word) {
      Say(fmt::format("system '{}' is starting, {} s", system.name,
                      std::chrono::duration_cast<seconds>(Clock::now() - begin).count()));
      next_word += kProgressInterval;
    }
    std::this_thread::sleep_for(kPollInterval);
  }
}

Result<SystemStatus> StartServer(const System& system, const Installation& installation, unsigned timeout_seconds) {
  std::vector<std::string> command =
      MysqlCommand(installation, installation.mysqld, system.ProgramFolder() / "mysqld");
  command.push_back("--defaults-file=" + system.ServerConfig().string());
  std::error_code error;
  const fs::path set_password = PasswordStatementFile(system);
  if (fs::exists(set_password, error)) command.push_back("--init-file=" + set_password.string());
  // A crashed server leaves these; FindServer has made sure that nobody uses them.
  fs::remove(system.PidFile(), error);
  const uint64_t log_start = FileSize(system.ErrorLog());
  ASSIGN_OR_RETURN(const pid_t pid, StartDetached(command, system.ErrorLog()));
  // mysqld writes the same number later; until then `status` and a second `up` find the process by ours.
  RETURN_IF_ERROR(WriteFile(system.PidFile(), fmt::format("{}\n", pid), 0600));
  ASSIGN_OR_RETURN(SystemStatus status, WaitUntilUp(system, pid, log_start, timeout_seconds));
  if (status.server_version.empty()) {
    // Answers, but our login failed: keep the statement file, the next start tries again.
    return status;
  }
  fs::remove(set_password, error);
  if (installation.rapid_plugin.empty()) {
    status.note = "the RAPID plugin is not built: MySQL runs without it";
  } else if (status.rapid_plugin != "ACTIVE") {
    status.note = fmt::format("the RAPID plugin did not load; {} says:\n{}", system.ErrorLog().string(),
                              LogSince(system.ErrorLog(), log_start));
  }
  return status;
}

// Asks the server to shut down and waits; the caller holds the lock.
Result<bool> StopServer(const System& system, unsigned timeout_seconds) {
  const pid_t pid = FindServer(system);
  std::error_code error;
  if (pid == 0) {
    fs::remove(system.PidFile(), error);  // of a crashed server: it is down now, by decision
    return false;
  }
  if (kill(pid, SIGTERM) != 0 && errno != ESRCH) {
    return MakeError(ErrorCode::kIo, fmt::format("cannot stop mysqld, process {}: {}", pid, std::strerror(errno)));
  }
  const std::string mark = "--defaults-file=" + system.ServerConfig().string();
  const auto begin = Clock::now();
  auto next_word = begin + kProgressInterval;
  while (IsRunningWith(pid, mark)) {
    if (Clock::now() - begin > seconds(timeout_seconds)) {
      return MakeError(ErrorCode::kTimeout, fmt::format("system '{}' is still shutting down after {} s, process {}",
                                                        system.name, timeout_seconds, pid));
    }
    if (Clock::now() > next_word) {
      Say(fmt::format("system '{}' is shutting down, {} s", system.name,
                      std::chrono::duration_cast<seconds>(Clock::now() - begin).count()));
      next_word += kProgressInterval;
    }
    std::this_thread::sleep_for(kPollInterval);
  }
  fs::remove(system.PidFile(), error);
  return true;
}

}  // namespace

Result<SystemStatus> UpSystem(const System& system, const UpOptions& options) {
  ASSIGN_OR_RETURN(const Installation installation, FindInstallation());
  std::error_code error;
  // Before anything is made, so that a mistake leaves nothing behind.
  if (options.port && !fs::exists(system.ServerConfig(), error)) RETURN_IF_ERROR(CheckPort(system, *options.port));
  fs::create_directories(system.folder.parent_path(), error);
  if (error) {
    return MakeError(ErrorCode::kIo,
                     fmt::format("cannot make {}: {}", system.folder.parent_path().string(), error.message()));
  }
  RETURN_IF_ERROR(MakeFolders(system));
  ASSIGN_OR_RETURN(const FileLock lock, LockSystem(system));
  RETURN_IF_ERROR(MakeFolders(system));  // a `destroy` may have run while we waited

  const bool is_new = !fs::exists(system.ServerConfig(), error);
  const SystemStatus before = InspectSystem(system);
  if (before.pid != 0) {
    if (options.reset_password) {
      return MakeError(ErrorCode::kAlreadyExists,
                       fmt::format("system '{}' is up; `sirocco down {}` first, then reset the password", system.name,
                                   system.name));
    }
    if (options.port && *options.port != before.port) {
      return MakeError(ErrorCode::kAlreadyExists,
                       fmt::format("system '{}' is up on port {}; `sirocco restart {} --port {}` moves it", system.name,
                                   before.port, system.name, *options.port));
    }
    return WaitUntilUp(system, 0, FileSize(system.ErrorLog()), options.timeout_seconds);
  }
  if (is_new) {
    RETURN_IF_ERROR(PrepareNewSystem(system, installation, options));
  } else {
    if (!fs::exists(system.DataFolder(), error)) {
      return MakeError(ErrorCode::kIo, fmt::format("the data folder of system '{}' is gone: {}", system.name,
                                                   system.DataFolder().string()));
    }
    RETURN_IF_ERROR(PreparePort(system, before, options));
    if (options.reset_password) RETURN_IF_ERROR(MakePassword(system));
  }
  // What a killed server leaves: it would keep the next one from starting for as long as the dead process's number is
  // taken, by itself until its parent asks for its end, or by another program.
  fs::remove(system.SocketFile().string() + ".lock", error);
  RETURN_IF_ERROR(RefreshPrograms(system, installation));
  auto status = StartServer(system, installation, options.timeout_seconds);
  // Between choosing a free port and the server's bind somebody else may have taken it.
  for (int attempt = 1; !status && is_new && !options.port && attempt < kPortAttempts &&
                        status.error().message.contains("Address already in use");
       ++attempt) {
    RETURN_IF_ERROR(ChangePort(system, std::nullopt));
    status = StartServer(system, installation, options.timeout_seconds);
  }
  if (status && is_new && options.time_zones) {
    if (auto loaded = LoadTimeZones(system, installation); !loaded) Say(loaded.error().message);
  }
  return status;
}

Result<bool> DownSystem(const System& system, unsigned timeout_seconds) {
  ASSIGN_OR_RETURN(const FileLock lock, LockSystem(system));
  return StopServer(system, timeout_seconds);
}

Result<void> DestroySystem(const System& system, bool force) {
  constexpr unsigned kTimeoutSeconds = 300;
  ASSIGN_OR_RETURN(const FileLock lock, LockSystem(system));
  if (FindServer(system) != 0) {
    if (!force) {
      return MakeError(ErrorCode::kUnavailable,
                       fmt::format("system '{}' is up; `sirocco down {}` first, or use --force", system.name, system.name));
    }
    RETURN_IF_ERROR(StopServer(system, kTimeoutSeconds));
  }
  std::error_code error;
  // my.cnf first: what remains of an interrupted destroy is no system any more.
  fs::remove(system.ServerConfig(), error);
  if (!error) fs::remove_all(system.folder, error);
  if (error) {
    return MakeError(ErrorCode::kIo, fmt::format("cannot remove {}: {}", system.folder.string(), error.message()));
  }
  if (system.runtime_folder != system.RunFolder()) fs::remove_all(system.runtime_folder, error);
  return {};
}

}  // namespace sirocco::cli
