#include "engine/simd/find.h"

#include <bit>

// clang-format off: targets.h decides what the headers after it do.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/simd/find.cc"
#include "engine/simd/targets.h"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace sirocco::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

HWY_INLINE bool MatchesVector(const char* p, const MaskedPattern& pattern) {
  const hn::ScalableTag<uint8_t> d;
  for (size_t i = 0; i < pattern.size(); i += hn::Lanes(d)) {
    const auto text = hn::LoadU(d, reinterpret_cast<const uint8_t*>(p + i));
    const auto mask = hn::LoadU(d, reinterpret_cast<const uint8_t*>(pattern.mask() + i));
    const auto value = hn::LoadU(d, reinterpret_cast<const uint8_t*>(pattern.value() + i));
    if (!hn::AllTrue(d, hn::Eq(hn::Or(text, mask), value))) return false;
  }
  return true;
}

// Tests the first and the last byte of the pattern that are not free for a vector of start
// positions at once; the few positions that pass are compared whole.
const char* FindMasked(const char* begin, const char* end, const MaskedPattern& pattern) {
  const size_t size = pattern.size();
  if (static_cast<size_t>(end - begin) < size) return nullptr;
  size_t first = 0, last = size - 1;
  while (first < last && pattern.mask()[first] == static_cast<char>(0xFF)) ++first;
  while (last > first && pattern.mask()[last] == static_cast<char>(0xFF)) --last;

  const hn::ScalableTag<uint8_t> d;
  const size_t lanes = hn::Lanes(d);
  const auto first_mask = hn::Set(d, static_cast<uint8_t>(pattern.mask()[first]));
  const auto first_value = hn::Set(d, static_cast<uint8_t>(pattern.value()[first]));
  const auto last_mask = hn::Set(d, static_cast<uint8_t>(pattern.mask()[last]));
  const auto last_value = hn::Set(d, static_cast<uint8_t>(pattern.value()[last]));
  const auto candidates = [&](const char* p) HWY_ATTR {
    const auto at_first = hn::LoadU(d, reinterpret_cast<const uint8_t*>(p + first));
    const auto at_last = hn::LoadU(d, reinterpret_cast<const uint8_t*>(p + last));
    const auto hit = hn::And(hn::Eq(hn::Or(at_first, first_mask), first_value),
                             hn::Eq(hn::Or(at_last, last_mask), last_value));
    return hn::BitsFromMask(d, hit);
  };
  const char* stop = end - size + 1;  // start positions are below this
  // A vector of starts may read 64 bytes past the last possible byte, which is the padding after
  // the text.
  for (const char* p = begin; p < stop; p += lanes) {
    for (uint64_t bits = candidates(p); bits != 0; bits &= bits - 1) {
      const char* candidate = p + std::countr_zero(bits);
      if (candidate >= stop) return nullptr;
      if (MatchesVector(candidate, pattern)) return candidate;
    }
  }
  return nullptr;
}

}  // namespace HWY_NAMESPACE
}  // namespace sirocco::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sirocco::simd {

HWY_EXPORT(FindMasked);

const char* FindMasked(const char* begin, const char* end, const MaskedPattern& pattern) {
  return HWY_DYNAMIC_DISPATCH(FindMasked)(begin, end, pattern);
}

}  // namespace sirocco::simd
#endif  // HWY_ONCE
