// Rows on their way to the node, column by column, in the lanes of plan/type.h. One per loading
// thread; filled by RowDecoder, sent, cleared, filled again, so that memory is allocated once.
// Shape per column: values of the lane (kI64 int64_t, kI128 __int128, kF64 double) or, for kStr,
// num_rows + 1 offsets into bytes; one null byte per row (1 = NULL). The value of a NULL row is 0
// or the empty string.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "plan/table_schema.h"
#include "plan/type.h"

namespace sirocco::plugin {

// 16,384 rows: a batch of 16 columns of 8 bytes is 2 MB, large enough that framing costs nothing.
inline constexpr uint32_t kLoadBatchRows = 16384;
// A batch with long strings is sent when it has this many bytes of them.
inline constexpr size_t kLoadBatchBytes = 8 << 20;

struct ColumnBuffer {
  plan::Lane lane = plan::Lane::kI64;
  std::unique_ptr<uint8_t[]> values;  // kLoadBatchRows values; null for kStr
  std::unique_ptr<uint8_t[]> nulls;   // kLoadBatchRows bytes, all 0 unless has_nulls
  bool has_nulls = false;
  std::vector<uint32_t> offsets;  // kStr: kLoadBatchRows + 1
  std::unique_ptr<char[]> bytes;  // kStr
  size_t bytes_used = 0, bytes_capacity = 0;

  int64_t* i64() { return reinterpret_cast<int64_t*>(values.get()); }
  __int128* i128() { return reinterpret_cast<__int128*>(values.get()); }
  double* f64() { return reinterpret_cast<double*>(values.get()); }
  // Room for `size` more bytes of string.
  char* Reserve(size_t size) {
    if (bytes_used + size > bytes_capacity) Grow(size);
    return bytes.get() + bytes_used;
  }

 private:
  void Grow(size_t size);
};

class LoadBatch {
 public:
  explicit LoadBatch(const plan::TableSchema& schema);

  uint32_t num_rows = 0;
  std::vector<ColumnBuffer> columns;

  size_t StringBytes() const;
  bool Full() const { return num_rows == kLoadBatchRows || StringBytes() >= kLoadBatchBytes; }
  void Clear();
};

}  // namespace sirocco::plugin
