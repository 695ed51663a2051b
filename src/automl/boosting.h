// Boosted trees for classification and regression, on XGBoost: training, prediction, explanation,
// and the model file.
//
// File (model_file.h): the booster in XGBoost's own format after the JSON text.
// Threads: one per model.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "automl/encoding.h"
#include "automl/flat_trees.h"
#include "automl/table.h"
#include "common/error.h"

namespace sirocco::automl {

struct TrainingOptions {
  bool is_classification = true;
  std::string target;
  uint32_t num_threads = 1;
  uint32_t seed = 7;
  double time_limit_seconds = 0;  // 0: none; growing trees stops then
};

class BoostedModel {
 public:
  using OnProgress = std::function<void(const char* stage, double fraction)>;

  ~BoostedModel();
  BoostedModel(const BoostedModel&) = delete;
  BoostedModel& operator=(const BoostedModel&) = delete;

  // Errors are about the data: too few rows of a class, unlabelled rows, a target that is no
  // number.
  static Result<std::unique_ptr<BoostedModel>> Train(const Table& rows,
                                                     const TrainingOptions& options,
                                                     const OnProgress& on_progress);
  // kCorrupt, kNotSupported (a version of later programs).
  static Result<std::unique_ptr<BoostedModel>> FromBytes(std::string_view bytes);
  Result<std::string> ToBytes() const;

  bool is_classification() const { return is_classification_; }
  const std::string& target() const { return target_; }
  const std::vector<std::string>& classes() const { return classes_; }
  // Whether class names are numbers in truth.
  bool has_numeric_classes() const { return has_numeric_classes_; }
  const FeatureEncoding& encoding() const { return encoding_; }
  // On the rows held out while the number of trees was chosen; negated loss.
  double training_score() const { return training_score_; }
  int num_rounds() const { return num_rounds_; }
  void SetThreads(uint32_t num_threads);

  // Per row: the probability of each class, or one value.
  size_t num_outputs() const { return is_classification_ ? classes_.size() : 1; }
  Result<std::vector<float>> Predict(const Table& rows);
  // Index into classes(), or npos-like size for a name that is none.
  size_t ClassOf(const std::string& name) const;

  // Loss increase when a column's values are shuffled, per column.
  Result<std::vector<double>> PermutationImportance(const Table& rows);
  // Mean absolute SHAP value per column.
  Result<std::vector<double>> ShapImportance(const Table& rows);
  // Per row and column: what the column adds to the predicted class's probability (or to the
  // value): against background rows, or by SHAP (in margin units).
  Result<std::vector<double>> Attributions(const Table& rows, bool by_shap);

 private:
  BoostedModel() = default;
  Result<void> ReadTarget(const Table& rows, std::vector<float>* labels);
  Result<void> Fit(const std::vector<float>& matrix, const std::vector<float>& labels,
                   const TrainingOptions& options, const OnProgress& on_progress);
  Result<void> NewBooster(const std::vector<void*>& data, const TrainingOptions& options,
                          size_t num_rows);
  Result<std::vector<float>> PredictEncoded(const std::vector<float>& matrix);
  void PredictRows(const float* rows, size_t num_rows, float* result) const;
  // The library's answer: `type` 0 gives probabilities, 1 gives margins.
  Result<std::vector<float>> PredictByLibrary(const std::vector<float>& matrix, int type);
  // Lays the trees out for prediction; the library's own margins are the proof that sums are right.
  Result<void> FlattenTrees();
  Result<std::vector<float>> Contributions(const std::vector<float>& matrix, size_t num_rows);
  double Loss(const std::vector<float>& outputs, const std::vector<float>& labels) const;

  void* booster_ = nullptr;
  uint32_t num_threads_ = 1;
  bool is_classification_ = true, has_numeric_classes_ = false;
  std::string target_;
  std::vector<std::string> classes_;
  FeatureEncoding encoding_;
  std::vector<float> background_;  // encoded rows
  FlatTrees trees_;
  std::vector<float> base_margin_;  // per output, before the trees
  double training_score_ = 0;
  int num_rounds_ = 0;
};

}  // namespace sirocco::automl
