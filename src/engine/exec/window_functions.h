// Window functions over sorted rows.
//
// Ranking functions and look-ups are direct. Aggregates over frames: exact sums and counts slide
// (values enter at the end and leave at the begin), frames that start with the partition run on,
// all others ask a segment tree (Leis et al., "Efficient Processing of Window Functions in
// Analytical SQL Queries", VLDB 2015). Nothing is quadratic in the frame's length.
#pragma once

#include <memory>
#include <vector>

#include "common/error.h"
#include "engine/exec/query_context.h"
#include "engine/exec/window_frame.h"
#include "engine/exec/window_rows.h"
#include "plan/node.h"

namespace sirocco::engine {

class WindowFunctionEvaluator {
 public:
  virtual ~WindowFunctionEvaluator() = default;
  // The result column, with the call's id.
  const ColumnInfo& result() const { return result_; }
  // Fills out[0..rows.num_rows). Threads: any, each with its own rows.
  virtual Result<void> Compute(const WindowRows& rows, SortedColumn* out) const = 0;

 protected:
  ColumnInfo result_;
};

// `arguments`: all argument columns; `args`: the call's (the aggregate's, for an aggregate) places
// among them.
Result<std::unique_ptr<WindowFunctionEvaluator>> MakeWindowFunction(
    const plan::WindowCall& call, const std::vector<size_t>& args,
    const std::vector<ColumnInfo>& arguments, FrameBounds bounds, QueryContext* context);

}  // namespace sirocco::engine
