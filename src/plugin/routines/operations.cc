#include "plugin/routines/operations.h"

#include <map>

#include "plugin/routines/ml_error.h"

namespace sirocco::plugin {

Answered RunOperation(THD* thd, std::string_view name, const Arguments& arguments) {
  struct Operation {
    Answered (*run)(Caller&, const Arguments&);
    size_t num_arguments;
  };
  static const std::map<std::string, Operation, std::less<>> operations = {
      {"ML_TRAIN", {Train, 4}},
      {"ML_EXPLAIN", {Explain, 4}},
      {"ML_PREDICT_TABLE", {PredictTable, 4}},
      {"ML_EXPLAIN_TABLE", {ExplainTable, 4}},
      {"ML_SCORE", {Score, 5}},
      {"ML_MODEL_LOAD", {LoadModel, 2}},
      {"ML_MODEL_UNLOAD", {UnloadModel, 1}},
      {"ML_MODEL_ACTIVE", {ActiveModels, 1}},
      {"ML_MODEL_EXPORT", {ExportModel, 2}},
      {"ML_MODEL_IMPORT", {ImportModel, 3}},
      {"TRAIN_TEST_SPLIT", {SplitTable, 3}},
  };
  const auto found = operations.find(name);
  if (found == operations.end() || arguments.size() != found->second.num_arguments)
    return MlError(MlErrorNumber::kArgument,
                   "There is no such machine-learning operation: " + std::string(name) + " with " +
                       std::to_string(arguments.size()) + " arguments.");
  return RunForCaller(thd, found->first,
                      [&](Caller& caller) { return found->second.run(caller, arguments); });
}

Result<std::string> HandleOf(const Argument& argument) {
  if (!argument || argument->empty())
    return MlError(MlErrorNumber::kArgument, "model_handle must not be NULL or empty.");
  return std::string(*argument);
}

}  // namespace sirocco::plugin
