// ML_PREDICT_TABLE and ML_EXPLAIN_TABLE: the input's rows and, beside them, what the model says.
#include <nlohmann/json.hpp>

#include "mysqld_error.h"
#include "plugin/node/internal_session.h"
#include "plugin/routines/input_tables.h"
#include "plugin/routines/loaded_model.h"
#include "plugin/routines/ml_error.h"
#include "plugin/routines/model_metadata.h"
#include "plugin/routines/operations.h"
#include "plugin/routines/table_reader.h"
#include "plugin/routines/table_writer.h"

namespace sirocco::plugin {
namespace {

using Json = nlohmann::json;
using wire::MlOperation;

constexpr char kRowNumber[] = "_4aad19ca6e_pk_id";
constexpr char kAttribution[] = "_attribution";

struct ResultColumn {
  std::string name;
  std::string type;
};

// The columns that the node's results have, in their order.
std::vector<ResultColumn> ResultColumns(const ModelInUse& model, MlRoutine routine) {
  std::vector<ResultColumn> columns;
  if (model.task == MlTask::kLogAnomalyDetection) {
    columns.push_back({"id", "BIGINT NOT NULL"});
    columns.push_back({"parsed_log_segment", "LONGTEXT"});
  }
  if (model.task == MlTask::kClassification) columns.push_back({"Prediction", "TEXT"});
  if (model.task == MlTask::kRegression) columns.push_back({"Prediction", "DOUBLE"});
  columns.push_back({"ml_results", "JSON"});
  if (routine == MlRoutine::kExplainTable)
    for (const Json& name : model.metadata["column_names"])
      columns.push_back({name.get<std::string>() + kAttribution, "DOUBLE"});
  return columns;
}

// A row's result values as literals.
std::string ResultLiterals(const wire::ColumnBatchView& batch, uint32_t row) {
  std::string text;
  for (const wire::ColumnBatchView::Column& column : batch.columns()) {
    if (!text.empty()) text += ',';
    if (column.is_null(row)) {
      text += "NULL";
    } else if (column.lane == plan::Lane::kF64) {
      text += DoubleLiteral(column.f64(row));
    } else if (column.lane == plan::Lane::kStr) {
      text += QuoteText(column.str(row));
    } else {
      text += std::to_string(column.i64(row));
    }
  }
  return text;
}

// Splits the values of a row: first those that are copied, as literals, then the model's.
class CopyingSink : public RowSink {
 public:
  CopyingSink(std::vector<bool> is_binary, std::vector<wire::MlColumn> ml_columns,
              BatchSink::OnBatch on_batch)
      : num_copied_(is_binary.size()),
        text_(std::move(is_binary)),
        batch_(std::move(ml_columns), std::move(on_batch)) {}

  Result<void> EndRow() override {
    at_ = 0;
    rows_.push_back(text_.Take());
    return batch_.EndRow();
  }
  void Null() override { Next().Null(); }
  void Integer(int64_t value, bool is_unsigned) override { Next().Integer(value, is_unsigned); }
  void Double(double value) override { Next().Double(value); }
  void Time(const MYSQL_TIME& value) override { Next().Time(value); }
  void String(std::string_view value) override { Next().String(value); }

  Result<void> Flush() { return batch_.Flush(); }
  // The literals of the rows of the batch that is being handed on.
  std::vector<std::string>& rows() { return rows_; }
  uint64_t num_rows() const { return batch_.num_rows(); }

 private:
  RowSink& Next() {
    if (at_++ < num_copied_) return text_;
    return batch_;
  }

  const size_t num_copied_;
  size_t at_ = 0;
  RowText text_;
  BatchSink batch_;
  std::vector<std::string> rows_;
};

class ResultTable {
 public:
  ResultTable(Caller* caller, InvokerSession* session, MlRoutine routine, ModelInUse model,
              SourceTable table, QualifiedName output)
      : caller_(caller),
        session_(session),
        routine_(routine),
        model_(std::move(model)),
        table_(std::move(table)),
        output_(std::move(output)),
        results_(ResultColumns(model_, routine)) {
    const bool is_windows = model_.task == MlTask::kLogAnomalyDetection;
    for (const SourceColumn& column : table_.columns)
      if (!is_windows && (!column.is_invisible || column.is_primary_key))
        copied_.push_back(&column);
    adds_key_ = !is_windows && table_.primary_key.empty();
    in_place_ = output_ == table_.name;
  }

  Result<void> Check();
  Result<void> Fill(const Json& options);

 private:
  Result<void> Create();
  Result<void> Compute(const Json& options, const TableInput& input, TableWriter* writer);
  Result<void> CopyRows(const std::vector<std::string>& results, const std::string& order_by,
                        TableWriter* writer);
  std::string CopiedList() const;
  QualifiedName target() const {
    return in_place_ ? QualifiedName{output_.schema, "_ml_" + std::to_string(caller_->query_id())}
                     : output_;
  }

