// Hash and bits of the Bloom filters that join builds publish: one 64-bit word per key, two bits in
// it.
#pragma once

#include <cstdint>

namespace sirocco::simd {

// 2^64 / golden ratio; the word is hash & (number of words - 1); the bits come from the upper hash
// bits.
inline constexpr uint64_t kBloomMultiplier = 0x9E3779B97F4A7C15ull;
inline uint64_t BloomHash(int64_t key) {
  const uint64_t h = static_cast<uint64_t>(key) * kBloomMultiplier;
  return h ^ (h >> 32);
}
inline uint64_t BloomBits(uint64_t hash) {
  return (uint64_t{1} << ((hash >> 40) & 63)) | (uint64_t{1} << ((hash >> 52) & 63));
}

}  // namespace sirocco::simd
