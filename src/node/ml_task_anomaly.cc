// Anomaly detection.
#include <algorithm>

#include "automl/anomaly.h"
#include "automl/json_text.h"
#include "automl/metrics.h"
#include "node/ml_task.h"
#include "wire/column_batch.h"

namespace sirocco::node {

namespace {

using automl::AnomalyModel;
using automl::NumberJson;
using automl::RoundTo;
using Json = nlohmann::json;

std::string AnomalyText(double probability, bool is_anomaly) {
  const double rounded = RoundTo(probability, 0.01);
  return std::string("{\"predictions\": {\"is_anomaly\": ") + (is_anomaly ? "1" : "0") +
         "}, \"probabilities\": {\"normal\": " + NumberJson(RoundTo(1 - rounded, 0.01)) +
         ", \"anomaly\": " + NumberJson(rounded) + "}}";
}

class ReadAnomalyModel : public ReadModel {
 public:
  explicit ReadAnomalyModel(std::unique_ptr<AnomalyModel> model)
      : model_(std::move(model)), row_(automl::Table(model_->columns())) {}

  // The first k of all rows are known when all rows are.
  bool NeedsAllRows(const MlJob& job) const override { return job.options.contains("topk"); }
  Result<std::optional<double>> Score(const MlJob& job) override {
    const automl::Column* target = job.rows ? job.rows->Find(job.start.target) : nullptr;
    if (target == nullptr)
      return MakeError(ErrorCode::kInvalidArgument,
                       "ML006003: target_column_name must name the column of labels, 0 or 1.");
    ASSIGN_OR_RETURN(const std::vector<double> all,
                     model_->Predict(*job.rows, Weight(job.options)));
    std::vector<double> probabilities;
    std::vector<size_t> labels;
    for (size_t row = 0; row < all.size(); ++row) {
      if (target->is_null[row]) continue;
      const std::string label = target->TextAt(row);
      if (label != "0" && label != "1")
        return MakeError(ErrorCode::kInvalidArgument,
                         "ML003019: Invalid data for the metric. Score could not be computed. The "
                         "target column must hold 0 and 1 only.");
      labels.push_back(label == "1");
      probabilities.push_back(all[row]);
    }
    std::optional<double> threshold;
    std::optional<size_t> topk;
    if (job.options.contains("threshold")) threshold = job.options["threshold"].get<double>();
    if (job.options.contains("topk")) topk = job.options["topk"].get<size_t>();
    return automl::AnomalyScore(job.start.metric, probabilities, labels, threshold, topk);
  }

  Result<std::string> Output(const MlJob& job) override {
    ASSIGN_OR_RETURN(const std::vector<double> probabilities,
                     model_->Predict(*job.rows, Weight(job.options)));
    std::vector<bool> is_first(probabilities.size(), false);
    if (job.options.contains("topk")) {
      std::vector<size_t> order(probabilities.size());
      for (size_t i = 0; i < order.size(); ++i) order[i] = i;
      std::stable_sort(order.begin(), order.end(),
                       [&](size_t a, size_t b) { return probabilities[a] > probabilities[b]; });
      const size_t topk = job.options["topk"].get<size_t>();
      if (topk > order.size())
        return MakeError(ErrorCode::kInvalidArgument,
                         "ML006002: Option topk must be at most the number of rows, " +
                             std::to_string(order.size()) + ".");
      for (size_t i = 0; i < topk; ++i) is_first[order[i]] = true;
    }
    wire::ColumnBatchBuilder batch(std::vector<plan::Lane>{plan::Lane::kStr});
    for (size_t row = 0; row < probabilities.size(); ++row) {
      const bool is_anomaly = job.options.contains("topk")
                                  ? is_first[row]
                                  : probabilities[row] > job.options.value("threshold", 0.5);
      batch.columns()[0].PushString(AnomalyText(probabilities[row], is_anomaly));
    }
    batch.num_rows = static_cast<uint32_t>(probabilities.size());
    return batch.Encode();
  }

  Result<std::string> Row(const wire::MlCall& call, const Json& options) override {
    row_.Clear();
    RETURN_IF_ERROR(row_.AppendJson(call.text));
    ASSIGN_OR_RETURN(const std::vector<double> probability, model_->Predict(row_, Weight(options)));
    const bool is_anomaly = probability[0] > options.value("threshold", 0.5);
    return "\"ml_results\": " + AnomalyText(probability[0], is_anomaly);
  }

 private:
  static std::optional<double> Weight(const Json& options) {
    if (!options.contains("supervised_submodel_weight")) return std::nullopt;
    return options["supervised_submodel_weight"].get<double>();
  }

  std::unique_ptr<AnomalyModel> model_;
  automl::Table row_;
};

}  // namespace

Result<std::unique_ptr<ReadModel>> ReadAnomaly(std::string_view bytes) {
  ASSIGN_OR_RETURN(std::unique_ptr<AnomalyModel> model, AnomalyModel::FromBytes(bytes));
  return std::make_unique<ReadAnomalyModel>(std::move(model));
}

Result<wire::MlDone> TrainAnomaly(const MlJob& job) {
  job.on_progress("Preprocessing", 0.05);
  AnomalyModel::Options options;
  options.contamination = job.options.value("contamination", 0.01);
  options.model_list = job.options.value("model_list", std::vector<std::string>());
  options.seed = job.options.value("seed", 7u);
  options.num_threads = job.num_threads;
  options.target = job.start.target;
  // Options of the supervised part stand beside the others, or within `experimental`.
  Json supervised = job.options;
  if (job.options.contains("experimental"))
    supervised.update(job.options["experimental"].value("semisupervised", Json::object()));
  options.ensemble_score = supervised.value("ensemble_score", options.ensemble_score);
  if (supervised.contains("supervised_submodel_options") &&
      supervised["supervised_submodel_options"].is_object()) {
    const Json& own = supervised["supervised_submodel_options"];
    options.num_neighbours = own.value("n_neighbors", options.num_neighbours);
    options.min_labels = own.value("min_labels", options.min_labels);
  }
  if (options.num_neighbours == 0)
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML006002: Option n_neighbors must be at least 1.");
  RETURN_IF_ERROR(automl::CheckMetric(options.ensemble_score, 2));
  ASSIGN_OR_RETURN(const std::unique_ptr<AnomalyModel> model,
                   AnomalyModel::Train(*job.rows, options));
  wire::MlDone done;
  done.bytes = model->ToBytes();
  Json names = Json::array();
  for (const automl::ColumnSpec& column : model->columns()) names.push_back(column.name);
  Json parameters = {{"seed", options.seed}};
  if (model->is_supervised()) parameters["supervised_submodel_weight"] = model->supervised_weight();
  const Json metadata = {{"algorithm_name", model->algorithm_name()},
                         {"contamination", options.contamination},
                         {"model_quality", "high"},
                         {"n_rows", job.rows->num_rows()},
                         {"n_columns", job.rows->columns().size()},
                         {"n_selected_rows", job.rows->num_rows()},
                         {"n_selected_columns", names.size()},
                         {"selected_column_names", names},
                         {"training_params", std::move(parameters)}};
  done.text = DumpMetadata(metadata);
  return done;
}

}  // namespace sirocco::node
