// The last delays of something, for percentiles. Threads: all methods from any thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>
#include <vector>

namespace sirocco::plugin {

class Delays {
 public:
  void Add(uint64_t microseconds) {
    std::lock_guard lock(mutex_);
    last_[next_++ % last_.size()] = microseconds;
  }
  // The delay that `share` of the last ones (0..1) did not pass; 0 if there were none.
  uint64_t Percentile(double share) const {
    std::vector<uint64_t> sorted;
    {
      std::lock_guard lock(mutex_);
      sorted.assign(last_.begin(), last_.begin() + std::min<uint64_t>(next_, last_.size()));
    }
    if (sorted.empty()) return 0;
    const size_t rank = std::min(sorted.size() - 1, static_cast<size_t>(share * sorted.size()));
    std::nth_element(sorted.begin(), sorted.begin() + rank, sorted.end());
    return sorted[rank];
  }

 private:
  mutable std::mutex mutex_;
  std::array<uint64_t, 4096> last_{};
  uint64_t next_ = 0;
};

}  // namespace sirocco::plugin
