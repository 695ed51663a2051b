// One column of a chunk in one encoding. Immutable once built.
//
// kInteger  every kI64 lane, dictionary codes, and kI128 values that fit 64 bits:
//             value = base + factor * stored          (64-bit arithmetic modulo 2^64)
//           `stored` is an unsigned number of `width` bytes; width 0: all rows have the value
//           `base`. `base` is the smallest value in the column's own order (unsigned columns: as
//           uint64_t), so the order of stored numbers is the order of values. Dictionary codes
//           always have factor 1.
// kDouble   double[num_rows].
// kInt128   int128[num_rows].
// kHeap     offsets[num_rows + 1] into `heap`.
//
// NULL rows: nulls[row] = 1; `nulls` is null if the segment has none. A NULL row stores 0
// (kInteger), 0.0 or 0, or an empty string. Every array is 64-byte aligned and readable 64 bytes
// past its end.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "engine/memory/aligned_buffer.h"
#include "engine/vector/vector.h"

namespace sirocco::engine {

enum class Encoding : uint8_t { kInteger = 0, kDouble, kInt128, kHeap };

// Bounds of the non-null values of some rows: stored numbers for kInteger, OrderedBits for kDouble;
// other encodings have [0, 2^64). min > max: all rows are NULL.
struct Zone {
  uint64_t min = ~uint64_t{0}, max = 0;
  uint32_t num_nulls = 0;
};

// Unsigned numbers in the order of the doubles (-0.0 just below 0.0).
inline uint64_t OrderedBits(double value) {
  const uint64_t bits = std::bit_cast<uint64_t>(value);
  return bits >> 63 ? ~bits : bits | (uint64_t{1} << 63);
}

struct Segment {
  Encoding encoding = Encoding::kInteger;
  uint8_t width = 0;         // kInteger: 0, 1, 2, 4, 8
  bool is_unsigned = false;  // kInteger: values are uint64_t
  bool all_ascii = false;    // kHeap: no byte above 0x7F
  uint32_t num_rows = 0;
  uint64_t base = 0, factor = 1;
  const uint8_t* stored = nullptr;    // kInteger with width > 0, kDouble, kInt128
  const uint32_t* offsets = nullptr;  // kHeap
  const char* heap = nullptr;         // kHeap
  const uint8_t* nulls = nullptr;
  Zone zone;                       // of the whole segment
  std::vector<Zone> vector_zones;  // of rows [i * kVectorSize, (i + 1) * kVectorSize)

  AlignedBuffer values_buffer, offsets_buffer, nulls_buffer;  // own what the pointers above show

  // The value of a stored number in the column's own domain.
  int128 ValueOf(uint64_t stored_number) const {
    const uint64_t bits = base + factor * stored_number;
    return is_unsigned ? static_cast<int128>(bits)
                       : static_cast<int128>(static_cast<int64_t>(bits));
  }
  // The stored number of one row (kInteger).
  uint64_t StoredAt(uint32_t row) const {
    switch (width) {
      case 1:
        return stored[row];
      case 2:
        return reinterpret_cast<const uint16_t*>(stored)[row];
      case 4:
        return reinterpret_cast<const uint32_t*>(stored)[row];
      case 8:
        return reinterpret_cast<const uint64_t*>(stored)[row];
      default:
        return 0;
    }
  }
  std::string_view StringAt(uint32_t row) const {
    return {heap + offsets[row], offsets[row + 1] - offsets[row]};
  }
  size_t size_bytes() const {
    return values_buffer.charged_bytes() + offsets_buffer.charged_bytes() +
           nulls_buffer.charged_bytes();
  }
};

}  // namespace sirocco::engine
