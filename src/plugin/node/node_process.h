// One local rapidd process: start, look after, stop.
//
// The process gets three things besides its arguments: a pipe with the shared secret (so it is in
// no file, argument or environment), a pipe whose other end we hold (it ends when we are gone,
// however we died), and a private socket path. Threads: one thread at a time.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "common/error.h"

namespace sirocco::plugin {

struct NodeOptions {
  std::string command;  // path of rapidd
  std::string socket_path;
  std::string log_file;             // empty: the server's error log (standard error)
  std::string checkpoint_folder;    // of tables that come back at start; empty: none
  uint64_t memory_limit_bytes = 0;  // 0: the daemon's default
  uint64_t query_memory_limit_bytes = 0;
  uint32_t niceness = 0;     // 0 to 19
  uint32_t num_threads = 0;  // 0: all cores
};

class NodeProcess {
 public:
  NodeProcess() = default;
  ~NodeProcess() { Stop(); }
  NodeProcess(const NodeProcess&) = delete;
  NodeProcess& operator=(const NodeProcess&) = delete;

  // Starts the daemon. It is not ready yet when this returns; connect until it answers.
  // kUnavailable with the reason if it cannot be started at all.
  Result<void> Start(const NodeOptions& options, const std::string& secret);
  // False once the process has ended; then `ExitText` says how.
  bool Running();
  const std::string& ExitText() const { return exit_text_; }
  // Ends the process: by closing its pipe, after a grace period by force. Idempotent.
  void Stop();
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int parent_pipe_ = -1;  // our end; closing it tells the daemon to end
  std::string exit_text_;
};

// A fresh random secret of 64 hexadecimal digits.
std::string MakeSecret();

}  // namespace sirocco::plugin
