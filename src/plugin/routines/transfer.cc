// ML_MODEL_EXPORT and ML_MODEL_IMPORT: a model of the catalog to and from a table of rows chunk_id,
// model_object, model_metadata.
#include <chrono>
#include <nlohmann/json.hpp>

#include "mysqld_error.h"
#include "plugin/routines/base64.h"
#include "plugin/routines/catalog.h"
#include "plugin/routines/ml_error.h"
#include "plugin/routines/model_metadata.h"
#include "plugin/routines/node_job.h"
#include "plugin/routines/operations.h"

namespace sirocco::plugin {
namespace {

using Json = nlohmann::json;

// What an import starts from.
struct ModelObject {
  std::string text;
  Json metadata;
};

Result<ModelObject> ReadTable(InvokerSession* session, const Json& location) {
  for (const char* key : {"schema", "table"})
    if (!location.contains(key) || !location[key].is_string())
      return MlError(MlErrorNumber::kArgument,
                     "model_metadata must name schema and table of the exported model when "
                     "model_object is NULL.");
  const QualifiedName table{location["schema"], location["table"]};
  ASSIGN_OR_RETURN(
      const std::vector<TextRow> first,
      session->Query("SELECT model_metadata FROM " + table.Quoted() + " WHERE chunk_id = 1"));
  if (first.size() != 1)
    return MlError(MlErrorNumber::kModelFormat, "Table " + table.Text() +
                                                    " must have exactly one row with chunk_id = 1; "
                                                    "it has " +
                                                    std::to_string(first.size()) + ".");
  ModelObject object;
  ASSIGN_OR_RETURN(object.metadata, ParseMetadata(first[0][0].value_or("")));
  uint64_t num_chunks = 0;
  ASSIGN_OR_RETURN(object.text, ReadChunks(session, table, "chunk_id >= 1", &num_chunks));
  const auto chunks = object.metadata.find("chunks");
  if (chunks == object.metadata.end() || chunks->is_null())
    object.metadata["chunks"] = num_chunks;
  else if (*chunks != num_chunks)
    return MlError(MlErrorNumber::kModelFormat,
                   "The model has " + chunks->dump() + " chunks by its metadata, but table " +
                       table.Text() + " has " + std::to_string(num_chunks) + ".");
  return object;
}

Result<void> CheckFormat(const Json& metadata) {
  const std::string format = TextMember(metadata, "format");
  if (format == kModelFormat) return {};
  if (format.starts_with("HWML"))
    return MlError(MlErrorNumber::kModelFormat,
                   "The model is in HeatWave's own format " + format +
                       ", which is not published; train it here or export it as ONNX.");
  if (format.empty() || format.starts_with("ONNX"))
    return MlError(MlErrorNumber::kModelFormat, "ONNX models cannot be imported yet.");
  return MlError(MlErrorNumber::kModelFormat, "The model has the unknown format " + format + ".");
}

Result<std::string> NewHandle(Catalog* catalog, const Json& metadata, const Caller& caller) {
  std::string base = TextMember(metadata, "train_table_name");
  if (base.empty()) base = "imported";
  int64_t number = std::chrono::duration_cast<std::chrono::seconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  for (;; ++number) {
    const std::string handle = base + "_" + caller.user() + "_" + std::to_string(number);
    ASSIGN_OR_RETURN(const std::optional<CatalogEntry> taken, catalog->Find(handle));
    if (!taken) return handle;
  }
}

}  // namespace

Answered ExportModel(Caller& caller, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const std::string handle, HandleOf(arguments[0]));
  ASSIGN_OR_RETURN(const QualifiedName output, ParseTableName(arguments[1], "output_table_name"));
  ASSIGN_OR_RETURN(InvokerSession session, caller.OpenSession());
  Catalog catalog(&caller, &session);
  ASSIGN_OR_RETURN(const std::optional<CatalogEntry> entry, catalog.Find(handle));
  if (!entry)
    return MlError(MlErrorNumber::kNotInCatalog,
                   "The model handle " + handle + " does not exist in the model catalog.");
  const std::string condition = ".model_handle = " + QuoteText(handle);
  // One statement, so that there is the whole table or none. A model without object (its training
  // failed) gives one row of number 0.
  Result<void> made = session.Execute(
      "CREATE TABLE " + output.Quoted() +
      " (chunk_id INT NOT NULL AUTO_INCREMENT, model_object LONGTEXT DEFAULT NULL, "
      "model_metadata JSON, PRIMARY KEY (chunk_id)) CHARSET=utf8mb4 "
      "SELECT COALESCE(o.chunk_id, 0) AS chunk_id, o.model_object AS model_object, "
      "IF(COALESCE(o.chunk_id, 1) = 1, m.model_metadata, NULL) AS model_metadata FROM " +
      catalog.models().Quoted() + " m LEFT JOIN " + catalog.objects().Quoted() +
      " o ON o.model_handle = m.model_handle WHERE m" + condition);
  if (!made && made.error().mysql_errno == ER_TABLE_EXISTS_ERROR)
    return MlError(MlErrorNumber::kOutputTable,
                   "The output table " + output.Text() + " already exists.");
  RETURN_IF_ERROR(made);
  return std::nullopt;
}

Answered ImportModel(Caller& caller, const Arguments& arguments) {
  if (!arguments[1]) return MlError(MlErrorNumber::kArgument, "model_metadata must not be NULL.");
  ASSIGN_OR_RETURN(const Json given, ParseMetadata(std::string(*arguments[1])));
  ASSIGN_OR_RETURN(InvokerSession session, caller.OpenSession());
  ModelObject object;
  if (arguments[0]) {
    object.text = *arguments[0];
    object.metadata = given;
  } else {
    ASSIGN_OR_RETURN(object, ReadTable(&session, given));
  }
  RETURN_IF_ERROR(CheckFormat(object.metadata));
  const Result<std::string> bytes = DecodeBase64(object.text);
  if (!bytes || bytes->empty())
    return MlError(MlErrorNumber::kModelFormat, "The model object is empty or not Base64.");

  Catalog catalog(&caller, &session);
  RETURN_IF_ERROR(catalog.Create());
  std::string handle(arguments[2].value_or(""));
  if (handle.empty()) {
    ASSIGN_OR_RETURN(handle, NewHandle(&catalog, object.metadata, caller));
  }
  RETURN_IF_ERROR(catalog.CheckFree(handle));
  const HandleInUse in_use(caller.user(), handle);
  // A worker reads the model, so that a damaged one never gets into the catalog.
  const wire::MlCall check{wire::MlOperation::kCheckModel,
                           {caller.user(), handle},
                           DumpMetadata(object.metadata),
                           "",
                           *bytes};
  RETURN_IF_ERROR(CallNode(&caller, check, MlErrorNumber::kModelFormat));
  object.metadata["status"] = "Ready";
  object.metadata["chunks"] = NumChunks(bytes->size());
  const std::string metadata = DumpMetadata(object.metadata);
  RETURN_IF_ERROR(catalog.Begin(handle, metadata));
  caller.IgnoreKill();
  if (Result<void> finished = catalog.Finish(handle, metadata, *bytes); !finished) {
    (void)catalog.Fail(handle, finished.error().message);
    return std::unexpected(finished.error());
  }
  return handle;
}

}  // namespace sirocco::plugin
