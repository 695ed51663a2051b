// Direct addressing for integer keys of a small domain: a bitmap over [min, max] and, for each key
// present, a group number.
//
// Shape: bit (key - min) is set if the key occurs. Group numbers are key - min ("identity", when at
// least half of the domain is in use or the caller does not mind holes) or the key's rank among
// those present: rank_[word] + popcount of the bits before it (dense, no holes). Threads: Mark for
// disjoint key ranges in parallel (ranges aligned to 64 keys from min); Number once; then
// immutable, lookups from any thread.
#pragma once

#include <cstdint>

#include "common/error.h"
#include "engine/exec/row_blocks.h"

namespace sirocco::engine {

class DenseIndex {
 public:
  // domain = max - min + 1 > 0. Errors: kOutOfMemory.
  Result<void> Prepare(int64_t min, uint64_t domain, MemoryPool* pool);

  // Sets the bits of keys[0..count) that are in [first, last] (offsets from min). Keys outside are
  // ignored.
  void Mark(const int64_t* keys, uint32_t count, uint64_t first, uint64_t last);
  // Counts the keys and numbers them. `compact`: no holes in the numbers, whatever the density.
  // Errors: kOutOfMemory.
  Result<void> Number(bool compact);

  uint64_t num_distinct() const { return num_distinct_; }
  // Group numbers are below this.
  uint64_t num_groups() const { return identity_ ? domain_ : num_distinct_; }
  bool identity() const { return identity_; }
  int64_t min() const { return min_; }
  uint64_t domain() const { return domain_; }
  const uint64_t* bitmap() const { return bitmap_.as<uint64_t>(); }

  // Writes the ascending rows whose key is present (and not NULL: nulls may be null) to `hits`;
  // returns their number.
  uint32_t Find(const int64_t* keys, const uint8_t* nulls, uint32_t count, uint16_t* hits) const;
  // groups[i] = group of keys[rows[i]], which are all present. `rows` null: of keys[i].
  void Groups(const int64_t* keys, const uint16_t* rows, uint32_t count, uint32_t* groups) const;

 private:
  int64_t min_ = 0;
  uint64_t domain_ = 0, num_distinct_ = 0;
  bool identity_ = false;
  PoolBuffer bitmap_, rank_;
};

}  // namespace sirocco::engine
