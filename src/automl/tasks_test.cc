// Forecasting and anomaly detection: series models, the choice among them, detectors, model bytes.
#include <gtest/gtest.h>

#include <cmath>

#include "automl/anomaly.h"
#include "automl/forecast.h"
#include "automl/random.h"
#include "automl/series_search.h"

namespace sirocco::automl {
namespace {

std::vector<double> Seasonal(size_t count) {
  Random random(4);
  std::vector<double> values;
  for (size_t i = 0; i < count; ++i)
    values.push_back(100 + 0.5 * static_cast<double>(i) +
                     10 * std::sin(static_cast<double>(i) * M_PI / 6) + random.Normal());
  return values;
}

class Methods : public testing::TestWithParam<SeriesMethod> {};

TEST_P(Methods, FollowTrendAndSeason) {
  const std::vector<double> all = Seasonal(96);
  const std::vector<double> values(all.begin(), all.end() - 12);
  const FittedSpec fitted = FitSeries(GetParam(), values, 12, false);
  ASSERT_TRUE(fitted.found);
  const auto model = MakeSeriesModel(fitted.spec, values);
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->fitted().size(), values.size());
  const auto forecast = model->Forecast(12);
  const bool is_simple = GetParam() <= SeriesMethod::kDrift;
  double before = 0;
  for (size_t h = 0; h < 12; ++h) {
    EXPECT_NEAR(forecast[h].mean, all[84 + h], is_simple ? 40 : 7);
    EXPECT_GE(forecast[h].variance, before * (1 - 1e-9));
    before = forecast[h].variance;
  }
  // From its own description the same.
  const auto read = SeriesSpec::FromJson(nlohmann::json::parse(fitted.spec.ToJson().dump()));
  ASSERT_TRUE(read);
  EXPECT_EQ(MakeSeriesModel(*read, values)->Forecast(3)[2].mean, forecast[2].mean);
}

INSTANTIATE_TEST_SUITE_P(All, Methods,
                         testing::Values(SeriesMethod::kNaive, SeriesMethod::kSeasonalNaive,
                                         SeriesMethod::kDrift, SeriesMethod::kTheta,
                                         SeriesMethod::kSmoothing, SeriesMethod::kArima,
                                         SeriesMethod::kStlSmoothing, SeriesMethod::kStlArima));

TEST(Series, ShortAndFlatOnesHaveForecasts) {
  SeriesSearchOptions options;
  options.methods = *SeriesMethodsOf({}, {});
  options.periods = {12};
  options.metric = "neg_sym_mean_abs_percent_error";
  for (const size_t n : {3, 4, 7, 12, 20, 30})
    for (const bool is_flat : {true, false}) {
      std::vector<double> values;
      for (size_t i = 0; i < n; ++i) values.push_back(is_flat ? 5 : static_cast<double>(i * i % 7));
      const SeriesChoice choice = ChooseSeries(values, options);
      ASSERT_FALSE(choice.members.empty());
      for (const SeriesSpec& spec : choice.members) {
        const auto model = MakeSeriesModel(spec, values);
        ASSERT_NE(model, nullptr);
        EXPECT_TRUE(std::isfinite(model->Forecast(5)[4].mean)) << n;
      }
    }
}

Table Days(size_t rows) {
  Table table({{"day", ColumnKind::kDate, "date"}, {"y", ColumnKind::kFloat, "double"}});
  for (size_t i = 0; i < rows; ++i) {
    for (Column& column : table.mutable_columns()) column.is_null.push_back(0);
    table.mutable_columns()[0].i64.push_back(static_cast<int64_t>(i) * 86400000000);
    table.mutable_columns()[1].f64.push_back(static_cast<double>(i % 7) +
                                             0.1 * static_cast<double>(i));
  }
  table.RowsAdded(rows);
  return table;
}

TEST(Forecast, DamagedBytesAreAnError) {
  ForecastModel::Options options;
  options.datetime_index = "day";
  options.endogenous = {"y"};
  const auto model = ForecastModel::Train(Days(60), options);
  ASSERT_TRUE(model) << model.error().message;
  const std::string bytes = (*model)->ToBytes();
  const auto read = ForecastModel::FromBytes(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ((*read)->Predict(Days(90), 0.9, true)->at(80).mean,
            (*model)->Predict(Days(90), 0.9, true)->at(80).mean);
  Random random(9);
  for (int i = 0; i < 200; ++i) {
    std::string damaged = bytes;
    damaged[random.Below(damaged.size())] ^= static_cast<char>(1 + random.Below(255));
    EXPECT_FALSE(ForecastModel::FromBytes(damaged));
  }
}

TEST(Anomaly, FindsWhatIsFarAway) {
  Table table({{"x", ColumnKind::kFloat, "double"}, {"y", ColumnKind::kFloat, "double"}});
  Random random(3);
  for (size_t i = 0; i < 300; ++i)
    for (Column& column : table.mutable_columns()) {
      column.is_null.push_back(0);
      column.f64.push_back(i < 3 ? 9 + static_cast<double>(i) : random.Normal());
    }
  table.RowsAdded(300);
  for (const std::string name : {"", "GkNN", "PCA", "GLOF", "IsolationForest"}) {
    AnomalyModel::Options options;
    options.contamination = 0.02;
    if (!name.empty()) options.model_list = {name};
    const auto model = AnomalyModel::Train(table, options);
    ASSERT_TRUE(model) << model.error().message;
    const std::string bytes = (*model)->ToBytes();
    const auto read = AnomalyModel::FromBytes(bytes);
    ASSERT_TRUE(read) << read.error().message;
    const std::vector<double> p = *(*read)->Predict(table);
    EXPECT_EQ(p, *(*model)->Predict(table));
    for (size_t i = 0; i < 3; ++i) EXPECT_GT(p[i], 0.5) << name << " " << i;
    EXPECT_LT(std::count_if(p.begin(), p.end(), [](double one) { return one > 0.5; }), 20) << name;
    EXPECT_EQ((*AnomalyModel::Train(table, options))->ToBytes(), bytes);
    for (size_t size = 0; size < bytes.size(); size += 97)
      EXPECT_FALSE(AnomalyModel::FromBytes(bytes.substr(0, size)));
  }
}

}  // namespace
}  // namespace sirocco::automl
