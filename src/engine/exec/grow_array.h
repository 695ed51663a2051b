// A growing array of trivially copyable values, zero filled, charged to a MemoryPool, 64-byte aligned and readable 64 bytes past its end.
// Not thread safe.
#pragma once

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "common/error.h"
#include "engine/exec/row_blocks.h"

namespace sirocco::engine {

template <typename T>
class GrowArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  explicit GrowArray(MemoryPool* pool) : pool_(pool) {}

  // Makes room for `count` values; new ones are zero. Errors: kOutOfMemory, the array is then unchanged.
  Result<void> Reserve(size_t count) {
    if (count <= capacity_) return {};
    const size_t capacity = std::max({count, capacity_ * 2, size_t{64}});
    RETURN_IF_ERROR(buffer_.Grow(pool_, capacity_ * sizeof(T), capacity * sizeof(T)));
    data_ = buffer_.as<T>();
    capacity_ = capacity;
    return {};
  }
  void Reset() {
    buffer_.Reset();
    data_ = nullptr;
    capacity_ = 0;
  }

  T* data() const { return data_; }
  T& operator[](size_t i) const { return data_[i]; }
  size_t capacity() const { return capacity_; }

 private:
  MemoryPool* pool_;
  PoolBuffer buffer_;
  T* data_ = nullptr;
  size_t capacity_ = 0;
};

}  // namespace sirocco::engine
