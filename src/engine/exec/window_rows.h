// What window functions work on: rows of some whole partitions, sorted by partition and window
// order, with the values of all argument expressions in that order.
#pragma once

#include <cstdint>
#include <vector>

#include "common/error.h"
#include "engine/exec/row_blocks.h"
#include "engine/spill/spill_space.h"
#include "engine/vector/vector.h"

namespace sirocco::engine {

// One value per sorted row, in the column's lane. NULL rows have a readable value.
class SortedColumn {
 public:
  // In memory of the pool or, if `space` is given, in memory that may go to disk.
  Result<void> Allocate(MemoryPool* pool, Lane lane, size_t num_rows, bool nullable,
                        SpillSpace* space = nullptr) {
    lane_ = lane;
    RETURN_IF_ERROR(values_.Allocate(pool, num_rows * LaneWidth(lane), space));
    if (lane == Lane::kStr)
      for (size_t i = 0; i < num_rows; ++i) as<StringRef>()[i] = {"", 0, 0};
    return nullable ? nulls_.Allocate(pool, num_rows, space) : Result<void>{};
  }

  Lane lane() const { return lane_; }
  bool is_null(size_t row) const { return nulls_.data != nullptr && nulls_.data[row] != 0; }
  void SetNull(size_t row) { nulls_.data[row] = 1; }
  template <typename T>
  T* as() const {
    return reinterpret_cast<T*>(values_.data);
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
    if (nulls_.data != nullptr) vector.nulls = reinterpret_cast<uint8_t*>(nulls_.data) + first;
    return vector;
  }

 private:
  struct Memory {
    Result<void> Allocate(MemoryPool* pool, size_t bytes, SpillSpace* space) {
      if (space == nullptr) {
        RETURN_IF_ERROR(buffer.Allocate(pool, bytes, true));
        data = buffer.as<char>();
      } else {
        ASSIGN_OR_RETURN(mapping, space->Map(bytes + 64));
        data = mapping->data();
      }
      return {};
    }
    char* data = nullptr;
    PoolBuffer buffer;
    std::unique_ptr<SpillMapping> mapping;
  };
  Lane lane_ = Lane::kI64;
  Memory values_, nulls_;
};

struct WindowRows {
  uint32_t num_rows = 0;
  std::vector<uint32_t> partitions;  // first rows, ascending, then num_rows
  std::vector<uint32_t> peers;  // first rows of groups equal in partition and order, then num_rows
  std::vector<SortedColumn> arguments;
};

}  // namespace sirocco::engine
