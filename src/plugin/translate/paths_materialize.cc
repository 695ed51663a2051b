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
                                                       const std::vector<Type>* targets) {
  Restore<Block*> restore_block(&block_);
  Restore<bool> restore_order(&order_pending_);
  blocks_.push_back(std::make_unique<Block>());
  block_ = blocks_.back().get();
  block_->join = join;
  order_pending_ = join != nullptr && join->order.order != nullptr;

  ASSIGN_OR_RETURN(NodePtr input, Path(root));
  if (root->type == AccessPath::FAKE_SINGLE_ROW) {
    ASSIGN_OR_RETURN(input, JoinScalarSubqueries(std::move(input), fields));
  }
  MutableNode project = NewNode(NodeKind::kProject, nullptr);
  project->estimated_rows = input->estimated_rows;
  BlockResult result;
  size_t position = 0;
  for (Item* item : VisibleFields(fields)) {
    if (targets != nullptr && position >= targets->size())
      return NotSupported("select list of an unknown shape");
    ExprPtr value;
    if (targets == nullptr) {
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

Result<NodePtr> Translator::JoinScalarSubqueries(NodePtr input,
                                                 const mem_root_deque<Item*>& fields) {
  std::vector<Item_subselect*> subqueries;
  auto collect = [&](Item* item) {
    if (item->type() == Item::SUBQUERY_ITEM) subqueries.push_back(down_cast<Item_subselect*>(item));
    return false;
  };
  for (Item* item : VisibleFields(fields)) WalkItem(item, enum_walk::PREFIX, collect);
  for (Item_subselect* subquery : subqueries) {
    Query_expression* unit = subquery->query_expr();
    if (subquery->subquery_type() != Item_subselect::SCALAR_SUBQUERY || subquery->cols() != 1 ||
        unit->root_access_path() == nullptr)
      return NotSupported("subquery that could not be turned into a join");
    ASSIGN_OR_RETURN(BlockResult rows, QueryBlock(JoinOf(unit), unit->root_access_path(),
                                                  *unit->get_field_list(), nullptr));
    MutableNode join = NewNode(NodeKind::kJoin, nullptr);
    join->join_kind = plan::JoinKind::kLeft;
    rows.node = RejectMultipleRows(std::move(rows.node), &rows.columns);
    join->inputs = {std::move(input), std::move(rows.node)};
    input = join;
    TypedColumn column = rows.columns[0];
    column.type.nullable = true;
    block_->value_columns.emplace_back(subquery, column);
  }
  return input;
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
  const ColumnId count = NewColumn();
  aggregate->aggregates.push_back(
      {.id = count, .function = plan::AggregateFunction::kCountStar, .type = flag});
  MutableNode filter = NewNode(NodeKind::kFilter, nullptr);
  filter->estimated_rows = 1;
  filter->inputs = {aggregate};
  const ExprPtr several = plan::Call(ExprOp::kGt, flag, {ColumnRef(count, flag), one});
  filter->predicate = plan::Call(ExprOp::kRejectIf, flag, {several, one});
  return filter;
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
