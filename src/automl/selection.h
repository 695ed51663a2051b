// Chooses, tunes and weighs learners for a prepared table.
//
// A portfolio of proxies (family and settings known to do well) races on a sample with the same
// folds for all; the sample grows while that changes the leaders; the best families are tuned by
// local steps; out-of-fold predictions of everything tried on the last sample are weighed greedily,
// and the single winner stays unless the mixture gains enough. All members are then trained on all
// rows, and a temperature calibrates the probabilities.
// Deterministic for a seed: work is bounded by estimated, not measured, seconds. Only a time limit
// given by the user reads the clock.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "automl/learner.h"

namespace sirocco::automl {

struct SelectionOptions {
  std::string metric;            // a name that metrics.h knows
  std::vector<Family> families;  // to choose from; not empty
  uint32_t seed = 7;
  size_t num_threads = 1;
  double time_limit_seconds = 0;  // 0: none
  std::function<void(const char* stage, double fraction)> on_progress;
};

struct Member {
  Configuration configuration;
  std::unique_ptr<Learner> learner;
  float weight = 1;  // all sum to 1
};

struct Selection {
  std::vector<Member> members;
  float temperature = 1;
  double score = 0;  // the metric out of fold
  size_t num_selected_rows = 0;
  size_t num_trials = 0;
};

// `folds`: of each row, 0 .. 4. `owners`: the column of each tree and dense feature.
Selection Select(TrainingData data, const std::vector<uint8_t>& folds,
                 const std::vector<uint32_t>& tree_owners,
                 const std::vector<uint32_t>& dense_owners, const SelectionOptions& options);

// Folds for the rows: of each class (or range of values) alike in every fold.
std::vector<uint8_t> AssignFolds(const Target& target, size_t num_folds, uint32_t seed);
// The metric of outputs (num_outputs numbers per row); nullopt: not computable.
std::optional<double> MetricOf(const std::string& metric, const Target& target, const Indices& rows,
                               const std::vector<float>& outputs);
// Sharpens or flattens probabilities, in place.
void Calibrate(float temperature, size_t num_classes, float* row);

}  // namespace sirocco::automl
