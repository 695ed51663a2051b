// Rows that a snapshot keeps for the optimizer's estimates. Threads: pure.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/storage/chunk.h"

namespace sirocco::engine {

// Up to a few thousand ascending row numbers (chunk * kChunkRows + row), evenly spread.
std::vector<uint64_t> DrawSample(const std::vector<std::shared_ptr<const Chunk>>& chunks);

}  // namespace sirocco::engine
