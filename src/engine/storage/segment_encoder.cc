#include "engine/storage/segment_encoder.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace sirocco::engine {

namespace {

bool AnyNull(const uint8_t* nulls, uint32_t num_rows) {
  return nulls != nullptr && std::memchr(nulls, 1, num_rows) != nullptr;
}

Result<void> CopyNulls(MemoryPool* pool, const uint8_t* nulls, uint32_t num_rows,
                       Segment* segment) {
  ASSIGN_OR_RETURN(segment->nulls_buffer, AlignedBuffer::Allocate(pool, num_rows));
  std::memcpy(segment->nulls_buffer.data(), nulls, num_rows);
  segment->nulls = segment->nulls_buffer.as<const uint8_t>();
  return {};
}

// Gives NULL rows the value of the first row that is not NULL (0 if all are), so that they disturb
// neither bounds nor factor.
template <typename T>
void FillNulls(T* values, const uint8_t* nulls, uint32_t num_rows, T replacement) {
  for (uint32_t i = 0; i < num_rows; ++i)
    if (nulls[i]) values[i] = replacement;
}
template <typename T>
T FirstNotNull(const T* values, const uint8_t* nulls, uint32_t num_rows) {
  for (uint32_t i = 0; i < num_rows; ++i)
    if (!nulls[i]) return values[i];
  return T{};
}

uint8_t WidthOf(uint64_t max_stored) {
  if (max_stored == 0) return 0;
  if (max_stored <= 0xFF) return 1;
  if (max_stored <= 0xFFFF) return 2;
  if (max_stored <= 0xFFFFFFFF) return 4;
  return 8;
}

// Divides by a constant that is known to divide, or tells that it does not: multiplication by the
// inverse of the odd part modulo 2^64 and a rotation give the exact quotient, and anything above
// limit() for numbers that are no multiples.
class ExactDivider {
 public:
  explicit ExactDivider(uint64_t divisor)
      : shift_(std::countr_zero(divisor)), limit_(~uint64_t{0} / divisor) {
    const uint64_t odd = divisor >> shift_;
    inverse_ = odd;  // correct to 3 bits; every step doubles them
    for (int i = 0; i < 5; ++i) inverse_ *= 2 - odd * inverse_;
  }
  uint64_t Divide(uint64_t n) const { return std::rotr(n * inverse_, shift_); }
  uint64_t limit() const { return limit_; }

