#include "engine/exec/window_frame.h"

#include <algorithm>
#include <cmath>

#include "mysqlsem/decimal.h"

namespace sirocco::engine {

namespace {

using plan::FrameBound;
using plan::FrameUnit;
using plan::TypeKind;

int ScaleOf(const plan::Type& type) { return type.kind == TypeKind::kDecimal ? type.scale : 0; }

double RealOf(const plan::Value& value, const plan::Type& type) {
  if (type.IsReal()) return value.real;
  return static_cast<double>(value.integer) / std::pow(10.0, ScaleOf(type));
}

}  // namespace

Result<FrameBounds> FrameBounds::Make(const plan::WindowCall& call, const ColumnInfo* order,
                                      size_t order_column, bool descending, size_t start_column,
                                      size_t end_column) {
  FrameBounds bounds;
  bounds.unit_ = call.unit;
  bounds.start_ = call.start;
  bounds.end_ = call.end;
  for (const plan::ExprPtr& offset : {call.start_offset, call.end_offset}) {
    if (offset == nullptr) continue;
    if (call.unit == FrameUnit::kRange && IsKey(offset)) continue;
    if (offset->op != plan::ExprOp::kConstant || offset->constant.is_null ||
        plan::LaneOf(offset->type) == Lane::kStr)
      return NotSupported("a window frame with a variable bound is not supported");
  }
  if (call.unit == FrameUnit::kRows) {
    for (const plan::ExprPtr& offset : {call.start_offset, call.end_offset})
      if (offset != nullptr && !offset->type.IsInteger())
        return NotSupported("a window frame of a broken number of rows");
    if (call.start_offset != nullptr) bounds.start_offset_ = call.start_offset->constant.integer;
    if (call.end_offset != nullptr) bounds.end_offset_ = call.end_offset->constant.integer;
    return bounds;
  }
  if (!NeedsOrderValue(call)) return bounds;
  if (order == nullptr)
    return NotSupported("a RANGE frame with an offset needs one ORDER BY expression");
  bounds.has_offset_ = true;
  bounds.descending_ = descending;
  bounds.order_column_ = order_column;
  const plan::Type& type = order->type;
  bounds.start_is_key_ = IsKey(call.start_offset);
  bounds.end_is_key_ = IsKey(call.end_offset);
  bounds.start_column_ = start_column;
  bounds.end_column_ = end_column;
  if (bounds.start_is_key_ || bounds.end_is_key_) {
    for (const plan::ExprPtr& offset : {call.start_offset, call.end_offset})
      if (offset != nullptr && (!IsKey(offset) || offset->type.kind != type.kind))
        return NotSupported("a RANGE frame with offsets of different kinds is not supported");
    if (!type.IsTemporal()) return NotSupported("an interval added to a key that is no date");
    return bounds;
  }
  bool real = type.IsReal();
  int scale = ScaleOf(type);
  for (const plan::ExprPtr& offset : {call.start_offset, call.end_offset}) {
    if (offset == nullptr) continue;
    real |= offset->type.IsReal();
    scale = std::max(scale, ScaleOf(offset->type));
  }
  bounds.real_ = real;
  // The server computes key - offset of an unsigned key as unsigned, with errors of its own;
  // key + offset is within 64 bits for keys of narrower columns only.
  bounds.unsigned_ = type.kind == TypeKind::kUInt;
  if (bounds.unsigned_) {
    const FrameBound subtracted = descending ? FrameBound::kFollowing : FrameBound::kPreceding;
    if (call.start == subtracted || call.end == subtracted || !order->range.known ||
        order->range.max > int128{1} << 62)
      return NotSupported("a RANGE frame with an offset below unsigned keys is not supported");
  }
  if (type.kind != TypeKind::kInt && type.kind != TypeKind::kUInt &&
      type.kind != TypeKind::kDecimal && !type.IsReal())
    return NotSupported("a RANGE frame with an offset over " + plan::TypeName(type) +
                        " is not supported");
  if (real) {
    if (!type.IsReal())
      return NotSupported(
          "a RANGE frame with a floating-point offset over exact numbers is not supported");
    if (call.start_offset != nullptr)
      bounds.start_real_ = RealOf(call.start_offset->constant, call.start_offset->type);
    if (call.end_offset != nullptr)
      bounds.end_real_ = RealOf(call.end_offset->constant, call.end_offset->type);
    return bounds;
  }
  if (order->lane == Lane::kStr ||
      (type.kind == TypeKind::kDecimal && type.precision - type.scale + scale > 36))
    return NotSupported("a RANGE frame over so wide a decimal is not supported");
  bounds.key_factor_ = mysqlsem::PowerOfTen(scale - ScaleOf(type));
  const auto scaled = [&](const plan::ExprPtr& offset) -> int128 {
    return offset == nullptr
               ? 0
               : offset->constant.integer * mysqlsem::PowerOfTen(scale - ScaleOf(offset->type));
  };
  bounds.start_offset_ = scaled(call.start_offset);
  bounds.end_offset_ = scaled(call.end_offset);
  return bounds;
}

uint32_t FrameBounds::RowsBound(FrameBound bound, int128 offset, uint32_t row, uint32_t begin,
                                uint32_t end, bool is_end) const {
  int128 place = row;
  switch (bound) {
    case FrameBound::kUnboundedPreceding:
      return begin;
    case FrameBound::kUnboundedFollowing:
      return end;
    case FrameBound::kPreceding:
      place -= offset;
      break;
    case FrameBound::kFollowing:
      place += offset;
      break;
    case FrameBound::kCurrentRow:
      break;
  }
  return static_cast<uint32_t>(std::clamp<int128>(place + is_end, begin, end));
}

// `values`: the rows of the partition whose key is not NULL.
uint32_t FrameBounds::RangeBound(FrameBound bound, int128 offset, double real_offset, uint32_t row,
                                 const Peers& peers, uint32_t begin, uint32_t end,
                                 const Peers& values, const SortedColumn* keys,
                                 const SortedColumn* wanted_keys, bool is_end) const {
  switch (bound) {
    case FrameBound::kUnboundedPreceding:
      return begin;
    case FrameBound::kUnboundedFollowing:
      return end;
    case FrameBound::kCurrentRow:
      return is_end ? peers.end : peers.begin;
    default:
      break;
  }
  if (keys->is_null(row)) return is_end ? peers.end : peers.begin;
  const int toward_end = bound == FrameBound::kFollowing ? 1 : -1;
  // First row in window order whose key is not before (start) or is beyond (end) the wanted one.
  const auto find = [&](auto key, auto wanted) {
    uint32_t low = values.begin, high = values.end;
    while (low < high) {
      const uint32_t middle = low + (high - low) / 2;
      const auto value = key(middle);
      const bool before = descending_ ? (is_end ? value >= wanted : value > wanted)
                                      : (is_end ? value <= wanted : value < wanted);
      if (before)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  };
  if (wanted_keys != nullptr) {
    // A bound beyond the calendar is NULL, which the server takes for later than any key.
    if (wanted_keys->is_null(row)) return descending_ ? values.begin : values.end;
    return find([&](uint32_t i) { return keys->as<int64_t>()[i]; },
                wanted_keys->as<int64_t>()[row]);
  }
  const int sign = descending_ ? -toward_end : toward_end;
  if (real_) {
    const auto key = [&](uint32_t i) { return keys->as<double>()[i]; };
    return find(key, key(row) + sign * real_offset);
  }
  const auto key = [&](uint32_t i) { return keys->integer(i) * key_factor_; };
  return find(key, key(row) + sign * offset);
}

void FrameBounds::Compute(const WindowRows& rows, uint32_t begin, uint32_t end,
                          std::vector<FrameRows>* frames) const {
  frames->resize(end - begin);
  const SortedColumn* keys = has_offset_ ? &rows.arguments[order_column_] : nullptr;
  const SortedColumn* start_keys = start_is_key_ ? &rows.arguments[start_column_] : nullptr;
  const SortedColumn* end_keys = end_is_key_ ? &rows.arguments[end_column_] : nullptr;
  Peers values{begin, end};
  if (keys != nullptr) {
    while (values.begin < values.end && keys->is_null(values.begin)) ++values.begin;
    while (values.end > values.begin && keys->is_null(values.end - 1)) --values.end;
  }
  auto next_peer = std::upper_bound(rows.peers.begin(), rows.peers.end(), begin);
  Peers peers{begin, *next_peer};
  for (uint32_t row = begin; row < end; ++row) {
    if (row == peers.end) {
      ++next_peer;
      peers = {peers.end, *next_peer};
    }
    FrameRows& frame = (*frames)[row - begin];
    if (unit_ == FrameUnit::kRows) {
      frame.begin = RowsBound(start_, start_offset_, row, begin, end, false);
      frame.end = RowsBound(end_, end_offset_, row, begin, end, true);
    } else {
      frame.begin = RangeBound(start_, start_offset_, start_real_, row, peers, begin, end, values,
                               keys, start_keys, false);
      frame.end = RangeBound(end_, end_offset_, end_real_, row, peers, begin, end, values, keys,
                             end_keys, true);
    }
    frame.end = std::max(frame.begin, frame.end);
  }
}

}  // namespace sirocco::engine
