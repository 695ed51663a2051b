#include "node/admission.h"

#include <chrono>

namespace sirocco::node {

Result<Admission::Ticket> Admission::Enter(const std::function<bool()>& cancelled) {
  std::unique_lock lock(mutex_);
  const auto place = waiting_.insert(waiting_.end(), 0);
  const auto my_turn = [&] {
    return holds_ == 0 && running_ < max_running_ && place == waiting_.begin();
  };
  while (!my_turn()) {
    changed_.wait_for(lock, std::chrono::milliseconds(20));
    if (!my_turn() && cancelled()) {
      waiting_.erase(place);
      changed_.notify_all();
      return MakeError(ErrorCode::kCancelled, "cancelled while waiting for other queries");
    }
  }
  waiting_.erase(place);
  ++running_;
  changed_.notify_all();
  return Ticket(this);
}

Result<Admission::Hold> Admission::HoldQueries(const std::function<bool()>& cancelled) {
  std::unique_lock lock(mutex_);
  ++holds_;
  while (running_ != 0) {
    changed_.wait_for(lock, std::chrono::milliseconds(20));
    if (running_ != 0 && cancelled()) {
      --holds_;
      changed_.notify_all();
      return MakeError(ErrorCode::kCancelled, "cancelled while waiting for running queries");
    }
  }
  return Hold(this);
}

void Admission::EndHold() {
  std::lock_guard lock(mutex_);
  --holds_;
  changed_.notify_all();
}

void Admission::Leave() {
  std::lock_guard lock(mutex_);
  --running_;
  changed_.notify_all();
}

uint32_t Admission::running() const {
  std::lock_guard lock(mutex_);
  return running_;
}

uint32_t Admission::queued() const {
  std::lock_guard lock(mutex_);
  return static_cast<uint32_t>(waiting_.size());
}

}  // namespace sirocco::node
