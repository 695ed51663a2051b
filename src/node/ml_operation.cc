#include "node/ml_operation.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "node/ml_anomaly.h"
#include "node/ml_boosting.h"
#include "node/ml_forecast.h"
#include "node/ml_json_text.h"
#include "node/ml_metrics.h"
#include "node/ml_model_file.h"
#include "node/ml_recommend.h"
#include "node/ml_recommend_results.h"
#include "node/ml_rows.h"
#include "node/ml_topics.h"

namespace sirocco::node {

using Json = nlohmann::json;
using wire::MlOperation;

// Exactly one of the models is there.
class ReadModel {
 public:
  explicit ReadModel(std::unique_ptr<BoostedModel> model)
      : learned(std::move(model)), row(learned->encoding().columns()) {}
  explicit ReadModel(std::unique_ptr<AnomalyModel> model)
      : anomaly(std::move(model)), row(anomaly->encoding().columns()) {}

  explicit ReadModel(std::unique_ptr<ForecastModel> model) : forecast(std::move(model)), row({}) {}

  std::unique_ptr<BoostedModel> learned;
  std::unique_ptr<AnomalyModel> anomaly;
  explicit ReadModel(std::unique_ptr<RecommendationModel> model)
      : recommendation(std::move(model)), row({}) {}

  std::unique_ptr<ForecastModel> forecast;
  explicit ReadModel(std::unique_ptr<TopicModel> model) : topics(std::move(model)), row({}) {}

  std::unique_ptr<RecommendationModel> recommendation;
  std::unique_ptr<TopicModel> topics;
  MlRows row;  // of a call about one row
};

namespace {

Result<std::unique_ptr<ReadModel>> ReadBytes(std::string_view bytes) {
  ASSIGN_OR_RETURN(const ModelFile file, ReadModelFile(bytes));
  if (file.header["task"] == "anomaly_detection") {
    ASSIGN_OR_RETURN(std::unique_ptr<AnomalyModel> model, AnomalyModel::FromBytes(bytes));
    return std::make_unique<ReadModel>(std::move(model));
  }
  if (file.header["task"] == "topic_modeling") {
    ASSIGN_OR_RETURN(std::unique_ptr<TopicModel> model, TopicModel::FromBytes(bytes));
    return std::make_unique<ReadModel>(std::move(model));
  }
  if (file.header["task"] == "recommendation") {
    ASSIGN_OR_RETURN(std::unique_ptr<RecommendationModel> model,
                     RecommendationModel::FromBytes(bytes));
    return std::make_unique<ReadModel>(std::move(model));
  }
  if (file.header["task"] == "forecasting") {
    ASSIGN_OR_RETURN(std::unique_ptr<ForecastModel> model, ForecastModel::FromBytes(bytes));
    return std::make_unique<ReadModel>(std::move(model));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<BoostedModel> model, BoostedModel::FromBytes(bytes));
  return std::make_unique<ReadModel>(std::move(model));
}

}  // namespace

LoadedModels::LoadedModels() = default;
LoadedModels::~LoadedModels() = default;

Result<void> LoadedModels::Put(const wire::MlModelKey& key, std::string_view bytes,
                               const std::string&) {
  ASSIGN_OR_RETURN(models_[key], ReadBytes(bytes));
  return {};
}

void LoadedModels::Remove(const wire::MlModelKey& key) { models_.erase(key); }

Result<ReadModel*> LoadedModels::Find(const wire::MlModelKey& key) const {
  const auto found = models_.find(key);
  if (found == models_.end())
    return MakeError(ErrorCode::kNotFound, "the model is not loaded: " + key.handle);
  return found->second.get();
}

namespace {

std::string ClassText(const BoostedModel& model, size_t index) {
  const std::string& name = model.classes()[index];
  return model.has_numeric_classes() ? name : QuoteJson(name);
}

size_t Best(const BoostedModel& model, const float* outputs) {
  return static_cast<size_t>(std::max_element(outputs, outputs + model.num_outputs()) - outputs);
}

// The predicted class or value as JSON.
std::string PredictionText(const BoostedModel& model, const float* outputs) {
  return model.is_classification() ? ClassText(model, Best(model, outputs))
                                   : NumberJson(outputs[0]);
}

// {"predictions": {...}, "probabilities": {...}}, and `more` members.
std::string ResultsText(const BoostedModel& model, const float* outputs, const std::string& more) {
  std::string text = "{\"predictions\": {" + QuoteJson(model.target()) + ": " +
                     PredictionText(model, outputs) + "}";
  if (model.is_classification()) {
    text += ", \"probabilities\": {";
    for (size_t i = 0; i < model.classes().size(); ++i) {
      char number[16];
      std::snprintf(number, sizeof(number), "%.2f", static_cast<double>(outputs[i]));
      std::string digits = number;
      if (digits.ends_with('0')) digits.pop_back();
      text += (i == 0 ? "" : ", ") + QuoteJson(model.classes()[i]) + ": " + digits;
    }
    text += "}";
  }
  return text + more + "}";
}

std::string ExplanationText(const BoostedModel& model, const float* outputs,
                            const double* attributions, size_t largest,
                            const std::string& value_text) {
  std::string list;
  for (size_t i = 0; i < model.encoding().columns().size(); ++i)
    list += (i == 0 ? "" : ", ") + QuoteJson(model.encoding().columns()[i].name) + ": " +
            NumberJson(RoundTo(attributions[i], 1e-4));
  const std::string prediction =
      model.is_classification() ? model.classes()[Best(model, outputs)] : NumberJson(outputs[0]);
  return ", \"attributions\": {" + list + "}, \"notes\": " +
         QuoteJson(model.encoding().columns()[largest].name + " (" + value_text +
                   ") had the largest impact towards predicting " + prediction);
}

size_t Largest(const double* attributions, size_t count) {
  size_t largest = 0;
  for (size_t i = 1; i < count; ++i)
    if (std::abs(attributions[i]) > std::abs(attributions[largest])) largest = i;
  return largest;
}

std::string ValueText(const MlRows& rows, const std::string& column, size_t row) {
  const MlValues* values = rows.Find(column);
  if (values == nullptr || values->is_null[row]) return "NULL";
  return BoostedModel::LabelOf(*values, row);
}

Json ByColumn(const BoostedModel& model, const std::vector<double>& numbers) {
  Json object = Json::object();
  for (size_t i = 0; i < numbers.size(); ++i)
    object[model.encoding().columns()[i].name] = RoundTo(numbers[i], 1e-4);
  return object;
}

class TableOperation : public MlTableOperation {
 public:
  TableOperation(wire::MlStart start, ReadModel* model, Json options, uint32_t num_threads)
      : start_(std::move(start)),
        model_(model),
        options_(std::move(options)),
        num_threads_(start_.num_threads != 0 ? start_.num_threads : num_threads) {}
  ~TableOperation() override { SetThreads(1); }

