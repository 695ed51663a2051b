// Hash joins. The server's `outer` is the side whose rows are kept by left, semi and anti joins; which side is built is
// the engine's business.
#include "plugin/translate/translator.h"

namespace sirocco::plugin {

using plan::JoinKind;
using plan::NodeKind;

Result<NodePtr> Translator::HashJoin(AccessPath* path) {
  const auto& join = path->hash_join();
  const RelationalExpression* expr = join.join_predicate->expr;
  MutableNode node = NewNode(NodeKind::kJoin, path);
  switch (join.rewrite_semi_to_inner ? RelationalExpression::INNER_JOIN : expr->type) {
    case RelationalExpression::INNER_JOIN: node->join_kind = JoinKind::kInner; break;
    case RelationalExpression::STRAIGHT_INNER_JOIN:
      node->join_kind = JoinKind::kInner;
      node->keep_order = true;
      break;
    case RelationalExpression::LEFT_JOIN: node->join_kind = JoinKind::kLeft; break;
    case RelationalExpression::SEMIJOIN: node->join_kind = JoinKind::kSemi; break;
    case RelationalExpression::ANTIJOIN: node->join_kind = JoinKind::kAnti; break;
    default: return NotSupported("full outer join");
  }
  ASSIGN_OR_RETURN(NodePtr outer, Path(join.outer));
  ASSIGN_OR_RETURN(NodePtr inner, Path(join.inner));
  node->inputs = {std::move(outer), std::move(inner)};

  const table_map outer_tables = GetUsedTableMap(join.outer, /*include_pruned_tables=*/true);
  std::vector<ExprPtr> conditions;
  for (Item_eq_base* equality : expr->equijoin_conditions) {
    ASSIGN_OR_RETURN(ExprPtr condition, Comparison(equality));
    const bool key = condition->op == ExprOp::kEq || condition->op == ExprOp::kNullSafeEq;
    if (!key) {
      conditions.push_back(std::move(condition));
      continue;
    }
    // Each argument reads one side; find out which.
    const bool left_is_outer = (equality->arguments()[0]->used_tables() & outer_tables & ~PSEUDO_TABLE_BITS) != 0;
    node->join_keys.push_back({.left = condition->args[left_is_outer ? 0 : 1],
                               .right = condition->args[left_is_outer ? 1 : 0],
                               .collation = condition->collation,
                               .null_safe = condition->op == ExprOp::kNullSafeEq});
  }
  for (Item* condition_item : expr->join_conditions) {
    ASSIGN_OR_RETURN(ExprPtr condition, AsCondition(condition_item));
    conditions.push_back(std::move(condition));
  }
  node->predicate = plan::Conjunction(std::move(conditions));
  return NodePtr(node);
}

}  // namespace sirocco::plugin
