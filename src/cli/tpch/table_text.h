// Rows of a range of a table as text, one line a row, fields separated by '|': the .tbl format of
// TPC-H and what LOAD DATA reads. No field contains '|', a backslash or a line break, so nothing is
// escaped.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "cli/tpch/generator.h"
#include "cli/tpch/tables.h"

namespace sirocco::tpch {

enum class LineEnd {
  kBar,    // every field is followed by '|' (files)
  kPlain,  // fields are separated by '|' (LOAD DATA)
};

// Not thread safe; readers of different ranges are independent.
class TableText {
 public:
  static std::unique_ptr<TableText> Make(const TextPool& pool, Scale scale, Table table,
                                         UnitRange range, LineEnd line_end);
  virtual ~TableText() = default;

  // Longer than any line.
  static constexpr size_t kMaxLine = 512;

  // Fills the buffer (at least kMaxLine bytes) with whole lines; returns the bytes written, 0 at
  // the end.
  virtual size_t Read(std::span<char> buffer) = 0;
  int64_t num_rows() const { return num_rows_; }  // written so far

 protected:
  int64_t num_rows_ = 0;
};

}  // namespace sirocco::tpch
