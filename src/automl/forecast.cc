#include "automl/forecast.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "automl/model_file.h"

namespace sirocco::automl {

namespace {

using Json = nlohmann::json;

constexpr int64_t kMicrosPerDay = 86400ll * 1000000;
constexpr double kRidge = 1e-6;

bool IsDate(ColumnKind kind) { return kind == ColumnKind::kDate || kind == ColumnKind::kDateTime; }

// Months since year 0, for a time at the same day of the month as others.
int64_t MonthOf(int64_t micros) {
  const int64_t days =
      micros >= 0 ? micros / kMicrosPerDay : -((-micros + kMicrosPerDay - 1) / kMicrosPerDay);
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  return static_cast<int64_t>(static_cast<int>(date.year())) * 12 +
         static_cast<unsigned>(date.month()) - 1;
}

// Runs the recursion; the sum of squared one-step errors, the first period left out.
double RunSmoothing(const std::vector<double>& values, SmoothedSeries* s) {
  const size_t m = s->period, n = values.size();
  const bool has_season = m > 1;
  const size_t first = has_season ? m : 1;
  s->season.assign(m, 0);
  double mean = 0;
  for (size_t i = 0; i < first; ++i) mean += values[i] / static_cast<double>(first);
  if (has_season)
    for (size_t i = 0; i < m; ++i) s->season[i] = values[i] - mean;
  s->level = mean;
  s->trend = 0;
  if (s->beta > 0 && n > first) {
    const size_t span = std::min(n - first, std::max<size_t>(first, 4));
    double later = 0;
    for (size_t i = 0; i < span; ++i) later += values[n >= first + span ? first + i : i];
    s->trend = (later / static_cast<double>(span) - mean) / (static_cast<double>(first + span) / 2);
  }
  s->fitted.assign(n, 0);
  for (size_t i = 0; i < first; ++i) s->fitted[i] = mean + (has_season ? s->season[i] : 0);
  double squares = 0;
  for (size_t i = first; i < n; ++i) {
    double& season = s->season[i % m];
    const double expected_level = s->level + s->phi * s->trend;
    const double fitted = expected_level + (has_season ? season : 0);
    const double error = values[i] - fitted;
    s->fitted[i] = fitted;
    squares += error * error;
    s->level = expected_level + s->alpha * error;
    if (s->beta > 0) s->trend = s->phi * s->trend + s->alpha * s->beta * error;
    if (has_season) season += s->gamma * (1 - s->alpha) * error;
  }
  // So that season[0] belongs to the next step.
  if (has_season)
    std::rotate(s->season.begin(), s->season.begin() + static_cast<ptrdiff_t>(n % m),
                s->season.end());
  s->error_variance = squares / static_cast<double>(std::max<size_t>(1, n - first));
  return squares;
}

// The best constants: a coarse grid, then halving steps around the best point.
double Search(const std::vector<double>& values, bool has_trend, SmoothedSeries* best) {
  const bool has_season = best->period > 1;
  double best_squares = std::numeric_limits<double>::infinity();
  const auto attempt = [&](double alpha, double beta, double phi, double gamma) {
    SmoothedSeries s;
    s.period = best->period;
    s.alpha = std::clamp(alpha, 0.01, 0.99);
    s.beta = has_trend ? std::clamp(beta, 0.01, 0.99) : 0;
    s.phi = has_trend ? std::clamp(phi, 0.8, 1.0) : 1;
    s.gamma = has_season ? std::clamp(gamma, 0.01, 0.99) : 0;
    const double squares = RunSmoothing(values, &s);
    if (squares < best_squares) {
      best_squares = squares;
      *best = std::move(s);
    }
  };
  for (const double alpha : {0.05, 0.2, 0.5, 0.9})
    for (const double beta : has_trend ? std::vector<double>{0.05, 0.3} : std::vector<double>{0})
      for (const double phi :
           has_trend ? std::vector<double>{0.9, 0.98, 1} : std::vector<double>{1})
        for (const double gamma :
             has_season ? std::vector<double>{0.05, 0.3} : std::vector<double>{0})
          attempt(alpha, beta, phi, gamma);
  for (double width = 0.15; width > 0.01; width /= 2)
    for (int direction = -1; direction <= 1; direction += 2) {
      const SmoothedSeries at = *best;
      attempt(at.alpha + direction * width, at.beta, at.phi, at.gamma);
      attempt(best->alpha, best->beta + direction * width, best->phi, best->gamma);
      attempt(best->alpha, best->beta, best->phi + direction * width / 4, best->gamma);
      attempt(best->alpha, best->beta, best->phi, best->gamma + direction * width);
    }
  return best_squares;
}

// Solves (X'X + ridge) w = X'y; X has a constant column at its end.
std::vector<double> Regress(const std::vector<std::vector<double>>& x,
                            const std::vector<double>& y) {
  const size_t width = x.empty() ? 1 : x[0].size();
  std::vector<std::vector<double>> a(width, std::vector<double>(width + 1, 0.0));
  for (size_t row = 0; row < x.size(); ++row)
    for (size_t i = 0; i < width; ++i) {
      for (size_t j = 0; j < width; ++j) a[i][j] += x[row][i] * x[row][j];
      a[i][width] += x[row][i] * y[row];
    }
  for (size_t i = 0; i < width; ++i) a[i][i] += kRidge * (1 + a[i][i]);
  for (size_t i = 0; i < width; ++i) {
    size_t pivot = i;
    for (size_t row = i + 1; row < width; ++row)
      if (std::abs(a[row][i]) > std::abs(a[pivot][i])) pivot = row;
    std::swap(a[i], a[pivot]);
    for (size_t row = 0; row < width; ++row) {
      if (row == i) continue;
      const double factor = a[row][i] / a[i][i];
      for (size_t j = i; j <= width; ++j) a[row][j] -= factor * a[i][j];
    }
  }
  std::vector<double> weights(width);
  for (size_t i = 0; i < width; ++i) weights[i] = a[i][width] / a[i][i];
  return weights;
}

Result<const Column*> NumericColumn(const Table& rows, const std::string& name) {
  const Column* values = rows.Find(name);
  if (values == nullptr)
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML003011: Columns of provided data need to match those used for training. "
                     "Column " +
                         name + " is missing.");
  if (StorageOf(values->spec.kind) == Storage::kText)
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML003015: Column " + name + " must be numeric for forecasting.");
  return values;
}

// Per row the exogenous values and 1; NULL is the value before.
Result<std::vector<std::vector<double>>> Exogenous(const Table& rows,
                                                   const std::vector<std::string>& names) {
  std::vector<std::vector<double>> matrix(rows.num_rows(),
                                          std::vector<double>(names.size() + 1, 1.0));
  for (size_t i = 0; i < names.size(); ++i) {
    ASSIGN_OR_RETURN(const Column* values, NumericColumn(rows, names[i]));
    double last = 0;
    for (size_t row = 0; row < rows.num_rows(); ++row) {
      if (!values->is_null[row]) last = values->NumberAt(row);
      matrix[row][i] = last;
    }
  }
  return matrix;
}

double Dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// Missing values lie on the line between their neighbours.
std::vector<double> Interpolate(const Column& values) {
  std::vector<double> series(values.is_null.size(), 0);
  size_t last = series.size();
  for (size_t row = 0; row < series.size(); ++row) {
    if (values.is_null[row]) continue;
    series[row] = values.NumberAt(row);
    const size_t begin = last == series.size() ? 0 : last + 1;
    for (size_t gap = begin; gap < row; ++gap)
      series[gap] = last == series.size() ? series[row]
                                          : series[last] + (series[row] - series[last]) *
                                                               static_cast<double>(gap - last) /
                                                               static_cast<double>(row - last);
    last = row;
  }
  for (size_t row = last; last < series.size() && row < series.size(); ++row)
    series[row] = series[last];
  return series;
}

// Inverse of the normal distribution function at (1 + p) / 2, by bisection.
double Quantile(double p) {
  double low = 0, high = 40;
  for (int i = 0; i < 80; ++i) {
    const double middle = (low + high) / 2;
    (std::erf(middle / std::sqrt(2.0)) < p ? low : high) = middle;
  }
  return low;
}

}  // namespace

