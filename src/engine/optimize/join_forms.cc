#include "engine/optimize/join_forms.h"

#include <unordered_set>

#include "engine/optimize/needed_columns.h"

namespace sirocco::engine {

namespace {

using plan::ColumnId;
using plan::ExprOp;
using plan::ExprPtr;
using plan::JoinKind;
using plan::Node;
using plan::NodeKind;
using plan::NodePtr;

class Recogniser {
 public:
  explicit Recogniser(const plan::Plan& plan) : plan_(plan) {}

  NodePtr Rewrite(const NodePtr& node, const ColumnSet& needed) {
    if (node->kind == NodeKind::kFilter && node->inputs[0]->kind == NodeKind::kJoin &&
        node->inputs[0]->join_kind == JoinKind::kLeft) {
      if (NodePtr anti = AntiJoin(*node, needed)) return Rewrite(anti, needed);
    }
    auto copy = std::make_shared<Node>(*node);
    const std::vector<ColumnSet> inputs_need = NeededFromInputs(plan_, *node, needed);
    for (size_t i = 0; i < copy->inputs.size(); ++i) copy->inputs[i] = Rewrite(node->inputs[i], inputs_need[i]);
    const bool only_matches = copy->kind == NodeKind::kJoin && copy->join_kind != JoinKind::kInner &&
                              copy->join_kind != JoinKind::kLeft;
    if (only_matches) copy->inputs[1] = WithoutDistinct(copy->inputs[1]);
    return copy;
  }

 private:
  // Whether column `id` of the LEFT JOIN's right side is never NULL in a row that matched.
  bool NotNullIfMatched(const Node& join, ColumnId id) const {
    for (const auto& [column, type] : OutputColumns(plan_, *join.inputs[1]))
      if (column == id && !type.nullable) return true;
    for (const plan::JoinKey& key : join.join_keys)
      if (!key.null_safe && key.right->op == ExprOp::kColumn && key.right->column == id) return true;
    return false;
  }

  // Filter(right column IS NULL and rest) over LEFT JOIN as Filter(rest) over an anti join; null if it is not that form.
  NodePtr AntiJoin(const Node& filter, const ColumnSet& needed) const {
    const Node& join = *filter.inputs[0];
    ColumnSet right;
    for (const auto& [id, type] : OutputColumns(plan_, *join.inputs[1])) right.insert(id);
    std::vector<ExprPtr> terms, rest;
    plan::SplitConjunction(filter.predicate, &terms);
    bool found = false;
    for (const ExprPtr& term : terms) {
      const bool is_null = term->op == ExprOp::kIsNull && term->args[0]->op == ExprOp::kColumn &&
                           right.contains(term->args[0]->column) && NotNullIfMatched(join, term->args[0]->column);
      if (is_null) {
        found = true;
      } else {
        rest.push_back(term);
      }
    }
    if (!found) return nullptr;
    // Rows that remain have NULL in all right columns; nothing may still ask for them.
    for (ColumnId id : needed)
      if (right.contains(id)) return nullptr;
    for (const ExprPtr& term : rest) {
      bool reads_right = false;
      plan::ForEachColumn(*term, [&](ColumnId id) { reads_right = reads_right || right.contains(id); });
      if (reads_right) return nullptr;
    }
    auto anti = std::make_shared<Node>(join);
    anti->join_kind = JoinKind::kAnti;
    anti->estimated_rows = -1;
    if (rest.empty()) return anti;
    auto above = std::make_shared<Node>(filter);
    above->inputs = {anti};
    above->predicate = plan::Conjunction(std::move(rest));
    return above;
  }

  // Existence does not care how often: DISTINCT becomes a projection of its groups.
  static NodePtr WithoutDistinct(const NodePtr& node) {
    if (node->kind != NodeKind::kAggregate || !node->aggregates.empty() || node->rollup || node->groups.empty())
      return node;
    auto project = std::make_shared<Node>();
    project->kind = NodeKind::kProject;
    project->inputs = {WithoutDistinct(node->inputs[0])};
    project->expressions = node->groups;
    return project;
  }

  const plan::Plan& plan_;
};

}  // namespace

NodePtr RecogniseJoinForms(const plan::Plan& plan, const NodePtr& root, const std::vector<ColumnId>& needed) {
  return Recogniser(plan).Rewrite(root, ColumnSet(needed.begin(), needed.end()));
}

}  // namespace sirocco::engine
