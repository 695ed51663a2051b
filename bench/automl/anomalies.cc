#include <chrono>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "automl/anomaly.h"
#include "automl/random.h"
#include "commands.h"

namespace sirocco::bench {

namespace {

using Json = nlohmann::json;

// Shapes of normal rows and of anomalies: clusters, a curved band, correlated features, local
// sparseness, single extreme features.
automl::Table Make(int shape, size_t rows, size_t columns) {
  std::vector<automl::ColumnSpec> specs;
  for (size_t c = 0; c < columns; ++c)
    specs.push_back({"x" + std::to_string(c), automl::ColumnKind::kFloat, "double"});
  specs.push_back({"label", automl::ColumnKind::kInteger, "int"});
  automl::Table table(specs);
  automl::Random random(static_cast<uint64_t>(shape) + 77);
  for (size_t row = 0; row < rows; ++row) {
    const bool is_odd = random.Uniform() < 0.03;
    const auto cluster = static_cast<double>(random.Below(4));
    const double common = random.Normal();
    for (size_t c = 0; c < columns; ++c) {
      const double noise = random.Normal(), i = static_cast<double>(c);
      double value = 0;
      switch (shape % 5) {
        case 0:  // clusters; anomalies anywhere
          value = is_odd ? 8 * random.Uniform() - 4 : 3 * std::sin(cluster * 2 + i) + 0.5 * noise;
          break;
        case 1:  // correlated; anomalies break the correlation
          value = is_odd ? 1.2 * noise : common * (c % 2 == 0 ? 1 : -1) + 0.3 * noise;
          break;
        case 2:  // heavy tails; anomalies shifted
          value = noise * std::exp(0.5 * random.Normal()) + (is_odd ? 1.5 : 0);
          break;
        case 3:  // two densities; anomalies between
          value = is_odd ? (cluster < 2 ? 0.5 : 6) + 2.0 * noise
                         : (cluster < 2 ? 0.3 * noise : 8 + 2 * noise);
          break;
        default:  // one extreme feature
          value = noise + (is_odd && c == static_cast<size_t>(cluster) % columns ? 5 : 0);
      }
      table.mutable_columns()[c].f64.push_back(value);
      table.mutable_columns()[c].is_null.push_back(0);
    }
    table.mutable_columns()[columns].i64.push_back(is_odd);
    table.mutable_columns()[columns].is_null.push_back(0);
  }
  table.RowsAdded(rows);
  return table;
}

}  // namespace

void RunAnomalies(const std::string& folder, size_t num_threads) {
  Json results = Json::object();
  for (int shape = 0; shape < 10; ++shape) {
    const size_t columns = shape < 5 ? 6 : 15;
    const automl::Table table = Make(shape, 2000, columns);
    // The library sees no labels.
    automl::Table bare = table;
    bare.mutable_columns().pop_back();
    Json one;
    for (const std::string name : {"", "GkNN", "PCA", "GLOF", "IsolationForest"}) {
      automl::AnomalyModel::Options options;
      options.contamination = 0.03;
      options.num_threads = num_threads;
      if (!name.empty()) options.model_list = {name};
      const auto start = std::chrono::steady_clock::now();
      const auto model = automl::AnomalyModel::Train(bare, options);
      const double seconds =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      std::vector<size_t> labels;
      for (const int64_t label : table.Find("label")->i64)
        labels.push_back(static_cast<size_t>(label));
      const auto score = automl::AnomalyScore("roc_auc", *(*model)->Predict(bare), labels, {}, {});
      one[name.empty() ? "ours" : name] = **score;
      if (name.empty()) one["seconds"] = seconds;
    }
    std::FILE* file =
        std::fopen((folder + "/anomaly" + std::to_string(shape) + ".csv").c_str(), "w");
    // For the peer.
    if (file != nullptr) {
      for (size_t row = 0; row < table.num_rows(); ++row) {
        for (size_t c = 0; c < columns; ++c)
          std::fprintf(file, "%.6g,", table.columns()[c].f64[row]);
        std::fprintf(file, "%d\n", static_cast<int>(table.columns()[columns].i64[row]));
      }
      std::fclose(file);
    }
    results["anomaly" + std::to_string(shape)] = one;
  }
  std::printf("%s\n", results.dump(1).c_str());
}

}  // namespace sirocco::bench
