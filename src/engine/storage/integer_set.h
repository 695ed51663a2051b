// A set of integers as ascending closed intervals that neither overlap nor touch, and whether NULL
// belongs to it. The meaning of a predicate on one column of numbers or codes: the values (and
// NULL) for which it is true.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/vector/vector.h"

namespace sirocco::engine {

class IntegerSet {
 public:
  struct Interval {
    int128 lo, hi;
    bool operator==(const Interval&) const = default;
  };
  // Beyond every value of a column.
  static constexpr int128 kMin = static_cast<int128>(1) << 127, kMax = ~kMin;

  IntegerSet() = default;
  static IntegerSet All() { return Range(kMin, kMax); }  // without NULL
  static IntegerSet Range(int128 lo, int128 hi);         // empty if lo > hi
  // Arbitrary intervals, in any order.
  static IntegerSet Of(std::vector<Interval> intervals);

  IntegerSet Intersect(const IntegerSet& other) const;
  IntegerSet Union(const IntegerSet& other) const;
  // The values that are not in the set; NULL is not in the result.
  IntegerSet Complement() const;

  bool Contains(int128 value) const;
  bool ContainsAll(int128 lo, int128 hi) const;
  bool Intersects(int128 lo, int128 hi) const {
    return FirstAtOrAbove(lo) != End() && FirstAtOrAbove(lo)->lo <= hi;
  }

  const std::vector<Interval>& intervals() const { return intervals_; }
  bool empty() const { return intervals_.empty(); }
  bool full() const {
    return intervals_.size() == 1 && intervals_[0].lo == kMin && intervals_[0].hi == kMax;
  }
  bool has_null() const { return has_null_; }
  void set_has_null(bool has_null) { has_null_ = has_null; }

  // The first interval that reaches `value` or begins above it.
  std::vector<Interval>::const_iterator FirstAtOrAbove(int128 value) const;
  std::vector<Interval>::const_iterator End() const { return intervals_.end(); }

 private:
  std::vector<Interval> intervals_;
  bool has_null_ = false;
};

}  // namespace sirocco::engine
