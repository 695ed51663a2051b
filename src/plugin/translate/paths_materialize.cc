// Derived tables, common table expressions and set operations: everything MySQL materializes
// between query blocks.
#include "plugin/translate/translator.h"

namespace sirocco::plugin {

using plan::ColumnRef;
using plan::NodeKind;

Result<std::vector<Type>> Translator::ColumnTypes(TABLE* table) const {
  std::vector<Type> types;
  for (uint i = 0; i < table->visible_field_count(); ++i) {
    ASSIGN_OR_RETURN(Type type, TypeOfField(table->visible_field_ptr()[i]));
    types.push_back(type);
  }
  return types;
}

Result<Translator::BlockResult> Translator::QueryBlock(JOIN* join, AccessPath* root,
                                                       const mem_root_deque<Item*>& fields,
                                                       const std::vector<Type>* targets,
                                                       const SelectValue* wanted) {
  Restore<Block*> restore_block(&block_);
  Restore<bool> restore_order(&order_pending_);
  blocks_.push_back(std::make_unique<Block>());
  block_ = blocks_.back().get();
  block_->join = join;
  order_pending_ = join != nullptr && join->order.order != nullptr;

  ASSIGN_OR_RETURN(NodePtr input, Path(root));
  std::vector<Item*> items;
  for (Item* item : VisibleFields(fields)) items.push_back(item);
  const NodePtr before = input;
  ASSIGN_OR_RETURN(input, JoinSubqueries(std::move(input), items, false));
  if (input != before && join != nullptr && join->order.order != nullptr)
    return NotSupported("subquery evaluated above ORDER BY");
  MutableNode project = NewNode(NodeKind::kProject, nullptr);
  project->estimated_rows = input->estimated_rows;
  BlockResult result;
  size_t position = 0;
  for (Item* item : VisibleFields(fields)) {
    if (targets != nullptr && position >= targets->size())
      return NotSupported("select list of an unknown shape");
    ExprPtr value;
    if (wanted != nullptr) {
      ASSIGN_OR_RETURN(value, (*wanted)(item));
    } else if (targets == nullptr) {
      RETURN_IF_ERROR(CheckDigits(item));
      ASSIGN_OR_RETURN(value, Output(item));
    } else {
      const Type& target = (*targets)[position];
      ASSIGN_OR_RETURN(value, Output(item));
      if (value->op == ExprOp::kTimestampToDatetime && target.kind == TypeKind::kTimestamp) {
        value = value->args[0];
      } else if (target.kind != TypeKind::kTimestamp && !SameRepresentation(value->type, target)) {
        ASSIGN_OR_RETURN(value, AsType(item, target));
      }
    }
    ++position;
    if (value->op == ExprOp::kColumn) {
      result.columns.push_back({.id = value->column, .type = value->type});
      continue;
    }
    const ColumnId id = NewColumn();
    result.columns.push_back({.id = id, .type = value->type});
    project->expressions.push_back({.id = id, .expr = std::move(value)});
  }
  if (targets != nullptr && position != targets->size())
    return NotSupported("select list of an unknown shape");
  for (const std::unique_ptr<Layer>& layer : block_->layers)
    if (!layer->grouping_sets.empty()) ExpandGroupingSets(layer.get());
  if (project->expressions.empty()) {
    result.node = std::move(input);
  } else {
    project->inputs = {std::move(input)};
    result.node = project;
  }
  return result;
}

namespace {

// How many digits after the point the server prints of a decimal: IF and CASE pass their branches'
// values on as they are. -1: NULL only; -2: it varies.
int PrintedDigits(Item* item) {
  item = Unwrap(item);
  if (item->type() == Item::NULL_ITEM) return -1;
  if (item->type() == Item::FUNC_ITEM && item->result_type() == DECIMAL_RESULT) {
    auto* function = down_cast<Item_func*>(item);
    const std::string_view name = function->func_name();
    std::vector<Item*> branches;
    if (name == "if") {
      branches = {function->arguments()[1], function->arguments()[2]};
    } else if (name == "case") {
      auto* choice = down_cast<Item_func_case*>(item);
      const int first = choice->get_first_expr_num(), otherwise = choice->get_else_expr_num();
      uint num_branches = function->arg_count;
      if (first >= 0)
        num_branches = static_cast<uint>(first);
      else if (otherwise >= 0)
        num_branches = static_cast<uint>(otherwise);
      for (uint i = 1; i < num_branches; i += 2) branches.push_back(function->arguments()[i]);
      if (otherwise >= 0) branches.push_back(function->arguments()[otherwise]);
    }
    int digits = -1;
    for (Item* branch : branches) {
      const int of_branch = PrintedDigits(branch);
      if (of_branch == -1) continue;
      if (of_branch == -2 || (digits >= 0 && digits != of_branch)) return -2;
      digits = of_branch;
    }
    if (!branches.empty()) return digits;
  }
  if (item->result_type() == INT_RESULT) return 0;
  if (item->result_type() != DECIMAL_RESULT) return -2;
  if (!item->const_for_execution() || item->has_subquery()) return item->decimals;
  my_decimal buffer;
  const my_decimal* value = item->val_decimal(&buffer);
  return value == nullptr || item->null_value ? -1 : value->frac;
}

}  // namespace

// A result column of decimals has one scale here. The server's IF and CASE print as many digits as
// the branch of the row has, where no temporary table is between them and the client.
Result<void> Translator::CheckDigits(Item* item) {
  if (block_ != blocks_.front().get() || lex_->sql_command != SQLCOM_SELECT ||
      item->result_type() != DECIMAL_RESULT || block_->join == nullptr ||
      block_->join->select_distinct || block_->join->query_block->has_windows() ||
      !lex_->unit->is_simple())
    return {};
  bool found = false;
  ASSIGN_OR_RETURN(ExprPtr group, GroupValue(item, &found));
  if (!found && PrintedDigits(item) == -2)
    return NotSupported("IF or CASE of decimals with different numbers of digits");
  return {};
}

Translator::BlockResult Translator::Combine(plan::SetOperation operation, BlockResult all,
                                            BlockResult side, const std::vector<Type>& types) {
  MutableNode node;
  const bool is_union =
      operation == plan::SetOperation::kUnionAll || operation == plan::SetOperation::kUnion;
  if (all.open_union != nullptr && all.open_union->set_operation == operation) {
    // A chain of one kind of UNION is one node.
    node = all.open_union;
  } else {
    node = NewNode(NodeKind::kSetOperation, nullptr);
    node->set_operation = operation;
    node->inputs = {all.node};
    node->set_inputs.emplace_back();
    for (size_t k = 0; k < types.size(); ++k) {
      Type type = all.columns[k].type;
      if (type.kind == TypeKind::kNull) type = types[k];
      node->set_inputs[0].push_back(all.columns[k].id);
      node->set_outputs.emplace_back(NewColumn(), type);
    }
  }
  BlockResult result;
  node->inputs.push_back(side.node);
  node->set_inputs.emplace_back();
  for (size_t k = 0; k < types.size(); ++k) {
    node->set_inputs.back().push_back(side.columns[k].id);
    Type& type = node->set_outputs[k].second;
    type.nullable = type.nullable || side.columns[k].type.nullable;
    type.max_length = std::max(type.max_length, side.columns[k].type.max_length);
    type.precision = std::max(type.precision, side.columns[k].type.precision);
    result.columns.push_back({.id = node->set_outputs[k].first, .type = type});
  }
  result.node = node;
  if (is_union) result.open_union = node;
  return result;
}

Result<Translator::BlockResult> Translator::SetOperation(const MaterializePathParameters& param,
                                                         std::vector<Type> types) {
  const TABLE* table = param.table;
  const bool is_union = !table->is_intersect() && !table->is_except();
  // Between several blocks a TIMESTAMP is its local time: not every block has the moment itself.
  if (param.m_operands.size() > 1)
    for (Type& type : types)
      if (type.kind == TypeKind::kTimestamp) type.kind = TypeKind::kDatetime;
  BlockResult result;
  for (size_t i = 0; i < param.m_operands.size(); ++i) {
    const MaterializePathParameters::Operand& operand = param.m_operands[i];
    if (operand.is_recursive_reference) return NotSupported("recursive common table expression");
    // A set operation read into a derived table has no JOIN of its own.
    JOIN* join = operand.join != nullptr ? operand.join : JoinOf(param.unit);
    const mem_root_deque<Item*>& fields =
        operand.join != nullptr ? *operand.join->fields : *param.unit->get_field_list();
    ASSIGN_OR_RETURN(BlockResult side, QueryBlock(join, operand.subquery_path, fields, &types));
    plan::SetOperation operation;
    if (is_union) {
      const bool distinct = MaterializeIsDoingDeduplication(param.table) &&
                            !operand.disable_deduplication_by_hash_field;
      operation = distinct ? plan::SetOperation::kUnion : plan::SetOperation::kUnionAll;
    } else if (table->is_intersect()) {
      operation =
          table->is_distinct() ? plan::SetOperation::kIntersect : plan::SetOperation::kIntersectAll;
    } else {
      const bool distinct =
          operand.m_first_distinct > 0 && operand.m_operand_idx >= operand.m_first_distinct;
      operation = distinct ? plan::SetOperation::kExcept : plan::SetOperation::kExceptAll;
    }
    if (i > 0) {
      result = Combine(operation, std::move(result), std::move(side), types);
      continue;
    }
    result = std::move(side);
    // The rows of a set operation are distinct already where they have to be.
    if (param.m_operands.size() > 1 || operation != plan::SetOperation::kUnion ||
        operand.join == nullptr)
      continue;
    // A single operand with duplicate removal is DISTINCT.
    MutableNode distinct = NewNode(NodeKind::kAggregate, nullptr);
    distinct->inputs = {result.node};
    for (TypedColumn& column : result.columns) {
      const ColumnId id = NewColumn();
      distinct->groups.push_back({.id = id, .expr = ColumnRef(column.id, column.type)});
      column.id = id;
    }
    result.node = distinct;
  }
  return result;
}

Result<NodePtr> Translator::Materialize(AccessPath* path) {
  const MaterializePathParameters& param = *path->materialize().param;
  if (param.cte != nullptr && param.cte->recursive)
    return NotSupported("recursive common table expression");
  if (param.invalidators != nullptr && !param.invalidators->empty())
    return NotSupported("lateral derived table");
  AccessPath* reader = path->materialize().table_path;
  if (reader->type != AccessPath::TABLE_SCAN)
    return NotSupported("index access to a derived table");
  TABLE* table = reader->table_scan().table;
  // Materialization inside one query block has no own JOIN.
  if (param.unit == nullptr && param.m_operands.size() == 1 && block_->join != nullptr &&
      param.m_operands[0].join == block_->join)
    return NotSupported("intermediate result in a temporary table");
  if (param.cte != nullptr && param.cte->tmp_tables.size() > 1)
    return SharedExpression(param, table);

  ASSIGN_OR_RETURN(BlockResult block, MaterializedRows(param, table));
  Source* source = AddSource(table, Source::Kind::kColumns);
  source->columns = std::move(block.columns);
  return block.node;
}

// What the server would put into the temporary table.
Result<Translator::BlockResult> Translator::MaterializedRows(const MaterializePathParameters& param,
                                                             TABLE* table) {
  ASSIGN_OR_RETURN(const std::vector<Type> types, ColumnTypes(table));
  ASSIGN_OR_RETURN(BlockResult block, SetOperation(param, types));
  if (param.limit_rows != HA_POS_ERROR) {
    MutableNode limit = NewNode(NodeKind::kLimit, nullptr);
    limit->inputs = {std::move(block.node)};
    limit->limit = param.limit_rows;
    block.node = limit;
  }
  if (param.reject_multiple_rows)
    block.node = RejectMultipleRows(std::move(block.node), &block.columns);
  return block;
}

// At most one row: more than one is error 1242. No row stays no row, because the aggregation has a
// (constant) group.
NodePtr Translator::RejectMultipleRows(NodePtr input, std::vector<TypedColumn>* columns) {
  const Type flag = plan::IntType(false);
  const ExprPtr one = plan::Constant(plan::Value::Int(1), flag);
  const ColumnId count = NewColumn();
  MutableNode filter = NewNode(NodeKind::kFilter, nullptr);
  filter->estimated_rows = 1;
  filter->inputs = {CountAndAnyValue(std::move(input), count, columns)};
  const ExprPtr several = plan::Call(ExprOp::kGt, flag, {ColumnRef(count, flag), one});
  filter->predicate = plan::Call(ExprOp::kRejectIf, flag, {several, one});
  return filter;
}

// One row for any number of rows but none: their number and any of their values.
NodePtr Translator::CountAndAnyValue(NodePtr input, ColumnId count,
                                     std::vector<TypedColumn>* columns) {
  const Type flag = plan::IntType(false);
  const ExprPtr one = plan::Constant(plan::Value::Int(1), flag);
  MutableNode aggregate = NewNode(NodeKind::kAggregate, nullptr);
  aggregate->estimated_rows = 1;
  aggregate->inputs = {std::move(input)};
  aggregate->groups.push_back({.id = NewColumn(), .expr = one});
  for (TypedColumn& column : *columns) {
    const ColumnId id = NewColumn();
    aggregate->aggregates.push_back({.id = id,
                                     .function = plan::AggregateFunction::kAnyValue,
                                     .args = {ColumnRef(column.id, column.type)},
                                     .type = column.type});
    column.id = id;
  }
  aggregate->aggregates.push_back(
      {.id = count, .function = plan::AggregateFunction::kCountStar, .type = flag});
  return aggregate;
}

// A common table expression read several times: translated once, read through kSharedScan.
Result<NodePtr> Translator::SharedExpression(const MaterializePathParameters& param, TABLE* table) {
  const void* key = param.cte;
  if (!shared_index_.contains(key)) {
    ASSIGN_OR_RETURN(BlockResult block, MaterializedRows(param, table));
    shared_index_[key] = static_cast<uint32_t>(result_.plan.shared.size());
    result_.plan.shared.push_back(block.node);
    shared_columns_.push_back(std::move(block.columns));
  }
  const uint32_t index = shared_index_[key];
  MutableNode node = NewNode(NodeKind::kSharedScan, nullptr);
  node->shared = index;
  node->estimated_rows = result_.plan.shared[index]->estimated_rows;
  Source* source = AddSource(table, Source::Kind::kShared);
  source->node = node;
  source->columns = shared_columns_[index];
  return NodePtr(node);
}

// UNION ALL at the top: blocks that are read one after the other, the distinct ones before them
// materialized together.
Result<NodePtr> Translator::Append(AccessPath* path) {
  TABLE* table = nullptr;
  std::vector<Type> types;
  BlockResult all;
  for (const AppendPathParameters& child : *path->append().children) {
    TABLE* target = nullptr;
    switch (child.path->type) {
      case AccessPath::STREAM:
        target = child.path->stream().table;
        break;
      case AccessPath::MATERIALIZE:
        target = child.path->materialize().param->table;
        break;
      default:
        return NotSupported("appended query blocks of this kind");
    }
    if (table == nullptr) {
      table = target;
      ASSIGN_OR_RETURN(types, ColumnTypes(table));
      for (Type& type : types)
        if (type.kind == TypeKind::kTimestamp) type.kind = TypeKind::kDatetime;
    }
    if (target != table) return NotSupported("appended query blocks of different tables");
    Result<BlockResult> side =
        child.path->type == AccessPath::MATERIALIZE
            ? SetOperation(*child.path->materialize().param, types)
            : QueryBlock(child.path->stream().join, child.path->stream().child,
                         *child.path->stream().join->fields, &types);
    if (!side) return std::unexpected(side.error());
    if (all.node == nullptr)
      all = std::move(*side);
    else
      all = Combine(plan::SetOperation::kUnionAll, std::move(all), std::move(*side), types);
  }
  Source* source = AddSource(table, Source::Kind::kColumns);
  source->columns = std::move(all.columns);
  return all.node;
}

}  // namespace sirocco::plugin
