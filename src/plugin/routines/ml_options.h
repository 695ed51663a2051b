// The options argument of the routines: which keys there are, for which tasks, and of which type.
// Values may be JSON-native or strings ('true', '0.5'); they come out JSON-native.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "common/error.h"
#include "plugin/routines/operations.h"
#include "plugin/routines/source_table.h"

namespace sirocco::plugin {

enum class MlTask : unsigned {
  kClassification = 1,
  kRegression = 2,
  kForecasting = 4,
  kAnomalyDetection = 8,
  kLogAnomalyDetection = 16,
  kRecommendation = 32,
  kTopicModeling = 64,
};

enum class MlRoutine : unsigned {
  kTrain,
  kPredictRow,
  kPredictTable,
  kExplain,
  kExplainRow,
  kExplainTable,
  kScore,
  kSplit,
};

const char* RoutineName(MlRoutine routine);
const char* TaskName(MlTask task);
// ML001016 if there is no such task.
Result<MlTask> ParseTask(std::string_view name);

// A JSON object, or an empty one for NULL.
Result<nlohmann::json> ParseOptions(MlRoutine routine, const Argument& text);
// Whether the routine serves models of the task; its options without unknown, misplaced or wrongly
// typed ones, values JSON-native.
Result<nlohmann::json> CheckOptions(MlRoutine routine, MlTask task, nlohmann::json options);

// Of the options of ML_TRAIN: each named column is in the table.
Result<void> CheckColumns(const nlohmann::json& options, const SourceTable& table);

}  // namespace sirocco::plugin
