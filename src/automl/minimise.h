// Minimum of a function of a few numbers without derivatives: Nelder and Mead's simplex.
#pragma once

#include <functional>
#include <vector>

namespace sirocco::automl {

// The best point found from `start`, with first steps of `step` in each direction, after at most
// `max_calls` calls. Values that are not finite count as very large.
std::vector<double> Minimise(const std::function<double(const std::vector<double>&)>& function,
                             std::vector<double> start, double step, size_t max_calls);

}  // namespace sirocco::automl
