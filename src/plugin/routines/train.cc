// ML_TRAIN.
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "plugin/node/internal_session.h"
#include "plugin/routines/catalog.h"
#include "plugin/routines/input_tables.h"
#include "plugin/routines/ml_error.h"
#include "plugin/routines/ml_options.h"
#include "plugin/routines/model_metadata.h"
#include "plugin/routines/operations.h"
#include "plugin/variables.h"

namespace sirocco::plugin {
namespace {

using Json = nlohmann::json;

struct Training {
  MlTask task = MlTask::kClassification;
  Json options;
  SourceTable table;
  std::string target;  // the column's own spelling; empty: none
};

std::unexpected<Error> MissingOption(const char* key, MlTask task) {
  return MlError(MlErrorNumber::kOption, "Option " + std::string(key) + " is required for the " +
                                             TaskName(task) + " task.");
}

Result<void> CheckRequired(const Training& training) {
  switch (training.task) {
    case MlTask::kForecasting:
      for (const char* key : {"datetime_index", "endogenous_variables"})
        if (!training.options.contains(key)) return MissingOption(key, training.task);
      break;
    case MlTask::kRecommendation:
      for (const char* key : {"users", "items"})
        if (!training.options.contains(key)) return MissingOption(key, training.task);
      break;
    case MlTask::kTopicModeling:
      if (!training.options.contains("document_column"))
        return MissingOption("document_column", training.task);
      break;
    default:
      break;
  }
  return {};
}

bool Names(const Json& options, const char* key, const std::string& column) {
  const auto found = options.find(key);
  if (found == options.end()) return false;
  if (found->is_string()) return SameColumnName(found->get<std::string>(), column);
  return std::any_of(found->begin(), found->end(), [&](const Json& name) {
    return SameColumnName(name.get<std::string>(), column);
  });
}

Result<void> CheckTarget(Training* training, const Argument& argument) {
  const MlTask task = training->task;
  const std::string name(argument.value_or(""));
  if (name.empty()) {
    if (task == MlTask::kClassification || task == MlTask::kRegression ||
        task == MlTask::kRecommendation)
      return MlError(MlErrorNumber::kArgument, "target_column_name must not be NULL for the " +
                                                   std::string(TaskName(task)) + " task.");
    return {};
  }
  if (task == MlTask::kTopicModeling)
    return MlError(MlErrorNumber::kTargetNotNull,
                   "target_column_name should be NULL or empty for the topic_modeling task.");
  const SourceColumn* column = training->table.Find(name);
  if (column == nullptr)
    return MlError(MlErrorNumber::kArgument, "The target column " + name + " is not in table " +
                                                 training->table.name.Text() + ".");
  RETURN_IF_ERROR(CheckSupported(*column));
  if (column->ml.kind == wire::MlColumnKind::kText)
    return MlError(MlErrorNumber::kColumnTypes,
                   "The target column " + name + " must not be of a TEXT type.");
  if (task == MlTask::kForecasting &&
      !Names(training->options, "endogenous_variables", column->ml.name))
    return MlError(MlErrorNumber::kArgument,
                   "target_column_name must be NULL or one of the endogenous variables: " + name);
  training->target = column->ml.name;
  return {};
}

// The columns to train on and, where it matters, their order.
Result<TableInput> Input(const Training& training) {
  const Json& options = training.options;
  TableInput input{&training.table, {}, {}};
  for (const SourceColumn& column : training.table.columns) {
    const std::string& name = column.ml.name;
    const bool is_target = name == training.target;
    bool is_named = is_target;
    for (const char* key : {"datetime_index", "endogenous_variables", "exogenous_variables",
                            "users", "items", "document_column", "include_column_list"})
      is_named = is_named || Names(options, key, name);
    if (Names(options, "exclude_column_list", name)) {
      if (is_named)
        return MlError(MlErrorNumber::kOption, "Option exclude_column_list names column " + name +
                                                   ", which is needed for training.");
      continue;
    }
    if (!is_named) {
      // Pseudo keys and the like are no features.
      if (column.is_invisible) continue;
      if (training.task == MlTask::kForecasting || training.task == MlTask::kTopicModeling)
        continue;
    }
    RETURN_IF_ERROR(CheckSupported(column));
    input.columns.push_back(&column);
  }
  if (training.task == MlTask::kForecasting)
    input.order_by = QuoteName(options["datetime_index"].get<std::string>());
  if (training.task == MlTask::kLogAnomalyDetection) {
    if (training.table.primary_key.empty())
      return MlError(MlErrorNumber::kArgument,
                     "Table " + training.table.name.Text() +
                         " needs a primary key for the log_anomaly_detection task.");
    for (const std::string& column : training.table.primary_key)
      input.order_by += (input.order_by.empty() ? "" : ", ") + QuoteName(column);
  }
  return input;
}

int64_t Now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Result<std::string> NewHandle(Catalog* catalog, const Training& training, const Caller& caller) {
  for (int64_t number = Now();; ++number) {
    const std::string handle =
        training.table.name.Text() + "_" + caller.user() + "_" + std::to_string(number);
    ASSIGN_OR_RETURN(const std::optional<CatalogEntry> taken, catalog->Find(handle));
    if (!taken) return handle;
  }
}

// What is known before training.
Json FirstMetadata(const Training& training) {
  Json metadata = EmptyMetadata();
  metadata["task"] = TaskName(training.task);
  metadata["train_table_name"] = training.table.name.Text();
  metadata["target_column_name"] = training.target.empty() ? Json() : Json(training.target);
  metadata["options"] = training.options;
  metadata["status"] = "Creating";
  metadata["notes"] = training.options.contains("notes") ? training.options["notes"] : Json();
  return metadata;
}

Result<wire::MlDone> RunTraining(Caller* caller, InvokerSession* session, const Training& training,
                                 const TableInput& input, const wire::MlModelKey& key) {
  wire::MlStart start;
  start.operation = wire::MlOperation::kTrain;
  start.model = key;
  start.target = training.target;
  start.options = training.options.dump();
  start.memory_limit_bytes = MlMemoryLimit();
  start.exclusive = MlIsExclusive();
  // Where queries go on, training leaves cores to them.
  start.num_threads = start.exclusive ? 0 : MlSharedThreads();
  ASSIGN_OR_RETURN(NodeJob job, NodeJob::Start(caller, start));
  RETURN_IF_ERROR(SendMetadataTables(session, &job, training.options));
  ASSIGN_OR_RETURN(const uint64_t num_rows,
                   SendTable(session, &job, input, wire::MlTableRole::kMain));
  if (num_rows == 0)
    return MlError(MlErrorNumber::kNoTable, "Table " + training.table.name.Text() + " is empty.");
  return job.Run();
}

}  // namespace

Answered Train(Caller& caller, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const QualifiedName name, ParseTableName(arguments[0], "table_name"));
  Training training;
  ASSIGN_OR_RETURN(Json options, ParseOptions(MlRoutine::kTrain, arguments[2]));
  if (const auto task = options.find("task"); task != options.end() && !task->is_null()) {
    ASSIGN_OR_RETURN(training.task,
                     ParseTask(task->is_string() ? task->get<std::string>() : task->dump()));
  }
  options["task"] = TaskName(training.task);
  ASSIGN_OR_RETURN(training.options,
                   CheckOptions(MlRoutine::kTrain, training.task, std::move(options)));
  RETURN_IF_ERROR(CheckRequired(training));

