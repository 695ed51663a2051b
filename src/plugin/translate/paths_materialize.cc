// Derived tables, common table expressions and set operations: everything MySQL materializes between query blocks.
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
  order_pending_ = join->order.order != nullptr;

  ASSIGN_OR_RETURN(NodePtr input, Path(root));
  MutableNode project = NewNode(NodeKind::kProject, nullptr);
  project->estimated_rows = input->estimated_rows;
  BlockResult result;
  size_t position = 0;
  for (Item* item : VisibleFields(fields)) {
    if (targets != nullptr && position >= targets->size()) return NotSupported("select list of an unknown shape");
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
  if (targets != nullptr && position != targets->size()) return NotSupported("select list of an unknown shape");
  if (project->expressions.empty()) {
    result.node = std::move(input);
  } else {
    project->inputs = {std::move(input)};
    result.node = project;
  }
  return result;
}

Result<Translator::BlockResult> Translator::SetOperation(const MaterializePathParameters& param,
                                                         const std::vector<Type>& types) {
  const TABLE* table = param.table;
  const bool is_union = !table->is_intersect() && !table->is_except();
  BlockResult result;
  for (size_t i = 0; i < param.m_operands.size(); ++i) {
    const MaterializePathParameters::Operand& operand = param.m_operands[i];
    if (operand.is_recursive_reference) return NotSupported("recursive common table expression");
    ASSIGN_OR_RETURN(BlockResult side, QueryBlock(operand.join, operand.subquery_path, *operand.join->fields, &types));
    plan::SetOperation operation;
    if (is_union) {
      const bool distinct = table->is_distinct() && !operand.disable_deduplication_by_hash_field;
      operation = distinct ? plan::SetOperation::kUnion : plan::SetOperation::kUnionAll;
    } else if (table->is_intersect()) {
      operation = table->is_distinct() ? plan::SetOperation::kIntersect : plan::SetOperation::kIntersectAll;
    } else {
      const bool distinct = operand.m_operand_idx >= operand.m_first_distinct && table->is_distinct();
      operation = distinct ? plan::SetOperation::kExcept : plan::SetOperation::kExceptAll;
    }
    if (i == 0) {
      result = std::move(side);
      if (param.m_operands.size() > 1 || operation != plan::SetOperation::kUnion) continue;
      // A single operand with duplicate removal is DISTINCT.
      MutableNode distinct = NewNode(NodeKind::kAggregate, nullptr);
      distinct->inputs = {result.node};
      for (TypedColumn& column : result.columns) {
        const ColumnId id = NewColumn();
        distinct->groups.push_back({.id = id, .expr = ColumnRef(column.id, column.type)});
        column.id = id;
      }
      result.node = distinct;
      continue;
    }
    MutableNode node = NewNode(NodeKind::kSetOperation, nullptr);
    node->set_operation = operation;
    node->inputs = {result.node, side.node};
    node->set_inputs.resize(2);
    BlockResult combined;
    for (size_t k = 0; k < types.size(); ++k) {
      Type type = result.columns[k].type;
      type.nullable = type.nullable || side.columns[k].type.nullable;
      if (type.kind == TypeKind::kNull) type = types[k];
      const ColumnId id = NewColumn();
      node->set_outputs.emplace_back(id, type);
      node->set_inputs[0].push_back(result.columns[k].id);
      node->set_inputs[1].push_back(side.columns[k].id);
      combined.columns.push_back({.id = id, .type = type});
    }
    combined.node = node;
    result = std::move(combined);
  }
  return result;
}

Result<NodePtr> Translator::Materialize(AccessPath* path) {
  const MaterializePathParameters& param = *path->materialize().param;
  if (param.cte != nullptr && param.cte->recursive) return NotSupported("recursive common table expression");
  if (param.rematerialize || (param.invalidators != nullptr && !param.invalidators->empty()))
    return NotSupported("lateral derived table");
  if (param.reject_multiple_rows) return NotSupported("check for more than one row of a subquery");
  AccessPath* reader = path->materialize().table_path;
  if (reader->type != AccessPath::TABLE_SCAN) return NotSupported("index access to a derived table");
  TABLE* table = reader->table_scan().table;
  // Materialization inside one query block has no own JOIN.
  if (param.unit == nullptr && param.m_operands.size() == 1 && param.m_operands[0].join == block_->join)
    return NotSupported("intermediate result in a temporary table");
  if (param.cte != nullptr && param.cte->tmp_tables.size() > 1) return SharedExpression(param, table);

  ASSIGN_OR_RETURN(const std::vector<Type> types, ColumnTypes(table));
  ASSIGN_OR_RETURN(BlockResult block, SetOperation(param, types));
  NodePtr node = block.node;
  if (param.limit_rows != HA_POS_ERROR) {
    MutableNode limit = NewNode(NodeKind::kLimit, path);
    limit->inputs = {std::move(node)};
    limit->limit = param.limit_rows;
    node = limit;
  }
  Source* source = AddSource(table, Source::Kind::kColumns);
  source->columns = std::move(block.columns);
  return node;
}

// A common table expression read several times: translated once, read through kSharedScan.
Result<NodePtr> Translator::SharedExpression(const MaterializePathParameters& param, TABLE* table) {
  const void* key = param.cte;
  if (!shared_index_.contains(key)) {
    ASSIGN_OR_RETURN(const std::vector<Type> types, ColumnTypes(table));
    ASSIGN_OR_RETURN(BlockResult block, SetOperation(param, types));
    if (param.limit_rows != HA_POS_ERROR) return NotSupported("LIMIT in a shared common table expression");
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

Result<NodePtr> Translator::Append(AccessPath*) { return NotSupported("appended query blocks"); }

}  // namespace sirocco::plugin
