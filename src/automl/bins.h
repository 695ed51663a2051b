// Features as small integers: up to 255 ranges per feature, found once and shared by all trees,
// folds and samples. Bin 0 is a missing value; bin b > 0 holds values v with cuts[b - 2] <= v <
// cuts[b - 1] (no lower bound for 1, no upper bound for the last).
#pragma once

#include <cstdint>
#include <vector>

#include "automl/matrix.h"

namespace sirocco::automl {

struct Bins {
  size_t rows = 0, cols = 0;
  std::vector<uint8_t> values;           // row-major
  std::vector<std::vector<float>> cuts;  // ascending, per feature

  const uint8_t* row(size_t i) const { return values.data() + i * cols; }
  // Bins of a feature, that of missing values included.
  size_t num_bins(size_t col) const { return cuts[col].size() + 2; }
};

// Cuts at quantiles of up to `max_sample` rows, evenly spread.
Bins MakeBins(const Matrix& matrix, size_t max_bins, size_t max_sample, size_t num_threads);

}  // namespace sirocco::automl
