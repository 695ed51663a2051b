// Threads shared by all queries of the process. A parallel step runs on the calling thread and on
// helpers that happen to be free: the work itself is split by shared cursors (morsels), so a helper
// that comes late or never costs nothing but parallelism. Threads: every method from any thread.
// Threads are created at first need and live until the process ends.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace sirocco::engine {

class WorkerPool {
 public:
  static WorkerPool& Shared();

  WorkerPool() = default;
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Calls body(0) on this thread and body(1..num_workers-1) on helpers, and returns when every
  // started call has returned. A helper call that has not started when body(0) returns is dropped,
  // so bodies must take their work from a shared place. `body` must not throw.
  void Run(uint32_t num_workers, const std::function<void(uint32_t)>& body);

 private:
  struct Job {
    const std::function<void(uint32_t)>* body = nullptr;
    uint32_t next = 1, end = 1, running = 0;
    std::condition_variable idle;
  };
  void ThreadMain();

  std::mutex mutex_;
  std::condition_variable work_;
  std::list<Job*> jobs_;  // with calls that nobody has started
  std::vector<std::thread> threads_;
  bool stopping_ = false;
};

}  // namespace sirocco::engine
