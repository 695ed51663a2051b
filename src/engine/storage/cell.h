// One value of one row, wherever it lies: in a batch that came over the wire, in a segment, or
// among recent rows. For changes, which go row by row; queries use vectors.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

#include "engine/storage/segment.h"
#include "engine/storage/string_interner.h"
#include "engine/storage/table_builder.h"

namespace sirocco::engine {

// In the lane of the column's type (never kCode): kI64 and kF64 in `bits`, kI128 in `wide`, kStr in
// `bytes`. `code` is the string's code in the column's dictionary where that is known.
struct Cell {
  static constexpr uint32_t kNoCode = ~uint32_t{0};
  bool is_null = false;
  uint32_t code = kNoCode;
  uint64_t bits = 0;
  int128 wide = 0;
  std::string_view bytes;
};

inline Cell CellOf(const LoadColumn& column, uint32_t row) {
  Cell cell;
  if (column.nulls != nullptr && column.nulls[row]) {
    cell.is_null = true;
    return cell;
  }
  switch (column.lane) {
    case Lane::kI128:
      std::memcpy(&cell.wide, static_cast<const char*>(column.values) + size_t{row} * 16, 16);
      break;
    case Lane::kStr:
      cell.bytes = {column.bytes + column.offsets[row],
                    column.offsets[row + 1] - column.offsets[row]};
      break;
    default:
      std::memcpy(&cell.bits, static_cast<const char*>(column.values) + size_t{row} * 8, 8);
      break;
  }
  return cell;
}

// `lane` is the column type's; strings behind codes are left to the caller (`code` is set).
inline Cell CellOf(const Segment& segment, Lane lane, uint32_t row) {
  Cell cell;
  if (segment.nulls != nullptr && segment.nulls[row]) {
    cell.is_null = true;
    return cell;
  }
  switch (segment.encoding) {
    case Encoding::kDouble:
      cell.bits = std::bit_cast<uint64_t>(reinterpret_cast<const double*>(segment.stored)[row]);
      break;
    case Encoding::kInt128:
      cell.wide = reinterpret_cast<const int128*>(segment.stored)[row];
      break;
    case Encoding::kHeap:
      cell.bytes = segment.StringAt(row);
      break;
    case Encoding::kInteger:
      cell.bits = segment.base + segment.factor * segment.StoredAt(row);
      if (lane == Lane::kI128) cell.wide = static_cast<int64_t>(cell.bits);
      if (lane == Lane::kStr) cell.code = static_cast<uint32_t>(cell.bits);
      break;
  }
  return cell;
}

// Equal byte for byte (NULLs are equal).
inline bool SameCell(Lane lane, const Cell& a, const Cell& b) {
  if (a.is_null || b.is_null) return a.is_null == b.is_null;
  switch (lane) {
    case Lane::kI128:
      return a.wide == b.wide;
    case Lane::kStr:
      return a.bytes == b.bytes;
    default:
      return a.bits == b.bits;
  }
}

inline uint64_t HashCell(Lane lane, const Cell& cell) {
  if (cell.is_null) return 0x9AE16A3B2F90404Full;
  switch (lane) {
    case Lane::kI128:
      return static_cast<uint64_t>(cell.wide) ^
             std::rotl(static_cast<uint64_t>(cell.wide >> 64), 29);
    case Lane::kStr:
      return HashBytes(cell.bytes);
    default:
      return cell.bits;
  }
}

// The hash of a key: begins with the seed, combines the columns' hashes, and is folded for the
// index.
inline constexpr uint64_t kHashSeed = 0x165667B19E3779F9ull;
inline uint32_t FoldHash(uint64_t hash) { return static_cast<uint32_t>(hash ^ hash >> 32); }
// Adds the hash of one more column of a key. Both halves of a 128-bit product, folded, so that all
// bits of the value reach all bits of the hash.
inline uint64_t CombineHash(uint64_t hash, uint64_t cell_hash) {
  const auto product = static_cast<unsigned __int128>(hash ^ cell_hash ^ 0x2545F4914F6CDD1Dull) *
                       0x9E3779B97F4A7C15ull;
  const uint64_t folded = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  return std::rotl(folded * 0xD6E8FEB86659FD93ull, 32) ^ folded;
}

}  // namespace sirocco::engine
