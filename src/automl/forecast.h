// Forecasting: per endogenous variable the mean of a few series models (series.h), chosen by their
// errors at several past points of the series ("rolling origins"). With exogenous variables a ridge
// regression on them, of values or of changes, comes first if it pays, and the series models get
// what it leaves.
//
// File (model_file.h): everything is in the JSON text. Threads: one per model.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "automl/series.h"
#include "automl/table.h"
#include "common/error.h"

namespace sirocco::automl {

class ForecastModel {
 public:
  struct Options {
    std::string datetime_index;
    std::vector<std::string> endogenous, exogenous;
    std::vector<std::string> model_list, exclude_model_list;  // HeatWave's names; empty: all
    std::string metric;  // empty: neg_sym_mean_abs_percent_error
    size_t num_threads = 1;
  };
  // Predictions of one row: per endogenous variable mean, lower and upper bound.
  struct Bounds {
    double mean = 0, lower = 0, upper = 0;
  };

  static Result<std::unique_ptr<ForecastModel>> Train(const Table& rows, const Options& options);
  static Result<std::unique_ptr<ForecastModel>> FromBytes(std::string_view bytes);
  std::string ToBytes() const;

  const Options& options() const { return options_; }
  // Of the first endogenous variable's best member; and the metric at the rolling origins.
  std::string algorithm_name() const;
  double training_score() const { return score_; }
  // Members per variable, for metadata.
  nlohmann::json Parameters() const;
  // Row-major, one entry per endogenous variable. Rows of the training time get fitted values,
  // later ones forecasts. `is_first`: these are the first rows of the table.
  Result<std::vector<Bounds>> Predict(const Table& rows, double interval, bool is_first) const;

 private:
  struct Variable {
    std::vector<SeriesSpec> members;  // the best one first
    std::vector<double> values;       // what the exogenous variables leave
    std::vector<double> weights;      // of the exogenous variables, then the constant; may be empty
    double spread = 1;                // factor of the members' variances, from past errors
    std::vector<std::unique_ptr<SeriesModel>> models;
  };
  static Result<void> MakeModels(Variable* variable);
  void FindPeriods(const std::vector<int64_t>& times, ColumnKind kind);
  // Steps from the last training row; 0 or less: within the training time. kInvalidArgument: a time
  // between two steps or NULL.
  Result<int64_t> StepsAfterLast(int64_t time) const;

  Options options_;
  bool is_calendar_ = false;  // steps are whole months
  int64_t last_time_ = 0, step_ = 1;
  std::vector<size_t> periods_;  // that the calendar suggests
  double score_ = 0;
  std::vector<Variable> variables_;
};

// neg_* of forecasts; kInvalidArgument for other names.
Result<std::optional<double>> ForecastScore(const std::string& metric,
                                            const std::vector<double>& predictions,
                                            const std::vector<double>& values);

}  // namespace sirocco::automl
