#include "engine/memory/aligned_buffer.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace sirocco::engine {

Result<AlignedBuffer> AlignedBuffer::Allocate(MemoryPool* pool, size_t bytes) {
  const size_t rounded = (bytes + kPadding + 63) & ~size_t{63};
  RETURN_IF_ERROR(pool->Reserve(rounded));
  auto* memory = static_cast<char*>(std::aligned_alloc(64, rounded));
  if (memory == nullptr) {
    pool->Release(rounded);
    return MakeError(ErrorCode::kOutOfMemory,
                     "allocation failed: " + std::to_string(rounded) + " bytes");
  }
  std::memset(memory + bytes, 0, rounded - bytes);
  AlignedBuffer buffer;
  buffer.data_ = memory;
  buffer.size_ = bytes;
  buffer.charged_bytes_ = rounded;
  buffer.pool_ = pool;
  return buffer;
}

Result<void> AlignedBuffer::Grow(MemoryPool* pool, size_t bytes, size_t used) {
  if (bytes <= size_) return {};
  ASSIGN_OR_RETURN(AlignedBuffer larger, Allocate(pool, std::max(bytes, size_ * 2)));
  if (used != 0) std::memcpy(larger.data_, data_, used);
  Swap(larger);
  return {};
}

void AlignedBuffer::Free() {
  if (data_ == nullptr) return;
  std::free(data_);
  pool_->Release(charged_bytes_);
  data_ = nullptr;
}

}  // namespace sirocco::engine