  Result<void> BeginTable(const wire::MlTable& table) override {
    if (table.role != wire::MlTableRole::kMain)
      return MakeError(ErrorCode::kNotSupported, "tables of items and users are not supported");
    rows_.emplace(table.columns);
    SetThreads(num_threads_);
    return {};
  }

  Result<std::optional<std::string>> AddRows(const wire::ColumnBatchView& batch) override {
    if (!rows_) return MakeError(ErrorCode::kInvalidArgument, "rows of no table");
    RETURN_IF_ERROR(rows_->Append(batch));
    // The first k of all rows are known when all rows are.
    const bool is_streaming = (start_.operation == MlOperation::kPredictTable ||
                               start_.operation == MlOperation::kExplainTable) &&
                              !(is_anomaly() && options_.contains("topk"));
    if (!is_streaming) return std::nullopt;
    Result<std::string> output = OutputOfTask();
    is_first_batch_ = false;
    rows_->Clear();
    if (!output) return std::unexpected(output.error());
    return std::move(*output);
  }

  Result<wire::MlDone> Run(const OnProgress& on_progress, const OnOutput& on_output) override {
    switch (start_.operation) {
      case MlOperation::kTrain:
        if (is_forecast()) return RunForecastTraining(on_progress);
        if (is_topics()) return RunTopicTraining(on_progress);
        if (is_recommendation()) return RunRecommendationTraining(on_progress);
        return is_anomaly() ? RunAnomalyTraining(on_progress) : RunTraining(on_progress);
      case MlOperation::kExplain:
        if (is_forecast())
          return MakeError(ErrorCode::kNotSupported,
                           "Explanations of forecasting models are not supported yet.");
        return RunExplanation();
      case MlOperation::kScore:
        if (is_forecast()) return RunForecastScore();
        if (is_recommendation()) {
          ASSIGN_OR_RETURN(const std::optional<double> score,
                           RecommendationScore(*model_->recommendation, options_, start_.metric,
                                               rows_.value_or(MlRows({}))));
          wire::MlDone done;
          done.text = score ? NumberJson(*score) : "null";
          return done;
        }
        return is_anomaly() ? RunAnomalyScore() : RunScore();
      default:
        if (is_anomaly() && rows_ && rows_->num_rows() > 0) {
          ASSIGN_OR_RETURN(const std::string output, AnomalyOutput());
          RETURN_IF_ERROR(on_output(output));
        }
        return wire::MlDone{};
    }
  }

