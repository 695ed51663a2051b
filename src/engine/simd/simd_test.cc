// Every kernel against its plain version, for every instruction set of this machine, all widths and
// lengths around words and vectors.
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "engine/simd/bloom.h"
#include "engine/simd/decode.h"
#include "engine/simd/find.h"
#include "engine/simd/mask.h"
#include "engine/simd/mask_plain.h"
#include "engine/simd/targets.h"

namespace sirocco::simd {
namespace {

constexpr uint32_t kLengths[] = {0, 1, 7, 63, 64, 65, 127, 128, 129, 1000, 2047, 2048};
constexpr uint32_t kWidths[] = {1, 2, 4, 8};
constexpr uint32_t kMaxLength = 2048;

class SimdTest : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override {
    hwy::SetSupportedTargetsForTest(GetParam());
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
  void TearDown() override {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }

  // Random stored numbers with readable padding; `small` draws from few values so that equality
  // hits.
  std::vector<char> Numbers(uint32_t width, bool small) {
    std::vector<char> bytes(size_t{kMaxLength} * width + 64);
    for (uint32_t i = 0; i < kMaxLength; ++i) {
      const uint64_t number = small ? random_() % 100 : random_();
      std::memcpy(bytes.data() + size_t{i} * width, &number, width);
    }
    return bytes;
  }
  static uint64_t MaxOf(uint32_t width) {
    return width == 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * width)) - 1;
  }

  template <typename Set>
  void ExpectMask(const void* stored, uint32_t width, const Set& set,
                  void (*dense)(const void*, uint32_t, uint32_t, const Set&, uint64_t*),
                  uint32_t (*refine)(const void*, uint32_t, const Set&, uint16_t*, uint32_t)) {
    for (uint32_t count : kLengths) {
      uint64_t expected[32], actual[32];
      std::memset(actual, 0xAA, sizeof(actual));
      plain::FillMask(count, expected, [&](uint32_t row) {
        return plain::Contains(set, plain::StoredAt(stored, width, row));
      });
      dense(stored, width, count, set, actual);
      for (uint32_t i = 0; i < (count + 63) / 64; ++i)
        ASSERT_EQ(actual[i], expected[i]) << width << " " << count << " " << i;
      // Every third row.
      std::vector<uint16_t> rows, kept;
      for (uint32_t row = 0; row < count; row += 3) {
        rows.push_back(static_cast<uint16_t>(row));
        if (plain::Contains(set, plain::StoredAt(stored, width, row)))
          kept.push_back(static_cast<uint16_t>(row));
      }
      rows.resize(rows.size() + 32);
      const uint32_t n =
          refine(stored, width, set, rows.data(), static_cast<uint32_t>(rows.size() - 32));
      rows.resize(n);
      ASSERT_EQ(rows, kept) << width << " " << count;
    }
  }

  std::mt19937_64 random_{42};
};

TEST_P(SimdTest, Interval) {
  for (uint32_t width : kWidths) {
    const uint64_t max = MaxOf(width);
    for (bool small : {false, true}) {
      const auto stored = Numbers(width, small);
      const Interval intervals[] = {{0, 0},   {5, 5},      {max, max},
                                    {0, max}, {10, 60},    {max / 3, max / 2},
                                    {1, max}, {0, max - 1}};
      for (Interval interval : intervals) {
        for (bool negate : {false, true}) {
          interval.negate = negate;
          ExpectMask(stored.data(), width, interval, IntervalMask, RefineInterval);
        }
      }
    }
  }
}

TEST_P(SimdTest, OrderedInterval) {
  std::vector<double> values(kMaxLength + 8);
  for (double& value : values) {
    const double special[] = {0.0, -0.0, 1.5, -1.5, INFINITY, -INFINITY, 1e-310};
    value = random_() % 3 == 0 ? special[random_() % 7]
                               : (static_cast<double>(random_() % 20000) - 10000) / 7;
  }
  const double bounds[][2] = {{-0.0, 0.0}, {0.0, 0.0},      {-100, 100},
                              {1.5, 1.5},  {-INFINITY, -1}, {-INFINITY, INFINITY}};
  for (const auto& [lo, hi] : bounds) {
    for (bool negate : {false, true}) {
      const Interval interval{plain::OrderedBits(lo), plain::OrderedBits(hi), negate};
      for (uint32_t count : kLengths) {
        uint64_t expected[32], actual[32];
        plain::FillMask(count, expected, [&](uint32_t row) {
          return plain::Contains(interval, plain::OrderedBits(values[row]));
        });
        OrderedIntervalMask(values.data(), count, interval, actual);
        for (uint32_t i = 0; i < (count + 63) / 64; ++i) ASSERT_EQ(actual[i], expected[i]);
        std::vector<uint16_t> rows(count + 32), kept;
        for (uint32_t i = 0; i < count; ++i) {
          rows[i] = static_cast<uint16_t>(i);
          if (expected[i / 64] >> (i & 63) & 1) kept.push_back(static_cast<uint16_t>(i));
        }
        rows.resize(RefineOrderedInterval(values.data(), interval, rows.data(), count));
        ASSERT_EQ(rows, kept);
      }
    }
  }
}

