// TRAIN_TEST_SPLIT: a table's rows into <table>_train and <table>_test.
#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "mysqld_error.h"
#include "plugin/node/internal_session.h"
#include "plugin/routines/ml_error.h"
#include "plugin/routines/ml_options.h"
#include "plugin/routines/operations.h"
#include "plugin/routines/table_writer.h"

namespace sirocco::plugin {
namespace {

using Json = nlohmann::json;

constexpr double kTrainPart = 0.8;
constexpr uint64_t kMinClassRows = 5;
// The same table gives the same split.
constexpr uint64_t kSeed = 7;

// Rows of one class: how many are still to come, and how many of them go to the training part.
struct Quota {
  uint64_t rows = 0, train = 0;
};

class SplitSink : public RowText {
 public:
  SplitSink(std::vector<bool> is_binary, std::map<std::string, Quota> quotas, bool is_ordered,
            std::optional<size_t> target, TableWriter* train, TableWriter* test)
      : RowText(std::move(is_binary)),
        quotas_(std::move(quotas)),
        is_ordered_(is_ordered),
        target_(target),
        train_(train),
        test_(test) {}

  Result<void> EndRow() override {
    Quota& quota = quotas_[target_ ? std::string(Value(*target_)) : std::string()];
    if (quota.rows == 0) return MakeError(ErrorCode::kInternal, "the table has changed");
    // Selection sampling: exactly the quota, every subset equally likely.
    const bool is_train = is_ordered_ ? quota.train > 0 : random_() % quota.rows < quota.train;
    --quota.rows;
    if (is_train) --quota.train;
    return (is_train ? train_ : test_)->Add(Take());
  }

