#include "engine/storage/column_statistics.h"

#include <algorithm>
#include <bit>

#include "engine/memory/aligned_buffer.h"
#include "engine/storage/distinct_counter.h"
#include "engine/storage/string_interner.h"

namespace sirocco::engine {

namespace {

// Integers are counted exactly with a bitmap if their range is at most this many times the rows
// (one byte a row) and at most 32 MB.
constexpr uint64_t kBitmapBitsPerRow = 8;
constexpr uint64_t kMaxBitmapBits = uint64_t{1} << 28;

double DoubleOf(uint64_t ordered_bits) {
  const uint64_t sign = uint64_t{1} << 63;
  return std::bit_cast<double>(ordered_bits & sign ? ordered_bits & ~sign : ~ordered_bits);
}

// Calls visit(row) for the rows that are not NULL.
template <typename F>
void ForEachRow(const Segment& segment, const F& visit) {
  if (segment.nulls == nullptr) {
    for (uint32_t row = 0; row < segment.num_rows; ++row) visit(row);
  } else {
    for (uint32_t row = 0; row < segment.num_rows; ++row)
      if (!segment.nulls[row]) visit(row);
  }
}

// Calls visit(value bits) for the values of a kInteger segment that are not NULL, or once if all
// are equal.
template <typename F>
void ForEachInteger(const Segment& segment, const F& visit) {
  auto each = [&](const auto* stored) {
    ForEachRow(segment, [&](uint32_t row) { visit(segment.base + segment.factor * stored[row]); });
  };
  switch (segment.width) {
    case 0:
      if (segment.zone.num_nulls < segment.num_rows) visit(segment.base);
      break;
    case 1:
      each(segment.stored);
      break;
    case 2:
      each(reinterpret_cast<const uint16_t*>(segment.stored));
      break;
    case 4:
      each(reinterpret_cast<const uint32_t*>(segment.stored));
      break;
    default:
      each(reinterpret_cast<const uint64_t*>(segment.stored));
      break;
  }
}

// Minimum and maximum of all segments of a kI64 or kI128 column.
struct IntegerBounds {
  bool any = false;
  int128 min = 0, max = 0;

