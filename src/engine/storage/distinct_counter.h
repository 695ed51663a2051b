// Estimates the number of distinct values (HyperLogLog, 8,192 registers: standard error 1.15 %).
// Source: Flajolet et al., "HyperLogLog: the analysis of a near-optimal cardinality estimation
// algorithm", 2007; small counts by linear counting. Not thread safe.
#pragma once

#include <array>
#include <cstdint>

namespace sirocco::engine {

class DistinctCounter {
 public:
  void AddHash(uint64_t hash) {
    const uint32_t index = static_cast<uint32_t>(hash >> (64 - kIndexBits));
    const uint64_t rest = (hash << kIndexBits) | (uint64_t{1} << (kIndexBits - 1));
    const auto rank = static_cast<uint8_t>(__builtin_clzll(rest) + 1);
    if (rank > registers_[index]) registers_[index] = rank;
  }
  void AddInteger(uint64_t value) {
    const unsigned __int128 product =
        static_cast<unsigned __int128>(value ^ 0x2545F4914F6CDD1Dull) * 0x9E3779B97F4A7C15ull;
    const uint64_t mixed = (static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64)) *
                           0xD6E8FEB86659FD93ull;
    AddHash(mixed ^ (mixed >> 32));
  }
  double Estimate() const;

 private:
  static constexpr int kIndexBits = 13;
  std::array<uint8_t, 1 << kIndexBits> registers_{};
};

}  // namespace sirocco::engine
