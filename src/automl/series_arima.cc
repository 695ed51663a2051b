// Seasonal ARIMA by conditional sums of squares. Orders of differences by a test of stationarity
// and the season's strength, the others by steps that lower the corrected information criterion
// (Hyndman and Khandakar, "Automatic Time Series Forecasting", 2008). Coefficients are searched as
// partial autocorrelations, so that every point is stationary and invertible.
#include <algorithm>
#include <cmath>
#include <set>

#include "automl/minimise.h"
#include "automl/series.h"

namespace sirocco::automl {

namespace {

enum Order { kP, kD, kQ, kSeasonP, kSeasonD, kSeasonQ, kMean };

// From the whole line to coefficients of a stationary process, by Durbin and Levinson's recursion.
std::vector<double> Stationary(const double* raw, int count) {
  std::vector<double> c;
  for (int k = 0; k < count; ++k) {
    const double partial = 0.98 * std::tanh(raw[k]);
    std::vector<double> next = c;
    for (int i = 0; i < k; ++i)
      next[static_cast<size_t>(i)] -= partial * c[static_cast<size_t>(k - 1 - i)];
    next.push_back(partial);
    c = std::move(next);
  }
  return c;
}

// Coefficients of (1 - a(B)) (1 - b(B^m)), as those subtracted from 1.
std::vector<double> Combine(const std::vector<double>& a, const std::vector<double>& b, size_t m) {
  std::vector<double> polynomial(a.size() + b.size() * m + 1, 0.0);
  polynomial[0] = 1;
  for (size_t i = 0; i < a.size(); ++i) polynomial[i + 1] -= a[i];
  if (!b.empty()) {
    std::vector<double> product = polynomial;
    for (size_t j = 0; j < b.size(); ++j)
      for (size_t i = 0; i + (j + 1) * m < polynomial.size(); ++i)
        product[i + (j + 1) * m] -= b[j] * (i <= a.size() ? polynomial[i] : 0);
    polynomial = std::move(product);
  }
  std::vector<double> result;
  for (size_t i = 1; i < polynomial.size(); ++i) result.push_back(-polynomial[i]);
  return result;
}

// Coefficients that are not zero, with their lags (from 1).
std::vector<std::pair<size_t, double>> Sparse(const std::vector<double>& coefficients) {
  std::vector<std::pair<size_t, double>> terms;
  for (size_t i = 0; i < coefficients.size(); ++i)
    if (coefficients[i] != 0) terms.emplace_back(i + 1, coefficients[i]);
  return terms;
}

std::vector<double> Difference(const std::vector<double>& values, size_t lag) {
  std::vector<double> result;
  for (size_t i = lag; i < values.size(); ++i) result.push_back(values[i] - values[i - lag]);
  return result;
}

class Arima : public SeriesModel {
 public:
  Arima(const SeriesSpec& spec, const std::vector<double>& values) : values_(values) {
    const std::vector<int>& o = spec.orders;
    const size_t m = spec.period;
    const double* at = spec.parameters.data();
    std::vector<double> padded = spec.parameters;
    padded.resize(static_cast<size_t>(o[kP] + o[kQ] + o[kSeasonP] + o[kSeasonQ] + o[kMean]), 0.0);
    at = padded.data();
    const std::vector<double> ar = Stationary(at, o[kP]);
    at += o[kP];
    const std::vector<double> ma = Stationary(at, o[kQ]);
    at += o[kQ];
    const std::vector<double> season_ar = Stationary(at, o[kSeasonP]);
    at += o[kSeasonP];
    const std::vector<double> season_ma = Stationary(at, o[kSeasonQ]);
    at += o[kSeasonQ];
    phi_ = Combine(ar, season_ar, m);
    // Of the moving average 1 + theta(B): the same form with signs turned.
    theta_ = Combine(ma, season_ma, m);
    for (double& value : theta_) value = -value;
    const auto ar_terms = Sparse(phi_), ma_terms = Sparse(theta_);
    std::vector<double> w = values;
    for (int i = 0; i < o[kSeasonD]; ++i) w = Difference(w, m);
    for (int i = 0; i < o[kD]; ++i) w = Difference(w, 1);
    double mean = 0, scale = 0;
    for (const double value : w) mean += value / static_cast<double>(std::max<size_t>(1, w.size()));
    for (const double value : w)
      scale += (value - mean) * (value - mean) / static_cast<double>(std::max<size_t>(1, w.size()));
    mean_ = o[kMean] != 0 ? mean + *at * std::sqrt(scale) : 0;
    const size_t n = w.size(), skip = std::min(phi_.size(), n / 3);
    errors_.assign(n, 0);
    double squares = 0;
    for (size_t t = 0; t < n; ++t) {
      double expected = mean_;
      for (const auto& [lag, value] : ar_terms)
        if (lag <= t) expected += value * (w[t - lag] - mean_);
      for (const auto& [lag, value] : ma_terms)
        if (lag <= t) expected += value * errors_[t - lag];
      errors_[t] = w[t] - expected;
      if (t >= skip) squares += errors_[t] * errors_[t];
    }
    used_ = n - skip;
    squares_ = squares;
    const double free = static_cast<double>(used_) - static_cast<double>(spec.parameters.size());
    variance_ = squares / std::max(1.0, free);
    w_ = std::move(w);
    season_lag_ = m;
    season_d_ = o[kSeasonD];
    d_ = o[kD];
    const size_t lost = values.size() - n;
    fitted_ = values;
    for (size_t t = 0; t < n; ++t) fitted_[lost + t] = values[lost + t] - errors_[t];
  }

