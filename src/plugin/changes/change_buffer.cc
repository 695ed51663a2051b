#include "plugin/changes/change_buffer.h"

#include <algorithm>
#include <set>

namespace sirocco::plugin {
namespace {

// A section that has grown to this is closed: offsets into strings have 32 bits.
constexpr uint32_t kMaxSectionRows = 1 << 20;
constexpr size_t kMaxColumnBytes = 256 << 20;

void Truncate(wire::ColumnBatchBuilder* batch, uint32_t num_rows) {
  for (wire::ColumnBuffer& column : batch->columns()) {
    switch (column.lane) {
      case plan::Lane::kI64:
        column.i64.resize(num_rows);
        break;
      case plan::Lane::kI128:
        column.i128.resize(num_rows);
        break;
      case plan::Lane::kF64:
        column.f64.resize(num_rows);
        break;
      default:
        column.offsets.resize(num_rows + 1);
        column.bytes.resize(column.offsets.back());
        break;
    }
    if (!column.nulls.empty()) column.nulls.resize(num_rows);
  }
}

size_t LargestColumn(wire::ColumnBatchBuilder& rows) {
  size_t largest = 0;
  for (const wire::ColumnBuffer& column : rows.columns())
    largest = std::max(largest, column.bytes.size());
  return largest;
}

bool HasRoom(OpenSection& section) {
  return section.num_rows < kMaxSectionRows && LargestColumn(section.before) < kMaxColumnBytes &&
         LargestColumn(section.after) < kMaxColumnBytes;
}

wire::ChangeRows EncodeRows(const std::vector<uint32_t>& columns, wire::ColumnBatchBuilder* rows,
                            uint32_t num_rows) {
  if (columns.empty()) return {};
  rows->num_rows = num_rows;
  return {columns, rows->Encode()};
}

}  // namespace

OpenSection::OpenSection(plan::TableId table_id, wire::ChangeKind change_kind,
                         std::span<const uint32_t> columns_before,
                         std::span<const plan::Lane> lanes_before,
                         std::span<const uint32_t> columns_after,
                         std::span<const plan::Lane> lanes_after)
    : table(table_id),
      kind(change_kind),
      before_columns(columns_before.begin(), columns_before.end()),
      after_columns(columns_after.begin(), columns_after.end()),
      before(lanes_before),
      after(lanes_after) {}

OpenSection& ChangeBuffer::SectionFor(plan::TableId table, wire::ChangeKind kind,
                                      std::span<const uint32_t> columns_before,
                                      std::span<const plan::Lane> lanes_before,
                                      std::span<const uint32_t> columns_after,
                                      std::span<const plan::Lane> lanes_after) {
  if (const auto found = last_section_.find(table); found != last_section_.end()) {
    OpenSection& section = *sections_[found->second];
    if (section.kind == kind && std::ranges::equal(section.before_columns, columns_before) &&
        std::ranges::equal(section.after_columns, columns_after) && HasRoom(section))
      return section;
  }
  last_section_[table] = sections_.size();
  sections_.push_back(std::make_unique<OpenSection>(table, kind, columns_before, lanes_before,
                                                    columns_after, lanes_after));
  return *sections_.back();
}

ChangeBuffer::Mark ChangeBuffer::TakeMark() const {
  Mark mark;
  mark.reserve(sections_.size());
  for (const auto& section : sections_) mark.push_back(section->num_rows);
  return mark;
}

void ChangeBuffer::RollBack(const Mark& mark) {
  if (mark.size() < sections_.size()) sections_.resize(mark.size());
  for (size_t i = 0; i < sections_.size(); ++i) {
    OpenSection& section = *sections_[i];
    // A table forgotten meanwhile has fewer rows than the mark.
    const uint32_t num_rows = std::min(section.num_rows, mark[i]);
    Truncate(&section.before, num_rows);
    Truncate(&section.after, num_rows);
    section.num_rows = num_rows;
  }
  last_section_.clear();
  for (size_t i = 0; i < sections_.size(); ++i) last_section_[sections_[i]->table] = i;
}

void ChangeBuffer::Take(ChangeBuffer* other) {
  for (auto& section : other->sections_) {
    if (section->num_rows == 0) continue;
    last_section_[section->table] = sections_.size();
    sections_.push_back(std::move(section));
  }
  size_bytes_ += other->size_bytes_;
  other->Clear();
}

void ChangeBuffer::Forget(plan::TableId table) {
  for (const auto& section : sections_) {
    if (section->table != table) continue;
    Truncate(&section->before, 0);
    Truncate(&section->after, 0);
    section->num_rows = 0;
  }
  last_section_.erase(table);
}

bool ChangeBuffer::empty() const {
  return std::ranges::all_of(sections_, [](const auto& section) { return section->num_rows == 0; });
}

uint64_t ChangeBuffer::num_rows() const {
  uint64_t total = 0;
  for (const auto& section : sections_) total += section->num_rows;
  return total;
}

std::vector<plan::TableId> ChangeBuffer::Tables() const {
  std::set<plan::TableId> tables;
  for (const auto& section : sections_)
    if (section->num_rows != 0) tables.insert(section->table);
  return {tables.begin(), tables.end()};
}

wire::ChangeBatch ChangeBuffer::Encode(wire::Position end, bool last) {
  wire::ChangeBatch batch;
  batch.end_position = end;
  batch.last = last;
  for (const auto& section : sections_) {
    if (section->num_rows == 0) continue;
    batch.sections.push_back(
        {.table = section->table,
         .kind = section->kind,
         .num_rows = section->num_rows,
         .before = EncodeRows(section->before_columns, &section->before, section->num_rows),
         .after = EncodeRows(section->after_columns, &section->after, section->num_rows)});
  }
  return batch;
}

void ChangeBuffer::Clear() {
  sections_.clear();
  last_section_.clear();
  size_bytes_ = 0;
}

}  // namespace sirocco::plugin
