// Classification and regression.
#include <algorithm>
#include <cmath>

#include "automl/explain.h"
#include "automl/json_text.h"
#include "automl/metrics.h"
#include "node/ml_task.h"
#include "wire/column_batch.h"

namespace sirocco::node {

namespace {

using automl::NumberJson;
using automl::QuoteJson;
using automl::RoundTo;
using automl::SupervisedModel;
using Json = nlohmann::json;

// Rows that explainers of models look at: by themselves, in a hurry, and at the end of a training.
constexpr size_t kExplainedRows = 5000, kFastRows = 500, kTrainingRows = 1000;

std::string ClassText(const SupervisedModel& model, size_t index) {
  const std::string& name = model.classes()[index];
  return model.has_numeric_classes() ? name : QuoteJson(name);
}

size_t Best(const SupervisedModel& model, const float* outputs) {
  return static_cast<size_t>(std::max_element(outputs, outputs + model.num_outputs()) - outputs);
}

// The predicted class or value as JSON.
std::string PredictionText(const SupervisedModel& model, const float* outputs) {
  return model.is_classification() ? ClassText(model, Best(model, outputs))
                                   : NumberJson(outputs[0]);
}

// {"predictions": {...}, "probabilities": {...}}, and `more` members.
std::string ResultsText(const SupervisedModel& model, const float* outputs,
                        const std::string& more) {
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

std::string ExplanationText(const SupervisedModel& model, const float* outputs,
                            const double* attributions, size_t largest,
                            const std::string& value_text) {
  std::string list;
  for (size_t i = 0; i < model.columns().size(); ++i)
    list += (i == 0 ? "" : ", ") + QuoteJson(model.columns()[i].name) + ": " +
            NumberJson(RoundTo(attributions[i], 1e-4));
  const std::string prediction =
      model.is_classification() ? model.classes()[Best(model, outputs)] : NumberJson(outputs[0]);
  return ", \"attributions\": {" + list + "}, \"notes\": " +
         QuoteJson(model.columns()[largest].name + " (" + value_text +
                   ") had the largest impact towards predicting " + prediction);
}

size_t Largest(const double* attributions, size_t count) {
  size_t largest = 0;
  for (size_t i = 1; i < count; ++i)
    if (std::abs(attributions[i]) > std::abs(attributions[largest])) largest = i;
  return largest;
}

std::string ValueText(const automl::Table& rows, const std::string& column, size_t row) {
  const automl::Column* values = rows.Find(column);
  if (values == nullptr || values->is_null[row]) return "NULL";
  return values->TextAt(row);
}

Json ByColumn(const SupervisedModel& model, const std::vector<double>& numbers) {
  Json object = Json::object();
  for (size_t i = 0; i < numbers.size(); ++i)
    object[model.columns()[i].name] = RoundTo(numbers[i], 1e-4);
  return object;
}

class ReadSupervisedModel : public ReadModel {
 public:
  explicit ReadSupervisedModel(std::unique_ptr<SupervisedModel> model)
      : model_(std::move(model)), row_(automl::Table(model_->columns())) {}

  Result<wire::MlDone> Explain(const MlJob& job) override {
    const std::string explainer = job.options.value("model_explainer", "permutation_importance");
    SupervisedModel& model = *model_;
    model.SetThreads(job.num_threads);
    Json explanation;
    if (explainer == "permutation_importance") {
      ASSIGN_OR_RETURN(const std::vector<double> numbers,
                       automl::PermutationImportance(model, *job.rows, kExplainedRows));
      explanation[explainer] = ByColumn(model, numbers);
    } else if (explainer == "shap" || explainer == "fast_shap") {
      ASSIGN_OR_RETURN(const std::vector<double> numbers,
                       automl::ShapImportance(model, *job.rows,
                                              explainer == "shap" ? kExplainedRows : kFastRows));
      explanation[explainer] = ByColumn(model, numbers);
    } else {
      std::vector<std::string> columns;
      for (const Json& name : job.options.at("columns_to_explain")) columns.push_back(name);
      std::optional<size_t> class_index;
      if (model.is_classification()) {
        if (!job.options.contains("target_value"))
          return MakeError(ErrorCode::kInvalidArgument,
                           "ML006002: Option target_value is required for partial_dependence of a "
                           "classification model: one of its classes.");
        const Json& value = job.options["target_value"];
        const std::string name = value.is_string() ? value.get<std::string>() : value.dump();
        class_index = model.ClassOf(name);
        if (*class_index == model.classes().size())
          return MakeError(ErrorCode::kInvalidArgument,
                           "ML006002: Option target_value is none of the model's classes: " + name);
      }
      ASSIGN_OR_RETURN(explanation[explainer],
                       automl::PartialDependence(model, *job.rows, columns, class_index));
    }
    model.SetThreads(1);
    wire::MlDone done;
    done.text = DumpMetadata(explanation);
    return done;
  }

  Result<std::optional<double>> Score(const MlJob& job) override {
    SupervisedModel& model = *model_;
    const automl::Column* target = job.rows->Find(job.start.target);
    if (target == nullptr)
      return MakeError(ErrorCode::kInvalidArgument,
                       "the target column is missing: " + job.start.target);
    ASSIGN_OR_RETURN(const std::vector<float> outputs, model.Predict(*job.rows));
    // Rows without label are no part of the score.
    std::vector<float> kept;
    std::vector<size_t> labels;
    std::vector<double> values;
    for (size_t row = 0; row < job.rows->num_rows(); ++row) {
      if (target->is_null[row]) continue;
      kept.insert(kept.end(), &outputs[row * model.num_outputs()],
                  &outputs[row * model.num_outputs()] + model.num_outputs());
      if (model.is_classification())
        labels.push_back(model.ClassOf(target->TextAt(row)));
      else if (target->is_text())
        return MakeError(ErrorCode::kInvalidArgument,
                         "ML003015: The target column must be numeric: " + job.start.target + ".");
      else
        values.push_back(target->NumberAt(row));
    }
    return model.is_classification()
               ? automl::ClassificationScore(job.start.metric, kept, model.num_outputs(), labels)
               : automl::RegressionScore(job.start.metric, kept, values);
  }

  Result<std::string> Output(const MlJob& job) override {
    SupervisedModel& model = *model_;
    const bool explains = job.explains();
    const size_t num_columns = model.columns().size();
    ASSIGN_OR_RETURN(const std::vector<float> outputs, model.Predict(*job.rows));
    std::vector<double> attributions;
    if (explains) {
      ASSIGN_OR_RETURN(attributions, Attribute(*job.rows, job.options.value("prediction_explainer",
                                                                            "") == "shap"));
    }
    std::vector<plan::Lane> lanes = {
        model.is_classification() ? plan::Lane::kStr : plan::Lane::kF64, plan::Lane::kStr};
    if (explains) lanes.insert(lanes.end(), num_columns, plan::Lane::kF64);
    wire::ColumnBatchBuilder batch(lanes);
    for (size_t row = 0; row < job.rows->num_rows(); ++row) {
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
                               ValueText(*job.rows, model.columns()[largest].name, row));
        for (size_t i = 0; i < num_columns; ++i) batch.columns()[2 + i].f64.push_back(values[i]);
      }
      batch.columns()[1].PushString(ResultsText(model, own, more));
    }
    batch.num_rows = static_cast<uint32_t>(job.rows->num_rows());
    return batch.Encode();
  }

