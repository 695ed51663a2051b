#include "automl/series.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "automl/minimise.h"

namespace sirocco::automl {

namespace {

using Json = nlohmann::json;

// Squared one-step errors per degree of freedom, those before `first` left out.
double Variance(const std::vector<double>& values, const std::vector<double>& fitted,
                size_t first) {
  double sum = 0;
  for (size_t i = first; i < values.size(); ++i)
    sum += (values[i] - fitted[i]) * (values[i] - fitted[i]);
  return sum / static_cast<double>(std::max<size_t>(1, values.size() - first));
}

class Naive : public SeriesModel {
 public:
  Naive(const SeriesSpec& spec, const std::vector<double>& values) {
    lag_ = spec.method == SeriesMethod::kSeasonalNaive ? spec.period : 1;
    const size_t n = values.size();
    if (spec.method == SeriesMethod::kDrift && n > 1)
      drift_ = (values[n - 1] - values[0]) / static_cast<double>(n - 1);
    fitted_.assign(n, values[0]);
    for (size_t i = lag_; i < n; ++i) fitted_[i] = values[i - lag_] + drift_;
    variance_ = Variance(values, fitted_, lag_);
    last_.assign(values.end() - static_cast<ptrdiff_t>(lag_), values.end());
    count_ = static_cast<double>(n);
  }
  std::vector<StepForecast> Forecast(size_t steps) const override {
    std::vector<StepForecast> result;
    for (size_t h = 0; h < steps; ++h) {
      const auto step = static_cast<double>(h + 1);
      const auto cycles = static_cast<double>(h / lag_ + 1);
      const double growth = drift_ == 0 ? 1 : 1 + step / count_;
      result.push_back({last_[h % lag_] + drift_ * step, variance_ * cycles * growth});
    }
    return result;
  }

 private:
  size_t lag_ = 1;
  double drift_ = 0, variance_ = 0, count_ = 1;
  std::vector<double> last_;
};

// Simple smoothing plus half of the straight line's slope, on values without their season.
class Theta : public SeriesModel {
 public:
  Theta(const SeriesSpec& spec, const std::vector<double>& values) : period_(spec.period) {
    const size_t n = values.size();
    std::vector<double> adjusted = values;
    if (period_ > 1) season_ = SeasonOf(values, period_);
    for (size_t i = 0; i < season_.size(); ++i) adjusted[i] -= season_[i];
    double mean_time = (static_cast<double>(n) - 1) / 2, mean = 0, products = 0, squares = 0;
    for (const double value : adjusted) mean += value / static_cast<double>(n);
    for (size_t i = 0; i < n; ++i) {
      const double time = static_cast<double>(i) - mean_time;
      products += time * (adjusted[i] - mean);
      squares += time * time;
    }
    drift_ = squares > 0 ? products / squares / 2 : 0;
    alpha_ = spec.parameters.empty() ? 0.5 : std::clamp(spec.parameters[0], 0.01, 0.999);
    level_ = adjusted[0];
    fitted_.resize(n);
    for (size_t i = 0; i < n; ++i) {
      fitted_[i] = level_ + (i == 0 ? 0 : drift_) + (season_.empty() ? 0 : season_[i]);
      level_ += alpha_ * (adjusted[i] - level_);
    }
    variance_ = Variance(values, fitted_, 1);
  }
  std::vector<StepForecast> Forecast(size_t steps) const override {
    std::vector<StepForecast> result;
    double variance = variance_;
    // The smoothed level is behind by this many steps.
    const double lag = (1 - std::pow(1 - alpha_, static_cast<double>(fitted_.size()))) / alpha_ - 1;
    for (size_t h = 0; h < steps; ++h) {
      const double season = season_.empty() ? 0 : season_[season_.size() - period_ + h % period_];
      result.push_back({level_ + drift_ * (static_cast<double>(h) + 1 + lag) + season, variance});
      variance += variance_ * alpha_ * alpha_;
    }
    return result;
  }
  double variance() const { return variance_; }

