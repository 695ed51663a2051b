#include "engine/optimize/needed_columns.h"

namespace sirocco::engine {

namespace {

void Add(const plan::ExprPtr& expr, ColumnSet* set) {
  if (expr != nullptr) plan::ForEachColumn(*expr, [&](plan::ColumnId id) { set->insert(id); });
}

void Add(const std::vector<plan::SortKey>& keys, ColumnSet* set) {
  for (const plan::SortKey& key : keys) Add(key.expr, set);
}

void Add(const plan::Aggregate& aggregate, ColumnSet* set) {
  for (const plan::ExprPtr& arg : aggregate.args) Add(arg, set);
  Add(aggregate.order_by, set);
}

}  // namespace

std::vector<ColumnSet> NeededFromInputs(const plan::Plan& plan, const plan::Node& node, const ColumnSet& needed) {
  using plan::NodeKind;
  std::vector<ColumnSet> result(node.inputs.size());
  if (node.inputs.empty()) return result;
  ColumnSet& first = result[0];
  switch (node.kind) {
    case NodeKind::kScan:
    case NodeKind::kValues:
    case NodeKind::kSharedScan: break;
    case NodeKind::kFilter:
      first = needed;
      Add(node.predicate, &first);
      break;
    case NodeKind::kProject:
      first = needed;
      for (const plan::NamedExpr& named : node.expressions) Add(named.expr, &first);
      break;
    case NodeKind::kJoin: {
      ColumnSet both = needed;
      Add(node.predicate, &both);
      for (const plan::JoinKey& key : node.join_keys) {
        Add(key.left, &both);
        Add(key.right, &both);
      }
      for (size_t i = 0; i < 2; ++i)
        for (const auto& [id, type] : OutputColumns(plan, *node.inputs[i]))
          if (both.contains(id)) result[i].insert(id);
      break;
    }
    case NodeKind::kAggregate:
      for (const plan::NamedExpr& group : node.groups) Add(group.expr, &first);
      for (const plan::Aggregate& aggregate : node.aggregates) Add(aggregate, &first);
      break;
    case NodeKind::kSort:
    case NodeKind::kLimit:
      first = needed;
      Add(node.sort_keys, &first);
      break;
    case NodeKind::kSetOperation:
      for (size_t i = 0; i < node.inputs.size(); ++i)
        result[i].insert(node.set_inputs[i].begin(), node.set_inputs[i].end());
      break;
    case NodeKind::kWindow:
      first = needed;
      for (const plan::ExprPtr& expr : node.partition_by) Add(expr, &first);
      Add(node.window_order, &first);
      for (const plan::WindowCall& call : node.windows) {
        Add(call.aggregate, &first);
        for (const plan::ExprPtr& arg : call.args) Add(arg, &first);
        Add(call.start_offset, &first);
        Add(call.end_offset, &first);
      }
      break;
  }
  return result;
}

}  // namespace sirocco::engine
