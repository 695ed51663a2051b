// Changes of loaded tables on their way from the plugin's binary log reader to a node.
//
// A ChangeBatch carries whole transactions in commit order. Its sections are applied in order;
// nothing of a batch is visible to a query before all of it is. A transaction that is too big for
// one message is cut: all batches but the last have `last = false` and become visible with the last
// one. The node answers kApplyChanges with kApplied.
//
// Position: a place in the server's binary log, file number << 40 | offset of the byte after the
// last event. Positions of one server only grow; 0 is "none".
//
// Rows travel as column batches (wire/column_batch.h) in the lanes and forms of a load. A row to
// change is named by its before image: the columns the server logged of it, at least the primary
// key where the table has one, else every loaded column. Values equal those loaded byte for byte,
// so the node compares bytes, not collations.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "plan/node.h"

namespace sirocco::wire {

using Position = uint64_t;

inline constexpr int kPositionFileShift = 40;
inline Position MakePosition(uint64_t file_number, uint64_t offset) {
  return file_number << kPositionFileShift | offset;
}

enum class ChangeKind : uint8_t {
  kInsert = 1,  // `after`: every loaded column
  kUpdate,      // `before`: key or more; `after`: every changed column, row by row in step
  kDelete,      // `before`
  kTruncate,    // no rows: the table is empty from here on
};

// Some columns of some rows.
struct ChangeRows {
  std::vector<uint32_t> columns;  // positions in the table's schema, ascending
  std::string batch;              // a payload of EncodeColumnBatch with these columns
};

struct ChangeSection {
  plan::TableId table = 0;
  ChangeKind kind = ChangeKind::kInsert;
  uint32_t num_rows = 0;
  ChangeRows before, after;
};

struct ChangeBatch {
  Position end_position = 0;  // every table that receives changes stands here afterwards
  bool last = true;
  std::vector<ChangeSection> sections;
};

// A table that could not follow: the node has taken it away from queries.
struct FailedTable {
  plan::TableId table = 0;
  std::string reason;
};

struct Applied {
  Position position = 0;
  std::vector<FailedTable> failed;
};

std::string EncodeChangeBatch(const ChangeBatch& batch);
// Checks structure, not the column batches in it.
Result<ChangeBatch> DecodeChangeBatch(std::string_view payload);
std::string EncodeApplied(const Applied& applied);
Result<Applied> DecodeApplied(std::string_view payload);

}  // namespace sirocco::wire