 private:
  std::map<std::string, Quota> quotas_;
  const bool is_ordered_;
  const std::optional<size_t> target_;
  TableWriter *train_, *test_;
  std::mt19937_64 random_{kSeed};
};

struct Split {
  MlTask task = MlTask::kClassification;
  SourceTable table;
  std::vector<const SourceColumn*> columns;
  std::string list;                // of the columns, quoted
  std::optional<size_t> stratify;  // index into columns
  std::string order_by;
};

// Counts the rows of each class, the key being the literal of the target's value.
Result<std::map<std::string, Quota>> Quotas(InvokerSession* session, const Split& split) {
  class CountSink : public RowText {
   public:
    CountSink(bool has_target, bool is_binary, std::map<std::string, Quota>* quotas)
        : RowText({is_binary}), has_target_(has_target), quotas_(quotas) {}
    Result<void> EndRow() override {
      const size_t last = num_values() - 1;
      const uint64_t rows = std::strtoull(std::string(Value(last)).c_str(), nullptr, 10);
      (*quotas_)[has_target_ ? std::string(Value(0)) : std::string()].rows += rows;
      Take();
      return {};
    }

   private:
    const bool has_target_;
    std::map<std::string, Quota>* quotas_;
  };
  std::map<std::string, Quota> quotas;
  const SourceColumn* target = split.stratify ? split.columns[*split.stratify] : nullptr;
  CountSink sink(target != nullptr, target != nullptr && target->is_binary, &quotas);
  // Grouped byte by byte: values that only a collation makes equal have different literals.
  const std::string name = target == nullptr ? "" : QuoteName(target->ml.name);
  const std::string group = target == nullptr                                   ? ""
                            : wire::LaneOf(target->ml.kind) == plan::Lane::kStr ? "BINARY " + name
                                                                                : name;
  RETURN_IF_ERROR(session->Read("SELECT " + (target == nullptr ? "" : "ANY_VALUE(" + name + "), ") +
                                    "COUNT(*) FROM " + split.table.name.Quoted() +
                                    (target == nullptr ? "" : " GROUP BY " + group),
                                &sink));
  for (auto& [key, quota] : quotas) {
    quota.train = static_cast<uint64_t>(std::llround(kTrainPart * static_cast<double>(quota.rows)));
    if (split.stratify) quota.train = std::max(quota.train, std::min(quota.rows, kMinClassRows));
  }
  return quotas;
}

Result<void> MakeEmptyTable(InvokerSession* session, const Split& split,
                            const QualifiedName& name) {
  Result<void> made =
      session->Execute("CREATE TABLE " + name.Quoted() + " LIKE " + split.table.name.Quoted());
  // A view.
  if (!made && made.error().mysql_errno == ER_WRONG_OBJECT)
    made = session->Execute("CREATE TABLE " + name.Quoted() + " SELECT " + split.list + " FROM " +
                            split.table.name.Quoted() + " LIMIT 0");
  if (!made && made.error().mysql_errno == ER_TABLE_EXISTS_ERROR)
    return MlError(MlErrorNumber::kOutputTable,
                   "The output table " + name.Text() + " already exists.");
  return made;
}

Result<void> CopyParts(Caller* caller, InvokerSession* session, const Split& split,
                       const QualifiedName& train, const QualifiedName& test) {
  // The counts and the rows must be of the same moment.
  RETURN_IF_ERROR(session->Execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"));
  using QuotaMap = std::map<std::string, Quota>;
  ASSIGN_OR_RETURN(QuotaMap quotas, Quotas(session, split));
  std::vector<bool> is_binary;
  for (const SourceColumn* column : split.columns) is_binary.push_back(column->is_binary);
  TableWriter train_writer(caller, train, split.list), test_writer(caller, test, split.list);
  SplitSink sink(std::move(is_binary), std::move(quotas), !split.order_by.empty(), split.stratify,
                 &train_writer, &test_writer);
  RETURN_IF_ERROR(session->Read("SELECT " + split.list + " FROM " + split.table.name.Quoted() +
                                    (split.order_by.empty() ? "" : " ORDER BY " + split.order_by),
                                &sink));
  RETURN_IF_ERROR(train_writer.Finish());
  RETURN_IF_ERROR(test_writer.Finish());
  return session->Execute("COMMIT");
}

Result<void> ChooseOrder(const Json& options, const std::string& target, Split* split) {
  const bool stratifies = split->task == MlTask::kClassification ||
                          (split->task == MlTask::kAnomalyDetection &&
                           (options.value("semisupervised", false) || !target.empty()));
  if (split->task == MlTask::kForecasting) {
    if (!options.contains("datetime_index"))
      return MlError(MlErrorNumber::kOption,
                     "Option datetime_index is required for the forecasting task.");
    RETURN_IF_ERROR(CheckColumns(options, split->table));
    split->order_by = QuoteName(options["datetime_index"].get<std::string>());
  }
  if (split->task == MlTask::kLogAnomalyDetection) {
    if (split->table.primary_key.empty())
      return MlError(MlErrorNumber::kArgument, "Table " + split->table.name.Text() +
                                                   " needs a primary key for the "
                                                   "log_anomaly_detection task.");
    for (const std::string& column : split->table.primary_key)
      split->order_by += (split->order_by.empty() ? "" : ", ") + QuoteName(column);
  }
  if (!stratifies) return {};
  if (target.empty())
    return MlError(MlErrorNumber::kArgument, "target_column_name must not be NULL for the " +
                                                 std::string(TaskName(split->task)) + " task.");
  for (size_t i = 0; i < split->columns.size(); ++i)
    if (SameColumnName(split->columns[i]->ml.name, target)) split->stratify = i;
  return {};
}

}  // namespace

Answered SplitTable(Caller& caller, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const QualifiedName name, ParseTableName(arguments[0], "table_name"));
  Split split;
  ASSIGN_OR_RETURN(Json options, ParseOptions(MlRoutine::kSplit, arguments[2]));
  if (options.contains("task") && options["task"].is_string()) {
    ASSIGN_OR_RETURN(split.task, ParseTask(options["task"].get<std::string>()));
  }
  ASSIGN_OR_RETURN(options, CheckOptions(MlRoutine::kSplit, split.task, std::move(options)));
  ASSIGN_OR_RETURN(InvokerSession session, caller.OpenSession());
  ASSIGN_OR_RETURN(split.table, DescribeTable(&session, name));
  for (const SourceColumn& column : split.table.columns) {
    if (column.is_generated) continue;
    split.columns.push_back(&column);
    split.list += (split.list.empty() ? "" : ", ") + QuoteName(column.ml.name);
  }
  const std::string target(arguments[1].value_or(""));
  if (!target.empty() && split.table.Find(target) == nullptr)
    return MlError(MlErrorNumber::kArgument,
                   "The target column " + target + " is not in table " + name.Text() + ".");
  RETURN_IF_ERROR(ChooseOrder(options, target, &split));

  const QualifiedName train{name.schema, name.table + "_train"};
  const QualifiedName test{name.schema, name.table + "_test"};
  RETURN_IF_ERROR(MakeEmptyTable(&session, split, train));
  Result<void> done = MakeEmptyTable(&session, split, test);
  const bool made_both = done.has_value();
  if (done) done = CopyParts(&caller, &session, split, train, test);
  if (!done) {
    caller.IgnoreKill();
    if (Result<InvokerSession> cleaner = caller.OpenSession(); cleaner) {
      (void)cleaner->Execute("DROP TABLE " + train.Quoted());
      if (made_both) (void)cleaner->Execute("DROP TABLE " + test.Quoted());
    }
    return std::unexpected(done.error());
  }
  return std::nullopt;
}

}  // namespace sirocco::plugin
