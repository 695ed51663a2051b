// Decodes rows in the server's record format (TABLE::record[0]) into column batches. The decoder of
// each column is chosen once, from the server's Field; rows are then decoded column by column in
// blocks that stay in cache, without virtual calls and without touching the Field objects, so it
// works in InnoDB's scan threads, which have no THD.
//
// Use: one RowDecoder per load, shared by all threads (immutable); one LoadBatch per thread.
// Blob values are copied at once: their pointers in the record die when the scan's callback
// returns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/error.h"
#include "mysqlsem/decimal.h"
#include "plan/table_schema.h"
#include "plugin/load/column_buffer.h"

struct TABLE;
struct CHARSET_INFO;

namespace sirocco::plugin {

// Where a column's value lies in a record, and how to read it.
struct ColumnSource {
  using Decode = void (*)(const ColumnSource& source, const uint8_t* rows, size_t num_rows,
                          size_t stride, uint32_t first_row, ColumnBuffer* out);
  Decode decode = nullptr;
  uint32_t offset = 0;  // of the value
  uint32_t null_offset = 0;
  uint8_t null_mask = 0;     // 0: NOT NULL
  uint32_t length = 0;       // CHAR, packed decimals, BIT: bytes of the value
  uint8_t length_bytes = 0;  // VARCHAR, BLOB: bytes of the length
  uint8_t decimals = 0;      // temporal: fraction digits
  uint32_t bit_offset = 0;   // BIT with bits among the null bits: where, shift, how many
  uint8_t bit_shift = 0, bit_count = 0;
  const CHARSET_INFO* charset = nullptr;  // CHAR in a character set whose space is not one byte
  std::vector<mysqlsem::PackedDecimalDecoder> decimal;  // one or none
};

class RowDecoder {
 public:
  // Columns of `schema` in their order, from `table`'s fields.
  static Result<RowDecoder> Create(const TABLE& table, const plan::TableSchema& schema);

  // Appends rows until the batch is full; returns how many were taken. `rows` are `stride` bytes
  // apart.
  size_t Append(const uint8_t* rows, size_t num_rows, size_t stride, LoadBatch* batch) const;

 private:
  std::vector<ColumnSource> sources_;
  bool has_strings_ = false;
};

}  // namespace sirocco::plugin
