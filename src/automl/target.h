// What is to be predicted, as numbers: indices of classes, or values.
#pragma once

#include <vector>

#include "automl/matrix.h"

namespace sirocco::automl {

struct Target {
  size_t num_classes = 0;  // 0: regression
  std::vector<float> values;

  bool is_classification() const { return num_classes != 0; }
  // Numbers per row of a prediction: a probability per class, or one value.
  size_t num_outputs() const { return num_classes == 0 ? 1 : num_classes; }
  size_t class_at(size_t row) const { return static_cast<size_t>(values[row]); }
};

}  // namespace sirocco::automl
