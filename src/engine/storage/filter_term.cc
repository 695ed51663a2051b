#include "engine/storage/filter_term.h"

#include <algorithm>

#include "engine/expr/expression.h"
#include "engine/storage/filter_string.h"
#include "engine/storage/integer_filter.h"
#include "engine/storage/string_filter.h"

namespace sirocco::engine {

namespace {

using plan::ExprOp;

// Evaluates any term over a dictionary column on its distinct values and on NULL. nullopt if that
// cannot be done, or would raise errors or warnings: those belong to rows, so the term must then be
// evaluated row by row.
std::optional<IntegerSet> EvaluateOnDictionary(const plan::ExprPtr& term, ColumnId id,
                                               const plan::Type& type, const Dictionary& dictionary,
                                               QueryContext* context) {
  QueryContext scratch(&context->plan(), context->pool(), 1);
  BatchLayout layout;
  layout.columns.push_back({.id = id, .type = type, .lane = Lane::kStr, .nullable = true});
  Result<std::unique_ptr<Expression>> expression = Expression::Compile(term, layout, &scratch);
  if (!expression) return std::nullopt;
  auto state = (*expression)->MakeState();
  std::vector<IntegerSet::Interval> codes;
  bool null_passes = false;
  std::vector<StringRef> values(kVectorSize);
  std::vector<uint8_t> nulls(kVectorSize + AlignedBuffer::kPadding);
  std::vector<uint16_t> rows(kVectorSize);
  Batch batch;
  batch.vectors.push_back({.lane = Lane::kStr, .data = values.data(), .nulls = nulls.data()});
  // NULL comes as one value after the last.
  for (uint32_t begin = 0; begin <= dictionary.size(); begin += kVectorSize) {
    batch.count = std::min(kVectorSize, dictionary.size() + 1 - begin);
    for (uint32_t i = 0; i < batch.count; ++i) {
      nulls[i] = begin + i == dictionary.size();
      values[i] = nulls[i] ? StringRef{"", 0, 0} : dictionary.values()[begin + i];
    }
    const Result<uint32_t> count = (*expression)->Select(batch, state.get(), rows.data());
    if (!count || context->cancelled()) return std::nullopt;
    for (uint32_t i = 0; i < *count; ++i) {
      const int128 code = begin + rows[i];
      if (code == static_cast<int128>(dictionary.size())) {
        null_passes = true;
      } else {
        codes.push_back({code, code});
      }
    }
  }
  if (!scratch.warnings().empty()) return std::nullopt;
  IntegerSet set = IntegerSet::Of(std::move(codes));
  set.set_has_null(null_passes);
  return set;
}

}  // namespace

std::optional<uint32_t> OnlyColumn(const plan::Expr& term,
                                   std::span<const std::pair<ColumnId, uint32_t>> scan_columns) {
  std::optional<ColumnId> only;
  bool several = false;
  plan::ForEachColumn(term, [&](ColumnId id) {
    several |= only.has_value() && *only != id;
    only = id;
  });
  if (several || !only) return std::nullopt;
  for (const auto& [id, column] : scan_columns)
    if (id == *only) return column;
  return std::nullopt;
}

Result<std::unique_ptr<ScanFilter>> ScanFilter::FromTerm(
    const plan::ExprPtr& term, const Snapshot& snapshot,
    std::span<const std::pair<ColumnId, uint32_t>> scan_columns, QueryContext* context) {
  const std::optional<uint32_t> column = OnlyColumn(*term, scan_columns);
  if (!column) return nullptr;
  const plan::Type& type = snapshot.schema().columns[*column].type;
  auto integer_filter = [&](IntegerSet set) -> std::unique_ptr<ScanFilter> {
    return std::make_unique<IntegerFilter>(*column, std::move(set));
  };
  if (const Dictionary* dictionary = snapshot.dictionary(*column)) {
    if (auto set = DictionaryTermSet(*term, type, *dictionary))
      return integer_filter(std::move(*set));
    ColumnId id = 0;
    plan::ForEachColumn(*term, [&](ColumnId column_id) { id = column_id; });
    if (auto set = EvaluateOnDictionary(term, id, type, *dictionary, context))
      return integer_filter(std::move(*set));
    return nullptr;
  }
  if (snapshot.lane(*column) != Lane::kStr || term->op == ExprOp::kIsNull ||
      term->op == ExprOp::kIsNotNull) {
    if (auto set = NumberTermSet(*term, type)) return integer_filter(std::move(*set));
    return nullptr;
  }
  if (auto string_term = ParseStringTerm(*term, type)) {
    if (string_term->never_true) {
      IntegerSet none;
      none.set_has_null(string_term->true_for_null);
      return integer_filter(std::move(none));
    }
    return MakeStringFilter(*column, MakePredicate(*string_term));
  }
  return nullptr;
}

}  // namespace sirocco::engine
