#include <chrono>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "automl/explain.h"
#include "automl/random.h"
#include "automl/supervised.h"
#include "commands.h"

namespace sirocco::bench {

namespace {

using automl::SupervisedModel;
using automl::Table;
using Json = nlohmann::json;

Table MakeTable(size_t rows, size_t columns, size_t classes) {
  std::vector<automl::ColumnSpec> specs;
  for (size_t c = 0; c < columns; ++c)
    specs.push_back({"x" + std::to_string(c), automl::ColumnKind::kFloat, "double"});
  specs.push_back(
      {"target", classes == 0 ? automl::ColumnKind::kFloat : automl::ColumnKind::kInteger, "int"});
  Table table(specs);
  automl::Random random(5);
  for (automl::Column& column : table.mutable_columns()) column.is_null.assign(rows, 0);
  std::vector<double> x(columns);
  for (size_t row = 0; row < rows; ++row) {
    for (size_t c = 0; c < columns; ++c) {
      x[c] = random.Normal();
      table.mutable_columns()[c].f64.push_back(x[c]);
    }
    const auto at = [&](size_t i) { return x[i % columns]; };
    const double score = at(0) + at(1) * at(2) - 0.8 * std::sin(2 * at(3)) + (at(4) > 1 ? 2 : 0);
    automl::Column& target = table.mutable_columns()[columns];
    if (classes == 0) {
      target.f64.push_back(score + random.Normal());
    } else if (classes == 2) {
      target.i64.push_back(random.Uniform() < 1 / (1 + std::exp(-score)) ? 1 : 0);
    } else {
      size_t best = 0;
      double least = HUGE_VAL;
      for (size_t k = 0; k < classes; ++k) {
        double distance = 0;
        for (size_t c = 0; c < std::min<size_t>(columns, 8); ++c)
          distance += std::pow(x[c] - 1.5 * std::sin(static_cast<double>(k * 7 + c * 3)), 2);
        if (distance < least) {
          least = distance;
          best = k;
        }
      }
      target.i64.push_back(static_cast<int64_t>(best));
    }
  }
  table.RowsAdded(rows);
  return table;
}

}  // namespace

void RunSpeed(size_t rows, size_t columns, size_t classes, size_t num_threads) {
  const Table table = MakeTable(rows, columns, classes);
  using Clock = std::chrono::steady_clock;
  auto start = Clock::now();
  const auto lap = [&] {
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    start = Clock::now();
    return seconds;
  };
  automl::TrainingOptions options;
  options.is_classification = classes != 0;
  options.target = "target";
  options.num_threads = num_threads;
  std::string stages, last;
  const auto begin = Clock::now();
  auto model = SupervisedModel::Train(table, options, [&](const char* stage, double) {
    if (stage == last) return;
    last = stage;
    char text[80];
    std::snprintf(text, sizeof(text), "%s at %.2f s; ", stage,
                  std::chrono::duration<double>(Clock::now() - begin).count());
    stages += text;
  });
  const double training = lap();
  if (!model) {
    std::fprintf(stderr, "%s\n", model.error().message.c_str());
    return;
  }
  Json result = {{"rows", rows},
                 {"columns", columns},
                 {"classes", classes},
                 {"training_seconds", training},
                 {"stages", stages},
                 {"score", (*model)->training_score()},
                 {"bytes", (*model)->ToBytes().size()},
                 {"model", (*model)->Parameters()}};
  lap();
  (void)*(*model)->Predict(table);
  result["scoring_rows_per_second"] = static_cast<double>(rows) / lap();
  const size_t explained = std::min<size_t>(rows, 10000);
  (void)*automl::ShapImportance(**model, table, explained);
  result["shap_rows_per_second"] = static_cast<double>(explained) / lap();
  std::printf("%s\n", result.dump(1).c_str());
}

}  // namespace sirocco::bench