SmoothedSeries Smooth(const std::vector<double>& values, const std::vector<size_t>& periods) {
  SmoothedSeries chosen;
  double best = std::numeric_limits<double>::infinity();
  const auto n = static_cast<double>(values.size());
  std::vector<size_t> candidates = {1};
  for (const size_t period : periods)
    if (period > 1 && values.size() >= 2 * period + 2) candidates.push_back(period);
  for (const size_t period : candidates)
    for (const bool has_trend : {false, true}) {
      if (has_trend && values.size() < 6) continue;
      SmoothedSeries s;
      s.period = period;
      Search(values, has_trend, &s);
      const double parameters =
          2 + (has_trend ? 3 : 0) + (period > 1 ? 1 + static_cast<double>(period) / 2 : 0);
      const double criterion = n * std::log(std::max(s.error_variance, 1e-300)) + 2 * parameters;
      if (criterion < best) {
        best = criterion;
        chosen = std::move(s);
      }
    }
  return chosen;
}

Forecast ForecastOf(const SmoothedSeries& s, size_t steps) {
  Forecast forecast;
  forecast.mean = s.level;
  double damping = 1, sum_of_damping = 0, variance = 1;
  for (size_t j = 1; j <= steps; ++j) {
    damping *= s.phi;
    forecast.mean += damping * s.trend;
    sum_of_damping += damping;
    if (j < steps) {
      double weight = s.alpha * (1 + s.beta * sum_of_damping);
      if (s.period > 1 && j % s.period == 0) weight += s.gamma * (1 - s.alpha);
      variance += weight * weight;
    }
  }
  if (s.period > 1) forecast.mean += s.season[(steps - 1) % s.period];
  forecast.variance = variance * s.error_variance;
  return forecast;
}

