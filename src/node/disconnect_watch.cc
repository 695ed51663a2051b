#include "node/disconnect_watch.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/check.h"

namespace sirocco::node {

DisconnectWatch::DisconnectWatch()
    : epoll_fd_(epoll_create1(EPOLL_CLOEXEC)), wake_fd_(eventfd(0, EFD_CLOEXEC)) {
  CHECK(epoll_fd_ >= 0 && wake_fd_ >= 0);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = wake_fd_;
  CHECK(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event) == 0);
  thread_ = std::thread([this] { Loop(); });
}

DisconnectWatch::~DisconnectWatch() {
  const uint64_t one = 1;
  CHECK(::write(wake_fd_, &one, sizeof(one)) == sizeof(one));
  thread_.join();
  ::close(wake_fd_);
  ::close(epoll_fd_);
}

void DisconnectWatch::Add(int fd, std::function<void()> callback) {
  std::lock_guard lock(mutex_);
  callbacks_[fd] = std::move(callback);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT;
  event.data.fd = fd;
  CHECK(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0);
}

void DisconnectWatch::Remove(int fd) {
  std::lock_guard lock(mutex_);
  callbacks_.erase(fd);
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
}

void DisconnectWatch::Loop() {
  for (;;) {
    epoll_event events[16];
    const int count = epoll_wait(epoll_fd_, events, 16, -1);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.fd == wake_fd_) return;
      std::lock_guard lock(mutex_);
      if (auto found = callbacks_.find(events[i].data.fd); found != callbacks_.end())
        found->second();
    }
  }
}

}  // namespace sirocco::node