 private:
  int shift_;
  uint64_t inverse_, limit_;
};

// A common factor of all values[i] - base that makes the stored numbers narrower, or 1.
template <typename T>
uint64_t NarrowingFactor(const T* values, uint32_t num_rows, uint64_t base, uint64_t range) {
  // Most columns show within a few rows that they have no factor.
  constexpr uint32_t kProbeRows = 64;
  const uint8_t width = WidthOf(range);
  uint64_t factor = 0;
  const uint32_t step = std::max<uint32_t>(1, num_rows / kProbeRows);
  for (uint32_t i = 0; i < num_rows; i += step) {
    factor = std::gcd(factor, static_cast<uint64_t>(values[i]) - base);
    if (factor == 1) return 1;
  }
  factor = std::gcd(factor, range);
  while (factor > 1 && WidthOf(range / factor) < width) {
    const ExactDivider divider(factor);
    const uint64_t limit = divider.limit();
    uint32_t i = 0;
    for (; i < num_rows; ++i)
      if (divider.Divide(static_cast<uint64_t>(values[i]) - base) > limit) break;
    if (i == num_rows) return factor;
    factor = std::gcd(factor, static_cast<uint64_t>(values[i]) - base);
  }
  return 1;
}

template <typename T, typename Stored>
void StoreNumbers(const T* values, uint32_t num_rows, uint64_t base, uint64_t factor, Stored* out) {
  if (factor == 1) {
    for (uint32_t i = 0; i < num_rows; ++i)
      out[i] = static_cast<Stored>(static_cast<uint64_t>(values[i]) - base);
  } else {
    const ExactDivider divider(factor);
    for (uint32_t i = 0; i < num_rows; ++i)
      out[i] = static_cast<Stored>(divider.Divide(static_cast<uint64_t>(values[i]) - base));
  }
}

template <typename Stored>
void FillZones(const Stored* stored, const uint8_t* nulls, Segment* segment) {
  for (uint32_t begin = 0; begin < segment->num_rows; begin += kVectorSize) {
    const uint32_t end = std::min(begin + kVectorSize, segment->num_rows);
    Zone zone;
    if (nulls == nullptr) {
      Stored min = stored[begin], max = stored[begin];
      for (uint32_t i = begin; i < end; ++i) {
        min = std::min(min, stored[i]);
        max = std::max(max, stored[i]);
      }
      zone.min = min;
      zone.max = max;
    } else {
      for (uint32_t i = begin; i < end; ++i) {
        zone.num_nulls += nulls[i];
        if (nulls[i]) continue;
        zone.min = std::min<uint64_t>(zone.min, stored[i]);
        zone.max = std::max<uint64_t>(zone.max, stored[i]);
      }
    }
    segment->vector_zones.push_back(zone);
  }
}

// Zones where the values themselves have no bounds: those of an encoding without order, or of one
// value only.
void FillFlatZones(const uint8_t* nulls, uint64_t min, uint64_t max, Segment* segment) {
  for (uint32_t begin = 0; begin < segment->num_rows; begin += kVectorSize) {
    const uint32_t end = std::min(begin + kVectorSize, segment->num_rows);
    Zone zone;
    if (nulls != nullptr)
      for (uint32_t i = begin; i < end; ++i) zone.num_nulls += nulls[i];
    if (zone.num_nulls < end - begin) {
      zone.min = min;
      zone.max = max;
    }
    segment->vector_zones.push_back(zone);
  }
}

void SumZones(Segment* segment) {
  segment->vector_zones.shrink_to_fit();
  for (const Zone& zone : segment->vector_zones) {
    segment->zone.min = std::min(segment->zone.min, zone.min);
    segment->zone.max = std::max(segment->zone.max, zone.max);
    segment->zone.num_nulls += zone.num_nulls;
  }
}

template <typename T, typename Stored>
Result<void> StoreInSegment(MemoryPool* pool, const T* values, Segment* segment) {
  ASSIGN_OR_RETURN(segment->values_buffer,
                   AlignedBuffer::Allocate(pool, size_t{segment->num_rows} * sizeof(Stored)));
  auto* stored = segment->values_buffer.template as<Stored>();
  StoreNumbers(values, segment->num_rows, segment->base, segment->factor, stored);
  if (segment->nulls != nullptr) FillNulls<Stored>(stored, segment->nulls, segment->num_rows, 0);
  segment->stored = segment->values_buffer.template as<const uint8_t>();
  FillZones(stored, segment->nulls, segment);
  return {};
}

// `T` is int64_t, uint64_t (own order) or uint32_t (codes).
template <typename T>
Result<Segment> EncodeFrameOfReference(MemoryPool* pool, T* values, const uint8_t* nulls,
                                       uint32_t num_rows, bool try_factor) {
  Segment segment;
  segment.num_rows = num_rows;
  segment.is_unsigned = std::is_unsigned_v<T>;
  segment.vector_zones.reserve((num_rows + kVectorSize - 1) / kVectorSize);
  if (num_rows == 0) return segment;
  if (AnyNull(nulls, num_rows)) {
    RETURN_IF_ERROR(CopyNulls(pool, nulls, num_rows, &segment));
    FillNulls(values, nulls, num_rows, FirstNotNull(values, nulls, num_rows));
  }
  T min = values[0], max = values[0];
  for (uint32_t i = 0; i < num_rows; ++i) {
    min = std::min(min, values[i]);
    max = std::max(max, values[i]);
  }
  segment.base = static_cast<uint64_t>(min);
  const uint64_t range = static_cast<uint64_t>(max) - static_cast<uint64_t>(min);
  if (try_factor && WidthOf(range) > 1)
    segment.factor = NarrowingFactor(values, num_rows, segment.base, range);
  segment.width = WidthOf(range / segment.factor);
  switch (segment.width) {
    case 0:
      FillFlatZones(segment.nulls, 0, 0, &segment);
      break;
    case 1:
      RETURN_IF_ERROR((StoreInSegment<T, uint8_t>(pool, values, &segment)));
      break;
    case 2:
      RETURN_IF_ERROR((StoreInSegment<T, uint16_t>(pool, values, &segment)));
      break;
    case 4:
      RETURN_IF_ERROR((StoreInSegment<T, uint32_t>(pool, values, &segment)));
      break;
    default:
      RETURN_IF_ERROR((StoreInSegment<T, uint64_t>(pool, values, &segment)));
      break;
  }
  SumZones(&segment);
  return segment;
}

}  // namespace

Result<Segment> EncodeIntegers(MemoryPool* pool, int64_t* values, const uint8_t* nulls,
                               uint32_t num_rows, bool is_unsigned) {
  if (is_unsigned)
    return EncodeFrameOfReference(pool, reinterpret_cast<uint64_t*>(values), nulls, num_rows, true);
  return EncodeFrameOfReference(pool, values, nulls, num_rows, true);
}

