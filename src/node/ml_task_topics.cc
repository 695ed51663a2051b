// Topic modelling.
#include "automl/topics.h"
#include "node/ml_task.h"
#include "wire/column_batch.h"

namespace sirocco::node {

namespace {

using automl::TopicModel;
using Json = nlohmann::json;

Result<const automl::Column*> DocumentColumn(const automl::Table& rows, const std::string& column) {
  const automl::Column* values = rows.Find(column);
  if (values == nullptr || !values->is_text())
    return MakeError(
        ErrorCode::kInvalidArgument,
        "ML003015: The document column is missing or of no text type: " + column + ".");
  return values;
}

class ReadTopicModel : public ReadModel {
 public:
  explicit ReadTopicModel(std::unique_ptr<TopicModel> model) : model_(std::move(model)) {}

  Result<std::string> Output(const MlJob& job) override {
    ASSIGN_OR_RETURN(const automl::Column* documents, DocumentColumn(*job.rows, model_->column()));
    wire::ColumnBatchBuilder batch(std::vector<plan::Lane>{plan::Lane::kStr});
    for (const std::string& document : documents->str)
      batch.columns()[0].PushString(model_->ResultText(document));
    batch.num_rows = static_cast<uint32_t>(job.rows->num_rows());
    return batch.Encode();
  }

  Result<std::string> Row(const wire::MlCall& call, const Json&) override {
    const Json object = Json::parse(call.text, nullptr, /*allow_exceptions=*/false);
    const std::string& column = model_->column();
    if (!object.is_object() || !object.contains(column) ||
        !(object[column].is_string() || object[column].is_null()))
      return MakeError(ErrorCode::kInvalidArgument,
                       "Columns of provided data need to match those used for training. The row "
                       "has no text named " +
                           column + ".");
    return "\"ml_results\": " + model_->ResultText(object[column].is_string()
                                                       ? object[column].get<std::string>()
                                                       : std::string());
  }

 private:
  std::unique_ptr<TopicModel> model_;
};

}  // namespace

Result<std::unique_ptr<ReadModel>> ReadTopics(std::string_view bytes) {
  ASSIGN_OR_RETURN(std::unique_ptr<TopicModel> model, TopicModel::FromBytes(bytes));
  return std::make_unique<ReadTopicModel>(std::move(model));
}

Result<wire::MlDone> TrainTopics(const MlJob& job) {
  job.on_progress("Algorithm selection", 0.05);
  const std::string column = job.options.value("document_column", "");
  ASSIGN_OR_RETURN(const automl::Column* documents, DocumentColumn(*job.rows, column));
  ASSIGN_OR_RETURN(
      const std::unique_ptr<TopicModel> model,
      TopicModel::Train(documents->str, column, job.options.value("num_topics", size_t{0}),
                        job.options.value("seed", 7u)));
  wire::MlDone done;
  done.bytes = model->ToBytes();
  const Json metadata = {{"algorithm_name", "NMF"},
                         {"model_quality", "high"},
                         {"n_rows", job.rows->num_rows()},
                         {"n_columns", 1},
                         {"n_selected_rows", job.rows->num_rows()},
                         {"n_selected_columns", 1},
                         {"selected_column_names", Json::array({column})},
                         {"training_params", {{"num_topics", model->num_topics()}}}};
  done.text = DumpMetadata(metadata);
  return done;
}

}  // namespace sirocco::node
