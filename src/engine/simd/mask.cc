#include "engine/simd/mask.h"

#include <bit>

#include "engine/simd/bloom.h"
#include "engine/simd/decode.h"

// clang-format off: targets.h decides what the headers after it do.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/simd/mask.cc"
#include "engine/simd/targets.h"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace sirocco::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Calls mask_of(first row) for every vector of Lanes(d) rows and packs the masks into words. The
// last vector of a word may reach past `count` by less than its own 64 bytes.
template <typename D, typename F>
HWY_INLINE void PackMasks(D d, uint32_t count, uint64_t* HWY_RESTRICT mask, const F& mask_of) {
  const uint32_t lanes = static_cast<uint32_t>(hn::Lanes(d));
  for (uint32_t begin = 0; begin < count; begin += 64) {
    const uint32_t n = HWY_MIN(count - begin, 64u);
    uint64_t word = 0;
    if (n == 64) {
      for (uint32_t i = 0; i < 64; i += lanes) word |= hn::BitsFromMask(d, mask_of(begin + i)) << i;
    } else {
      for (uint32_t i = 0; i < n; i += lanes) word |= hn::BitsFromMask(d, mask_of(begin + i)) << i;
      word &= (uint64_t{1} << n) - 1;
    }
    mask[begin / 64] = word;
  }
}

template <typename T>
HWY_NOINLINE void IntervalMaskTyped(const T* HWY_RESTRICT stored, uint32_t count,
                                    const Interval& interval, uint64_t* HWY_RESTRICT mask) {
  const hn::ScalableTag<T> d;
  const auto lo = hn::Set(d, static_cast<T>(interval.lo));
  const auto length = hn::Set(d, static_cast<T>(interval.hi - interval.lo));
  // One unsigned comparison: numbers below lo wrap around to large ones.
  PackMasks(d, count, mask, [&](uint32_t i) HWY_ATTR {
    return hn::Le(hn::Sub(hn::LoadU(d, stored + i), lo), length);
  });
}

template <typename T>
HWY_NOINLINE void EqualMaskTyped(const T* HWY_RESTRICT stored, uint32_t count, uint64_t number,
                                 uint64_t* HWY_RESTRICT mask) {
  const hn::ScalableTag<T> d;
  const auto wanted = hn::Set(d, static_cast<T>(number));
  PackMasks(d, count, mask,
            [&](uint32_t i) HWY_ATTR { return hn::Eq(hn::LoadU(d, stored + i), wanted); });
}

HWY_INLINE void Invert(uint32_t count, uint64_t* HWY_RESTRICT mask) {
  for (uint32_t i = 0; i < count / 64; ++i) mask[i] = ~mask[i];
  if (count % 64 != 0) mask[count / 64] ^= (uint64_t{1} << (count % 64)) - 1;
}

void IntervalMask(const void* stored, uint32_t width, uint32_t count, const Interval& interval,
                  uint64_t* mask) {
  WithWidth(stored, width, [&](const auto* typed) {
    if (interval.lo == interval.hi) {
      EqualMaskTyped(typed, count, interval.lo, mask);
    } else {
      IntervalMaskTyped(typed, count, interval, mask);
    }
  });
  if (interval.negate) Invert(count, mask);
}

void OrderedIntervalMask(const double* values, uint32_t count, const Interval& interval,
                         uint64_t* mask) {
  const hn::ScalableTag<uint64_t> d;
  const hn::RebindToSigned<decltype(d)> ds;
  const auto* bits = reinterpret_cast<const uint64_t*>(values);
  const auto lo = hn::Set(d, interval.lo);
  const auto length = hn::Set(d, interval.hi - interval.lo);
  const auto sign = hn::Set(d, uint64_t{1} << 63);
  PackMasks(d, count, mask, [&](uint32_t i) HWY_ATTR {
    const auto v = hn::LoadU(d, bits + i);
    const auto flip = hn::Or(hn::BitCast(d, hn::BroadcastSignBit(hn::BitCast(ds, v))), sign);
    return hn::Le(hn::Sub(hn::Xor(v, flip), lo), length);
  });
  if (interval.negate) Invert(count, mask);
}

