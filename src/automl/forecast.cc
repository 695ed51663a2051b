#include "automl/forecast.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "automl/model_file.h"
#include "automl/series_search.h"

namespace sirocco::automl {

namespace {

using Json = nlohmann::json;

constexpr int64_t kMicrosPerDay = 86400ll * 1000000;
constexpr double kRidge = 1e-6;
constexpr int64_t kMaxSteps = 100000;

bool IsDate(ColumnKind kind) { return kind == ColumnKind::kDate || kind == ColumnKind::kDateTime; }

// Months since year 0, for a time at the same day of the month as others.
int64_t MonthOf(int64_t micros) {
  const int64_t days =
      micros >= 0 ? micros / kMicrosPerDay : -((-micros + kMicrosPerDay - 1) / kMicrosPerDay);
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  return static_cast<int64_t>(static_cast<int>(date.year())) * 12 +
         static_cast<unsigned>(date.month()) - 1;
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

void ForecastModel::FindPeriods(const std::vector<int64_t>& times, ColumnKind kind) {
  std::vector<int64_t> steps;
  for (size_t row = 1; row < times.size(); ++row) steps.push_back(times[row] - times[row - 1]);
  std::nth_element(steps.begin(), steps.begin() + static_cast<ptrdiff_t>(steps.size() / 2),
                   steps.end());
  step_ = steps[steps.size() / 2];
  if (IsDate(kind)) {
    const double days = static_cast<double>(step_) / kMicrosPerDay;
    if (days > 27) {
      is_calendar_ = true;
      step_ = std::max<int64_t>(1, std::llround(days / 30.44));
      if (12 % step_ == 0) periods_.push_back(static_cast<size_t>(12 / step_));
    } else if (days >= 6.5) {
      periods_.push_back(52);
    } else if (days > 0.9) {
      periods_.push_back(7);
    } else if (days > 0) {
      periods_.push_back(static_cast<size_t>(std::llround(1 / days)));
      periods_.push_back(static_cast<size_t>(std::llround(7 / days)));
    }
  } else {
    periods_ = {12, 4, 7, 24};
  }
  std::erase_if(periods_, [](size_t period) { return period > 400 || period < 2; });
}

Result<void> ForecastModel::MakeModels(Variable* variable) {
  variable->models.clear();
  for (const SeriesSpec& spec : variable->members) {
    std::unique_ptr<SeriesModel> model = MakeSeriesModel(spec, variable->values);
    if (model == nullptr) return DamagedModel();
    variable->models.push_back(std::move(model));
  }
  return {};
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
  for (size_t row = 0; row < n; ++row)
    if (index->is_null[row] || (row > 0 && index->i64[row] <= index->i64[row - 1]))
      return MakeError(ErrorCode::kInvalidArgument, "The values of datetime_index " +
                                                        options.datetime_index +
                                                        " must be unique and not NULL.");
  SeriesSearchOptions search;
  ASSIGN_OR_RETURN(search.methods, SeriesMethodsOf(options.model_list, options.exclude_model_list));
  search.num_threads = options.num_threads;
  search.metric = options.metric.empty() ? "neg_sym_mean_abs_percent_error" : options.metric;
  if (Result<std::optional<double>> known = ForecastScore(search.metric, {1, 2}, {1, 2}); !known)
    return MakeError(ErrorCode::kInvalidArgument, "ML006002: Option optimization_metric names " +
                                                      search.metric +
                                                      ", which is no metric of forecasting.");
  auto model = std::make_unique<ForecastModel>();
  model->options_ = options;
  model->options_.metric = search.metric;
  model->last_time_ = index->i64.back();
  model->FindPeriods(index->i64, index->spec.kind);
  search.periods = model->periods_;
  ASSIGN_OR_RETURN(const auto exogenous, Exogenous(rows, options.exogenous));
  for (const std::string& name : options.endogenous) {
    ASSIGN_OR_RETURN(const Column* values, NumericColumn(rows, name));
    if (std::count(values->is_null.begin(), values->is_null.end(), 0) < 3)
      return MakeError(ErrorCode::kInvalidArgument,
                       "Forecasting needs at least 3 values of column " + name + ".");
    const std::vector<double> series = Interpolate(*values);
    // Without the exogenous variables, with them in values, and with their changes.
    SeriesChoice best;
    Variable& variable = model->variables_.emplace_back();
    for (int form = 0; form < (options.exogenous.empty() ? 1 : 3); ++form) {
      std::vector<double> weights, rest = series;
      if (form == 1) weights = Regress(exogenous, series);
      if (form == 2) {
        std::vector<std::vector<double>> changes;
        std::vector<double> steps;
        for (size_t row = 1; row < n; ++row) {
          changes.push_back(exogenous[row]);
          for (size_t i = 0; i + 1 < changes.back().size(); ++i)
            changes.back()[i] -= exogenous[row - 1][i];
          steps.push_back(series[row] - series[row - 1]);
        }
        weights = Regress(changes, steps);
        weights.back() = 0;
      }
      for (size_t row = 0; row < n && !weights.empty(); ++row)
        rest[row] -= Dot(weights, exogenous[row]);
      SeriesChoice choice = ChooseSeries(rest, search);
      // Errors of the whole: what is left is forecast, the rest is known. Compared absolutely.
      if (form == 0 || choice.absolute_error < best.absolute_error * 0.98) {
        best = std::move(choice);
        variable.weights = std::move(weights);
        variable.values = std::move(rest);
      }
    }
    variable.members = std::move(best.members);
    variable.spread = best.spread;
    model->score_ += best.score / static_cast<double>(options.endogenous.size());
    RETURN_IF_ERROR(MakeModels(&variable));
  }
  return model;
}

std::string ForecastModel::algorithm_name() const {
  return ForecasterName(variables_[0].members[0]);
}

Json ForecastModel::Parameters() const {
  Json all = Json::object();
  for (size_t i = 0; i < variables_.size(); ++i) {
    Json members = Json::array();
    for (const SeriesSpec& spec : variables_[i].members) {
      Json one = {{"algorithm", ForecasterName(spec)},
                  {"period", spec.period},
                  {"log", spec.is_log},
                  {"orders", spec.orders}};
      members.push_back(std::move(one));
    }
    all[options_.endogenous[i]] = {{"members", std::move(members)},
                                   {"uses_exogenous", !variables_[i].weights.empty()}};
  }
  return all;
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
  // Forecasts up to the last step asked for, per variable and member.
  int64_t most = 1;
  for (size_t row = 0; row < rows.num_rows(); ++row) {
    if (index->is_null[row]) continue;
    ASSIGN_OR_RETURN(const int64_t steps, StepsAfterLast(index->i64[row]));
    most = std::max(most, std::min<int64_t>(steps, kMaxSteps));
  }
  std::vector<std::vector<std::vector<StepForecast>>> forecasts;
  for (const Variable& variable : variables_) {
    auto& own = forecasts.emplace_back();
    for (const auto& model : variable.models)
      own.push_back(model->Forecast(static_cast<size_t>(most)));
  }
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
    if (steps > kMaxSteps)
      return MakeError(ErrorCode::kInvalidArgument,
                       "A row lies more than 100000 steps after the training's end.");
    for (size_t v = 0; v < variables_.size(); ++v) {
      const Variable& variable = variables_[v];
      Bounds& bounds = result.emplace_back();
      const double base = variable.weights.empty() ? 0 : Dot(variable.weights, exogenous[row]);
      const auto parts = static_cast<double>(variable.models.size());
      for (size_t m = 0; m < variable.models.size(); ++m) {
        StepForecast forecast;
        const bool is_log = variable.members[m].is_log;
        if (steps >= 1) {
          forecast = forecasts[v][m][static_cast<size_t>(steps) - 1];
        } else {
          const auto& fitted = variable.models[m]->fitted();
          const int64_t at = static_cast<int64_t>(fitted.size()) - 1 + steps;
          forecast.mean = fitted[static_cast<size_t>(std::max<int64_t>(at, 0))];
          forecast.variance = forecasts[v][m][0].variance;
        }
        const double half = width * std::sqrt(std::max(0.0, forecast.variance * variable.spread));
        const auto value = [&](double x) { return is_log ? std::exp(std::min(x, 700.0)) : x; };
        bounds.mean += value(forecast.mean) / parts;
        bounds.lower += value(forecast.mean - half) / parts;
        bounds.upper += value(forecast.mean + half) / parts;
      }
      bounds.mean += base;
      bounds.lower += base;
      bounds.upper += base;
    }
  }
  return result;
}

std::string ForecastModel::ToBytes() const {
  Json variables = Json::array();
  for (const Variable& variable : variables_) {
    Json members = Json::array();
    for (const SeriesSpec& spec : variable.members) members.push_back(spec.ToJson());
    variables.push_back({{"members", std::move(members)},
                         {"values", variable.values},
                         {"spread", variable.spread},
                         {"weights", variable.weights}});
  }
  return WriteModelFile({{"task", "forecasting"},
                         {"datetime_index", options_.datetime_index},
                         {"endogenous", options_.endogenous},
                         {"exogenous", options_.exogenous},
                         {"metric", options_.metric},
                         {"score", score_},
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
    model->options_ = {
        header.at("datetime_index"), header.at("endogenous"), header.at("exogenous"), {}, {},
        header.at("metric")};
    model->score_ = header.at("score");
    model->is_calendar_ = header.at("calendar");
    model->last_time_ = header.at("last");
    model->step_ = header.at("step");
    for (const Json& item : header.at("variables")) {
      Variable& variable = model->variables_.emplace_back();
      for (const Json& member : item.at("members")) {
        ASSIGN_OR_RETURN(variable.members.emplace_back(), SeriesSpec::FromJson(member));
      }
      variable.values = item.at("values").get<std::vector<double>>();
      variable.spread = item.at("spread");
      variable.weights = item.at("weights").get<std::vector<double>>();
      const bool fits = !variable.members.empty() && variable.values.size() >= 3 &&
                        variable.spread > 0 &&
                        (variable.weights.empty() ||
                         variable.weights.size() == model->options_.exogenous.size() + 1);
      if (!fits) return DamagedModel();
      RETURN_IF_ERROR(MakeModels(&variable));
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
