#include "engine/exec/hash_index.h"

#include <algorithm>
#include <bit>

namespace sirocco::engine {

namespace {
// How many rows ahead directory entries are prefetched: about the number of outstanding misses a
// core can have.
constexpr uint32_t kPrefetchDistance = 16;
}  // namespace

Result<void> HashIndex::Prepare(uint64_t num_rows, MemoryPool* pool) {
  if (num_rows >= (uint64_t{1} << 32))
    return MakeError(ErrorCode::kOutOfMemory, "more than 2^32 rows on the build side of a join");
  num_entries_ = std::bit_ceil(std::max<uint64_t>(num_rows, 2));
  shift_ = 64 - std::countr_zero(num_entries_);
  return directory_.Allocate(pool, num_entries_ * 8, true);
}

void HashIndex::Close(uint64_t first, uint64_t last, uint64_t rows_before) {
  uint64_t* directory = directory_.as<uint64_t>();
  uint64_t position = rows_before;
  for (uint64_t e = first; e < last; ++e) {
    const uint64_t rows = directory[e] >> 16;
    directory[e] = (position << 16) | (directory[e] & 0xffff);
    position += rows;
  }
}

uint32_t HashIndex::Find(const uint64_t* hashes, const uint8_t* nulls, uint32_t count,
                         uint16_t* hits, uint32_t* begins, uint32_t* ends) const {
  const uint64_t* directory = directory_.as<uint64_t>();
  uint32_t m = 0;
  for (uint32_t i = 0; i < count; ++i) {
    if (i + kPrefetchDistance < count)
      __builtin_prefetch(&directory[Entry(hashes[i + kPrefetchDistance])]);
    const uint64_t hash = hashes[i], e = Entry(hash);
    const uint64_t entry = directory[e], tag = Tag(hash);
    hits[m] = static_cast<uint16_t>(i);
    ends[m] = static_cast<uint32_t>(entry >> 16);
    begins[m] = e == 0 ? 0 : static_cast<uint32_t>(directory[e - 1] >> 16);
    m += static_cast<uint32_t>((entry & tag) == tag && (nulls == nullptr || nulls[i] == 0));
  }
  return m;
}

}  // namespace sirocco::engine