 private:
  size_t period_;
  std::vector<double> season_;
  double drift_ = 0, alpha_ = 0.5, level_ = 0, variance_ = 0;
};

// Another model on the values without their season.
class Decomposed : public SeriesModel {
 public:
  Decomposed(const SeriesSpec& spec, std::vector<double> season, std::unique_ptr<SeriesModel> inner)
      : period_(spec.period), season_(std::move(season)), inner_(std::move(inner)) {
    fitted_ = inner_->fitted();
    for (size_t i = 0; i < fitted_.size(); ++i) fitted_[i] += season_[i];
  }
  std::vector<StepForecast> Forecast(size_t steps) const override {
    std::vector<StepForecast> result = inner_->Forecast(steps);
    for (size_t h = 0; h < steps; ++h)
      result[h].mean += season_[season_.size() - period_ + h % period_];
    return result;
  }

 private:
  size_t period_;
  std::vector<double> season_;
  std::unique_ptr<SeriesModel> inner_;
};

std::vector<double> WithoutSeason(const std::vector<double>& values,
                                  const std::vector<double>& season) {
  std::vector<double> adjusted = values;
  for (size_t i = 0; i < adjusted.size(); ++i) adjusted[i] -= season[i];
  return adjusted;
}

bool TakeLogs(const std::vector<double>& values, std::vector<double>* logs) {
  for (const double value : values) {
    if (!(value > 0)) return false;
    logs->push_back(std::log(value));
  }
  return true;
}

// The trend by centred means over a period, carried on at the ends.
std::vector<double> TrendOf(const std::vector<double>& values, size_t period) {
  const size_t n = values.size(), half = period / 2;
  std::vector<double> trend(n, 0);
  for (size_t i = half; i + half < n; ++i) {
    double sum = 0;
    for (size_t j = i - half; j <= i + half; ++j) {
      const bool is_edge = period % 2 == 0 && (j == i - half || j == i + half);
      sum += values[j] * (is_edge ? 0.5 : 1);
    }
    trend[i] = sum / static_cast<double>(period % 2 == 0 ? period : 2 * half + 1);
  }
  if (n <= 2 * half) {
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(n);
    std::fill(trend.begin(), trend.end(), mean);
    return trend;
  }
  const size_t first = half, last = n - half - 1;
  const size_t span = std::min(last - first, period);
  const double slope_start =
      span == 0 ? 0 : (trend[first + span] - trend[first]) / static_cast<double>(span);
  const double slope_end =
      span == 0 ? 0 : (trend[last] - trend[last - span]) / static_cast<double>(span);
  for (size_t i = 0; i < first; ++i)
    trend[i] = trend[first] - slope_start * static_cast<double>(first - i);
  for (size_t i = last + 1; i < n; ++i)
    trend[i] = trend[last] + slope_end * static_cast<double>(i - last);
  return trend;
}

}  // namespace

std::vector<double> SeasonOf(const std::vector<double>& values, size_t period) {
  const size_t n = values.size();
  if (period < 2 || n < 2 * period) return {};
  std::vector<double> season(n, 0);
  std::vector<double> rest = values;
  for (int round = 0; round < 2; ++round) {
    const std::vector<double> trend = TrendOf(round == 0 ? values : rest, period);
    // Each phase over the cycles, nearer ones weighing more.
    constexpr double kReach = 5;  // cycles
    for (size_t i = 0; i < n; ++i) {
      double sum = 0, weights = 0;
      for (size_t j = i % period; j < n; j += period) {
        const double distance =
            std::abs(static_cast<double>(i) - static_cast<double>(j)) / static_cast<double>(period);
        if (distance >= kReach) continue;
        const double part = 1 - std::pow(distance / kReach, 3);
        const double weight = part * part * part;
        sum += weight * (values[j] - trend[j]);
        weights += weight;
      }
      season[i] = sum / weights;
    }
    // No level in the season.
    const std::vector<double> level = TrendOf(season, period);
    for (size_t i = 0; i < n; ++i) {
      season[i] -= level[i];
      rest[i] = values[i] - season[i];
    }
  }
  return season;
}

double SeasonStrength(const std::vector<double>& values, size_t period) {
  const std::vector<double> season = SeasonOf(values, period);
  if (season.empty()) return 0;
  std::vector<double> rest = WithoutSeason(values, season);
  const std::vector<double> trend = TrendOf(rest, std::max<size_t>(period, 5));
  double noise = 0, all = 0, mean_noise = 0, mean_all = 0;
  const auto n = static_cast<double>(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    mean_noise += (rest[i] - trend[i]) / n;
    mean_all += (values[i] - trend[i]) / n;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    noise += std::pow(rest[i] - trend[i] - mean_noise, 2);
    all += std::pow(values[i] - trend[i] - mean_all, 2);
  }
  return all > 0 ? std::max(0.0, 1 - noise / all) : 0;
}

std::vector<size_t> FindPeriods(const std::vector<double>& values, size_t max_period) {
  const size_t n = values.size();
  std::vector<double> changes;
  for (size_t i = 1; i < n; ++i) changes.push_back(values[i] - values[i - 1]);
  double mean = 0, total = 0;
  for (const double value : changes) mean += value / static_cast<double>(changes.size());
  for (double& value : changes) {
    value -= mean;
    total += value * value;
  }
  std::vector<std::pair<double, size_t>> peaks;
  std::vector<double> correlation;
  for (size_t lag = 0; lag <= std::min(max_period + 1, n / 3); ++lag) {
    double sum = 0;
    for (size_t i = lag; i < changes.size(); ++i) sum += changes[i] * changes[i - lag];
    correlation.push_back(total > 0 ? sum / total : 0);
  }
  for (size_t lag = 2; lag + 1 < correlation.size(); ++lag)
    if (correlation[lag] > correlation[lag - 1] && correlation[lag] > correlation[lag + 1] &&
        correlation[lag] > 2.5 / std::sqrt(static_cast<double>(n)))
      peaks.emplace_back(-correlation[lag], lag);
  std::sort(peaks.begin(), peaks.end());
  std::vector<size_t> periods;
  for (const auto& [strength, lag] : peaks)
    if (periods.size() < 3) periods.push_back(lag);
  return periods;
}

std::unique_ptr<SeriesModel> MakeSeriesModel(const SeriesSpec& spec,
                                             const std::vector<double>& values) {
  if (spec.is_log) {
    std::vector<double> logs;
    if (!TakeLogs(values, &logs)) return nullptr;
    SeriesSpec plain = spec;
    plain.is_log = false;
    return MakeSeriesModel(plain, logs);
  }
  if (values.size() < 2 || spec.period < 1 || spec.period > values.size()) return nullptr;
  switch (spec.method) {
    case SeriesMethod::kNaive:
    case SeriesMethod::kSeasonalNaive:
    case SeriesMethod::kDrift:
      return std::make_unique<Naive>(spec, values);
    case SeriesMethod::kTheta:
      return std::make_unique<Theta>(spec, values);
    case SeriesMethod::kSmoothing:
      return MakeSmoothing(spec, values);
    case SeriesMethod::kArima:
      return MakeArima(spec, values);
    case SeriesMethod::kStlSmoothing:
    case SeriesMethod::kStlArima: {
      std::vector<double> season = SeasonOf(values, spec.period);
      if (season.empty()) return nullptr;
      SeriesSpec inner = spec;
      inner.period = 1;
      const std::vector<double> adjusted = WithoutSeason(values, season);
      auto model = spec.method == SeriesMethod::kStlArima ? MakeArima(inner, adjusted)
                                                          : MakeSmoothing(inner, adjusted);
      if (model == nullptr) return nullptr;
      return std::make_unique<Decomposed>(spec, std::move(season), std::move(model));
    }
  }
  return nullptr;
}

FittedSpec FitSeries(SeriesMethod method, const std::vector<double>& values, size_t period,
                     bool is_log, const std::vector<int>* known) {
  if (is_log) {
    std::vector<double> logs;
    if (!TakeLogs(values, &logs)) return {};
    FittedSpec fitted = FitSeries(method, logs, period, false, known);
    fitted.spec.is_log = true;
    return fitted;
  }
  const size_t n = values.size();
  FittedSpec fitted;
  SeriesSpec& spec = fitted.spec;
  spec.method = method;
  spec.period = period;
  switch (method) {
    case SeriesMethod::kNaive:
    case SeriesMethod::kDrift:
      spec.period = 1;
      fitted.found = n >= 2;
      return fitted;
    case SeriesMethod::kSeasonalNaive:
      fitted.found = period > 1 && n >= period + 2;
      return fitted;
    case SeriesMethod::kTheta: {
      if (n < 4) return fitted;
      if (period > 1 && (n < 2 * period + 2 || SeasonStrength(values, period) < 0.3))
        spec.period = 1;
      const std::vector<double> best = Minimise(
          [&](const std::vector<double>& at) {
            SeriesSpec attempt = spec;
            attempt.parameters = {1 / (1 + std::exp(-at[0]))};
            return Theta(attempt, values).variance();
          },
          {0}, 1, 30);
      spec.parameters = {1 / (1 + std::exp(-best[0]))};
      fitted.found = true;
      return fitted;
    }
    case SeriesMethod::kSmoothing:
      return FitSmoothing(values, period, known);
    case SeriesMethod::kArima:
      return FitArima(values, period, known);
    case SeriesMethod::kStlSmoothing:
    case SeriesMethod::kStlArima: {
      if (period < 2 || n < 2 * period + 4) return fitted;
      const std::vector<double> adjusted = WithoutSeason(values, SeasonOf(values, period));
      fitted = method == SeriesMethod::kStlArima ? FitArima(adjusted, 1, known)
                                                 : FitSmoothing(adjusted, 1, known);
      spec.method = method;
      spec.period = period;
      return fitted;
    }
  }
  return fitted;
}

const char* ForecasterName(const SeriesSpec& spec) {
  switch (spec.method) {
    case SeriesMethod::kNaive:
    case SeriesMethod::kSeasonalNaive:
    case SeriesMethod::kDrift:
      return "NaiveForecaster";
    case SeriesMethod::kTheta:
      return "ThetaForecaster";
    case SeriesMethod::kSmoothing:
      return "ETSForecaster";
    case SeriesMethod::kArima:
      return "SARIMAXForecaster";
    case SeriesMethod::kStlSmoothing:
      return "STLwESForecaster";
    case SeriesMethod::kStlArima:
      return "STLwARIMAForecaster";
  }
  return "";
}

Json SeriesSpec::ToJson() const {
  return {{"method", static_cast<int>(method)},
          {"log", is_log},
          {"period", period},
          {"orders", orders},
          {"parameters", parameters}};
}

Result<SeriesSpec> SeriesSpec::FromJson(const Json& json) {
  const auto damaged = [] {
    return MakeError(ErrorCode::kCorrupt, "the model's series are damaged");
  };
  SeriesSpec spec;
  try {
    const int method = json.at("method");
    if (method < static_cast<int>(SeriesMethod::kNaive) ||
        method > static_cast<int>(SeriesMethod::kStlArima))
      return damaged();
    spec.method = static_cast<SeriesMethod>(method);
    spec.is_log = json.at("log");
    spec.period = json.at("period");
    spec.orders = json.at("orders").get<std::vector<int>>();
    spec.parameters = json.at("parameters").get<std::vector<double>>();
  } catch (const Json::exception&) {
    return damaged();
  }
  const bool is_arima =
      spec.method == SeriesMethod::kArima || spec.method == SeriesMethod::kStlArima;
  const bool is_smoothing =
      spec.method == SeriesMethod::kSmoothing || spec.method == SeriesMethod::kStlSmoothing;
  const size_t num_orders = is_arima ? 7 : is_smoothing ? 3 : 0;
  if (spec.orders.size() != num_orders) return damaged();
  for (const int order : spec.orders)
    if (order < 0 || order > 12) return damaged();
  for (const double parameter : spec.parameters)
    if (!std::isfinite(parameter)) return damaged();
  return spec;
}

}  // namespace sirocco::automl
