#include "cli/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cli/option_file.h"

namespace sirocco::cli {
namespace {

std::unexpected<Error> SystemError(const std::string& action, int error) {
  return MakeError(ErrorCode::kIo, fmt::format("{}: {}", action, std::strerror(error)));
}

// Pointers into `command`, ended by a null pointer, as exec wants them.
std::vector<char*> ArgumentVector(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  return arguments;
}

Result<int> OpenLog(const std::filesystem::path& file) {
  const int fd = open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return SystemError("cannot write " + file.string(), errno);
  return fd;
}

// Runs in the child between fork and exec: only calls that are safe there. `failure` is a pipe that closes on exec.
[[noreturn]] void BecomeProgram(char* const* arguments, const char* input, int log, bool detach, int failure) {
  if (detach) setsid();
  // What we wait for must not go on alone if we are killed: it may be writing files that a next run makes anew.
  else if (log >= 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (log >= 0) {
    const int in = open(input, O_RDONLY);
    if (in < 0) _exit(127);
    dup2(in, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
  }
  if (detach) {
    // A server wants as many files as it may have; what the caller had open is none of its business.
    rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
      files.rlim_cur = files.rlim_max;
      setrlimit(RLIMIT_NOFILE, &files);
    }
    umask(077);
    for (int signal : {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD}) ::signal(signal, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    if (chdir("/") != 0) _exit(127);
    for (int fd = 3; fd < 1024; ++fd) {
      if (fd != failure) close(fd);
    }
  }
  execv(arguments[0], arguments);
  const int error = errno;
  [[maybe_unused]] const ssize_t written = write(failure, &error, sizeof error);
  _exit(127);
}

Result<pid_t> Start(const std::vector<std::string>& command, const std::filesystem::path& output, bool detach,
                    const std::filesystem::path& input = "/dev/null") {
  int log = -1;
  if (!output.empty()) {
    ASSIGN_OR_RETURN(log, OpenLog(output));
  }
  int failure[2];
  if (pipe2(failure, O_CLOEXEC) != 0) {
    const int error = errno;
    if (log >= 0) close(log);
    return SystemError("cannot make a pipe", error);
  }
  const std::vector<char*> arguments = ArgumentVector(command);
  std::fflush(stdout);
  std::fflush(stderr);
  const pid_t pid = fork();
  if (pid == 0) BecomeProgram(arguments.data(), input.c_str(), log, detach, failure[1]);
  int error = pid < 0 ? errno : 0;
  if (log >= 0) close(log);
  close(failure[1]);
  // The pipe closes without a word when exec succeeds.
  if (pid > 0) {
    int code = 0;
    ssize_t size = 0;
    do {
      size = read(failure[0], &code, sizeof code);
    } while (size < 0 && errno == EINTR);
    if (size == sizeof code) {
      error = code;
      waitpid(pid, nullptr, 0);
    }
  }
  close(failure[0]);
  if (error != 0) return SystemError("cannot start " + command[0], error);
  return pid;
}

}  // namespace

Result<FileLock> FileLock::Acquire(const std::filesystem::path& file, const std::string& waiting) {
  bool told = false;
  while (true) {
    const int fd = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return SystemError("cannot open " + file.string(), errno);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK && !told) {
        std::fprintf(stderr, "sirocco: %s\n", waiting.c_str());
        told = true;
      }
      int result = 0;
      do {
        result = flock(fd, LOCK_EX);
      } while (result != 0 && errno == EINTR);
      if (result != 0) {
        const int error = errno;
        close(fd);
        return SystemError("cannot lock " + file.string(), error);
      }
    }
    // While we waited the folder may have been removed, and perhaps made again: then the lock is on a dead file.
    struct stat held;
    struct stat named;
    if (fstat(fd, &held) == 0 && stat(file.c_str(), &named) == 0 && held.st_ino == named.st_ino &&
        held.st_dev == named.st_dev) {
      return FileLock(fd);
    }
    close(fd);
  }
}

FileLock::~FileLock() {
  if (fd_ >= 0) close(fd_);
}

Result<int> RunProgram(const std::vector<std::string>& command, const std::filesystem::path& output,
                       const std::filesystem::path& input) {
  ASSIGN_OR_RETURN(const pid_t pid, Start(command, output, /*detach=*/false, input));
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return SystemError("lost " + command[0], errno);
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

Result<pid_t> StartDetached(const std::vector<std::string>& command, const std::filesystem::path& output) {
  return Start(command, output, /*detach=*/true);
}

Error ReplaceProcess(const std::vector<std::string>& command) {
  const std::vector<char*> arguments = ArgumentVector(command);
  std::fflush(stdout);
  std::fflush(stderr);
  execvp(arguments[0], arguments.data());
  return SystemError("cannot start " + command[0], errno).error();
}

bool IsRunningWith(pid_t pid, const std::string& argument) {
  if (pid <= 1) return false;
  // Arguments are separated by zero bytes; a zombie has none.
  auto line = ReadFile(fmt::format("/proc/{}/cmdline", pid));
  if (!line) return false;
  return (std::string(1, '\0') + *line).find(std::string(1, '\0') + argument + '\0') != std::string::npos;
}

pid_t SocketOwner(const std::filesystem::path& socket) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (socket.native().size() >= sizeof address.sun_path) return 0;
  std::memcpy(address.sun_path, socket.c_str(), socket.native().size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return 0;
  pid_t pid = 0;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    ucred peer = {};
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0) pid = peer.pid;
  }
  close(fd);
  return pid;
}

}  // namespace sirocco::cli
