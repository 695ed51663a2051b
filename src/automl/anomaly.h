// Unsupervised anomaly detection: the mean distance to the nearest rows of a sample of the training
// rows, features standardised (the k-nearest-neighbour detector). Rows farther away than all but
// the part `contamination` of the training rows are anomalies.
//
// File (model_file.h): everything is in the JSON text. Threads: one per model.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "automl/encoding.h"
#include "automl/table.h"
#include "common/error.h"

namespace sirocco::automl {

class AnomalyModel {
 public:
  static Result<std::unique_ptr<AnomalyModel>> Train(const Table& rows, double contamination,
                                                     uint32_t seed);
  static Result<std::unique_ptr<AnomalyModel>> FromBytes(std::string_view bytes);
  std::string ToBytes() const;

  const FeatureEncoding& encoding() const { return encoding_; }
  // Probability that a row is an anomaly: 0.5 at the limit learned in training.
  Result<std::vector<double>> Predict(const Table& rows) const;

 private:
  // Standardised features, NULL at the mean; row-major.
  Result<std::vector<float>> Standardise(const Table& rows) const;
  // `skips_self`: the row is one of the sample.
  double Distance(const float* row, bool skips_self) const;

  FeatureEncoding encoding_;
  std::vector<float> mean_, scale_;  // per feature
  std::vector<float> sample_;        // standardised rows
  double limit_ = 1;
};

// Scores of probabilities against labels, 0 or 1. `metric`: roc_auc, precision_k (with topk), or
// one that looks at decisions (p > threshold).
Result<std::optional<double>> AnomalyScore(const std::string& metric,
                                           const std::vector<double>& probabilities,
                                           const std::vector<size_t>& labels,
                                           std::optional<double> threshold,
                                           std::optional<size_t> topk);

}  // namespace sirocco::automl
