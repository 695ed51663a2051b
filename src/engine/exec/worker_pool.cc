#include "engine/exec/worker_pool.h"

namespace sirocco::engine {

namespace {
// More threads than this are never created, whatever a query asks for.
constexpr uint32_t kMaxThreads = 512;
}  // namespace

WorkerPool& WorkerPool::Shared() {
  // Never destroyed: a query may still be running on a detached session when static objects die.
  static WorkerPool* pool = new WorkerPool;
  return *pool;
}

WorkerPool::~WorkerPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::Run(uint32_t num_workers, const std::function<void(uint32_t)>& body) {
  if (num_workers <= 1) {
    body(0);
    return;
  }
  Job job;
  job.body = &body;
  job.end = num_workers;
  {
    std::lock_guard lock(mutex_);
    const uint32_t wanted = std::min(num_workers - 1, kMaxThreads);
    while (threads_.size() < wanted) {
      try {
        threads_.emplace_back([this] { ThreadMain(); });
      } catch (const std::system_error&) {
        break;  // the machine gives no more threads: the calling thread does the work
      }
    }
    jobs_.push_back(&job);
  }
  for (uint32_t i = 1; i < num_workers; ++i) work_.notify_one();
  body(0);
  std::unique_lock lock(mutex_);
  jobs_.remove(&job);
  job.next = job.end;
  job.idle.wait(lock, [&] { return job.running == 0; });
}

void WorkerPool::ThreadMain() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    Job* job = jobs_.front();
    const uint32_t worker = job->next++;
    if (job->next >= job->end) jobs_.pop_front();
    ++job->running;
    lock.unlock();
    (*job->body)(worker);
    lock.lock();
    if (--job->running == 0) job->idle.notify_one();
  }
}

}  // namespace sirocco::engine
