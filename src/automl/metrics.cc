#include "automl/metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sirocco::automl {

namespace {

std::unexpected<Error> Invalid(const std::string& metric) {
  return MakeError(
      ErrorCode::kInvalidArgument,
      "ML003019: Invalid data for the metric. Score could not be computed. Metric: " + metric);
}

// Counts of one class.
struct Counts {
  double hits = 0, predicted = 0, actual = 0;

  double precision() const { return predicted == 0 ? 0 : hits / predicted; }
  double recall() const { return actual == 0 ? 0 : hits / actual; }
  double f1() const { return predicted + actual == 0 ? 0 : 2 * hits / (predicted + actual); }
  double Value(const std::string& name) const {
    return name == "precision" ? precision() : name == "recall" ? recall() : f1();
  }
};

// Probability that a row of the class has a higher score than one that is not.
std::optional<double> AreaUnderCurve(const std::vector<float>& probabilities, size_t num_classes,
                                     const std::vector<size_t>& labels, size_t positive) {
  std::vector<size_t> order(labels.size());
  std::iota(order.begin(), order.end(), 0);
  const auto score = [&](size_t row) { return probabilities[row * num_classes + positive]; };
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return score(a) < score(b); });
  double rank_sum = 0, num_positive = 0;
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin;
    while (end < order.size() && score(order[end]) == score(order[begin])) ++end;
    const double rank = (static_cast<double>(begin + end) + 1) / 2;  // the mean, from 1
    for (; begin < end; ++begin)
      if (labels[order[begin]] == positive) {
        rank_sum += rank;
        ++num_positive;
      }
  }
  const double num_negative = static_cast<double>(labels.size()) - num_positive;
  if (num_positive == 0 || num_negative == 0) return std::nullopt;
  return (rank_sum - num_positive * (num_positive + 1) / 2) / (num_positive * num_negative);
}

}  // namespace

Result<void> CheckMetric(const std::string& metric, size_t num_classes) {
  const Result<std::optional<double>> score =
      num_classes == 0
          ? RegressionScore(metric, {1}, {1})
          : ClassificationScore(metric, std::vector<float>(num_classes, 0.5f), num_classes, {0});
  if (score) return {};
  return MakeError(ErrorCode::kInvalidArgument,
                   "ML006002: Option optimization_metric names " + metric +
                       (num_classes > 2    ? ", which is no metric for several classes."
                        : num_classes == 2 ? ", which is no metric of classification."
                                           : ", which is no metric of regression."));
}

Result<std::optional<double>> ClassificationScore(const std::string& metric,
                                                  const std::vector<float>& probabilities,
                                                  size_t num_classes,
                                                  const std::vector<size_t>& labels) {
  const size_t num_rows = labels.size();
  std::vector<Counts> counts(num_classes + 1);
  double hits = 0, log_loss = 0;
  for (size_t row = 0; row < num_rows; ++row) {
    const float* own = &probabilities[row * num_classes];
    const auto best = static_cast<size_t>(std::max_element(own, own + num_classes) - own);
    ++counts[best].predicted;
    ++counts[labels[row]].actual;
    if (best == labels[row]) {
      ++counts[best].hits;
      ++hits;
    }
    const double p = labels[row] < num_classes ? own[labels[row]] : 0;
    log_loss -= std::log(std::clamp(p, 1e-15, 1.0));
  }
  const auto rows = static_cast<double>(num_rows);
  if (metric == "roc_auc") {
    if (num_classes != 2) return Invalid(metric);
    return AreaUnderCurve(probabilities, num_classes, labels, 1);
  }
  const size_t underscore = metric.find('_');
  const std::string base = metric.substr(0, underscore);
  const std::string average =
      underscore == std::string::npos ? "binary" : metric.substr(underscore + 1);
  const bool is_family = base == "f1" || base == "precision" || base == "recall";
  const bool is_known =
      metric == "accuracy" || metric == "balanced_accuracy" || metric == "neg_log_loss" ||
      (is_family && (average == "binary" || average == "macro" || average == "micro" ||
                     average == "samples" || average == "weighted"));
  if (!is_known) return Invalid(metric);
  if (num_rows == 0) return std::nullopt;
  if (metric == "accuracy") return hits / rows;
  if (metric == "neg_log_loss") return -log_loss / rows;
  if (metric == "balanced_accuracy") {
    double sum = 0, present = 0;
    for (const Counts& one : counts)
      if (one.actual > 0) {
        sum += one.recall();
        ++present;
      }
    return sum / present;
  }
  // One label per row: the mean over rows and the mean over all decisions are the accuracy.
  if (average == "micro" || average == "samples") return hits / rows;
  if (average == "binary") {
    if (num_classes != 2) return Invalid(metric);
    return counts[1].Value(base);
  }
  double sum = 0, weights = 0;
  for (const Counts& one : counts) {
    if (one.actual + one.predicted == 0) continue;
    const double weight = average == "weighted" ? one.actual : 1;
    sum += weight * one.Value(base);
    weights += weight;
  }
  return sum / weights;
}

Result<std::optional<double>> RegressionScore(const std::string& metric,
                                              const std::vector<float>& predictions,
                                              const std::vector<double>& values) {
  std::vector<double> errors;
  double squares = 0, absolutes = 0, sum = 0;
  for (size_t row = 0; row < values.size(); ++row) {
    const double error = predictions[row] - values[row];
    errors.push_back(std::abs(error));
    squares += error * error;
    absolutes += std::abs(error);
    sum += values[row];
  }
  const auto rows = static_cast<double>(values.size());
  const bool is_known = metric == "neg_mean_absolute_error" || metric == "neg_mean_squared_error" ||
                        metric == "neg_mean_squared_log_error" ||
                        metric == "neg_median_absolute_error" || metric == "r2";
  if (!is_known) return Invalid(metric);
  if (values.empty()) return std::nullopt;
  if (metric == "neg_mean_absolute_error") return -absolutes / rows;
  if (metric == "neg_mean_squared_error") return -squares / rows;
  if (metric == "neg_median_absolute_error") {
    std::sort(errors.begin(), errors.end());
    const size_t middle = errors.size() / 2;
    return -(errors.size() % 2 == 1 ? errors[middle] : (errors[middle - 1] + errors[middle]) / 2);
  }
  if (metric == "neg_mean_squared_log_error") {
    double logs = 0;
    for (size_t row = 0; row < values.size(); ++row) {
      if (values[row] <= -1 || predictions[row] <= -1) return std::nullopt;
      const double error = std::log1p(predictions[row]) - std::log1p(values[row]);
      logs += error * error;
    }
    return -logs / rows;
  }
  double total = 0;
  for (const double value : values) total += (value - sum / rows) * (value - sum / rows);
  if (total == 0) return std::nullopt;
  return 1 - squares / total;
}

}  // namespace sirocco::automl
