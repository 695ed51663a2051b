// Up to kChunkRows recent rows of a table, as they came: plain arrays a column, and the encoded
// pieces of them that queries scan.
//
// Rows are only ever appended. Pieces cover the first rows without gaps; they are made when a query
// asks, from the rows that came since. A small last piece is made anew together with what follows
// it, so that there are only some ten pieces, and a row is encoded a few times at most. Strings of
// dictionary columns are staged as codes. Threads: one at a time. Errors: kOutOfMemory.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/error.h"
#include "engine/memory/aligned_buffer.h"
#include "engine/memory/arena.h"
#include "engine/storage/cell.h"
#include "engine/storage/chunk.h"
#include "engine/storage/table.h"

namespace sirocco::engine {

class DeltaBlock {
 public:
  // Rows [begin, end) of the block.
  struct Piece {
    uint32_t begin = 0, end = 0;
    std::shared_ptr<const Chunk> chunk;
  };

  // `lanes`: those of the columns' types, kCode for columns with dictionary.
  DeltaBlock(const plan::TableSchema& schema, std::span<const Lane> lanes,
             std::shared_ptr<MemoryPool> pool);

  uint32_t num_rows() const { return num_rows_; }
  // No further row should be appended.
  bool full() const { return num_rows_ == kChunkRows || heap_full_; }
  void Seal() { heap_full_ = true; }

  // Appends the next value of one column; a row is complete when all columns have it and CountRows
  // was called.
  Result<void> Append(uint32_t column, const Cell& cell);
  void CountRows(uint32_t count) { num_rows_ += count; }
  // As Append took it: codes have no bytes.
  Cell Read(uint32_t column, uint32_t row) const;

  // Makes the pieces cover rows [0, num_rows).
  Result<void> Cover(uint32_t num_rows);
  const std::vector<Piece>& pieces() const { return pieces_; }

 private:
  struct Column {
    Lane lane;
    bool is_unsigned;
    uint32_t width;  // of a value
    uint32_t count = 0;
    bool has_nulls = false;
    AlignedBuffer values;  // of the lane; strings: StringRef into strings_
    AlignedBuffer nulls;
    size_t heap_bytes = 0;
  };
  Result<Segment> Encode(const Column& column, uint32_t begin, uint32_t end) const;
  Result<Segment> EncodeHeap(const Column& column, uint32_t begin, uint32_t end) const;

  std::shared_ptr<MemoryPool> pool_;
  std::vector<Column> columns_;
  Arena strings_;
  uint32_t num_rows_ = 0;
  bool heap_full_ = false;
  std::vector<Piece> pieces_;
};

}  // namespace sirocco::engine
