#include "node/ml_task.h"

#include "automl/model_file.h"

namespace sirocco::node {

namespace {

constexpr MlTaskEntry kTasks[] = {
    {"classification", ReadSupervised, TrainSupervised},
    {"regression", ReadSupervised, TrainSupervised},
    {"forecasting", ReadForecast, TrainForecast},
    {"anomaly_detection", ReadAnomaly, TrainAnomaly},
    {"recommendation", ReadRecommendation, TrainRecommendation},
    {"topic_modeling", ReadTopics, TrainTopics},
};

std::unexpected<Error> NotServed(const char* what) {
  return MakeError(ErrorCode::kNotSupported,
                   std::string(what) + " is not supported for models of this task.");
}

}  // namespace

Result<wire::MlDone> ReadModel::Explain(const MlJob&) { return NotServed("Explanation"); }
Result<std::optional<double>> ReadModel::Score(const MlJob&) { return NotServed("Scoring"); }
Result<std::string> ReadModel::Row(const wire::MlCall&, const nlohmann::json&) {
  return NotServed("Prediction of single rows");
}

Result<std::unique_ptr<ReadModel>> ReadModelBytes(std::string_view bytes) {
  ASSIGN_OR_RETURN(const automl::ModelFile file, automl::ReadModelFile(bytes));
  for (const MlTaskEntry& entry : kTasks)
    if (file.header["task"] == entry.name) return entry.read(bytes);
  return automl::DamagedModel();
}

Result<wire::MlDone> TrainModel(const MlJob& job) {
  if (!job.rows) return MakeError(ErrorCode::kInvalidArgument, "no rows to train on");
  const std::string task = job.options.value("task", "");
  for (const MlTaskEntry& entry : kTasks)
    if (task == entry.name) return entry.train(job);
  return MakeError(ErrorCode::kNotSupported, "The task " + task + " is not supported yet.");
}

std::string DumpMetadata(const nlohmann::json& metadata) {
  return metadata.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace sirocco::node
