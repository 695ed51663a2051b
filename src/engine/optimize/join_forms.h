// Recognises what MySQL's resolver made of subqueries: NOT EXISTS and NOT IN arrive as LEFT JOIN to a DISTINCT derived table with an IS NULL
// filter above, EXISTS as a semi join whose build side may be DISTINCT.
#pragma once

#include "plan/node.h"

namespace sirocco::engine {

// Filters must have been pushed down before, so that IS NULL stands directly above its LEFT JOIN.
plan::NodePtr RecogniseJoinForms(const plan::Plan& plan, const plan::NodePtr& root,
                                 const std::vector<plan::ColumnId>& needed);

}  // namespace sirocco::engine
