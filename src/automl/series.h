// Models of one series of equally spaced values: naive ones, theta, exponential smoothing, ARIMA,
// and the last two on a series whose season was taken out first.
//
// A fitted model is its specification: parameters found by search. Making a series model from a
// specification and the training values runs the recursions once, so a model file holds just both.
// Threads: const methods from any.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/error.h"

namespace sirocco::automl {

enum class SeriesMethod : uint8_t {
  kNaive = 1,
  kSeasonalNaive,
  kDrift,
  kTheta,
  kSmoothing,  // exponential smoothing: level, damped trend, additive season
  kArima,
  kStlSmoothing,  // season out, then smoothing
  kStlArima,
};

struct SeriesSpec {
  SeriesMethod method = SeriesMethod::kNaive;
  bool is_log = false;     // on logarithms: what adds up multiplies
  std::size_t period = 1;  // 1: no season
  // Of smoothing: has_trend, is_damped, has_season. Of ARIMA: p, d, q, P, D, Q, has_mean.
  std::vector<int> orders;
  std::vector<double> parameters;

  nlohmann::json ToJson() const;
  static Result<SeriesSpec> FromJson(const nlohmann::json& json);
};
// HeatWave's name.
const char* ForecasterName(const SeriesSpec& spec);

struct StepForecast {
  double mean = 0, variance = 0;  // with is_log: of the logarithm
};

class SeriesModel {
 public:
  virtual ~SeriesModel() = default;
  // The next `steps` values.
  virtual std::vector<StepForecast> Forecast(size_t steps) const = 0;
  // One step ahead, per training value.
  const std::vector<double>& fitted() const { return fitted_; }

 protected:
  std::vector<double> fitted_;
};

// nullptr: the values are too few for the specification, or not positive for logarithms.
std::unique_ptr<SeriesModel> MakeSeriesModel(const SeriesSpec& spec,
                                             const std::vector<double>& values);
// Searches the parameters (and orders) of a method; nullopt-like: a spec with is_log unchanged and
// method as asked; `found` false if the method does not fit the series at all.
struct FittedSpec {
  bool found = false;
  SeriesSpec spec;
};
// `known`: orders to take as they are, if they fit; not null only for speed.
FittedSpec FitSeries(SeriesMethod method, const std::vector<double>& values, size_t period,
                     bool is_log, const std::vector<int>* known = nullptr);

// The parts of smoothing and ARIMA that the decomposed methods share.
FittedSpec FitSmoothing(const std::vector<double>& values, size_t period,
                        const std::vector<int>* known);
std::unique_ptr<SeriesModel> MakeSmoothing(const SeriesSpec& spec,
                                           const std::vector<double>& values);
FittedSpec FitArima(const std::vector<double>& values, size_t period,
                    const std::vector<int>* known);
std::unique_ptr<SeriesModel> MakeArima(const SeriesSpec& spec, const std::vector<double>& values);

// The season of each value by smoothing over the cycles, centred; empty if there are fewer than two
// cycles.
std::vector<double> SeasonOf(const std::vector<double>& values, size_t period);
// How much of the variance around the trend the season explains, 0 to 1.
double SeasonStrength(const std::vector<double>& values, size_t period);
// Periods that the autocorrelation shows, strongest first, among 2 .. max.
std::vector<size_t> FindPeriods(const std::vector<double>& values, size_t max_period);

}  // namespace sirocco::automl
