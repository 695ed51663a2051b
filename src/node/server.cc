#include "node/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "node/log.h"

namespace sirocco::node {

namespace {

std::unexpected<Error> SystemError(const std::string& what) {
  const int code = errno;
  return MakeError(ErrorCode::kIo, what + ": " + std::strerror(code));
}

bool SomebodyListens(const sockaddr_un& address) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool listens =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  ::close(fd);
  return listens;
}

Result<int> ListenUnix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path))
    return MakeError(ErrorCode::kInvalidArgument, "socket path is too long: " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (SomebodyListens(address))
    return MakeError(ErrorCode::kAlreadyExists, "another process listens on " + path);
  ::unlink(path.c_str());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return SystemError("cannot make a socket");
  // The mode must be right from the first moment on.
  const mode_t old_mask = ::umask(0177);
  const int bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  ::umask(old_mask);
  if (bound != 0 || ::listen(fd, 128) != 0) {
    auto error = SystemError("cannot listen on " + path);
    ::close(fd);
    return error;
  }
  return fd;
}

Result<int> ListenTcp(const std::string& host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1)
    return MakeError(ErrorCode::kInvalidArgument, "not an IPv4 address: " + host);
  if ((ntohl(address.sin_addr.s_addr) >> 24) != 127)
    return MakeError(ErrorCode::kInvalidArgument,
                     "a node listens on loopback addresses only, not on " + host);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return SystemError("cannot make a socket");
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(fd, 128) != 0) {
    auto error = SystemError("cannot listen on " + host + ":" + std::to_string(port));
    ::close(fd);
    return error;
  }
  return fd;
}

}  // namespace

Server::~Server() {
  if (listen_fd_ >= 0) ::close(listen_fd_);
  for (int fd : stop_pipe_)
    if (fd >= 0) ::close(fd);
  if (!unix_path_.empty()) ::unlink(unix_path_.c_str());
}

Result<void> Server::Listen() {
  if (::pipe2(stop_pipe_, O_CLOEXEC | O_NONBLOCK) != 0) return SystemError("cannot make a pipe");
  const std::string& address = node_->options().listen;
  if (address.starts_with("unix:")) {
    const std::string path = address.substr(5);
    ASSIGN_OR_RETURN(listen_fd_, ListenUnix(path));
    unix_path_ = path;
    return {};
  }
  const size_t colon = address.rfind(':');
  const int port = colon == std::string::npos ? 0 : std::atoi(address.c_str() + colon + 1);
  if (port <= 0 || port > 65535)
    return MakeError(ErrorCode::kInvalidArgument,
                     "address is neither unix:PATH nor IP:PORT: " + address);
  ASSIGN_OR_RETURN(listen_fd_, ListenTcp(address.substr(0, colon), port));
  return {};
}

void Server::Stop() {
  const char byte = 0;
  [[maybe_unused]] const ssize_t written = ::write(stop_pipe_[1], &byte, 1);
}

void Server::Start(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));  // fails harmlessly on a Unix socket
  std::lock_guard lock(mutex_);
  if (sessions_.size() >= kMaxSessions) {
    LogWarning("connection refused: " + std::to_string(kMaxSessions) + " connections are open");
    ::close(fd);
    return;
  }
  Running& running = sessions_.emplace_back();
  running.session = std::make_unique<Session>(node_, wire::Socket(fd));
  running.thread = std::thread([this, &running] {
    running.session->Run();
    std::lock_guard done_lock(mutex_);
    running.done = true;
  });
}

void Server::Reap(bool all) {
  std::list<Running> ended;
  {
    std::lock_guard lock(mutex_);
    for (auto it = sessions_.begin(); it != sessions_.end();) {
      const auto next = std::next(it);
      if (all) it->session->socket()->Shutdown();
      if (all || it->done) ended.splice(ended.end(), sessions_, it);
      it = next;
    }
  }
  for (Running& running : ended) running.thread.join();
}

void Server::Serve() {
  for (;;) {
    pollfd waiting[2] = {{listen_fd_, POLLIN, 0}, {stop_pipe_[0], POLLIN, 0}};
    // The time-out frees the threads of sessions that have ended meanwhile.
    if (::poll(waiting, 2, 1000) < 0 && errno != EINTR) break;
    if (waiting[1].revents != 0) break;
    if (waiting[0].revents != 0) {
      const int fd = ::accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd >= 0) Start(fd);
    }
    Reap(/*all=*/false);
  }
  Reap(/*all=*/true);
}

}  // namespace sirocco::node
