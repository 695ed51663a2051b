#include "automl/threads.h"

#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace sirocco::automl {

namespace {

thread_local bool is_inside = false;

// What one ParallelFor shares with its helpers.
struct Job {
  const std::function<void(size_t)>* run = nullptr;
  size_t count = 0;
  std::atomic<size_t> next{0};
  std::mutex mutex;
  std::exception_ptr error;

  void Work() {
    is_inside = true;
    for (size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) {
      try {
        (*run)(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!error) error = std::current_exception();
        next = count;
      }
    }
    is_inside = false;
  }
};

// Helpers that wait for jobs; they end with the process.
class Pool {
 public:
  static Pool& Get() {
    static Pool* pool = new Pool;  // helpers may outlive static destruction
    return *pool;
  }

  void Run(Job* job, size_t num_helpers) {
    size_t engaged = 0;
    {
      const std::lock_guard lock(mutex_);
      while (num_threads_ < num_helpers) {
        std::thread([this] { Loop(); }).detach();
        ++num_threads_;
      }
      if (job_ == nullptr) {
        job_ = job;
        wanted_ = engaged = num_helpers;
        running_ = 0;
      }
    }
    if (engaged != 0) wake_.notify_all();
    job->Work();
    if (engaged == 0) return;
    std::unique_lock lock(mutex_);
    wanted_ = 0;
    done_.wait(lock, [this] { return running_ == 0; });
    job_ = nullptr;
  }

 private:
  void Loop() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return wanted_ > 0; });
      --wanted_;
      ++running_;
      Job* job = job_;
      lock.unlock();
      job->Work();
      lock.lock();
      if (--running_ == 0) done_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  Job* job_ = nullptr;
  size_t wanted_ = 0, running_ = 0, num_threads_ = 0;
};

}  // namespace

void ParallelFor(size_t num_threads, size_t count, const std::function<void(size_t)>& run) {
  if (num_threads <= 1 || count <= 1 || is_inside) {
    for (size_t i = 0; i < count; ++i) run(i);
    return;
  }
  Job job;
  job.run = &run;
  job.count = count;
  Pool::Get().Run(&job, std::min(num_threads, count) - 1);
  if (job.error) std::rethrow_exception(job.error);
}

}  // namespace sirocco::automl
