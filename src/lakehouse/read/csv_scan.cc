#include "lakehouse/read/csv_scan.h"

#include <bit>

// targets.h decides what the headers after it do, so their order matters.
// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lakehouse/read/csv_scan.cc"
#include "engine/simd/targets.h"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace sirocco::lakehouse {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

ScanOutcome FindStructural(const char* data, size_t size, const StructuralBytes& bytes,
                           uint32_t base, uint32_t* positions) {
  const hn::ScalableTag<uint8_t> d;
  const size_t lanes = hn::Lanes(d);
  const auto plain0 = hn::Set(d, bytes.plain[0]);
  const auto plain1 = hn::Set(d, bytes.plain[1]);
  const auto special0 = hn::Set(d, bytes.special[0]);
  const auto special1 = hn::Set(d, bytes.special[1]);
  const auto special2 = hn::Set(d, bytes.special[2]);
  const bool has_special = bytes.has_special;
  uint32_t* out = positions;
  uint64_t any_special = 0;
  auto all = hn::Zero(d);
  for (size_t at = 0; at < size; at += 64) {
    uint64_t hits = 0, specials = 0;
    for (size_t i = 0; i < 64; i += lanes) {
      const auto text = hn::LoadU(d, reinterpret_cast<const uint8_t*>(data + at + i));
      hits |= hn::BitsFromMask(d, hn::Or(hn::Eq(text, plain0), hn::Eq(text, plain1))) << i;
      if (has_special) {
        specials |=
            hn::BitsFromMask(d, hn::Or(hn::Or(hn::Eq(text, special0), hn::Eq(text, special1)),
                                       hn::Eq(text, special2)))
            << i;
      }
      if (at + 64 <= size) all = hn::Or(all, text);
    }
    if (size - at < 64) {
      const uint64_t within = (uint64_t{1} << (size - at)) - 1;
      hits &= within;
      specials &= within;
      // The bytes behind the end say nothing about the text.
      uint8_t last = 0;
      for (size_t i = at; i < size; ++i) last |= static_cast<uint8_t>(data[i]);
      all = hn::Or(all, hn::Set(d, last));
    }
    any_special |= specials;
    hits |= specials;
    const auto block = static_cast<uint32_t>(base + at);
    const int count = std::popcount(hits);
    uint32_t* next = out;
    // Eight at a time without a branch on the count; what is too much is overwritten.
    do {
      for (int i = 0; i < 8; ++i) {
        next[i] = block + static_cast<uint32_t>(std::countr_zero(hits));
        hits &= hits - 1;
      }
      next += 8;
    } while (hits != 0);
    out += count;
  }
  return {static_cast<size_t>(out - positions), any_special != 0,
          !hn::AllFalse(d, hn::Ge(all, hn::Set(d, uint8_t{128})))};
}

}  // namespace HWY_NAMESPACE
}  // namespace sirocco::lakehouse
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sirocco::lakehouse {

HWY_EXPORT(FindStructural);

ScanOutcome FindStructural(const char* data, size_t size, const StructuralBytes& bytes,
                           uint32_t base, uint32_t* positions) {
  return HWY_DYNAMIC_DISPATCH(FindStructural)(data, size, bytes, base, positions);
}

}  // namespace sirocco::lakehouse
#endif  // HWY_ONCE
