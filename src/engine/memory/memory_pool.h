// Memory budgets as a tree: node -> query (or table) -> operator. A reservation is charged to the
// pool and all its ancestors, or refused by the first that would pass its limit; nobody allocates
// first and asks later. Threads: every method from any thread.
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
                      MemoryPool* parent = nullptr)
      : name_(std::move(name)), limit_bytes_(limit_bytes), parent_(parent) {}
  // Returns what is still reserved to the ancestors.
  ~MemoryPool();
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;

  // False if a limit would be passed; nothing is charged then.
  bool TryReserve(size_t bytes);
  void Release(size_t bytes);
  // TryReserve with the error naming the pool and its limit.
  Result<void> Reserve(size_t bytes);

  size_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }
  size_t peak_bytes() const { return peak_bytes_.load(std::memory_order_relaxed); }
  size_t limit_bytes() const { return limit_bytes_.load(std::memory_order_relaxed); }
  void set_limit_bytes(size_t limit) { limit_bytes_ = limit; }
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  std::atomic<size_t> limit_bytes_;
  std::atomic<size_t> used_bytes_{0}, peak_bytes_{0};
  MemoryPool* parent_;
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
