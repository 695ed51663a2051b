#include "engine/storage/integer_filter.h"

#include <algorithm>

#include "common/check.h"
#include "engine/simd/mask.h"

namespace sirocco::engine {

namespace {

// Largest bitmap of a value set: 2 MB, about the L2 cache.
constexpr uint64_t kMaxBitmapBits = uint64_t{1} << 24;

// Calls f(typed pointer to the numbers of the vector that begins at first_row).
const void* StoredFrom(const Segment& segment, uint32_t first_row) {
  return segment.stored + size_t{first_row} * segment.width;
}

void SetBits(uint64_t lo, uint64_t hi, std::vector<uint64_t>* words) {
  for (uint64_t bit = lo; bit <= hi;) {
    if ((bit & 63) == 0 && hi - bit >= 63) {
      (*words)[bit / 64] = ~uint64_t{0};
      bit += 64;
    } else {
      (*words)[bit / 64] |= uint64_t{1} << (bit & 63);
      ++bit;
    }
  }
}

}  // namespace

// A worker's view of the filter.
class BoundIntegerFilter final : public BoundFilter {
 public:
  explicit BoundIntegerFilter(const IntegerFilter* filter) : filter_(filter) {}

  Verdict OpenChunk(const Chunk& chunk) override;
  Verdict CheckVector(uint32_t first_row) override {
    return CheckZone(segment_->vector_zones[first_row / kVectorSize], RowsAt(first_row));
  }
  void Test(uint32_t first_row, uint32_t count, uint64_t* mask) override;
  uint32_t Refine(uint32_t first_row, uint16_t* rows, uint32_t count) override;
  double test_cost() const override {
    return method_ == Method::kInterval ? 0.05 * segment_->width
           : method_ == Method::kBits   ? 0.6
           : method_ == Method::kSearch ? 8
                                        : 0.05;
  }
  double refine_cost() const override {
    return method_ == Method::kSearch ? 9 : method_ == Method::kBits ? 1.2 : 1;
  }
  double bytes_per_row() const override {
    return segment_->encoding == Encoding::kInteger ? segment_->width : 8;
  }

 private:
  // kNulls: only NULL tests a row, the values all pass or all fail.
  enum class Method : uint8_t { kNulls, kInterval, kBits, kSearch };

  uint32_t RowsAt(uint32_t first_row) const {
    return std::min(kVectorSize, segment_->num_rows - first_row);
  }
  int128 ZoneValue(uint64_t bound) const {
    return segment_->encoding == Encoding::kDouble ? static_cast<int128>(bound)
                                                   : segment_->ValueOf(bound);
  }
  // What the values (not NULLs) of a zone say.
  Verdict CheckValues(const Zone& zone) const;
  Verdict CheckZone(const Zone& zone, uint32_t num_rows) const;
  bool Translate();
  bool Passes(uint32_t row) const;

