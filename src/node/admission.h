// How many queries run at once: a queue in order of arrival. Several short queries may overlap;
// more than a few heavy ones would only share caches and memory. Threads: any.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <utility>

#include "common/error.h"

namespace sirocco::node {

class Admission {
 public:
  explicit Admission(uint32_t max_running) : max_running_(max_running) {}

  // A place among the running queries, given back by the destructor.
  class Ticket {
   public:
    explicit Ticket(Admission* owner) : owner_(owner) {}
    Ticket(Ticket&& other) noexcept : owner_(other.owner_) { other.owner_ = nullptr; }
    ~Ticket() {
      if (owner_ != nullptr) owner_->Leave();
    }

   private:
    Admission* owner_;
  };

  // While one is alive no waiting query gets a place. Empty by default.
  class Hold {
   public:
    Hold() = default;
    explicit Hold(Admission* owner) : owner_(owner) {}
    Hold(Hold&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
    Hold& operator=(Hold&& other) noexcept {
      std::swap(owner_, other.owner_);
      return *this;
    }
    ~Hold() {
      if (owner_ != nullptr) owner_->EndHold();
    }

   private:
    Admission* owner_ = nullptr;
  };

  // Waits for a place; asks `cancelled` every 20 ms and gives up with kCancelled.
  Result<Ticket> Enter(const std::function<bool()>& cancelled);
  // Stops giving places, and waits until the running queries have ended. Several may hold at once.
  Result<Hold> HoldQueries(const std::function<bool()>& cancelled);
  uint32_t running() const;
  uint32_t queued() const;

 private:
  void Leave();
  void EndHold();

  const uint32_t max_running_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  uint32_t running_ = 0;
  uint32_t holds_ = 0;
  std::list<int> waiting_;  // its order is the order of arrival
};

}  // namespace sirocco::node
