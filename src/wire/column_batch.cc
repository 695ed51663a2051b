#include "wire/column_batch.h"

#include <cstring>

#include "common/check.h"

namespace sirocco::wire {

namespace {

struct Header {
  uint32_t num_rows;
  uint32_t num_columns;
  uint64_t reserved;
};

struct Descriptor {
  uint64_t nulls_at;    // 0: none
  uint64_t values_at;   // values, or offsets for kStr
  uint64_t bytes_at;    // kStr
  uint32_t bytes_size;  // kStr
  uint8_t lane;
  uint8_t padding[3];
};
static_assert(sizeof(Header) == 16 && sizeof(Descriptor) == 32);

constexpr uint64_t Align(uint64_t at) { return (at + 15) & ~uint64_t{15}; }

uint64_t ValueBytes(plan::Lane lane, uint64_t num_rows) {
  switch (lane) {
    case plan::Lane::kI64:
    case plan::Lane::kF64:
      return num_rows * 8;
    case plan::Lane::kI128:
      return num_rows * 16;
    case plan::Lane::kStr:
      return (num_rows + 1) * 4;
    case plan::Lane::kCode:
      break;
  }
  return 0;
}

}  // namespace

void ColumnBuffer::PushNull(uint32_t row) {
  if (nulls.empty()) nulls.assign(row, 0);
  nulls.push_back(1);
  switch (lane) {
    case plan::Lane::kI64:
      i64.push_back(0);
      break;
    case plan::Lane::kI128:
      i128.push_back(0);
      break;
    case plan::Lane::kF64:
      f64.push_back(0);
      break;
    default:
      offsets.push_back(static_cast<uint32_t>(bytes.size()));
      break;
  }
}

ColumnBatchBuilder::ColumnBatchBuilder(std::span<const plan::Lane> lanes) : columns_(lanes.size()) {
  for (size_t i = 0; i < lanes.size(); ++i) columns_[i].lane = lanes[i];
  Clear();
}

size_t ColumnBatchBuilder::size_bytes() const {
  size_t size = 0;
  for (const ColumnBuffer& column : columns_)
    size += ValueBytes(column.lane, num_rows) + column.bytes.size() + column.nulls.size();
  return size;
}

void ColumnBatchBuilder::Clear() {
  num_rows = 0;
  for (ColumnBuffer& column : columns_) {
    column.i64.clear();
    column.i128.clear();
    column.f64.clear();
    column.offsets.clear();
    column.bytes.clear();
    column.nulls.clear();
    if (column.lane == plan::Lane::kStr) column.offsets.push_back(0);
  }
}

std::string ColumnBatchBuilder::Encode() const {
  std::vector<ColumnSource> sources(columns_.size());
  for (size_t i = 0; i < columns_.size(); ++i) {
    const ColumnBuffer& column = columns_[i];
    CHECK(column.nulls.empty() || column.nulls.size() == num_rows);
    sources[i].lane = column.lane;
    sources[i].nulls = column.nulls.empty() ? nullptr : column.nulls.data();
    switch (column.lane) {
      case plan::Lane::kI64:
        CHECK(column.i64.size() == num_rows);
        sources[i].values = column.i64.data();
        break;
      case plan::Lane::kI128:
        CHECK(column.i128.size() == num_rows);
        sources[i].values = column.i128.data();
        break;
      case plan::Lane::kF64:
        CHECK(column.f64.size() == num_rows);
        sources[i].values = column.f64.data();
        break;
      default:
        CHECK(column.offsets.size() == size_t{num_rows} + 1);
        sources[i].offsets = column.offsets.data();
        sources[i].bytes = column.bytes.data();
        break;
    }
  }
  return EncodeColumnBatch(num_rows, sources);
}

std::string EncodeColumnBatch(uint32_t num_rows, std::span<const ColumnSource> columns) {
  std::vector<Descriptor> descriptors(columns.size());
  uint64_t at = sizeof(Header) + columns.size() * sizeof(Descriptor);
  for (size_t i = 0; i < columns.size(); ++i) {
    const ColumnSource& column = columns[i];
    Descriptor& d = descriptors[i];
    d = {};
    d.lane = static_cast<uint8_t>(column.lane);
    if (column.nulls != nullptr) {
      d.nulls_at = at = Align(at);
      at += num_rows;
    }
    d.values_at = at = Align(at);
    at += ValueBytes(column.lane, num_rows);
    if (column.lane == plan::Lane::kStr) {
      d.bytes_at = at = Align(at);
      d.bytes_size = column.offsets[num_rows];
      at += d.bytes_size;
    }
  }
  std::string payload;
  payload.resize_and_overwrite(at, [&](char* out, size_t size) {
    const Header header{num_rows, static_cast<uint32_t>(columns.size()), 0};
    std::memcpy(out, &header, sizeof(header));
    if (!columns.empty())
      std::memcpy(out + sizeof(header), descriptors.data(), columns.size() * sizeof(Descriptor));
    uint64_t end = sizeof(Header) + columns.size() * sizeof(Descriptor);
    const auto put = [&](uint64_t start, const void* from, uint64_t bytes) {
      std::memset(out + end, 0, start - end);  // alignment gap: no stale memory leaves the process
      if (bytes != 0) std::memcpy(out + start, from, bytes);
      end = start + bytes;
    };
    for (size_t i = 0; i < columns.size(); ++i) {
      const ColumnSource& column = columns[i];
      const Descriptor& d = descriptors[i];
      if (column.nulls != nullptr) put(d.nulls_at, column.nulls, num_rows);
      const bool is_string = column.lane == plan::Lane::kStr;
      put(d.values_at, is_string ? static_cast<const void*>(column.offsets) : column.values,
          ValueBytes(column.lane, num_rows));
      if (is_string) put(d.bytes_at, column.bytes, d.bytes_size);
    }
    return size;
  });
  return payload;
}

Result<ColumnBatchView> ColumnBatchView::Parse(std::string_view payload) {
  const auto invalid = [](const char* what) {
    return MakeError(ErrorCode::kInvalidArgument, std::string("malformed column batch: ") + what);
  };
  if (reinterpret_cast<uintptr_t>(payload.data()) % 16 != 0) return invalid("not aligned");
  if (payload.size() < sizeof(Header)) return invalid("no header");
  Header header;
  std::memcpy(&header, payload.data(), sizeof(header));
  const uint64_t body = sizeof(Header) + uint64_t{header.num_columns} * sizeof(Descriptor);
  if (body > payload.size()) return invalid("columns do not fit");

  const auto fits = [&](uint64_t at, uint64_t bytes) {
    return at >= body && at % 16 == 0 && at <= payload.size() && bytes <= payload.size() - at;
  };
  ColumnBatchView view;
  view.num_rows_ = header.num_rows;
  view.columns_.resize(header.num_columns);
  for (uint32_t i = 0; i < header.num_columns; ++i) {
    Descriptor d;
    std::memcpy(&d, payload.data() + sizeof(Header) + i * sizeof(Descriptor), sizeof(d));
    Column& column = view.columns_[i];
    if (d.lane > static_cast<uint8_t>(plan::Lane::kStr)) return invalid("unknown lane");
    column.lane = static_cast<plan::Lane>(d.lane);
    if (d.nulls_at != 0) {
      if (!fits(d.nulls_at, header.num_rows)) return invalid("nulls do not fit");
      column.nulls = reinterpret_cast<const uint8_t*>(payload.data() + d.nulls_at);
    }
    if (!fits(d.values_at, ValueBytes(column.lane, header.num_rows)))
      return invalid("values do not fit");
    const char* values = payload.data() + d.values_at;
    if (column.lane != plan::Lane::kStr) {
      column.values = values;
      continue;
    }
    if (!fits(d.bytes_at, d.bytes_size)) return invalid("string bytes do not fit");
    column.offsets = reinterpret_cast<const uint32_t*>(values);
    column.bytes = payload.data() + d.bytes_at;
    if (column.offsets[0] != 0) return invalid("offsets do not start at 0");
    uint32_t bad = 0;
    for (uint32_t row = 0; row < header.num_rows; ++row)
      bad |= static_cast<uint32_t>(column.offsets[row] > column.offsets[row + 1]);
    if (bad != 0 || column.offsets[header.num_rows] != d.bytes_size)
      return invalid("offsets are not ascending");
  }
  return view;
}

}  // namespace sirocco::wire
