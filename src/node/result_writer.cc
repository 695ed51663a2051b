#include "node/result_writer.h"

#include <limits>

#include "common/check.h"
#include "wire/column_batch.h"

namespace sirocco::node {

Result<std::string> ResultWriter::Encode(const engine::Batch& batch) {
  columns_.resize(batch.vectors.size());
  std::vector<wire::ColumnSource> sources(batch.vectors.size());
  for (size_t i = 0; i < batch.vectors.size(); ++i) {
    Column& column = columns_[i];
    const engine::Vector vector = engine::Flatten(batch.vectors[i], batch.count, &column.flat);
    CHECK(vector.lane != plan::Lane::kCode);
    sources[i].lane = vector.lane;
    sources[i].nulls = vector.nulls;
    if (vector.lane != plan::Lane::kStr) {
      sources[i].values = vector.data;
      continue;
    }
    column.offsets.resize(batch.count + 1);
    column.bytes.clear();
    uint64_t at = 0;
    for (uint32_t row = 0; row < batch.count; ++row) {
      column.offsets[row] = static_cast<uint32_t>(at);
      if (vector.nulls == nullptr || vector.nulls[row] == 0) at += vector.str()[row].size;
    }
    if (at > std::numeric_limits<uint32_t>::max())
      return MakeError(ErrorCode::kOutOfMemory, "strings of one result batch take more than 4 GB");
    column.offsets[batch.count] = static_cast<uint32_t>(at);
    column.bytes.resize(at);
    for (uint32_t row = 0; row < batch.count; ++row) {
      const uint32_t size = column.offsets[row + 1] - column.offsets[row];
      if (size != 0)
        std::memcpy(column.bytes.data() + column.offsets[row], vector.str()[row].data, size);
    }
    sources[i].offsets = column.offsets.data();
    sources[i].bytes = column.bytes.data();
  }
  return wire::EncodeColumnBatch(batch.count, sources);
}

}  // namespace sirocco::node