  const IntegerFilter* filter_;
  const Segment* segment_ = nullptr;
  Method method_ = Method::kNulls;
  bool values_pass_ = false;  // kNulls
  simd::Interval interval_;   // kInterval
  simd::BitSet bits_;         // kBits
};

Verdict BoundIntegerFilter::CheckValues(const Zone& zone) const {
  const IntegerSet& set = filter_->set_;
  if (set.empty()) return Verdict::kNone;
  if (set.full()) return Verdict::kAll;
  // Those two encodings have no bounds.
  if (segment_->encoding == Encoding::kInt128 || segment_->encoding == Encoding::kHeap)
    return Verdict::kSome;
  if (set.ContainsAll(ZoneValue(zone.min), ZoneValue(zone.max))) return Verdict::kAll;
  if (!set.Intersects(ZoneValue(zone.min), ZoneValue(zone.max))) return Verdict::kNone;
  return Verdict::kSome;
}

Verdict BoundIntegerFilter::CheckZone(const Zone& zone, uint32_t num_rows) const {
  const Verdict nulls = filter_->set_.has_null() ? Verdict::kAll : Verdict::kNone;
  if (zone.num_nulls == num_rows) return nulls;
  const Verdict values = CheckValues(zone);
  if (zone.num_nulls == 0 || values == nulls) return values;
  return Verdict::kSome;
}

// Finds the stored numbers that pass, as one interval or all but one; false if they are more
// complicated.
bool BoundIntegerFilter::Translate() {
  const Segment& s = *segment_;
  const IntegerSet& set = filter_->set_;
  const bool is_double = s.encoding == Encoding::kDouble;
  const int128 base = is_double ? 0 : s.ValueOf(0);
  const int128 factor = is_double ? 1 : static_cast<int128>(s.factor);
  const int128 low = ZoneValue(s.zone.min), high = ZoneValue(s.zone.max);
  simd::Interval found[2];
  int num_found = 0;
  for (auto it = set.FirstAtOrAbove(low); it != set.End() && it->lo <= high; ++it) {
    const int128 lo = (std::max(it->lo, low) - base + factor - 1) / factor;
    const int128 hi = (std::min(it->hi, high) - base) / factor;
    if (lo > hi) continue;  // between two multiples of the factor
    if (num_found == 2) return false;
    found[num_found++] = {static_cast<uint64_t>(lo), static_cast<uint64_t>(hi), false};
  }
  if (num_found == 0) {
    method_ = Method::kNulls;
    values_pass_ = false;
    return true;
  }
  if (num_found == 1) {
    interval_ = found[0];
  } else {
    if (found[0].lo != s.zone.min || found[1].hi != s.zone.max) return false;
    // Everything but the gap; touching intervals (a gap between multiples) are everything.
    if (found[0].hi + 1 == found[1].lo) {
      interval_ = {s.zone.min, s.zone.max, false};
    } else {
      interval_ = {found[0].hi + 1, found[1].lo - 1, true};
    }
  }
  method_ = Method::kInterval;
  return true;
}

Verdict BoundIntegerFilter::OpenChunk(const Chunk& chunk) {
  segment_ = &chunk.segment(filter_->column());
  const Segment& s = *segment_;
  const Verdict verdict = CheckZone(s.zone, s.num_rows);
  if (verdict != Verdict::kSome) return verdict;
  const Verdict values = CheckValues(s.zone);
  if (values != Verdict::kSome) {
    method_ = Method::kNulls;
    values_pass_ = values == Verdict::kAll;
    return Verdict::kSome;
  }
  DCHECK(s.encoding != Encoding::kHeap);
  if (s.encoding == Encoding::kInt128) {
    method_ = Method::kSearch;
    return Verdict::kSome;
  }
  if (Translate()) {
    if (method_ == Method::kNulls && (s.zone.num_nulls == 0 || !filter_->set_.has_null()))
      return Verdict::kNone;
    return Verdict::kSome;
  }
  method_ = Method::kSearch;
  if (s.encoding == Encoding::kInteger && !filter_->bitmap_.empty()) {
    method_ = Method::kBits;
    bits_ = {.bitmap = filter_->bitmap_.data(),
             .offset = static_cast<uint64_t>(s.ValueOf(0) - filter_->bitmap_min_),
             .factor = s.factor,
             .limit = filter_->bitmap_limit_,
             .max_stored = s.zone.max};
  }
  return Verdict::kSome;
}

// The general test of one row that is not NULL (kSearch).
bool BoundIntegerFilter::Passes(uint32_t row) const {
  const Segment& s = *segment_;
  switch (s.encoding) {
    case Encoding::kInteger:
      return filter_->set_.Contains(s.ValueOf(s.StoredAt(row)));
    case Encoding::kDouble:
      return filter_->set_.Contains(OrderedBits(reinterpret_cast<const double*>(s.stored)[row]));
    default:
      return filter_->set_.Contains(reinterpret_cast<const int128*>(s.stored)[row]);
  }
}

void BoundIntegerFilter::Test(uint32_t first_row, uint32_t count, uint64_t* mask) {
  const Segment& s = *segment_;
  const uint32_t num_words = (count + 63) / 64;
  switch (method_) {
    case Method::kNulls:
      std::fill(mask, mask + num_words, values_pass_ ? ~uint64_t{0} : 0);
      break;
    case Method::kInterval:
      if (s.encoding == Encoding::kDouble) {
        simd::OrderedIntervalMask(reinterpret_cast<const double*>(s.stored) + first_row, count,
                                  interval_, mask);
      } else {
        simd::IntervalMask(StoredFrom(s, first_row), s.width, count, interval_, mask);
      }
      break;
    case Method::kBits:
      simd::BitSetMask(StoredFrom(s, first_row), s.width, count, bits_, mask);
      break;
    case Method::kSearch:
      std::fill(mask, mask + num_words, 0);
      for (uint32_t i = 0; i < count; ++i)
        mask[i / 64] |= static_cast<uint64_t>(Passes(first_row + i)) << (i & 63);
      break;
  }
  if (s.nulls == nullptr) return;
  uint64_t not_null[kMaskWords];
  simd::ZeroByteMask(s.nulls + first_row, count, not_null);
  const uint64_t null_bits = filter_->set_.has_null() ? ~uint64_t{0} : 0;
  for (uint32_t i = 0; i < num_words; ++i)
    mask[i] = (mask[i] & not_null[i]) | (null_bits & ~not_null[i]);
}

uint32_t BoundIntegerFilter::Refine(uint32_t first_row, uint16_t* rows, uint32_t count) {
  const Segment& s = *segment_;
  const uint8_t* nulls = s.nulls == nullptr ? nullptr : s.nulls + first_row;
  if (nulls == nullptr || !filter_->set_.has_null()) {
    // NULLs fail, so they may go first.
    if (nulls != nullptr) {
      uint32_t kept = 0;
      for (uint32_t i = 0; i < count; ++i) {
        const uint16_t row = rows[i];
        rows[kept] = row;
        kept += nulls[row] == 0;
      }
      count = kept;
    }
    switch (method_) {
      case Method::kNulls:
        return values_pass_ ? count : 0;
      case Method::kInterval:
        if (s.encoding == Encoding::kDouble)
          return simd::RefineOrderedInterval(reinterpret_cast<const double*>(s.stored) + first_row,
                                             interval_, rows, count);
        return simd::RefineInterval(StoredFrom(s, first_row), s.width, interval_, rows, count);
      case Method::kBits:
        return simd::RefineBitSet(StoredFrom(s, first_row), s.width, bits_, rows, count);
      case Method::kSearch:
        break;
    }
  }
  // The rest is rare: a search per row, or NULLs that pass.
  uint64_t mask[kMaskWords] = {};
  if (method_ != Method::kSearch) Test(first_row, RowsAt(first_row), mask);
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const uint16_t row = rows[i];
    const bool is_null = nulls != nullptr && nulls[row];
    const bool passes = method_ != Method::kSearch ? (mask[row / 64] >> (row & 63) & 1) != 0
                        : is_null                  ? filter_->set_.has_null()
                                                   : Passes(first_row + row);
    rows[kept] = row;
    kept += passes;
  }
  return kept;
}

