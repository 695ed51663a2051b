#include "plugin/load/column_buffer.h"

#include <algorithm>
#include <cstring>

namespace sirocco::plugin {

void ColumnBuffer::Grow(size_t size) {
  const size_t capacity = std::max({bytes_capacity * 2, bytes_used + size, size_t{64} << 10});
  auto larger = std::make_unique_for_overwrite<char[]>(capacity);
  if (bytes_used != 0) std::memcpy(larger.get(), bytes.get(), bytes_used);
  bytes = std::move(larger);
  bytes_capacity = capacity;
}

LoadBatch::LoadBatch(const plan::TableSchema& schema) {
  columns.resize(schema.columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    ColumnBuffer& column = columns[i];
    column.lane = plan::LaneOf(schema.columns[i].type);
    column.nulls = std::make_unique<uint8_t[]>(kLoadBatchRows);
    if (column.lane == plan::Lane::kStr) {
      column.offsets.assign(kLoadBatchRows + 1, 0);
    } else {
      const size_t width = column.lane == plan::Lane::kI128 ? 16 : 8;
      column.values = std::make_unique_for_overwrite<uint8_t[]>(width * kLoadBatchRows);
    }
  }
}

size_t LoadBatch::StringBytes() const {
  size_t total = 0;
  for (const ColumnBuffer& column : columns) total += column.bytes_used;
  return total;
}

void LoadBatch::Clear() {
  for (ColumnBuffer& column : columns) {
    if (column.has_nulls) std::memset(column.nulls.get(), 0, num_rows);
    column.has_nulls = false;
    column.bytes_used = 0;
  }
  num_rows = 0;
}

}  // namespace sirocco::plugin
