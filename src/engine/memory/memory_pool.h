// Memory budgets as a tree: node -> query (or table) -> operator. A reservation is charged to the
// pool and all its ancestors, or refused by the first that would pass its limit; nobody allocates
// first and asks later, but for pools made with `may_exceed`: their owner looks at
// available_bytes() and goes to disk in time, and what it needs to do so is charged whatever the
// limits say. Threads: every method from any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/error.h"

namespace sirocco::engine {

class MemoryPool {
 public:
  static constexpr size_t kUnlimited = ~size_t{0};

  explicit MemoryPool(std::string name, size_t limit_bytes = kUnlimited,
                      MemoryPool* parent = nullptr, bool may_exceed = false)
      : name_(std::move(name)),
        limit_bytes_(limit_bytes),
        parent_(parent),
        may_exceed_(may_exceed) {}
  // Returns what is still reserved to the ancestors.
  ~MemoryPool();
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;

  // False if a limit would be passed; nothing is charged then.
  bool TryReserve(size_t bytes);
  void Release(size_t bytes);
  // Charges this pool and its ancestors although a limit may be passed.
  void ForceReserve(size_t bytes);
  // What the tightest limit of this pool and its ancestors leaves.
  size_t available_bytes() const;
  void set_may_exceed(bool may_exceed) { may_exceed_ = may_exceed; }
  // For a query that goes to disk: buffers on the way there are charged beyond the limits, and a
  // small reservation (up to kSmallBytes) must not fail for that. It may pass this pool's and its
  // ancestors' limits by a quarter, at least kSmallestSlack and at most kLargestSlack.
  void set_lenient(bool lenient) { lenient_ = lenient; }
  static constexpr size_t kSmallBytes = 1 << 20, kSmallestSlack = 8 << 20,
                          kLargestSlack = 64 << 20;
  // TryReserve with the error naming the pool and its limit.
  Result<void> Reserve(size_t bytes);

  size_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }
  size_t peak_bytes() const { return peak_bytes_.load(std::memory_order_relaxed); }
  size_t limit_bytes() const { return limit_bytes_.load(std::memory_order_relaxed); }
  void set_limit_bytes(size_t limit) { limit_bytes_ = limit; }
  const std::string& name() const { return name_; }

 private:
  bool TryReserve(size_t bytes, bool lenient);

  std::string name_;
  std::atomic<size_t> limit_bytes_;
  std::atomic<size_t> used_bytes_{0}, peak_bytes_{0};
  MemoryPool* parent_;
  std::atomic<bool> may_exceed_, lenient_{false};
};

// A reservation that is given back at the end of its scope. Grows and shrinks; not thread safe.
class MemoryReservation {
 public:
  explicit MemoryReservation(MemoryPool* pool) : pool_(pool) {}
  ~MemoryReservation() { pool_->Release(bytes_); }
  MemoryReservation(const MemoryReservation&) = delete;
  MemoryReservation& operator=(const MemoryReservation&) = delete;

  Result<void> ResizeTo(size_t bytes);
  size_t bytes() const { return bytes_; }

 private:
  MemoryPool* pool_;
  size_t bytes_ = 0;
};

}  // namespace sirocco::engine
