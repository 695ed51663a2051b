// Finds out how much an object store gives at the moment, and asks for that: how many requests in
// flight, how many a second, and how large they should be. Works from answers alone; processes that
// share a store need not know of each other.
//
// Requests in flight: additive increase while throughput grows, multiplicative decrease when
// requests time out. Requests a second: unlimited until the store refuses one (503, 429); then nine
// tenths of what it has been granting, and from there up again, slowly near the old limit and
// faster the longer nothing is refused, so that a raised limit is found within seconds. Request
// size: so large that waiting for the first byte is a small part of a transfer. Time is an argument
// (microseconds of any steady clock). Threads: not safe; the HTTP client's thread owns it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sirocco::lakehouse {

struct FlowFigures {
  uint64_t num_requests = 0, num_refused = 0, num_failed = 0, num_bytes = 0;
  uint32_t in_flight = 0;
  double limit_in_flight = 0;
  double limit_per_second = 0;  // 0: none known
  size_t request_bytes = 0;
};

class FlowControl {
 public:
  static constexpr uint32_t kMaxInFlight = 64;
  static constexpr size_t kMinRequestBytes = 1 << 20, kMaxRequestBytes = 16 << 20;

  // Microseconds until a request may start; 0: now; UINT64_MAX: when one has ended.
  uint64_t TimeToStart(uint64_t now_us) const;
  void Started(uint64_t now_us);

  enum class Outcome : uint8_t { kDone, kRefused, kFailed };
  // `first_byte_us` and `total_us` from the start of the request.
  void Finished(Outcome outcome, size_t bytes, uint64_t first_byte_us, uint64_t total_us,
                uint64_t now_us);

  size_t request_bytes() const { return request_bytes_; }
  FlowFigures figures() const;

 private:
  void Grow(uint64_t now_us);

  uint32_t in_flight_ = 0;
  double window_ = 4;         // requests in flight allowed
  double rate_ = 0;           // requests a second allowed; 0: no limit known
  double next_start_us_ = 0;  // pacing
  uint64_t last_cut_us_ = 0;  // when rate_ or window_ was lowered
  uint64_t last_growth_us_ = 0;
  // Requests granted in the current and the last measuring interval.
  uint64_t interval_start_us_ = 0;
  uint64_t granted_ = 0, attempted_ = 0;
  double granted_per_second_ = 0, attempted_per_second_ = 0;
  // Smoothed: time to the first byte, bytes a second of one request.
  double first_byte_us_ = 0, bytes_per_us_ = 0;
  size_t request_bytes_ = 4 << 20;
  FlowFigures figures_;
};

}  // namespace sirocco::lakehouse