Result<Segment> EncodeCodes(MemoryPool* pool, uint32_t* codes, const uint8_t* nulls,
                            uint32_t num_rows) {
  return EncodeFrameOfReference(pool, codes, nulls, num_rows, false);
}

Result<Segment> EncodeInt128(MemoryPool* pool, int128* values, const uint8_t* nulls,
                             uint32_t num_rows) {
  const bool has_nulls = AnyNull(nulls, num_rows);
  if (has_nulls) FillNulls<int128>(values, nulls, num_rows, 0);
  bool narrow = true;
  for (uint32_t i = 0; i < num_rows; ++i)
    narrow &= values[i] == static_cast<int128>(static_cast<int64_t>(values[i]));
  if (narrow) {
    ASSIGN_OR_RETURN(AlignedBuffer narrowed, AlignedBuffer::Allocate(pool, size_t{num_rows} * 8));
    for (uint32_t i = 0; i < num_rows; ++i)
      narrowed.as<int64_t>()[i] = static_cast<int64_t>(values[i]);
    return EncodeIntegers(pool, narrowed.as<int64_t>(), nulls, num_rows, false);
  }
  Segment segment;
  segment.encoding = Encoding::kInt128;
  segment.num_rows = num_rows;
  if (has_nulls) RETURN_IF_ERROR(CopyNulls(pool, nulls, num_rows, &segment));
  ASSIGN_OR_RETURN(segment.values_buffer,
                   AlignedBuffer::Allocate(pool, size_t{num_rows} * sizeof(int128)));
  std::memcpy(segment.values_buffer.data(), values, size_t{num_rows} * sizeof(int128));
  segment.stored = segment.values_buffer.as<const uint8_t>();
  FillFlatZones(segment.nulls, 0, ~uint64_t{0}, &segment);
  SumZones(&segment);
  return segment;
}

Result<Segment> EncodeDoubles(MemoryPool* pool, double* values, const uint8_t* nulls,
                              uint32_t num_rows) {
  Segment segment;
  segment.encoding = Encoding::kDouble;
  segment.num_rows = num_rows;
  if (AnyNull(nulls, num_rows)) {
    RETURN_IF_ERROR(CopyNulls(pool, nulls, num_rows, &segment));
    FillNulls(values, nulls, num_rows, 0.0);
  }
  ASSIGN_OR_RETURN(segment.values_buffer,
                   AlignedBuffer::Allocate(pool, size_t{num_rows} * sizeof(double)));
  if (num_rows != 0)
    std::memcpy(segment.values_buffer.data(), values, size_t{num_rows} * sizeof(double));
  segment.stored = segment.values_buffer.as<const uint8_t>();
  for (uint32_t begin = 0; begin < num_rows; begin += kVectorSize) {
    Zone zone;
    for (uint32_t i = begin; i < std::min(begin + kVectorSize, num_rows); ++i) {
      if (segment.nulls != nullptr && segment.nulls[i]) {
        ++zone.num_nulls;
        continue;
      }
      const uint64_t bits = OrderedBits(values[i]);
      zone.min = std::min(zone.min, bits);
      zone.max = std::max(zone.max, bits);
    }
    segment.vector_zones.push_back(zone);
  }
  SumZones(&segment);
  return segment;
}

Result<Segment> EncodeStrings(MemoryPool* pool, const uint32_t* offsets, const char* bytes,
                              const uint8_t* nulls, uint32_t num_rows) {
  Segment segment;
  segment.encoding = Encoding::kHeap;
  segment.num_rows = num_rows;
  if (AnyNull(nulls, num_rows)) RETURN_IF_ERROR(CopyNulls(pool, nulls, num_rows, &segment));
  const size_t num_bytes = offsets[num_rows];
  ASSIGN_OR_RETURN(segment.offsets_buffer,
                   AlignedBuffer::Allocate(pool, (size_t{num_rows} + 1) * 4));
  std::memcpy(segment.offsets_buffer.data(), offsets, (size_t{num_rows} + 1) * 4);
  ASSIGN_OR_RETURN(segment.values_buffer, AlignedBuffer::Allocate(pool, num_bytes));
  if (num_bytes != 0) std::memcpy(segment.values_buffer.data(), bytes, num_bytes);
  segment.offsets = segment.offsets_buffer.as<const uint32_t>();
  segment.heap = segment.values_buffer.data();
  uint8_t all_bits = 0;
  for (size_t i = 0; i < num_bytes; ++i) all_bits |= static_cast<uint8_t>(segment.heap[i]);
  segment.all_ascii = all_bits < 0x80;
  FillFlatZones(segment.nulls, 0, ~uint64_t{0}, &segment);
  SumZones(&segment);
  return segment;
}

}  // namespace sirocco::engine
