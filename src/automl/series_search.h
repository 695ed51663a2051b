// Which series models to use for a series: by their errors at several past points of it.
#pragma once

#include <string>
#include <vector>

#include "automl/series.h"
#include "common/error.h"

namespace sirocco::automl {

struct SeriesSearchOptions {
  std::vector<SeriesMethod> methods;
  std::vector<size_t> periods;  // that the calendar suggests; one is taken if the series shows it
  std::string metric;           // one that ForecastScore knows
  size_t num_threads = 1;
};
struct SeriesChoice {
  std::vector<SeriesSpec> members;  // their mean is the forecast; the best one first
  double score = 0;                 // the metric at the past points; 0 if the series is too short
  double absolute_error = 0;        // mean there
  double spread = 1;                // squared errors there, relative to the models' variances
};
SeriesChoice ChooseSeries(const std::vector<double>& values, const SeriesSearchOptions& options);

// By HeatWave's names; empty lists: all. kInvalidArgument: a name that is not known or not served.
Result<std::vector<SeriesMethod>> SeriesMethodsOf(const std::vector<std::string>& model_list,
                                                  const std::vector<std::string>& excluded);

}  // namespace sirocco::automl