 private:
  void SetThreads(uint32_t num_threads) {
    if (model_ != nullptr && model_->learned != nullptr) model_->learned->SetThreads(num_threads);
  }
  bool is_anomaly() const {
    return model_ != nullptr ? model_->anomaly != nullptr
                             : options_.value("task", "") == "anomaly_detection";
  }
  bool is_forecast() const {
    return model_ != nullptr ? model_->forecast != nullptr
                             : options_.value("task", "") == "forecasting";
  }
  bool is_recommendation() const {
    return model_ != nullptr ? model_->recommendation != nullptr
                             : options_.value("task", "") == "recommendation";
  }
  bool is_topics() const {
    return model_ != nullptr ? model_->topics != nullptr
                             : options_.value("task", "") == "topic_modeling";
  }
  Result<wire::MlDone> RunTopicTraining(const OnProgress& on_progress);
  Result<std::string> TopicOutput();
  Result<std::string> OutputOfTask() {
    if (is_topics()) return TopicOutput();
    if (is_anomaly()) return AnomalyOutput();
    if (is_forecast()) return ForecastOutput();
    if (is_recommendation())
      return RecommendationsForRows(*model_->recommendation, options_, *rows_);
    return Output();
  }
  Result<wire::MlDone> RunRecommendationTraining(const OnProgress& on_progress);
  Result<wire::MlDone> RunForecastTraining(const OnProgress& on_progress);
  Result<wire::MlDone> RunForecastScore();
  Result<std::string> ForecastOutput();
  // Anomalies at the option's threshold or the learned one.
  double threshold() const { return options_.value("threshold", 0.5); }
  Result<wire::MlDone> RunAnomalyTraining(const OnProgress& on_progress);
  Result<wire::MlDone> RunAnomalyScore();
  Result<std::string> AnomalyOutput();
  Result<wire::MlDone> RunTraining(const OnProgress& on_progress);
  Result<wire::MlDone> RunExplanation();
  Result<wire::MlDone> RunScore();
  // The results of the collected rows.
  Result<std::string> Output();

