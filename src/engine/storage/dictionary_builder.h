// Turns the distinct strings that loading threads collected into one sorted Dictionary and the maps
// from their codes to its codes.
//
// Use: one Build per column; the inputs are the interners' values in any order. Threads: Build is
// pure; several may run in parallel. Errors: kOutOfMemory.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/error.h"
#include "engine/memory/memory_pool.h"
#include "engine/storage/dictionary.h"

namespace sirocco::engine {

class DictionaryBuilder {
 public:
  struct Output {
    // Null if the distinct values are more than max_distinct (then remaps is empty, too).
    std::shared_ptr<const Dictionary> dictionary;
    // remaps[i][code of input i] = code in the dictionary.
    std::vector<std::vector<uint32_t>> remaps;
    uint64_t num_distinct = 0;
  };

  // Sorts by (collation weight, bytes). `collation` null: byte order, no classes.
  static Result<Output> Build(std::vector<const std::vector<StringRef>*> inputs,
                              const mysqlsem::Collation* collation, uint64_t max_distinct,
                              std::shared_ptr<MemoryPool> pool);
};

}  // namespace sirocco::engine
