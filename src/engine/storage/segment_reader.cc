#include "engine/storage/segment_reader.h"

#include <algorithm>
#include <cstring>

#include "common/check.h"
#include "engine/simd/decode.h"

namespace sirocco::engine {

namespace {

template <typename T>
void GatherPlain(const T* values, const uint16_t* rows, uint32_t count, T* out) {
  for (uint32_t i = 0; i < count; ++i) out[i] = values[rows[i]];
}

int128 Widen(const Segment& segment, uint64_t stored) { return segment.ValueOf(stored); }

}  // namespace

void SegmentReader::Open(const Segment* segment) {
  segment_ = segment;
  count_ = 0;
  any_null_ = false;
  const bool all_null = segment->zone.num_nulls == segment->num_rows;
  constant_ = segment->encoding == Encoding::kInteger && segment->width == 0 &&
              (segment->nulls == nullptr || all_null);
  constant_null_ = constant_ && all_null;
  takes_mask_ = constant_ || (segment->nulls == nullptr &&
                              (segment->encoding == Encoding::kDouble ||
                               (segment->encoding == Encoding::kInteger && lane_ != Lane::kI128)));
}

Vector SegmentReader::Constant() {
  Vector out = buffer_.Flat();
  out.constant = true;
  out.dictionary = dictionary_;
  switch (lane_) {
    case Lane::kCode:
      out.code()[0] = static_cast<uint32_t>(segment_->base);
      break;
    case Lane::kI128:
      out.i128()[0] = Widen(*segment_, 0);
      break;
    default:
      out.u64()[0] = segment_->base;
      break;
  }
  if (constant_null_) {
    out.nulls = buffer_.Nulls();
    out.nulls[0] = 1;
  }
  return out;
}

Vector SegmentReader::Dense(uint32_t first_row, uint32_t count) {
  if (constant_) return Constant();
  const Segment& s = *segment_;
  Vector out = buffer_.Flat();
  out.dictionary = dictionary_;
  // Segments are immutable and vectors are never written to by their readers, so handing out the
  // segment's own memory is safe.
  auto show = [&](uint32_t width) {
    out.data = const_cast<uint8_t*>(s.stored) + size_t{first_row} * width;
  };
  const uint8_t* stored = s.stored + size_t{first_row} * s.width;
  switch (s.encoding) {
    case Encoding::kDouble:
      show(8);
      break;
    case Encoding::kInt128:
      show(16);
      break;
    case Encoding::kHeap: {
      StringRef* refs = out.str();
      const uint32_t* offsets = s.offsets + first_row;
      for (uint32_t i = 0; i < count; ++i)
        refs[i] = {s.heap + offsets[i], offsets[i + 1] - offsets[i], 0};
      break;
    }
    case Encoding::kInteger:
      if (lane_ == Lane::kCode) {
        if (s.width == 4 && s.base == 0) {
          show(4);
        } else if (s.width == 0) {
          std::fill(out.code(), out.code() + count, static_cast<uint32_t>(s.base));
        } else {
          simd::DecodeU32(stored, s.width, count, static_cast<uint32_t>(s.base), out.code());
        }
      } else if (lane_ == Lane::kI128) {
        for (uint32_t i = 0; i < count; ++i) out.i128()[i] = Widen(s, s.StoredAt(first_row + i));
      } else if (s.width == 8 && s.base == 0 && s.factor == 1) {
        show(8);
      } else if (s.width == 0) {
        std::fill(out.u64(), out.u64() + count, s.base);
      } else {
        simd::DecodeI64(stored, s.width, count, s.base, s.factor, out.u64());
      }
      break;
  }
  if (s.nulls != nullptr && s.vector_zones[first_row / kVectorSize].num_nulls != 0)
    out.nulls = const_cast<uint8_t*>(s.nulls) + first_row;
  return out;
}

void SegmentReader::AppendValues(uint32_t first_row, const uint16_t* rows, uint32_t count) {
  const Segment& s = *segment_;
  const Vector out = buffer_.Flat();
  switch (s.encoding) {
    case Encoding::kDouble:
      GatherPlain(reinterpret_cast<const double*>(s.stored) + first_row, rows, count,
                  out.f64() + count_);
      break;
    case Encoding::kInt128:
      GatherPlain(reinterpret_cast<const int128*>(s.stored) + first_row, rows, count,
                  out.i128() + count_);
      break;
    case Encoding::kHeap: {
      StringRef* refs = out.str() + count_;
      const uint32_t* offsets = s.offsets + first_row;
      for (uint32_t i = 0; i < count; ++i) {
        const uint32_t begin = offsets[rows[i]];
        refs[i] = {s.heap + begin, offsets[rows[i] + 1] - begin, 0};
      }
      break;
    }
    case Encoding::kInteger: {
      const uint8_t* stored = s.stored + size_t{first_row} * s.width;
      if (lane_ == Lane::kCode) {
        uint32_t* codes = out.code() + count_;
        if (s.width == 0) {
          std::fill(codes, codes + count, static_cast<uint32_t>(s.base));
        } else {
          simd::GatherU32(stored, s.width, rows, count, static_cast<uint32_t>(s.base), codes);
        }
      } else if (lane_ == Lane::kI128) {
        for (uint32_t i = 0; i < count; ++i)
          out.i128()[count_ + i] = Widen(s, s.StoredAt(first_row + rows[i]));
      } else if (s.width == 0) {
        std::fill(out.u64() + count_, out.u64() + count_ + count, s.base);
      } else {
        simd::GatherI64(stored, s.width, rows, count, s.base, s.factor, out.u64() + count_);
      }
      break;
    }
  }
}

void SegmentReader::Append(uint32_t first_row, const uint16_t* rows, uint32_t count) {
  DCHECK(count_ + count <= kVectorSize);
  if (!constant_) {
    AppendValues(first_row, rows, count);
    if (segment_->nulls != nullptr) {
      uint8_t* nulls = buffer_.Nulls() + count_;
      if (segment_->vector_zones[first_row / kVectorSize].num_nulls == 0) {
        std::memset(nulls, 0, count);
      } else {
        any_null_ = true;
        GatherPlain(segment_->nulls + first_row, rows, count, nulls);
      }
    }
  }
  count_ += count;
}

void SegmentReader::AppendMask(uint32_t first_row, const uint64_t* mask, uint32_t count,
                               uint32_t alive) {
  DCHECK(takes_mask_ && count_ + alive <= kVectorSize);
  if (!constant_) {
    const Segment& s = *segment_;
    const Vector out = buffer_.Flat();
    if (s.encoding == Encoding::kDouble) {
      simd::CompressI64(s.stored + size_t{first_row} * 8, 8, mask, count, 0, 1,
                        reinterpret_cast<uint64_t*>(out.f64()) + count_);
    } else if (lane_ == Lane::kCode) {
      simd::CompressU32(s.stored + size_t{first_row} * s.width, s.width, mask, count,
                        static_cast<uint32_t>(s.base), out.code() + count_);
    } else {
      simd::CompressI64(s.stored + size_t{first_row} * s.width, s.width, mask, count, s.base,
                        s.factor, out.u64() + count_);
    }
  }
  count_ += alive;
}

Vector SegmentReader::Take() {
  const bool any_null = any_null_;
  count_ = 0;
  any_null_ = false;
  if (constant_) return Constant();
  Vector out = buffer_.Flat();
  out.dictionary = dictionary_;
  if (any_null) out.nulls = buffer_.Nulls();
  return out;
}

void ReadRow(const Segment& segment, uint32_t row, const Vector& out, uint32_t at) {
  out.nulls[at] = segment.nulls != nullptr && segment.nulls[row];
  switch (segment.encoding) {
    case Encoding::kDouble:
      out.f64()[at] = reinterpret_cast<const double*>(segment.stored)[row];
      break;
    case Encoding::kInt128:
      out.i128()[at] = reinterpret_cast<const int128*>(segment.stored)[row];
      break;
    case Encoding::kHeap: {
      const std::string_view value = segment.StringAt(row);
      out.str()[at] = {value.data(), static_cast<uint32_t>(value.size()), 0};
      break;
    }
    case Encoding::kInteger: {
      const uint64_t bits = segment.base + segment.factor * segment.StoredAt(row);
      if (out.lane == Lane::kCode) {
        out.code()[at] = static_cast<uint32_t>(bits);
      } else if (out.lane == Lane::kI128) {
        out.i128()[at] = Widen(segment, segment.StoredAt(row));
      } else {
        out.u64()[at] = bits;
      }
      break;
    }
  }
}

}  // namespace sirocco::engine
