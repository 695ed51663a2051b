// The proxies that a selection starts with, and steps from one configuration to its neighbours.
#pragma once

#include <vector>

#include "automl/learner.h"
#include "automl/random.h"

namespace sirocco::automl {

// Cheap and robust ones first.
std::vector<Configuration> Portfolio(Family family, size_t num_rows, size_t num_features,
                                     bool is_classification);
// A neighbour: one or two settings changed.
Configuration Neighbour(const Configuration& from, Random* random);
// The same settings, for recognising repetitions.
bool SameSettings(const Configuration& a, const Configuration& b);

}  // namespace sirocco::automl