TEST_P(SimdTest, BitSet) {
  std::vector<uint64_t> bitmap(1 << 11);
  for (uint64_t& word : bitmap) word = random_() & random_();
  for (uint32_t width : kWidths) {
    for (bool small : {false, true}) {
      const auto stored = Numbers(width, small);
      for (uint64_t limit :
           {uint64_t{0}, uint64_t{50}, uint64_t{1000}, uint64_t{65535}, uint64_t{131071}}) {
        // Positions before, around and far beyond the bitmap, and those that wrap around in 32
        // bits.
        for (int64_t offset : {int64_t{0}, int64_t{-40}, int64_t{30}, int64_t{-70000},
                               int64_t{1} << 31, (int64_t{1} << 32) - 20, -(int64_t{1} << 31),
                               -(int64_t{1} << 32), -(int64_t{1} << 40), int64_t{1} << 40}) {
          for (uint64_t factor : {uint64_t{1}, uint64_t{7}}) {
            BitSet set{.bitmap = bitmap.data(),
                       .offset = static_cast<uint64_t>(offset),
                       .factor = factor,
                       .limit = limit};
            ExpectMask(stored.data(), width, set, BitSetMask, RefineBitSet);
            if (!small) continue;
            set.max_stored = 99;
            ExpectMask(stored.data(), width, set, BitSetMask, RefineBitSet);
          }
        }
      }
    }
  }
}

TEST_P(SimdTest, Bloom) {
  std::vector<uint64_t> words(64);
  for (int64_t key = 1000; key < 1100; key += 3)
    words[BloomHash(key) & 63] |= BloomBits(BloomHash(key));
  for (uint32_t width : kWidths) {
    const auto stored = Numbers(width, true);
    const BloomSet set{.words = words.data(),
                       .word_mask = 63,
                       .offset = ~uint64_t{4},
                       .factor = 2,
                       .limit = 90,
                       .key_base = 1000};
    ExpectMask(stored.data(), width, set, BloomMask, RefineBloom);
  }
}

TEST_P(SimdTest, MaskToRows) {
  for (uint32_t count : kLengths) {
    for (uint64_t density : {0, 1, 8, 32, 60, 64}) {
      std::vector<uint64_t> mask(33);
      std::vector<uint16_t> expected;
      for (uint32_t row = 0; row < count; ++row) {
        if (random_() % 64 >= density) continue;
        mask[row / 64] |= uint64_t{1} << (row & 63);
        expected.push_back(static_cast<uint16_t>(row));
      }
      std::vector<uint16_t> rows(count + 32);
      rows.resize(MaskToRows(mask.data(), count, rows.data()));
      ASSERT_EQ(rows, expected) << count << " " << density;
    }
  }
}

TEST_P(SimdTest, Masks) {
  for (uint32_t num_words = 0; num_words <= 32; ++num_words) {
    std::vector<uint64_t> mask(num_words), other(num_words), expected(num_words);
    uint32_t count = 0, before = 0;
    for (uint32_t i = 0; i < num_words; ++i) {
      mask[i] = random_();
      other[i] = random_();
      expected[i] = mask[i] & other[i];
      for (uint32_t bit = 0; bit < 64; ++bit) {
        count += expected[i] >> bit & 1;
        before += mask[i] >> bit & 1;
      }
    }
    EXPECT_EQ(CountMask(mask.data(), num_words), before);
    EXPECT_EQ(AndMask(mask.data(), other.data(), num_words), count);
    EXPECT_EQ(mask, expected);
  }
}

TEST_P(SimdTest, Bytes) {
  std::vector<uint8_t> bytes(kMaxLength + 64);
  for (uint8_t& byte : bytes) byte = random_() % 2;
  for (uint32_t count : kLengths) {
    uint64_t expected[32], actual[32];
    plain::FillMask(count, expected, [&](uint32_t row) { return bytes[row] == 0; });
    ZeroByteMask(bytes.data(), count, actual);
    for (uint32_t i = 0; i < (count + 63) / 64; ++i) ASSERT_EQ(actual[i], expected[i]);
    EXPECT_FALSE(AnyHighByte(bytes.data(), count));
    if (count == 0) continue;
    const uint32_t at = static_cast<uint32_t>(random_() % count);
    const uint8_t before = bytes[at];
    bytes[at] = 0x80;
    EXPECT_TRUE(AnyHighByte(bytes.data(), count)) << at;
    EXPECT_FALSE(AnyHighByte(bytes.data(), at));
    bytes[at] = before;
  }
}

