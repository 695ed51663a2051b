#include "plugin/routines/input_tables.h"

#include "plugin/node/internal_session.h"
#include "plugin/routines/ml_error.h"
#include "plugin/routines/model_metadata.h"
#include "plugin/routines/table_reader.h"

namespace sirocco::plugin {

wire::MlTable TableInput::Message(wire::MlTableRole role) const {
  return {role, table->name.Text(), MlColumns(), table->num_rows};
}

std::vector<wire::MlColumn> TableInput::MlColumns() const {
  std::vector<wire::MlColumn> list;
  for (const SourceColumn* column : columns) list.push_back(column->ml);
  return list;
}

std::string TableInput::Statement() const {
  std::string list;
  for (const SourceColumn* column : columns) list += (list.empty() ? "" : ", ") + column->select;
  std::string statement = "SELECT " + list + " FROM " + table->name.Quoted();
  if (!order_by.empty()) statement += " ORDER BY " + order_by;
  return statement;
}

Result<void> CheckSupported(const SourceColumn& column) {
  if (column.is_supported) return {};
  return MlError(MlErrorNumber::kColumnTypes,
                 "Column " + column.ml.name + " has type " + column.ml.type +
                     ", which machine learning does not support; cast it or exclude it.");
}

namespace {

// Whether prediction can do without a column of the training table.
bool IsOptional(const nlohmann::json& metadata, MlTask task, const std::string& column) {
  const auto options = metadata.find("options");
  const auto is_among = [&](const char* key) {
    if (options == metadata.end() || !options->is_object() || !options->contains(key)) return false;
    const nlohmann::json& value = (*options)[key];
    if (value.is_string()) return SameColumnName(value.get<std::string>(), column);
    if (!value.is_array()) return false;
    for (const nlohmann::json& name : value)
      if (name.is_string() && SameColumnName(name.get<std::string>(), column)) return true;
    return false;
  };
  switch (task) {
    case MlTask::kForecasting:
      // What is to be forecast is not known yet.
      return !is_among("datetime_index") && !is_among("exogenous_variables");
    case MlTask::kRecommendation:
      // Users are asked for without items, and items without users.
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<TableInput> InputForModel(const nlohmann::json& metadata, const SourceTable& table,
                                 bool with_target) {
  ASSIGN_OR_RETURN(const MlTask task, TaskOf(metadata));
  TableInput input{&table, {}, {}};
  const auto names = metadata.find("column_names");
  if (names == metadata.end() || !names->is_array())
    return MlError(MlErrorNumber::kModelFormat, "The model metadata has no column_names.");
  std::string missing;
  for (const nlohmann::json& element : *names) {
    const std::string name = element.is_string() ? element.get<std::string>() : "";
    const SourceColumn* column = table.Find(name);
    if (column != nullptr) {
      RETURN_IF_ERROR(CheckSupported(*column));
      input.columns.push_back(column);
    } else if (!IsOptional(metadata, task, name)) {
      missing += (missing.empty() ? "" : ", ") + name;
    }
  }
  if (!missing.empty())
    return MlError(MlErrorNumber::kColumnMismatch,
                   "Columns of provided data need to match those used for training. Table " +
                       table.name.Text() + " has no column " + missing + ".");
  const std::string target = TextMember(metadata, "target_column_name");
  if (with_target && !target.empty()) {
    const SourceColumn* column = table.Find(target);
    bool is_there = false;
    for (const SourceColumn* other : input.columns) is_there = is_there || other == column;
    if (column != nullptr && !is_there) {
      RETURN_IF_ERROR(CheckSupported(*column));
      input.columns.push_back(column);
    }
  }
  if (input.columns.empty())
    return MlError(MlErrorNumber::kColumnMismatch,
                   "Columns of provided data need to match those used for training. Table " +
                       table.name.Text() + " has none of them.");
  if (task == MlTask::kForecasting) {
    const auto index = metadata.find("options");
    if (index != metadata.end() && index->is_object() && index->contains("datetime_index"))
      input.order_by = QuoteName((*index)["datetime_index"].get<std::string>());
  } else if (task == MlTask::kLogAnomalyDetection) {
    for (const std::string& column : table.primary_key)
      input.order_by += (input.order_by.empty() ? "" : ", ") + QuoteName(column);
  }
  return input;
}

Result<uint64_t> SendTable(InvokerSession* session, NodeJob* job, const TableInput& input,
                           wire::MlTableRole role) {
  const wire::MlTable message = input.Message(role);
  RETURN_IF_ERROR(job->BeginTable(message));
  return ReadRows(session, input.Statement(), message.columns,
                  [&](const wire::ColumnBatchBuilder& batch) { return job->SendRows(batch); });
}

Result<void> SendMetadataTables(InvokerSession* session, NodeJob* job,
                                const nlohmann::json& options) {
  for (const auto& [key, role] : {std::pair("item_metadata", wire::MlTableRole::kItems),
                                  std::pair("user_metadata", wire::MlTableRole::kUsers)}) {
    if (!options.contains(key)) continue;
    const std::string text = options[key]["table_name"].get<std::string>();
    ASSIGN_OR_RETURN(const QualifiedName name, ParseTableName(text, key));
    ASSIGN_OR_RETURN(const SourceTable table, DescribeTable(session, name));
    TableInput input{&table, {}, {}};
    for (const SourceColumn& column : table.columns) {
      if (column.is_invisible) continue;
      RETURN_IF_ERROR(CheckSupported(column));
      input.columns.push_back(&column);
    }
    RETURN_IF_ERROR(SendTable(session, job, input, role));
  }
  return {};
}

}  // namespace sirocco::plugin
