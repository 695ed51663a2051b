// Names in reach while a statement is translated: which ColumnId an Item means at a given place of
// a query block.
//
// A query block is a stack of layers. The lowest holds the tables of the join tree: an Item_field
// is resolved through the Source of its TABLE. An AGGREGATE (or DISTINCT) puts a layer on top:
// above it only group expressions and aggregate functions exist, and an Item that equals a group
// expression means the group's column. A WINDOW puts a layer that adds its functions' results and
// lets everything else through.
//
// Columns are added to their producing node on first use (scan columns, aggregates, window calls),
// so a plan holds only what is read. The nodes stay mutable until the translation ends.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "plan/node.h"
#include "plan/table_schema.h"

class Item;
class JOIN;
class Window;
struct TABLE;

namespace sirocco::plugin {

using MutableNode = std::shared_ptr<plan::Node>;

struct TypedColumn {
  plan::ColumnId id = 0;
  plan::Type type;
};

struct Block;

// A TABLE whose fields may be referred to: a base table, a derived table, a reference to a shared
// expression, or a table the optimizer found to be empty.
struct Source {
  enum class Kind { kScan, kColumns, kShared, kZeroRows };
  Kind kind = Kind::kColumns;
  const Block* owner = nullptr;               // the query block in which the table is visible
  MutableNode node;                           // where columns are added (all kinds but kColumns)
  const plan::TableSchema* schema = nullptr;  // kScan
  std::vector<TypedColumn> columns;           // kColumns, kShared: by position of the visible field
  std::unordered_map<uint32_t, TypedColumn> used;  // the others: by field index / position
};

// A group expression and what it is called above the aggregation.
struct GroupItem {
  Item* item = nullptr;
  plan::ExprPtr value;
  plan::ColumnId id = 0;
};

struct Layer {
  enum class Kind { kAggregate, kWindow };
  Kind kind = Kind::kAggregate;
  MutableNode node;
  std::vector<GroupItem> groups;        // kAggregate
  bool rollup = false;                  // kAggregate
  std::vector<uint64_t> grouping_sets;  // kAggregate with CUBE or GROUPING SETS: bit i for
                                        // groups[i], one mask per set
  bool distinct = false;                // kAggregate: it only removes duplicates
  Window* window = nullptr;             // kWindow
};

// What a subquery in an expression means, and above which layers its columns were joined.
struct SubqueryColumn {
  const Item* item = nullptr;
  plan::ExprPtr value;
  size_t depth = 0;
};

struct Block {
  JOIN* join = nullptr;  // null: the set operation at the top when it is not materialized
  std::vector<std::unique_ptr<Layer>> layers;  // bottom to top
  size_t depth = 0;                            // layers in reach of the Item being translated
  MutableNode zero_rows;                       // where columns of pruned tables are added
  std::vector<std::pair<const Item*, TypedColumn>> value_columns;  // of a VALUES clause
  std::vector<SubqueryColumn> subqueries;                          // joined so far
};

}  // namespace sirocco::plugin
