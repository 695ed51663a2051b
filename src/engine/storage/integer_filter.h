// Filter of a column whose passing values form an IntegerSet: numbers, dates, dictionary codes,
// doubles by their ordered bits, and IS [NOT] NULL of any column (empty or full set).
//
// Per segment the set becomes one interval of stored numbers where possible (one SIMD comparison a
// row), else a bitmap over the set's values (built once, shared), else a binary search per row.
#pragma once

#include <memory>

#include "engine/storage/column_filter.h"
#include "engine/storage/integer_set.h"

namespace sirocco::engine {

class IntegerFilter final : public ColumnFilter {
 public:
  IntegerFilter(uint32_t column, IntegerSet set) : ColumnFilter(column), set_(std::move(set)) {
    BuildBitmap();
  }
  std::unique_ptr<BoundFilter> Bind() const override;
  bool Absorb(const ColumnFilter& other) override;
  const IntegerSet& set() const { return set_; }

 private:
  friend class BoundIntegerFilter;
  void BuildBitmap();

  IntegerSet set_;
  // Bits of [bitmap_min_, bitmap_min_ + bitmap_limit_]; empty if the set has few intervals or too
  // wide a range.
  std::vector<uint64_t> bitmap_;
  int128 bitmap_min_ = 0;
  uint64_t bitmap_limit_ = 0;
};

}  // namespace sirocco::engine
