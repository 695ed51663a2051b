#include "automl/series_search.h"

#include <algorithm>
#include <cmath>

#include "automl/forecast.h"
#include "automl/threads.h"

namespace sirocco::automl {

namespace {

constexpr size_t kOrigins = 3, kMaxMembers = 3;
constexpr double kMemberTolerance = 1.25;  // a member's error relative to the best one's
constexpr double kMixtureTolerance = 1.02;
constexpr double kMinStrength = 0.25;  // of a season that is worth modelling
constexpr size_t kMaxValues = 3000;    // the last ones are enough to choose by

// The period that explains most; 1: none.
size_t PeriodOf(const std::vector<double>& values, const std::vector<size_t>& suggested) {
  std::vector<size_t> candidates = suggested;
  const std::vector<size_t> found = FindPeriods(values, std::min<size_t>(400, values.size() / 3));
  candidates.insert(candidates.end(), found.begin(), found.end());
  size_t best = 1;
  double best_strength = kMinStrength;
  for (const size_t period : candidates) {
    if (values.size() < 2 * period + 2) continue;
    // Long seasons fit noise: they must be stronger.
    const double cycles = static_cast<double>(values.size()) / static_cast<double>(period);
    const double strength = SeasonStrength(values, period) - 0.6 / cycles;
    if (strength > best_strength + 0.02) {
      best = period;
      best_strength = strength;
    }
  }
  return best;
}

// A candidate's forecasts at all origins, and their variances.
struct Candidate {
  SeriesMethod method;
  bool is_log;
  std::vector<int> orders;
  std::vector<double> means, variances;
  double score = -HUGE_VAL;
};

std::vector<StepForecast> ForecastOf(const SeriesSpec& spec, const std::vector<double>& values,
                                     size_t steps) {
  const std::unique_ptr<SeriesModel> model = MakeSeriesModel(spec, values);
  if (model == nullptr) return {};
  std::vector<StepForecast> forecasts = model->Forecast(steps);
  for (StepForecast& one : forecasts) {
    if (spec.is_log) {
      one.mean = std::exp(std::min(one.mean, 700.0));
      one.variance *= one.mean * one.mean;
    }
    if (!std::isfinite(one.mean)) return {};
  }
  return forecasts;
}

double ScoreOf(const std::string& metric, const std::vector<double>& means,
               const std::vector<double>& actual) {
  const Result<std::optional<double>> score = ForecastScore(metric, means, actual);
  return score && *score ? **score : -1e300;
}

double AbsoluteError(const std::vector<double>& means, const std::vector<double>& actual) {
  double sum = 0;
  for (size_t i = 0; i < actual.size(); ++i) sum += std::abs(means[i] - actual[i]);
  return sum / static_cast<double>(std::max<size_t>(1, actual.size()));
}

SeriesSpec Fallback() {
  SeriesSpec spec;
  spec.method = SeriesMethod::kNaive;
  return spec;
}

}  // namespace

SeriesChoice ChooseSeries(const std::vector<double>& all, const SeriesSearchOptions& options) {
  const std::vector<double> values(
      all.end() - static_cast<ptrdiff_t>(std::min(all.size(), kMaxValues)), all.end());
  const size_t n = values.size(), period = PeriodOf(values, options.periods);
  const bool is_positive =
      std::all_of(values.begin(), values.end(), [](double value) { return value > 0; });
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const bool may_log = is_positive && *high > 1.5 * *low;

  // The last origin leaves a horizon; the others lie half a horizon further back each.
  const size_t horizon =
      std::clamp<size_t>(period > 1 ? 2 * period : 8, 1, std::max<size_t>(1, n / 5));
  std::vector<size_t> origins;
  const size_t least = std::max<size_t>(8, period > 1 ? 2 * period + 4 : 8);
  for (size_t i = 0; i < kOrigins; ++i) {
    const size_t back = horizon + i * std::max<size_t>(1, horizon / 2);
    if (n >= back + least) origins.push_back(n - back);
  }
  std::vector<double> actual;
  for (const size_t origin : origins)
    actual.insert(actual.end(), values.begin() + static_cast<ptrdiff_t>(origin),
                  values.begin() + static_cast<ptrdiff_t>(origin + horizon));

  std::vector<Candidate> candidates;
  for (const SeriesMethod method : options.methods)
    for (const bool is_log : {false, true}) {
      const bool is_naive = method <= SeriesMethod::kSeasonalNaive;
      if (!is_log || (may_log && !is_naive)) candidates.push_back({method, is_log, {}, {}, {}});
    }
  ParallelFor(options.num_threads, candidates.size(), [&](size_t i) {
    Candidate& one = candidates[i];
    // Orders are searched once, at the last origin; the others only fit their parameters.
    for (const size_t origin : origins) {
      const std::vector<double> past(values.begin(),
                                     values.begin() + static_cast<ptrdiff_t>(origin));
      const FittedSpec fitted = FitSeries(one.method, past, period, one.is_log,
                                          origin == origins[0] ? nullptr : &one.orders);
      const std::vector<StepForecast> forecasts =
          fitted.found ? ForecastOf(fitted.spec, past, horizon) : std::vector<StepForecast>();
      if (forecasts.empty()) {
        one.means.clear();
        return;
      }
      if (origin == origins[0]) one.orders = fitted.spec.orders;
      for (const StepForecast& step : forecasts) {
        one.means.push_back(step.mean);
        one.variances.push_back(step.variance);
      }
    }
    if (!origins.empty()) one.score = ScoreOf(options.metric, one.means, actual);
  });
  std::erase_if(candidates, [](const Candidate& one) { return one.means.empty(); });
  SeriesChoice choice;
  if (origins.empty()) {
    // Too short for trials: the safest methods that fit.
    for (const SeriesMethod method : {SeriesMethod::kTheta, SeriesMethod::kSmoothing,
                                      SeriesMethod::kNaive, SeriesMethod::kDrift}) {
      if (std::find(options.methods.begin(), options.methods.end(), method) ==
          options.methods.end())
        continue;
      const FittedSpec fitted = FitSeries(method, values, 1, false);
      if (fitted.found && !ForecastOf(fitted.spec, values, 1).empty()) {
        choice.members = {fitted.spec};
        break;
      }
    }
    if (choice.members.empty()) choice.members = {Fallback()};
    return choice;
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
  std::vector<const Candidate*> members;
  for (const Candidate& one : candidates) {
    const bool has_method =
        std::any_of(members.begin(), members.end(),
                    [&](const Candidate* other) { return other->method == one.method; });
    if (members.size() < kMaxMembers && !has_method &&
        std::abs(one.score) <= kMemberTolerance * std::abs(candidates[0].score) + 1e-12)
      members.push_back(&one);
  }
  const auto mean_of = [&](size_t count) {
    std::vector<double> mean(actual.size(), 0.0);
    for (size_t i = 0; i < actual.size(); ++i)
      for (size_t m = 0; m < count; ++m)
        mean[i] += members[m]->means[i] / static_cast<double>(count);
    return mean;
  };
  while (members.size() > 1 && std::abs(ScoreOf(options.metric, mean_of(members.size()), actual)) >
                                   kMixtureTolerance * std::abs(candidates[0].score))
    members.pop_back();
  for (const Candidate* one : members) {
    const FittedSpec fitted = FitSeries(one->method, values, period, one->is_log, &one->orders);
    if (fitted.found && !ForecastOf(fitted.spec, values, 1).empty())
      choice.members.push_back(fitted.spec);
  }
  if (choice.members.empty() || members.empty()) {
    choice.members = {Fallback()};
    return choice;
  }
  const std::vector<double> means = mean_of(members.size());
  choice.score = ScoreOf(options.metric, means, actual);
  choice.absolute_error = AbsoluteError(means, actual);
  double ratio = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    double variance = 0;
    for (const Candidate* one : members)
      variance += one->variances[i] / static_cast<double>(members.size());
    ratio += std::pow(means[i] - actual[i], 2) / std::max(variance, 1e-300);
  }
  choice.spread = std::clamp(ratio / static_cast<double>(actual.size()), 0.7, 4.0);
  return choice;
}

Result<std::vector<SeriesMethod>> SeriesMethodsOf(const std::vector<std::string>& model_list,
                                                  const std::vector<std::string>& excluded) {
  struct Named {
    const char* name;
    std::vector<SeriesMethod> methods;
  };
  const std::vector<Named> known = {
      {"NaiveForecaster",
       {SeriesMethod::kNaive, SeriesMethod::kSeasonalNaive, SeriesMethod::kDrift}},
      {"ThetaForecaster", {SeriesMethod::kTheta}},
      {"ExpSmoothForecaster", {SeriesMethod::kSmoothing}},
      {"ETSForecaster", {SeriesMethod::kSmoothing}},
      {"STLwESForecaster", {SeriesMethod::kStlSmoothing}},
      {"STLwARIMAForecaster", {SeriesMethod::kStlArima}},
      {"SARIMAXForecaster", {SeriesMethod::kArima}}};
  const auto read = [&](const char* key,
                        const std::vector<std::string>& list) -> Result<std::vector<SeriesMethod>> {
    std::vector<SeriesMethod> methods;
    for (const std::string& name : list) {
      const auto found = std::find_if(known.begin(), known.end(),
                                      [&](const Named& one) { return one.name == name; });
      if (found == known.end()) {
        std::string names;
        for (const Named& one : known) names += (names.empty() ? "" : ", ") + std::string(one.name);
        return MakeError(ErrorCode::kInvalidArgument, "ML006002: Option " + std::string(key) +
                                                          " names " + name + "; known models are " +
                                                          names + ".");
      }
      methods.insert(methods.end(), found->methods.begin(), found->methods.end());
    }
    return methods;
  };
  ASSIGN_OR_RETURN(std::vector<SeriesMethod> methods, read("model_list", model_list));
  ASSIGN_OR_RETURN(const std::vector<SeriesMethod> without, read("exclude_model_list", excluded));
  if (methods.empty())
    methods = {SeriesMethod::kNaive,        SeriesMethod::kSeasonalNaive, SeriesMethod::kDrift,
               SeriesMethod::kTheta,        SeriesMethod::kSmoothing,     SeriesMethod::kArima,
               SeriesMethod::kStlSmoothing, SeriesMethod::kStlArima};
  std::erase_if(methods, [&](SeriesMethod method) {
    return std::find(without.begin(), without.end(), method) != without.end();
  });
  if (methods.empty())
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML006002: Options model_list and exclude_model_list leave no model.");
  return methods;
}

}  // namespace sirocco::automl
