// Tells a reader to give up: because the caller cancelled the load, or because its result is not
// needed any more. Threads: any.
#pragma once

#include <atomic>

namespace sirocco::lakehouse {

class StopToken {
 public:
  explicit StopToken(const std::atomic<bool>* caller = nullptr) : caller_(caller) {}
  bool stopped() const {
    return stopped_.load(std::memory_order_relaxed) ||
           (caller_ != nullptr && caller_->load(std::memory_order_relaxed));
  }
  void Stop() { stopped_ = true; }

 private:
  const std::atomic<bool>* caller_;
  std::atomic<bool> stopped_{false};
};

}  // namespace sirocco::lakehouse
