// ML_EXPLAIN and ML_SCORE.
#include <cctype>
#include <nlohmann/json.hpp>

#include "plugin/routines/catalog.h"
#include "plugin/routines/input_tables.h"
#include "plugin/routines/loaded_model.h"
#include "plugin/routines/ml_error.h"
#include "plugin/routines/model_metadata.h"
#include "plugin/routines/operations.h"

namespace sirocco::plugin {
namespace {

using Json = nlohmann::json;
using wire::MlOperation;

constexpr const char* kModelExplainers[] = {"permutation_importance", "partial_dependence", "shap",
                                            "fast_shap"};
constexpr const char* kPredictionExplainers[] = {"permutation_importance", "shap"};

template <size_t kCount>
Result<void> CheckAmong(const Json& options, const char* key,
                        const char* const (&allowed)[kCount]) {
  if (!options.contains(key)) return {};
  std::string list;
  for (const char* name : allowed) {
    if (options[key] == name) return {};
    list += (list.empty() ? "" : ", ") + std::string(name);
  }
  return MlError(MlErrorNumber::kOption,
                 "Option " + std::string(key) + " must be one of " + list + ".");
}

Result<void> CheckExplainOptions(const Json& options, const SourceTable& table) {
  RETURN_IF_ERROR(CheckAmong(options, "model_explainer", kModelExplainers));
  RETURN_IF_ERROR(CheckAmong(options, "prediction_explainer", kPredictionExplainers));
  const bool is_dependence =
      options.contains("model_explainer") && options["model_explainer"] == "partial_dependence";
  for (const char* key : {"columns_to_explain", "target_value"})
    if (options.contains(key) && !is_dependence)
      return MlError(MlErrorNumber::kOption, "Option " + std::string(key) +
                                                 " needs the model_explainer partial_dependence.");
  if (is_dependence && !options.contains("columns_to_explain"))
    return MlError(MlErrorNumber::kOption,
                   "Option columns_to_explain is required for the model_explainer "
                   "partial_dependence.");
  if (!options.contains("columns_to_explain")) return {};
  if (options["columns_to_explain"].size() > 2)
    return MlError(MlErrorNumber::kOption, "Option columns_to_explain must name 1 or 2 columns.");
  for (const Json& column : options["columns_to_explain"])
    if (table.Find(column.get<std::string>()) == nullptr)
      return MlError(MlErrorNumber::kOption,
                     "Option columns_to_explain names column " + column.get<std::string>() +
                         ", which is not in table " + table.name.Text() + ".");
  return {};
}

// The target argument must be the model's own.
Result<void> CheckTarget(const ModelInUse& model, const Argument& argument) {
  const std::string target = TextMember(model.metadata, "target_column_name");
  const std::string given(argument.value_or(""));
  if (SameColumnName(given, target)) return {};
  const bool may_be_left_out =
      model.task != MlTask::kClassification && model.task != MlTask::kRegression;
  if (given.empty() && may_be_left_out) return {};
  if (target.empty()) return {};
  return MlError(MlErrorNumber::kArgument,
                 "target_column_name must be " + target + ", as in training.");
}

}  // namespace

Answered Explain(Caller& caller, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const QualifiedName name, ParseTableName(arguments[0], "table_name"));
  ASSIGN_OR_RETURN(ModelInUse model, FindLoadedModel(&caller, arguments[2]));
  ASSIGN_OR_RETURN(Json options, ParseOptions(MlRoutine::kExplain, arguments[3]));
  ASSIGN_OR_RETURN(options, CheckOptions(MlRoutine::kExplain, model.task, std::move(options)));
  RETURN_IF_ERROR(CheckTarget(model, arguments[1]));
  ASSIGN_OR_RETURN(InvokerSession session, caller.OpenSession());
  ASSIGN_OR_RETURN(const SourceTable table, DescribeTable(&session, name));
  RETURN_IF_ERROR(CheckExplainOptions(options, table));
  ASSIGN_OR_RETURN(const TableInput input, InputForModel(model.metadata, table, true));

