// Builds the first snapshot of a table from column batches during a load.
//
// Threads: each loading thread makes its own Writer; Append and Close on one writer from one thread
// at a time; writers run in parallel. Order: rows of a writer keep their order; chunks of different
// writers are ordered by the writer's number, so primary-key ranges given to writers in ascending
// order stay ascending. Finish may use `num_threads` threads for dictionaries and encoding. Memory
// is charged to the pool as it grows; a refused reservation is kOutOfMemory and the builder can
// only be destroyed.
#pragma once

#include <memory>
#include <span>

#include "common/error.h"
#include "engine/memory/memory_pool.h"
#include "engine/storage/table.h"
#include "plan/table_schema.h"

namespace sirocco::engine {

// One column of incoming rows in wire form: values in the lane of the column's type (never kCode).
struct LoadColumn {
  Lane lane = Lane::kI64;
  const void* values =
      nullptr;  // kI64: int64_t[], kI128: int128[] (16-byte aligned or not), kF64: double[]
  const uint32_t* offsets = nullptr;  // kStr: num_rows + 1 offsets into bytes
  const char* bytes = nullptr;        // kStr
  const uint8_t* nulls = nullptr;     // one byte per row, 1 = NULL; nullptr if none
};

class TableBuilder {
 public:
  class Writer {
   public:
    virtual ~Writer() = default;
    // Any number of rows; columns in schema order. The caller has validated offsets. Copies
    // everything.
    virtual Result<void> Append(uint32_t num_rows, std::span<const LoadColumn> columns) = 0;
    // Seals the writer. Rows of a writer that is destroyed without Close are lost.
    virtual Result<void> Close() = 0;
  };

  static std::unique_ptr<TableBuilder> Create(plan::TableSchema schema,
                                              std::shared_ptr<MemoryPool> pool);
  virtual ~TableBuilder() = default;

  // `order` numbers writers; see above.
  virtual std::unique_ptr<Writer> MakeWriter(uint32_t order) = 0;
  virtual uint64_t num_rows() const = 0;  // appended so far
  // After all writers are closed. The snapshot keeps the pool alive and returns its memory when it
  // dies.
  virtual Result<SnapshotPtr> Finish(uint32_t num_threads) = 0;
};

// Tests: new chunks end after this many rows. Process-wide; not while tables are built.
void SetDebugChunkRows(uint32_t rows);

}  // namespace sirocco::engine