  void Add(int128 low, int128 high) {
    min = any ? std::min(min, low) : low;
    max = any ? std::max(max, high) : high;
    any = true;
  }
  void Add(const Segment& segment) {
    if (segment.zone.num_nulls == segment.num_rows) return;
    if (segment.encoding == Encoding::kInteger) {
      Add(segment.ValueOf(segment.zone.min), segment.ValueOf(segment.zone.max));
    } else {
      const auto* values = reinterpret_cast<const int128*>(segment.stored);
      ForEachRow(segment, [&](uint32_t row) { Add(values[row], values[row]); });
    }
  }
};

// The exact number of distinct integers by a bitmap over their range; negative if the range is too
// wide or memory too short.
double CountDenseIntegers(const std::vector<const Segment*>& segments, const IntegerBounds& bounds,
                          uint64_t num_rows, MemoryPool* pool) {
  if (!bounds.any) return 0;
  const auto range = static_cast<unsigned __int128>(bounds.max - bounds.min);
  const uint64_t max_bits =
      std::min(kMaxBitmapBits, std::max<uint64_t>(65536, num_rows * kBitmapBitsPerRow));
  if (range >= max_bits) return -1;
  const uint64_t num_words = static_cast<uint64_t>(range) / 64 + 1;
  auto bitmap = AlignedBuffer::Allocate(pool, num_words * 8);
  if (!bitmap) return -1;
  auto* words = bitmap->as<uint64_t>();
  std::fill(words, words + num_words, 0);
  for (const Segment* segment : segments) {
    if (segment->encoding != Encoding::kInteger) return -1;
    const auto min = static_cast<uint64_t>(bounds.min);
    ForEachInteger(*segment, [&](uint64_t bits) {
      words[(bits - min) >> 6] |= uint64_t{1} << ((bits - min) & 63);
    });
  }
  uint64_t count = 0;
  for (uint64_t i = 0; i < num_words; ++i) count += std::popcount(words[i]);
  return static_cast<double>(count);
}

double EstimateDistinct(const std::vector<const Segment*>& segments) {
  DistinctCounter counter;
  for (const Segment* segment : segments) {
    switch (segment->encoding) {
      case Encoding::kInteger:
        ForEachInteger(*segment, [&](uint64_t bits) { counter.AddInteger(bits); });
        break;
      case Encoding::kDouble:
        ForEachRow(*segment, [&](uint32_t row) {
          const double value = reinterpret_cast<const double*>(segment->stored)[row];
          counter.AddInteger(std::bit_cast<uint64_t>(value == 0 ? 0.0 : value));
        });
        break;
      case Encoding::kInt128:
        ForEachRow(*segment, [&](uint32_t row) {
          const int128 value = reinterpret_cast<const int128*>(segment->stored)[row];
          // Narrow values hash as in kInteger segments; wide ones mix the upper half in.
          const auto low = static_cast<uint64_t>(value);
          const bool narrow = value == static_cast<int128>(static_cast<int64_t>(low));
          counter.AddInteger(
              narrow ? low : low ^ static_cast<uint64_t>(value >> 64) * 0xC2B2AE3D27D4EB4Full);
        });
        break;
      case Encoding::kHeap:
        ForEachRow(*segment,
                   [&](uint32_t row) { counter.AddHash(HashBytes(segment->StringAt(row))); });
        break;
    }
  }
  return counter.Estimate();
}

std::string EncodingName(const std::vector<const Segment*>& segments,
                         const Dictionary* dictionary) {
  if (dictionary != nullptr) return "DICT";
  uint8_t width = 0;
  for (const Segment* segment : segments) {
    switch (segment->encoding) {
      case Encoding::kInteger:
        width = std::max(width, segment->width);
        break;
      case Encoding::kDouble:
        return "DOUBLE";
      case Encoding::kInt128:
        return "INT128";
      case Encoding::kHeap:
        return "VARLEN";
    }
  }
  return width == 0 ? "CONST" : "FOR" + std::to_string(width * 8);
}

}  // namespace

ColumnFacts MeasureColumn(const plan::ColumnSchema& schema, uint32_t column,
                          const std::vector<std::shared_ptr<const Chunk>>& chunks,
                          const Dictionary* dictionary, MemoryPool* pool) {
  ColumnFacts facts;
  plan::ColumnStatistics& statistics = facts.statistics;
  std::vector<const Segment*> segments;
  uint64_t num_rows = 0;
  bool wide = false;
  for (const auto& chunk : chunks) {
    const Segment& segment = chunk->segment(column);
    segments.push_back(&segment);
    num_rows += segment.num_rows;
    wide |= segment.encoding == Encoding::kInt128;
    statistics.num_nulls += segment.zone.num_nulls;
    statistics.size_bytes += segment.size_bytes();
  }
  statistics.encoding = EncodingName(segments, dictionary);
  facts.lane = plan::LaneOf(schema.type);
  if (dictionary != nullptr) {
    facts.lane = Lane::kCode;
    statistics.dictionary_bytes = dictionary->size_bytes();
    statistics.size_bytes += dictionary->size_bytes();
    statistics.num_distinct = dictionary->size();
    if (const uint32_t* classes = dictionary->classes()) {
      statistics.num_distinct = 0;
      for (uint32_t code = 0; code < dictionary->size(); ++code)
        statistics.num_distinct += classes[code] == code;
    }
    if (dictionary->size() != 0) {
      statistics.min = plan::Value::Bytes(std::string(dictionary->value(0)));
      statistics.max = plan::Value::Bytes(std::string(dictionary->value(dictionary->size() - 1)));
    }
    return facts;
  }
  if (facts.lane == Lane::kI128 && !wide) facts.lane = Lane::kI64;
  if (facts.lane == Lane::kI64 || facts.lane == Lane::kI128) {
    IntegerBounds bounds;
    for (const Segment* segment : segments) bounds.Add(*segment);
    if (bounds.any) {
      statistics.min = plan::Value::Int(bounds.min);
      statistics.max = plan::Value::Int(bounds.max);
    }
    statistics.num_distinct = CountDenseIntegers(segments, bounds, num_rows, pool);
    if (statistics.num_distinct >= 0) return facts;
  } else if (facts.lane == Lane::kF64) {
    Zone zone;
    for (const Segment* segment : segments) {
      zone.min = std::min(zone.min, segment->zone.min);
      zone.max = std::max(zone.max, segment->zone.max);
    }
    if (zone.min <= zone.max) {
      statistics.min = plan::Value::Real(DoubleOf(zone.min));
      statistics.max = plan::Value::Real(DoubleOf(zone.max));
    }
  }
  statistics.num_distinct =
      std::min(EstimateDistinct(segments), static_cast<double>(num_rows - statistics.num_nulls));
  return facts;
}

}  // namespace sirocco::engine
