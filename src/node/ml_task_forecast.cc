// Forecasting.
#include <algorithm>

#include "automl/forecast.h"
#include "automl/json_text.h"
#include "node/ml_task.h"
#include "wire/column_batch.h"

namespace sirocco::node {

namespace {

using automl::ForecastModel;
using automl::NumberJson;
using automl::QuoteJson;
using Json = nlohmann::json;

class ReadForecastModel : public ReadModel {
 public:
  explicit ReadForecastModel(std::unique_ptr<ForecastModel> model) : model_(std::move(model)) {}

  Result<std::optional<double>> Score(const MlJob& job) override {
    const ForecastModel& model = *model_;
    const auto& names = model.options().endogenous;
    const std::string target = job.start.target.empty() ? names[0] : job.start.target;
    const auto found = std::find(names.begin(), names.end(), target);
    const automl::Column* actual = job.rows ? job.rows->Find(target) : nullptr;
    if (found == names.end() || actual == nullptr)
      return MakeError(
          ErrorCode::kInvalidArgument,
          "ML006003: target_column_name must be one of the endogenous variables, and a "
          "column of the table: " +
              target);
    ASSIGN_OR_RETURN(const std::vector<ForecastModel::Bounds> all,
                     model.Predict(*job.rows, 0.95, true));
    std::vector<double> predictions, values;
    for (size_t row = 0; row < job.rows->num_rows(); ++row) {
      if (actual->is_null[row]) continue;
      predictions.push_back(
          all[row * names.size() + static_cast<size_t>(found - names.begin())].mean);
      values.push_back(actual->NumberAt(row));
    }
    return automl::ForecastScore(job.start.metric, predictions, values);
  }

  Result<std::string> Output(const MlJob& job) override {
    const ForecastModel& model = *model_;
    const auto& names = model.options().endogenous;
    ASSIGN_OR_RETURN(const std::vector<ForecastModel::Bounds> all,
                     model.Predict(*job.rows, job.options.value("prediction_interval", 0.95),
                                   job.is_first_batch));
    wire::ColumnBatchBuilder batch(std::vector<plan::Lane>{plan::Lane::kStr});
    for (size_t row = 0; row < job.rows->num_rows(); ++row) {
      std::string text;
      for (size_t i = 0; i < names.size(); ++i) {
        const ForecastModel::Bounds& bounds = all[row * names.size() + i];
        text += (i == 0 ? "" : ", ") + QuoteJson(names[i]) + ": " + NumberJson(bounds.mean) + ", " +
                QuoteJson("prediction_interval_" + names[i]) +
                ": {\"lower\": " + NumberJson(bounds.lower) +
                ", \"upper\": " + NumberJson(bounds.upper) + "}";
      }
      batch.columns()[0].PushString("{\"predictions\": {" + text + "}}");
    }
    batch.num_rows = static_cast<uint32_t>(job.rows->num_rows());
    return batch.Encode();
  }

 private:
  std::unique_ptr<ForecastModel> model_;
};

}  // namespace

Result<std::unique_ptr<ReadModel>> ReadForecast(std::string_view bytes) {
  ASSIGN_OR_RETURN(std::unique_ptr<ForecastModel> model, ForecastModel::FromBytes(bytes));
  return std::make_unique<ReadForecastModel>(std::move(model));
}

Result<wire::MlDone> TrainForecast(const MlJob& job) {
  job.on_progress("Algorithm selection", 0.05);
  ForecastModel::Options options;
  options.datetime_index = job.options.value("datetime_index", "");
  options.endogenous = job.options.value("endogenous_variables", std::vector<std::string>());
  options.exogenous = job.options.value("exogenous_variables", std::vector<std::string>());
  options.model_list = job.options.value("model_list", std::vector<std::string>());
  options.exclude_model_list = job.options.value("exclude_model_list", std::vector<std::string>());
  options.num_threads = job.num_threads;
  options.metric = job.options.value("optimization_metric", "");
  ASSIGN_OR_RETURN(const std::unique_ptr<ForecastModel> model,
                   ForecastModel::Train(*job.rows, options));
  wire::MlDone done;
  done.bytes = model->ToBytes();
  const Json metadata = {{"algorithm_name", model->algorithm_name()},
                         {"training_score", model->training_score()},
                         {"optimization_metric", model->options().metric},
                         {"training_params", model->Parameters()},
                         {"model_quality", "high"},
                         {"n_rows", job.rows->num_rows()},
                         {"n_columns", job.rows->columns().size()},
                         {"n_selected_rows", job.rows->num_rows()},
                         {"n_selected_columns", job.rows->columns().size()}};
  done.text = DumpMetadata(metadata);
  return done;
}

}  // namespace sirocco::node
