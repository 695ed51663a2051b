// The kernels of mask.h, decode.h and find.h without SIMD: one row at a time, as their descriptions
// read. Test oracle and benchmark baseline.
#pragma once

#include "engine/simd/find.h"
#include "engine/simd/mask.h"

namespace sirocco::simd::plain {

uint64_t StoredAt(const void* stored, uint32_t width, uint32_t row);
bool Contains(const Interval& interval, uint64_t stored);
bool Contains(const BitSet& set, uint64_t stored);
bool Contains(const BloomSet& set, uint64_t stored);
uint64_t OrderedBits(double value);

// Sets the mask of the rows for which test(row) holds.
template <typename F>
void FillMask(uint32_t count, uint64_t* mask, const F& test) {
  for (uint32_t i = 0; i < (count + 63) / 64; ++i) mask[i] = 0;
  for (uint32_t row = 0; row < count; ++row)
    if (test(row)) mask[row / 64] |= uint64_t{1} << (row & 63);
}

const char* FindMasked(const char* begin, const char* end, const MaskedPattern& pattern);

}  // namespace sirocco::simd::plain