  const wire::MlStart start_;
  ReadModel* const model_;  // nullptr while training
  const Json options_;
  const uint32_t num_threads_;
  std::optional<MlRows> rows_;
  bool is_first_batch_ = true;
};

Result<wire::MlDone> TableOperation::RunTraining(const OnProgress& on_progress) {
  if (!rows_) return MakeError(ErrorCode::kInvalidArgument, "no rows to train on");
  TrainingOptions options;
  options.is_classification = options_.value("task", "") == "classification";
  options.target = start_.target;
  options.num_threads = num_threads_;
  options.seed = options_.value("seed", 7u);
  options.time_limit_seconds = options_.value("time_limit", 0.0);
  ASSIGN_OR_RETURN(std::unique_ptr<BoostedModel> model,
                   BoostedModel::Train(*rows_, options, [&](const char* stage, double fraction) {
                     on_progress({stage, fraction});
                   }));
  on_progress({"Model and prediction explanations", 0.92});
  ASSIGN_OR_RETURN(const std::vector<double> importance, model->PermutationImportance(*rows_));
  wire::MlDone done;
  ASSIGN_OR_RETURN(done.bytes, model->ToBytes());
  Json names = Json::array();
  for (const wire::MlColumn& column : model->encoding().columns()) names.push_back(column.name);
  const Json metadata = {
      {"algorithm_name", options.is_classification ? "XGBClassifier" : "XGBRegressor"},
      {"training_score", model->training_score()},
      {"optimization_metric",
       options.is_classification ? "neg_log_loss" : "neg_mean_squared_error"},
      {"model_explanation", {{"permutation_importance", ByColumn(*model, importance)}}},
      {"model_quality", "high"},
      {"n_rows", rows_->num_rows()},
      {"n_columns", rows_->columns().size()},
      {"n_selected_rows", rows_->num_rows()},
      {"n_selected_columns", names.size()},
      {"selected_column_names", names},
      {"training_params", {{"n_estimators", model->num_rounds()}, {"seed", options.seed}}}};
  done.text = metadata.dump(-1, ' ', false, Json::error_handler_t::replace);
  return done;
}

std::string AnomalyText(double probability, bool is_anomaly) {
  const double rounded = RoundTo(probability, 0.01);
  return std::string("{\"predictions\": {\"is_anomaly\": ") + (is_anomaly ? "1" : "0") +
         "}, \"probabilities\": {\"normal\": " + NumberJson(RoundTo(1 - rounded, 0.01)) +
         ", \"anomaly\": " + NumberJson(rounded) + "}}";
}

Result<wire::MlDone> TableOperation::RunAnomalyTraining(const OnProgress& on_progress) {
  if (!rows_) return MakeError(ErrorCode::kInvalidArgument, "no rows to train on");
  on_progress({"Preprocessing", 0.05});
  const double contamination = options_.value("contamination", 0.01);
  ASSIGN_OR_RETURN(const std::unique_ptr<AnomalyModel> model,
                   AnomalyModel::Train(*rows_, contamination, options_.value("seed", 7u)));
  wire::MlDone done;
  done.bytes = model->ToBytes();
  Json names = Json::array();
  for (const wire::MlColumn& column : model->encoding().columns()) names.push_back(column.name);
  const Json metadata = {{"algorithm_name", "GkNN"},
                         {"contamination", contamination},
                         {"model_quality", "high"},
                         {"n_rows", rows_->num_rows()},
                         {"n_columns", rows_->columns().size()},
                         {"n_selected_rows", rows_->num_rows()},
                         {"n_selected_columns", names.size()},
                         {"selected_column_names", names}};
  done.text = metadata.dump(-1, ' ', false, Json::error_handler_t::replace);
  return done;
}

Result<wire::MlDone> TableOperation::RunAnomalyScore() {
  const MlValues* target = rows_ ? rows_->Find(start_.target) : nullptr;
  if (target == nullptr)
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML006003: target_column_name must name the column of labels, 0 or 1.");
  ASSIGN_OR_RETURN(const std::vector<double> all, model_->anomaly->Predict(*rows_));
  std::vector<double> probabilities;
  std::vector<size_t> labels;
  for (size_t row = 0; row < all.size(); ++row) {
    if (target->is_null[row]) continue;
    const std::string label = BoostedModel::LabelOf(*target, row);
    if (label != "0" && label != "1")
      return MakeError(ErrorCode::kInvalidArgument,
                       "ML003019: Invalid data for the metric. Score could not be computed. The "
                       "target column must hold 0 and 1 only.");
    labels.push_back(label == "1");
    probabilities.push_back(all[row]);
  }
  std::optional<double> threshold;
  std::optional<size_t> topk;
  if (options_.contains("threshold")) threshold = options_["threshold"].get<double>();
  if (options_.contains("topk")) topk = options_["topk"].get<size_t>();
  ASSIGN_OR_RETURN(const std::optional<double> score,
                   AnomalyScore(start_.metric, probabilities, labels, threshold, topk));
  wire::MlDone done;
  done.text = score ? NumberJson(*score) : "null";
  return done;
}

Result<std::string> TableOperation::AnomalyOutput() {
  ASSIGN_OR_RETURN(const std::vector<double> probabilities, model_->anomaly->Predict(*rows_));
  std::vector<bool> is_first(probabilities.size(), false);
  if (options_.contains("topk")) {
    std::vector<size_t> order(probabilities.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return probabilities[a] > probabilities[b]; });
    const size_t topk = options_["topk"].get<size_t>();
    if (topk > order.size())
      return MakeError(ErrorCode::kInvalidArgument,
                       "ML006002: Option topk must be at most the number of rows, " +
                           std::to_string(order.size()) + ".");
    for (size_t i = 0; i < topk; ++i) is_first[order[i]] = true;
  }
  wire::ColumnBatchBuilder batch(std::vector<plan::Lane>{plan::Lane::kStr});
  for (size_t row = 0; row < probabilities.size(); ++row) {
    const bool is_anomaly =
        options_.contains("topk") ? is_first[row] : probabilities[row] > threshold();
    batch.columns()[0].PushString(AnomalyText(probabilities[row], is_anomaly));
  }
  batch.num_rows = static_cast<uint32_t>(probabilities.size());
  return batch.Encode();
}

Result<wire::MlDone> TableOperation::RunRecommendationTraining(const OnProgress& on_progress) {
  if (!rows_) return MakeError(ErrorCode::kInvalidArgument, "no rows to train on");
  on_progress({"Algorithm selection", 0.05});
  RecommendationModel::Options options;
  options.users = options_.value("users", "");
  options.items = options_.value("items", "");
  options.target = start_.target;
  const std::string feedback = options_.value("feedback", "explicit");
  if (feedback != "explicit" && feedback != "implicit")
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML006002: Option feedback must be explicit or implicit.");
  options.is_implicit = feedback == "implicit";
  options.threshold = options_.value("feedback_threshold", 1.0);
  options.seed = options_.value("seed", 7u);
  ASSIGN_OR_RETURN(const std::unique_ptr<RecommendationModel> model,
                   RecommendationModel::Train(*rows_, options));
  wire::MlDone done;
  done.bytes = model->ToBytes();
  const Json metadata = {{"algorithm_name", options.is_implicit ? "iALS" : "ALS"},
                         {"model_quality", "high"},
                         {"n_rows", rows_->num_rows()},
                         {"n_columns", rows_->columns().size()},
                         {"n_selected_rows", rows_->num_rows()},
                         {"n_selected_columns", 2},
                         {"selected_column_names", Json::array({options.users, options.items})}};
  done.text = metadata.dump(-1, ' ', false, Json::error_handler_t::replace);
  return done;
}

Result<const MlValues*> DocumentColumn(const MlRows& rows, const std::string& column) {
  const MlValues* values = rows.Find(column);
  if (values == nullptr || wire::LaneOf(values->column.kind) != plan::Lane::kStr)
    return MakeError(
        ErrorCode::kInvalidArgument,
        "ML003015: The document column is missing or of no text type: " + column + ".");
  return values;
}

Result<wire::MlDone> TableOperation::RunTopicTraining(const OnProgress& on_progress) {
  if (!rows_) return MakeError(ErrorCode::kInvalidArgument, "no rows to train on");
  on_progress({"Algorithm selection", 0.05});
  const std::string column = options_.value("document_column", "");
  ASSIGN_OR_RETURN(const MlValues* documents, DocumentColumn(*rows_, column));
  ASSIGN_OR_RETURN(
      const std::unique_ptr<TopicModel> model,
      TopicModel::Train(documents->str, column, options_.value("num_topics", size_t{0}),
                        options_.value("seed", 7u)));
  wire::MlDone done;
  done.bytes = model->ToBytes();
  const Json metadata = {{"algorithm_name", "NMF"},
                         {"model_quality", "high"},
                         {"n_rows", rows_->num_rows()},
                         {"n_columns", 1},
                         {"n_selected_rows", rows_->num_rows()},
                         {"n_selected_columns", 1},
                         {"selected_column_names", Json::array({column})},
                         {"training_params", {{"num_topics", model->num_topics()}}}};
  done.text = metadata.dump(-1, ' ', false, Json::error_handler_t::replace);
  return done;
}

Result<std::string> TableOperation::TopicOutput() {
  const TopicModel& model = *model_->topics;
  ASSIGN_OR_RETURN(const MlValues* documents, DocumentColumn(*rows_, model.column()));
  wire::ColumnBatchBuilder batch(std::vector<plan::Lane>{plan::Lane::kStr});
  for (const std::string& document : documents->str)
    batch.columns()[0].PushString(model.ResultText(document));
  batch.num_rows = static_cast<uint32_t>(rows_->num_rows());
  return batch.Encode();
}

Result<wire::MlDone> TableOperation::RunForecastTraining(const OnProgress& on_progress) {
  if (!rows_) return MakeError(ErrorCode::kInvalidArgument, "no rows to train on");
  on_progress({"Algorithm selection", 0.05});
  ForecastModel::Options options;
  options.datetime_index = options_.value("datetime_index", "");
  options.endogenous = options_.value("endogenous_variables", std::vector<std::string>());
  options.exogenous = options_.value("exogenous_variables", std::vector<std::string>());
  ASSIGN_OR_RETURN(const std::unique_ptr<ForecastModel> model,
                   ForecastModel::Train(*rows_, options));
  wire::MlDone done;
  done.bytes = model->ToBytes();
  const Json metadata = {
      {"algorithm_name", "ETSForecaster"},    {"model_quality", "high"},
      {"n_rows", rows_->num_rows()},          {"n_columns", rows_->columns().size()},
      {"n_selected_rows", rows_->num_rows()}, {"n_selected_columns", rows_->columns().size()}};
  done.text = metadata.dump(-1, ' ', false, Json::error_handler_t::replace);
  return done;
}

Result<wire::MlDone> TableOperation::RunForecastScore() {
  const ForecastModel& model = *model_->forecast;
  const auto& names = model.options().endogenous;
  const std::string target = start_.target.empty() ? names[0] : start_.target;
  const auto found = std::find(names.begin(), names.end(), target);
  const MlValues* actual = rows_ ? rows_->Find(target) : nullptr;
  if (found == names.end() || actual == nullptr)
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML006003: target_column_name must be one of the endogenous variables, and a "
                     "column of the table: " +
                         target);
  ASSIGN_OR_RETURN(const std::vector<ForecastModel::Bounds> all, model.Predict(*rows_, 0.95, true));
  std::vector<double> predictions, values;
  for (size_t row = 0; row < rows_->num_rows(); ++row) {
    if (actual->is_null[row]) continue;
    predictions.push_back(
        all[row * names.size() + static_cast<size_t>(found - names.begin())].mean);
    values.push_back(BoostedModel::NumberOf(*actual, row));
  }
  ASSIGN_OR_RETURN(const std::optional<double> score,
                   ForecastScore(start_.metric, predictions, values));
  wire::MlDone done;
  done.text = score ? NumberJson(*score) : "null";
  return done;
}