  Result<std::string> Row(const wire::MlCall& call, const Json& options) override {
    row_.Clear();
    RETURN_IF_ERROR(row_.AppendJson(call.text));
    SupervisedModel& model = *model_;
    ASSIGN_OR_RETURN(const std::vector<float> outputs, model.Predict(row_));
    std::string more, members;
    if (call.operation == wire::MlOperation::kExplainRow) {
      const std::string explainer = options.value("prediction_explainer", "permutation_importance");
      if (explainer != "permutation_importance" && explainer != "shap")
        return MakeError(ErrorCode::kInvalidArgument,
                         "ML006002: Option prediction_explainer must be one of "
                         "permutation_importance, shap.");
      ASSIGN_OR_RETURN(const std::vector<double> values, Attribute(row_, explainer == "shap"));
      const size_t largest = Largest(values.data(), values.size());
      const std::string& name = model.columns()[largest].name;
      more =
          ExplanationText(model, outputs.data(), values.data(), largest, ValueText(row_, name, 0));
      for (size_t i = 0; i < values.size(); ++i)
        members += ", " + QuoteJson(model.columns()[i].name + "_attribution") + ": " +
                   NumberJson(RoundTo(values[i], 1e-4));
    }
    return "\"Prediction\": " + PredictionText(model, outputs.data()) +
           ", \"ml_results\": " + ResultsText(model, outputs.data(), more) + members;
  }

 private:
  Result<std::vector<double>> Attribute(const automl::Table& rows, bool by_shap) const {
    return by_shap ? automl::ShapAttributions(*model_, rows) : automl::Attributions(*model_, rows);
  }

  std::unique_ptr<SupervisedModel> model_;
  automl::Table row_;
};

}  // namespace

Result<std::unique_ptr<ReadModel>> ReadSupervised(std::string_view bytes) {
  ASSIGN_OR_RETURN(std::unique_ptr<SupervisedModel> model, SupervisedModel::FromBytes(bytes));
  return std::make_unique<ReadSupervisedModel>(std::move(model));
}

Result<wire::MlDone> TrainSupervised(const MlJob& job) {
  automl::TrainingOptions options;
  options.is_classification = job.options.value("task", "") == "classification";
  options.target = job.start.target;
  options.model_list = job.options.value("model_list", std::vector<std::string>());
  options.exclude_model_list = job.options.value("exclude_model_list", std::vector<std::string>());
  options.include_columns = job.options.value("include_column_list", std::vector<std::string>());
  options.metric = job.options.value("optimization_metric", "");
  options.num_threads = job.num_threads;
  options.seed = job.options.value("seed", 7u);
  options.time_limit_seconds = job.options.value("time_limit", 0.0);
  ASSIGN_OR_RETURN(std::unique_ptr<SupervisedModel> model,
                   SupervisedModel::Train(*job.rows, options, job.on_progress));
  job.on_progress("Model and prediction explanations", 0.92);
  ASSIGN_OR_RETURN(const std::vector<double> importance,
                   automl::PermutationImportance(*model, *job.rows, kTrainingRows));
  wire::MlDone done;
  done.bytes = model->ToBytes();
  const std::vector<std::string> used = model->UsedColumns();
  Json parameters = model->Parameters();
  parameters["seed"] = options.seed;
  const Json metadata = {
      {"algorithm_name", model->algorithm_name()},
      {"training_score", model->training_score()},
      {"optimization_metric", model->metric()},
      {"model_explanation", {{"permutation_importance", ByColumn(*model, importance)}}},
      {"model_quality", "high"},
      {"n_rows", job.rows->num_rows()},
      {"n_columns", job.rows->columns().size()},
      {"n_selected_rows", model->num_selected_rows()},
      {"n_selected_columns", used.size()},
      {"selected_column_names", used},
      {"training_params", std::move(parameters)}};
  done.text = DumpMetadata(metadata);
  return done;
}

}  // namespace sirocco::node