// Tests 64 rows at a time without branches; the compiler keeps several loads in flight.
template <typename F>
HWY_INLINE void ScalarMask(uint32_t count, uint64_t* HWY_RESTRICT mask, const F& test) {
  for (uint32_t begin = 0; begin < count; begin += 64) {
    const uint32_t n = HWY_MIN(count - begin, 64u);
    uint64_t word = 0;
    for (uint32_t i = 0; i < n; ++i) word |= static_cast<uint64_t>(test(begin + i)) << i;
    mask[begin / 64] = word;
  }
}

template <typename T>
HWY_NOINLINE void BitSetMaskScalar(const T* HWY_RESTRICT stored, uint32_t count, const BitSet& set,
                                   uint64_t* HWY_RESTRICT mask) {
  const BitSet s = set;
  ScalarMask(count, mask, [&](uint32_t i) HWY_ATTR {
    const uint64_t position = s.offset + s.factor * stored[i];
    const uint64_t safe = HWY_MIN(position, s.limit);
    return (s.bitmap[safe / 64] >> (safe & 63) & 1) & (position <= s.limit);
  });
}

// Positions that fit 32 bits are looked up with vector gathers of 32-bit words.
template <typename T>
HWY_NOINLINE void BitSetMaskGather(const T* HWY_RESTRICT stored, uint32_t count, const BitSet& set,
                                   uint64_t* HWY_RESTRICT mask) {
  const hn::ScalableTag<uint32_t> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<T, decltype(d)> dt;
  const auto* words = reinterpret_cast<const int32_t*>(set.bitmap);
  const auto offset = hn::Set(d, static_cast<uint32_t>(set.offset));
  const auto limit = hn::Set(d, static_cast<uint32_t>(set.limit));
  const auto one = hn::Set(d, 1u);
  const auto low = hn::Set(d, 31u);
  PackMasks(d, count, mask, [&](uint32_t i) HWY_ATTR {
    hn::Vec<decltype(d)> number;
    if constexpr (sizeof(T) == 4) {
      number = hn::LoadU(d, stored + i);
    } else {
      number = hn::PromoteTo(d, hn::LoadU(dt, stored + i));
    }
    const auto position = hn::Add(number, offset);
    const auto inside = hn::Le(position, limit);
    const auto index = hn::BitCast(di, hn::ShiftRight<5>(position));
    const auto word =
        hn::BitCast(d, hn::MaskedGatherIndex(hn::RebindMask(di, inside), di, words, index));
    const auto bit = hn::And(hn::Shr(word, hn::And(position, low)), one);
    return hn::Ne(bit, hn::Zero(d));
  });
}

template <class D, typename T>
HWY_INLINE hn::Vec<D> LoadWide(D d, const T* stored) {
  if constexpr (sizeof(T) == 8) {
    return hn::LoadU(d, stored);
  } else {
    return hn::PromoteTo(d, hn::LoadU(hn::Rebind<T, D>(), stored));
  }
}

// The general case with 64-bit positions.
template <typename T>
HWY_NOINLINE void BitSetMaskGather64(const T* HWY_RESTRICT stored, uint32_t count,
                                     const BitSet& set, uint64_t* HWY_RESTRICT mask) {
  const hn::ScalableTag<uint64_t> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto* words = reinterpret_cast<const int64_t*>(set.bitmap);
  const auto offset = hn::Set(d, set.offset);
  const auto factor = hn::Set(d, set.factor);
  const auto limit = hn::Set(d, set.limit);
  const auto one = hn::Set(d, uint64_t{1});
  const auto low = hn::Set(d, uint64_t{63});
  PackMasks(d, count, mask, [&](uint32_t i) HWY_ATTR {
    const auto position = hn::Add(hn::Mul(LoadWide(d, stored + i), factor), offset);
    const auto inside = hn::Le(position, limit);
    const auto index = hn::BitCast(di, hn::ShiftRight<6>(position));
    const auto word =
        hn::BitCast(d, hn::MaskedGatherIndex(hn::RebindMask(di, inside), di, words, index));
    return hn::Ne(hn::And(hn::Shr(word, hn::And(position, low)), one), hn::Zero(d));
  });
}

