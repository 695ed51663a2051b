// What all operators of one running query share: settings, memory pool, cancellation, warnings, the first error.
// Threads: every method from any thread.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "common/error.h"
#include "engine/memory/memory_pool.h"
#include "plan/node.h"

namespace sirocco::engine {

// One MySQL condition raised while running, with how often.
struct Warning {
  uint32_t mysql_errno = 0;
  std::string message;
  uint64_t count = 0;
};

class QueryContext {
 public:
  QueryContext(const plan::Plan* plan, MemoryPool* pool, uint32_t num_workers)
      : plan_(plan), pool_(pool), num_workers_(num_workers) {}

  const plan::Plan& plan() const { return *plan_; }
  MemoryPool* pool() const { return pool_; }
  uint32_t num_workers() const { return num_workers_; }

  // Asks the query to stop; workers notice at the next batch (well below 100 ms).
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

  // Records one condition `count` times. Messages are equal for equal conditions, so they are merged.
  void AddWarning(uint32_t mysql_errno, const std::string& message, uint64_t count = 1);
  std::vector<Warning> warnings() const;

 private:
  const plan::Plan* plan_;
  MemoryPool* pool_;
  uint32_t num_workers_;
  std::atomic<bool> cancelled_{false};
  mutable std::mutex mutex_;
  std::map<std::pair<uint32_t, std::string>, uint64_t> warnings_;
};

}  // namespace sirocco::engine
