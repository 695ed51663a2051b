#include "engine/storage/integer_set.h"

#include <algorithm>

namespace sirocco::engine {

IntegerSet IntegerSet::Range(int128 lo, int128 hi) {
  IntegerSet set;
  if (lo <= hi) set.intervals_.push_back({lo, hi});
  return set;
}

IntegerSet IntegerSet::Of(std::vector<Interval> intervals) {
  std::erase_if(intervals, [](const Interval& i) { return i.lo > i.hi; });
  std::sort(intervals.begin(), intervals.end(),
            [](const Interval& a, const Interval& b) { return a.lo < b.lo; });
  IntegerSet set;
  for (const Interval& next : intervals) {
    if (!set.intervals_.empty()) {
      Interval& last = set.intervals_.back();
      if (last.hi == kMax || next.lo <= last.hi + 1) {
        last.hi = std::max(last.hi, next.hi);
        continue;
      }
    }
    set.intervals_.push_back(next);
  }
  return set;
}

IntegerSet IntegerSet::Intersect(const IntegerSet& other) const {
  IntegerSet result;
  auto a = intervals_.begin(), b = other.intervals_.begin();
  while (a != intervals_.end() && b != other.intervals_.end()) {
    const int128 lo = std::max(a->lo, b->lo), hi = std::min(a->hi, b->hi);
    if (lo <= hi) result.intervals_.push_back({lo, hi});
    (a->hi < b->hi ? a : b)++;
  }
  result.has_null_ = has_null_ && other.has_null_;
  return result;
}

IntegerSet IntegerSet::Union(const IntegerSet& other) const {
  std::vector<Interval> all = intervals_;
  all.insert(all.end(), other.intervals_.begin(), other.intervals_.end());
  IntegerSet result = Of(std::move(all));
  result.has_null_ = has_null_ || other.has_null_;
  return result;
}

IntegerSet IntegerSet::Complement() const {
  IntegerSet result;
  int128 next = kMin;
  for (const Interval& interval : intervals_) {
    if (interval.lo > next) result.intervals_.push_back({next, interval.lo - 1});
    if (interval.hi == kMax) return result;
    next = interval.hi + 1;
  }
  result.intervals_.push_back({next, kMax});
  return result;
}

std::vector<IntegerSet::Interval>::const_iterator IntegerSet::FirstAtOrAbove(int128 value) const {
  return std::partition_point(intervals_.begin(), intervals_.end(),
                              [&](const Interval& interval) { return interval.hi < value; });
}

bool IntegerSet::Contains(int128 value) const {
  const auto at = FirstAtOrAbove(value);
  return at != intervals_.end() && at->lo <= value;
}

bool IntegerSet::ContainsAll(int128 lo, int128 hi) const {
  const auto at = FirstAtOrAbove(lo);
  return at != intervals_.end() && at->lo <= lo && at->hi >= hi;
}

}  // namespace sirocco::engine
