#include "node/ml_input.h"

namespace sirocco::node {

namespace {

using automl::ColumnKind;
using automl::Storage;

ColumnKind KindOf(wire::MlColumnKind kind) {
  switch (kind) {
    case wire::MlColumnKind::kFloat:
      return ColumnKind::kFloat;
    case wire::MlColumnKind::kInteger:
      return ColumnKind::kInteger;
    case wire::MlColumnKind::kUnsigned:
      return ColumnKind::kUnsigned;
    case wire::MlColumnKind::kString:
      return ColumnKind::kString;
    case wire::MlColumnKind::kText:
      return ColumnKind::kText;
    case wire::MlColumnKind::kDate:
      return ColumnKind::kDate;
    case wire::MlColumnKind::kDateTime:
      return ColumnKind::kDateTime;
    case wire::MlColumnKind::kTime:
      return ColumnKind::kTime;
    case wire::MlColumnKind::kYear:
      return ColumnKind::kYear;
  }
  return ColumnKind::kFloat;
}

plan::Lane LaneOf(Storage storage) {
  return storage == Storage::kFloat  ? plan::Lane::kF64
         : storage == Storage::kText ? plan::Lane::kStr
                                     : plan::Lane::kI64;
}

}  // namespace

automl::Table MakeTable(const std::vector<wire::MlColumn>& columns) {
  std::vector<automl::ColumnSpec> specs;
  for (const wire::MlColumn& column : columns)
    specs.push_back({column.name, KindOf(column.kind), column.type});
  return automl::Table(std::move(specs));
}

Result<void> AppendBatch(const wire::ColumnBatchView& batch, automl::Table* table) {
  std::vector<automl::Column>& columns = table->mutable_columns();
  if (batch.columns().size() != columns.size())
    return MakeError(ErrorCode::kInvalidArgument, "a batch has a wrong number of columns");
  for (size_t i = 0; i < columns.size(); ++i)
    if (batch.columns()[i].lane != LaneOf(automl::StorageOf(columns[i].spec.kind)))
      return MakeError(ErrorCode::kInvalidArgument,
                       "a batch has a wrong lane for column " + columns[i].spec.name);
  const uint32_t count = batch.num_rows();
  for (size_t i = 0; i < columns.size(); ++i) {
    const wire::ColumnBatchView::Column& from = batch.columns()[i];
    automl::Column& to = columns[i];
    if (from.nulls == nullptr)
      to.is_null.insert(to.is_null.end(), count, 0);
    else
      to.is_null.insert(to.is_null.end(), from.nulls, from.nulls + count);
    switch (from.lane) {
      case plan::Lane::kF64: {
        const auto* values = static_cast<const double*>(from.values);
        to.f64.insert(to.f64.end(), values, values + count);
        break;
      }
      case plan::Lane::kStr:
        for (uint32_t row = 0; row < count; ++row) to.str.emplace_back(from.str(row));
        break;
      default: {
        const auto* values = static_cast<const int64_t*>(from.values);
        to.i64.insert(to.i64.end(), values, values + count);
      }
    }
  }
  table->RowsAdded(count);
  return {};
}

}  // namespace sirocco::node
