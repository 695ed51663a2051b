// Re-orders maximal regions of inner joins.
//
// A region is a tree of inner joins and filters; its leaves (relations) are any other nodes. The region becomes a set of relations and a set of
// conjuncts, and is built again as the cheapest bushy tree: dynamic programming over connected subsets up to kMaxExhaustive relations, greedy beyond.
// Equalities of plain columns form equivalence classes, so that relations may be joined by equalities that the statement only implies.
// Source: Moerkotte & Neumann, "Analysis of Two Existing and One New Dynamic Programming Algorithm", VLDB 2006.
#pragma once

#include "engine/optimize/estimate.h"
#include "plan/node.h"

namespace sirocco::engine {

// The tree with all its inner-join regions re-ordered and estimated_rows set everywhere.
plan::NodePtr OrderJoins(const plan::Plan& plan, const plan::NodePtr& root, Estimator* estimator);

}  // namespace sirocco::engine
