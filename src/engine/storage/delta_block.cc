#include "engine/storage/delta_block.h"

#include <algorithm>
#include <cstring>

#include "engine/storage/segment_encoder.h"

namespace sirocco::engine {

namespace {

constexpr size_t kFirstRows = 256;
// A block is closed when the strings of a column pass this; offsets of a heap have 32 bits.
constexpr size_t kMaxHeapBytes = 64 << 20;
constexpr size_t kStringBlockBytes = 16 << 10;
// A last piece below this many rows is always made anew: encoding so few costs less than a scan
// loses with one more piece.
constexpr uint32_t kMinPieceRows = 512;

}  // namespace

DeltaBlock::DeltaBlock(const plan::TableSchema& schema, std::span<const Lane> lanes,
                       std::shared_ptr<MemoryPool> pool)
    : pool_(std::move(pool)), strings_(pool_.get(), kStringBlockBytes) {
  columns_.resize(lanes.size());
  for (size_t i = 0; i < lanes.size(); ++i) {
    columns_[i].lane = lanes[i];
    columns_[i].width = LaneWidth(lanes[i]);
    columns_[i].is_unsigned = schema.columns[i].type.IsUnsigned();
  }
}

Result<void> DeltaBlock::Append(uint32_t index, const Cell& cell) {
  Column& column = columns_[index];
  const uint32_t row = column.count;
  const size_t width = column.width;
  if (row * width == column.values.size())
    RETURN_IF_ERROR(column.values.Grow(pool_.get(), std::max<size_t>(kFirstRows, row * 2) * width,
                                       row * width));
  if (cell.is_null && !column.has_nulls) {
    RETURN_IF_ERROR(column.nulls.Grow(pool_.get(), std::max<size_t>(kFirstRows, row + 1), 0));
    std::memset(column.nulls.data(), 0, row);
    column.has_nulls = true;
  }
  if (column.has_nulls) {
    RETURN_IF_ERROR(column.nulls.Grow(pool_.get(), row + 1, row));
    column.nulls.as<uint8_t>()[row] = cell.is_null;
  }
  char* to = column.values.data() + row * width;
  if (cell.is_null) {
    std::memset(to, 0, width);
  } else {
    switch (column.lane) {
      case Lane::kI128:
        std::memcpy(to, &cell.wide, 16);
        break;
      case Lane::kCode:
        std::memcpy(to, &cell.code, 4);
        break;
      case Lane::kStr: {
        const char* copy = strings_.Copy(cell.bytes);
        if (copy == nullptr)
          return MakeError(ErrorCode::kOutOfMemory, "memory limit reached by recent rows");
        const StringRef value{copy, static_cast<uint32_t>(cell.bytes.size()), 0};
        std::memcpy(to, &value, sizeof(value));
        column.heap_bytes += value.size;
        heap_full_ |= column.heap_bytes >= kMaxHeapBytes;
        break;
      }
      default:
        std::memcpy(to, &cell.bits, 8);
        break;
    }
  }
  ++column.count;
  return {};
}

Cell DeltaBlock::Read(uint32_t index, uint32_t row) const {
  const Column& column = columns_[index];
  Cell cell;
  if (column.has_nulls && column.nulls.as<uint8_t>()[row]) {
    cell.is_null = true;
    return cell;
  }
  switch (column.lane) {
    case Lane::kI128:
      cell.wide = column.values.as<int128>()[row];
      break;
    case Lane::kCode:
      cell.code = column.values.as<uint32_t>()[row];
      break;
    case Lane::kStr:
      cell.bytes = column.values.as<StringRef>()[row].view();
      break;
    default:
      cell.bits = column.values.as<uint64_t>()[row];
      break;
  }
  return cell;
}

Result<Segment> DeltaBlock::EncodeHeap(const Column& column, uint32_t begin, uint32_t end) const {
  const StringRef* values = column.values.as<StringRef>() + begin;
  const uint32_t num_rows = end - begin;
  size_t num_bytes = 0;
  for (uint32_t i = 0; i < num_rows; ++i) num_bytes += values[i].size;
  if (num_bytes > UINT32_MAX)
    return MakeError(ErrorCode::kOutOfMemory, "strings of one chunk exceed 4 GB");
  ASSIGN_OR_RETURN(AlignedBuffer offsets,
                   AlignedBuffer::Allocate(pool_.get(), (size_t{num_rows} + 1) * 4));
  ASSIGN_OR_RETURN(AlignedBuffer bytes, AlignedBuffer::Allocate(pool_.get(), num_bytes));
  uint32_t at = 0;
  for (uint32_t i = 0; i < num_rows; ++i) {
    offsets.as<uint32_t>()[i] = at;
    if (values[i].size != 0) std::memcpy(bytes.data() + at, values[i].data, values[i].size);
    at += values[i].size;
  }
  offsets.as<uint32_t>()[num_rows] = at;
  return EncodeStrings(pool_.get(), offsets.as<uint32_t>(), bytes.data(),
                       column.has_nulls ? column.nulls.as<uint8_t>() + begin : nullptr, num_rows);
}

Result<Segment> DeltaBlock::Encode(const Column& column, uint32_t begin, uint32_t end) const {
  if (column.lane == Lane::kStr) return EncodeHeap(column, begin, end);
  const uint32_t num_rows = end - begin;
  const size_t width = column.width;
  const uint8_t* nulls = column.has_nulls ? column.nulls.as<uint8_t>() + begin : nullptr;
  // The encoders overwrite values under NULLs.
  ASSIGN_OR_RETURN(AlignedBuffer copy, AlignedBuffer::Allocate(pool_.get(), num_rows * width));
  std::memcpy(copy.data(), column.values.data() + begin * width, num_rows * width);
  switch (column.lane) {
    case Lane::kI128:
      return EncodeInt128(pool_.get(), copy.as<int128>(), nulls, num_rows);
    case Lane::kF64:
      return EncodeDoubles(pool_.get(), copy.as<double>(), nulls, num_rows);
    case Lane::kCode:
      return EncodeCodes(pool_.get(), copy.as<uint32_t>(), nulls, num_rows);
    default:
      return EncodeIntegers(pool_.get(), copy.as<int64_t>(), nulls, num_rows, column.is_unsigned);
  }
}

Result<void> DeltaBlock::Cover(uint32_t num_rows) {
  // Pieces become larger towards the front; a full block is one piece.
  const bool whole = full() && num_rows == num_rows_;
  uint32_t begin = pieces_.empty() ? 0 : pieces_.back().end;
  if (begin >= num_rows && !(whole && pieces_.size() > 1)) return {};
  size_t kept = pieces_.size();
  while (kept > 0 && (whole || pieces_[kept - 1].end - pieces_[kept - 1].begin <=
                                   std::max(kMinPieceRows, num_rows - begin)))
    begin = pieces_[--kept].begin;
  std::vector<Segment> segments;
  segments.reserve(columns_.size());
  for (const Column& column : columns_) {
    ASSIGN_OR_RETURN(Segment segment, Encode(column, begin, num_rows));
    segments.push_back(std::move(segment));
  }
  pieces_.resize(kept);
  pieces_.push_back(
      {begin, num_rows, std::make_shared<Chunk>(pool_, num_rows - begin, std::move(segments))});
  return {};
}

}  // namespace sirocco::engine
