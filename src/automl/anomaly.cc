#include "automl/anomaly.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "automl/learners.h"
#include "automl/metrics.h"
#include "automl/model_file.h"
#include "automl/random.h"
#include "automl/threads.h"

namespace sirocco::automl {

namespace {

constexpr size_t kMaxSample = 1500;
constexpr size_t kMaxSampleNumbers = 400000;  // keeps models small
constexpr size_t kLimitRows = 6000;           // give the limit as well as all rows do
constexpr size_t kScorePoints = 101;          // of the table of a detector's scores

Result<std::vector<DetectorKind>> KindsOf(const std::vector<std::string>& names) {
  if (names.empty())
    return std::vector<DetectorKind>{DetectorKind::kNeighbours, DetectorKind::kLocal,
                                     DetectorKind::kComponents, DetectorKind::kIsolation,
                                     DetectorKind::kTails};
  std::vector<DetectorKind> kinds;
  for (const std::string& name : names) {
    if (name == "GkNN")
      kinds.push_back(DetectorKind::kNeighbours);
    else if (name == "GLOF")
      kinds.push_back(DetectorKind::kLocal);
    else if (name == "PCA")
      kinds.push_back(DetectorKind::kComponents);
    else if (name == "IsolationForest")
      kinds.push_back(DetectorKind::kIsolation);
    else
      return MakeError(ErrorCode::kInvalidArgument, "ML006002: Option model_list names " + name +
                                                        "; known models are GkNN, PCA, GLOF, "
                                                        "IsolationForest.");
  }
  return kinds;
}

// Of a detector in the mixture. Random cuts are seldom far off where the others fail.
double WeightOf(DetectorKind kind) { return kind == DetectorKind::kIsolation ? 3 : 1; }

// Where a score lies among those of training rows: 0 at their median, 1 at the 99th part in a
// hundred, straight on beyond.
double Comparable(const std::vector<float>& quantiles, double score) {
  const double middle = quantiles[kScorePoints / 2], high = quantiles[kScorePoints - 2];
  const double spread = std::max(high - middle, 1e-9 * (1 + std::abs(high)));
  // Ranks below, distances above: far ones are told apart, near ones are not blown up.
  const auto below =
      std::lower_bound(quantiles.begin(), quantiles.end(), score) - quantiles.begin();
  const double rank = static_cast<double>(below) / static_cast<double>(kScorePoints);
  const double distance = std::max(0.0, (score - middle) / spread);
  return 0.15 * rank + 0.85 * (distance < 1 ? distance : 1 + std::log(distance));
}

}  // namespace

std::vector<double> AnomalyModel::Strangeness(const Matrix& dense,
                                              const std::vector<int64_t>& skip) const {
  std::vector<double> sum(dense.rows, 0.0);
  double weights = 0;
  for (const auto& detector : detectors_) weights += WeightOf(detector->kind());
  for (size_t i = 0; i < detectors_.size(); ++i) {
    const std::vector<double> scores = detectors_[i]->Score(dense, skip);
    const double weight = WeightOf(detectors_[i]->kind()) / weights;
    for (size_t row = 0; row < dense.rows; ++row)
      sum[row] += Comparable(quantiles_[i], scores[row]) * weight;
  }
  return sum;
}

std::vector<double> AnomalyModel::Probabilities(const Matrix& dense,
                                                const std::vector<int64_t>& skip) const {
  std::vector<double> result = Strangeness(dense, skip);
  for (double& value : result) {
    const double ratio = value / limit_;
    value = 1 - std::exp2(-ratio * ratio);
  }
  return result;
}

Matrix AnomalyModel::WithProbabilities(const Matrix& dense,
                                       const std::vector<double>& probabilities) {
  Matrix wide(dense.rows, dense.cols + 1);
  for (size_t row = 0; row < dense.rows; ++row) {
    std::copy_n(dense.row(row), dense.cols, wide.row(row));
    // As much as a few features.
    wide.row(row)[dense.cols] = static_cast<float>(3 * probabilities[row]);
  }
  return wide;
}

Result<std::unique_ptr<AnomalyModel>> AnomalyModel::Train(const Table& rows,
                                                          const Options& options) {
  ASSIGN_OR_RETURN(const std::vector<DetectorKind> kinds, KindsOf(options.model_list));
  auto model = std::make_unique<AnomalyModel>();
  const size_t n = rows.num_rows();
  // Nothing is to be predicted: codes that look at a target are all alike.
  Target nothing;
  nothing.values.assign(n, 0);
  const std::vector<uint8_t> folds(n, 0);
  model->preparation_ =
      Preparation::Learn(rows, options.target, nothing, folds, {}, options.num_threads,
                         /*keeps_tails=*/true);
  const size_t width = model->preparation_.dense_owners().size();
  if (width == 0)
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML001052: The table has no columns to learn from.");
  const Features features =
      model->preparation_.EncodeTraining(rows, folds, false, true, options.num_threads);
  // Detectors and limit come from samples.
  Indices order(n);
  std::iota(order.begin(), order.end(), 0);
  Random random(options.seed);
  random.Shuffle(&order);
  const size_t sample_rows =
      std::min({n, kMaxSample, std::max<size_t>(200, kMaxSampleNumbers / width)});
  const Matrix sample = TakeRows(
      features.dense, Indices(order.begin(), order.begin() + static_cast<ptrdiff_t>(sample_rows)));
  order.resize(std::min(n, kLimitRows));
  const Matrix seen = TakeRows(features.dense, order);
  std::vector<int64_t> skip(order.size(), -1);
  for (size_t i = 0; i < sample_rows; ++i) skip[i] = static_cast<int64_t>(i);
  model->detectors_.resize(kinds.size());
  model->quantiles_.resize(kinds.size());
  ParallelFor(options.num_threads, kinds.size(), [&](size_t i) {
    model->detectors_[i] = LearnDetector(kinds[i], sample, options.seed);
    std::vector<double> scores = model->detectors_[i]->Score(seen, skip);
    std::sort(scores.begin(), scores.end());
    for (size_t q = 0; q < kScorePoints; ++q)
      model->quantiles_[i].push_back(
          static_cast<float>(scores[q * (scores.size() - 1) / (kScorePoints - 1)]));
  });
  std::vector<double> all = model->Strangeness(seen, skip);
  std::sort(all.begin(), all.end());
  const auto at =
      static_cast<size_t>((1 - options.contamination) * static_cast<double>(all.size()));
  model->limit_ = std::max(1e-9, all[std::min(at, all.size() - 1)]);
  if (!options.target.empty()) RETURN_IF_ERROR(model->LearnLabels(rows, features.dense, options));
  return model;
}

Result<void> AnomalyModel::LearnLabels(const Table& rows, const Matrix& dense,
                                       const Options& options) {
  const Column* target = rows.Find(options.target);
  if (target == nullptr)
    return MakeError(ErrorCode::kInvalidArgument,
                     "the target column is missing: " + options.target);
  Indices labelled;
  Target labels;
  labels.num_classes = 2;
  size_t counts[2] = {0, 0};
  for (uint32_t row = 0; row < rows.num_rows(); ++row) {
    if (target->is_null[row]) continue;
    const std::string text = target->TextAt(row);
    if (text != "0" && text != "1")
      return MakeError(ErrorCode::kInvalidArgument,
                       "ML003015: The target column of semi-supervised anomaly detection must hold "
                       "0, 1 and NULL only.");
    labelled.push_back(row);
    labels.values.push_back(text == "1" ? 1.0f : 0.0f);
    ++counts[text == "1"];
  }
  if (labelled.size() < options.min_labels || counts[0] == 0 || counts[1] == 0)
    return MakeError(
        ErrorCode::kInvalidArgument,
        "ML001031: Semi-supervised anomaly detection needs at least " +
            std::to_string(options.min_labels) + " labelled rows, of both kinds; the table has " +
            std::to_string(counts[0]) + " of 0 and " + std::to_string(counts[1]) + " of 1.");
  const Matrix own = TakeRows(dense, labelled);
  const std::vector<double> probabilities = Probabilities(own, {});
  const Matrix wide = WithProbabilities(own, probabilities);
  TrainingData data;
  data.dense = &wide;
  data.target = &labels;
  const Configuration configuration{Family::kNeighbours,
                                    {{"neighbours", static_cast<double>(options.num_neighbours)}}};
  const auto fit = [&](const Indices& from) {
    std::unique_ptr<Learner> learner = MakeLearner(configuration, 2);
    FitRequest request;
    request.data = &data;
    request.rows = from;
    request.seed = options.seed;
    learner->Fit(request);
    return learner;
  };
  // The weight by predictions out of fold.
  std::vector<double> out_of_fold(labelled.size(), 0.0);
  constexpr size_t kParts = 5;
  std::vector<size_t> seen(2, 0), part(labelled.size());
  for (size_t i = 0; i < labelled.size(); ++i) part[i] = seen[labels.class_at(i)]++ % kParts;
  for (size_t fold = 0; fold < kParts; ++fold) {
    Indices from;
    for (uint32_t i = 0; i < labelled.size(); ++i)
      if (part[i] != fold) from.push_back(i);
    const std::unique_ptr<Learner> learner = fit(from);
    for (size_t i = 0; i < labelled.size(); ++i) {
      if (part[i] != fold) continue;
      float both[2];
      learner->Predict(wide.row(i), wide.cols, 1, both);
      out_of_fold[i] = both[1];
    }
  }
  std::vector<size_t> truth;
  for (const float value : labels.values) truth.push_back(static_cast<size_t>(value));
  double best = -HUGE_VAL;
  for (const double weight : {0.5, 0.3, 0.7, 0.1, 0.9}) {
    std::vector<double> mixed;
    for (size_t i = 0; i < truth.size(); ++i)
      mixed.push_back(weight * out_of_fold[i] + (1 - weight) * probabilities[i]);
    ASSIGN_OR_RETURN(
        const std::optional<double> score,
        AnomalyScore(options.ensemble_score, mixed, truth, std::nullopt, std::nullopt));
    if (score && *score > best) {
      best = *score;
      supervised_weight_ = weight;
    }
  }
  Indices all(labelled.size());
  std::iota(all.begin(), all.end(), 0);
  supervised_ = fit(all);
  return {};
}

std::string AnomalyModel::algorithm_name() const {
  if (detectors_.size() > 1) return "Ensemble";
  switch (detectors_[0]->kind()) {
    case DetectorKind::kNeighbours:
      return "GkNN";
    case DetectorKind::kLocal:
      return "GLOF";
    case DetectorKind::kIsolation:
      return "IsolationForest";
    default:
      return "PCA";
  }
}

std::string AnomalyModel::ToBytes() const {
  ByteWriter body;
  preparation_.Save(&body);
  body.Put(static_cast<uint32_t>(detectors_.size()));
  for (size_t i = 0; i < detectors_.size(); ++i) {
    body.Put(static_cast<uint8_t>(detectors_[i]->kind()));
    detectors_[i]->Save(&body);
    PutFloats(quantiles_[i], &body);
  }
  body.Put(limit_);
  body.Put(static_cast<uint8_t>(supervised_ != nullptr));
  if (supervised_ != nullptr) {
    body.Put(supervised_weight_);
    SaveLearner(*supervised_, &body);
  }
  return WriteModelFile({{"task", "anomaly_detection"}}, Compress(body.bytes()));
}

Result<std::unique_ptr<AnomalyModel>> AnomalyModel::FromBytes(std::string_view bytes) {
  ASSIGN_OR_RETURN(const ModelFile file, ReadModelFile(bytes));
  if (file.header["task"] != "anomaly_detection") return DamagedModel();
  ASSIGN_OR_RETURN(const std::string body, Decompress(file.body));
  ByteReader in(body);
  auto model = std::make_unique<AnomalyModel>();
  ASSIGN_OR_RETURN(model->preparation_, Preparation::Load(&in));
  const size_t width = model->preparation_.dense_owners().size();
  const uint32_t count = in.GetCount(2);
  for (uint32_t i = 0; i < count; ++i) {
    const auto kind = in.GetEnum(kFirstDetector, kLastDetector);
    if (!in.ok()) return DamagedModel();
    ASSIGN_OR_RETURN(model->detectors_.emplace_back(), LoadDetector(kind, &in, width));
    ASSIGN_OR_RETURN(model->quantiles_.emplace_back(), GetFloats(&in, kScorePoints));
  }
  model->limit_ = in.Get<double>();
  if (in.GetBool()) {
    model->supervised_weight_ = in.Get<double>();
    ASSIGN_OR_RETURN(model->supervised_, LoadLearner(&in, 2, 0, width + 1));
    if (model->supervised_->uses_trees()) return DamagedModel();
  }
  if (!in.ok() || !in.AtEnd() || count == 0 || width == 0 || !(model->limit_ > 0))
    return DamagedModel();
  return model;
}

Result<std::vector<double>> AnomalyModel::Predict(const Table& rows,
                                                  std::optional<double> supervised_weight) const {
  ASSIGN_OR_RETURN(const Features features, preparation_.Encode(rows, false, true, 1));
  std::vector<double> probabilities = Probabilities(features.dense, {});
  if (supervised_ == nullptr) return probabilities;
  const Matrix wide = WithProbabilities(features.dense, probabilities);
  std::vector<float> both(wide.rows * 2);
  supervised_->Predict(wide.values.data(), wide.cols, wide.rows, both.data());
  const double weight = supervised_weight.value_or(supervised_weight_);
  for (size_t row = 0; row < wide.rows; ++row)
    probabilities[row] = weight * both[row * 2 + 1] + (1 - weight) * probabilities[row];
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
