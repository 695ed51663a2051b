// Turns Ctrl-C (SIGINT) and SIGTERM into a call, so that a long command can stop its statements and
// clean up.
//
// Make one before starting other threads: it blocks both signals in the calling thread, which its
// children inherit, and waits for them in a thread of its own. A second signal ends the program at
// once.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

namespace sirocco::tpch {

class Interruption {
 public:
  Interruption();
  ~Interruption();  // restores the signals
  Interruption(const Interruption&) = delete;

  bool requested() const { return requested_; }

  // While the returned object lives, `stop` is called once from another thread if the signal comes
  // (or came before).
  class Scope {
   public:
    Scope(Interruption& owner, std::function<void()> stop);
    ~Scope();
    Scope(const Scope&) = delete;

   private:
    Interruption& owner_;
  };

 private:
  void Watch(std::stop_token stop);

  std::atomic<bool> requested_ = false;
  std::mutex mutex_;
  std::function<void()> stop_;  // under mutex_; called at most once
  std::jthread watcher_;
};

}  // namespace sirocco::tpch
