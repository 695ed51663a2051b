// Engine batches to wire batches.
#pragma once

#include <string>

#include "common/error.h"
#include "engine/vector/vector.h"

namespace sirocco::node {

// Encodes a result batch (flat or constant vectors in the lanes of their types; no codes). Reuses
// its buffers; not thread safe.
class ResultWriter {
 public:
  // kOutOfMemory if one batch's strings pass 4 GB.
  Result<std::string> Encode(const engine::Batch& batch);

 private:
  struct Column {
    engine::VectorBuffer flat;
    std::vector<uint32_t> offsets;
    std::vector<char> bytes;
  };
  std::vector<Column> columns_;
};

}  // namespace sirocco::node
