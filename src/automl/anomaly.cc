#include "automl/anomaly.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "automl/metrics.h"
#include "automl/model_file.h"

namespace sirocco::automl {

namespace {

using Json = nlohmann::json;

constexpr size_t kSampleRows = 1024;
constexpr size_t kNeighbours = 20;

}  // namespace

Result<std::vector<float>> AnomalyModel::Standardise(const Table& rows) const {
  ASSIGN_OR_RETURN(std::vector<float> matrix, encoding_.Encode(rows));
  const size_t width = encoding_.num_features();
  for (size_t i = 0; i < matrix.size(); ++i) {
    const size_t feature = i % width;
    matrix[i] = std::isnan(matrix[i]) ? 0 : (matrix[i] - mean_[feature]) * scale_[feature];
  }
  return matrix;
}

double AnomalyModel::Distance(const float* row, bool skips_self) const {
  const size_t width = encoding_.num_features();
  const size_t count = sample_.size() / width;
  const size_t wanted = std::min(kNeighbours + (skips_self ? 1 : 0), count);
  // The nearest so far, the farthest of them on top.
  std::vector<float> nearest;
  nearest.reserve(wanted + 1);
  for (size_t other = 0; other < count; ++other) {
    const float* sample = &sample_[other * width];
    float sum = 0;
    for (size_t i = 0; i < width; ++i) sum += (row[i] - sample[i]) * (row[i] - sample[i]);
    if (nearest.size() == wanted && sum >= nearest.front()) continue;
    nearest.push_back(sum);
    std::push_heap(nearest.begin(), nearest.end());
    if (nearest.size() > wanted) {
      std::pop_heap(nearest.begin(), nearest.end());
      nearest.pop_back();
    }
  }
  std::sort_heap(nearest.begin(), nearest.end());
  const size_t first = skips_self && nearest.size() > 1 ? 1 : 0;
  double sum = 0;
  for (size_t i = first; i < nearest.size(); ++i) sum += std::sqrt(static_cast<double>(nearest[i]));
  return sum / static_cast<double>(std::max<size_t>(1, nearest.size() - first));
}

Result<std::unique_ptr<AnomalyModel>> AnomalyModel::Train(const Table& rows, double contamination,
                                                          uint32_t seed) {
  auto model = std::make_unique<AnomalyModel>();
  model->encoding_ = FeatureEncoding::Learn(rows, "");
  const size_t width = model->encoding_.num_features(), num_rows = rows.num_rows();
  if (width == 0)
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML001052: The table has no columns to learn from.");
  ASSIGN_OR_RETURN(const std::vector<float> matrix, model->encoding_.Encode(rows));
  model->mean_.assign(width, 0);
  model->scale_.assign(width, 0);
  for (size_t feature = 0; feature < width; ++feature) {
    double sum = 0, squares = 0, count = 0;
    for (size_t row = 0; row < num_rows; ++row) {
      const double value = matrix[row * width + feature];
      if (std::isnan(value)) continue;
      sum += value;
      squares += value * value;
      ++count;
    }
    if (count == 0) continue;
    const double mean = sum / count;
    const double deviation = std::sqrt(std::max(0.0, squares / count - mean * mean));
    model->mean_[feature] = static_cast<float>(mean);
    // A constant column says nothing.
    if (deviation > 1e-9 * (1 + std::abs(mean)))
      model->scale_[feature] = static_cast<float>(1 / deviation);
  }
  ASSIGN_OR_RETURN(const std::vector<float> standard, model->Standardise(rows));
  std::vector<size_t> order(num_rows);
  std::iota(order.begin(), order.end(), 0);
  std::mt19937 random(seed);
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
  std::vector<bool> is_sample(num_rows, false);
  for (size_t i = 0; i < std::min(num_rows, kSampleRows); ++i) {
    is_sample[order[i]] = true;
    const float* row = &standard[order[i] * width];
    model->sample_.insert(model->sample_.end(), row, row + width);
  }
  // The limit from some rows is as good as from all.
  std::vector<double> distances;
  const size_t step = std::max<size_t>(1, num_rows / 20000);
  for (size_t row = 0; row < num_rows; row += step)
    distances.push_back(model->Distance(&standard[row * width], is_sample[row]));
  std::sort(distances.begin(), distances.end());
  const auto at = static_cast<size_t>((1 - contamination) * static_cast<double>(distances.size()));
  model->limit_ = std::max(1e-12, distances[std::min(at, distances.size() - 1)]);
  return model;
}

std::string AnomalyModel::ToBytes() const {
  return WriteModelFile({{"task", "anomaly_detection"},
                         {"columns", encoding_.ToJson()},
                         {"mean", NumbersToJson(mean_)},
                         {"scale", NumbersToJson(scale_)},
                         {"sample", NumbersToJson(sample_)},
                         {"limit", limit_}},
                        {});
}

Result<std::unique_ptr<AnomalyModel>> AnomalyModel::FromBytes(std::string_view bytes) {
  ASSIGN_OR_RETURN(const ModelFile file, ReadModelFile(bytes));
  for (const char* key : {"columns", "mean", "scale", "sample", "limit"})
    if (!file.header.contains(key)) return DamagedModel();
  if (file.header["task"] != "anomaly_detection" || !file.header["limit"].is_number())
    return DamagedModel();
  auto model = std::make_unique<AnomalyModel>();
  ASSIGN_OR_RETURN(model->encoding_, FeatureEncoding::FromJson(file.header["columns"]));
  ASSIGN_OR_RETURN(model->mean_, NumbersFromJson(file.header["mean"]));
  ASSIGN_OR_RETURN(model->scale_, NumbersFromJson(file.header["scale"]));
  ASSIGN_OR_RETURN(model->sample_, NumbersFromJson(file.header["sample"]));
  model->limit_ = file.header["limit"];
  const size_t width = model->encoding_.num_features();
  if (width == 0 || model->mean_.size() != width || model->scale_.size() != width ||
      model->sample_.empty() || model->sample_.size() % width != 0 || !(model->limit_ > 0))
    return DamagedModel();
  return model;
}

Result<std::vector<double>> AnomalyModel::Predict(const Table& rows) const {
  ASSIGN_OR_RETURN(const std::vector<float> standard, Standardise(rows));
  const size_t width = encoding_.num_features();
  std::vector<double> probabilities;
  for (size_t row = 0; row < rows.num_rows(); ++row)
    probabilities.push_back(1 - std::exp2(-Distance(&standard[row * width], false) / limit_));
  return probabilities;
}

Result<std::optional<double>> AnomalyScore(const std::string& metric,
                                           const std::vector<double>& probabilities,
                                           const std::vector<size_t>& labels,
                                           std::optional<double> threshold,
                                           std::optional<size_t> topk) {
  const auto misplaced = [&](const std::string& why) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML006002: The metric " + metric + " " + why + ".");
  };
  if (metric == "precision_k") {
    if (!topk || threshold) return misplaced("needs option topk and takes no threshold");
    std::vector<size_t> order(labels.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return probabilities[a] > probabilities[b]; });
    const size_t count = std::min(*topk, order.size());
    if (count == 0) return std::nullopt;
    double hits = 0;
    for (size_t i = 0; i < count; ++i) hits += static_cast<double>(labels[order[i]]);
    return hits / static_cast<double>(count);
  }
  if (topk) return misplaced("takes no topk");
  if (metric == "roc_auc" && threshold) return misplaced("takes no threshold");
  // As a classification; the decision at another threshold is one at 0.5 of moved probabilities.
  const bool decides = metric != "roc_auc" && metric != "neg_log_loss";
  std::vector<float> both;
  for (const double p : probabilities) {
    const double anomaly = decides ? (p > threshold.value_or(0.5) ? 1.0 : 0.0) : p;
    both.push_back(static_cast<float>(1 - anomaly));
    both.push_back(static_cast<float>(anomaly));
  }
  return ClassificationScore(metric, both, 2, labels);
}

}  // namespace sirocco::automl
