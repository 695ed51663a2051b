// AGGREGATE, DISTINCT and duplicate removal: each puts an aggregate layer on the query block.
#include "plugin/translate/translator.h"

namespace sirocco::plugin {

using plan::Call;
using plan::ColumnRef;
using plan::NodeKind;

// An aggregation of `input` on the given expressions. Above it the items mean the group columns.
NodePtr Translator::GroupOn(NodePtr input, std::vector<std::pair<Item*, ExprPtr>> groups) {
  MutableNode node = NewNode(NodeKind::kAggregate, nullptr);
  node->inputs = {std::move(input)};
  auto layer = std::make_unique<Layer>();
  layer->node = node;
  for (auto& [item, value] : groups) {
    Item* inner = WithoutRollup(item);
    // A TIMESTAMP column is grouped by the moment; what is above sees its local time.
    const bool moment = value->op == ExprOp::kTimestampToDatetime && inner->type() == Item::FIELD_ITEM;
    const Type outer_type = value->type;
    ExprPtr key = moment ? value->args[0] : value;
    ColumnId id = 0;
    for (const plan::NamedExpr& known : node->groups)
      if (plan::SameExpr(*known.expr, *key)) id = known.id;
    const Type key_type = key->type;
    if (id == 0) {
      id = NewColumn();
      node->groups.push_back({.id = id, .expr = std::move(key)});
    }
    ExprPtr above = ColumnRef(id, key_type);
    if (moment) above = Call(ExprOp::kTimestampToDatetime, outer_type, {std::move(above)});
    layer->groups.push_back({.item = inner, .value = std::move(above), .id = id});
  }
  block_->layers.push_back(std::move(layer));
  block_->depth = block_->layers.size();
  return node;
}

Result<NodePtr> Translator::Aggregate(AccessPath* path) {
  const olap_type olap = path->aggregate().olap;
  if (olap != UNSPECIFIED_OLAP_TYPE && olap != ROLLUP_TYPE) return NotSupported("GROUP BY WITH CUBE or GROUPING SETS");
  ASSIGN_OR_RETURN(NodePtr input, Path(path->aggregate().child));
  JOIN* join = block_->join;
  std::vector<std::pair<Item*, ExprPtr>> groups;
  for (const ORDER* group = join->group_list.order; group != nullptr; group = group->next) {
    Item* inner = WithoutRollup(*group->item);
    ASSIGN_OR_RETURN(ExprPtr value, Output(inner));
    if (value->type.kind == TypeKind::kJson || value->type.kind == TypeKind::kVector)
      return NotSupported("GROUP BY of a JSON or VECTOR value");
    groups.emplace_back(inner, std::move(value));
  }
  const bool rollup = olap == ROLLUP_TYPE;
  if (rollup) {
    for (size_t i = 0; i < groups.size(); ++i)
      for (size_t k = 0; k < i; ++k)
        if (plan::SameExpr(*groups[i].second, *groups[k].second)) return NotSupported("ROLLUP on equal expressions");
  }
  const bool grouped = join->query_block->is_explicitly_grouped();
  NodePtr node = GroupOn(std::move(input), std::move(groups));
  Layer& layer = *block_->layers.back();
  layer.node->estimated_rows = path->num_output_rows();
  if (grouped && layer.node->groups.empty()) {
    // All group expressions were constants: no row in, no row out.
    layer.node->groups.push_back(
        {.id = NewColumn(), .expr = plan::Constant(plan::Value::Int(1), plan::IntType(false))});
  }
  if (rollup) {
    layer.rollup = true;
    layer.node->rollup = true;
    for (GroupItem& group : layer.groups) {
      Type type = group.value->type;
      type.nullable = true;
      if (group.value->op == ExprOp::kColumn) {
        group.value = ColumnRef(group.id, type);
      } else {
        Type inner = group.value->args[0]->type;
        inner.nullable = true;
        group.value = Call(group.value->op, type, {ColumnRef(group.id, inner)});
      }
    }
  }
  return node;
}

}  // namespace sirocco::plugin
