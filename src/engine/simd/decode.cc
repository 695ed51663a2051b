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

}  // namespace HWY_NAMESPACE
}  // namespace sirocco::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sirocco::simd {

HWY_EXPORT(DecodeI64);
HWY_EXPORT(DecodeU32);
HWY_EXPORT(GatherI64);
HWY_EXPORT(GatherU32);

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

}  // namespace sirocco::simd
#endif  // HWY_ONCE