Result<std::unique_ptr<ForecastModel>> ForecastModel::Train(const Table& rows,
                                                            const Options& options) {
  const Column* index = rows.Find(options.datetime_index);
  if (index == nullptr || StorageOf(index->spec.kind) != Storage::kInteger)
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML006002: Option datetime_index must name a column of dates, times or "
                     "integers: " +
                         options.datetime_index);
  const size_t n = rows.num_rows();
  if (n < 3) return MakeError(ErrorCode::kInvalidArgument, "Forecasting needs at least 3 rows.");
  std::vector<int64_t> steps;
  for (size_t row = 0; row < n; ++row) {
    if (index->is_null[row] || (row > 0 && index->i64[row] <= index->i64[row - 1]))
      return MakeError(ErrorCode::kInvalidArgument, "The values of datetime_index " +
                                                        options.datetime_index +
                                                        " must be unique and not NULL.");
    if (row > 0) steps.push_back(index->i64[row] - index->i64[row - 1]);
  }
  auto model = std::make_unique<ForecastModel>();
  model->options_ = options;
  model->last_time_ = index->i64.back();
  std::nth_element(steps.begin(), steps.begin() + static_cast<ptrdiff_t>(steps.size() / 2),
                   steps.end());
  model->step_ = steps[steps.size() / 2];
  std::vector<size_t> periods;
  if (IsDate(index->spec.kind)) {
    const double days = static_cast<double>(model->step_) / kMicrosPerDay;
    if (days > 27) {
      model->is_calendar_ = true;
      model->step_ = std::max<int64_t>(1, std::llround(days / 30.44));
      if (12 % model->step_ == 0) periods.push_back(static_cast<size_t>(12 / model->step_));
    } else if (days >= 6.5) {
      periods.push_back(52);
    } else if (days > 0.9) {
      periods.push_back(7);
    } else if (days > 0) {
      periods.push_back(static_cast<size_t>(std::llround(1 / days)));
      periods.push_back(static_cast<size_t>(std::llround(7 / days)));
    }
  } else {
    periods = {4, 7, 12, 24};
  }
  std::erase_if(periods, [](size_t period) { return period > 400; });
  ASSIGN_OR_RETURN(const auto exogenous, Exogenous(rows, options.exogenous));
  for (const std::string& name : options.endogenous) {
    ASSIGN_OR_RETURN(const Column* values, NumericColumn(rows, name));
    if (std::count(values->is_null.begin(), values->is_null.end(), 0) < 3)
      return MakeError(ErrorCode::kInvalidArgument,
                       "Forecasting needs at least 3 values of column " + name + ".");
    std::vector<double> series = Interpolate(*values);
    Variable& variable = model->variables_.emplace_back();
    if (!options.exogenous.empty()) {
      variable.weights = Regress(exogenous, series);
      for (size_t row = 0; row < n; ++row) series[row] -= Dot(variable.weights, exogenous[row]);
    }
    variable.series = Smooth(series, periods);
  }
  return model;
}

