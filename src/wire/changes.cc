#include "wire/changes.h"

#include "common/bytes.h"

namespace sirocco::wire {

namespace {

// Bytes that a section or a failed table takes at least, so that a false count is found at once.
constexpr size_t kMinSectionBytes = 29;
constexpr size_t kMinFailedBytes = 12;

std::unexpected<Error> Malformed(const char* what) {
  return MakeError(ErrorCode::kInvalidArgument, std::string("malformed message: ") + what);
}

void EncodeRows(const ChangeRows& rows, ByteWriter* out) {
  out->Put(static_cast<uint32_t>(rows.columns.size()));
  for (const uint32_t column : rows.columns) out->Put(column);
  out->PutString(rows.batch);
}

// False unless the columns ascend.
bool DecodeRows(ByteReader* in, ChangeRows* rows) {
  const uint32_t num_columns = in->GetCount(sizeof(uint32_t));
  for (uint32_t i = 0; i < num_columns && in->ok(); ++i) {
    const auto column = in->Get<uint32_t>();
    if (!rows->columns.empty() && column <= rows->columns.back()) return false;
    rows->columns.push_back(column);
  }
  rows->batch = in->GetString();
  return in->ok();
}

}  // namespace

std::string EncodeChangeBatch(const ChangeBatch& batch) {
  ByteWriter out;
  out.Put(batch.end_position);
  out.Put(static_cast<uint8_t>(batch.last));
  out.Put(static_cast<uint32_t>(batch.sections.size()));
  for (const ChangeSection& section : batch.sections) {
    out.Put(section.table);
    out.Put(section.kind);
    out.Put(section.num_rows);
    EncodeRows(section.before, &out);
    EncodeRows(section.after, &out);
  }
  return out.Take();
}

Result<ChangeBatch> DecodeChangeBatch(std::string_view payload) {
  ByteReader in(payload);
  ChangeBatch batch;
  batch.end_position = in.Get<Position>();
  batch.last = in.GetBool();
  const uint32_t num_sections = in.GetCount(kMinSectionBytes);
  for (uint32_t i = 0; i < num_sections && in.ok(); ++i) {
    ChangeSection section;
    section.table = in.Get<plan::TableId>();
    section.kind = in.GetEnum(ChangeKind::kInsert, ChangeKind::kTruncate);
    section.num_rows = in.Get<uint32_t>();
    if (!DecodeRows(&in, &section.before) || !DecodeRows(&in, &section.after))
      return Malformed("rows of a change");
    batch.sections.push_back(std::move(section));
  }
  if (!in.ok() || !in.AtEnd()) return Malformed("batch of changes");
  return batch;
}

std::string EncodeApplied(const Applied& applied) {
  ByteWriter out;
  out.Put(applied.position);
  out.Put(static_cast<uint32_t>(applied.failed.size()));
  for (const FailedTable& table : applied.failed) {
    out.Put(table.table);
    out.PutString(table.reason);
  }
  return out.Take();
}

Result<Applied> DecodeApplied(std::string_view payload) {
  ByteReader in(payload);
  Applied applied;
  applied.position = in.Get<Position>();
  const uint32_t num_failed = in.GetCount(kMinFailedBytes);
  for (uint32_t i = 0; i < num_failed && in.ok(); ++i) {
    FailedTable table;
    table.table = in.Get<plan::TableId>();
    table.reason = in.GetString();
    applied.failed.push_back(std::move(table));
  }
  if (!in.ok() || !in.AtEnd()) return Malformed("answer to changes");
  return applied;
}

}  // namespace sirocco::wire
