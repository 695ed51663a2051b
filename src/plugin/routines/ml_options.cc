#include "plugin/routines/ml_options.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <vector>

#include "plugin/routines/ml_error.h"

namespace sirocco::plugin {
namespace {

using Json = nlohmann::json;

constexpr unsigned Bits(MlTask task) { return static_cast<unsigned>(task); }
constexpr unsigned operator|(MlTask a, MlTask b) { return Bits(a) | Bits(b); }
constexpr unsigned operator|(unsigned a, MlTask b) { return a | Bits(b); }
constexpr unsigned Routine(MlRoutine routine) { return 1u << static_cast<unsigned>(routine); }

constexpr unsigned kAll = 127;
constexpr unsigned kSupervised = MlTask::kClassification | MlTask::kRegression;
constexpr unsigned kAnomaly = MlTask::kAnomalyDetection | MlTask::kLogAnomalyDetection;
constexpr unsigned kTrain = Routine(MlRoutine::kTrain);
constexpr unsigned kRow = Routine(MlRoutine::kPredictRow);
constexpr unsigned kTable = Routine(MlRoutine::kPredictTable);
constexpr unsigned kScore = Routine(MlRoutine::kScore);
constexpr unsigned kExplain = Routine(MlRoutine::kExplain);
constexpr unsigned kExplainAny =
    Routine(MlRoutine::kExplainRow) | Routine(MlRoutine::kExplainTable);
constexpr unsigned kSplit = Routine(MlRoutine::kSplit);

enum class Type { kString, kStringList, kNumber, kInteger, kBool, kObject, kTable, kAny };

struct Option {
  const char* key;
  Type type;
  unsigned routines;
  unsigned tasks;
  double low = -HUGE_VAL, high = HUGE_VAL;
  bool open = false;  // the bounds themselves are outside
};

// A key may come several times, for different routines.
constexpr Option kOptions[] = {
    {"task", Type::kString, kTrain | kSplit, kAll},
    {"model_list", Type::kStringList, kTrain, kAll & ~Bits(MlTask::kTopicModeling)},
    {"exclude_model_list", Type::kStringList, kTrain, kAll & ~(kAnomaly | MlTask::kTopicModeling)},
    {"optimization_metric", Type::kString, kTrain, kAll & ~(kAnomaly | MlTask::kTopicModeling)},
    {"include_column_list", Type::kStringList, kTrain, kAll & ~Bits(MlTask::kTopicModeling)},
    {"exclude_column_list", Type::kStringList, kTrain, kAll & ~Bits(MlTask::kTopicModeling)},
    {"notes", Type::kString, kTrain, kAll},
    {"datetime_index", Type::kString, kTrain | kSplit, Bits(MlTask::kForecasting)},
    {"endogenous_variables", Type::kStringList, kTrain, Bits(MlTask::kForecasting)},
    {"exogenous_variables", Type::kStringList, kTrain, Bits(MlTask::kForecasting)},
    {"contamination", Type::kNumber, kTrain, kAnomaly, 0, 0.5, true},
    {"experimental", Type::kObject, kTrain, Bits(MlTask::kAnomalyDetection)},
    {"supervised_submodel_options", Type::kObject, kTrain, Bits(MlTask::kAnomalyDetection)},
    {"ensemble_score", Type::kString, kTrain, Bits(MlTask::kAnomalyDetection)},
    {"logad_options", Type::kObject, kTrain | kTable, Bits(MlTask::kLogAnomalyDetection)},
    {"users", Type::kString, kTrain, Bits(MlTask::kRecommendation)},
    {"items", Type::kString, kTrain, Bits(MlTask::kRecommendation)},
    {"feedback", Type::kString, kTrain, Bits(MlTask::kRecommendation)},
    {"feedback_threshold", Type::kNumber, kTrain, Bits(MlTask::kRecommendation)},
    {"item_metadata", Type::kTable, kTrain | kTable | kScore, Bits(MlTask::kRecommendation)},
    {"user_metadata", Type::kTable, kTrain | kTable | kScore, Bits(MlTask::kRecommendation)},
    {"document_column", Type::kString, kTrain, Bits(MlTask::kTopicModeling)},
    {"num_topics", Type::kInteger, kTrain, Bits(MlTask::kTopicModeling), 2, 1000},
    {"time_limit", Type::kNumber, kTrain, kAll, 0, HUGE_VAL, true},
    {"seed", Type::kInteger, kTrain, kAll, 0, 4294967295.0},
    {"threshold", Type::kNumber, kRow | kTable | kScore, Bits(MlTask::kRecommendation)},
    {"threshold", Type::kNumber, kRow | kTable | kScore, kAnomaly, 0, 1, true},
    {"topk", Type::kInteger, kRow | kTable | kScore, Bits(MlTask::kRecommendation), 1, 1e9},
    {"topk", Type::kInteger, kTable | kScore, kAnomaly, 1, 1e9},
    {"recommend", Type::kString, kRow | kTable, Bits(MlTask::kRecommendation)},
    {"remove_seen", Type::kBool, kRow | kTable | kScore, Bits(MlTask::kRecommendation)},
    {"additional_details", Type::kBool, kRow | kTable, kSupervised | MlTask::kAnomalyDetection},
    {"supervised_submodel_weight", Type::kNumber, kRow | kTable | kScore,
     Bits(MlTask::kAnomalyDetection), 0, 1, true},
    {"prediction_interval", Type::kNumber, kTable, Bits(MlTask::kForecasting), 0, 1, true},
    {"batch_size", Type::kInteger, kTable, kAll, 1, 1000},
    {"batch_size", Type::kInteger, Routine(MlRoutine::kExplainTable), kAll, 1, 1000},
    {"model_explainer", Type::kString, kExplain, kAll},
    {"prediction_explainer", Type::kString, kExplain | kExplainAny, kAll},
    {"columns_to_explain", Type::kStringList, kExplain, kAll},
    {"target_value", Type::kAny, kExplain, kAll},
    {"semisupervised", Type::kBool, kSplit, Bits(MlTask::kAnomalyDetection)},
};

// Tasks a routine serves at all.
unsigned ServedTasks(MlRoutine routine) {
  switch (routine) {
    case MlRoutine::kPredictRow:
      return kAll & ~(MlTask::kForecasting | MlTask::kLogAnomalyDetection);
    case MlRoutine::kExplain:
      return kSupervised | MlTask::kForecasting;
    case MlRoutine::kExplainRow:
    case MlRoutine::kExplainTable:
      return kSupervised;
    case MlRoutine::kScore:
      return kAll & ~Bits(MlTask::kTopicModeling);
    default:
      return kAll;
  }
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

std::unexpected<Error> WrongValue(const Option& option, const std::string& expected) {
  return MlError(MlErrorNumber::kOption,
                 "Option " + std::string(option.key) + " must be " + expected + ".");
}

Result<double> NumberOf(const Option& option, const Json& value) {
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) {
    const std::string text = value.get<std::string>();
    char* end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    if (!text.empty() && *end == '\0' && std::isfinite(number)) return number;
  }
  return WrongValue(option, option.type == Type::kInteger ? "an integer" : "a number");
}

std::string BoundText(double bound) {
  std::string text = Json(bound).dump();
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

Result<Json> CheckNumber(const Option& option, const Json& value) {
  ASSIGN_OR_RETURN(const double number, NumberOf(option, value));
  const bool inside = option.open ? number > option.low && number < option.high
                                  : number >= option.low && number <= option.high;
  const bool is_whole = number == std::floor(number);
  if (option.type == Type::kInteger && !is_whole) return WrongValue(option, "an integer");
  if (!inside) {
    const std::string than = option.open ? "greater than " : "at least ";
    if (option.high == HUGE_VAL) return WrongValue(option, than + BoundText(option.low));
    return WrongValue(option, than + BoundText(option.low) +
                                  (option.open ? " and less than " : " and at most ") +
                                  BoundText(option.high));
  }
  return option.type == Type::kInteger ? Json(static_cast<int64_t>(number)) : Json(number);
}

Result<Json> CheckValue(const Option& option, const Json& value) {
  switch (option.type) {
    case Type::kString:
      if (value.is_string() && !value.get_ref<const std::string&>().empty()) return value;
      return WrongValue(option, "a string");
    case Type::kStringList: {
      const bool is_list = value.is_array() && !value.empty() &&
                           std::all_of(value.begin(), value.end(),
                                       [](const Json& element) { return element.is_string(); });
      if (!is_list) return WrongValue(option, "a JSON array of strings");
      return value;
    }
    case Type::kNumber:
    case Type::kInteger:
      return CheckNumber(option, value);
    case Type::kBool: {
      if (value.is_boolean()) return value;
      if (value.is_number_integer() && (value == 0 || value == 1)) return Json(value == 1);
      const std::string text = value.is_string() ? Lower(value.get<std::string>()) : "";
      if (text == "true" || text == "false") return Json(text == "true");
      return WrongValue(option, "true or false");
    }
    case Type::kObject:
      if (!value.is_object()) return WrongValue(option, "a JSON object");
      return value;
    case Type::kTable: {
      const bool is_table = value.is_object() && value.size() == 1 &&
                            value.contains("table_name") && value["table_name"].is_string();
      if (!is_table)
        return WrongValue(option, "a JSON object {\"table_name\": \"schema_name.table_name\"}");
      return value;
    }
    case Type::kAny:
      return value;
  }
  return value;
}

// The members of options that are objects themselves.
struct Member {
  const char* option;
  Option member;
};
constexpr Member kMembers[] = {
    {"supervised_submodel_options", {"n_neighbors", Type::kInteger, 0, 0, 1, 1e6}},
    {"supervised_submodel_options", {"min_labels", Type::kInteger, 0, 0, 1, 1e9}},
    {"experimental", {"semisupervised", Type::kObject, 0, 0}},
    {"logad_options", {"additional_masking_regex", Type::kStringList, 0, 0}},
    {"logad_options", {"window_size", Type::kInteger, 0, 0, 1, 1e6}},
    {"logad_options", {"window_stride", Type::kInteger, 0, 0, 1, 1e6}},
    {"logad_options", {"log_source_column", Type::kString, 0, 0}},
    {"logad_options", {"summarize_logs", Type::kBool, 0, 0}},
    {"logad_options", {"summary_threshold", Type::kNumber, 0, 0, 0, 1}},
};

Result<Json> CheckMembers(const Option& option, Json object) {
  for (auto& [key, value] : object.items()) {
    const auto found =
        std::find_if(std::begin(kMembers), std::end(kMembers), [&](const Member& candidate) {
          return std::string_view(candidate.option) == option.key && candidate.member.key == key;
        });
    if (found == std::end(kMembers))
      return MlError(MlErrorNumber::kOption,
                     "Option " + std::string(option.key) + " has no member named " + key + ".");
    ASSIGN_OR_RETURN(value, CheckValue(found->member, value));
  }
  return object;
}

}  // namespace

const char* RoutineName(MlRoutine routine) {
  switch (routine) {
    case MlRoutine::kTrain:
      return "ML_TRAIN";
    case MlRoutine::kPredictRow:
      return "ML_PREDICT_ROW";
    case MlRoutine::kPredictTable:
      return "ML_PREDICT_TABLE";
    case MlRoutine::kExplain:
      return "ML_EXPLAIN";
    case MlRoutine::kExplainRow:
      return "ML_EXPLAIN_ROW";
    case MlRoutine::kExplainTable:
      return "ML_EXPLAIN_TABLE";
    case MlRoutine::kScore:
      return "ML_SCORE";
    case MlRoutine::kSplit:
      return "TRAIN_TEST_SPLIT";
  }
  return "";
}

const char* TaskName(MlTask task) {
  switch (task) {
    case MlTask::kClassification:
      return "classification";
    case MlTask::kRegression:
      return "regression";
    case MlTask::kForecasting:
      return "forecasting";
    case MlTask::kAnomalyDetection:
      return "anomaly_detection";
    case MlTask::kLogAnomalyDetection:
      return "log_anomaly_detection";
    case MlTask::kRecommendation:
      return "recommendation";
    case MlTask::kTopicModeling:
      return "topic_modeling";
  }
  return "";
}

Result<MlTask> ParseTask(std::string_view name) {
  const std::string lower = Lower(name);
  for (unsigned bit = 1; bit <= Bits(MlTask::kTopicModeling); bit *= 2)
    if (lower == TaskName(static_cast<MlTask>(bit))) return static_cast<MlTask>(bit);
  return MlError(MlErrorNumber::kUnknownTask,
                 "Only classification, regression, forecasting, anomaly_detection, "
                 "log_anomaly_detection, recommendation and topic_modeling tasks are supported.");
}

Result<Json> ParseOptions(MlRoutine routine, const Argument& text) {
  if (!text) return Json::object();
  Json options = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (options.is_null()) return Json::object();
  if (!options.is_object())
    return MlError(MlErrorNumber::kOption, "The options of " + std::string(RoutineName(routine)) +
                                               " must be a JSON object or NULL.");
  return options;
}

Result<Json> CheckOptions(MlRoutine routine, MlTask task, Json options) {
  if ((ServedTasks(routine) & Bits(task)) == 0)
    return MlError(
        MlErrorNumber::kUnsupported,
        std::string(RoutineName(routine)) + " is not supported for " + TaskName(task) + " models.");
  Json checked = Json::object();
  for (const auto& [key, value] : options.items()) {
    const Option* found = nullptr;
    bool is_known = false, is_known_here = false;
    for (const Option& option : kOptions) {
      if (key != option.key) continue;
      is_known = true;
      if ((option.routines & Routine(routine)) == 0) continue;
      is_known_here = true;
      if ((option.tasks & Bits(task)) != 0) found = &option;
    }
    if (!is_known) return MlError(MlErrorNumber::kOption, "There is no option named " + key + ".");
    if (!is_known_here)
      return MlError(MlErrorNumber::kOption,
                     "Option " + key + " is not an option of " + RoutineName(routine) + ".");
    if (found == nullptr)
      return MlError(MlErrorNumber::kOption, "Option " + key + " of " + RoutineName(routine) +
                                                 " is not supported for the " + TaskName(task) +
                                                 " task.");
    // JSON null is what is left out, as in HeatWave's examples.
    if (value.is_null()) continue;
    ASSIGN_OR_RETURN(Json one, CheckValue(*found, value));
    if (found->type == Type::kObject) {
      ASSIGN_OR_RETURN(one, CheckMembers(*found, std::move(one)));
    }
    checked[key] = std::move(one);
  }
  return checked;
}

Result<void> CheckColumns(const Json& options, const SourceTable& table) {
  const auto check = [&](const std::string& key, const std::string& column) -> Result<void> {
    if (table.Find(column) != nullptr) return {};
    return MlError(MlErrorNumber::kOption, "Option " + key + " names column " + column +
                                               ", which is not in table " + table.name.Text() +
                                               ".");
  };
  for (const char* key : {"include_column_list", "exclude_column_list", "endogenous_variables",
                          "exogenous_variables"}) {
    if (!options.contains(key)) continue;
    for (const Json& column : options[key]) RETURN_IF_ERROR(check(key, column.get<std::string>()));
  }
  for (const char* key : {"datetime_index", "users", "items", "document_column"})
    if (options.contains(key)) RETURN_IF_ERROR(check(key, options[key].get<std::string>()));
  return {};
}

}  // namespace sirocco::plugin