template <typename T>
HWY_NOINLINE void BloomMaskGather(const T* HWY_RESTRICT stored, uint32_t count, const BloomSet& set,
                                  uint64_t* HWY_RESTRICT mask) {
  const hn::ScalableTag<uint64_t> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto* words = reinterpret_cast<const int64_t*>(set.words);
  const auto offset = hn::Set(d, set.offset);
  const auto factor = hn::Set(d, set.factor);
  const auto limit = hn::Set(d, set.limit);
  const auto key_base = hn::Set(d, set.key_base);
  const auto word_mask = hn::Set(d, set.word_mask);
  const auto multiplier = hn::Set(d, kBloomMultiplier);
  const auto one = hn::Set(d, uint64_t{1});
  const auto low = hn::Set(d, uint64_t{63});
  PackMasks(d, count, mask, [&](uint32_t i) HWY_ATTR {
    const auto scaled = hn::Mul(LoadWide(d, stored + i), factor);
    const auto inside = hn::Le(hn::Add(scaled, offset), limit);
    const auto product = hn::Mul(hn::Add(scaled, key_base), multiplier);
    const auto hash = hn::Xor(product, hn::ShiftRight<32>(product));
    const auto bits = hn::Or(hn::Shl(one, hn::And(hn::ShiftRight<40>(hash), low)),
                             hn::Shl(one, hn::And(hn::ShiftRight<52>(hash), low)));
    const auto index = hn::BitCast(di, hn::And(hash, word_mask));
    const auto word =
        hn::BitCast(d, hn::MaskedGatherIndex(hn::RebindMask(di, inside), di, words, index));
    return hn::Eq(hn::And(word, bits), bits);  // a key outside has an empty word and never passes
  });
}

void BitSetMask(const void* stored, uint32_t width, uint32_t count, const BitSet& set,
                uint64_t* mask) {
  // 32-bit arithmetic is exact if no position passes 2^32 and those below 0 wrap around to more
  // than the limit.
  const uint64_t max_stored =
      width < 8 ? HWY_MIN(set.max_stored, (uint64_t{1} << (8 * width)) - 1) : set.max_stored;
  const auto offset = static_cast<int64_t>(set.offset);
  const bool fits = set.factor == 1 && set.limit < (uint64_t{1} << 31) &&
                    offset >= -(int64_t{1} << 31) && offset <= 0xFFFFFFFF &&
                    max_stored <= 0xFFFFFFFF &&
                    offset + static_cast<int64_t>(max_stored) <= 0xFFFFFFFF;
  WithWidth(stored, width, [&](const auto* typed) {
    if constexpr (sizeof(*typed) <= 4 && HWY_TARGET <= HWY_AVX3) {
      if (fits) return BitSetMaskGather(typed, count, set, mask);
    }
    if constexpr (HWY_TARGET <= HWY_AVX3) return BitSetMaskGather64(typed, count, set, mask);
    BitSetMaskScalar(typed, count, set, mask);
  });
}

void BloomMask(const void* stored, uint32_t width, uint32_t count, const BloomSet& set,
               uint64_t* mask) {
  const BloomSet s = set;
  WithWidth(stored, width, [&](const auto* typed) {
    if constexpr (HWY_TARGET <= HWY_AVX3) return BloomMaskGather(typed, count, set, mask);
    ScalarMask(count, mask, [&](uint32_t i) HWY_ATTR {
      const uint64_t number = typed[i];
      const uint64_t hash = BloomHash(static_cast<int64_t>(s.key_base + s.factor * number));
      const uint64_t bits = BloomBits(hash);
      return ((s.words[hash & s.word_mask] & bits) == bits) &
             (s.offset + s.factor * number <= s.limit);
    });
  });
}

// Keeps the rows that pass, without branches.
template <typename F>
HWY_INLINE uint32_t RefineRows(uint16_t* rows, uint32_t count, const F& test) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const uint16_t row = rows[i];
    rows[kept] = row;
    kept += static_cast<uint32_t>(test(row));
  }
  return kept;
}

