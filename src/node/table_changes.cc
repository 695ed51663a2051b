#include "node/table_changes.h"

#include <new>

#include "wire/column_batch.h"

namespace sirocco::node {

namespace {

// A column batch in the engine's form; points into the section.
struct Images {
  std::vector<engine::LoadColumn> values;
  engine::RowImages images;

  static Result<Images> Open(const wire::ChangeRows& rows, uint32_t num_rows) {
    ASSIGN_OR_RETURN(const wire::ColumnBatchView batch, wire::ColumnBatchView::Parse(rows.batch));
    if (batch.num_rows() != num_rows)
      return MakeError(ErrorCode::kInvalidArgument, "a change has a wrong number of rows");
    if (batch.columns().size() != rows.columns.size())
      return MakeError(ErrorCode::kInvalidArgument, "a change has a wrong number of columns");
    Images result;
    for (const wire::ColumnBatchView::Column& column : batch.columns())
      result.values.push_back(
          {column.lane, column.values, column.offsets, column.bytes, column.nulls});
    result.images = {rows.columns, result.values};
    return result;
  }
};

Result<void> Apply(const wire::ChangeSection& section, engine::TableStore* table) {
  switch (section.kind) {
    case wire::ChangeKind::kTruncate:
      return table->Truncate();
    case wire::ChangeKind::kInsert: {
      ASSIGN_OR_RETURN(const Images after, Images::Open(section.after, section.num_rows));
      return table->Insert(section.num_rows, after.images);
    }
    case wire::ChangeKind::kUpdate: {
      ASSIGN_OR_RETURN(const Images before, Images::Open(section.before, section.num_rows));
      ASSIGN_OR_RETURN(const Images after, Images::Open(section.after, section.num_rows));
      return table->Update(section.num_rows, before.images, after.images);
    }
    case wire::ChangeKind::kDelete: {
      ASSIGN_OR_RETURN(const Images before, Images::Open(section.before, section.num_rows));
      return table->Delete(section.num_rows, before.images);
    }
  }
  return MakeError(ErrorCode::kInvalidArgument, "unknown kind of change");
}

Error OutOfMemory() {
  return {ErrorCode::kOutOfMemory, 0, "the node's system memory is exhausted"};
}

}  // namespace

Result<void> ApplySection(const wire::ChangeSection& section, engine::TableStore* table) {
  if (section.num_rows == 0 && section.kind != wire::ChangeKind::kTruncate) return {};
  try {
    return Apply(section, table);
  } catch (const std::bad_alloc&) {
    return std::unexpected(OutOfMemory());
  }
}

Result<void> CommitChanges(engine::TableStore* table) {
  try {
    table->Commit();
  } catch (const std::bad_alloc&) {
    return std::unexpected(OutOfMemory());
  }
  return {};
}

}  // namespace sirocco::node
