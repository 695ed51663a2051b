// Plan rewrites that use what the engine knows about the data. Runs before compilation; the result is an equivalent plan with
// estimated_rows set and, for inner joins, inputs[0] the side to probe with and inputs[1] the side to build on.
//
// Steps: filters down to where their columns come from (push_filters); anti joins recognised from LEFT JOIN ... IS NULL, redundant DISTINCT removed
// (join_forms); regions of inner joins re-ordered (join_order) with cardinalities from exact column statistics and predicates evaluated on samples
// (estimate).
#pragma once

#include "common/error.h"
#include "engine/engine.h"
#include "engine/exec/query_context.h"
#include "plan/node.h"

namespace sirocco::engine {

Result<plan::Plan> OptimizePlan(plan::Plan plan, const SnapshotLookup& lookup, QueryContext* context);

}  // namespace sirocco::engine
