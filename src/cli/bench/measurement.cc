#include "cli/bench/measurement.h"

#include <algorithm>
#include <cmath>

namespace sirocco::bench {

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double GeometricMean(const std::vector<double>& values) {
  if (values.empty()) return 0;
  double sum = 0;
  for (double value : values) sum += std::log(value);
  return std::exp(sum / static_cast<double>(values.size()));
}

double Measurement::MedianMs() const { return Median(runs_ms); }

double Measurement::MinMs() const {
  return runs_ms.empty() ? 0 : *std::ranges::min_element(runs_ms);
}

}  // namespace sirocco::bench
