#include "engine/storage/row_sample.h"

#include <algorithm>

#include "engine/storage/table.h"

namespace sirocco::engine {

namespace {
constexpr uint64_t kSampleRows = 4096;
}  // namespace

std::vector<uint64_t> DrawSample(const std::vector<std::shared_ptr<const Chunk>>& chunks) {
  uint64_t num_rows = 0;
  for (const auto& chunk : chunks) num_rows += chunk->num_rows();
  const uint64_t count = std::min(num_rows, kSampleRows);
  std::vector<uint64_t> sample;
  sample.reserve(count);
  uint64_t chunk = 0, chunk_begin = 0, end = 0;
  for (uint64_t i = 0; i < count; ++i) {
    // One row from each of `count` equal stretches, at a place that no period of the data can
    // follow.
    const uint64_t begin = end;
    end = (i + 1) * num_rows / count;
    const uint64_t row = begin + (i * 0x9E3779B97F4A7C15ull >> 32) % (end - begin);
    while (row >= chunk_begin + chunks[chunk]->num_rows())
      chunk_begin += chunks[chunk++]->num_rows();
    sample.push_back(chunk * kChunkRows + (row - chunk_begin));
  }
  return sample;
}

}  // namespace sirocco::engine