  double squares() const { return squares_; }
  size_t used() const { return used_; }

  std::vector<StepForecast> Forecast(size_t steps) const override {
    // Means of the differenced series, then summed up again.
    const auto ar_terms = Sparse(phi_), ma_terms = Sparse(theta_);
    std::vector<double> w = w_, errors = errors_;
    const size_t n = w.size();
    for (size_t h = 0; h < steps; ++h) {
      double expected = mean_;
      const size_t t = n + h;
      for (const auto& [lag, value] : ar_terms)
        if (lag <= t) expected += value * (w[t - lag] - mean_);
      for (const auto& [lag, value] : ma_terms)
        if (lag <= t) expected += value * errors[t - lag];
      w.push_back(expected);
      errors.push_back(0);
    }
    std::vector<std::vector<double>> levels = {values_};
    for (int i = 0; i < season_d_; ++i) levels.push_back(Difference(levels.back(), season_lag_));
    for (int i = 0; i < d_; ++i) levels.push_back(Difference(levels.back(), 1));
    std::vector<double> future(w.begin() + static_cast<ptrdiff_t>(n), w.end());
    for (size_t level = levels.size() - 1; level-- > 0;) {
      const size_t lag = static_cast<int>(level) < season_d_ ? season_lag_ : 1;
      std::vector<double> known = levels[level];
      for (double& value : future) {
        value += known[known.size() - lag];
        known.push_back(value);
      }
    }
    // Weights of past errors in the undifferenced series.
    std::vector<double> full = Expanded();
    std::vector<double> psi(std::max<size_t>(1, steps), 0.0);
    psi[0] = 1;
    for (size_t j = 1; j < psi.size(); ++j) {
      psi[j] = j <= theta_.size() ? theta_[j - 1] : 0;
      for (size_t i = 0; i < full.size() && i < j; ++i) psi[j] += full[i] * psi[j - 1 - i];
    }
    std::vector<StepForecast> result;
    double sum = 0;
    for (size_t h = 0; h < steps; ++h) {
      sum += psi[h] * psi[h];
      result.push_back({future[h], sum * variance_});
    }
    return result;
  }

 private:
  // The autoregressive polynomial times the differences.
  std::vector<double> Expanded() const {
    std::vector<double> polynomial = {1};
    for (const double value : phi_) polynomial.push_back(-value);
    const auto times = [&](size_t lag) {
      std::vector<double> product(polynomial.size() + lag, 0.0);
      for (size_t i = 0; i < polynomial.size(); ++i) {
        product[i] += polynomial[i];
        product[i + lag] -= polynomial[i];
      }
      polynomial = std::move(product);
    };
    for (int i = 0; i < season_d_; ++i) times(season_lag_);
    for (int i = 0; i < d_; ++i) times(1);
    std::vector<double> result;
    for (size_t i = 1; i < polynomial.size(); ++i) result.push_back(-polynomial[i]);
    return result;
  }

