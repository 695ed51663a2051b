#include "automl/bins.h"

#include <algorithm>
#include <cmath>

#include "automl/threads.h"

namespace sirocco::automl {

namespace {

// Cuts lie in the middle between neighbouring values. A value that is more frequent than a bin's
// share gets a bin of its own.
std::vector<float> CutsOf(std::vector<float> sorted, size_t max_cuts) {
  std::vector<float> cuts;
  if (sorted.empty()) return cuts;
  std::vector<std::pair<float, size_t>> distinct;
  for (const float value : sorted)
    if (distinct.empty() || distinct.back().first != value)
      distinct.emplace_back(value, 1);
    else
      ++distinct.back().second;
  const auto between = [](float a, float b) {
    const float middle = a + (b - a) / 2;
    return middle > a ? middle : b;
  };
  if (distinct.size() <= max_cuts + 1) {
    for (size_t i = 1; i < distinct.size(); ++i)
      cuts.push_back(between(distinct[i - 1].first, distinct[i].first));
    return cuts;
  }
  double rest = static_cast<double>(sorted.size()), in_bin = 0;
  for (size_t i = 0; i + 1 < distinct.size() && cuts.size() < max_cuts; ++i) {
    in_bin += static_cast<double>(distinct[i].second);
    const double share = rest / static_cast<double>(max_cuts + 1 - cuts.size());
    const double next = static_cast<double>(distinct[i + 1].second);
    if (in_bin + next / 2 < share) continue;
    cuts.push_back(between(distinct[i].first, distinct[i + 1].first));
    rest -= in_bin;
    in_bin = 0;
  }
  return cuts;
}

}  // namespace

Bins MakeBins(const Matrix& matrix, size_t max_bins, size_t max_sample, size_t num_threads) {
  Bins bins;
  bins.rows = matrix.rows;
  bins.cols = matrix.cols;
  bins.values.resize(matrix.rows * matrix.cols);
  bins.cuts.resize(matrix.cols);
  const size_t step = std::max<size_t>(1, matrix.rows / std::max<size_t>(1, max_sample));
  ParallelFor(num_threads, matrix.cols, [&](size_t col) {
    std::vector<float> values;
    for (size_t row = 0; row < matrix.rows; row += step) {
      const float value = matrix.row(row)[col];
      if (!std::isnan(value)) values.push_back(value);
    }
    std::sort(values.begin(), values.end());
    bins.cuts[col] = CutsOf(std::move(values), max_bins - 2);
  });
  constexpr size_t kBlock = 4096;
  ParallelFor(num_threads, (matrix.rows + kBlock - 1) / kBlock, [&](size_t block) {
    const size_t end = std::min(matrix.rows, (block + 1) * kBlock);
    for (size_t row = block * kBlock; row < end; ++row)
      for (size_t col = 0; col < matrix.cols; ++col) {
        const float value = matrix.row(row)[col];
        const std::vector<float>& cuts = bins.cuts[col];
        bins.values[row * matrix.cols + col] =
            std::isnan(value)
                ? 0
                : static_cast<uint8_t>(
                      1 + (std::upper_bound(cuts.begin(), cuts.end(), value) - cuts.begin()));
      }
  });
  return bins;
}

}  // namespace sirocco::automl
