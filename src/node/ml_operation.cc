#include "node/ml_operation.h"

#include <nlohmann/json.hpp>

#include "automl/json_text.h"
#include "node/ml_input.h"
#include "node/ml_task.h"

namespace sirocco::node {

using Json = nlohmann::json;
using wire::MlOperation;

LoadedModels::LoadedModels() = default;
LoadedModels::~LoadedModels() = default;

Result<void> LoadedModels::Put(const wire::MlModelKey& key, std::string_view bytes,
                               const std::string&) {
  ASSIGN_OR_RETURN(models_[key], ReadModelBytes(bytes));
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

class TableOperation : public MlTableOperation {
 public:
  TableOperation(wire::MlStart start, ReadModel* model, Json options, uint32_t num_threads)
      : model_(model) {
    job_.num_threads = start.num_threads != 0 ? start.num_threads : num_threads;
    job_.start = std::move(start);
    job_.options = std::move(options);
    job_.on_progress = [](const char*, double) {};
  }

  Result<void> BeginTable(const wire::MlTable& table) override {
    switch (table.role) {
      case wire::MlTableRole::kMain:
        filling_ = &job_.rows;
        break;
      case wire::MlTableRole::kItems:
        filling_ = &job_.items;
        break;
      case wire::MlTableRole::kUsers:
        filling_ = &job_.users;
        break;
    }
    filling_->emplace(MakeTable(table.columns));
    return {};
  }

  Result<std::optional<std::string>> AddRows(const wire::ColumnBatchView& batch) override {
    if (filling_ == nullptr) return MakeError(ErrorCode::kInvalidArgument, "rows of no table");
    RETURN_IF_ERROR(AppendBatch(batch, &**filling_));
    if (filling_ != &job_.rows || !is_streaming()) return std::nullopt;
    Result<std::string> output = model_->Output(job_);
    job_.is_first_batch = false;
    job_.rows->Clear();
    if (!output) return std::unexpected(output.error());
    return std::move(*output);
  }

  Result<wire::MlDone> Run(const OnProgress& on_progress, const OnOutput& on_output) override {
    job_.on_progress = [&](const char* stage, double fraction) { on_progress({stage, fraction}); };
    switch (job_.start.operation) {
      case MlOperation::kTrain:
        return TrainModel(job_);
      case MlOperation::kExplain:
        if (!job_.rows || job_.rows->num_rows() == 0)
          return MakeError(ErrorCode::kInvalidArgument, "no rows to explain");
        return model_->Explain(job_);
      case MlOperation::kScore: {
        if (!job_.rows) return MakeError(ErrorCode::kInvalidArgument, "no rows to score");
        ASSIGN_OR_RETURN(const std::optional<double> score, model_->Score(job_));
        wire::MlDone done;
        done.text = score ? automl::NumberJson(*score) : "null";
        return done;
      }
      default:
        if (!is_streaming() && job_.rows && job_.rows->num_rows() > 0) {
          ASSIGN_OR_RETURN(const std::string output, model_->Output(job_));
          RETURN_IF_ERROR(on_output(output));
        }
        return wire::MlDone{};
    }
  }

 private:
  bool is_streaming() const {
    return (job_.start.operation == MlOperation::kPredictTable || job_.explains()) &&
           !model_->NeedsAllRows(job_);
  }

  ReadModel* const model_;  // nullptr while training
  MlJob job_;
  std::optional<automl::Table>* filling_ = nullptr;
};

// What no task serves yet is refused here, by name.
Result<void> CheckServed(const MlOperation operation, const Json& options) {
  const auto refuse = [](const std::string& key) {
    return MakeError(ErrorCode::kNotSupported, "Option " + key + " is not supported yet.");
  };
  if (operation == MlOperation::kTrain) {
    for (const char* key : {"model_list", "exclude_model_list", "optimization_metric"})
      if (options.contains(key) && options.value("task", "") == "recommendation")
        return refuse(key);
    for (const char* key : {"item_metadata", "user_metadata"})
      if (options.contains(key)) return refuse(key);
  } else if (options.contains("additional_details") && options["additional_details"] == true) {
    return refuse("additional_details");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<MlTableOperation>> MlTableOperation::Make(wire::MlStart start,
                                                                 LoadedModels* models,
                                                                 uint32_t num_threads) {
  Json options = Json::parse(start.options, nullptr, /*allow_exceptions=*/false);
  if (!options.is_object())
    return MakeError(ErrorCode::kInvalidArgument, "the options are no JSON object");
  RETURN_IF_ERROR(CheckServed(start.operation, options));
  ReadModel* model = nullptr;
  if (start.operation != MlOperation::kTrain) {
    ASSIGN_OR_RETURN(model, models->Find(start.model));
  }
  return std::make_unique<TableOperation>(std::move(start), model, std::move(options), num_threads);
}

Result<std::string> RunRowCall(const wire::MlCall& call, ReadModel* model) {
  const Json options =
      call.options.empty() ? Json::object() : Json::parse(call.options, nullptr, false);
  if (!options.is_object())
    return MakeError(ErrorCode::kInvalidArgument, "the options are no JSON object");
  RETURN_IF_ERROR(CheckServed(call.operation, options));
  return model->Row(call, options);
}

Result<std::string> CheckModel(const wire::MlCall& call) {
  RETURN_IF_ERROR(ReadModelBytes(call.bytes));
  return call.text;
}

}  // namespace sirocco::node
