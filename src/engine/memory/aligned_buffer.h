// A block of memory for encoded data: 64-byte aligned, readable (and zeroed) for kPadding bytes
// past the end so that kernels need no tails, charged to a MemoryPool for as long as it lives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "common/error.h"
#include "engine/memory/memory_pool.h"

namespace sirocco::engine {

class AlignedBuffer {
 public:
  static constexpr size_t kPadding = 64;

  AlignedBuffer() = default;
  ~AlignedBuffer() { Free(); }
  AlignedBuffer(AlignedBuffer&& other) noexcept { Swap(other); }
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    AlignedBuffer taken(std::move(other));
    Swap(taken);
    return *this;
  }

  // Contents undefined, padding zero. Errors: kOutOfMemory; nothing stays charged then. The pool
  // must outlive the buffer.
  static Result<AlignedBuffer> Allocate(MemoryPool* pool, size_t bytes);
  // Grows to at least `bytes` (at least doubling), keeping the first `used` bytes; shrinks never.
  Result<void> Grow(MemoryPool* pool, size_t bytes, size_t used);

  char* data() const { return data_; }
  template <typename T>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }
  size_t size() const { return size_; }
  // What is charged to the pool: size plus padding and alignment.
  size_t charged_bytes() const { return charged_bytes_; }

 private:
  void Free();
  void Swap(AlignedBuffer& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(charged_bytes_, other.charged_bytes_);
    std::swap(pool_, other.pool_);
  }

  char* data_ = nullptr;
  size_t size_ = 0, charged_bytes_ = 0;
  MemoryPool* pool_ = nullptr;
};

}  // namespace sirocco::engine
