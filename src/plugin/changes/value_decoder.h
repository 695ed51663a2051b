// Decodes values in the binary log's field format into the lanes and forms of a load
// (load/row_decoder.h), so that the node can compare them byte for byte. No server headers.
//
// Use: one decoder per column of a TABLE_MAP event; Append per value. Threads: immutable.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "common/error.h"
#include "mysqlsem/decimal.h"
#include "plan/table_schema.h"
#include "plugin/changes/followed_table.h"
#include "plugin/changes/row_events.h"
#include "wire/column_batch.h"

namespace sirocco::plugin {

class ValueDecoder {
 public:
  // kStale if the log's description does not fit the column that was loaded.
  static Result<ValueDecoder> Create(const LoggedColumn& logged, const plan::ColumnSchema& column);

  // Appends the value as row number `row` of `out`, which has the column's lane. kCorrupt if the
  // bytes cannot be one; `value` must not be absent.
  Result<void> Append(const LoggedValue& value, uint32_t row, wire::ColumnBuffer* out) const;

 private:
  enum class Form : uint8_t {
    kSigned,     // little-endian two's complement
    kUnsigned,   // little-endian
    kBigEndian,  // BIT
    kYear,
    kFloat,
    kDouble,
    kDecimal64,
    kDecimal128,
    kDatetime,
    kTimestamp,
    kTime,
    kBytes,
    kPaddedBytes,  // BINARY(n): the log leaves out zero bytes at the end
  };

  Form form_ = Form::kBytes;
  uint8_t decimals_ = 0;
  uint32_t length_ = 0;  // bytes of a fixed-size value; n of BINARY(n)
  std::optional<mysqlsem::PackedDecimalDecoder> decimal_;
};

// Appends a default value as row number `row`.
void AppendDefault(const ColumnDefault& value, uint32_t row, wire::ColumnBuffer* out);

}  // namespace sirocco::plugin
