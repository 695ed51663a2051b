#include "lakehouse/read/row_batch.h"

#include <algorithm>

namespace sirocco::lakehouse {

using plan::Lane;

namespace {

size_t WidthOf(Lane lane) {
  switch (lane) {
    case Lane::kI64:
    case Lane::kF64:
      return 8;
    case Lane::kI128:
      return 16;
    default:
      return 0;
  }
}

}  // namespace

ColumnBuffer::ColumnBuffer(Lane lane, uint32_t max_rows)
    : lane_(lane),
      max_rows_(max_rows),
      values_(std::make_unique<char[]>(WidthOf(lane) * max_rows)),
      nulls_(std::make_unique<uint8_t[]>(max_rows)) {
  if (lane != Lane::kStr) return;
  offsets_ = std::make_unique<uint32_t[]>(max_rows + 1);
  Grow(0);
}

void ColumnBuffer::Grow(size_t size) {
  const size_t wanted = std::max<size_t>(
      {size_t{max_rows_} * 16 + kTextPadding, capacity_ * 2, num_bytes_ + size + kTextPadding});
  auto bytes = std::make_unique_for_overwrite<char[]>(wanted);
  if (num_bytes_ != 0) std::memcpy(bytes.get(), bytes_.get(), num_bytes_);
  bytes_ = std::move(bytes);
  capacity_ = wanted;
}

void ColumnBuffer::SetNull(uint32_t row) {
  has_nulls_ = true;
  nulls_[row] = 1;
  if (lane_ == Lane::kStr) {
    Commit(row, 0);
  } else {
    std::memset(values_.get() + row * WidthOf(lane_), 0, WidthOf(lane_));
  }
}

void ColumnBuffer::SetValue(uint32_t row, const plan::Value& value) {
  if (value.is_null) return SetNull(row);
  switch (lane_) {
    case Lane::kI64:
      i64()[row] = static_cast<int64_t>(value.integer);
      break;
    case Lane::kI128:
      i128()[row] = value.integer;
      break;
    case Lane::kF64:
      f64()[row] = value.real;
      break;
    default:
      SetBytes(row, value.bytes.data(), value.bytes.size());
      break;
  }
}

engine::LoadColumn ColumnBuffer::AsLoadColumn() const {
  return {.lane = lane_,
          .values = lane_ == Lane::kStr ? nullptr : values_.get(),
          .offsets = offsets_.get(),
          .bytes = bytes_.get(),
          .nulls = has_nulls_ ? nulls_.get() : nullptr};
}

void ColumnBuffer::Clear() {
  if (has_nulls_) std::memset(nulls_.get(), 0, max_rows_);
  has_nulls_ = false;
  num_bytes_ = 0;
  // One batch of huge values must not hold its memory for the rest of the file.
  if (capacity_ > (8 << 20)) {
    bytes_.reset();
    capacity_ = 0;
    Grow(0);
  }
}

RowBatch::RowBatch(const std::vector<ColumnTarget>& targets, uint32_t max_rows)
    : max_rows_(max_rows) {
  for (const ColumnTarget& target : targets)
    columns_.emplace_back(plan::LaneOf(target.schema.type), max_rows);
}

Result<void> RowBatch::Flush(uint32_t num_rows, engine::TableBuilder::Writer* writer) {
  if (num_rows == 0) return {};
  views_.clear();
  for (const ColumnBuffer& column : columns_) views_.push_back(column.AsLoadColumn());
  RETURN_IF_ERROR(writer->Append(num_rows, views_));
  for (ColumnBuffer& column : columns_) column.Clear();
  return {};
}

}  // namespace sirocco::lakehouse
