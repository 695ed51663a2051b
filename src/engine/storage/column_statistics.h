// Measures one column of freshly built chunks: bounds, NULLs, distinct values, sizes, and the lane
// it will be delivered in. Threads: pure; several columns may be measured in parallel.
#pragma once

#include <memory>
#include <vector>

#include "engine/memory/memory_pool.h"
#include "engine/storage/chunk.h"
#include "engine/storage/dictionary.h"
#include "plan/table_schema.h"

namespace sirocco::engine {

struct ColumnFacts {
  Lane lane = Lane::kI64;
  plan::ColumnStatistics statistics;
};

// Distinct values are exact for dictionaries (classes under the collation) and for integers in a
// dense range; else estimated. `pool` lends scratch memory; without enough of it the estimate is
// used.
ColumnFacts MeasureColumn(const plan::ColumnSchema& schema, uint32_t column,
                          const std::vector<std::shared_ptr<const Chunk>>& chunks,
                          const Dictionary* dictionary, MemoryPool* pool);

}  // namespace sirocco::engine
