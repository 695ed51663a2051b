// Up to kChunkRows rows of a table: one segment per column. Immutable; which of its rows are
// visible is said by the snapshot, not here. Chunks may share segments: a merge that rewrites one
// column keeps the others.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/memory/memory_pool.h"
#include "engine/storage/segment.h"

namespace sirocco::engine {

class Chunk {
 public:
  Chunk(std::shared_ptr<MemoryPool> pool, uint32_t num_rows, std::vector<Segment> segments)
      : pool_(std::move(pool)), num_rows_(num_rows) {
    for (Segment& segment : segments)
      segments_.push_back(std::make_shared<const Segment>(std::move(segment)));
  }
  // `other` with another segment of one column, charged to the same pool.
  Chunk(const Chunk& other, uint32_t column, Segment segment) : Chunk(other) {
    segments_[column] = std::make_shared<const Segment>(std::move(segment));
  }

  uint32_t num_rows() const { return num_rows_; }
  uint32_t num_columns() const { return static_cast<uint32_t>(segments_.size()); }
  const Segment& segment(uint32_t column) const { return *segments_[column]; }

 private:
  std::shared_ptr<MemoryPool> pool_;  // the segments' memory is charged to it
  uint32_t num_rows_;
  std::vector<std::shared_ptr<const Segment>> segments_;
};

}  // namespace sirocco::engine