uint32_t RefineInterval(const void* stored, uint32_t width, const Interval& interval,
                        uint16_t* rows, uint32_t count) {
  uint32_t kept = 0;
  const uint64_t lo = interval.lo, length = interval.hi - interval.lo;
  const bool negate = interval.negate;
  WithWidth(stored, width, [&](const auto* typed) {
    kept = RefineRows(rows, count,
                      [=](uint16_t row) { return (typed[row] - lo <= length) != negate; });
  });
  return kept;
}

uint32_t RefineOrderedInterval(const double* values, const Interval& interval, uint16_t* rows,
                               uint32_t count) {
  const uint64_t lo = interval.lo, length = interval.hi - interval.lo;
  const bool negate = interval.negate;
  return RefineRows(rows, count, [=](uint16_t row) {
    const uint64_t bits = std::bit_cast<uint64_t>(values[row]);
    const uint64_t flip =
        static_cast<uint64_t>(static_cast<int64_t>(bits) >> 63) | (uint64_t{1} << 63);
    return ((bits ^ flip) - lo <= length) != negate;
  });
}

uint32_t RefineBitSet(const void* stored, uint32_t width, const BitSet& set, uint16_t* rows,
                      uint32_t count) {
  uint32_t kept = 0;
  const BitSet s = set;
  WithWidth(stored, width, [&](const auto* typed) {
    kept = RefineRows(rows, count, [=](uint16_t row) {
      const uint64_t position = s.offset + s.factor * typed[row];
      const uint64_t safe = HWY_MIN(position, s.limit);
      return (s.bitmap[safe / 64] >> (safe & 63) & 1) & (position <= s.limit);
    });
  });
  return kept;
}

uint32_t RefineBloom(const void* stored, uint32_t width, const BloomSet& set, uint16_t* rows,
                     uint32_t count) {
  uint32_t kept = 0;
  const BloomSet s = set;
  WithWidth(stored, width, [&](const auto* typed) {
    kept = RefineRows(rows, count, [=](uint16_t row) {
      const uint64_t number = typed[row];
      const uint64_t hash = BloomHash(static_cast<int64_t>(s.key_base + s.factor * number));
      const uint64_t bits = BloomBits(hash);
      return ((s.words[hash & s.word_mask] & bits) == bits) &
             (s.offset + s.factor * number <= s.limit);
    });
  });
  return kept;
}

void ZeroByteMask(const uint8_t* bytes, uint32_t count, uint64_t* mask) {
  EqualMaskTyped(bytes, count, 0, mask);
}

uint32_t AndMask(uint64_t* mask, const uint64_t* other, uint32_t num_words) {
  uint64_t count = 0;
  for (uint32_t i = 0; i < num_words; ++i) {
    mask[i] &= other[i];
    count += static_cast<uint64_t>(__builtin_popcountll(mask[i]));
  }
  return static_cast<uint32_t>(count);
}
uint32_t CountMask(const uint64_t* mask, uint32_t num_words) {
  uint64_t count = 0;
  for (uint32_t i = 0; i < num_words; ++i)
    count += static_cast<uint64_t>(__builtin_popcountll(mask[i]));
  return static_cast<uint32_t>(count);
}

uint32_t MaskToRows(const uint64_t* mask, uint32_t count, uint16_t* rows) {
  const hn::ScalableTag<uint16_t> d;
  const uint32_t lanes = static_cast<uint32_t>(hn::Lanes(d));
  uint32_t n = 0;
  for (uint32_t begin = 0; begin < count; begin += 64) {
    uint64_t word = mask[begin / 64];
    if (word == 0) continue;
    // Few rows are found faster one by one.
    if (std::popcount(word) <= 8) {
      for (; word != 0; word &= word - 1)
        rows[n++] = static_cast<uint16_t>(begin + std::countr_zero(word));
      continue;
    }
    for (uint32_t i = 0; i < 64; i += lanes) {
      const uint64_t bits = word >> i;
      const auto lane_mask = hn::LoadMaskBits(d, reinterpret_cast<const uint8_t*>(&bits));
      n += static_cast<uint32_t>(
          hn::CompressStore(hn::Iota(d, static_cast<uint16_t>(begin + i)), lane_mask, d, rows + n));
    }
  }
  return n;
}

