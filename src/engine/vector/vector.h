// Vectors and batches: what operators exchange.
//
// A batch holds up to kVectorSize rows of several columns and is always dense: operators that drop rows (scan, filter,
// join) copy the survivors together, so every kernel is a plain loop over [0, count). A vector is one column of a batch:
// flat values in one lane, or one constant for all rows, or codes of a dictionary (lane kCode) whose meaning is in
// `dictionary`. NULLs are one byte per row (1 = NULL), or `nulls == nullptr` if there are none; a NULL row's value is
// unspecified but readable (for kStr and kCode: valid, so that kernels need not look).
//
// Ownership: a Vector is a view. Its memory belongs to whoever produced the batch and stays valid until that producer's
// next call; a consumer that keeps values longer copies them (strings included).
// Buffers are 64-byte aligned and readable 64 bytes past the end.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "plan/expr.h"
#include "plan/type.h"
#include "plan/value.h"

namespace sirocco::engine {

using plan::ColumnId;
using plan::int128;
using plan::Lane;

class Dictionary;

// 2,048 rows: columns of 8 bytes take 16 KB, so a dozen columns of a pipeline stay in L2 (1-2 MB).
inline constexpr uint32_t kVectorSize = 2048;

struct StringRef {
  const char* data = nullptr;
  uint32_t size = 0;
  uint32_t padding = 0;

  std::string_view view() const { return {data, size}; }
};
static_assert(sizeof(StringRef) == 16);

struct Vector {
  Lane lane = Lane::kI64;
  bool constant = false;                      // value 0 (and nulls[0]) stand for every row
  void* data = nullptr;
  uint8_t* nulls = nullptr;
  const Dictionary* dictionary = nullptr;     // lane kCode

  int64_t* i64() const { return static_cast<int64_t*>(data); }
  uint64_t* u64() const { return static_cast<uint64_t*>(data); }
  int128* i128() const { return static_cast<int128*>(data); }
  double* f64() const { return static_cast<double*>(data); }
  StringRef* str() const { return static_cast<StringRef*>(data); }
  uint32_t* code() const { return static_cast<uint32_t*>(data); }
};

// Bytes of one value in a lane: 8, 16, 8, 16, 4.
uint32_t LaneWidth(Lane lane);

// Inclusive bounds of a column's non-null values on lanes kI64 and kI128; unknown if not `known`.
struct ValueRange {
  bool known = false;
  int128 min = 0, max = 0;
};

// What is known at compile time about one column of the batches between two operators.
// A decimal of precision above 18 whose range is known to fit may travel in lane kI64: `lane` says which, not the type.
struct ColumnInfo {
  ColumnId id = 0;
  plan::Type type;
  Lane lane = Lane::kI64;
  const Dictionary* dictionary = nullptr;   // lane kCode: all vectors of the column use this one
  ValueRange range;                         // holds for every value that can appear
  bool nullable = true;
  double num_distinct = -1;                 // upper estimate; negative: unknown
  // Decimals: the fewest digits after the point that MySQL's value has in some row (branches of a conditional differ); how far it
  // divides a value depends on that. kTypeScale: as the type says.
  static constexpr uint8_t kTypeScale = 255;
  uint8_t min_scale = kTypeScale;
};

// The columns of a batch, in order. vectors[i] of a batch belongs to columns[i].
struct BatchLayout {
  std::vector<ColumnInfo> columns;

  // Position of a column, or -1.
  int Find(ColumnId id) const {
    for (size_t i = 0; i < columns.size(); ++i)
      if (columns[i].id == id) return static_cast<int>(i);
    return -1;
  }
};

struct Batch {
  uint32_t count = 0;
  std::vector<Vector> vectors;
};

// Owns the memory of one vector of up to `capacity` rows. Not thread safe.
class VectorBuffer {
 public:
  VectorBuffer() = default;
  VectorBuffer(Lane lane, uint32_t capacity = kVectorSize) { Reset(lane, capacity); }

  // Allocates (or reuses) room for `capacity` values of `lane`; contents undefined, no nulls.
  void Reset(Lane lane, uint32_t capacity = kVectorSize);
  // A vector over the buffer, without nulls.
  Vector Flat() const { return {.lane = lane_, .data = data_.get()}; }
  // The null bytes, allocated at first use; contents undefined.
  uint8_t* Nulls();

  Lane lane() const { return lane_; }
  void* data() const { return data_.get(); }

 private:
  struct Free {
    void operator()(void* p) const;
  };
  Lane lane_ = Lane::kI64;
  uint32_t capacity_ = 0;
  size_t bytes_ = 0;
  std::unique_ptr<void, Free> data_;
  std::unique_ptr<uint8_t, Free> nulls_;
};

// Copies `from` rows rows[0..count) of `in` to out[out_offset ...]; `out` must be flat with the same lane and, if `in` may hold
// nulls, have null bytes. A constant input is expanded.
void GatherVector(const Vector& in, const uint16_t* rows, uint32_t count, const Vector& out, uint32_t out_offset);
// Expands a constant vector to a flat one in `buffer`; a flat one is returned as it is.
Vector Flatten(const Vector& in, uint32_t count, VectorBuffer* buffer);
// Codes to strings (lane kStr) in `buffer`; anything else is returned as it is.
Vector DecodeDictionary(const Vector& in, uint32_t count, VectorBuffer* buffer);

}  // namespace sirocco::engine
