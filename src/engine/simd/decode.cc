// The loops are simple enough for the compiler's vectorizer (this file is built with -O3); Highway
// compiles them once per instruction set.
#include "engine/simd/decode.h"

// clang-format off: targets.h decides what the headers after it do.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/simd/decode.cc"
#include "engine/simd/targets.h"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace sirocco::simd {
namespace HWY_NAMESPACE {

template <typename T>
HWY_NOINLINE void DecodeI64Typed(const T* HWY_RESTRICT stored, uint32_t count, uint64_t base,
                                 uint64_t factor, uint64_t* HWY_RESTRICT out) {
  if (factor == 1) {
    for (uint32_t i = 0; i < count; ++i) out[i] = base + stored[i];
  } else {
    for (uint32_t i = 0; i < count; ++i) out[i] = base + factor * stored[i];
  }
}
void DecodeI64(const void* stored, uint32_t width, uint32_t count, uint64_t base, uint64_t factor,
               uint64_t* out) {
  switch (width) {
    case 1:
      return DecodeI64Typed(static_cast<const uint8_t*>(stored), count, base, factor, out);
    case 2:
      return DecodeI64Typed(static_cast<const uint16_t*>(stored), count, base, factor, out);
    case 4:
      return DecodeI64Typed(static_cast<const uint32_t*>(stored), count, base, factor, out);
    default:
      return DecodeI64Typed(static_cast<const uint64_t*>(stored), count, base, factor, out);
  }
}

template <typename T>
HWY_NOINLINE void DecodeU32Typed(const T* HWY_RESTRICT stored, uint32_t count, uint32_t base,
                                 uint32_t* HWY_RESTRICT out) {
  for (uint32_t i = 0; i < count; ++i) out[i] = base + static_cast<uint32_t>(stored[i]);
}
void DecodeU32(const void* stored, uint32_t width, uint32_t count, uint32_t base, uint32_t* out) {
  switch (width) {
    case 1:
      return DecodeU32Typed(static_cast<const uint8_t*>(stored), count, base, out);
    case 2:
      return DecodeU32Typed(static_cast<const uint16_t*>(stored), count, base, out);
    case 4:
      return DecodeU32Typed(static_cast<const uint32_t*>(stored), count, base, out);
    default:
      return DecodeU32Typed(static_cast<const uint64_t*>(stored), count, base, out);
  }
}

template <typename T>
HWY_NOINLINE void GatherI64Typed(const T* HWY_RESTRICT stored, const uint16_t* HWY_RESTRICT rows,
                                 uint32_t count, uint64_t base, uint64_t factor,
                                 uint64_t* HWY_RESTRICT out) {
  if (factor == 1) {
    for (uint32_t i = 0; i < count; ++i) out[i] = base + stored[rows[i]];
  } else {
    for (uint32_t i = 0; i < count; ++i) out[i] = base + factor * stored[rows[i]];
  }
}
void GatherI64(const void* stored, uint32_t width, const uint16_t* rows, uint32_t count,
               uint64_t base, uint64_t factor, uint64_t* out) {
  switch (width) {
    case 1:
      return GatherI64Typed(static_cast<const uint8_t*>(stored), rows, count, base, factor, out);
    case 2:
      return GatherI64Typed(static_cast<const uint16_t*>(stored), rows, count, base, factor, out);
    case 4:
      return GatherI64Typed(static_cast<const uint32_t*>(stored), rows, count, base, factor, out);
    default:
      return GatherI64Typed(static_cast<const uint64_t*>(stored), rows, count, base, factor, out);
  }
}

template <typename T>
HWY_NOINLINE void GatherU32Typed(const T* HWY_RESTRICT stored, const uint16_t* HWY_RESTRICT rows,
                                 uint32_t count, uint32_t base, uint32_t* HWY_RESTRICT out) {
  for (uint32_t i = 0; i < count; ++i) out[i] = base + static_cast<uint32_t>(stored[rows[i]]);
}
void GatherU32(const void* stored, uint32_t width, const uint16_t* rows, uint32_t count,
               uint32_t base, uint32_t* out) {
  switch (width) {
    case 1:
      return GatherU32Typed(static_cast<const uint8_t*>(stored), rows, count, base, out);
    case 2:
      return GatherU32Typed(static_cast<const uint16_t*>(stored), rows, count, base, out);
    case 4:
      return GatherU32Typed(static_cast<const uint32_t*>(stored), rows, count, base, out);
    default:
      return GatherU32Typed(static_cast<const uint64_t*>(stored), rows, count, base, out);
  }
}

namespace hn = hwy::HWY_NAMESPACE;

// Appends the values of 64 rows whose bits are set; those past the last set bit need not be there.
template <typename T>
HWY_INLINE T* CompressWord(const T* HWY_RESTRICT values, uint64_t word, T* HWY_RESTRICT out) {
  const hn::CappedTag<T, 64> d;
  constexpr uint32_t kLanes = static_cast<uint32_t>(hn::MaxLanes(d));
  for (uint32_t i = 0; word >> i != 0; i += kLanes) {
    const uint64_t bits = word >> i;
    out += hn::CompressBitsStore(hn::LoadU(d, values + i), reinterpret_cast<const uint8_t*>(&bits),
                                 d, out);
    if (i + kLanes >= 64) break;
  }
  return out;
}

uint32_t CompressI64(const void* stored, uint32_t width, const uint64_t* mask, uint32_t count,
                     uint64_t base, uint64_t factor, uint64_t* out) {
  HWY_ALIGN uint64_t values[64 + 8] = {};
  const uint64_t* begin = out;
  const auto* from = static_cast<const uint8_t*>(stored);
  for (uint32_t row = 0; row < count; row += 64, from += size_t{64} * width) {
    const uint64_t word = mask[row / 64];
    if (word == ~uint64_t{0}) {
      DecodeI64(from, width, 64, base, factor, out);
      out += 64;
    } else if (word != 0) {
      DecodeI64(from, width, HWY_MIN(64, count - row), base, factor, values);
      out = CompressWord(values, word, out);
    }
  }
  return static_cast<uint32_t>(out - begin);
}

uint32_t CompressU32(const void* stored, uint32_t width, const uint64_t* mask, uint32_t count,
                     uint32_t base, uint32_t* out) {
  HWY_ALIGN uint32_t values[64 + 16] = {};
  const uint32_t* begin = out;
  const auto* from = static_cast<const uint8_t*>(stored);
  for (uint32_t row = 0; row < count; row += 64, from += size_t{64} * width) {
    const uint64_t word = mask[row / 64];
    if (word == ~uint64_t{0}) {
      DecodeU32(from, width, 64, base, out);
      out += 64;
    } else if (word != 0) {
      DecodeU32(from, width, HWY_MIN(64, count - row), base, values);
      out = CompressWord(values, word, out);
    }
  }
  return static_cast<uint32_t>(out - begin);
}

}  // namespace HWY_NAMESPACE
}  // namespace sirocco::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sirocco::simd {

