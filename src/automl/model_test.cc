// The model file, rows from JSON, metrics; random bytes where files and rows are read.
#include <gtest/gtest.h>

#include <random>

#include "automl/explain.h"
#include "automl/metrics.h"
#include "automl/supervised.h"
#include "automl/table.h"

namespace sirocco::automl {
namespace {

std::vector<ColumnSpec> Columns() {
  return {{"x", ColumnKind::kFloat, "float"},
          {"n", ColumnKind::kInteger, "int"},
          {"s", ColumnKind::kString, "varchar(10)"},
          {"d", ColumnKind::kDateTime, "datetime"},
          {"y", ColumnKind::kString, "varchar(10)"}};
}

Table SomeRows(int count) {
  Table rows(Columns());
  for (int i = 0; i < count; ++i) {
    const std::string row = R"({"x": )" + std::to_string(i % 17) + R"(, "n": )" +
                            (i % 5 == 0 ? "null" : std::to_string(i)) + R"(, "s": "v)" +
                            std::to_string(i % 3) + R"(", "d": "2024-02-)" +
                            std::to_string(10 + i % 19) + R"( 01:02:03.5", "y": ")" +
                            (i % 17 < 8 ? "low" : "high") + R"("})";
    EXPECT_TRUE(rows.AppendJson(row)) << row;
  }
  return rows;
}

std::unique_ptr<SupervisedModel> Train(const Table& rows) {
  TrainingOptions options;
  options.target = "y";
  auto model = SupervisedModel::Train(rows, options, [](const char*, double) {});
  EXPECT_TRUE(model) << (model ? "" : model.error().message);
  return std::move(*model);
}

TEST(MlModel, PredictsTheSameAfterAWayThroughBytes) {
  const Table rows = SomeRows(200);
  const auto model = Train(rows);
  const std::string bytes = model->ToBytes();
  const auto read = SupervisedModel::FromBytes(bytes);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ((*read)->classes(), (std::vector<std::string>{"high", "low"}));
  EXPECT_EQ(*(*read)->Predict(rows), *model->Predict(rows));
  EXPECT_EQ(*Attributions(**read, rows), *Attributions(*model, rows));
  // A row by itself, and many rows with several threads: the same to the last bit.
  const std::vector<float> all = *model->Predict(rows);
  (*read)->SetThreads(2);
  const Table many = SomeRows(3000);
  const std::vector<float> of_many = *(*read)->Predict(many);
  for (size_t i = 0; i < 100; ++i) EXPECT_EQ(of_many[i], all[i]);
}

TEST(MlModel, SameBytesForTheSameData) {
  const Table rows = SomeRows(150);
  EXPECT_EQ(Train(rows)->ToBytes(), Train(rows)->ToBytes());
}

