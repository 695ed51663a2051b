// How many pieces of work run at once, and which of those that wait comes next.
//
// Short work first, with ageing: everyone waits in the order of arrival time plus expected
// duration, so a query of 10 ms overtakes one of 10 s that came up to 10 s before it, and nobody is
// overtaken for ever. Long work may fill only a part of the places: a short query never waits for
// the end of a long one. Threads: any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <utility>

#include "common/error.h"

namespace sirocco::node {

class Admission {
 public:
  using Duration = std::chrono::nanoseconds;

  // `max_long` of the `max_running` places may be taken by work longer than kLong.
  Admission(uint32_t max_running, uint32_t max_long)
      : max_running_(max_running), max_long_(max_long) {}
  explicit Admission(uint32_t max_running) : Admission(max_running, max_running) {}

  static constexpr Duration kLong = std::chrono::milliseconds(100);

  // A place among the running, given back by the destructor.
  class Ticket {
   public:
    Ticket(Admission* owner, bool is_long) : owner_(owner), is_long_(is_long) {}
    Ticket(Ticket&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), is_long_(other.is_long_) {}
    ~Ticket() {
      if (owner_ != nullptr) owner_->Leave(is_long_);
    }

   private:
    Admission* owner_;
    bool is_long_;
  };

  // While one is alive nobody who waits gets a place. Empty by default.
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

  // Waits for a place; asks `cancelled` every 20 ms and gives up with kCancelled. Work of equal
  // duration is served in the order of arrival.
  Result<Ticket> Enter(Duration expected, const std::function<bool()>& cancelled);
  Result<Ticket> Enter(const std::function<bool()>& cancelled) { return Enter({}, cancelled); }
  // Stops giving places, and waits until the running work has ended. Several may hold at once.
  Result<Hold> HoldQueries(const std::function<bool()>& cancelled);
  uint32_t running() const;
  uint32_t queued() const;

 private:
  struct Waiting {
    std::chrono::steady_clock::time_point order;
    uint64_t number;  // of arrival
    bool is_long;

    bool operator<(const Waiting& other) const {
      return order != other.order ? order < other.order : number < other.number;
    }
  };

  bool HasPlace(bool is_long) const;
  bool IsNext(const Waiting& waiting) const;
  void Leave(bool is_long);
  void EndHold();

  const uint32_t max_running_, max_long_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  uint32_t running_ = 0, running_long_ = 0;
  uint32_t holds_ = 0;
  uint64_t arrivals_ = 0;
  std::set<Waiting> waiting_;
};

}  // namespace sirocco::node
