#include "engine/exec/dense_index.h"

#include <bit>

#include "engine/exec/clones.h"

namespace sirocco::engine {

namespace {

SIROCCO_CLONES uint32_t FindInBitmap(const int64_t* keys, const uint8_t* nulls, uint32_t count,
                                     int64_t min, uint64_t domain, const uint64_t* bitmap,
                                     uint16_t* hits) {
  uint32_t m = 0;
  if (nulls == nullptr) {
    for (uint32_t i = 0; i < count; ++i) {
      const uint64_t u = static_cast<uint64_t>(keys[i]) - static_cast<uint64_t>(min);
      const uint64_t inside = u < domain;
      const uint64_t word = bitmap[inside ? u >> 6 : 0];
      hits[m] = static_cast<uint16_t>(i);
      m += static_cast<uint32_t>(inside & (word >> (u & 63)));
    }
  } else {
    for (uint32_t i = 0; i < count; ++i) {
      const uint64_t u = static_cast<uint64_t>(keys[i]) - static_cast<uint64_t>(min);
      const uint64_t inside = (u < domain) & (nulls[i] == 0);
      const uint64_t word = bitmap[inside ? u >> 6 : 0];
      hits[m] = static_cast<uint16_t>(i);
      m += static_cast<uint32_t>(inside & (word >> (u & 63)));
    }
  }
  return m;
}

// All keys of the domain are present: only the bounds need a test.
SIROCCO_CLONES uint32_t FindInRange(const int64_t* keys, const uint8_t* nulls, uint32_t count,
                                    int64_t min, uint64_t domain, uint16_t* hits) {
  uint32_t m = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t u = static_cast<uint64_t>(keys[i]) - static_cast<uint64_t>(min);
    hits[m] = static_cast<uint16_t>(i);
    m += static_cast<uint32_t>((u < domain) & (nulls == nullptr || nulls[i] == 0));
  }
  return m;
}

SIROCCO_CLONES void Offsets(const int64_t* keys, const uint16_t* rows, uint32_t count, int64_t min,
                            uint32_t* groups) {
  if (rows == nullptr) {
    for (uint32_t i = 0; i < count; ++i) groups[i] = static_cast<uint32_t>(keys[i] - min);
  } else {
    for (uint32_t i = 0; i < count; ++i) groups[i] = static_cast<uint32_t>(keys[rows[i]] - min);
  }
}

SIROCCO_CLONES void Ranks(const int64_t* keys, const uint16_t* rows, uint32_t count, int64_t min,
                          const uint64_t* bitmap, const uint32_t* rank, uint32_t* groups) {
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t u =
        static_cast<uint64_t>(keys[rows == nullptr ? i : rows[i]]) - static_cast<uint64_t>(min);
    const uint64_t before = bitmap[u >> 6] & ((uint64_t{1} << (u & 63)) - 1);
    groups[i] = rank[u >> 6] + static_cast<uint32_t>(__builtin_popcountll(before));
  }
}

// Without branches: keys outside of the range change nothing in a word of the range (another thread
// may own theirs).
SIROCCO_CLONES void MarkBits(const int64_t* keys, uint32_t count, int64_t min, uint64_t first,
                             uint64_t last, uint64_t* words) {
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t u = static_cast<uint64_t>(keys[i]) - static_cast<uint64_t>(min);
    const uint64_t inside = (u >= first) & (u <= last);
    words[inside ? u >> 6 : first >> 6] |= inside << (u & 63);
  }
}

SIROCCO_CLONES uint64_t CountBits(const uint64_t* words, uint64_t count, uint32_t* rank) {
  uint64_t total = 0;
  for (uint64_t i = 0; i < count; ++i) {
    if (rank != nullptr) rank[i] = static_cast<uint32_t>(total);
    total += static_cast<uint64_t>(__builtin_popcountll(words[i]));
  }
  return total;
}

}  // namespace

Result<void> DenseIndex::Prepare(int64_t min, uint64_t domain, MemoryPool* pool) {
  min_ = min;
  domain_ = domain;
  const uint64_t words = (domain + 63) / 64;
  RETURN_IF_ERROR(bitmap_.Allocate(pool, words * 8, true));
  return rank_.Allocate(pool, words * 4, false);
}

void DenseIndex::Mark(const int64_t* keys, uint32_t count, uint64_t first, uint64_t last) {
  MarkBits(keys, count, min_, first, last, bitmap_.as<uint64_t>());
}

Result<void> DenseIndex::Number(bool compact) {
  const uint64_t words = (domain_ + 63) / 64;
  num_distinct_ = CountBits(bitmap(), words, rank_.as<uint32_t>());
  identity_ = num_distinct_ == domain_ || (!compact && domain_ <= 2 * num_distinct_);
  if (identity_) rank_.Reset();
  return {};
}

uint32_t DenseIndex::Find(const int64_t* keys, const uint8_t* nulls, uint32_t count,
                          uint16_t* hits) const {
  if (num_distinct_ == domain_) return FindInRange(keys, nulls, count, min_, domain_, hits);
  return FindInBitmap(keys, nulls, count, min_, domain_, bitmap(), hits);
}

void DenseIndex::Groups(const int64_t* keys, const uint16_t* rows, uint32_t count,
                        uint32_t* groups) const {
  if (identity_) {
    Offsets(keys, rows, count, min_, groups);
  } else {
    Ranks(keys, rows, count, min_, bitmap(), rank_.as<uint32_t>(), groups);
  }
}

}  // namespace sirocco::engine
