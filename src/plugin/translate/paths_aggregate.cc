// AGGREGATE, DISTINCT and duplicate removal: each puts an aggregate layer on the query block.
#include <functional>

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
    // A TIMESTAMP column is grouped by its local time, as in the server's temporary tables. In a
    // zone whose clocks never change that is the moment, which is cheaper.
    const bool moment = value->op == ExprOp::kTimestampToDatetime &&
                        inner->type() == Item::FIELD_ITEM && HasFixedOffset();
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
  ASSIGN_OR_RETURN(NodePtr input, Path(path->aggregate().child));
  JOIN* join = block_->join;
  std::vector<Item*> evaluated_below;
  for (const ORDER* group = join->group_list.order; group != nullptr; group = group->next)
    evaluated_below.push_back(WithoutRollup(*group->item));
  ASSIGN_OR_RETURN(input, JoinSubqueries(std::move(input), evaluated_below, false));
  evaluated_below.clear();
  for (Item* item : *join->fields)
    WalkItem(item, enum_walk::PREFIX, [&evaluated_below](Item* part) {
      if (part->type() == Item::SUM_FUNC_ITEM && part->has_subquery())
        evaluated_below.push_back(part);
      return false;
    });
  ASSIGN_OR_RETURN(input, JoinSubqueries(std::move(input), evaluated_below, true));
  std::vector<std::pair<Item*, ExprPtr>> groups;
  const bool sets = olap == CUBE_TYPE || olap == GROUPING_SETS_TYPE;
  std::vector<uint64_t> grouping_sets(sets ? join->query_block->get_number_of_grouping_sets() : 0);
  for (const ORDER* group = join->group_list.order; group != nullptr; group = group->next) {
    if (sets) {
      // The optimizer works on a copy of the list; the sets are named in the original.
      const ORDER* original = join->query_block->group_list.first;
      while (original != nullptr && WithoutRollup(*original->item) != WithoutRollup(*group->item))
        original = original->next;
      if (original == nullptr || original->grouping_set_info == nullptr || groups.size() >= 64)
        return NotSupported("grouping sets of this shape");
      for (size_t k = 0; k < grouping_sets.size(); ++k)
        if (bitmap_is_set(original->grouping_set_info, static_cast<uint>(k)))
          grouping_sets[k] |= uint64_t{1} << groups.size();
    }
    Item* inner = WithoutRollup(*group->item);
    ASSIGN_OR_RETURN(ExprPtr value, Output(inner));
    if (value->type.kind == TypeKind::kJson || value->type.kind == TypeKind::kVector)
      return NotSupported("GROUP BY of a JSON or VECTOR value");
    groups.emplace_back(inner, std::move(value));
  }
  const bool rollup = olap == ROLLUP_TYPE;
  if (rollup || sets) {
    // Over no rows the server prints a constant group in the grand total, elsewhere NULL.
    for (const auto& [group, value] : groups)
      if (IsConstant(group)) return NotSupported("ROLLUP or CUBE on a constant");
    for (size_t i = 0; i < groups.size(); ++i)
      for (size_t k = 0; k < i; ++k)
        if (plan::SameExpr(*groups[i].second, *groups[k].second))
          return NotSupported("ROLLUP or CUBE on equal expressions");
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
  if (rollup || sets) {
    layer.rollup = true;
    layer.node->rollup = rollup;
    layer.grouping_sets = std::move(grouping_sets);
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

// CUBE and GROUPING SETS: the input is computed once, each set is an aggregation of it, and their
// rows are put together. Done when the query block is complete, because only then all aggregates
// are known.
void Translator::ExpandGroupingSets(Layer* layer) {
  plan::Node& node = *layer->node;
  const uint32_t shared = static_cast<uint32_t>(result_.plan.shared.size());
  result_.plan.shared.push_back(node.inputs[0]);
  shared_columns_.emplace_back();
  node.grouping_ids.resize(node.groups.size(), 0);

  plan::Node all;
  all.kind = NodeKind::kSetOperation;
  all.set_operation = plan::SetOperation::kUnionAll;
  all.estimated_rows = node.estimated_rows;
  for (const plan::NamedExpr& group : node.groups) {
    Type type = group.expr->type;
    type.nullable = true;
    all.set_outputs.emplace_back(group.id, type);
  }
  for (const plan::Aggregate& aggregate : node.aggregates)
    all.set_outputs.emplace_back(aggregate.id, aggregate.type);
  for (const ColumnId id : node.grouping_ids)
    if (id != 0) all.set_outputs.emplace_back(id, plan::IntType(false));

  for (const uint64_t set : layer->grouping_sets) {
    MutableNode scan = NewNode(NodeKind::kSharedScan, nullptr);
    scan->shared = shared;
    scan->estimated_rows = node.inputs[0]->estimated_rows;
    std::unordered_map<ColumnId, ColumnId> renamed;
    const std::function<ExprPtr(const ExprPtr&)> rename = [&](const ExprPtr& expr) -> ExprPtr {
      if (expr->op == ExprOp::kColumn) {
        auto [it, added] = renamed.emplace(expr->column, 0);
        if (added) {
          it->second = NewColumn();
          scan->shared_columns.emplace_back(it->second, expr->column);
        }
        return ColumnRef(it->second, expr->type);
      }
      auto copy = std::make_shared<Expr>(*expr);
      for (ExprPtr& arg : copy->args) arg = rename(arg);
      return copy;
    };
    MutableNode aggregate = NewNode(NodeKind::kAggregate, nullptr);
    aggregate->inputs = {scan};
    MutableNode project = NewNode(NodeKind::kProject, nullptr);
    project->inputs = {aggregate};
    std::vector<ColumnId> outputs;
    for (size_t i = 0; i < node.groups.size(); ++i) {
      const ColumnId id = NewColumn();
      outputs.push_back(id);
      if ((set >> i & 1) != 0)
        aggregate->groups.push_back({.id = id, .expr = rename(node.groups[i].expr)});
      else
        project->expressions.push_back(
            {.id = id, .expr = plan::Constant(plan::Value::Null(), all.set_outputs[i].second)});
    }
    // The empty set gives one row also for no input, as the grand total of ROLLUP does.
    for (const plan::Aggregate& original : node.aggregates) {
      plan::Aggregate copy = original;
      copy.id = NewColumn();
      for (ExprPtr& arg : copy.args) arg = rename(arg);
      for (plan::SortKey& key : copy.order_by) key.expr = rename(key.expr);
      outputs.push_back(copy.id);
      aggregate->aggregates.push_back(std::move(copy));
    }
    for (size_t i = 0; i < node.grouping_ids.size(); ++i) {
      if (node.grouping_ids[i] == 0) continue;
      outputs.push_back(NewColumn());
      const int absent = (set >> i & 1) == 0;
      project->expressions.push_back(
          {.id = outputs.back(),
           .expr = plan::Constant(plan::Value::Int(absent), plan::IntType(false))});
    }
    all.inputs.push_back(project->expressions.empty() ? aggregate : project);
    all.set_inputs.push_back(std::move(outputs));
  }
  node = std::move(all);
}

}  // namespace sirocco::plugin
