// Models for classification and regression: training by selection among families, prediction, and
// the model file.
//
// File (model_file.h): names in the JSON text; the preparation, the members and a few background
// rows, compressed, after it. Threads: const methods from any thread; one thread otherwise.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "automl/preparation.h"
#include "automl/selection.h"
#include "automl/table.h"
#include "common/error.h"

namespace sirocco::automl {

struct TrainingOptions {
  bool is_classification = true;
  std::string target;
  std::vector<std::string> model_list, exclude_model_list;  // HeatWave's names; empty: all
  std::vector<std::string> include_columns;                 // not to be dropped
  std::string metric;  // empty: neg_log_loss or neg_mean_squared_error
  uint32_t num_threads = 1;
  uint32_t seed = 7;
  double time_limit_seconds = 0;  // 0: none
};

class SupervisedModel {
 public:
  using OnProgress = std::function<void(const char* stage, double fraction)>;

  // Errors are about the data or the options: too few rows of a class, unlabelled rows, a target
  // that is no number, nothing to learn from, unknown models or metrics.
  static Result<std::unique_ptr<SupervisedModel>> Train(const Table& rows,
                                                        const TrainingOptions& options,
                                                        const OnProgress& on_progress);
  // kCorrupt, kNotSupported (a version of later programs).
  static Result<std::unique_ptr<SupervisedModel>> FromBytes(std::string_view bytes);
  std::string ToBytes() const;

  bool is_classification() const { return is_classification_; }
  const std::string& target() const { return target_; }
  const std::vector<std::string>& classes() const { return classes_; }
  // Whether class names are numbers in truth.
  bool has_numeric_classes() const { return has_numeric_classes_; }
  // The table's columns but the target, and those of them that the model looks at.
  const std::vector<ColumnSpec>& columns() const { return preparation_.columns(); }
  std::vector<std::string> UsedColumns() const;
  const Preparation& preparation() const { return preparation_; }
  const std::vector<Member>& members() const { return members_; }
  // Of the heaviest member.
  std::string algorithm_name() const;
  const std::string& metric() const { return metric_; }
  double training_score() const { return score_; }
  size_t num_selected_rows() const { return num_selected_rows_; }
  // Families, weights and settings of the members.
  nlohmann::json Parameters() const;
  void SetThreads(size_t num_threads) { num_threads_ = num_threads; }

  // Per row: the probability of each class, or one value.
  size_t num_outputs() const { return is_classification_ ? classes_.size() : 1; }
  Result<std::vector<float>> Predict(const Table& rows) const;
  // The same from encoded rows; matrices that needs_*() denies may be empty.
  std::vector<float> PredictEncoded(const Features& features) const;
  bool needs_tree() const { return needs_tree_; }
  bool needs_dense() const { return needs_dense_; }
  // A few training rows, encoded, that stand for all.
  const Features& background() const { return background_; }
  // Index into classes(); classes().size() for a name that is none.
  size_t ClassOf(const std::string& name) const;
  // From a value of the first member's scale to the target's.
  double value_scale() const { return scale_; }

 private:
  SupervisedModel() = default;
  Result<void> ReadTarget(const Table& rows, Target* target);
  void SetNeeds();

  bool is_classification_ = true, has_numeric_classes_ = false, is_log_ = false;
  std::string target_, metric_;
  std::vector<std::string> classes_;
  Preparation preparation_;
  std::vector<Member> members_;
  float temperature_ = 1;
  double mean_ = 0, scale_ = 1;  // of a regression's target
  Features background_;
  double score_ = 0;
  size_t num_selected_rows_ = 0, num_threads_ = 1;
  bool needs_tree_ = false, needs_dense_ = false;
};

}  // namespace sirocco::automl
