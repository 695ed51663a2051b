#include "automl/minimise.h"

#include <algorithm>
#include <cmath>

namespace sirocco::automl {

std::vector<double> Minimise(const std::function<double(const std::vector<double>&)>& function,
                             std::vector<double> start, double step, size_t max_calls) {
  const size_t d = start.size();
  if (d == 0) return start;
  using Corner = std::pair<double, std::vector<double>>;
  size_t calls = 0;
  const auto at = [&](const std::vector<double>& point) {
    ++calls;
    const double value = function(point);
    return std::isfinite(value) ? value : 1e300;
  };
  std::vector<Corner> corners = {{at(start), start}};
  for (size_t i = 0; i < d; ++i) {
    std::vector<double> point = start;
    point[i] += step;
    corners.emplace_back(at(point), point);
  }
  const auto sort = [&] {
    std::stable_sort(corners.begin(), corners.end(),
                     [](const Corner& a, const Corner& b) { return a.first < b.first; });
  };
  sort();
  while (calls < max_calls) {
    const double spread = std::abs(corners[d].first - corners[0].first);
    if (spread <= 1e-8 * (std::abs(corners[0].first) + 1e-10)) break;
    std::vector<double> middle(d, 0.0);
    for (size_t c = 0; c < d; ++c)
      for (size_t i = 0; i < d; ++i) middle[i] += corners[c].second[i] / static_cast<double>(d);
    const auto along = [&](double factor) {
      std::vector<double> point(d);
      for (size_t i = 0; i < d; ++i)
        point[i] = middle[i] + factor * (corners[d].second[i] - middle[i]);
      return Corner{at(point), point};
    };
    Corner mirrored = along(-1);
    if (mirrored.first < corners[0].first) {
      Corner farther = along(-2);
      corners[d] = farther.first < mirrored.first ? std::move(farther) : std::move(mirrored);
    } else if (mirrored.first < corners[d - 1].first) {
      corners[d] = std::move(mirrored);
    } else {
      Corner nearer = along(mirrored.first < corners[d].first ? -0.5 : 0.5);
      if (nearer.first < std::min(mirrored.first, corners[d].first)) {
        corners[d] = std::move(nearer);
      } else {
        for (size_t c = 1; c <= d; ++c) {
          for (size_t i = 0; i < d; ++i)
            corners[c].second[i] = (corners[c].second[i] + corners[0].second[i]) / 2;
          corners[c].first = at(corners[c].second);
        }
      }
    }
    sort();
  }
  return corners[0].second;
}

}  // namespace sirocco::automl
