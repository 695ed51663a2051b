// Semijoin filters on encoded columns: the key of a stored number is base + factor * number, so
// bitmap positions are computed without decoding.
#include <limits>

#include "engine/simd/mask.h"
#include "engine/storage/column_filter.h"

namespace sirocco::engine {

namespace {

class BoundSemijoin final : public BoundFilter {
 public:
  BoundSemijoin(uint32_t column, const SemijoinFilter* keys) : column_(column), keys_(keys) {}

  Verdict OpenChunk(const Chunk& chunk) override {
    segment_ = &chunk.segment(column_);
    // Doubles and strings are no integer keys; nothing is known about them.
    if (segment_->encoding == Encoding::kDouble || segment_->encoding == Encoding::kHeap)
      return Verdict::kAll;
    if (keys_->min > keys_->max || segment_->zone.num_nulls == segment_->num_rows)
      return Verdict::kNone;
    if (segment_->encoding == Encoding::kInt128) return Verdict::kSome;
    const Verdict verdict = CheckZone(segment_->zone);
    if (verdict == Verdict::kNone) return verdict;
    const uint64_t offset = segment_->base - static_cast<uint64_t>(keys_->min);
    const uint64_t limit = static_cast<uint64_t>(keys_->max) - static_cast<uint64_t>(keys_->min);
    bits_ = {.bitmap = keys_->bitmap,
             .offset = offset,
             .factor = segment_->factor,
             .limit = limit,
             .max_stored = segment_->zone.max};
    bloom_ = {.words = keys_->bloom,
              .word_mask = keys_->bloom_mask,
              .offset = offset,
              .factor = segment_->factor,
              .limit = limit,
              .key_base = segment_->base};
    return Verdict::kSome;
  }

  Verdict CheckVector(uint32_t first_row) override {
    const Zone& zone = segment_->vector_zones[first_row / kVectorSize];
    if (segment_->encoding == Encoding::kInt128) return Verdict::kSome;
    if (zone.min > zone.max) return Verdict::kNone;
    return CheckZone(zone);
  }

  void Test(uint32_t first_row, uint32_t count, uint64_t* mask) override {
    const Segment& s = *segment_;
    const uint32_t num_words = (count + 63) / 64;
    if (s.encoding == Encoding::kInt128 || s.width == 0) {
      for (uint32_t i = 0; i < num_words; ++i) mask[i] = 0;
      for (uint32_t i = 0; i < count; ++i)
        mask[i / 64] |= static_cast<uint64_t>(Passes(first_row + i)) << (i & 63);
    } else if (keys_->bitmap != nullptr) {
      simd::BitSetMask(s.stored + size_t{first_row} * s.width, s.width, count, bits_, mask);
    } else {
      simd::BloomMask(s.stored + size_t{first_row} * s.width, s.width, count, bloom_, mask);
    }
    if (s.nulls == nullptr) return;
    uint64_t not_null[kMaskWords];
    simd::ZeroByteMask(s.nulls + first_row, count, not_null);
    for (uint32_t i = 0; i < num_words; ++i) mask[i] &= not_null[i];
  }

  uint32_t Refine(uint32_t first_row, uint16_t* rows, uint32_t count) override {
    const Segment& s = *segment_;
    const void* stored = s.stored + size_t{first_row} * s.width;
    if (s.nulls == nullptr && s.width != 0 && s.encoding == Encoding::kInteger) {
      return keys_->bitmap != nullptr ? simd::RefineBitSet(stored, s.width, bits_, rows, count)
                                      : simd::RefineBloom(stored, s.width, bloom_, rows, count);
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; ++i) {
      const uint16_t row = rows[i];
      rows[kept] = row;
      kept += (s.nulls == nullptr || !s.nulls[first_row + row]) && Passes(first_row + row);
    }
    return kept;
  }

  // A bitmap that fits the second-level cache costs about a nanosecond a row, a larger one a cache
  // miss more.
  double test_cost() const override {
    return keys_->bitmap == nullptr ? 1.6 : bits_.limit < (1 << 24) ? 0.6 : 1.5;
  }
  double refine_cost() const override { return test_cost() + 0.8; }
  bool optional() const override { return !keys_->required; }
  double bytes_per_row() const override {
    return segment_->encoding == Encoding::kInteger ? segment_->width : 16;
  }

 private:
  Verdict CheckZone(const Zone& zone) const {
    const int128 lo = segment_->ValueOf(zone.min), hi = segment_->ValueOf(zone.max);
    // Unsigned values above the signed range travel as negative keys.
    if (hi > std::numeric_limits<int64_t>::max()) return Verdict::kSome;
    return hi < keys_->min || lo > keys_->max ? Verdict::kNone : Verdict::kSome;
  }

  // One row that is not NULL.
  bool Passes(uint32_t row) const {
    const Segment& s = *segment_;
    int64_t key;
    if (s.encoding == Encoding::kInt128) {
      const int128 value = reinterpret_cast<const int128*>(s.stored)[row];
      key = static_cast<int64_t>(value);
      if (value != static_cast<int128>(key)) return false;
    } else {
      key = static_cast<int64_t>(s.base + s.factor * s.StoredAt(row));
    }
    if (key < keys_->min || key > keys_->max) return false;
    if (keys_->bitmap != nullptr) {
      const uint64_t position = static_cast<uint64_t>(key) - static_cast<uint64_t>(keys_->min);
      return (keys_->bitmap[position / 64] >> (position & 63) & 1) != 0;
    }
    const uint64_t hash = BloomHash(key), bits = BloomBits(hash);
    return (keys_->bloom[hash & keys_->bloom_mask] & bits) == bits;
  }

  uint32_t column_;
  const SemijoinFilter* keys_;
  const Segment* segment_ = nullptr;
  simd::BitSet bits_;
  simd::BloomSet bloom_;
};

class SemijoinScanFilter final : public ColumnFilter {
 public:
  SemijoinScanFilter(uint32_t column, std::shared_ptr<const SemijoinFilter> keys)
      : ColumnFilter(column), keys_(std::move(keys)) {}
  std::unique_ptr<BoundFilter> Bind() const override {
    return std::make_unique<BoundSemijoin>(column(), keys_.get());
  }

 private:
  std::shared_ptr<const SemijoinFilter> keys_;
};

}  // namespace

std::unique_ptr<ScanFilter> ScanFilter::FromSemijoin(uint32_t table_column,
                                                     std::shared_ptr<const SemijoinFilter> filter) {
  return std::make_unique<SemijoinScanFilter>(table_column, std::move(filter));
}

}  // namespace sirocco::engine
