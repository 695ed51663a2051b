// Forecasting by exponential smoothing, one model per endogenous variable: level, damped trend and
// additive season, each only if it pays (Akaike's criterion), smoothing constants by search on the
// squared one-step errors. With exogenous variables a ridge regression on them comes first and the
// smoothing gets what it leaves.
//
// File (model_file.h): everything is in the JSON text. Threads: one per model.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "automl/table.h"
#include "common/error.h"

namespace sirocco::automl {

// One smoothed series: constants, the state after the last training row, and the errors' size.
struct SmoothedSeries {
  double alpha = 0.3, beta = 0, phi = 1, gamma = 0;
  size_t period = 1;  // 1: no season
  double level = 0, trend = 0;
  std::vector<double> season;  // of the next `period` steps
  double error_variance = 0;
  std::vector<double> fitted;  // one step ahead, per training row
};
SmoothedSeries Smooth(const std::vector<double>& values, const std::vector<size_t>& periods);
// Mean and variance `steps` (from 1) after the last value.
struct Forecast {
  double mean = 0, variance = 0;
};
Forecast ForecastOf(const SmoothedSeries& series, size_t steps);

class ForecastModel {
 public:
  struct Options {
    std::string datetime_index;
    std::vector<std::string> endogenous, exogenous;
  };
  // Predictions of one row: per endogenous variable mean, lower and upper bound.
  struct Bounds {
    double mean = 0, lower = 0, upper = 0;
  };

  static Result<std::unique_ptr<ForecastModel>> Train(const Table& rows, const Options& options);
  static Result<std::unique_ptr<ForecastModel>> FromBytes(std::string_view bytes);
  std::string ToBytes() const;

  const Options& options() const { return options_; }
  // Row-major, one entry per endogenous variable. Rows of the training time get fitted values,
  // later ones forecasts. `is_first`: these are the first rows of the table.
  Result<std::vector<Bounds>> Predict(const Table& rows, double interval, bool is_first) const;

 private:
  struct Variable {
    SmoothedSeries series;
    std::vector<double> weights;  // of the exogenous variables, then the constant
  };
  // Steps from the last training row; 0 or less: within the training time. kInvalidArgument: a time
  // between two steps or NULL.
  Result<int64_t> StepsAfterLast(int64_t time) const;

  Options options_;
  bool is_calendar_ = false;  // steps are whole months
  int64_t last_time_ = 0, step_ = 1;
  std::vector<Variable> variables_;
};

// neg_* of forecasts; kInvalidArgument for other names.
Result<std::optional<double>> ForecastScore(const std::string& metric,
                                            const std::vector<double>& predictions,
                                            const std::vector<double>& values);

}  // namespace sirocco::automl
