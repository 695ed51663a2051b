// A worker process for machine learning, as the node sees it: a child that serves one operation
// after the other over a socket pair and can be ended at any moment.
// Threads: one at a time, except Kill, which may come from any thread while the object lives.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>

#include "common/error.h"
#include "wire/ml_messages.h"
#include "wire/socket.h"

namespace sirocco::node {

class MlWorkerProcess {
 public:
  // Starts `program` with the given number of threads for its libraries. kUnavailable: cannot be
  // run.
  static Result<std::unique_ptr<MlWorkerProcess>> Start(const std::string& program,
                                                        uint32_t num_threads);
  // Ends the process and waits for its end.
  ~MlWorkerProcess();
  MlWorkerProcess(const MlWorkerProcess&) = delete;
  MlWorkerProcess& operator=(const MlWorkerProcess&) = delete;

  wire::Socket* socket() { return &socket_; }
  pid_t pid() const { return pid_; }
  // False after its end or Kill.
  bool Running();
  void Kill();
  // Memory of the process at this moment, without what it shares with files.
  uint64_t MemoryBytes() const;

  // Models that the process has read, and which version of each.
  std::map<wire::MlModelKey, uint64_t> models;

 private:
  MlWorkerProcess(pid_t pid, wire::Socket socket) : pid_(pid), socket_(std::move(socket)) {}

  const pid_t pid_;
  wire::Socket socket_;
  std::atomic<bool> killed_{false};
};

// The program beside this one's file.
std::string MlWorkerProgram();

}  // namespace sirocco::node
