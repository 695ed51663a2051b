// Kernels that test a predicate on every row of a vector of stored numbers.
//
// Dense kernels write a row mask: bit (i & 63) of mask[i / 64] says that row i passes; (count + 63)
// / 64 words, bits past `count` are 0. Refine kernels take ascending row numbers and keep those
// that pass (in place; the result is ascending), returning how many. `stored`: unsigned numbers of
// `width` bytes (1, 2, 4, 8), readable 64 bytes past the last row. `rows` outputs need room for
// `count` + 32 entries.
// Threads: pure functions, dispatched at run time to the machine's best instruction set. Namespace
// `plain` (mask_plain.h) has the versions without SIMD that tests compare with.
#pragma once

#include <cstdint>

namespace sirocco::simd {

// Numbers n with lo <= n <= hi; `negate`: those outside. lo and hi must fit the width.
struct Interval {
  uint64_t lo = 0, hi = 0;
  bool negate = false;
};

// Numbers n whose bit (offset + factor * n, modulo 2^64) of `bitmap` is set; positions above
// `limit` are not in the set. No number tested is above max_stored; a true bound lets kernels use
// narrower arithmetic.
struct BitSet {
  const uint64_t* bitmap = nullptr;
  uint64_t offset = 0, factor = 1, limit = 0;
  uint64_t max_stored = ~uint64_t{0};
};

// Like BitSet for positions up to `limit`, then two bits of one word of a Bloom filter by the hash
// of key_base + factor * n (see storage/scan.h).
struct BloomSet {
  const uint64_t* words = nullptr;
  uint64_t word_mask = 0;
  uint64_t offset = 0, factor = 1, limit = 0;
  uint64_t key_base = 0;
};

void IntervalMask(const void* stored, uint32_t width, uint32_t count, const Interval& interval,
                  uint64_t* mask);
uint32_t RefineInterval(const void* stored, uint32_t width, const Interval& interval,
                        uint16_t* rows, uint32_t count);

// Doubles, by their ordered bits (storage/segment.h OrderedBits).
void OrderedIntervalMask(const double* values, uint32_t count, const Interval& interval,
                         uint64_t* mask);
uint32_t RefineOrderedInterval(const double* values, const Interval& interval, uint16_t* rows,
                               uint32_t count);

void BitSetMask(const void* stored, uint32_t width, uint32_t count, const BitSet& set,
                uint64_t* mask);
uint32_t RefineBitSet(const void* stored, uint32_t width, const BitSet& set, uint16_t* rows,
                      uint32_t count);

void BloomMask(const void* stored, uint32_t width, uint32_t count, const BloomSet& set,
               uint64_t* mask);
uint32_t RefineBloom(const void* stored, uint32_t width, const BloomSet& set, uint16_t* rows,
                     uint32_t count);

// Rows whose byte is 0.
void ZeroByteMask(const uint8_t* bytes, uint32_t count, uint64_t* mask);

// mask &= other; returns the number of bits left.
uint32_t AndMask(uint64_t* mask, const uint64_t* other, uint32_t num_words);
uint32_t CountMask(const uint64_t* mask, uint32_t num_words);

// The rows of a mask, ascending.
uint32_t MaskToRows(const uint64_t* mask, uint32_t count, uint16_t* rows);

// Whether any byte is above 0x7F.
bool AnyHighByte(const void* bytes, uint64_t count);

}  // namespace sirocco::simd
