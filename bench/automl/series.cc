#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "automl/series_search.h"
#include "commands.h"

namespace sirocco::bench {

namespace {

using Json = nlohmann::json;

Json RunOne(const std::string& path) {
  std::ifstream file(path);
  size_t period = 1;
  file >> period;
  std::vector<double> values;
  double value;
  while (file >> value) values.push_back(value);
  const size_t n = values.size();
  const size_t horizon = std::min<size_t>(period > 1 ? 2 * period : 8, n / 4);
  const std::vector<double> train(values.begin(), values.end() - static_cast<ptrdiff_t>(horizon));
  const auto start = std::chrono::steady_clock::now();
  automl::SeriesSearchOptions options;
  options.methods = *automl::SeriesMethodsOf({}, {});
  if (period > 1) options.periods = {period};
  options.metric = "neg_sym_mean_abs_percent_error";
  const automl::SeriesChoice choice = automl::ChooseSeries(train, options);
  std::vector<double> forecast(horizon, 0.0);
  std::string members;
  for (const automl::SeriesSpec& spec : choice.members) {
    const auto model = automl::MakeSeriesModel(spec, train);
    const auto steps = model->Forecast(horizon);
    for (size_t h = 0; h < horizon; ++h)
      forecast[h] += (spec.is_log ? std::exp(steps[h].mean) : steps[h].mean) /
                     static_cast<double>(choice.members.size());
    members += (members.empty() ? "" : "+") + std::string(automl::ForecasterName(spec)) +
               (spec.is_log ? " (log)" : "");
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  // The same definitions as peer_forecast.R.
  const size_t lag = train.size() > 2 * period ? period : 1;
  double scale = 0, absolute = 0, symmetric = 0;
  for (size_t i = lag; i < train.size(); ++i)
    scale += std::abs(train[i] - train[i - lag]) / static_cast<double>(train.size() - lag);
  for (size_t h = 0; h < horizon; ++h) {
    const double actual = values[train.size() + h], error = std::abs(forecast[h] - actual);
    absolute += error / static_cast<double>(horizon);
    symmetric +=
        2 * error / (std::abs(forecast[h]) + std::abs(actual)) / static_cast<double>(horizon);
  }
  return {{"smape", symmetric},
          {"mase", absolute / scale},
          {"seconds", seconds},
          {"members", members},
          {"rows", n}};
}

}  // namespace

void RunSeries(const std::string& folder, size_t) {
  Json results = Json::object();
  for (const auto& entry : std::filesystem::directory_iterator(folder + "/series"))
    results[entry.path().stem().string()] = RunOne(entry.path());
  std::printf("%s\n", results.dump(1).c_str());
}

}  // namespace sirocco::bench
