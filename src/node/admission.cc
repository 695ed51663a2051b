#include "node/admission.h"

namespace sirocco::node {

bool Admission::HasPlace(bool is_long) const {
  return holds_ == 0 && running_ < max_running_ && (!is_long || running_long_ < max_long_);
}

// The first in order of those for whom there is a place.
bool Admission::IsNext(const Waiting& waiting) const {
  if (!HasPlace(waiting.is_long)) return false;
  for (const Waiting& other : waiting_)
    if (HasPlace(other.is_long)) return other.number == waiting.number;
  return false;
}

Result<Admission::Ticket> Admission::Enter(Duration expected,
                                           const std::function<bool()>& cancelled) {
  std::unique_lock lock(mutex_);
  const auto place = waiting_
                         .insert({.order = std::chrono::steady_clock::now() + expected,
                                  .number = arrivals_++,
                                  .is_long = expected > kLong})
                         .first;
  const bool is_long = place->is_long;
  while (!IsNext(*place)) {
    changed_.wait_for(lock, std::chrono::milliseconds(20));
    if (!IsNext(*place) && cancelled()) {
      waiting_.erase(place);
      changed_.notify_all();
      return MakeError(ErrorCode::kCancelled, "cancelled while waiting for other queries");
    }
  }
  waiting_.erase(place);
  ++running_;
  if (is_long) ++running_long_;
  changed_.notify_all();
  return Ticket(this, is_long);
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

void Admission::Leave(bool is_long) {
  std::lock_guard lock(mutex_);
  --running_;
  if (is_long) --running_long_;
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
