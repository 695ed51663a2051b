#include "engine/storage/string_filter.h"

#include <algorithm>

#include "engine/simd/mask.h"

namespace sirocco::engine {

namespace {

class BoundStringFilter final : public BoundFilter {
 public:
  BoundStringFilter(uint32_t column, const StringPredicate* predicate)
      : column_(column), predicate_(predicate) {}

  Verdict OpenChunk(const Chunk& chunk) override {
    segment_ = &chunk.segment(column_);
    return segment_->zone.num_nulls == segment_->num_rows ? Verdict::kNone : Verdict::kSome;
  }
  Verdict CheckVector(uint32_t first_row) override {
    const Zone& zone = segment_->vector_zones[first_row / kVectorSize];
    return zone.num_nulls == std::min(kVectorSize, segment_->num_rows - first_row) ? Verdict::kNone
                                                                                   : Verdict::kSome;
  }
  void Test(uint32_t first_row, uint32_t count, uint64_t* mask) override {
    const Segment& s = *segment_;
    predicate_->MatchRows(s.heap, s.offsets + first_row, count, s.all_ascii, mask);
    if (s.nulls == nullptr) return;
    uint64_t not_null[kMaskWords];
    simd::ZeroByteMask(s.nulls + first_row, count, not_null);
    for (uint32_t i = 0; i < (count + 63) / 64; ++i) mask[i] &= not_null[i];
  }
  uint32_t Refine(uint32_t first_row, uint16_t* rows, uint32_t count) override {
    const Segment& s = *segment_;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t row = first_row + rows[i];
      if (s.nulls != nullptr && s.nulls[row]) continue;
      uint64_t matches = 0;
      predicate_->MatchRows(s.heap, s.offsets + row, 1, s.all_ascii, &matches);
      rows[kept] = rows[i];
      kept += matches & 1;
    }
    return kept;
  }
  double test_cost() const override { return predicate_->cost(); }
  double refine_cost() const override { return predicate_->cost() + 12; }
  double bytes_per_row() const override {
    return 4 + static_cast<double>(segment_->offsets[segment_->num_rows]) / segment_->num_rows;
  }

 private:
  uint32_t column_;
  const StringPredicate* predicate_;
  const Segment* segment_ = nullptr;
};

class StringFilter final : public ColumnFilter {
 public:
  StringFilter(uint32_t column, std::unique_ptr<StringPredicate> predicate)
      : ColumnFilter(column), predicate_(std::move(predicate)) {}
  std::unique_ptr<BoundFilter> Bind() const override {
    return std::make_unique<BoundStringFilter>(column(), predicate_.get());
  }

 private:
  std::unique_ptr<StringPredicate> predicate_;
};

}  // namespace

std::unique_ptr<ColumnFilter> MakeStringFilter(uint32_t column,
                                               std::unique_ptr<StringPredicate> predicate) {
  return std::make_unique<StringFilter>(column, std::move(predicate));
}

}  // namespace sirocco::engine
