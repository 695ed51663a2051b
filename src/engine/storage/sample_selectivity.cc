// Estimates of predicates: the terms are evaluated on the snapshot's sample rows like on any batch;
// patterns and comparisons on string heaps go row by row over the survivors with the scan's own
// predicates, which know how to search (LIKE by characters would cost a millisecond).
#include <algorithm>
#include <optional>

#include "engine/expr/expression.h"
#include "engine/storage/chunk.h"
#include "engine/storage/filter_string.h"
#include "engine/storage/filter_term.h"
#include "engine/storage/scan.h"
#include "engine/storage/segment_reader.h"

namespace sirocco::engine {

namespace {

struct HeapPredicate {
  uint32_t column;
  std::unique_ptr<StringPredicate> predicate;

  bool Holds(const Segment& segment, uint32_t row) const {
    if (segment.nulls != nullptr && segment.nulls[row]) return false;
    uint64_t mask = 0;
    predicate->MatchRows(segment.heap, segment.offsets + row, 1, segment.all_ascii, &mask);
    return (mask & 1) != 0;
  }
};

}  // namespace

Result<double> SampleSelectivity(const Snapshot& snapshot, std::span<const plan::ExprPtr> terms,
                                 std::span<const std::pair<ColumnId, uint32_t>> scan_columns,
                                 QueryContext* context) {
  const std::vector<uint64_t>& sample = snapshot.sample();
  if (terms.empty() || sample.empty()) return 1.0;
  std::vector<HeapPredicate> heap_predicates;
  std::vector<plan::ExprPtr> others;
  for (const plan::ExprPtr& term : terms) {
    const std::optional<uint32_t> column = OnlyColumn(*term, scan_columns);
    if (column && snapshot.lane(*column) == Lane::kStr) {
      const auto string_term = ParseStringTerm(*term, snapshot.schema().columns[*column].type);
      if (string_term && !string_term->never_true) {
        heap_predicates.push_back({*column, MakePredicate(*string_term)});
        continue;
      }
    }
    others.push_back(term);
  }
  // Only the columns that the terms read.
  BatchLayout layout;
  std::vector<uint32_t> columns;
  for (const auto& [id, column] : scan_columns) {
    bool used = false;
    for (const plan::ExprPtr& term : others)
      plan::ForEachColumn(*term, [&, wanted = id](ColumnId read) { used |= read == wanted; });
    if (!used) continue;
    ColumnInfo info = snapshot.column_info(column);
    info.id = id;
    layout.columns.push_back(info);
    columns.push_back(column);
  }
  // Warnings of an estimate are nobody's.
  QueryContext scratch(&context->plan(), context->pool(), 1);
  std::unique_ptr<Expression> expression;
  std::unique_ptr<ExpressionState> state;
  if (!others.empty()) {
    ASSIGN_OR_RETURN(expression, Expression::Compile(plan::Conjunction(others), layout, &scratch));
    state = expression->MakeState();
  }
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
      if (visibility == nullptr || (visibility->words[row / 64] >> (row & 63) & 1) != 0)
        picked.push_back(sample[i]);
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
        ReadRow(chunk.segment(columns[c]), static_cast<uint32_t>(picked[i] % kChunkRows), vector,
                i);
      }
      if (!layout.columns[c].nullable) vector.nulls = nullptr;
      batch.vectors.push_back(vector);
    }
    batch.count = static_cast<uint32_t>(picked.size());
    uint32_t hits = batch.count;
    if (expression != nullptr) {
      ASSIGN_OR_RETURN(hits, expression->Select(batch, state.get(), rows.data()));
    } else {
      for (uint32_t i = 0; i < hits; ++i) rows[i] = static_cast<uint16_t>(i);
    }
    num_rows += picked.size();
    // The strings are far apart: two rounds of prefetching (offsets, then bytes) halve the time.
    for (const HeapPredicate& p : heap_predicates) {
      auto segment = [&](uint64_t row) -> const Segment& {
        return snapshot.chunk(static_cast<uint32_t>(row / kChunkRows)).segment(p.column);
      };
      for (uint32_t i = 0; i < hits; ++i)
        __builtin_prefetch(segment(picked[rows[i]]).offsets + picked[rows[i]] % kChunkRows);
      for (uint32_t i = 0; i < hits; ++i) {
        const Segment& s = segment(picked[rows[i]]);
        const char* bytes = s.heap + s.offsets[picked[rows[i]] % kChunkRows];
        __builtin_prefetch(bytes);
        __builtin_prefetch(bytes + 64);
      }
    }
    for (uint32_t i = 0; i < hits; ++i) {
      const uint64_t row = picked[rows[i]];
      const Chunk& chunk = snapshot.chunk(static_cast<uint32_t>(row / kChunkRows));
      num_hits +=
          std::all_of(heap_predicates.begin(), heap_predicates.end(), [&](const HeapPredicate& p) {
            return p.Holds(chunk.segment(p.column), static_cast<uint32_t>(row % kChunkRows));
          });
    }
  }
  return (static_cast<double>(num_hits) + 0.5) / (static_cast<double>(num_rows) + 1);
}

}  // namespace sirocco::engine
