// Which columns a node asks of its inputs.
#pragma once

#include <unordered_set>
#include <vector>

#include "plan/node.h"

namespace sirocco::engine {

using ColumnSet = std::unordered_set<plan::ColumnId>;

// Per input: the columns that the node itself reads plus those it passes on to satisfy `needed`. May name columns an input does not have.
std::vector<ColumnSet> NeededFromInputs(const plan::Plan& plan, const plan::Node& node, const ColumnSet& needed);

}  // namespace sirocco::engine