bool AnyHighByte(const void* bytes, uint64_t count) {
  const hn::ScalableTag<uint8_t> d;
  const auto* p = static_cast<const uint8_t*>(bytes);
  const size_t lanes = hn::Lanes(d);
  auto seen = hn::Zero(d);
  uint64_t i = 0;
  for (; i + lanes <= count; i += lanes) seen = hn::Or(seen, hn::LoadU(d, p + i));
  bool any = !hn::AllFalse(d, hn::Ge(seen, hn::Set(d, uint8_t{0x80})));
  for (; i < count; ++i) any |= p[i] >= 0x80;
  return any;
}

}  // namespace HWY_NAMESPACE
}  // namespace sirocco::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sirocco::simd {

HWY_EXPORT(IntervalMask);
HWY_EXPORT(RefineInterval);
HWY_EXPORT(OrderedIntervalMask);
HWY_EXPORT(RefineOrderedInterval);
HWY_EXPORT(BitSetMask);
HWY_EXPORT(RefineBitSet);
HWY_EXPORT(BloomMask);
HWY_EXPORT(RefineBloom);
HWY_EXPORT(ZeroByteMask);
HWY_EXPORT(AndMask);
HWY_EXPORT(CountMask);
HWY_EXPORT(MaskToRows);
HWY_EXPORT(AnyHighByte);

void IntervalMask(const void* stored, uint32_t width, uint32_t count, const Interval& interval,
                  uint64_t* mask) {
  HWY_DYNAMIC_DISPATCH(IntervalMask)(stored, width, count, interval, mask);
}
uint32_t RefineInterval(const void* stored, uint32_t width, const Interval& interval,
                        uint16_t* rows, uint32_t count) {
  return HWY_DYNAMIC_DISPATCH(RefineInterval)(stored, width, interval, rows, count);
}
void OrderedIntervalMask(const double* values, uint32_t count, const Interval& interval,
                         uint64_t* mask) {
  HWY_DYNAMIC_DISPATCH(OrderedIntervalMask)(values, count, interval, mask);
}
uint32_t RefineOrderedInterval(const double* values, const Interval& interval, uint16_t* rows,
                               uint32_t count) {
  return HWY_DYNAMIC_DISPATCH(RefineOrderedInterval)(values, interval, rows, count);
}
void BitSetMask(const void* stored, uint32_t width, uint32_t count, const BitSet& set,
                uint64_t* mask) {
  HWY_DYNAMIC_DISPATCH(BitSetMask)(stored, width, count, set, mask);
}
uint32_t RefineBitSet(const void* stored, uint32_t width, const BitSet& set, uint16_t* rows,
                      uint32_t count) {
  return HWY_DYNAMIC_DISPATCH(RefineBitSet)(stored, width, set, rows, count);
}
void BloomMask(const void* stored, uint32_t width, uint32_t count, const BloomSet& set,
               uint64_t* mask) {
  HWY_DYNAMIC_DISPATCH(BloomMask)(stored, width, count, set, mask);
}
uint32_t RefineBloom(const void* stored, uint32_t width, const BloomSet& set, uint16_t* rows,
                     uint32_t count) {
  return HWY_DYNAMIC_DISPATCH(RefineBloom)(stored, width, set, rows, count);
}
void ZeroByteMask(const uint8_t* bytes, uint32_t count, uint64_t* mask) {
  HWY_DYNAMIC_DISPATCH(ZeroByteMask)(bytes, count, mask);
}
uint32_t AndMask(uint64_t* mask, const uint64_t* other, uint32_t num_words) {
  return HWY_DYNAMIC_DISPATCH(AndMask)(mask, other, num_words);
}
uint32_t CountMask(const uint64_t* mask, uint32_t num_words) {
  return HWY_DYNAMIC_DISPATCH(CountMask)(mask, num_words);
}
uint32_t MaskToRows(const uint64_t* mask, uint32_t count, uint16_t* rows) {
  return HWY_DYNAMIC_DISPATCH(MaskToRows)(mask, count, rows);
}
bool AnyHighByte(const void* bytes, uint64_t count) {
  return HWY_DYNAMIC_DISPATCH(AnyHighByte)(bytes, count);
}

}  // namespace sirocco::simd
#endif  // HWY_ONCE
