// Notices that the client of a running query sends something (only kCancel is allowed then) or is
// gone, and calls back. One thread serves all sessions, so a query needs no reader thread of its
// own. Threads: any. A callback never runs after Remove has returned.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace sirocco::node {

class DisconnectWatch {
 public:
  DisconnectWatch();
  ~DisconnectWatch();
  DisconnectWatch(const DisconnectWatch&) = delete;
  DisconnectWatch& operator=(const DisconnectWatch&) = delete;

  // Calls `callback` once, from the watch's thread, when `fd` becomes readable or is closed by the
  // peer. One watch per fd.
  void Add(int fd, std::function<void()> callback);
  void Remove(int fd);

 private:
  void Loop();

  int epoll_fd_;
  int wake_fd_;
  std::mutex mutex_;
  std::map<int, std::function<void()>> callbacks_;
  std::thread thread_;
};

}  // namespace sirocco::node