Result<int64_t> ForecastModel::StepsAfterLast(int64_t time) const {
  if (is_calendar_) {
    const int64_t months = MonthOf(time) - MonthOf(last_time_);
    return months >= 0 ? (months + step_ / 2) / step_ : -((-months + step_ / 2) / step_);
  }
  return std::llround(static_cast<double>(time - last_time_) / static_cast<double>(step_));
}

Result<std::vector<ForecastModel::Bounds>> ForecastModel::Predict(const Table& rows,
                                                                  double interval,
                                                                  bool is_first) const {
  const Column* index = rows.Find(options_.datetime_index);
  if (index == nullptr || StorageOf(index->spec.kind) != Storage::kInteger)
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML003011: Columns of provided data need to match those used for training. "
                     "Column " +
                         options_.datetime_index + " is missing or of another type.");
  ASSIGN_OR_RETURN(const auto exogenous, Exogenous(rows, options_.exogenous));
  const double width = Quantile(interval);
  std::vector<Bounds> result;
  for (size_t row = 0; row < rows.num_rows(); ++row) {
    if (index->is_null[row])
      return MakeError(
          ErrorCode::kInvalidArgument,
          "The values of datetime_index " + options_.datetime_index + " must not be NULL.");
    ASSIGN_OR_RETURN(const int64_t steps, StepsAfterLast(index->i64[row]));
    if (!options_.exogenous.empty() && is_first && row == 0 && steps != 1)
      return MakeError(ErrorCode::kInvalidArgument,
                       "With exogenous variables the table to predict must start one step after "
                       "the last row of training.");
    if (steps > 1000000)
      return MakeError(ErrorCode::kInvalidArgument,
                       "A row lies more than a million steps after the training's end.");
    for (const Variable& variable : variables_) {
      Bounds& bounds = result.emplace_back();
      const double base = variable.weights.empty() ? 0 : Dot(variable.weights, exogenous[row]);
      const auto& fitted = variable.series.fitted;
      Forecast forecast;
      if (steps >= 1) {
        forecast = ForecastOf(variable.series, static_cast<size_t>(steps));
      } else {
        const int64_t at = static_cast<int64_t>(fitted.size()) - 1 + steps;
        forecast = {fitted[static_cast<size_t>(std::max<int64_t>(at, 0))],
                    variable.series.error_variance};
      }
      bounds.mean = base + forecast.mean;
      const double half = width * std::sqrt(forecast.variance);
      bounds.lower = bounds.mean - half;
      bounds.upper = bounds.mean + half;
    }
  }
  return result;
}

std::string ForecastModel::ToBytes() const {
  Json variables = Json::array();
  for (const Variable& variable : variables_) {
    const SmoothedSeries& s = variable.series;
    variables.push_back({{"constants", {s.alpha, s.beta, s.phi, s.gamma}},
                         {"period", s.period},
                         {"state", {s.level, s.trend}},
                         {"season", s.season},
                         {"variance", s.error_variance},
                         {"fitted", s.fitted},
                         {"weights", variable.weights}});
  }
  return WriteModelFile({{"task", "forecasting"},
                         {"datetime_index", options_.datetime_index},
                         {"endogenous", options_.endogenous},
                         {"exogenous", options_.exogenous},
                         {"calendar", is_calendar_},
                         {"last", last_time_},
                         {"step", step_},
                         {"variables", std::move(variables)}},
                        {});
}

