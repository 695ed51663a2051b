#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "automl/metrics.h"
#include "automl/supervised.h"
#include "commands.h"
#include "csv_table.h"

namespace sirocco::bench {

namespace {

using automl::SupervisedModel;
using automl::Table;
using Json = nlohmann::json;

double Seconds(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
}

Json RunTable(const std::string& path, bool is_classification, size_t num_threads) {
  const Table all = ReadCsv(path);
  const Table train = TakePart(all, false), test = TakePart(all, true);
  automl::TrainingOptions options;
  options.is_classification = is_classification;
  options.target = "target";
  options.num_threads = num_threads;
  const auto start = std::chrono::steady_clock::now();
  const auto model = SupervisedModel::Train(train, options, [](const char*, double) {});
  const double seconds = Seconds(start);
  if (!model) return {{"error", model.error().message}};
  const std::vector<float> outputs = *(*model)->Predict(test);
  const automl::Column& target = *test.Find("target");
  Json result = {{"seconds", seconds},
                 {"rows", all.num_rows()},
                 {"columns", all.columns().size() - 1},
                 {"bytes", (*model)->ToBytes().size()},
                 {"model", (*model)->Parameters()["members"].dump()},
                 {"cv_score", (*model)->training_score()}};
  if (is_classification) {
    std::vector<size_t> labels;
    std::map<std::string, double> shares;
    const automl::Column& known = *train.Find("target");
    for (size_t row = 0; row < train.num_rows(); ++row) shares[known.TextAt(row)] += 1;
    double constant = 0;
    for (size_t row = 0; row < test.num_rows(); ++row) {
      labels.push_back((*model)->ClassOf(target.TextAt(row)));
      constant += std::log(std::max(0.5, shares[target.TextAt(row)]) /
                           static_cast<double>(train.num_rows()));
    }
    result["score"] =
        **automl::ClassificationScore("neg_log_loss", outputs, (*model)->num_outputs(), labels);
    result["accuracy"] =
        **automl::ClassificationScore("accuracy", outputs, (*model)->num_outputs(), labels);
    result["constant"] = constant / static_cast<double>(test.num_rows());
  } else {
    std::vector<double> values;
    for (size_t row = 0; row < test.num_rows(); ++row) values.push_back(target.NumberAt(row));
    result["score"] = **automl::RegressionScore("r2", outputs, values);
    result["constant"] = 0;
  }
  return result;
}

}  // namespace

void RunTables(const std::string& folder, const std::vector<std::string>& only,
               size_t num_threads) {
  Json results = Json::object();
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string file = entry.path().filename();
    if (!file.starts_with("tables-")) continue;
    std::ifstream list(entry.path());
    std::string name, task;
    while (list >> name >> task) {
      if (!only.empty() && std::find(only.begin(), only.end(), name) == only.end()) continue;
      results[name] = RunTable(folder + "/" + name + ".csv", task == "classification", num_threads);
      std::fprintf(stderr, "%s %s\n", name.c_str(), results[name].dump().c_str());
    }
  }
  std::printf("%s\n", results.dump(1).c_str());
}

}  // namespace sirocco::bench