  std::vector<double> values_, w_, errors_, phi_, theta_;
  double mean_ = 0, squares_ = 0, variance_ = 0;
  size_t used_ = 0, season_lag_ = 1;
  int season_d_ = 0, d_ = 0;
};

// Whether a series has a wandering level (KPSS test at 5 %).
bool Wanders(const std::vector<double>& values) {
  const size_t n = values.size();
  if (n < 10) return false;
  double mean = 0;
  for (const double value : values) mean += value / static_cast<double>(n);
  const auto lags = static_cast<size_t>(std::trunc(3 * std::sqrt(static_cast<double>(n)) / 13));
  double sum = 0, squares = 0, variance = 0;
  for (const double value : values) {
    sum += value - mean;
    squares += sum * sum;
    variance += (value - mean) * (value - mean);
  }
  for (size_t lag = 1; lag <= lags; ++lag) {
    double product = 0;
    for (size_t i = lag; i < n; ++i) product += (values[i] - mean) * (values[i - lag] - mean);
    variance += 2 * (1 - static_cast<double>(lag) / static_cast<double>(lags + 1)) * product;
  }
  return variance > 0 && squares / (static_cast<double>(n) * variance) > 0.463;
}

}  // namespace

std::unique_ptr<SeriesModel> MakeArima(const SeriesSpec& spec, const std::vector<double>& values) {
  if (spec.orders.size() != 7) return nullptr;
  const size_t lost = static_cast<size_t>(spec.orders[kD]) +
                      static_cast<size_t>(spec.orders[kSeasonD]) * spec.period;
  if (values.size() < lost + 3) return nullptr;
  return std::make_unique<Arima>(spec, values);
}

FittedSpec FitArima(const std::vector<double>& values, size_t period,
                    const std::vector<int>* known) {
  FittedSpec best;
  const size_t n = values.size();
  if (n < 8) return best;
  const bool has_season = period > 1 && n >= 3 * period && period <= 60;
  const size_t m = has_season ? period : 1;
  std::vector<double> w = values;
  int season_d = 0, d = 0;
  if (has_season && SeasonStrength(values, period) > 0.64) {
    season_d = 1;
    w = Difference(w, m);
  }
  while (d < 2 && Wanders(w)) {
    ++d;
    w = Difference(w, 1);
  }
  double best_criterion = HUGE_VAL;
  std::set<std::vector<int>> tried;
  const auto attempt = [&](const std::vector<int>& orders) {
    for (const int i : {kP, kQ})
      if (orders[static_cast<size_t>(i)] < 0 || orders[static_cast<size_t>(i)] > 4) return;
    for (const int i : {kSeasonP, kSeasonQ})
      if (orders[static_cast<size_t>(i)] < 0 ||
          orders[static_cast<size_t>(i)] > (has_season ? 2 : 0))
        return;
    if (orders[kMean] < 0 || orders[kMean] > (d + season_d <= 1 ? 1 : 0)) return;
    if (tried.size() > 40 || !tried.insert(orders).second) return;
    SeriesSpec spec;
    spec.method = SeriesMethod::kArima;
    spec.period = m;
    spec.orders = orders;
    const std::vector<double> start(static_cast<size_t>(orders[kP] + orders[kQ] + orders[kSeasonP] +
                                                        orders[kSeasonQ] + orders[kMean]),
                                    0.1);
    const double k = static_cast<double>(start.size()) + 1;
    spec.parameters = Minimise(
        [&](const std::vector<double>& at) {
          SeriesSpec one = spec;
          one.parameters = at;
          const Arima model(one, values);
          return model.squares() / static_cast<double>(std::max<size_t>(1, model.used()));
        },
        start, 0.4, 50 * start.size() + 20);
    const Arima model(spec, values);
    // Per observation, as conditional sums lose some at the start.
    const auto used = static_cast<double>(model.used());
    const auto rows = static_cast<double>(w.size());
    if (rows - k - 1 <= 0) return;
    const double criterion = rows * std::log(std::max(model.squares() / used, 1e-300)) + 2 * k +
                             2 * k * (k + 1) / (rows - k - 1);
    if (criterion < best_criterion) {
      best_criterion = criterion;
      best.spec = spec;
      best.found = true;
    }
  };
  if (known != nullptr && known->size() == 7) {
    d = (*known)[kD];
    season_d = (*known)[kSeasonD];
    if (has_season || season_d + (*known)[kSeasonP] + (*known)[kSeasonQ] == 0) {
      attempt(*known);
      if (best.found) return best;
    }
  }
  const int mean = d + season_d <= 1 ? 1 : 0, s = has_season ? 1 : 0;
  attempt({0, d, 0, 0, season_d, 0, mean});
  attempt({1, d, 0, s, season_d, 0, mean});
  attempt({0, d, 1, 0, season_d, s, mean});
  if (n >= 25) attempt({2, d, 2, s, season_d, s, mean});
  for (int round = 0; round < 10; ++round) {
    const double before = best_criterion;
    const std::vector<int> from = best.spec.orders;
    for (const int i : {kP, kQ, kSeasonP, kSeasonQ, kMean})
      for (const int step : {-1, 1}) {
        std::vector<int> next = from;
        next[static_cast<size_t>(i)] += step;
        attempt(next);
      }
    for (const int step : {-1, 1}) {
      std::vector<int> next = from;
      next[kP] += step;
      next[kQ] += step;
      attempt(next);
    }
    if (!(best_criterion < before)) break;
  }
  return best;
}

}  // namespace sirocco::automl
