// Directory of an unchained hash table: build rows lie in the order of their hash prefix, and the
// directory says where each prefix ends.
//
// Shape: 2^k entries of 64 bits: (end of the prefix's rows << 16) | tag; the rows of entry e are
// [end(e-1), end(e)). The tag is a 16-bit Bloom filter of the rows' hashes, so that most misses are
// rejected without touching a row. Entry index = upper k bits of the hash. Source: Birler, Schmidt,
// Fent, Neumann, "Simple, Efficient, and Robust Hash Tables for Join Processing", DaMoN 2024.
// Threads: Place for disjoint prefix ranges in parallel; afterwards immutable.
#pragma once

#include <cstdint>

#include "common/error.h"
#include "engine/exec/row_blocks.h"

namespace sirocco::engine {

// Mixes all bits; upper bits choose the entry, lower bits the tag.
inline uint64_t HashInteger(uint64_t key) {
  key ^= key >> 32;
  key *= 0xd6e8feb86659fd93ull;
  key ^= key >> 32;
  key *= 0xd6e8feb86659fd93ull;
  return key ^ (key >> 32);
}
inline uint64_t CombineHashes(uint64_t a, uint64_t b) {
  return HashInteger(a * 0x9E3779B97F4A7C15ull + b);
}

class HashIndex {
 public:
  // For num_rows rows. Errors: kOutOfMemory.
  Result<void> Prepare(uint64_t num_rows, MemoryPool* pool);
  uint64_t num_entries() const { return num_entries_; }
  uint64_t Entry(uint64_t hash) const { return hash >> shift_; }

  // Building, for entries [first, last) by one thread each: Count every row, then Close with the
  // number of rows before `first`, then Place every row in any order to get its position.
  void Count(uint64_t hash) {
    uint64_t& entry = directory_.as<uint64_t>()[Entry(hash)];
    entry = (entry + (1 << 16)) | Tag(hash);
  }
  void Close(uint64_t first, uint64_t last, uint64_t rows_before);
  // Entries hold the begin of their rows after Close, and the end when all rows are placed.
  uint32_t Place(uint64_t hash) {
    uint64_t& entry = directory_.as<uint64_t>()[Entry(hash)];
    const uint32_t position = static_cast<uint32_t>(entry >> 16);
    entry += 1 << 16;
    return position;
  }

  // For each row whose hash may be present: its number in `hits` and the range of build rows to
  // compare with. `nulls` (may be null) marks rows that match nothing. Returns the number of hits.
  uint32_t Find(const uint64_t* hashes, const uint8_t* nulls, uint32_t count, uint16_t* hits,
                uint32_t* begins, uint32_t* ends) const;

 private:
  static uint64_t Tag(uint64_t hash) {
    return (uint64_t{1} << (hash & 15)) | (uint64_t{1} << ((hash >> 4) & 15));
  }

  uint64_t num_entries_ = 0;
  int shift_ = 63;
  PoolBuffer directory_;
};

}  // namespace sirocco::engine
