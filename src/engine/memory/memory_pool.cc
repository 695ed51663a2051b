#include "engine/memory/memory_pool.h"

#include <algorithm>

namespace sirocco::engine {

MemoryPool::~MemoryPool() {
  if (size_t left = used_bytes(); left != 0 && parent_ != nullptr) parent_->Release(left);
}

bool MemoryPool::TryReserve(size_t bytes) { return TryReserve(bytes, false); }

bool MemoryPool::TryReserve(size_t bytes, bool lenient) {
  if (may_exceed_.load(std::memory_order_relaxed)) {
    ForceReserve(bytes);
    return true;
  }
  lenient |= lenient_.load(std::memory_order_relaxed);
  const size_t limit = limit_bytes();
  const size_t slack =
      lenient && bytes <= kSmallBytes ? std::clamp(limit / 4, kSmallestSlack, kLargestSlack) : 0;
  size_t used = used_bytes_.load(std::memory_order_relaxed);
  do {
    const size_t after = used + bytes;
    if (after < used || (after > limit && after - limit > slack)) return false;
  } while (!used_bytes_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  if (parent_ != nullptr && !parent_->TryReserve(bytes, lenient)) {
    used_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    return false;
  }
  size_t peak = peak_bytes_.load(std::memory_order_relaxed);
  while (peak < used + bytes &&
         !peak_bytes_.compare_exchange_weak(peak, used + bytes, std::memory_order_relaxed)) {
  }
  return true;
}

void MemoryPool::ForceReserve(size_t bytes) {
  const size_t used = used_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  size_t peak = peak_bytes_.load(std::memory_order_relaxed);
  while (peak < used && !peak_bytes_.compare_exchange_weak(peak, used, std::memory_order_relaxed)) {
  }
  if (parent_ != nullptr) parent_->ForceReserve(bytes);
}

size_t MemoryPool::available_bytes() const {
  const size_t limit = limit_bytes(), used = used_bytes();
  const size_t own = used < limit ? limit - used : 0;
  return parent_ == nullptr ? own : std::min(own, parent_->available_bytes());
}

void MemoryPool::Release(size_t bytes) {
  used_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  if (parent_ != nullptr) parent_->Release(bytes);
}

Result<void> MemoryPool::Reserve(size_t bytes) {
  if (TryReserve(bytes)) return {};
  // Name the pool whose limit stands in the way.
  const MemoryPool* full = this;
  while (full->parent_ != nullptr && full->used_bytes() + bytes <= full->limit_bytes())
    full = full->parent_;
  return MakeError(ErrorCode::kOutOfMemory,
                   "memory limit of " + std::to_string(full->limit_bytes() >> 20) + " MB of " +
                       full->name_ + " reached (" + std::to_string(full->used_bytes() >> 20) +
                       " MB in use, " + std::to_string(bytes) + " bytes more needed)");
}

Result<void> MemoryReservation::ResizeTo(size_t bytes) {
  if (bytes > bytes_) {
    RETURN_IF_ERROR(pool_->Reserve(bytes - bytes_));
  } else {
    pool_->Release(bytes_ - bytes);
  }
  bytes_ = bytes;
  return {};
}

}  // namespace sirocco::engine
