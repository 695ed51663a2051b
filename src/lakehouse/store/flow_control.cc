#include "lakehouse/store/flow_control.h"

#include <algorithm>
#include <cmath>

namespace sirocco::lakehouse {

namespace {

// Long enough to count tens of requests at usual limits, short enough to follow them.
constexpr uint64_t kIntervalUs = 500000;
// Requests sent before the cut are still answered for about this long; they must not cut again.
constexpr uint64_t kCutGuardUs = 300000;
constexpr double kCut = 0.93;
constexpr double kWindowCut = 0.7;
constexpr double kFirstRate = 1;  // a store that refuses everything is asked once a second
// The first byte should take at most a quarter of a request.
constexpr double kTransferToWait = 4;

}  // namespace

uint64_t FlowControl::TimeToStart(uint64_t now_us) const {
  if (in_flight_ >= static_cast<uint32_t>(window_)) return UINT64_MAX;
  if (rate_ == 0 || next_start_us_ <= static_cast<double>(now_us)) return 0;
  return static_cast<uint64_t>(next_start_us_ - static_cast<double>(now_us)) + 1;
}

void FlowControl::Started(uint64_t now_us) {
  ++in_flight_;
  ++figures_.num_requests;
  ++attempted_;
  if (interval_start_us_ == 0) interval_start_us_ = now_us;
  // Unused time is not saved up: a store's own buckets may be empty just as well.
  if (rate_ > 0)
    next_start_us_ =
        std::max(next_start_us_, static_cast<double>(now_us) - 2e6 / rate_) + 1e6 / rate_;
}

void FlowControl::Grow(uint64_t now_us) {
  if (rate_ == 0) return;
  const double step = last_growth_us_ == 0 ? 0 : (now_us - last_growth_us_) / 1e6;
  last_growth_us_ = now_us;
  // Two per cent a second at first, more the longer nothing was refused. Not if the limit is not
  // what holds us back.
  if (attempted_per_second_ > 0 && attempted_per_second_ < 0.7 * rate_) return;
  const double calm = (now_us - last_cut_us_) / 1e6;
  rate_ *= 1 + std::min(step, 1.0) * 0.02 * (1 + calm * calm / 3);
}

void FlowControl::Finished(Outcome outcome, size_t bytes, uint64_t first_byte_us, uint64_t total_us,
                           uint64_t now_us) {
  --in_flight_;
  figures_.num_bytes += bytes;
  if (outcome == Outcome::kDone) ++granted_;
  if (now_us - interval_start_us_ >= kIntervalUs) {
    const double seconds = (now_us - interval_start_us_) / 1e6;
    granted_per_second_ = granted_ / seconds;
    attempted_per_second_ = attempted_ / seconds;
    granted_ = attempted_ = 0;
    interval_start_us_ = now_us;
  }
  switch (outcome) {
    case Outcome::kDone: {
      window_ = std::min<double>(kMaxInFlight, window_ + 1 / window_);
      Grow(now_us);
      const double weight = first_byte_us_ == 0 ? 1 : 0.1;
      first_byte_us_ += weight * (static_cast<double>(first_byte_us) - first_byte_us_);
      if (bytes >= (64 << 10) && total_us > first_byte_us) {
        const double speed =
            static_cast<double>(bytes) / static_cast<double>(total_us - first_byte_us);
        bytes_per_us_ += (bytes_per_us_ == 0 ? 1 : 0.1) * (speed - bytes_per_us_);
        double wanted = kTransferToWait * first_byte_us_ * bytes_per_us_;
        if (rate_ > 0) wanted = kMaxRequestBytes;  // requests are what is scarce
        request_bytes_ =
            std::clamp(static_cast<size_t>(wanted), kMinRequestBytes, kMaxRequestBytes) &
            ~(kMinRequestBytes - 1);
      }
      break;
    }
    case Outcome::kRefused: {
      ++figures_.num_refused;
      if (now_us - last_cut_us_ < kCutGuardUs && last_cut_us_ != 0) break;
      last_cut_us_ = last_growth_us_ = now_us;
      // What has been granted lately says more than what was allowed.
      const double seconds = std::max<double>(now_us - interval_start_us_, 1e5) / 1e6;
      const double lately = std::max(granted_per_second_, granted_ / seconds);
      double base = rate_ == 0 ? lately : std::min(rate_, std::max(lately, rate_ / 2));
      if (base <= 0) base = rate_ / 2;
      rate_ = std::max(kFirstRate, base * kCut);
      next_start_us_ = static_cast<double>(now_us) + 1e6 / rate_;
      break;
    }
    case Outcome::kFailed:
      ++figures_.num_failed;
      if (now_us - last_cut_us_ < kCutGuardUs && last_cut_us_ != 0) break;
      last_cut_us_ = now_us;
      window_ = std::max(1.0, window_ * kWindowCut);
      break;
  }
}

FlowFigures FlowControl::figures() const {
  FlowFigures figures = figures_;
  figures.in_flight = in_flight_;
  figures.limit_in_flight = window_;
  figures.limit_per_second = rate_;
  figures.request_bytes = request_bytes_;
  return figures;
}

}  // namespace sirocco::lakehouse
