// A table that the reader of the binary log keeps up to date: how its rows look in the log, and
// which table of which node they go to. No server headers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plan/table_schema.h"
#include "plugin/registry.h"
#include "wire/changes.h"

namespace sirocco::plugin {

// What a column gets in an INSERT that does not name it: rows logged with binlog_row_image=MINIMAL
// leave it out.
struct ColumnDefault {
  bool is_null = true;
  int64_t i64 = 0;
  __int128 i128 = 0;
  double f64 = 0;
  std::string bytes;

  bool operator==(const ColumnDefault&) const = default;
};

// A loaded column as the binary log's row events have it.
struct FollowedColumn {
  uint32_t logged = 0;        // position in the row images
  bool is_generated = false;  // left out of an UPDATE's image, it may have changed all the same
  bool has_default = false;   // `default_value` is what a row gets whose image leaves it out
  ColumnDefault default_value;

  bool operator==(const FollowedColumn&) const = default;
};

// Shape: one entry per column of the table's schema, in its order.
struct LoggedLayout {
  uint32_t num_logged = 0;  // columns of a TABLE_MAP event of the table
  std::vector<FollowedColumn> columns;

  bool operator==(const LoggedLayout&) const = default;
};

// A name the table has (had), valid for events that begin in [from, until).
struct NameSpan {
  TableName name;
  wire::Position from = 0, until = UINT64_MAX;
};

struct FollowedTable {
  std::vector<NameSpan> names;
  plan::TableId node_table = 0;
  uint64_t node_epoch = 0;
  std::shared_ptr<const plan::TableSchema> schema;
  std::shared_ptr<const LoggedLayout> layout;
  // The node's data is as of here: changes of later groups are to be applied.
  wire::Position start = 0;
  // The data is from before the table was locked for this: XA transactions that were prepared
  // before `start` are not known, so one that is committed between then and now is a gap.
  bool is_resumed = false;

  const TableName& name() const { return names.back().name; }
};

}  // namespace sirocco::plugin
