// Estimates of predicates: the terms are evaluated on the snapshot's sample rows like on any batch.
#include <algorithm>

#include "engine/expr/expression.h"
#include "engine/storage/chunk.h"
#include "engine/storage/scan.h"
#include "engine/storage/segment_reader.h"

namespace sirocco::engine {

Result<double> SampleSelectivity(const Snapshot& snapshot, std::span<const plan::ExprPtr> terms,
                                 std::span<const std::pair<ColumnId, uint32_t>> scan_columns, QueryContext* context) {
  const std::vector<uint64_t>& sample = snapshot.sample();
  if (terms.empty() || sample.empty()) return 1.0;
  // Only the columns that the terms read.
  BatchLayout layout;
  std::vector<uint32_t> columns;
  for (const auto& [id, column] : scan_columns) {
    bool used = false;
    for (const plan::ExprPtr& term : terms)
      plan::ForEachColumn(*term, [&, wanted = id](ColumnId read) { used |= read == wanted; });
    if (!used) continue;
    ColumnInfo info = snapshot.column_info(column);
    info.id = id;
    layout.columns.push_back(info);
    columns.push_back(column);
  }
  // Warnings of an estimate are nobody's.
  QueryContext scratch(&context->plan(), context->pool(), 1);
  ASSIGN_OR_RETURN(std::unique_ptr<Expression> expression,
                   Expression::Compile(plan::Conjunction({terms.begin(), terms.end()}), layout, &scratch));
  auto state = expression->MakeState();
  std::vector<VectorBuffer> buffers(columns.size());
  std::vector<uint16_t> rows(kVectorSize);
  uint64_t num_rows = 0, num_hits = 0;
  Batch batch;
  for (size_t begin = 0; begin < sample.size(); begin += kVectorSize) {
    const size_t end = std::min(begin + kVectorSize, sample.size());
    std::vector<uint64_t> picked;
    for (size_t i = begin; i < end; ++i) {
      const auto chunk = static_cast<uint32_t>(sample[i] / kChunkRows);
      const auto row = static_cast<uint32_t>(sample[i] % kChunkRows);
      const VisibilityMap* visibility = snapshot.visibility(chunk);
      if (visibility == nullptr || (visibility->words[row / 64] >> (row & 63) & 1) != 0) picked.push_back(sample[i]);
    }
    if (picked.empty()) continue;
    batch.vectors.clear();
    for (size_t c = 0; c < columns.size(); ++c) {
      buffers[c].Reset(layout.columns[c].lane);
      Vector vector = buffers[c].Flat();
      vector.nulls = buffers[c].Nulls();
      vector.dictionary = layout.columns[c].dictionary;
      for (uint32_t i = 0; i < picked.size(); ++i) {
        const Chunk& chunk = snapshot.chunk(static_cast<uint32_t>(picked[i] / kChunkRows));
        ReadRow(chunk.segment(columns[c]), static_cast<uint32_t>(picked[i] % kChunkRows), vector, i);
      }
      if (!layout.columns[c].nullable) vector.nulls = nullptr;
      batch.vectors.push_back(vector);
    }
    batch.count = static_cast<uint32_t>(picked.size());
    ASSIGN_OR_RETURN(const uint32_t hits, expression->Select(batch, state.get(), rows.data()));
    num_rows += picked.size();
    num_hits += hits;
  }
  return (static_cast<double>(num_hits) + 0.5) / (static_cast<double>(num_rows) + 1);
}

}  // namespace sirocco::engine
