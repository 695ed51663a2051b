#include "engine/simd/mask_plain.h"

#include <bit>
#include <cstring>

#include "engine/simd/bloom.h"

namespace sirocco::simd::plain {

uint64_t StoredAt(const void* stored, uint32_t width, uint32_t row) {
  uint64_t number = 0;
  std::memcpy(&number, static_cast<const char*>(stored) + size_t{row} * width, width);
  return number;
}

bool Contains(const Interval& interval, uint64_t stored) {
  return (interval.lo <= stored && stored <= interval.hi) != interval.negate;
}

bool Contains(const BitSet& set, uint64_t stored) {
  const uint64_t position = set.offset + set.factor * stored;
  return position <= set.limit && (set.bitmap[position / 64] >> (position & 63) & 1) != 0;
}

bool Contains(const BloomSet& set, uint64_t stored) {
  if (set.offset + set.factor * stored > set.limit) return false;
  const uint64_t hash = BloomHash(static_cast<int64_t>(set.key_base + set.factor * stored));
  const uint64_t bits = BloomBits(hash);
  return (set.words[hash & set.word_mask] & bits) == bits;
}

uint64_t OrderedBits(double value) {
  const uint64_t bits = std::bit_cast<uint64_t>(value);
  return bits >> 63 ? ~bits : bits | (uint64_t{1} << 63);
}

const char* FindMasked(const char* begin, const char* end, const MaskedPattern& pattern) {
  for (const char* p = begin; p + pattern.size() <= end; ++p)
    if (MatchesAt(p, pattern)) return p;
  return nullptr;
}

}  // namespace sirocco::simd::plain
