// Anomaly detection: several detectors (detectors.h) whose scores, made comparable, are averaged;
// with labels a supervised model beside them.
//
// File (model_file.h): preparation and detectors, compressed, after the JSON text. Threads: one per
// model.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "automl/detectors.h"
#include "automl/learner.h"
#include "automl/preparation.h"
#include "automl/table.h"
#include "common/error.h"

namespace sirocco::automl {

class AnomalyModel {
 public:
  struct Options {
    double contamination = 0.01;          // part of the rows that are anomalies
    std::vector<std::string> model_list;  // GkNN, PCA, GLOF; empty: the mixture
    uint32_t seed = 7;
    size_t num_threads = 1;
    // Semi-supervised: a column of 0, 1 and NULL; empty: none.
    std::string target;
    size_t num_neighbours = 5, min_labels = 20;
    std::string ensemble_score = "f1";  // what the weight of the supervised part is chosen by
  };
  static Result<std::unique_ptr<AnomalyModel>> Train(const Table& rows, const Options& options);
  static Result<std::unique_ptr<AnomalyModel>> FromBytes(std::string_view bytes);
  std::string ToBytes() const;

  const std::vector<ColumnSpec>& columns() const { return preparation_.columns(); }
  // Of a single detector its name, else Ensemble.
  std::string algorithm_name() const;
  bool is_supervised() const { return supervised_ != nullptr; }
  double supervised_weight() const { return supervised_weight_; }
  // Probability that a row is an anomaly: 0.5 at the limit learned in training.
  // `supervised_weight`: instead of the learned one.
  Result<std::vector<double>> Predict(const Table& rows,
                                      std::optional<double> supervised_weight = {}) const;

 private:
  // Mean of the detectors' comparable scores.
  std::vector<double> Strangeness(const Matrix& dense, const std::vector<int64_t>& skip) const;
  std::vector<double> Probabilities(const Matrix& dense, const std::vector<int64_t>& skip) const;
  Result<void> LearnLabels(const Table& rows, const Matrix& dense, const Options& options);
  // Probabilities beside the dense features, for the supervised part.
  static Matrix WithProbabilities(const Matrix& dense, const std::vector<double>& probabilities);

  Preparation preparation_;
  std::vector<std::unique_ptr<Detector>> detectors_;
  std::vector<std::vector<float>> quantiles_;  // per detector, of training rows' scores
  double limit_ = 1;
  std::unique_ptr<Learner> supervised_;  // nullptr: none
  double supervised_weight_ = 0;
};

// Scores of probabilities against labels, 0 or 1. `metric`: roc_auc, precision_k (with topk), or
// one that looks at decisions (p > threshold).
Result<std::optional<double>> AnomalyScore(const std::string& metric,
                                           const std::vector<double>& probabilities,
                                           const std::vector<size_t>& labels,
                                           std::optional<double> threshold,
                                           std::optional<size_t> topk);

}  // namespace sirocco::automl
