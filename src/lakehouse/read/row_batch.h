// Rows on their way from a reader into the table: one buffer per column in the engine's lanes,
// handed over in batches.
//
// A reader fills rows [0, n) of every column in any order of columns, calls Flush(n, writer) and
// starts again. Values of NULL rows are 0 or empty. Not thread safe; one batch per reading task.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "engine/storage/table_builder.h"
#include "lakehouse/read/column_target.h"

namespace sirocco::lakehouse {

// Bytes at the end of string buffers and of text blocks that may be read or written without
// meaning.
inline constexpr size_t kTextPadding = 64;
// Rows of a batch: spans and values of a dozen columns stay in the L2 cache.
inline constexpr uint32_t kBatchRows = 1024;

class ColumnBuffer {
 public:
  ColumnBuffer(plan::Lane lane, uint32_t max_rows);

  plan::Lane lane() const { return lane_; }
  int64_t* i64() { return reinterpret_cast<int64_t*>(values_.get()); }
  plan::int128* i128() { return reinterpret_cast<plan::int128*>(values_.get()); }
  double* f64() { return reinterpret_cast<double*>(values_.get()); }

  // Strings come in ascending rows, each exactly once (SetNull and SetBytes count).
  void SetBytes(uint32_t row, const char* data, size_t size) {
    char* out = Reserve(size);
    if (size != 0) std::memcpy(out, data, size);
    Commit(row, size);
  }
  // Same for text of which kTextPadding bytes more may be read.
  void SetPaddedBytes(uint32_t row, const char* data, size_t size) {
    char* out = Reserve(size);
    std::memcpy(out, data, 32);
    if (size > 32) [[unlikely]]
      std::memcpy(out + 32, data + 32, size - 32);
    Commit(row, size);
  }
  // Room for `size` bytes and the padding; write, then Commit.
  char* Reserve(size_t size) {
    if (capacity_ - num_bytes_ < size + kTextPadding) [[unlikely]]
      Grow(size);
    return bytes_.get() + num_bytes_;
  }
  void Commit(uint32_t row, size_t size) {
    num_bytes_ += size;
    offsets_[row + 1] = static_cast<uint32_t>(num_bytes_);
  }

  void SetNull(uint32_t row);
  // A constant in the representation of plan/type.h.
  void SetValue(uint32_t row, const plan::Value& value);
  bool IsNull(uint32_t row) const { return has_nulls_ && nulls_[row] != 0; }

  size_t num_bytes() const { return num_bytes_; }
  engine::LoadColumn AsLoadColumn() const;
  void Clear();

 private:
  void Grow(size_t size);

  plan::Lane lane_;
  uint32_t max_rows_;
  bool has_nulls_ = false;
  std::unique_ptr<char[]> values_;  // max_rows values of the lane, 16-byte aligned by operator new
  std::unique_ptr<uint32_t[]> offsets_;
  std::unique_ptr<uint8_t[]> nulls_;
  std::unique_ptr<char[]> bytes_;
  size_t num_bytes_ = 0, capacity_ = 0;
};

class RowBatch {
 public:
  explicit RowBatch(const std::vector<ColumnTarget>& targets, uint32_t max_rows = kBatchRows);

  ColumnBuffer& column(size_t index) { return columns_[index]; }
  size_t num_columns() const { return columns_.size(); }
  uint32_t max_rows() const { return max_rows_; }
  Result<void> Flush(uint32_t num_rows, engine::TableBuilder::Writer* writer);

 private:
  uint32_t max_rows_;
  std::vector<ColumnBuffer> columns_;
  std::vector<engine::LoadColumn> views_;
};

}  // namespace sirocco::lakehouse
