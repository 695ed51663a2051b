// Moves filter terms down to the lowest node where all their columns are visible and the result stays the same.
#pragma once

#include <vector>

#include "plan/node.h"

namespace sirocco::engine {

// The tree with `terms` (over the root's visible columns) and all filters inside pushed down.
plan::NodePtr PushFilters(const plan::Plan& plan, const plan::NodePtr& node, std::vector<plan::ExprPtr> terms);

}  // namespace sirocco::engine
