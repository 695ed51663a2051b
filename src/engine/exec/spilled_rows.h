// Rows of batches on disk: written by workers to partitions, read back page by page.
//
// A page holds some thousand rows of one partition, column by column in their stored form
// (row_blocks.h); strings as sizes and bytes. Format of a page (in memory order of this machine, it
// never leaves the process):
//   uint64 rows, then per column uint64 offsets of values, NULL bytes (0: none) and string bytes;
//   then the arrays, each aligned to 64 bytes. Values of a string column are uint32 sizes.
// Threads: a RowSpiller belongs to one worker; SpilledPartitions are immutable while they are read.
#pragma once

#include <memory>
#include <vector>

#include "common/error.h"
#include "engine/exec/query_context.h"
#include "engine/exec/row_blocks.h"
#include "engine/spill/spill_space.h"

namespace sirocco::engine {

struct SpilledPage {
  std::shared_ptr<const SpillFile> file;
  SpillPage page;
  uint32_t rows = 0;
};

struct SpilledPartition {
  std::vector<SpilledPage> pages;
  uint64_t rows = 0, bytes = 0;

  void Append(SpilledPartition&& other);
};

// Bits of a hash that decide the partition at one level of partitioning. Levels use different bits,
// and all stay away from those that choose the place in the hash table of a partition.
struct SpillPartitioning {
  static constexpr uint32_t kBits = 5, kPartitions = 1 << kBits, kMaxLevels = 6;

  // For tables that take their lowest bits from the hash.
  static uint32_t FromTop(uint64_t hash, uint32_t level) {
    return static_cast<uint32_t>(hash >> (64 - kBits * (level + 1))) & (kPartitions - 1);
  }
  // For tables that take their highest bits from the hash.
  static uint32_t FromBottom(uint64_t hash, uint32_t level) {
    return static_cast<uint32_t>(hash >> (8 + kBits * level)) & (kPartitions - 1);
  }
};

class RowSpiller {
 public:
  // Writes pages of about kPageBytes, smaller ones for many partitions.
  RowSpiller(std::vector<StoredColumn> columns, uint32_t num_partitions, QueryContext* context);
  ~RowSpiller();

  // Rows rows[0..count) of the vectors, or 0..count if `rows` is null, to one partition.
  Result<void> Append(const Vector* vectors, const uint16_t* rows, uint32_t count,
                      uint32_t partition);
  // Row rows[i] (or i) to partitions[i].
  Result<void> AppendPartitioned(const Vector* vectors, const uint16_t* rows, uint32_t count,
                                 const uint32_t* partitions);
  // All rows of `rows`, to partition 0.
  Result<void> AppendAll(const RowBlocks& rows);
  // Writes what is still buffered and adds this worker's pages to out[0..num_partitions).
  Result<void> Close(std::vector<SpilledPartition>* out);

 private:
  struct Column {
    std::vector<char> values;
    std::vector<uint8_t> nulls;  // empty: none so far
    std::vector<char> bytes;
  };
  struct Partition {
    std::vector<Column> columns;
    uint32_t rows = 0;
    size_t bytes = 0;
    SpilledPartition written;
  };
  Result<void> WritePage(Partition* partition);

  const std::vector<StoredColumn> columns_;
  QueryContext* context_;
  size_t page_bytes_;
  size_t charged_;
  std::shared_ptr<SpillFile> file_;
  std::vector<Partition> partitions_;
  std::vector<char> page_;
};

// Reads the pages of a partition one after the other.
class SpilledRowsReader {
 public:
  SpilledRowsReader(std::vector<StoredColumn> columns, QueryContext* context);
  ~SpilledRowsReader();

  // The partition outlives the reading.
  void Open(const SpilledPartition* partition) {
    partition_ = partition;
    next_page_ = 0;
    row_ = rows_ = 0;
  }
  // Reads one page only.
  Result<void> Load(const SpilledPage& page);
  // The next rows, up to kVectorSize; 0 at the end. The vectors are valid until the next call.
  Result<uint32_t> Next(std::vector<Vector>* vectors);

 private:
  const std::vector<StoredColumn> columns_;
  QueryContext* context_;
  const SpilledPartition* partition_ = nullptr;
  size_t next_page_ = 0;
  uint32_t row_ = 0, rows_ = 0;
  size_t charged_ = 0;
  struct Free {
    void operator()(char* p) const { std::free(p); }
  };
  std::unique_ptr<char, Free> buffer_;
  size_t capacity_ = 0;
  std::vector<std::vector<StringRef>> strings_;
  std::vector<VectorBuffer> vector_buffers_;
};

}  // namespace sirocco::engine
