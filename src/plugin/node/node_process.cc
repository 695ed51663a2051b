#include "plugin/node/node_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

namespace sirocco::plugin {
namespace {

// Descriptor numbers inside the daemon.
constexpr int kSecretFd = 3;
constexpr int kParentFd = 4;
constexpr auto kStopGrace = std::chrono::seconds(5);

std::string SystemText(const char* what, int code) {
  return std::string(what) + ": " + std::strerror(code);
}

class SpawnActions {
 public:
  SpawnActions() { posix_spawn_file_actions_init(&actions_); }
  ~SpawnActions() { posix_spawn_file_actions_destroy(&actions_); }
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

class SpawnAttributes {
 public:
  SpawnAttributes() {
    posix_spawnattr_init(&attributes_);
    // The server blocks and ignores signals in its threads; the daemon starts with a clean slate,
    // in a process group of its own so that a terminal's Ctrl-C does not reach it before its
    // supervisor.
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnAttributes() { posix_spawnattr_destroy(&attributes_); }
  posix_spawnattr_t* get() { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

struct Pipe {
  int read = -1, write = -1;
  ~Pipe() {
    if (read >= 0) ::close(read);
    if (write >= 0) ::close(write);
  }
  // Both ends above the numbers used in the child, so that dup2 there cannot overwrite one with the
  // other.
  bool Open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    read = ::fcntl(ends[0], F_DUPFD_CLOEXEC, 16);
    write = ::fcntl(ends[1], F_DUPFD_CLOEXEC, 16);
    ::close(ends[0]);
    ::close(ends[1]);
    return read >= 0 && write >= 0;
  }
};

std::vector<std::string> Arguments(const NodeOptions& options) {
  std::vector<std::string> arguments = {
      options.command,           "--listen",    "unix:" + options.socket_path, "--secret-fd",
      std::to_string(kSecretFd), "--parent-fd", std::to_string(kParentFd)};
  const auto add = [&](const char* name, uint64_t value) {
    if (value == 0) return;
    arguments.push_back(name);
    arguments.push_back(std::to_string(value));
  };
  add("--memory-limit", options.memory_limit_bytes);
  add("--query-memory-limit", options.query_memory_limit_bytes);
  add("--threads", options.num_threads);
  add("--nice", options.niceness);
  if (!options.checkpoint_folder.empty()) {
    arguments.push_back("--checkpoint-folder");
    arguments.push_back(options.checkpoint_folder);
  }
  if (!options.log_file.empty()) {
    arguments.push_back("--log");
    arguments.push_back(options.log_file);
  }
  return arguments;
}

// The daemon needs no variable of the server's environment but these.
std::vector<std::string> Environment() {
  std::vector<std::string> kept;
  for (const char* name :
       {"SIROCCO_DEBUG_VECTOR_SIZE", "SIROCCO_DEBUG_CHUNK_ROWS", "SIROCCO_DEBUG_FORCE_HASH",
        "SIROCCO_DEBUG_FORCE_SPILL", "SIROCCO_DEBUG_SIMD_TARGET", "SIROCCO_DEBUG_THREADS", "PATH",
        "HOME", "TZ", "LANG", "LC_ALL", "TMPDIR"})
    if (const char* value = std::getenv(name)) kept.push_back(std::string(name) + "=" + value);
  return kept;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Result<void> NodeProcess::Start(const NodeOptions& options, const std::string& secret) {
  Stop();
  exit_text_.clear();
  if (::access(options.command.c_str(), X_OK) != 0)
    return MakeError(ErrorCode::kUnavailable,
                     SystemText(("cannot run " + options.command).c_str(), errno));
  Pipe secret_pipe, parent_pipe;
  if (!secret_pipe.Open() || !parent_pipe.Open())
    return MakeError(ErrorCode::kUnavailable, SystemText("cannot make a pipe", errno));
  ::unlink(options.socket_path.c_str());

  SpawnActions actions;
  posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(actions.get(), secret_pipe.read, kSecretFd);
  posix_spawn_file_actions_adddup2(actions.get(), parent_pipe.read, kParentFd);
  posix_spawn_file_actions_addclosefrom_np(actions.get(), kParentFd + 1);
  SpawnAttributes attributes;
  std::vector<std::string> arguments = Arguments(options), environment = Environment();
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, options.command.c_str(), actions.get(), attributes.get(),
                                  Pointers(arguments).data(), Pointers(environment).data());
  if (error != 0)
    return MakeError(ErrorCode::kUnavailable,
                     SystemText(("cannot start " + options.command).c_str(), error));
  pid_ = pid;
  parent_pipe_ = parent_pipe.write;
  parent_pipe.write = -1;
  // The secret fits the pipe's buffer, so this does not block; a daemon that is already dead gives
  // EPIPE (the server ignores SIGPIPE).
  (void)!::write(secret_pipe.write, secret.data(), secret.size());
  return {};
}

bool NodeProcess::Running() {
  if (pid_ < 0) return false;
  int status = 0;
  const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
  if (ended == 0 || (ended < 0 && errno == EINTR)) return true;
  if (ended < 0)
    exit_text_ = "has gone";
  else if (WIFSIGNALED(status))
    exit_text_ = "was ended by signal " + std::to_string(WTERMSIG(status));
  else
    exit_text_ = "exited with status " + std::to_string(WEXITSTATUS(status));
  pid_ = -1;
  if (parent_pipe_ >= 0) ::close(parent_pipe_);
  parent_pipe_ = -1;
  return false;
}

void NodeProcess::Stop() {
  if (pid_ < 0) return;
  if (parent_pipe_ >= 0) ::close(parent_pipe_);
  parent_pipe_ = -1;
  ::kill(pid_, SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + kStopGrace;
  while (Running()) {
    if (std::chrono::steady_clock::now() > deadline) {
      ::kill(pid_, SIGKILL);
      int status = 0;
      while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
      }
      pid_ = -1;
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

std::string MakeSecret() {
  std::array<unsigned char, 32> bytes{};
  size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t got = ::getrandom(bytes.data() + filled, bytes.size() - filled, 0);
    if (got > 0) filled += static_cast<size_t>(got);
  }
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

}  // namespace sirocco::plugin
