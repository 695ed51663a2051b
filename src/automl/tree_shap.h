// SHAP values of trees (path-dependent: what is unknown of a row is averaged by the training rows'
// shares), exact.
//
// A leaf reached by the features F with shares z (and o = 1 where the row itself goes that way,
// else 0) gives feature j its value times (o_j - z_j) times the integral over t in 0..1 of the
// product of (o_i t + z_i (1 - t)) over the others. The integrand is a polynomial, so that a Gauss
// rule of a few points is exact: a leaf costs |F| times the number of points. Threads: const
// methods from any thread. Lives as long as the trees.
#pragma once

#include <cstdint>
#include <vector>

#include "automl/trees.h"

namespace sirocco::automl {

class TreeShap {
 public:
  explicit TreeShap(const Trees& trees);
  // Adds to num_outputs() values per feature, feature by feature.
  void Add(const float* row, double* values) const;
  // The mean of the trees' sums over the training rows, per output.
  const std::vector<double>& expected() const { return expected_; }

 private:
  struct Step {
    uint32_t feature;
    float low, high;     // low <= value < high
    bool takes_missing;  // whether missing values pass
    double share;        // of the rows, if the feature is unknown
  };
  struct Leaf {
    uint32_t first_step, num_steps, points;
    int32_t output;     // -1: several
    uint32_t value_at;  // in values_
  };
  void Collect(const Trees& trees, uint32_t node, std::vector<Step>* path, int32_t output);

  size_t num_outputs_;
  std::vector<Step> steps_;
  std::vector<Leaf> leaves_;
  std::vector<float> values_;
  std::vector<double> expected_;
  std::vector<std::vector<double>> nodes_, weights_;  // Gauss rules on 0..1, by number of points
};

}  // namespace sirocco::automl
