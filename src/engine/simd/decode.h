// Kernels that turn stored numbers of a segment into values: value = base + factor * stored, modulo
// 2^64.
//
// `stored` holds unsigned numbers of `width` bytes (1, 2, 4 or 8). Outputs are written for exactly
// `count` rows; inputs may be read up to 64 bytes past the last row. Dense kernels take consecutive
// numbers; gathering ones take those at rows[0..count). Threads: pure functions, compiled for
// several instruction sets and dispatched at run time. Namespace `plain` has the versions without
// SIMD that tests compare with.
#pragma once

#include <cstdint>

namespace sirocco::simd {

void DecodeI64(const void* stored, uint32_t width, uint32_t count, uint64_t base, uint64_t factor,
               uint64_t* out);
void DecodeU32(const void* stored, uint32_t width, uint32_t count, uint32_t base, uint32_t* out);
void GatherI64(const void* stored, uint32_t width, const uint16_t* rows, uint32_t count,
               uint64_t base, uint64_t factor, uint64_t* out);
void GatherU32(const void* stored, uint32_t width, const uint16_t* rows, uint32_t count,
               uint32_t base, uint32_t* out);

// The rows whose bits are set in the mask (bits past `count` are 0), packed; returns how many. May
// write 64 bytes past the last one.
uint32_t CompressI64(const void* stored, uint32_t width, const uint64_t* mask, uint32_t count,
                     uint64_t base, uint64_t factor, uint64_t* out);
uint32_t CompressU32(const void* stored, uint32_t width, const uint64_t* mask, uint32_t count,
                     uint32_t base, uint32_t* out);

// Calls f(typed pointer) for the width's unsigned type.
template <typename F>
inline void WithWidth(const void* stored, uint32_t width, const F& f) {
  switch (width) {
    case 1:
      f(static_cast<const uint8_t*>(stored));
      break;
    case 2:
      f(static_cast<const uint16_t*>(stored));
      break;
    case 4:
      f(static_cast<const uint32_t*>(stored));
      break;
    default:
      f(static_cast<const uint64_t*>(stored));
      break;
  }
}

}  // namespace sirocco::simd
