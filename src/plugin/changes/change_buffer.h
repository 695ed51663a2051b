// Collects row changes into the sections of a ChangeBatch (wire/changes.h). Rows of one table that
// follow each other with the same kind and columns share a section; different tables do not break
// it, since nothing of a batch is visible before all of it. No server headers.
//
// Marks: a transaction, or a savepoint, takes a mark at its start and goes back to it if it is
// rolled back. Threads: none.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "plan/node.h"
#include "wire/changes.h"
#include "wire/column_batch.h"

namespace sirocco::plugin {

// A section being filled. The caller appends a value to every column of `before` and `after`, then
// counts the row.
struct OpenSection {
  plan::TableId table = 0;
  wire::ChangeKind kind = wire::ChangeKind::kInsert;
  std::vector<uint32_t> before_columns, after_columns;  // positions in the table's schema
  wire::ColumnBatchBuilder before, after;
  uint32_t num_rows = 0;

  OpenSection(plan::TableId table_id, wire::ChangeKind change_kind,
              std::span<const uint32_t> columns_before, std::span<const plan::Lane> lanes_before,
              std::span<const uint32_t> columns_after, std::span<const plan::Lane> lanes_after);
};

class ChangeBuffer {
 public:
  // Rows per section, after the mark's order.
  using Mark = std::vector<uint32_t>;

  // The section that rows of this shape go to: the table's last one if it fits, else a new one.
  OpenSection& SectionFor(plan::TableId table, wire::ChangeKind kind,
                          std::span<const uint32_t> columns_before,
                          std::span<const plan::Lane> lanes_before,
                          std::span<const uint32_t> columns_after,
                          std::span<const plan::Lane> lanes_after);
  // About the bytes of row images taken since the last Clear.
  void CountBytes(size_t bytes) { size_bytes_ += bytes; }

  Mark TakeMark() const;
  void RollBack(const Mark& mark);
  // Appends the sections of `other` and empties it.
  void Take(ChangeBuffer* other);
  // Forgets the changes of a table that is no longer followed. Marks taken before stay usable.
  void Forget(plan::TableId table);

  bool empty() const;
  size_t size_bytes() const { return size_bytes_; }
  uint64_t num_rows() const;
  std::vector<plan::TableId> Tables() const;
  wire::ChangeBatch Encode(wire::Position end, bool last);
  void Clear();

 private:
  std::vector<std::unique_ptr<OpenSection>> sections_;  // one may have no rows
  std::map<plan::TableId, size_t> last_section_;
  size_t size_bytes_ = 0;
};

}  // namespace sirocco::plugin
