// What all operators of one running query share: settings, memory pool, cancellation, warnings, the first error.
// Threads: every method from any thread.
#pragma once

#include <algorithm>
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

class SpillSpace;

class QueryContext {
 public:
  // `spill` may be null: what does not fit the pool is then an error.
  QueryContext(const plan::Plan* plan, MemoryPool* pool, uint32_t num_workers,
               SpillSpace* spill = nullptr)
      : plan_(plan), pool_(pool), num_workers_(num_workers), spill_(spill) {}

  const plan::Plan& plan() const { return *plan_; }
  MemoryPool* pool() const { return pool_; }
  uint32_t num_workers() const { return num_workers_; }
  SpillSpace* spill() const { return spill_; }
  // Whether an operator that holds `held` bytes should go to disk: it may keep no more than it
  // leaves to the others, so that one that comes later always finds room to work.
  bool MustSpill(size_t held) const {
    return spill_ != nullptr && (spill_forced_ || held > pool_->available_bytes());
  }
  // Tests: every operator that can goes to disk at once. Process-wide; not while queries run.
  static void ForceSpill(bool force);
  bool spill_forced() const { return spill_forced_; }
  // What one worker may take to work on rows that are on disk, whatever the pool says.
  size_t smallest_budget() const { return spill_forced_ ? size_t{64} << 10 : size_t{4} << 20; }
  // What one worker may take now: half of its share of what is left.
  size_t WorkerBudget() const {
    return spill_forced_ ? smallest_budget()
                         : std::max(pool_->available_bytes() / 2 / num_workers_, smallest_budget());
  }

  // Asks the query to stop; workers notice at the next batch (well below 100 ms).
  void Cancel() {
    cancelled_by_user_.store(true, std::memory_order_relaxed);
    Abandon();
  }
  // The same after an error of one worker.
  void Abandon() { stopped_.store(true, std::memory_order_relaxed); }
  // Whether work should end.
  bool cancelled() const { return stopped_.load(std::memory_order_relaxed); }
  bool cancelled_by_user() const { return cancelled_by_user_.load(std::memory_order_relaxed); }

  // Records one condition `count` times. Messages are equal for equal conditions, so they are merged.
  void AddWarning(uint32_t mysql_errno, const std::string& message, uint64_t count = 1);
  std::vector<Warning> warnings() const;

 private:
  static bool SpillIsForced();

  const plan::Plan* plan_;
  MemoryPool* pool_;
  uint32_t num_workers_;
  SpillSpace* spill_;
  const bool spill_forced_ = SpillIsForced();
  std::atomic<bool> cancelled_by_user_{false}, stopped_{false};
  mutable std::mutex mutex_;
  std::map<std::pair<uint32_t, std::string>, uint64_t> warnings_;
};

}  // namespace sirocco::engine
