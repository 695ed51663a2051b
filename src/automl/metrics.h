// Scores of predictions, by scikit-learn's names. neg_* are negated errors: higher is better.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/error.h"

namespace sirocco::automl {

// kInvalidArgument: no such metric for a task with that many classes (0: regression).
Result<void> CheckMetric(const std::string& metric, size_t num_classes);

// `probabilities`: num_classes per row. `labels`: indices of classes; one that is num_classes is of
// a class the model does not know. nullopt: not computable (no rows). kInvalidArgument: no such
// metric, or one for two classes only.
Result<std::optional<double>> ClassificationScore(const std::string& metric,
                                                  const std::vector<float>& probabilities,
                                                  size_t num_classes,
                                                  const std::vector<size_t>& labels);
Result<std::optional<double>> RegressionScore(const std::string& metric,
                                              const std::vector<float>& predictions,
                                              const std::vector<double>& values);

}  // namespace sirocco::automl
