// Hash joins. The server's `outer` is the side whose rows are kept by left, semi and anti joins;
// which side is built is the engine's business.
#include "plugin/translate/translator.h"

namespace sirocco::plugin {

using plan::JoinKind;
using plan::NodeKind;

namespace {

// The input of a path that only removes duplicates for a semijoin run as an inner join; null if it
// is no such path.
AccessPath* BelowDuplicateRemoval(AccessPath* path) {
  switch (path->type) {
    case AccessPath::REMOVE_DUPLICATES:
      return path->remove_duplicates().child;
    case AccessPath::SORT:
      return path->sort().remove_duplicates ? path->sort().child : nullptr;
    case AccessPath::LIMIT_OFFSET:
      return path->limit_offset().limit == 1 && path->limit_offset().offset == 0
                 ? path->limit_offset().child
                 : nullptr;
    default:
      return nullptr;
  }
}

bool IsTrueConstant(const Expr& expr) {
  return expr.op == ExprOp::kConstant && !expr.constant.is_null && expr.type.IsInteger() &&
         expr.constant.integer != 0;
}

}  // namespace

Result<NodePtr> Translator::HashJoin(AccessPath* path) {
  auto join = path->hash_join();
  const RelationalExpression* expr = join.join_predicate->expr;
  MutableNode node = NewNode(NodeKind::kJoin, path);
  if (join.rewrite_semi_to_inner) {
    // The engine has semijoins of its own: undo the rewrite.
    AccessPath* deduplicated = BelowDuplicateRemoval(join.inner);
    if (deduplicated == nullptr) {
      deduplicated = BelowDuplicateRemoval(join.outer);
      join.outer = join.inner;
    }
    if (deduplicated == nullptr) return NotSupported("semijoin run as an inner join");
    join.inner = deduplicated;
  }
  switch (expr->type) {
    case RelationalExpression::INNER_JOIN:
      node->join_kind = JoinKind::kInner;
      break;
    case RelationalExpression::STRAIGHT_INNER_JOIN:
      node->join_kind = JoinKind::kInner;
      node->keep_order = true;
      break;
    case RelationalExpression::LEFT_JOIN:
      node->join_kind = JoinKind::kLeft;
      break;
    case RelationalExpression::SEMIJOIN:
      node->join_kind = JoinKind::kSemi;
      break;
    case RelationalExpression::ANTIJOIN:
      node->join_kind = JoinKind::kAnti;
      break;
    default:
      return NotSupported("full outer join");
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
    const bool left_is_outer =
        (equality->arguments()[0]->used_tables() & outer_tables & ~PSEUDO_TABLE_BITS) != 0;
    node->join_keys.push_back({.left = condition->args[left_is_outer ? 0 : 1],
                               .right = condition->args[left_is_outer ? 1 : 0],
                               .collation = condition->collation,
                               .null_safe = condition->op == ExprOp::kNullSafeEq});
  }
  const bool inner_join = node->join_kind == JoinKind::kInner;
  std::vector<Item*> with_subqueries;
  for (Item* condition_item : expr->join_conditions) {
    if (inner_join && condition_item->has_subquery()) {
      with_subqueries.push_back(condition_item);
      continue;
    }
    ASSIGN_OR_RETURN(ExprPtr condition, AsCondition(condition_item));
    if (IsTrueConstant(*condition)) continue;
    conditions.push_back(std::move(condition));
  }
  node->predicate = plan::Conjunction(std::move(conditions));
  NodePtr result = node;
  for (Item* condition_item : with_subqueries) {
    ASSIGN_OR_RETURN(result, FilterOn(std::move(result), condition_item, path));
  }
  return result;
}

}  // namespace sirocco::plugin
