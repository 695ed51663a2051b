#include "cli/tpch/interruption.h"

#include <unistd.h>

#include <csignal>
#include <ctime>
#include <utility>

namespace sirocco::tpch {
namespace {

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

Interruption::Interruption() {
  const sigset_t set = StopSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  watcher_ = std::jthread([this](std::stop_token stop) { Watch(stop); });
}

Interruption::~Interruption() {
  watcher_.request_stop();
  watcher_.join();
  const sigset_t set = StopSignals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void Interruption::Watch(std::stop_token stop) {
  const sigset_t set = StopSignals();
  const timespec wait{0, 100'000'000};
  while (!stop.stop_requested()) {
    if (sigtimedwait(&set, nullptr, &wait) < 0) continue;
    if (requested_.exchange(true)) _exit(130);
    std::lock_guard lock(mutex_);
    if (stop_) std::exchange(stop_, nullptr)();
  }
}

Interruption::Scope::Scope(Interruption& owner, std::function<void()> stop) : owner_(owner) {
  std::lock_guard lock(owner_.mutex_);
  if (owner_.requested_) {
    stop();
  } else {
    owner_.stop_ = std::move(stop);
  }
}

Interruption::Scope::~Scope() {
  std::lock_guard lock(owner_.mutex_);
  owner_.stop_ = nullptr;
}

}  // namespace sirocco::tpch