Result<std::string> TableOperation::ForecastOutput() {
  const ForecastModel& model = *model_->forecast;
  const auto& names = model.options().endogenous;
  ASSIGN_OR_RETURN(
      const std::vector<ForecastModel::Bounds> all,
      model.Predict(*rows_, options_.value("prediction_interval", 0.95), is_first_batch_));
  wire::ColumnBatchBuilder batch(std::vector<plan::Lane>{plan::Lane::kStr});
  for (size_t row = 0; row < rows_->num_rows(); ++row) {
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
  batch.num_rows = static_cast<uint32_t>(rows_->num_rows());
  return batch.Encode();
}

Result<wire::MlDone> TableOperation::RunExplanation() {
  if (!rows_ || rows_->num_rows() == 0)
    return MakeError(ErrorCode::kInvalidArgument, "no rows to explain");
  const std::string explainer = options_.value("model_explainer", "permutation_importance");
  BoostedModel& model = *model_->learned;
  Json explanation;
  if (explainer == "permutation_importance") {
    ASSIGN_OR_RETURN(const std::vector<double> numbers, model.PermutationImportance(*rows_));
    explanation[explainer] = ByColumn(model, numbers);
  } else if (explainer == "shap" || explainer == "fast_shap") {
    // Trees have exact values at the price of the approximation.
    ASSIGN_OR_RETURN(const std::vector<double> numbers, model.ShapImportance(*rows_));
    explanation[explainer] = ByColumn(model, numbers);
  } else {
    return MakeError(ErrorCode::kNotSupported,
                     "The model explainer " + explainer + " is not supported yet.");
  }
  wire::MlDone done;
  done.text = explanation.dump(-1, ' ', false, Json::error_handler_t::replace);
  return done;
}

Result<wire::MlDone> TableOperation::RunScore() {
  if (!rows_) return MakeError(ErrorCode::kInvalidArgument, "no rows to score");
  BoostedModel& model = *model_->learned;
  const MlValues* target = rows_->Find(start_.target);
  if (target == nullptr)
    return MakeError(ErrorCode::kInvalidArgument, "the target column is missing: " + start_.target);
  ASSIGN_OR_RETURN(const std::vector<float> outputs, model.Predict(*rows_));
  // Rows without label are no part of the score.
  std::vector<float> kept;
  std::vector<size_t> labels;
  std::vector<double> values;
  for (size_t row = 0; row < rows_->num_rows(); ++row) {
    if (target->is_null[row]) continue;
    kept.insert(kept.end(), &outputs[row * model.num_outputs()],
                &outputs[row * model.num_outputs()] + model.num_outputs());
    if (model.is_classification())
      labels.push_back(model.ClassOf(BoostedModel::LabelOf(*target, row)));
    else if (wire::LaneOf(target->column.kind) == plan::Lane::kStr)
      return MakeError(ErrorCode::kInvalidArgument,
                       "ML003015: The target column must be numeric: " + start_.target + ".");
    else
      values.push_back(BoostedModel::NumberOf(*target, row));
  }
  ASSIGN_OR_RETURN(const std::optional<double> score,
                   model.is_classification()
                       ? ClassificationScore(start_.metric, kept, model.num_outputs(), labels)
                       : RegressionScore(start_.metric, kept, values));
  wire::MlDone done;
  done.text = score ? NumberJson(*score) : "null";
  return done;
}

Result<std::string> TableOperation::Output() {
  BoostedModel& model = *model_->learned;
  const bool explains = start_.operation == MlOperation::kExplainTable;
  const size_t num_columns = model.encoding().columns().size();
  ASSIGN_OR_RETURN(const std::vector<float> outputs, model.Predict(*rows_));
  std::vector<double> attributions;
  if (explains) {
    ASSIGN_OR_RETURN(attributions, model.Attributions(*rows_, options_.value("prediction_explainer",
                                                                             "") == "shap"));
  }
  std::vector<plan::Lane> lanes = {model.is_classification() ? plan::Lane::kStr : plan::Lane::kF64,
                                   plan::Lane::kStr};
  if (explains) lanes.insert(lanes.end(), num_columns, plan::Lane::kF64);
  wire::ColumnBatchBuilder batch(lanes);
  for (size_t row = 0; row < rows_->num_rows(); ++row) {
    const float* own = &outputs[row * model.num_outputs()];
    if (model.is_classification())
      batch.columns()[0].PushString(model.classes()[Best(model, own)]);
    else
      batch.columns()[0].f64.push_back(own[0]);
    std::string more;
    if (explains) {
      const double* values = &attributions[row * num_columns];
      const size_t largest = Largest(values, num_columns);
      more = ExplanationText(model, own, values, largest,
                             ValueText(*rows_, model.encoding().columns()[largest].name, row));
      for (size_t i = 0; i < num_columns; ++i) batch.columns()[2 + i].f64.push_back(values[i]);
    }
    batch.columns()[1].PushString(ResultsText(model, own, more));
  }
  batch.num_rows = static_cast<uint32_t>(rows_->num_rows());
  return batch.Encode();
}

}  // namespace