  Catalog catalog(&caller, &session);
  ASSIGN_OR_RETURN(const CatalogEntry entry, catalog.FindReady(model.key.handle));
  ASSIGN_OR_RETURN(NodeJob job,
                   NodeJob::Start(&caller, StartWith(model, MlOperation::kExplain, options)));
  RETURN_IF_ERROR(SendTable(&session, &job, input, wire::MlTableRole::kMain));
  ASSIGN_OR_RETURN(const wire::MlDone done, job.Run());
  const Json explained = Json::parse(done.text, nullptr, /*allow_exceptions=*/false);
  if (!explained.is_object())
    return MakeError(ErrorCode::kInternal, "the machine-learning process sent no explanation");

  // A second explainer's result stands beside the first one's.
  ASSIGN_OR_RETURN(Json metadata, ParseMetadata(entry.metadata));
  Json& all = metadata["model_explanation"];
  if (!all.is_object()) all = Json::object();
  all.update(explained);
  const std::string text = DumpMetadata(metadata);
  caller.IgnoreKill();
  if (done.bytes.empty()) {
    RETURN_IF_ERROR(catalog.SetMetadata(model.key.handle, text));
    return std::nullopt;
  }
  // The explainer of predictions is part of the model from now on, and of the loaded one.
  metadata["chunks"] = NumChunks(done.bytes.size());
  RETURN_IF_ERROR(catalog.Finish(model.key.handle, DumpMetadata(metadata), done.bytes));
  const wire::MlCall load{MlOperation::kLoadModel, model.key, DumpMetadata(metadata), "",
                          done.bytes};
  RETURN_IF_ERROR(CallNode(&caller, load));
  return std::nullopt;
}

Answered Score(Caller& caller, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const QualifiedName name, ParseTableName(arguments[0], "table_name"));
  ASSIGN_OR_RETURN(ModelInUse model, FindLoadedModel(&caller, arguments[2]));
  ASSIGN_OR_RETURN(Json options, ParseOptions(MlRoutine::kScore, arguments[4]));
  ASSIGN_OR_RETURN(options, CheckOptions(MlRoutine::kScore, model.task, std::move(options)));
  if (!arguments[3] || arguments[3]->empty())
    return MlError(MlErrorNumber::kMetric, "metric must not be NULL or empty.");
  RETURN_IF_ERROR(CheckTarget(model, arguments[1]));
  ASSIGN_OR_RETURN(InvokerSession session, caller.OpenSession());
  ASSIGN_OR_RETURN(const SourceTable table, DescribeTable(&session, name));
  ASSIGN_OR_RETURN(TableInput input, InputForModel(model.metadata, table, true));
  wire::MlStart start = StartWith(model, MlOperation::kScore, options);
  if (arguments[1] && !arguments[1]->empty()) {
    const SourceColumn* target = table.Find(*arguments[1]);
    if (target == nullptr)
      return MlError(MlErrorNumber::kArgument, "The target column " + std::string(*arguments[1]) +
                                                   " is not in table " + name.Text() + ".");
    // An unsupervised model is scored against labels it was not trained with.
    if (std::find(input.columns.begin(), input.columns.end(), target) == input.columns.end())
      input.columns.push_back(target);
    start.target = target->ml.name;
  }
  for (const char c : *arguments[3])
    start.metric.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  ASSIGN_OR_RETURN(NodeJob job, NodeJob::Start(&caller, start));
  RETURN_IF_ERROR(SendMetadataTables(&session, &job, options));
  RETURN_IF_ERROR(SendTable(&session, &job, input, wire::MlTableRole::kMain));
  ASSIGN_OR_RETURN(const wire::MlDone done, job.Run());
  const Json score = Json::parse(done.text, nullptr, /*allow_exceptions=*/false);
  // Not computable.
  if (!score.is_number()) return std::nullopt;
  return score.dump();
}

}  // namespace sirocco::plugin
