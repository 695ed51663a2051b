// Materialized rows: columns in blocks of growing size, each value in the narrowest width that the
// column's range allows. Used by join builds, sorts, shared subplans and results of LIMIT.
//
// Stored form of a column: lane kI64 with a known range as value - base in 1, 2 or 4 bytes
// (unsigned), codes in 1, 2 or 4 bytes by the size of their dictionary, everything else in its
// lane's width. NULLs are one byte per row, present only in blocks that have some. Strings are
// StringRefs whose bytes were copied to the owner's arena.
// Threads: a RowBlocks is filled by one worker; afterwards it is immutable and read by any thread.
#pragma once

#include <cstdlib>
#include <memory>
#include <vector>

#include "common/error.h"
#include "engine/memory/arena.h"
#include "engine/memory/memory_pool.h"
#include "engine/vector/vector.h"

namespace sirocco::engine {

struct StoredColumn {
  ColumnInfo info;    // of the column as it is read back
  uint8_t width = 8;  // bytes of a stored value: 1, 2, 4, 8 or 16
  int64_t base = 0;   // added when reading a narrow kI64 value
};

StoredColumn PlanStorage(const ColumnInfo& info);

// 64-byte aligned memory charged to a pool, zeroed or not, readable 64 bytes past the end.
class PoolBuffer {
 public:
  PoolBuffer() = default;
  ~PoolBuffer() { Reset(); }
  PoolBuffer(PoolBuffer&& other) noexcept { *this = std::move(other); }
  PoolBuffer& operator=(PoolBuffer&& other) noexcept;

  // Replaces the memory. Errors: kOutOfMemory.
  Result<void> Allocate(MemoryPool* pool, size_t bytes, bool zeroed);
  // Makes room for `bytes`, keeping the first `used` bytes; the others are zero, also those beyond
  // `used` in the old memory. Large buffers move without copying. Errors: kOutOfMemory, nothing has
  // changed then.
  Result<void> Grow(MemoryPool* pool, size_t used, size_t bytes);
  void Reset();
  template <typename T>
  T* as() const {
    return static_cast<T*>(data_);
  }
  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  MemoryPool* pool_ = nullptr;
  void* data_ = nullptr;
  size_t bytes_ = 0;
  bool mapped_ = false;
};

struct RowBlock {
  uint32_t count = 0, capacity = 0;
  std::vector<PoolBuffer> values;  // per column
  std::vector<PoolBuffer> nulls;   // per column; empty: no NULL in this block
};

// Where a row of a RowBlocks is.
struct RowPlace {
  uint32_t block, row;
};

class RowBlocks {
 public:
  RowBlocks(std::vector<StoredColumn> columns, MemoryPool* pool);

  // Appends rows rows[0..count) of the vectors (one per column), or rows 0..count if `rows` is
  // null. Errors: kOutOfMemory; no row has been added then.
  Result<void> Append(const Vector* vectors, const uint16_t* rows, uint32_t count);

  const std::vector<StoredColumn>& columns() const { return columns_; }
  const std::vector<RowBlock>& blocks() const { return blocks_; }
  uint64_t num_rows() const { return num_rows_; }
  // Gives the blocks' memory back; strings stay until destruction.
  void DropBlocks() { blocks_.clear(); }
  // Where row number `row` (in order of arrival) is.
  static RowPlace Locate(uint32_t row);
  // out[out_offset + i] = value of `column` at places[i], and its null byte if `out` has null
  // bytes.
  void Gather(size_t column, const RowPlace* places, uint32_t count, const Vector& out,
              uint32_t out_offset) const;
  // Whether any block has NULLs in the column.
  bool HasNulls(size_t column) const;

 private:
  Result<void> AddBlock();
  Result<void> AppendRows(const Vector* vectors, const uint16_t* rows, uint32_t count);

  std::vector<StoredColumn> columns_;
  MemoryPool* pool_;
  std::unique_ptr<Arena> strings_;  // only with string columns
  std::vector<RowBlock> blocks_;
  uint64_t num_rows_ = 0;
};

// Writes the stored form of values rows[first..first+count) of `in` (first..first+count if `rows` is
// null; lane kStr: references) to `out`.
void StoreRows(const StoredColumn& column, const Vector& in, const uint16_t* rows, uint32_t first,
               uint32_t count, char* out);
// Reads stored values first..first+count of a column into a vector over `buffer`, or directly over
// the stored memory where the forms agree.
Vector ReadStored(const StoredColumn& column, const void* values, const uint8_t* nulls,
                  uint64_t first, uint32_t count, VectorBuffer* buffer);

// out[out_offset + i] = stored value rows[i]. `out` is flat in the column's lane; NULL bytes are
// left alone.
void GatherStored(const StoredColumn& column, const void* values, const uint32_t* rows,
                  uint32_t count, const Vector& out, uint32_t out_offset);
// out[positions[i]] = in[i] for values of `width` bytes.
void ScatterStored(uint8_t width, const void* in, const uint32_t* positions, uint32_t count,
                   void* out);
// out[positions[i]] = in[rows[i]].
void ScatterStoredRows(uint8_t width, const void* in, const uint32_t* rows,
                       const uint32_t* positions, uint32_t count, void* out);
// The stored value of one row, widened (lane kI64 and kCode).
int64_t StoredInteger(const StoredColumn& column, const void* values, uint64_t row);

}  // namespace sirocco::engine
