// The distinct byte strings of one column as one loading thread sees them, numbered in order of
// arrival.
//
// Shape: open addressing table of {32 hash bits, code + 1}, at most half full; bytes in an Arena.
// Memory is charged to the pool. Not thread safe.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "engine/memory/aligned_buffer.h"
#include "engine/memory/arena.h"
#include "engine/vector/vector.h"

namespace sirocco::engine {

// 64-bit hash of a byte string; stable within a process only.
uint64_t HashBytes(std::string_view bytes);

class StringInterner {
 public:
  explicit StringInterner(MemoryPool* pool)
      : pool_(pool), arena_(pool, kArenaBlockBytes), reservation_(pool) {}

  // Codes of strings bytes[offsets[i] .. offsets[i + 1]), i < count, into `codes`; NULL rows get
  // code 0 without being looked at.
  Result<void> Intern(const uint32_t* offsets, const char* bytes, const uint8_t* nulls,
                      uint32_t count, uint32_t* codes);

  uint32_t size() const { return static_cast<uint32_t>(values_.size()); }
  // values()[code]; the bytes live as long as the interner.
  const std::vector<StringRef>& values() const { return values_; }
  size_t total_bytes() const { return total_bytes_; }

 private:
  // Every string column of every loading thread has an arena, most of them for a few values.
  static constexpr size_t kArenaBlockBytes = 32 << 10;

  struct Slot {
    uint32_t hash;
    uint32_t code_plus_one;  // 0: empty
  };
  Result<uint32_t> Insert(uint64_t hash, std::string_view value);
  Result<void> GrowSlots();

  MemoryPool* pool_;
  Arena arena_;
  AlignedBuffer slots_;
  uint64_t slot_mask_ = 0;
  std::vector<StringRef> values_;
  MemoryReservation reservation_;  // of values_
  size_t total_bytes_ = 0;
};

}  // namespace sirocco::engine