TEST_P(SimdTest, Decode) {
  for (uint32_t width : kWidths) {
    const auto stored = Numbers(width, false);
    for (uint64_t factor : {uint64_t{1}, uint64_t{100}}) {
      for (uint32_t count : kLengths) {
        const uint64_t base = 0xFFFFFFFFFFFFFF00;
        std::vector<uint64_t> out(count + 1, 77), gathered(count + 1, 77);
        std::vector<uint32_t> codes(count + 1, 77), gathered_codes(count + 1, 77);
        std::vector<uint16_t> rows(count);
        for (uint32_t i = 0; i < count; ++i) rows[i] = static_cast<uint16_t>((i * 7) % count);
        DecodeI64(stored.data(), width, count, base, factor, out.data());
        GatherI64(stored.data(), width, rows.data(), count, base, factor, gathered.data());
        DecodeU32(stored.data(), width, count, 5, codes.data());
        GatherU32(stored.data(), width, rows.data(), count, 5, gathered_codes.data());
        for (uint32_t i = 0; i < count; ++i) {
          const uint64_t number = plain::StoredAt(stored.data(), width, i),
                         other = plain::StoredAt(stored.data(), width, rows[i]);
          ASSERT_EQ(out[i], base + factor * number);
          ASSERT_EQ(gathered[i], base + factor * other);
          ASSERT_EQ(codes[i], static_cast<uint32_t>(5 + number));
          ASSERT_EQ(gathered_codes[i], static_cast<uint32_t>(5 + other));
        }
        EXPECT_EQ(out[count] + gathered[count] + codes[count] + gathered_codes[count], 4 * 77u);
      }
    }
  }
}

TEST_P(SimdTest, Compress) {
  std::mt19937_64 random(11);
  for (uint32_t width : kWidths) {
    const auto stored = Numbers(width, false);
    for (uint64_t factor : {uint64_t{1}, uint64_t{100}}) {
      for (uint32_t count : kLengths) {
        for (int density = 0; density < 5; ++density) {
          const uint64_t base = 0xFFFFFFFFFFFFFF00;
          std::vector<uint64_t> mask((count + 63) / 64);
          std::vector<uint64_t> expected;
          for (uint32_t i = 0; i < count; ++i) {
            const bool set = density == 4 || random() % 4 < static_cast<uint64_t>(density);
            mask[i / 64] |= static_cast<uint64_t>(set) << (i & 63);
            if (set) expected.push_back(plain::StoredAt(stored.data(), width, i));
          }
          std::vector<uint64_t> out(count + 8);
          std::vector<uint32_t> codes(count + 16);
          ASSERT_EQ(
              CompressI64(stored.data(), width, mask.data(), count, base, factor, out.data()),
              expected.size());
          ASSERT_EQ(CompressU32(stored.data(), width, mask.data(), count, 5, codes.data()),
                    expected.size());
          for (size_t i = 0; i < expected.size(); ++i) {
            ASSERT_EQ(out[i], base + factor * expected[i]);
            ASSERT_EQ(codes[i], static_cast<uint32_t>(5 + expected[i]));
          }
        }
      }
    }
  }
}

TEST_P(SimdTest, Find) {
  for (int round = 0; round < 3000; ++round) {
    const size_t size = random_() % 300, length = 1 + random_() % (round % 3 == 0    ? 3
                                                                   : round % 50 == 1 ? 150
                                                                                     : 12);
    std::string text(size + 64, 'x');
    for (size_t i = 0; i < size; ++i) text[i] = "abAB"[random_() % 4];
    MaskedPattern pattern;
    for (size_t i = 0; i < length; ++i) {
      const uint64_t kind = random_() % 4;
      pattern.Append(kind == 0   ? static_cast<char>(0xFF)
                     : kind == 1 ? 0
                                 : 0x20,
                     kind == 0   ? static_cast<char>(0xFF)
                     : kind == 1 ? 'A'
                                 : "ab"[random_() % 2]);
    }
    const char* begin = text.data();
    ASSERT_EQ(FindMasked(begin, begin + size, pattern),
              plain::FindMasked(begin, begin + size, pattern))
        << round;
  }
}

std::vector<int64_t> Targets() {
  std::vector<int64_t> targets;
  for (int64_t target :
       {int64_t{HWY_SSE2}, int64_t{HWY_AVX2}, int64_t{HWY_AVX3}, int64_t{HWY_AVX3_DL}})
    if (hwy::SupportedTargets() & target) targets.push_back(target);
  return targets;
}

INSTANTIATE_TEST_SUITE_P(All, SimdTest, testing::ValuesIn(Targets()),
                         [](const auto& info) { return std::string(hwy::TargetName(info.param)); });

}  // namespace
}  // namespace sirocco::simd
