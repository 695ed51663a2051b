// Access paths to plan nodes: dispatch, scans, filters, sorts, limits, rows without a table.
#include "plugin/translate/translator.h"

namespace sirocco::plugin {

using plan::NodeKind;

namespace {

// What a DBA calls the path; only those that may reach us unsupported.
const char* PathName(AccessPath::Type type) {
  switch (type) {
#define SIROCCO_PATH(path, method, name)
#define SIROCCO_REFUSED_PATH(path, name) \
  case AccessPath::path:                 \
    return name;
#include "plugin/translate/paths.inc"
#undef SIROCCO_REFUSED_PATH
#undef SIROCCO_PATH
    default:
      return "index access";
  }
}

}  // namespace

MutableNode Translator::NewNode(NodeKind kind, const AccessPath* path) {
  auto node = std::make_shared<plan::Node>();
  node->kind = kind;
  if (path != nullptr) node->estimated_rows = path->num_output_rows();
  return node;
}

Source* Translator::AddSource(TABLE* table, Source::Kind kind) {
  Source& source = sources_[table];
  source = Source{};
  source.kind = kind;
  source.owner = block_;
  return &source;
}

Result<NodePtr> Translator::Path(AccessPath* path) {
  switch (path->type) {
#define SIROCCO_PATH(path_type, method, name) \
  case AccessPath::path_type:                 \
    return method(path);
#define SIROCCO_REFUSED_PATH(path_type, name)
#include "plugin/translate/paths.inc"
#undef SIROCCO_REFUSED_PATH
#undef SIROCCO_PATH
    default:
      return NotSupported(std::string("plan operator not supported: ") + PathName(path->type));
  }
}

Result<NodePtr> Translator::TableScan(AccessPath* path) {
  TABLE* table = path->table_scan().table;
  if (const Table_ref* reference = table->pos_in_table_list;
      table->s->table_category == TABLE_CATEGORY_TEMPORARY ||
      (reference != nullptr && reference->is_view_or_derived())) {
    // The materialization is part of another reference's path, or above this one; its source is
    // known by now.
    if (const auto it = sources_.find(table); it != sources_.end() && it->second.node != nullptr)
      return NodePtr(it->second.node);
    return NotSupported("scan of a temporary table");
  }
  ASSIGN_OR_RETURN(const ResolvedTable resolved, resolver_.Resolve(table));
  MutableNode node = NewNode(NodeKind::kScan, path);
  node->table = resolved.id;
  node->table_name = std::string(table->s->db.str, table->s->db.length) + "." +
                     std::string(table->s->table_name.str, table->s->table_name.length);
  Source* source = AddSource(table, Source::Kind::kScan);
  source->node = node;
  source->schema = resolved.schema;
  bool known = false;
  for (const auto& used : result_.tables) known |= used.second == resolved.id;
  if (!known) result_.tables.emplace_back(table, resolved.id);
  return NodePtr(node);
}

Result<NodePtr> Translator::Filter(AccessPath* path) {
  ASSIGN_OR_RETURN(NodePtr input, Path(path->filter().child));
  return FilterOn(std::move(input), path->filter().condition, path);
}

// The rows of `input` for which the condition holds; `path` has the estimate.
Result<NodePtr> Translator::FilterOn(NodePtr input, Item* condition_item, AccessPath* path) {
  ExprPtr condition;
  if (condition_item->has_subquery()) {
    std::vector<Item*> rest;
    ASSIGN_OR_RETURN(input, FilterBySubqueries(std::move(input), condition_item, &rest));
    std::vector<ExprPtr> terms;
    for (Item* term : rest) {
      ASSIGN_OR_RETURN(ExprPtr value, AsCondition(term));
      terms.push_back(std::move(value));
    }
    condition = plan::Conjunction(std::move(terms));
    if (condition == nullptr) return input;
  } else {
    ASSIGN_OR_RETURN(condition, AsCondition(condition_item));
  }
  if (input->kind == NodeKind::kScan && input->predicate == nullptr) {
    // The scan takes the filter above it.
    auto* scan = const_cast<plan::Node*>(input.get());
    scan->predicate = std::move(condition);
    scan->estimated_rows = path->num_output_rows();
    return input;
  }
  MutableNode node = NewNode(NodeKind::kFilter, path);
  node->inputs = {std::move(input)};
  node->predicate = std::move(condition);
  return NodePtr(node);
}

Result<plan::SortKey> Translator::MakeSortKey(Item* item, bool descending) {
  ASSIGN_OR_RETURN(ExprPtr value, Output(item));
  if (value->type.kind == TypeKind::kJson || value->type.kind == TypeKind::kVector)
    return NotSupported("ORDER BY of a JSON or VECTOR value");
  // A TIMESTAMP column is sorted by the moment, not by its local time.
  if (value->op == ExprOp::kTimestampToDatetime && item->real_item()->type() == Item::FIELD_ITEM)
    value = value->args[0];
  return plan::SortKey{.expr = std::move(value), .descending = descending};
}

Result<NodePtr> Translator::SortBy(NodePtr input, const std::vector<std::pair<Item*, bool>>& order,
                                   uint64_t limit, uint64_t offset) {
  MutableNode node = NewNode(NodeKind::kSort, nullptr);
  node->estimated_rows = input->estimated_rows;
  node->inputs = {std::move(input)};
  for (const auto& [item, descending] : order) {
    ASSIGN_OR_RETURN(plan::SortKey key, MakeSortKey(item, descending));
    if (key.expr->op != ExprOp::kConstant) node->sort_keys.push_back(std::move(key));
  }
  node->limit = limit;
  node->offset = offset;
  if (node->sort_keys.empty()) {
    if (limit == plan::kNoLimit && offset == 0) return node->inputs[0];
    node->kind = NodeKind::kLimit;
  }
  return NodePtr(node);
}

Result<NodePtr> Translator::Sort(AccessPath* path) {
  const auto& sort = path->sort();
  // Whether rows must leave in this order: a top-N always, else only for the block's own ORDER BY.
  const bool ordered = order_pending_ || sort.limit != HA_POS_ERROR;
  order_pending_ = false;
  ASSIGN_OR_RETURN(NodePtr input, Path(sort.child));
  std::vector<std::pair<Item*, bool>> order;
  for (const ORDER* key = sort.order; key != nullptr; key = key->next)
    order.emplace_back(*key->item, key->direction == ORDER_DESC);
  // Joins above a sort would lose its order: what the select list needs is joined now.
  std::vector<Item*> items;
  for (const auto& [item, descending] : order) items.push_back(item);
  if (ordered && block_->join != nullptr)
    for (Item* item : block_->join->query_block->visible_fields()) items.push_back(item);
  ASSIGN_OR_RETURN(input, JoinSubqueries(std::move(input), items, false));
  if (sort.remove_duplicates) {
    std::vector<std::pair<Item*, ExprPtr>> groups;
    for (const auto& [item, descending] : order) {
      ASSIGN_OR_RETURN(ExprPtr value, Output(item));
      groups.emplace_back(item, std::move(value));
    }
    input = GroupOn(std::move(input), std::move(groups));
    block_->layers.back()->distinct = true;
  }
  if (!ordered) return input;
  const uint64_t limit = sort.limit == HA_POS_ERROR ? plan::kNoLimit : sort.limit;
  return SortBy(std::move(input), order, limit, 0);
}

Result<NodePtr> Translator::Limit(AccessPath* path) {
  const auto& limit = path->limit_offset();
  if (limit.count_all_rows && (block_ != blocks_.front().get() || !lex_->unit->is_simple()))
    return NotSupported("SQL_CALC_FOUND_ROWS in a set operation");
  ASSIGN_OR_RETURN(NodePtr input, Path(limit.child));
  // The path counts the skipped rows into its limit.
  const uint64_t count = limit.limit == HA_POS_ERROR  ? plan::kNoLimit
                         : limit.limit > limit.offset ? limit.limit - limit.offset
                                                      : 0;
  if (limit.count_all_rows) {
    result_.count_found_rows = true;
    result_.found_rows_limit = count;
    result_.found_rows_offset = limit.offset;
    return input;
  }
  if (limit.reject_multiple_rows) return NotSupported("check for more than one row of a subquery");
  MutableNode node = NewNode(NodeKind::kLimit, path);
  node->inputs = {std::move(input)};
  node->limit = count;
  node->offset = limit.offset;
  return NodePtr(node);
}

Result<NodePtr> Translator::SingleRow(AccessPath* path) {
  MutableNode node = NewNode(NodeKind::kValues, path);
  node->rows.emplace_back();
  return NodePtr(node);
}

// No row. Columns of the tables the optimizer pruned may still be named above.
Result<NodePtr> Translator::ZeroRows(AccessPath* path) {
  if (block_->zero_rows == nullptr) {
    block_->zero_rows = NewNode(NodeKind::kValues, path);
    return NodePtr(block_->zero_rows);
  }
  return NotSupported("several empty inputs in one query block");
}

Result<NodePtr> Translator::ZeroRowsAggregated(AccessPath* path) {
  block_->zero_rows = NewNode(NodeKind::kValues, path);
  return GroupOn(block_->zero_rows, {});
}

// VALUES ROW(...), ...: rows of constants.
Result<NodePtr> Translator::TableValues(AccessPath* path) {
  MutableNode node = NewNode(NodeKind::kValues, path);
  std::vector<Item*> columns;
  for (Item* item : *path->table_value_constructor().output_refs) {
    ASSIGN_OR_RETURN(const Type type, TypeOfItem(item));
    const TypedColumn column{.id = NewColumn(), .type = type};
    node->value_columns.emplace_back(column.id, column.type);
    block_->value_columns.emplace_back(item, column);
  }
  for (const mem_root_deque<Item*>* row : *block_->join->query_block->row_value_list) {
    std::vector<plan::Value> values;
    for (Item* item : *row) {
      if (!IsConstant(item)) return NotSupported("VALUES with an expression that is not constant");
      ASSIGN_OR_RETURN(const ExprPtr value,
                       AsType(item, node->value_columns[values.size()].second));
      if (value->op != ExprOp::kConstant) return NotSupported("VALUES with this mix of types");
      values.push_back(value->constant);
    }
    node->rows.push_back(std::move(values));
  }
  return NodePtr(node);
}

}  // namespace sirocco::plugin
