// A connected stream socket (Unix or TCP) that exchanges frames.
//
// Frame: uint32 payload size, uint8 message type, 3 zero bytes, 8 zero bytes; then the payload. 16
// bytes of header keep payloads aligned. Threads: one reader and one writer at a time; Shutdown
// from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/error.h"
#include "wire/messages.h"

namespace sirocco::wire {

// No message is larger: load and result batches are cut far below, and a hostile size must not make
// us allocate.
inline constexpr uint32_t kMaxPayloadBytes = 512u << 20;
// Before authentication a peer may send only this much.
inline constexpr uint32_t kMaxHandshakeBytes = 4096;

// Owns bytes aligned to 64, not initialised. Reused between frames.
class PayloadBuffer {
 public:
  char* Resize(size_t bytes);
  std::string_view view() const { return {data_.get(), size_}; }

 private:
  struct Free {
    void operator()(char* p) const;
  };
  std::unique_ptr<char, Free> data_;
  size_t size_ = 0, capacity_ = 0;
};

struct Frame {
  MessageType type = MessageType::kError;
  PayloadBuffer payload;
};

// Called about every 50 ms while a read waits; true ends the wait with kCancelled.
using WaitCheck = std::function<bool()>;

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket();
  Socket(Socket&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Socket& operator=(Socket&&) = delete;

  // "unix:/path" or "host:port". kUnavailable if nobody listens or the time is over.
  static Result<Socket> Connect(const std::string& address, int timeout_ms);

  Result<void> Send(MessageType type, std::string_view payload = {});
  // Reads one frame. kUnavailable when the peer has closed; kInvalidArgument on a malformed header;
  // kTimeout after timeout_ms (negative: wait for ever).
  Result<void> Receive(Frame* frame, uint32_t max_payload = kMaxPayloadBytes, int timeout_ms = -1,
                       const WaitCheck& check = nullptr);
  // Wakes a blocked reader or writer; everything fails afterwards.
  void Shutdown();
  int fd() const { return fd_; }

 private:
  Result<void> ReadFully(char* out, size_t bytes, int timeout_ms, const WaitCheck& check);
  int fd_;
};

}  // namespace sirocco::wire
