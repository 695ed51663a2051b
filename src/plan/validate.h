// Structural checks of a plan: what every consumer may take for granted afterwards.
#pragma once

#include "common/error.h"
#include "plan/node.h"

namespace sirocco::plan {

// Checks the number of inputs per node, that each column id is defined once and only read above its definition, that set operations and
// values have equal widths, and that shared plans refer to earlier ones only. kInvalidArgument names the first fault.
Result<void> ValidatePlan(const Plan& plan);

}  // namespace sirocco::plan
