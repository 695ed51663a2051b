// What window functions work on: rows of some whole partitions, sorted by partition and window
// order, with the values of all argument expressions in that order.
#pragma once

#include <cstdint>
#include <vector>

#include "common/error.h"
#include "engine/exec/row_blocks.h"
#include "engine/vector/vector.h"

namespace sirocco::engine {

// One value per sorted row, in the column's lane. NULL rows have a readable value.
class SortedColumn {
 public:
  Result<void> Allocate(MemoryPool* pool, Lane lane, size_t num_rows, bool nullable) {
    lane_ = lane;
    RETURN_IF_ERROR(values_.Allocate(pool, num_rows * LaneWidth(lane), true));
    if (lane == Lane::kStr)
      for (size_t i = 0; i < num_rows; ++i) values_.as<StringRef>()[i] = {"", 0, 0};
    return nullable ? nulls_.Allocate(pool, num_rows, true) : Result<void>{};
  }

  Lane lane() const { return lane_; }
  bool is_null(size_t row) const {
    return nulls_.data() != nullptr && nulls_.as<uint8_t>()[row] != 0;
  }
  void SetNull(size_t row) { nulls_.as<uint8_t>()[row] = 1; }
  template <typename T>
  T* as() const {
    return values_.as<T>();
  }
  // The value of a kI64 or kI128 column.
  int128 integer(size_t row) const {
    return lane_ == Lane::kI128 ? as<int128>()[row] : int128{as<int64_t>()[row]};
  }
  // Copies a value of another column of the same lane, or of kI64 to kI128.
  void Copy(size_t row, const SortedColumn& from, size_t from_row);
  // A view of rows first..; count is the reader's business.
  Vector View(size_t first) const {
    Vector vector{.lane = lane_, .data = as<char>() + first * LaneWidth(lane_)};
    if (nulls_.data() != nullptr) vector.nulls = nulls_.as<uint8_t>() + first;
    return vector;
  }

 private:
  Lane lane_ = Lane::kI64;
  PoolBuffer values_, nulls_;
};

struct WindowRows {
  uint32_t num_rows = 0;
  std::vector<uint32_t> partitions;  // first rows, ascending, then num_rows
  std::vector<uint32_t> peers;  // first rows of groups equal in partition and order, then num_rows
  std::vector<SortedColumn> arguments;
};

}  // namespace sirocco::engine