  Caller* caller_;
  InvokerSession* session_;
  MlRoutine routine_;
  ModelInUse model_;
  SourceTable table_;
  QualifiedName output_;
  std::vector<ResultColumn> results_;
  std::vector<const SourceColumn*> copied_;
  bool adds_key_ = false, in_place_ = false;
};

Result<void> ResultTable::Check() {
  for (const SourceColumn* column : copied_) {
    for (const ResultColumn& result : results_)
      if (SameColumnName(column->ml.name, result.name))
        return MlError(
            MlErrorNumber::kOutputTable,
            "The input table has a column named like one of the results: " + result.name + ".");
    if (SameColumnName(column->ml.name, kRowNumber) && !column->is_primary_key)
      return MlError(MlErrorNumber::kOutputTable, "The input table has a column named " +
                                                      std::string(kRowNumber) +
                                                      " that is not its primary key.");
  }
  if (in_place_) {
    if (!table_.primary_key.empty())
      return MlError(MlErrorNumber::kOutputTable,
                     "The output table may be the input table only if that has no primary key.");
    if (model_.task == MlTask::kLogAnomalyDetection)
      return MlError(MlErrorNumber::kOutputTable,
                     "The output table may not be the input table for log_anomaly_detection.");
    return {};
  }
  ASSIGN_OR_RETURN(const bool exists, TableExists(session_, output_));
  if (exists)
    return MlError(MlErrorNumber::kOutputTable,
                   "The output table " + output_.Text() + " already exists.");
  return {};
}

std::string ResultTable::CopiedList() const {
  std::string list;
  for (const SourceColumn* column : copied_)
    list += (list.empty() ? "" : ", ") + QuoteName(column->ml.name);
  return list;
}

Result<void> ResultTable::Create() {
  std::string definitions, key, list = CopiedList();
  if (adds_key_) {
    definitions = QuoteName(kRowNumber) + " BIGINT UNSIGNED NOT NULL AUTO_INCREMENT";
    key = QuoteName(kRowNumber);
  }
  for (const ResultColumn& column : results_) {
    definitions += (definitions.empty() ? "" : ", ") + QuoteName(column.name) + " " + column.type;
    if (model_.task != MlTask::kLogAnomalyDetection)
      list += (list.empty() ? "NULL AS " : ", NULL AS ") + QuoteName(column.name);
  }
  for (const std::string& column : table_.primary_key)
    if (model_.task != MlTask::kLogAnomalyDetection)
      key += (key.empty() ? "" : ", ") + QuoteName(column);
  if (model_.task == MlTask::kLogAnomalyDetection) key = "`id`";
  std::string statement = "CREATE TABLE " + target().Quoted() + " (" + definitions +
                          ", PRIMARY KEY (" + key + ")) CHARSET=utf8mb4";
  if (model_.task != MlTask::kLogAnomalyDetection)
    statement += " SELECT " + list + " FROM " + table_.name.Quoted() + " LIMIT 0";
  Result<void> made = session_->Execute(statement);
  if (!made && made.error().mysql_errno == ER_TABLE_EXISTS_ERROR)
    return MlError(MlErrorNumber::kOutputTable,
                   "The output table " + output_.Text() + " already exists.");
  return made;
}

Result<void> ResultTable::Fill(const Json& options) {
  ASSIGN_OR_RETURN(const TableInput input, InputForModel(model_.metadata, table_, false));
  RETURN_IF_ERROR(Create());
  const auto run = [&]() -> Result<void> {
    std::string columns = CopiedList();
    for (const ResultColumn& column : results_)
      columns += (columns.empty() ? "" : ", ") + QuoteName(column.name);
    TableWriter writer(caller_, target(), columns);
    RETURN_IF_ERROR(Compute(options, input, &writer));
    RETURN_IF_ERROR(writer.Finish());
    if (!in_place_) return {};
    const QualifiedName old{output_.schema, target().table + "_old"};
    RETURN_IF_ERROR(session_->Execute("RENAME TABLE " + output_.Quoted() + " TO " + old.Quoted() +
                                      ", " + target().Quoted() + " TO " + output_.Quoted()));
    caller_->IgnoreKill();
    return session_->Execute("DROP TABLE " + old.Quoted());
  };
  Result<void> done = run();
  if (!done) {
    caller_->IgnoreKill();
    if (Result<InvokerSession> cleaner = caller_->OpenSession(); cleaner)
      (void)cleaner->Execute("DROP TABLE IF EXISTS " + target().Quoted());
  }
  return done;
}

Result<void> ResultTable::Compute(const Json& options, const TableInput& input,
                                  TableWriter* writer) {
  // Two reads of the table must see the same rows.
  RETURN_IF_ERROR(session_->Execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"));
  const MlOperation operation = routine_ == MlRoutine::kExplainTable ? MlOperation::kExplainTable
                                                                     : MlOperation::kPredictTable;
  ASSIGN_OR_RETURN(NodeJob job, NodeJob::Start(caller_, StartWith(model_, operation, options)));
  RETURN_IF_ERROR(SendMetadataTables(session_, &job, options));
  RETURN_IF_ERROR(job.BeginTable(input.Message(wire::MlTableRole::kMain)));

  std::vector<bool> is_binary;
  std::string list;
  for (const SourceColumn* column : copied_) {
    is_binary.push_back(column->is_binary);
    list += (list.empty() ? "" : ", ") + QuoteName(column->ml.name);
  }
  for (const SourceColumn* column : input.columns)
    list += (list.empty() ? "" : ", ") + column->select;
  std::string statement = "SELECT " + list + " FROM " + table_.name.Quoted();
  if (!input.order_by.empty()) statement += " ORDER BY " + input.order_by;

  CopyingSink* sink_of_batch = nullptr;
  CopyingSink sink(
      std::move(is_binary), input.MlColumns(),
      [&](const wire::ColumnBatchBuilder& batch) -> Result<void> {
        std::vector<std::string>& rows = sink_of_batch->rows();
        RETURN_IF_ERROR(
            job.SendRows(batch, [&](const wire::ColumnBatchView& results) -> Result<void> {
              if (results.num_rows() != rows.size() || results.columns().size() != results_.size())
                return MakeError(ErrorCode::kInternal, "the node sent results of another shape");
              for (uint32_t row = 0; row < results.num_rows(); ++row)
                RETURN_IF_ERROR(writer->Add(rows[row] + "," + ResultLiterals(results, row)));
              return {};
            }));
        rows.clear();
        return {};
      });
  sink_of_batch = &sink;
  RETURN_IF_ERROR(session_->Read(statement, &sink));
  RETURN_IF_ERROR(sink.Flush());

  // What needs all rows first comes only now.
  std::vector<std::string> results;
  RETURN_IF_ERROR(job.Run([&](const wire::ColumnBatchView& batch) -> Result<void> {
    if (batch.columns().size() != results_.size())
      return MakeError(ErrorCode::kInternal, "the node sent results of another shape");
    for (uint32_t row = 0; row < batch.num_rows(); ++row)
      results.push_back(ResultLiterals(batch, row));
    return {};
  }));
  if (!results.empty()) {
    if (copied_.empty()) {
      for (const std::string& row : results) RETURN_IF_ERROR(writer->Add(row));
    } else {
      if (results.size() != sink.num_rows())
        return MakeError(ErrorCode::kInternal, "the node sent a wrong number of results");
      RETURN_IF_ERROR(CopyRows(results, input.order_by, writer));
    }
  }
  return session_->Execute("COMMIT");
}

Result<void> ResultTable::CopyRows(const std::vector<std::string>& results,
                                   const std::string& order_by, TableWriter* writer) {
  class Sink : public RowText {
   public:
    Sink(std::vector<bool> is_binary, const std::vector<std::string>& results, TableWriter* writer)
        : RowText(std::move(is_binary)), results_(results), writer_(writer) {}
    Result<void> EndRow() override {
      if (row_ >= results_.size())
        return MakeError(ErrorCode::kInternal, "the table has more rows than before");
      return writer_->Add(Take() + "," + results_[row_++]);
    }

   private:
    const std::vector<std::string>& results_;
    TableWriter* writer_;
    size_t row_ = 0;
  };
  std::vector<bool> is_binary;
  for (const SourceColumn* column : copied_) is_binary.push_back(column->is_binary);
  Sink sink(std::move(is_binary), results, writer);
  return session_->Read("SELECT " + CopiedList() + " FROM " + table_.name.Quoted() +
                            (order_by.empty() ? "" : " ORDER BY " + order_by),
                        &sink);
}

Answered MakeResults(Caller& caller, const Arguments& arguments, MlRoutine routine) {
  ASSIGN_OR_RETURN(const QualifiedName name, ParseTableName(arguments[0], "table_name"));
  ASSIGN_OR_RETURN(const QualifiedName output, ParseTableName(arguments[2], "output_table_name"));
  ASSIGN_OR_RETURN(ModelInUse model, FindLoadedModel(&caller, arguments[1]));
  ASSIGN_OR_RETURN(Json options, ParseOptions(routine, arguments[3]));
  ASSIGN_OR_RETURN(options, CheckOptions(routine, model.task, std::move(options)));
  if (options.contains("threshold") && options.contains("topk") &&
      model.task == MlTask::kAnomalyDetection)
    return MlError(MlErrorNumber::kOption, "Options threshold and topk exclude each other.");
  ASSIGN_OR_RETURN(InvokerSession session, caller.OpenSession());
  ASSIGN_OR_RETURN(SourceTable table, DescribeTable(&session, name));
  ResultTable result(&caller, &session, routine, std::move(model), std::move(table), output);
  RETURN_IF_ERROR(result.Check());
  RETURN_IF_ERROR(result.Fill(options));
  return std::nullopt;
}

}  // namespace

Answered PredictTable(Caller& caller, const Arguments& arguments) {
  return MakeResults(caller, arguments, MlRoutine::kPredictTable);
}

Answered ExplainTable(Caller& caller, const Arguments& arguments) {
  return MakeResults(caller, arguments, MlRoutine::kExplainTable);
}

}  // namespace sirocco::plugin