Result<std::unique_ptr<MlTableOperation>> MlTableOperation::Make(wire::MlStart start,
                                                                 LoadedModels* models,
                                                                 uint32_t num_threads) {
  Json options = Json::parse(start.options, nullptr, /*allow_exceptions=*/false);
  if (!options.is_object())
    return MakeError(ErrorCode::kInvalidArgument, "the options are no JSON object");
  ReadModel* model = nullptr;
  if (start.operation == MlOperation::kTrain) {
    const std::string task = options.value("task", "");
    if (task == "anomaly_detection" && !start.target.empty())
      return MakeError(ErrorCode::kNotSupported,
                       "Semi-supervised anomaly detection is not supported yet: "
                       "target_column_name must be NULL.");
    if (task != "classification" && task != "regression" && task != "anomaly_detection" &&
        task != "forecasting" && task != "recommendation" && task != "topic_modeling")
      return MakeError(ErrorCode::kNotSupported, "The task " + task + " is not supported yet.");
    for (const char* key : {"model_list", "exclude_model_list", "optimization_metric",
                            "experimental", "supervised_submodel_options", "ensemble_score"})
      if (options.contains(key))
        return MakeError(ErrorCode::kNotSupported,
                         "Option " + std::string(key) + " is not supported yet.");
  } else {
    ASSIGN_OR_RETURN(model, models->Find(start.model));
    if (options.contains("additional_details") && options["additional_details"] == true)
      return MakeError(ErrorCode::kNotSupported, "Option additional_details is not supported yet.");
  }
  return std::make_unique<TableOperation>(std::move(start), model, std::move(options), num_threads);
}