TEST(MlModel, DamagedBytesAreAnError) {
  const std::string bytes = Train(SomeRows(60))->ToBytes();
  std::mt19937 random(5);
  for (int i = 0; i < 200; ++i) {
    std::string damaged = bytes;
    damaged[random() % damaged.size()] ^= static_cast<char>(1 + random() % 255);
    EXPECT_FALSE(SupervisedModel::FromBytes(damaged));
    EXPECT_FALSE(SupervisedModel::FromBytes(bytes.substr(0, random() % bytes.size())));
    std::string noise(random() % 200, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    EXPECT_FALSE(SupervisedModel::FromBytes(noise));
    EXPECT_FALSE(SupervisedModel::FromBytes(bytes.substr(0, 16) + noise));
  }
}

TEST(MlModel, RefusesWhatCannotBeLearned) {
  TrainingOptions options;
  options.target = "y";
  const auto error_of = [&](const Table& rows) {
    auto model = SupervisedModel::Train(rows, options, [](const char*, double) {});
    return model ? std::string() : model.error().message;
  };
  Table few = SomeRows(8);
  EXPECT_TRUE(error_of(few).starts_with("ML001031")) << error_of(few);
  Table unlabelled = SomeRows(50);
  ASSERT_TRUE(unlabelled.AppendJson(R"({"x": 1, "n": 1, "s": "", "d": null, "y": null})"));
  EXPECT_TRUE(error_of(unlabelled).starts_with("ML001053"));
  options.is_classification = false;
  EXPECT_TRUE(error_of(SomeRows(50)).starts_with("ML003015"));
  options.target = "n";
  EXPECT_TRUE(error_of(SomeRows(50)).starts_with("ML001053"));
  options.target = "x";
  EXPECT_EQ(error_of(SomeRows(50)), "");
}

TEST(Table, ReadsJson) {
  Table rows(Columns());
  EXPECT_TRUE(rows.AppendJson(
      R"({"x": "1.5", "n": true, "s": 7, "d": "1970-01-02", "y": "Grün", "more": [1]})"));
  EXPECT_EQ(rows.columns()[0].f64[0], 1.5);
  EXPECT_EQ(rows.columns()[1].i64[0], 1);
  EXPECT_EQ(rows.columns()[2].str[0], "7");
  EXPECT_EQ(rows.columns()[3].i64[0], 86400000000);
  for (const char* wrong : {"", "[]", "{", "{}", R"({"x": 1, "n": 1, "s": "", "d": null})",
                            R"({"x": "one", "n": 1, "s": "", "d": null, "y": ""})",
                            R"({"x": 1, "n": [], "s": "", "d": null, "y": ""})",
                            R"({"x": 1, "n": 1, "s": "", "d": "yesterday", "y": ""})",
                            R"({"x": 1, "n": 1e300, "s": "", "d": "2023-02-29", "y": ""})"})
    EXPECT_FALSE(rows.AppendJson(wrong)) << wrong;
  EXPECT_EQ(rows.num_rows(), 1u);
  for (const Column& values : rows.columns()) EXPECT_EQ(values.is_null.size(), 1u);
}

TEST(Table, ReadsTimes) {
  int64_t micros = 0;
  EXPECT_TRUE(ParseDateTime("2000-01-01 00:00:00", &micros));
  EXPECT_EQ(micros, 946684800000000);
  EXPECT_TRUE(ParseDateTime("1969-12-31 23:59:59.25", &micros));
  EXPECT_EQ(micros, -750000);
  EXPECT_TRUE(ParseTime("-838:59:59", &micros));
  EXPECT_EQ(micros, -3020399000000);
  for (const char* wrong :
       {"", "2000", "2000-13-01", "2000-01-01 25", "x2000-01-01", "2000-01-01x"})
    EXPECT_FALSE(ParseDateTime(wrong, &micros)) << wrong;
  for (const char* wrong : {"", "1", "1:60", "1:00:60", ":1", "1:00:00x"})
    EXPECT_FALSE(ParseTime(wrong, &micros)) << wrong;
}

TEST(MlMetrics, ClassificationByHand) {
  // Predicted 0, 0, 1, 1; actual 0, 1, 1, 1.
  const std::vector<float> p = {0.9f, 0.1f, 0.6f, 0.4f, 0.2f, 0.8f, 0.3f, 0.7f};
  const std::vector<size_t> labels = {0, 1, 1, 1};
  const auto score = [&](const char* metric) {
    return **ClassificationScore(metric, p, 2, labels);
  };
  EXPECT_DOUBLE_EQ(score("accuracy"), 0.75);
  EXPECT_DOUBLE_EQ(score("balanced_accuracy"), (1 + 2.0 / 3) / 2);
  EXPECT_DOUBLE_EQ(score("precision"), 1);
  EXPECT_DOUBLE_EQ(score("recall"), 2.0 / 3);
  EXPECT_DOUBLE_EQ(score("f1"), 0.8);
  EXPECT_DOUBLE_EQ(score("f1_macro"), (2.0 / 3 + 0.8) / 2);
  EXPECT_DOUBLE_EQ(score("f1_weighted"), (2.0 / 3 + 3 * 0.8) / 4);
  EXPECT_DOUBLE_EQ(score("recall_micro"), 0.75);
  EXPECT_DOUBLE_EQ(score("roc_auc"), 1);
  EXPECT_NEAR(score("neg_log_loss"),
              (std::log(0.9) + std::log(0.4) + std::log(0.8) + std::log(0.7)) / 4, 1e-7);
  EXPECT_FALSE(ClassificationScore("f2", p, 2, labels));
  EXPECT_FALSE(ClassificationScore("f1_median", p, 2, labels));
  EXPECT_FALSE(ClassificationScore("roc_auc", p, 4, {0, 1}));
  EXPECT_FALSE(ClassificationScore("accuracy", {}, 2, {})->has_value());
  EXPECT_FALSE(ClassificationScore("roc_auc", p, 2, {1, 1, 1, 1})->has_value());
}

TEST(MlMetrics, RegressionByHand) {
  const std::vector<float> p = {1, 2, 3, 6};
  const std::vector<double> v = {1, 2, 4, 4};
  const auto score = [&](const char* metric) { return **RegressionScore(metric, p, v); };
  EXPECT_DOUBLE_EQ(score("neg_mean_absolute_error"), -0.75);
  EXPECT_DOUBLE_EQ(score("neg_mean_squared_error"), -1.25);
  EXPECT_DOUBLE_EQ(score("neg_median_absolute_error"), -0.5);
  EXPECT_DOUBLE_EQ(score("r2"), 1 - 5 / 6.75);
  EXPECT_FALSE(RegressionScore("mse", p, v));
  EXPECT_FALSE(RegressionScore("r2", p, {4, 4, 4, 4})->has_value());
  EXPECT_FALSE(RegressionScore("neg_mean_squared_log_error", p, {-2, 1, 1, 1})->has_value());
}

}  // namespace
}  // namespace sirocco::automl
