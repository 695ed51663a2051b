// Rows in columnar form, as they travel between plugin and node: load batches one way, results the
// other.
//
// Layout of the payload (docs/wire.md): a header, one descriptor per column, then 16-byte aligned
// sections. A column has a null section (one byte per row, 1 = NULL; absent if there are none) and
// either fixed-width values or uint32_t offsets (rows + 1) with bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "plan/type.h"

namespace sirocco::wire {

// A column being filled. Push to the vector of the column's lane, one value per row (any value
// where NULL); `nulls` stays empty until the first NULL.
struct ColumnBuffer {
  plan::Lane lane = plan::Lane::kI64;
  std::vector<int64_t> i64;
  std::vector<__int128> i128;
  std::vector<double> f64;
  std::vector<uint32_t> offsets;  // kStr: starts with 0
  std::vector<char> bytes;        // kStr
  std::vector<uint8_t> nulls;

  void PushString(std::string_view value) {
    bytes.insert(bytes.end(), value.begin(), value.end());
    offsets.push_back(static_cast<uint32_t>(bytes.size()));
  }
  // Appends a NULL as row number `row` (0-based), with a placeholder value.
  void PushNull(uint32_t row);
  // After a non-null push when `nulls` is in use; call with the row's number, or not at all while
  // nulls.empty().
  void MarkNotNull() {
    if (!nulls.empty()) nulls.push_back(0);
  }
};

class ColumnBatchBuilder {
 public:
  explicit ColumnBatchBuilder(std::span<const plan::Lane> lanes);
  std::vector<ColumnBuffer>& columns() { return columns_; }
  uint32_t num_rows = 0;      // set by the caller as it fills the columns
  size_t size_bytes() const;  // about; for deciding when to send
  void Clear();               // keeps capacity
  // The payload. Every column must have num_rows values (and nulls, unless empty).
  std::string Encode() const;

 private:
  std::vector<ColumnBuffer> columns_;
};

// One column to encode from memory owned by somebody else.
struct ColumnSource {
  plan::Lane lane = plan::Lane::kI64;
  const void* values = nullptr;       // fixed lanes
  const uint32_t* offsets = nullptr;  // kStr
  const char* bytes = nullptr;        // kStr
  const uint8_t* nulls = nullptr;
};
std::string EncodeColumnBatch(uint32_t num_rows, std::span<const ColumnSource> columns);

// Reads a payload in place. Pointers live as long as the payload; it must be 16-byte aligned
// (frames are).
class ColumnBatchView {
 public:
  struct Column {
    plan::Lane lane = plan::Lane::kI64;
    const uint8_t* nulls = nullptr;  // nullptr: no NULLs
    const void* values = nullptr;
    const uint32_t* offsets = nullptr;
    const char* bytes = nullptr;

    bool is_null(uint32_t row) const { return nulls != nullptr && nulls[row] != 0; }
    int64_t i64(uint32_t row) const { return static_cast<const int64_t*>(values)[row]; }
    __int128 i128(uint32_t row) const { return static_cast<const __int128*>(values)[row]; }
    double f64(uint32_t row) const { return static_cast<const double*>(values)[row]; }
    std::string_view str(uint32_t row) const {
      return {bytes + offsets[row], offsets[row + 1] - offsets[row]};
    }
  };
  // Checks every size and offset. kInvalidArgument if anything does not fit.
  static Result<ColumnBatchView> Parse(std::string_view payload);

  uint32_t num_rows() const { return num_rows_; }
  const std::vector<Column>& columns() const { return columns_; }

 private:
  uint32_t num_rows_ = 0;
  std::vector<Column> columns_;
};

}  // namespace sirocco::wire
