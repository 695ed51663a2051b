#include "plugin/routines/model_metadata.h"

#include "plugin/routines/catalog.h"
#include "plugin/routines/ml_error.h"

namespace sirocco::plugin {

using Json = nlohmann::json;

Json EmptyMetadata() {
  Json metadata = Json::object();
  for (const char* key : {"task",
                          "build_timestamp",
                          "target_column_name",
                          "train_table_name",
                          "column_names",
                          "model_explanation",
                          "notes",
                          "format",
                          "status",
                          "model_quality",
                          "training_time",
                          "algorithm_name",
                          "training_score",
                          "n_rows",
                          "n_columns",
                          "n_selected_rows",
                          "n_selected_columns",
                          "optimization_metric",
                          "selected_column_names",
                          "contamination",
                          "options",
                          "training_params",
                          "onnx_inputs_info",
                          "onnx_outputs_info",
                          "training_drift_metric",
                          "chunks"})
    metadata[key] = nullptr;
  return metadata;
}

std::string DumpMetadata(const Json& metadata) {
  return metadata.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Json> ParseMetadata(const std::string& text) {
  Json metadata = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!metadata.is_object())
    return MlError(MlErrorNumber::kModelFormat, "The model metadata is not a JSON object.");
  return metadata;
}

Result<MlTask> TaskOf(const Json& metadata) { return ParseTask(TextMember(metadata, "task")); }

std::string TextMember(const Json& metadata, const char* key) {
  const auto found = metadata.find(key);
  return found != metadata.end() && found->is_string() ? found->get<std::string>() : std::string();
}

uint64_t NumChunks(uint64_t object_bytes) {
  const uint64_t text_bytes = (object_bytes + 2) / 3 * 4;
  return (text_bytes + kChunkBytes - 1) / kChunkBytes;
}

}  // namespace sirocco::plugin
