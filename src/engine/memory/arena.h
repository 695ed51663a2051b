// Bump allocator for variable-length values of one owner (a hash table's strings, an expression's
// results). Memory is charged to a MemoryPool in blocks. Not thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "engine/memory/memory_pool.h"

namespace sirocco::engine {

class Arena {
 public:
  explicit Arena(MemoryPool* pool, size_t block_bytes = 256 << 10)
      : pool_(pool), block_bytes_(block_bytes) {}
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Returns `bytes` of memory aligned to `alignment` (a power of two up to 64), or nullptr if the
  // pool refuses.
  void* Allocate(size_t bytes, size_t alignment = 8);
  // Copies the bytes; data() is nullptr only if the pool refuses (an empty string gives a non-null
  // pointer).
  const char* Copy(std::string_view bytes);
  // Forgets all values and keeps one block for reuse.
  void Clear();
  size_t allocated_bytes() const { return allocated_bytes_; }

 private:
  struct Block {
    std::unique_ptr<char[]> memory;
    size_t size;
  };
  MemoryPool* pool_;
  size_t block_bytes_;
  std::vector<Block> blocks_;
  size_t used_in_last_ = 0;
  size_t allocated_bytes_ = 0;
};

}  // namespace sirocco::engine
