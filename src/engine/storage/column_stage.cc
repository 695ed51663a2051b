#include "engine/storage/column_stage.h"

#include <algorithm>
#include <cstring>

#include "engine/storage/segment_encoder.h"

namespace sirocco::engine {

namespace {

// Staging buffers start small, so that loading a table of a few rows stays cheap.
constexpr size_t kFirstRows = 1024;
constexpr size_t kFirstHeapBytes = 16 << 10;

uint32_t BytesOf(Lane lane) { return lane == Lane::kStr ? 4 : LaneWidth(lane); }

}  // namespace

uint64_t DictionaryLimit(plan::EncodingHint hint, uint64_t num_rows) {
  if (hint == plan::EncodingHint::kSorted) return UINT32_MAX - 1;
  if (hint == plan::EncodingHint::kVarlen) return 0;
  return std::min(kMaxDictionarySize, std::max(kAlwaysDictionarySize, num_rows / 4));
}

ColumnStage::ColumnStage(const plan::ColumnSchema& schema, MemoryPool* pool)
    : lane_(plan::LaneOf(schema.type)),
      is_unsigned_(schema.type.IsUnsigned()),
      hint_(schema.encoding),
      pool_(pool) {
  if (schema.type.IsString() && hint_ != plan::EncodingHint::kVarlen)
    interner_ = std::make_unique<StringInterner>(pool);
}

Result<void> ColumnStage::AppendNulls(const uint8_t* nulls, uint32_t count) {
  const bool any =
      nulls != nullptr && std::any_of(nulls, nulls + count, [](uint8_t n) { return n != 0; });
  if (!any && !has_nulls_) return {};
  const size_t before = nulls_.size();
  RETURN_IF_ERROR(
      nulls_.Grow(pool_, std::max<size_t>(kFirstRows, num_rows_ + count), has_nulls_ ? before : 0));
  uint8_t* out = nulls_.as<uint8_t>();
  if (!has_nulls_) std::memset(out, 0, num_rows_);
  has_nulls_ = true;
  if (nulls == nullptr) {
    std::memset(out + num_rows_, 0, count);
  } else {
    for (uint32_t i = 0; i < count; ++i) out[num_rows_ + i] = nulls[i] != 0;
  }
  return {};
}

Result<void> ColumnStage::Append(const LoadColumn& column, uint32_t from, uint32_t count) {
  const uint8_t* nulls = column.nulls == nullptr ? nullptr : column.nulls + from;
  RETURN_IF_ERROR(AppendNulls(nulls, count));
  const size_t width = BytesOf(lane_);
  RETURN_IF_ERROR(values_.Grow(pool_, std::max(kFirstRows, size_t{num_rows_} + count + 1) * width,
                               (size_t{num_rows_} + 1) * std::min(width, values_.size())));
  if (lane_ == Lane::kStr) {
    RETURN_IF_ERROR(AppendStrings(column, from, count));
  } else {
    std::memcpy(values_.data() + num_rows_ * width,
                static_cast<const char*>(column.values) + from * width, count * width);
  }
  num_rows_ += count;
  return {};
}

Result<void> ColumnStage::AppendStrings(const LoadColumn& column, uint32_t from, uint32_t count) {
  const uint32_t* offsets = column.offsets + from;
  const uint8_t* nulls = column.nulls == nullptr ? nullptr : column.nulls + from;
  const size_t num_bytes = offsets[count] - offsets[0];
  if (interner_ != nullptr) {
    staged_bytes_ += num_bytes;
    return interner_->Intern(offsets, column.bytes, nulls, count,
                             values_.as<uint32_t>() + num_rows_);
  }
  RETURN_IF_ERROR(
      heap_.Grow(pool_, std::max(kFirstHeapBytes, staged_bytes_ + num_bytes), staged_bytes_));
  uint32_t* out = values_.as<uint32_t>() + num_rows_;
  if (num_rows_ == 0) out[0] = 0;
  if (nulls == nullptr) {
    if (num_bytes != 0)
      std::memcpy(heap_.data() + staged_bytes_, column.bytes + offsets[0], num_bytes);
    const auto shift = static_cast<uint32_t>(staged_bytes_) - offsets[0];
    for (uint32_t i = 1; i <= count; ++i) out[i] = offsets[i] + shift;
    staged_bytes_ += num_bytes;
    return {};
  }
  for (uint32_t i = 0; i < count; ++i) {
    const size_t size = nulls[i] ? 0 : offsets[i + 1] - offsets[i];
    if (size != 0) std::memcpy(heap_.data() + staged_bytes_, column.bytes + offsets[i], size);
    staged_bytes_ += size;
    out[i + 1] = static_cast<uint32_t>(staged_bytes_);
  }
  return {};
}

Result<Segment> ColumnStage::Seal() {
  const uint8_t* nulls = has_nulls_ ? nulls_.as<const uint8_t>() : nullptr;
  const uint32_t num_rows = num_rows_;
  num_rows_ = 0;
  staged_bytes_ = 0;
  has_nulls_ = false;
  switch (lane_) {
    case Lane::kI64:
      return EncodeIntegers(pool_, values_.as<int64_t>(), nulls, num_rows, is_unsigned_);
    case Lane::kI128:
      return EncodeInt128(pool_, values_.as<int128>(), nulls, num_rows);
    case Lane::kF64:
      return EncodeDoubles(pool_, values_.as<double>(), nulls, num_rows);
    default:
      break;
  }
  if (interner_ != nullptr) return EncodeCodes(pool_, values_.as<uint32_t>(), nulls, num_rows);
  return EncodeStrings(pool_, values_.as<const uint32_t>(), heap_.data(), nulls, num_rows);
}

bool ColumnStage::ShouldGiveUpDictionary(uint64_t num_rows) const {
  if (interner_ == nullptr || hint_ == plan::EncodingHint::kSorted) return false;
  const uint64_t num_distinct = interner_->size();
  if (num_distinct <= kAlwaysDictionarySize) return false;
  if (num_distinct > kMaxDictionarySize) return true;
  // How many rows will come is unknown, and the share of new values falls as they come: with a
  // quarter of a million distinct values seven of eight rows of the first chunk are new. So only a
  // column that hardly repeats at all is given up early.
  if (num_distinct > num_rows - num_rows / 16) return true;
  return num_rows > (1 << 20) && num_distinct > num_rows / 3;
}

Result<Segment> CodesToHeap(MemoryPool* pool, const Segment& segment, const StringRef* values) {
  size_t num_bytes = 0;
  for (uint32_t i = 0; i < segment.num_rows; ++i) {
    if (segment.nulls != nullptr && segment.nulls[i]) continue;
    num_bytes += values[segment.base + segment.StoredAt(i)].size;
  }
  if (num_bytes > UINT32_MAX) {
    return MakeError(ErrorCode::kOutOfMemory, "strings of one chunk exceed 4 GB");
  }
  ASSIGN_OR_RETURN(AlignedBuffer offsets,
                   AlignedBuffer::Allocate(pool, (size_t{segment.num_rows} + 1) * 4));
  ASSIGN_OR_RETURN(AlignedBuffer bytes, AlignedBuffer::Allocate(pool, num_bytes));
  uint32_t at = 0;
  for (uint32_t i = 0; i < segment.num_rows; ++i) {
    offsets.as<uint32_t>()[i] = at;
    if (segment.nulls != nullptr && segment.nulls[i]) continue;
    const StringRef& value = values[segment.base + segment.StoredAt(i)];
    std::memcpy(bytes.data() + at, value.data, value.size);
    at += value.size;
  }
  offsets.as<uint32_t>()[segment.num_rows] = at;
  return EncodeStrings(pool, offsets.as<const uint32_t>(), bytes.data(), segment.nulls,
                       segment.num_rows);
}

Result<Segment> RemapCodes(MemoryPool* pool, const Segment& segment, const uint32_t* remap) {
  ASSIGN_OR_RETURN(AlignedBuffer codes,
                   AlignedBuffer::Allocate(pool, size_t{segment.num_rows} * 4));
  auto* out = codes.as<uint32_t>();
  const bool all_null = segment.zone.num_nulls == segment.num_rows;
  for (uint32_t i = 0; i < segment.num_rows; ++i)
    out[i] = all_null ? 0 : remap[segment.base + segment.StoredAt(i)];
  return EncodeCodes(pool, out, segment.nulls, segment.num_rows);
}

}  // namespace sirocco::engine