Result<std::unique_ptr<ForecastModel>> ForecastModel::FromBytes(std::string_view bytes) {
  ASSIGN_OR_RETURN(const ModelFile file, ReadModelFile(bytes));
  auto model = std::make_unique<ForecastModel>();
  // The fingerprint has been checked: what has another shape now was made on purpose.
  try {
    const Json& header = file.header;
    model->options_ = {header.at("datetime_index"), header.at("endogenous"),
                       header.at("exogenous")};
    model->is_calendar_ = header.at("calendar");
    model->last_time_ = header.at("last");
    model->step_ = header.at("step");
    for (const Json& item : header.at("variables")) {
      Variable& variable = model->variables_.emplace_back();
      SmoothedSeries& s = variable.series;
      const Json& constants = item.at("constants");
      s.alpha = constants.at(0);
      s.beta = constants.at(1);
      s.phi = constants.at(2);
      s.gamma = constants.at(3);
      s.period = item.at("period");
      s.level = item.at("state").at(0);
      s.trend = item.at("state").at(1);
      s.season = item.at("season").get<std::vector<double>>();
      s.error_variance = item.at("variance");
      s.fitted = item.at("fitted").get<std::vector<double>>();
      variable.weights = item.at("weights").get<std::vector<double>>();
      const bool fits = s.period >= 1 && s.season.size() == s.period && !s.fitted.empty() &&
                        (variable.weights.empty() ||
                         variable.weights.size() == model->options_.exogenous.size() + 1);
      if (!fits) return DamagedModel();
    }
  } catch (const Json::exception&) {
    return DamagedModel();
  }
  if (model->step_ < 1 || model->variables_.size() != model->options_.endogenous.size() ||
      model->variables_.empty())
    return DamagedModel();
  return model;
}

Result<std::optional<double>> ForecastScore(const std::string& metric,
                                            const std::vector<double>& predictions,
                                            const std::vector<double>& values) {
  double absolutes = 0, squares = 0, largest = 0, symmetric = 0, relative = 0, naive = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double error = std::abs(predictions[i] - values[i]);
    absolutes += error;
    squares += error * error;
    largest = std::max(largest, error);
    const double size = std::abs(predictions[i]) + std::abs(values[i]);
    if (size > 0) symmetric += 2 * error / size;
    relative += (error / values[i]) * (error / values[i]);
    if (i > 0) naive += std::abs(values[i] - values[i - 1]);
  }
  const auto n = static_cast<double>(values.size());
  const bool is_known =
      metric == "neg_max_absolute_error" || metric == "neg_mean_absolute_error" ||
      metric == "neg_mean_abs_scaled_error" || metric == "neg_mean_squared_error" ||
      metric == "neg_root_mean_squared_error" || metric == "neg_root_mean_squared_percent_error" ||
      metric == "neg_sym_mean_abs_percent_error";
  if (!is_known)
    return MakeError(
        ErrorCode::kInvalidArgument,
        "ML003019: Invalid data for the metric. Score could not be computed. Metric: " + metric);
  if (values.empty()) return std::nullopt;
  double score = 0;
  if (metric == "neg_max_absolute_error") score = -largest;
  if (metric == "neg_mean_absolute_error") score = -absolutes / n;
  if (metric == "neg_mean_squared_error") score = -squares / n;
  if (metric == "neg_root_mean_squared_error") score = -std::sqrt(squares / n);
  if (metric == "neg_root_mean_squared_percent_error") score = -std::sqrt(relative / n);
  if (metric == "neg_sym_mean_abs_percent_error") score = -symmetric / n;
  if (metric == "neg_mean_abs_scaled_error") score = -(absolutes / n) / (naive / (n - 1));
  return std::isfinite(score) ? std::optional(score) : std::nullopt;
}

}  // namespace sirocco::automl
