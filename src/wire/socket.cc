#include "wire/socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <new>

namespace sirocco::wire {

namespace {

struct FrameHeader {
  uint32_t size;
  uint8_t type;
  uint8_t zero[11];
};
static_assert(sizeof(FrameHeader) == 16);

constexpr int kPollMs = 50;

std::unexpected<Error> SystemError(const std::string& what) {
  const int code = errno;
  return MakeError(ErrorCode::kUnavailable, what + ": " + std::strerror(code));
}

Result<Socket> ConnectUnix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path))
    return MakeError(ErrorCode::kInvalidArgument, "socket path is too long: " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.fd() < 0) return SystemError("cannot make a socket");
  if (::connect(socket.fd(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
    return SystemError("cannot connect to " + path);
  return socket;
}

Result<Socket> ConnectTcp(const std::string& host, const std::string& port, int timeout_ms) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (int rc = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); rc != 0)
    return MakeError(ErrorCode::kUnavailable, "cannot resolve " + host + ": " + gai_strerror(rc));
  std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(found, freeaddrinfo);
  Socket socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.fd() < 0) return SystemError("cannot make a socket");
  if (::connect(socket.fd(), found->ai_addr, found->ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return SystemError("cannot connect to " + host + ":" + port);
    pollfd waiting{socket.fd(), POLLOUT, 0};
    int error = 0;
    socklen_t size = sizeof(error);
    if (::poll(&waiting, 1, timeout_ms) <= 0)
      return MakeError(ErrorCode::kUnavailable, "no answer from " + host + ":" + port);
    if (getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
      errno = error;
      return SystemError("cannot connect to " + host + ":" + port);
    }
  }
  fcntl(socket.fd(), F_SETFL, fcntl(socket.fd(), F_GETFL) & ~O_NONBLOCK);
  int on = 1;
  setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return socket;
}

}  // namespace

void PayloadBuffer::Free::operator()(char* p) const { std::free(p); }

char* PayloadBuffer::Resize(size_t bytes) {
  if (bytes > capacity_ || data_ == nullptr) {
    const size_t capacity = (std::max<size_t>(bytes, 4096) + 63) & ~size_t{63};
    auto* memory = static_cast<char*>(std::aligned_alloc(64, capacity));
    if (memory == nullptr) throw std::bad_alloc();
    data_.reset(memory);
    capacity_ = capacity;
  }
  size_ = bytes;
  return data_.get();
}

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}

Result<Socket> Socket::Connect(const std::string& address, int timeout_ms) {
  if (address.starts_with("unix:")) return ConnectUnix(address.substr(5));
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0)
    return MakeError(ErrorCode::kInvalidArgument,
                     "node address is neither unix:PATH nor HOST:PORT: " + address);
  return ConnectTcp(address.substr(0, colon), address.substr(colon + 1), timeout_ms);
}

Result<void> Socket::Send(MessageType type, std::string_view payload) {
  if (payload.size() > kMaxPayloadBytes)
    return MakeError(ErrorCode::kInvalidArgument,
                     "message is too large: " + std::to_string(payload.size()) + " bytes");
  FrameHeader header{static_cast<uint32_t>(payload.size()), static_cast<uint8_t>(type), {}};
  iovec parts[2] = {{&header, sizeof(header)}, {const_cast<char*>(payload.data()), payload.size()}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = payload.empty() ? 1 : 2;
  size_t left = sizeof(header) + payload.size();
  while (left > 0) {
    const ssize_t sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      return SystemError("connection lost while sending");
    }
    left -= static_cast<size_t>(sent);
    size_t done = static_cast<size_t>(sent);
    while (done > 0 && message.msg_iovlen > 0) {
      iovec& part = message.msg_iov[0];
      const size_t step = std::min(done, part.iov_len);
      part.iov_base = static_cast<char*>(part.iov_base) + step;
      part.iov_len -= step;
      done -= step;
      if (part.iov_len == 0) {
        ++message.msg_iov;
        --message.msg_iovlen;
      }
    }
  }
  return {};
}

Result<void> Socket::ReadFully(char* out, size_t bytes, int timeout_ms, const WaitCheck& check) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::milliseconds(std::max(timeout_ms, 0));
  while (bytes > 0) {
    if (timeout_ms >= 0 || check != nullptr) {
      pollfd waiting{fd_, POLLIN, 0};
      int wait = check != nullptr ? kPollMs : -1;
      if (timeout_ms >= 0) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0)
          return MakeError(ErrorCode::kTimeout,
                           "no answer within " + std::to_string(timeout_ms) + " ms");
        wait = wait < 0 ? static_cast<int>(left) : std::min(wait, static_cast<int>(left));
      }
      const int ready = ::poll(&waiting, 1, wait);
      if (ready < 0 && errno != EINTR) return SystemError("connection lost");
      if (ready <= 0) {
        if (check != nullptr && check()) return MakeError(ErrorCode::kCancelled, "cancelled");
        continue;
      }
    }
    const ssize_t got = ::recv(fd_, out, bytes, 0);
    if (got == 0) return MakeError(ErrorCode::kUnavailable, "connection closed by the other side");
    if (got < 0) {
      if (errno == EINTR) continue;
      return SystemError("connection lost");
    }
    out += got;
    bytes -= static_cast<size_t>(got);
  }
  return {};
}

Result<void> Socket::Receive(Frame* frame, uint32_t max_payload, int timeout_ms,
                             const WaitCheck& check) {
  FrameHeader header;
  RETURN_IF_ERROR(ReadFully(reinterpret_cast<char*>(&header), sizeof(header), timeout_ms, check));
  if (header.type == 0 || header.type > kLastMessageType || header.size > max_payload)
    return MakeError(ErrorCode::kInvalidArgument, "malformed frame (type " +
                                                      std::to_string(header.type) + ", " +
                                                      std::to_string(header.size) + " bytes)");
  frame->type = static_cast<MessageType>(header.type);
  char* payload = frame->payload.Resize(header.size);
  // A peer that has begun a frame is expected to finish it: being cancelled half-way would lose the
  // frame border.
  return ReadFully(payload, header.size, timeout_ms, nullptr);
}

void Socket::Shutdown() { ::shutdown(fd_, SHUT_RDWR); }

}  // namespace sirocco::wire
