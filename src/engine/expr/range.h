// Interval arithmetic on the bounds of integer and scaled decimal slots.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "engine/vector/vector.h"

namespace sirocco::engine {

inline constexpr int128 kMinI64 = std::numeric_limits<int64_t>::min();
inline constexpr int128 kMaxI64 = std::numeric_limits<int64_t>::max();
inline constexpr int128 kMaxU64 = std::numeric_limits<uint64_t>::max();

// `known` is false when the true bounds do not fit 128 bits.
inline ValueRange MakeRange(int128 min, int128 max) { return {true, min, max}; }
inline bool FitsI64(const ValueRange& r) { return r.known && r.min >= kMinI64 && r.max <= kMaxI64; }
inline bool Within(const ValueRange& r, int128 min, int128 max) {
  return r.known && r.min >= min && r.max <= max;
}

inline ValueRange AddRange(const ValueRange& a, const ValueRange& b) {
  ValueRange r;
  if (!a.known || !b.known) return r;
  r.known = !__builtin_add_overflow(a.min, b.min, &r.min) &&
            !__builtin_add_overflow(a.max, b.max, &r.max);
  return r;
}

inline ValueRange SubRange(const ValueRange& a, const ValueRange& b) {
  ValueRange r;
  if (!a.known || !b.known) return r;
  r.known = !__builtin_sub_overflow(a.min, b.max, &r.min) &&
            !__builtin_sub_overflow(a.max, b.min, &r.max);
  return r;
}

inline ValueRange MulRange(const ValueRange& a, const ValueRange& b) {
  ValueRange r;
  if (!a.known || !b.known) return r;
  int128 p[4];
  if (__builtin_mul_overflow(a.min, b.min, &p[0]) || __builtin_mul_overflow(a.min, b.max, &p[1]) ||
      __builtin_mul_overflow(a.max, b.min, &p[2]) || __builtin_mul_overflow(a.max, b.max, &p[3]))
    return r;
  return MakeRange(*std::min_element(p, p + 4), *std::max_element(p, p + 4));
}

inline ValueRange UnionRange(const ValueRange& a, const ValueRange& b) {
  if (!a.known || !b.known) return {};
  return MakeRange(std::min(a.min, b.min), std::max(a.max, b.max));
}

// The bounds that the type itself gives (integers, temporal kinds, decimals up to 38 digits as
// scaled integers).
ValueRange TypeRange(const plan::Type& type);

}  // namespace sirocco::engine
