// Where a semijoin filter made from a join's build keys may be applied.
//
// A join that keeps only rows whose key is in the build side's key set K makes every other column
// that must equal the key safe to test against K as early as its scan: rows that fail could reach
// the join's output only to be dropped. The search follows the plan from the join: down its probe
// side (through filters, projections, both sides of inner joins on the same key, probe sides of
// others, and aggregates whose group key it is), and up to the other inputs of joins above that use
// the same key.
#pragma once

#include <utility>
#include <vector>

#include "plan/node.h"

namespace sirocco::engine {

// The nodes from the plan's root to a node, with the number of the input that leads on.
using PlanPath = std::vector<std::pair<const plan::Node*, size_t>>;

struct FilterTarget {
  const plan::Node* scan = nullptr;
  plan::ColumnId column = 0;

  bool operator==(const FilterTarget&) const = default;
};

// Targets for key `key` of `join`, whose build side is inputs[build_input]; `path` leads to the
// join. Empty if the key cannot be filtered on (not a bare integer column on the probe side,
// null-safe, or a kind of join that keeps rows without a match on the probe side).
std::vector<FilterTarget> FindFilterTargets(const plan::Plan& plan, const plan::Node& join,
                                            size_t key, size_t build_input, const PlanPath& path);

}  // namespace sirocco::engine
