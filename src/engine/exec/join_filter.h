// Semijoin filters from the keys of a join's build side: a bitmap where the keys' domain is small,
// else a Bloom filter.
#pragma once

#include <functional>
#include <memory>

#include "engine/exec/dense_index.h"
#include "engine/exec/row_blocks.h"
#include "engine/storage/scan.h"

namespace sirocco::engine {

struct PublishedFilter {
  std::shared_ptr<const SemijoinFilter> filter;  // null: none
  uint64_t num_keys = 0;                         // different keys; of a Bloom filter an upper bound
};

// What is known about the keys.
struct FilterKeys {
  int64_t min = 0, max = 0;
  uint64_t num_rows = 0;        // > 0
  uint64_t bitmap_domain = 0;   // largest domain for a bitmap
  double target_distinct = -1;  // of the filtered column; negative: unknown
};

// Whether testing `num_keys` of `target_distinct` values drops enough rows to be worth it.
bool IsSelectiveFilter(double num_keys, double target_distinct);

using KeyVisitor = std::function<void(const int64_t* keys, uint32_t count)>;

// A filter of the keys that `for_each` passes to its visitor; none if it would not be selective or
// too large. Errors: kOutOfMemory, those of `for_each`.
Result<PublishedFilter> MakeSemijoinFilter(
    const FilterKeys& keys, const std::function<Result<void>(const KeyVisitor&)>& for_each,
    MemoryPool* pool);

}  // namespace sirocco::engine
