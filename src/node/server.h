// Accepts connections and runs their sessions, one thread each, until stopped.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "common/error.h"
#include "node/node.h"
#include "node/session.h"

namespace sirocco::node {

class Server {
 public:
  // Enough for every connection of a busy server; more are turned away.
  static constexpr size_t kMaxSessions = 2000;

  explicit Server(Node* node) : node_(node) {}
  ~Server();

  // Binds the address of the options. A Unix socket is made readable by its owner only; a stale one
  // of a dead process is replaced. TCP is accepted on loopback addresses only.
  Result<void> Listen();
  // Accepts until Stop; then ends all sessions.
  void Serve();
  // From any thread or a signal handler.
  void Stop();

 private:
  struct Running {
    std::unique_ptr<Session> session;
    std::thread thread;
    bool done = false;
  };
  void Start(int fd);
  void Reap(bool all);

  Node* node_;
  int listen_fd_ = -1;
  int stop_pipe_[2] = {-1, -1};
  std::string unix_path_;
  std::mutex mutex_;
  std::list<Running> sessions_;
};

}  // namespace sirocco::node
