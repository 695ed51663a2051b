// What each machine-learning task does with tables and rows: training, and a model read from its
// bytes. One implementation per task, ml_task_*.cc. Threads: one.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "automl/table.h"
#include "common/error.h"
#include "wire/ml_messages.h"

namespace sirocco::node {

// One operation over tables, as a task sees it.
struct MlJob {
  wire::MlStart start;
  nlohmann::json options;  // an object, checked by the plugin
  uint32_t num_threads = 1;
  std::optional<automl::Table> rows;          // while streaming: one batch
  std::optional<automl::Table> items, users;  // tables of metadata
  bool is_first_batch = true;
  std::function<void(const char* stage, double fraction)> on_progress;

  bool explains() const { return start.operation == wire::MlOperation::kExplainTable; }
};

// A model read from its bytes, ready to predict. What a task does not serve is kNotSupported.
class ReadModel {
 public:
  virtual ~ReadModel() = default;
  // Whether results of a table are known only after its last row.
  virtual bool NeedsAllRows(const MlJob&) const { return false; }
  // An encoded batch with the results of job.rows.
  virtual Result<std::string> Output(const MlJob& job) = 0;
  virtual Result<wire::MlDone> Explain(const MlJob& job);
  // nullopt: not computable.
  virtual Result<std::optional<double>> Score(const MlJob& job);
  // The members to add to the row, as JSON text without braces.
  virtual Result<std::string> Row(const wire::MlCall& call, const nlohmann::json& options);
};

Result<std::unique_ptr<ReadModel>> ReadModelBytes(std::string_view bytes);
// The table of the job is there and has columns; done: metadata and the model's bytes.
Result<wire::MlDone> TrainModel(const MlJob& job);

// The tasks.
using ModelReader = Result<std::unique_ptr<ReadModel>> (*)(std::string_view bytes);
using Trainer = Result<wire::MlDone> (*)(const MlJob& job);
struct MlTaskEntry {
  const char* name;
  ModelReader read;
  Trainer train;
};
Result<std::unique_ptr<ReadModel>> ReadSupervised(std::string_view bytes);
Result<wire::MlDone> TrainSupervised(const MlJob& job);
Result<std::unique_ptr<ReadModel>> ReadAnomaly(std::string_view bytes);
Result<wire::MlDone> TrainAnomaly(const MlJob& job);
Result<std::unique_ptr<ReadModel>> ReadForecast(std::string_view bytes);
Result<wire::MlDone> TrainForecast(const MlJob& job);
Result<std::unique_ptr<ReadModel>> ReadRecommendation(std::string_view bytes);
Result<wire::MlDone> TrainRecommendation(const MlJob& job);
Result<std::unique_ptr<ReadModel>> ReadTopics(std::string_view bytes);
Result<wire::MlDone> TrainTopics(const MlJob& job);

// Text of metadata that training answers.
std::string DumpMetadata(const nlohmann::json& metadata);

}  // namespace sirocco::node