void IntegerFilter::BuildBitmap() {
  bitmap_.clear();
  if (set_.intervals().size() < 2) return;
  // Open ends (<> has them) are cut off: only what lies between can be a bitmap, so such sets stay
  // intervals.
  const int128 lo = set_.intervals().front().lo, hi = set_.intervals().back().hi;
  if (lo == IntegerSet::kMin || hi == IntegerSet::kMax) return;
  if (static_cast<unsigned __int128>(hi - lo) >= kMaxBitmapBits) return;
  bitmap_min_ = lo;
  bitmap_limit_ = static_cast<uint64_t>(hi - lo);
  bitmap_.resize(bitmap_limit_ / 64 + 1);
  for (const IntegerSet::Interval& interval : set_.intervals())
    SetBits(static_cast<uint64_t>(interval.lo - lo), static_cast<uint64_t>(interval.hi - lo),
            &bitmap_);
}

std::unique_ptr<BoundFilter> IntegerFilter::Bind() const {
  return std::make_unique<BoundIntegerFilter>(this);
}

bool IntegerFilter::Absorb(const ColumnFilter& other) {
  const auto* integer = dynamic_cast<const IntegerFilter*>(&other);
  if (integer == nullptr) return false;
  set_ = set_.Intersect(integer->set_);
  BuildBitmap();
  return true;
}

}  // namespace sirocco::engine
