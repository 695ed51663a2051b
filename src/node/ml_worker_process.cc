#include "node/ml_worker_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

extern char** environ;

namespace sirocco::node {

namespace {

constexpr int kWorkerFd = 3;  // the socket's number in the worker

std::unexpected<Error> SystemError(const std::string& what, int code) {
  return MakeError(ErrorCode::kUnavailable, what + ": " + std::strerror(code));
}

}  // namespace

Result<std::unique_ptr<MlWorkerProcess>> MlWorkerProcess::Start(const std::string& program,
                                                                uint32_t num_threads) {
  if (::access(program.c_str(), X_OK) != 0) return SystemError("cannot run " + program, errno);
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return SystemError("cannot make a socket pair", errno);
  wire::Socket ours(ends[0]);
  // Above the number used in the child, so that dup2 makes a new descriptor that survives exec.
  const int theirs = ::fcntl(ends[1], F_DUPFD_CLOEXEC, 16);
  ::close(ends[1]);
  if (theirs < 0) return SystemError("cannot make a socket pair", errno);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, theirs, kWorkerFd);
  posix_spawn_file_actions_addclosefrom_np(&actions, kWorkerFd + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  const std::string threads = std::to_string(num_threads);
  const std::string socket_fd = std::to_string(kWorkerFd);
  const std::string parent = std::to_string(::getpid());
  std::vector<std::string> arguments = {program, "--socket-fd",  socket_fd, "--threads",
                                        threads, "--parent-pid", parent};
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) variables.push_back(*variable);
  // Idle threads of the libraries must sleep, not spin: other processes want the cores.
  variables.push_back("OMP_NUM_THREADS=" + threads);
  variables.push_back("OPENBLAS_NUM_THREADS=" + threads);
  variables.push_back("OMP_WAIT_POLICY=passive");
  std::vector<char*> argv, envp;
  for (std::string& text : arguments) argv.push_back(text.data());
  for (std::string& text : variables) envp.push_back(text.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  pid_t pid = -1;
  const int error =
      ::posix_spawn(&pid, program.c_str(), &actions, &attributes, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  ::close(theirs);
  if (error != 0) return SystemError("cannot start " + program, error);
  return std::unique_ptr<MlWorkerProcess>(new MlWorkerProcess(pid, std::move(ours)));
}

MlWorkerProcess::~MlWorkerProcess() {
  Kill();
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
}

void MlWorkerProcess::Kill() {
  // Reaped only by the destructor, so the number cannot belong to somebody else yet.
  if (!killed_.exchange(true)) ::kill(pid_, SIGKILL);
}

bool MlWorkerProcess::Running() {
  if (killed_) return false;
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

uint64_t MlWorkerProcess::MemoryBytes() const {
  std::FILE* file = std::fopen(("/proc/" + std::to_string(pid_) + "/statm").c_str(), "re");
  if (file == nullptr) return 0;
  unsigned long long size = 0, resident = 0, shared = 0;
  const int got = std::fscanf(file, "%llu %llu %llu", &size, &resident, &shared);
  std::fclose(file);
  if (got != 3 || resident < shared) return 0;
  return (resident - shared) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::string MlWorkerProgram() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (self.parent_path() / "rapidd-ml").string();
}

}  // namespace sirocco::node
