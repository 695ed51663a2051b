#include "engine/exec/join_filter.h"

#include <algorithm>
#include <bit>

#include "engine/simd/bloom.h"

namespace sirocco::engine {

namespace {

// A filter that lets more than this share of the values pass is not worth testing.
constexpr double kUsefulShare = 0.7;
constexpr uint64_t kLargestBloomRows = uint64_t{1} << 23;

class BitmapFilter final : public SemijoinFilter {
 public:
  DenseIndex own;
};

class BloomFilter final : public SemijoinFilter {
 public:
  PoolBuffer words;
};

}  // namespace

bool IsSelectiveFilter(double num_keys, double target_distinct) {
  return num_keys <= kUsefulShare * target_distinct;
}

Result<PublishedFilter> MakeSemijoinFilter(
    const FilterKeys& keys, const std::function<Result<void>(const KeyVisitor&)>& for_each,
    MemoryPool* pool) {
  const double target = keys.target_distinct;
  const uint64_t span = static_cast<uint64_t>(keys.max) - static_cast<uint64_t>(keys.min);
  if (span < keys.bitmap_domain) {
    auto filter = std::make_shared<BitmapFilter>();
    RETURN_IF_ERROR(filter->own.Prepare(keys.min, span + 1, pool));
    RETURN_IF_ERROR(
        for_each([&](const int64_t* values, uint32_t n) { filter->own.Mark(values, n, 0, span); }));
    RETURN_IF_ERROR(filter->own.Number(false));
    const uint64_t num_keys = filter->own.num_distinct();
    if (target > 0 && !IsSelectiveFilter(static_cast<double>(num_keys), target))
      return PublishedFilter{};
    filter->min = keys.min;
    filter->max = keys.max;
    filter->bitmap = filter->own.bitmap();
    return PublishedFilter{.filter = filter, .num_keys = num_keys};
  }
  if (keys.num_rows > kLargestBloomRows ||
      (target > 0 && !IsSelectiveFilter(static_cast<double>(keys.num_rows), target)))
    return PublishedFilter{};
  // 16 bits per key in one-word blocks: about 2 % false positives.
  auto filter = std::make_shared<BloomFilter>();
  const uint64_t words = std::bit_ceil(std::max<uint64_t>(keys.num_rows / 4, 16));
  RETURN_IF_ERROR(filter->words.Allocate(pool, words * 8, true));
  RETURN_IF_ERROR(for_each([&](const int64_t* values, uint32_t n) {
    uint64_t* out = filter->words.as<uint64_t>();
    for (uint32_t i = 0; i < n; ++i) {
      const uint64_t hash = BloomHash(values[i]);
      out[hash & (words - 1)] |= BloomBits(hash);
    }
  }));
  filter->min = keys.min;
  filter->max = keys.max;
  filter->bloom = filter->words.as<uint64_t>();
  filter->bloom_mask = words - 1;
  return PublishedFilter{.filter = filter, .num_keys = keys.num_rows};
}

}  // namespace sirocco::engine