Result<std::string> RunRowCall(const wire::MlCall& call, ReadModel* read) {
  const Json options =
      call.options.empty() ? Json::object() : Json::parse(call.options, nullptr, false);
  if (!options.is_object())
    return MakeError(ErrorCode::kInvalidArgument, "the options are no JSON object");
  if (options.contains("additional_details") && options["additional_details"] == true)
    return MakeError(ErrorCode::kNotSupported, "Option additional_details is not supported yet.");
  if (read->recommendation != nullptr) {
    ASSIGN_OR_RETURN(const std::string text,
                     RecommendationForRow(*read->recommendation, options, call.text));
    return "\"ml_results\": " + text;
  }
  if (read->topics != nullptr) {
    const Json object = Json::parse(call.text, nullptr, /*allow_exceptions=*/false);
    const std::string& column = read->topics->column();
    if (!object.is_object() || !object.contains(column) ||
        !(object[column].is_string() || object[column].is_null()))
      return MakeError(ErrorCode::kInvalidArgument,
                       "Columns of provided data need to match those used for training. The row "
                       "has no text named " +
                           column + ".");
    return "\"ml_results\": " + read->topics->ResultText(object[column].is_string()
                                                             ? object[column].get<std::string>()
                                                             : std::string());
  }
  if (read->forecast != nullptr)
    return MakeError(ErrorCode::kNotSupported, "single rows of forecasting models");
  MlRows& row = read->row;
  row.Clear();
  RETURN_IF_ERROR(row.AppendJson(call.text));
  if (read->anomaly != nullptr) {
    ASSIGN_OR_RETURN(const std::vector<double> probability, read->anomaly->Predict(row));
    const bool is_anomaly = probability[0] > options.value("threshold", 0.5);
    return "\"ml_results\": " + AnomalyText(probability[0], is_anomaly);
  }
  BoostedModel& model = *read->learned;
  ASSIGN_OR_RETURN(const std::vector<float> outputs, model.Predict(row));
  std::string more, members;
  if (call.operation == MlOperation::kExplainRow) {
    const std::string explainer = options.value("prediction_explainer", "permutation_importance");
    if (explainer != "permutation_importance" && explainer != "shap")
      return MakeError(ErrorCode::kInvalidArgument,
                       "ML006002: Option prediction_explainer must be one of "
                       "permutation_importance, shap.");
    ASSIGN_OR_RETURN(const std::vector<double> values,
                     model.Attributions(row, explainer == "shap"));
    const size_t largest = Largest(values.data(), values.size());
    const std::string& name = model.encoding().columns()[largest].name;
    more = ExplanationText(model, outputs.data(), values.data(), largest, ValueText(row, name, 0));
    for (size_t i = 0; i < values.size(); ++i)
      members += ", " + QuoteJson(model.encoding().columns()[i].name + "_attribution") + ": " +
                 NumberJson(RoundTo(values[i], 1e-4));
  }
  return "\"Prediction\": " + PredictionText(model, outputs.data()) +
         ", \"ml_results\": " + ResultsText(model, outputs.data(), more) + members;
}

Result<std::string> CheckModel(const wire::MlCall& call) {
  RETURN_IF_ERROR(ReadBytes(call.bytes));
  return call.text;
}

}  // namespace sirocco::node
