// Processes and locks: run a program to its end, start one that outlives us, replace ourselves, hold a lock file.
// Programs are always started with an argument vector, never through a shell.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "common/error.h"

namespace sirocco::cli {

// An exclusive lock (flock) on a file, released by the destructor. Not inherited by started programs.
class FileLock {
 public:
  // Creates the file if need be. If another process holds the lock, prints `waiting` on standard error once and waits.
  // Errors: kIo.
  static Result<FileLock> Acquire(const std::filesystem::path& file, const std::string& waiting);
  FileLock(FileLock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

// Runs a program; returns its exit status (128 + signal if killed). With `output` set, standard output and error are appended
// to that file and standard input is the file `input`, or empty; otherwise the program has ours. Errors: kIo if it cannot be
// started.
Result<int> RunProgram(const std::vector<std::string>& command, const std::filesystem::path& output = {},
                       const std::filesystem::path& input = "/dev/null");

// Starts a program in a session of its own, with empty input and both outputs appended to `output`; returns its pid at once.
// It is our child until we end, then the system's. Errors: kIo.
Result<pid_t> StartDetached(const std::vector<std::string>& command, const std::filesystem::path& output);

// Replaces this process. Returns only on failure.
Error ReplaceProcess(const std::vector<std::string>& command);

// True if the process lives (zombies do not) and `argument` is one of its command line arguments.
bool IsRunningWith(pid_t pid, const std::string& argument);

// Pid of the process that listens on a Unix socket; 0 if nobody does.
pid_t SocketOwner(const std::filesystem::path& socket);

}  // namespace sirocco::cli
