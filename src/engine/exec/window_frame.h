// Frames of window functions: for each row of a partition the rows its frame holds.
#pragma once

#include <cstdint>
#include <vector>

#include "common/error.h"
#include "engine/exec/window_rows.h"
#include "plan/node.h"

namespace sirocco::engine {

// Rows [begin, end) of WindowRows; both never fall from one row of a partition to the next.
struct FrameRows {
  uint32_t begin = 0, end = 0;
  bool empty() const { return begin == end; }
};

class FrameBounds {
 public:
  // `order` describes the only ORDER BY expression where a RANGE frame has an offset
  // (`needs_order_value`), `order_column` is its place among the arguments. An offset that is not
  // constant is the key at the bound itself (a date moved by an interval): `start_column` and
  // `end_column` are the places of those. kNotSupported with the reason.
  static Result<FrameBounds> Make(const plan::WindowCall& call, const ColumnInfo* order,
                                  size_t order_column, bool descending, size_t start_column,
                                  size_t end_column);
  // The offset is computed per row.
  static bool IsKey(const plan::ExprPtr& offset) {
    return offset != nullptr && offset->op != plan::ExprOp::kConstant;
  }
  static bool NeedsOrderValue(const plan::WindowCall& call) {
    return call.unit == plan::FrameUnit::kRange &&
           (call.start_offset != nullptr || call.end_offset != nullptr);
  }

  bool starts_with_partition() const { return start_ == plan::FrameBound::kUnboundedPreceding; }
  // frames[i - begin] of rows begin..end, one partition.
  void Compute(const WindowRows& rows, uint32_t begin, uint32_t end,
               std::vector<FrameRows>* frames) const;

 private:
  struct Peers {
    uint32_t begin = 0, end = 0;
  };
  uint32_t RowsBound(plan::FrameBound bound, int128 offset, uint32_t row, uint32_t begin,
                     uint32_t end, bool is_end) const;
  uint32_t RangeBound(plan::FrameBound bound, int128 offset, double real_offset, uint32_t row,
                      const Peers& peers, uint32_t begin, uint32_t end, const Peers& values,
                      const SortedColumn* keys, const SortedColumn* wanted_keys, bool is_end) const;

  plan::FrameUnit unit_ = plan::FrameUnit::kRange;
  plan::FrameBound start_ = plan::FrameBound::kUnboundedPreceding,
                   end_ = plan::FrameBound::kCurrentRow;
  int128 start_offset_ = 0,
         end_offset_ = 0;                 // RANGE: in units of the key's scale after key_factor_
  double start_real_ = 0, end_real_ = 0;  // RANGE over floating point
  int128 key_factor_ = 1;
  bool real_ = false, has_offset_ = false, descending_ = false, unsigned_ = false;
  bool start_is_key_ = false, end_is_key_ = false;
  size_t order_column_ = 0, start_column_ = 0, end_column_ = 0;
};

}  // namespace sirocco::engine
