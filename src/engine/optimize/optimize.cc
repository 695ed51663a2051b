#include "engine/optimize/optimize.h"

#include <unordered_set>

#include "engine/optimize/estimate.h"
#include "engine/optimize/join_forms.h"
#include "engine/optimize/join_order.h"
#include "engine/optimize/push_filters.h"

namespace sirocco::engine {

namespace {

std::vector<plan::ColumnId> ResultColumns(const plan::Plan& plan) {
  std::vector<plan::ColumnId> ids;
  for (const plan::ResultColumn& result : plan.results) ids.push_back(result.id);
  return ids;
}

// Columns of shared plan `index` that any reader asks for: all that some kSharedScan names.
std::vector<plan::ColumnId> SharedColumns(const plan::Plan& plan, size_t index) {
  std::vector<plan::ColumnId> ids;
  for (const auto& [id, type] : OutputColumns(plan, *plan.shared[index])) ids.push_back(id);
  return ids;
}

// Numbers all nodes, top down, so that statistics can name them.
plan::NodePtr Number(const plan::NodePtr& node, uint32_t* next) {
  auto copy = std::make_shared<plan::Node>(*node);
  copy->id = (*next)++;
  for (plan::NodePtr& input : copy->inputs) input = Number(input, next);
  return copy;
}

}  // namespace

Result<plan::Plan> OptimizePlan(plan::Plan plan, const SnapshotLookup& lookup, QueryContext* context) {
  Estimator estimator(plan, lookup, context);
  uint32_t next_id = 1;
  const auto optimize = [&](const plan::NodePtr& root, const std::vector<plan::ColumnId>& needed) {
    plan::NodePtr node = PushFilters(plan, root, {});
    node = RecogniseJoinForms(plan, node, needed);
    node = OrderJoins(plan, node, &estimator);
    return Number(node, &next_id);
  };
  for (size_t i = 0; i < plan.shared.size(); ++i)
    plan.shared[i] = optimize(plan.shared[i], SharedColumns(plan, i));
  plan.root = optimize(plan.root, ResultColumns(plan));
  return plan;
}

}  // namespace sirocco::engine
