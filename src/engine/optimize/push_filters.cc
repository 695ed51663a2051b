#include "engine/optimize/push_filters.h"

#include <unordered_map>
#include <unordered_set>

namespace sirocco::engine {

namespace {

using plan::ColumnId;
using plan::ExprOp;
using plan::ExprPtr;
using plan::JoinKind;
using plan::Node;
using plan::NodeKind;
using plan::NodePtr;

using ColumnSet = std::unordered_set<ColumnId>;

ColumnSet VisibleColumns(const plan::Plan& plan, const Node& node) {
  ColumnSet set;
  for (const auto& [id, type] : OutputColumns(plan, node)) set.insert(id);
  return set;
}

bool ReadsOnly(const plan::Expr& expr, const ColumnSet& columns) {
  bool only = true;
  plan::ForEachColumn(expr, [&](ColumnId id) { only = only && columns.contains(id); });
  return only;
}

// Terms that may stop the query with an error must not see rows that a join or filter would have removed.
bool MayRaise(const plan::Expr& expr) {
  if (expr.op == ExprOp::kRejectIf) return true;
  for (const ExprPtr& arg : expr.args)
    if (MayRaise(*arg)) return true;
  return false;
}

// Splits off the terms that read only `columns`.
std::vector<ExprPtr> TakeTerms(std::vector<ExprPtr>* terms, const ColumnSet& columns) {
  std::vector<ExprPtr> taken, left;
  for (ExprPtr& term : *terms)
    (ReadsOnly(*term, columns) && !MayRaise(*term) ? taken : left).push_back(std::move(term));
  *terms = std::move(left);
  return taken;
}

std::shared_ptr<Node> Copy(const Node& node) { return std::make_shared<Node>(node); }

NodePtr FilterAbove(NodePtr input, std::vector<ExprPtr> terms) {
  if (terms.empty()) return input;
  auto filter = std::make_shared<Node>();
  filter->kind = NodeKind::kFilter;
  filter->inputs = {std::move(input)};
  filter->predicate = plan::Conjunction(std::move(terms));
  return filter;
}

class Pusher {
 public:
  explicit Pusher(const plan::Plan& plan) : plan_(plan) {}

  NodePtr Push(const NodePtr& node, std::vector<ExprPtr> terms) {
    switch (node->kind) {
      case NodeKind::kScan: {
        if (terms.empty()) return node;
        auto scan = Copy(*node);
        plan::SplitConjunction(node->predicate, &terms);
        // What the scan had first stays first.
        std::rotate(terms.begin(), terms.end() - static_cast<std::ptrdiff_t>(CountTerms(node->predicate)), terms.end());
        scan->predicate = plan::Conjunction(std::move(terms));
        return scan;
      }
      case NodeKind::kFilter: {
        std::vector<ExprPtr> own;
        plan::SplitConjunction(node->predicate, &own);
        own.insert(own.end(), terms.begin(), terms.end());
        return Push(node->inputs[0], std::move(own));
      }
      case NodeKind::kProject: {
        auto project = Copy(*node);
        std::vector<ExprPtr> below = TakeTerms(&terms, VisibleColumns(plan_, *node->inputs[0]));
        project->inputs[0] = Push(node->inputs[0], std::move(below));
        return FilterAbove(project, std::move(terms));
      }
      case NodeKind::kJoin: return PushIntoJoin(node, std::move(terms));
      case NodeKind::kAggregate: return PushIntoAggregate(node, std::move(terms));
      case NodeKind::kSort:
        if (node->limit != plan::kNoLimit || node->offset != 0) break;
        {
          auto sort = Copy(*node);
          sort->inputs[0] = Push(node->inputs[0], std::move(terms));
          return sort;
        }
      default: break;
    }
    auto copy = Copy(*node);
    for (NodePtr& input : copy->inputs) input = Push(input, {});
    return FilterAbove(copy, std::move(terms));
  }

 private:
  static size_t CountTerms(const ExprPtr& predicate) {
    std::vector<ExprPtr> terms;
    plan::SplitConjunction(predicate, &terms);
    return terms.size();
  }

  NodePtr PushIntoJoin(const NodePtr& node, std::vector<ExprPtr> terms) {
    auto join = Copy(*node);
    const ColumnSet left = VisibleColumns(plan_, *node->inputs[0]);
    const ColumnSet right = VisibleColumns(plan_, *node->inputs[1]);
    std::vector<ExprPtr> to_left = TakeTerms(&terms, left);
    std::vector<ExprPtr> to_right;
    // The condition of the join itself.
    std::vector<ExprPtr> extra;
    plan::SplitConjunction(node->predicate, &extra);
    if (node->join_kind == JoinKind::kInner) {
      for (ExprPtr& term : TakeTerms(&extra, left)) to_left.push_back(std::move(term));
      to_right = TakeTerms(&terms, right);
      extra.insert(extra.end(), terms.begin(), terms.end());
      terms.clear();
    }
    // A term over the build side alone decides what can match, whatever the kind; not for NOT IN, where a NULL key counts before it.
    if (node->join_kind != JoinKind::kNullAwareAnti)
      for (ExprPtr& term : TakeTerms(&extra, right)) to_right.push_back(std::move(term));
    join->predicate = plan::Conjunction(std::move(extra));
    join->inputs[0] = Push(node->inputs[0], std::move(to_left));
    join->inputs[1] = Push(node->inputs[1], std::move(to_right));
    return FilterAbove(join, std::move(terms));
  }

  // A condition on group columns holds for all rows of a group or for none.
  NodePtr PushIntoAggregate(const NodePtr& node, std::vector<ExprPtr> terms) {
    auto aggregate = Copy(*node);
    std::vector<ExprPtr> below;
    if (!node->rollup && !node->groups.empty()) {
      std::unordered_map<ColumnId, ExprPtr> groups;
      ColumnSet ids;
      for (const plan::NamedExpr& group : node->groups) {
        groups[group.id] = group.expr;
        ids.insert(group.id);
      }
      for (const ExprPtr& term : TakeTerms(&terms, ids)) {
        bool reads = false;
        plan::ForEachColumn(*term, [&](ColumnId) { reads = true; });
        if (!reads) {
          terms.push_back(term);
          continue;
        }
        below.push_back(plan::ReplaceColumns(term, [&](ColumnId id) { return groups[id]; }));
      }
    }
    aggregate->inputs[0] = Push(node->inputs[0], std::move(below));
    return FilterAbove(aggregate, std::move(terms));
  }

  const plan::Plan& plan_;
};

}  // namespace

NodePtr PushFilters(const plan::Plan& plan, const NodePtr& node, std::vector<ExprPtr> terms) {
  return Pusher(plan).Push(node, std::move(terms));
}

}  // namespace sirocco::engine