HWY_EXPORT(DecodeI64);
HWY_EXPORT(DecodeU32);
HWY_EXPORT(GatherI64);
HWY_EXPORT(GatherU32);
HWY_EXPORT(CompressI64);
HWY_EXPORT(CompressU32);

void DecodeI64(const void* stored, uint32_t width, uint32_t count, uint64_t base, uint64_t factor,
               uint64_t* out) {
  HWY_DYNAMIC_DISPATCH(DecodeI64)(stored, width, count, base, factor, out);
}
void DecodeU32(const void* stored, uint32_t width, uint32_t count, uint32_t base, uint32_t* out) {
  HWY_DYNAMIC_DISPATCH(DecodeU32)(stored, width, count, base, out);
}
void GatherI64(const void* stored, uint32_t width, const uint16_t* rows, uint32_t count,
               uint64_t base, uint64_t factor, uint64_t* out) {
  HWY_DYNAMIC_DISPATCH(GatherI64)(stored, width, rows, count, base, factor, out);
}
void GatherU32(const void* stored, uint32_t width, const uint16_t* rows, uint32_t count,
               uint32_t base, uint32_t* out) {
  HWY_DYNAMIC_DISPATCH(GatherU32)(stored, width, rows, count, base, out);
}

uint32_t CompressI64(const void* stored, uint32_t width, const uint64_t* mask, uint32_t count,
                     uint64_t base, uint64_t factor, uint64_t* out) {
  return HWY_DYNAMIC_DISPATCH(CompressI64)(stored, width, mask, count, base, factor, out);
}
uint32_t CompressU32(const void* stored, uint32_t width, const uint64_t* mask, uint32_t count,
                     uint32_t base, uint32_t* out) {
  return HWY_DYNAMIC_DISPATCH(CompressU32)(stored, width, mask, count, base, out);
}

}  // namespace sirocco::simd
#endif  // HWY_ONCE