  ASSIGN_OR_RETURN(InvokerSession session, caller.OpenSession());
  ASSIGN_OR_RETURN(training.table, DescribeTable(&session, name));
  RETURN_IF_ERROR(CheckColumns(training.options, training.table));
  RETURN_IF_ERROR(CheckTarget(&training, arguments[1]));
  ASSIGN_OR_RETURN(const TableInput input, Input(training));

  Catalog catalog(&caller, &session);
  RETURN_IF_ERROR(catalog.Create());
  std::string handle(arguments[3].value_or(""));
  if (handle.empty()) {
    ASSIGN_OR_RETURN(handle, NewHandle(&catalog, training, caller));
  }
  RETURN_IF_ERROR(catalog.CheckFree(handle));
  const HandleInUse in_use(caller.user(), handle);
  Json metadata = FirstMetadata(training);
  RETURN_IF_ERROR(catalog.Begin(handle, metadata.dump()));

  const auto begin = std::chrono::steady_clock::now();
  const auto run = [&]() -> Result<void> {
    ASSIGN_OR_RETURN(const wire::MlDone done,
                     RunTraining(&caller, &session, training, input, {caller.user(), handle}));
    const Json result = Json::parse(done.text, nullptr, /*allow_exceptions=*/false);
    if (!result.is_object())
      return MakeError(ErrorCode::kInternal, "the machine-learning process sent no metadata");
    metadata.update(result);
    Json names = Json::array();
    for (const SourceColumn* column : input.columns)
      if (column->ml.name != training.target) names.push_back(column->ml.name);
    metadata["column_names"] = std::move(names);
    metadata["status"] = "Ready";
    metadata["format"] = kModelFormat;
    metadata["build_timestamp"] = Now();
    metadata["training_time"] =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    metadata["chunks"] = NumChunks(done.bytes.size());
    // Half a model would be worse than one that came a moment after the KILL.
    caller.IgnoreKill();
    return catalog.Finish(handle, DumpMetadata(metadata), done.bytes);
  };
  if (Result<void> trained = run(); !trained) {
    caller.IgnoreKill();
    const std::string reason = trained.error().code == ErrorCode::kCancelled
                                   ? "The training was cancelled."
                                   : trained.error().message;
    if (Result<InvokerSession> cleaner = caller.OpenSession(); cleaner)
      (void)Catalog(&caller, &*cleaner).Fail(handle, reason);
    return std::unexpected(trained.error());
  }
  return handle;
}

}  // namespace sirocco::plugin
