// Exponential smoothing with additive errors: level, trend (damped or not), additive season. The
// starting level and trend are searched with the constants; variants compete by the corrected
// information criterion.
#include <algorithm>
#include <cmath>

#include "automl/minimise.h"
#include "automl/series.h"

namespace sirocco::automl {

namespace {

double Between(double x, double low, double high) {
  return low + (high - low) / (1 + std::exp(-x));
}

// Parameters on the whole line: alpha, start level, [beta, start trend, [phi]], [gamma].
class Smoothing : public SeriesModel {
 public:
  Smoothing(const SeriesSpec& spec, const std::vector<double>& values)
      : period_(spec.orders[2] != 0 ? spec.period : 1), has_trend_(spec.orders[0] != 0) {
    const size_t n = values.size();
    const bool has_season = period_ > 1;
    size_t at = 0;
    const auto next = [&] { return at < spec.parameters.size() ? spec.parameters[at++] : 0.0; };
    alpha_ = Between(next(), 0.001, 0.999);
    const double scale = ScaleOf(values);
    level_ = values[0] + next() * scale;
    if (has_trend_) {
      beta_ = Between(next(), 0.0005, 0.999) * alpha_;
      trend_ = next() * scale * 0.2;
      if (spec.orders[1] != 0) phi_ = Between(next(), 0.8, 0.98);
    }
    if (has_season) {
      gamma_ = Between(next(), 0.0005, 0.999) * (1 - alpha_);
      const std::vector<double> season = SeasonOf(values, period_);
      season_.assign(season.begin(), season.begin() + static_cast<ptrdiff_t>(period_));
      level_ -= season_[0];
    }
    fitted_.resize(n);
    double squares = 0;
    for (size_t i = 0; i < n; ++i) {
      const double expected = level_ + phi_ * trend_;
      double* season = has_season ? &season_[i % period_] : nullptr;
      fitted_[i] = expected + (season != nullptr ? *season : 0);
      const double error = values[i] - fitted_[i];
      squares += error * error;
      level_ = expected + alpha_ * error;
      trend_ = phi_ * trend_ + beta_ * error;
      if (season != nullptr) *season += gamma_ * error;
    }
    squares_ = squares;
    const auto parameters = static_cast<double>(spec.parameters.size());
    variance_ = squares / std::max(1.0, static_cast<double>(n) - parameters);
    if (has_season)
      std::rotate(season_.begin(), season_.begin() + static_cast<ptrdiff_t>(n % period_),
                  season_.end());
  }

  static double ScaleOf(const std::vector<double>& values) {
    double sum = 0;
    for (size_t i = 1; i < values.size(); ++i) sum += std::abs(values[i] - values[i - 1]);
    return std::max(sum / static_cast<double>(std::max<size_t>(1, values.size() - 1)), 1e-9);
  }
  double squares() const { return squares_; }

  std::vector<StepForecast> Forecast(size_t steps) const override {
    std::vector<StepForecast> result;
    double damping = 1, damped_steps = 0, variance = 1;
    for (size_t h = 0; h < steps; ++h) {
      damping *= phi_;
      damped_steps += damping;
      const double season = period_ > 1 ? season_[h % period_] : 0;
      result.push_back(
          {level_ + (has_trend_ ? damped_steps * trend_ : 0) + season, variance * variance_});
      double weight = alpha_ + beta_ * damped_steps;
      if (period_ > 1 && (h + 1) % period_ == 0) weight += gamma_;
      variance += weight * weight;
    }
    return result;
  }

 private:
  size_t period_;
  bool has_trend_;
  double alpha_ = 0.5, beta_ = 0, phi_ = 1, gamma_ = 0, level_ = 0, trend_ = 0;
  std::vector<double> season_;
  double squares_ = 0, variance_ = 0;
};

}  // namespace

std::unique_ptr<SeriesModel> MakeSmoothing(const SeriesSpec& spec,
                                           const std::vector<double>& values) {
  if (spec.orders.size() != 3 || values.size() < 2) return nullptr;
  if (spec.orders[2] != 0 && (spec.period < 2 || values.size() < 2 * spec.period)) return nullptr;
  return std::make_unique<Smoothing>(spec, values);
}

FittedSpec FitSmoothing(const std::vector<double>& values, size_t period,
                        const std::vector<int>* known) {
  const auto n = static_cast<double>(values.size());
  FittedSpec best;
  if (values.size() < 4) return best;
  double best_criterion = HUGE_VAL;
  for (int trend = 0; trend <= 2; ++trend)  // none, damped, straight
    for (int season = 0; season <= 1; ++season) {
      if (season == 1 && (period < 2 || values.size() < 2 * period + 2)) continue;
      if (known != nullptr && *known != std::vector<int>{trend != 0, trend == 1, season}) continue;
      SeriesSpec spec;
      spec.method = SeriesMethod::kSmoothing;
      spec.period = season == 1 ? period : 1;
      spec.orders = {trend != 0, trend == 1, season};
      std::vector<double> start = {0, 0};
      if (trend != 0) start.insert(start.end(), {-2, 0});
      if (trend == 1) start.push_back(1);
      if (season == 1) start.push_back(-2);
      const double k = static_cast<double>(start.size()) + 1 +
                       (season == 1 ? static_cast<double>(period) - 1 : 0);
      if (n - k - 1 <= 0) continue;
      spec.parameters = Minimise(
          [&](const std::vector<double>& at) {
            SeriesSpec attempt = spec;
            attempt.parameters = at;
            return Smoothing(attempt, values).squares();
          },
          start, 1, 60 * start.size());
      const double squares = Smoothing(spec, values).squares();
      const double criterion =
          n * std::log(std::max(squares / n, 1e-300)) + 2 * k + 2 * k * (k + 1) / (n - k - 1);
      if (criterion < best_criterion) {
        best_criterion = criterion;
        best.spec = spec;
        best.found = true;
      }
    }
  if (!best.found && known != nullptr) return FitSmoothing(values, period, nullptr);
  return best;
}

}  // namespace sirocco::automl
