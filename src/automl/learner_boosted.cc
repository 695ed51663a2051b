// Gradient boosting on binned features.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "automl/learners.h"
#include "automl/tree_grower.h"
#include "automl/trees.h"

namespace sirocco::automl {

namespace {

constexpr float kMinHessian = 1e-6f;

class Booster : public Learner {
 public:
  Booster(Configuration configuration, size_t num_classes)
      : configuration_(std::move(configuration)),
        num_classes_(num_classes),
        trees_(NumScores(num_classes)) {}

  Family family() const override { return configuration_.family; }
  bool uses_trees() const override { return true; }
  void Fit(const FitRequest& request) override;
  void Predict(const float* rows, size_t width, size_t num_rows, float* out) const override;
  std::vector<float> TakeValidationOutputs() override { return std::move(validation_outputs_); }
  void Adopt(Configuration* next) const override {
    next->settings["rounds"] = static_cast<double>(rounds_);
  }
  std::vector<double> Gains() const override { return gains_; }
  void Save(ByteWriter* out) const override {
    PutFloats(base_, out);
    trees_.Save(out);
  }
  const Trees& trees() const { return trees_; }
  const std::vector<float>& base() const { return base_; }
  bool Set(std::vector<float> base, Trees trees) {
    base_ = std::move(base);
    trees_ = std::move(trees);
    return trees_.num_outputs() == base_.size();
  }

 private:
  // Two classes need one score.
  static size_t NumScores(size_t num_classes) { return num_classes <= 2 ? 1 : num_classes; }
  void SetBase(const Target& target, const Indices& rows);
  // Derivatives of the loss by one score.
  void Derive(const Target& target, const Indices& rows, size_t score,
              const std::vector<float>& scores, std::vector<float>* gradients,
              std::vector<float>* hessians) const;
  void Finish(const float* scores, float* out) const;
  double Loss(const Target& target, const Indices& rows, const std::vector<float>& scores) const;

  Configuration configuration_;
  size_t num_classes_;
  std::vector<float> base_;
  Trees trees_;
  size_t rounds_ = 0;
  std::vector<double> gains_;
  std::vector<float> validation_outputs_;
};

void Booster::SetBase(const Target& target, const Indices& rows) {
  base_.assign(NumScores(num_classes_), 0);
  if (num_classes_ == 0) {
    double sum = 0;
    for (const uint32_t row : rows) sum += target.values[row];
    base_[0] = static_cast<float>(sum / static_cast<double>(std::max<size_t>(1, rows.size())));
    return;
  }
  std::vector<double> counts(num_classes_, 0.5);
  for (const uint32_t row : rows) ++counts[target.class_at(row)];
  if (num_classes_ == 2) {
    base_[0] = static_cast<float>(std::log(counts[1] / counts[0]));
    return;
  }
  for (size_t k = 0; k < num_classes_; ++k)
    base_[k] = static_cast<float>(std::log(counts[k] / static_cast<double>(rows.size())));
}

void Booster::Derive(const Target& target, const Indices& rows, size_t score,
                     const std::vector<float>& scores, std::vector<float>* gradients,
                     std::vector<float>* hessians) const {
  for (const uint32_t row : rows) {
    if (num_classes_ == 0) {
      (*gradients)[row] = scores[row] - target.values[row];
      (*hessians)[row] = 1;
      continue;
    }
    // Of several classes the scores are probabilities already.
    const float p =
        num_classes_ == 2 ? 1 / (1 + std::exp(-scores[row])) : scores[row * num_classes_ + score];
    const bool is_own = target.values[row] == static_cast<float>(num_classes_ == 2 ? 1 : score);
    (*gradients)[row] = p - (is_own ? 1.0f : 0.0f);
    (*hessians)[row] = std::max(kMinHessian, p * (1 - p) * (num_classes_ == 2 ? 1.0f : 1.5f));
  }
}

double Booster::Loss(const Target& target, const Indices& rows,
                     const std::vector<float>& scores) const {
  double loss = 0;
  const size_t width = base_.size();
  std::vector<float> own(width);
  for (size_t i = 0; i < rows.size(); ++i) {
    if (num_classes_ == 0) {
      const double error = scores[i] - target.values[rows[i]];
      loss += error * error;
    } else if (num_classes_ == 2) {
      const double s = target.values[rows[i]] == 1 ? scores[i] : -scores[i];
      loss += s > 0 ? std::log1p(std::exp(-s)) : -s + std::log1p(std::exp(s));
    } else {
      std::copy_n(&scores[i * width], width, own.begin());
      Softmax(own.data(), width);
      loss -= std::log(std::max(1e-15f, own[target.class_at(rows[i])]));
    }
  }
  return loss / static_cast<double>(std::max<size_t>(1, rows.size()));
}

void Booster::Finish(const float* scores, float* out) const {
  if (num_classes_ == 0) {
    out[0] = scores[0];
  } else if (num_classes_ == 2) {
    out[1] = 1 / (1 + std::exp(-scores[0]));
    out[0] = 1 - out[1];
  } else {
    std::copy_n(scores, num_classes_, out);
    Softmax(out, num_classes_);
  }
}

void Booster::Fit(const FitRequest& request) {
  const Bins& bins = *request.data->bins;
  const Matrix& matrix = *request.data->tree;
  const Target& target = *request.data->target;
  const size_t width = NumScores(num_classes_), n = bins.rows;
  SetBase(target, request.rows);
  trees_ = Trees(width);
  gains_.assign(bins.cols, 0);
  Random random(request.seed);
  BoostedTreeOptions options;
  options.max_leaves = static_cast<size_t>(configuration_.at("max_leaves", 31));
  options.max_depth = static_cast<size_t>(configuration_.at("max_depth", 6));
  options.min_weight = configuration_.at("min_weight", 1);
  options.lambda = configuration_.at("lambda", 1);
  options.learning_rate = configuration_.at("learning_rate", 0.1);
  const double row_share = configuration_.at("row_share", 1);
  const double feature_share = configuration_.at("feature_share", 1);
  const auto max_rounds = static_cast<size_t>(configuration_.at("rounds", 200));
  const auto patience = static_cast<size_t>(std::clamp(2.0 / options.learning_rate, 12.0, 40.0));
  Indices features;
  for (uint32_t f = 0; f < bins.cols; ++f) features.push_back(f);
  const size_t num_features = std::clamp<size_t>(
      static_cast<size_t>(std::ceil(feature_share * static_cast<double>(features.size()))), 1,
      std::max<size_t>(1, features.size()));

  std::vector<float> scores(n * width), gradients(n), hessians(n), own;
  for (const uint32_t row : request.rows) std::copy_n(base_.begin(), width, &scores[row * width]);
  Matrix held;
  std::vector<float> held_scores;
  if (!request.validation.empty()) {
    held = TakeRows(matrix, request.validation);
    for (size_t i = 0; i < held.rows; ++i)
      held_scores.insert(held_scores.end(), base_.begin(), base_.end());
  }
  BoostedTreeGrower grower(bins, request.num_threads);
  double best_loss = held.rows == 0 ? 0 : Loss(target, request.validation, held_scores);
  std::vector<float> best_scores = held_scores;
  size_t best_round = 0;
  for (size_t round = 0; round < max_rounds; ++round) {
    // Scores of several classes become probabilities once per round.
    const std::vector<float>* current = &scores;
    if (width > 1) {
      own = scores;
      for (const uint32_t row : request.rows) Softmax(&own[row * width], width);
      current = &own;
    }
    const size_t first_tree = trees_.num_trees();
    for (size_t score = 0; score < width; ++score) {
      Derive(target, request.rows, score, *current, &gradients, &hessians);
      Indices rows = request.rows;
      if (row_share < 1) {
        rows.clear();
        for (const uint32_t row : request.rows)
          if (random.Uniform() < row_share) rows.push_back(row);
        if (rows.empty()) rows = request.rows;
      }
      Indices chosen = features;
      if (num_features < features.size()) {
        for (size_t i = 0; i < num_features; ++i)
          std::swap(chosen[i], chosen[i + random.Below(chosen.size() - i)]);
        chosen.resize(num_features);
        std::sort(chosen.begin(), chosen.end());
      }
      const std::vector<Trees::GrownNode> nodes =
          grower.Grow(options, gradients.data(), hessians.data(), std::move(rows), chosen, &gains_);
      trees_.AddTree(nodes, static_cast<int>(score));
      if (row_share < 1) {
        std::vector<float> add(width, 0);
        for (const uint32_t row : request.rows) {
          add[score] = 0;
          trees_.AddRows(matrix.row(row), matrix.cols, 1, add.data(), trees_.num_trees() - 1);
          scores[row * width + score] += add[score];
        }
      } else {
        for (const BoostedTreeGrower::LeafRows& leaf : grower.leaf_rows())
          for (const uint32_t row : leaf.rows)
            scores[row * width + score] += nodes[leaf.node].values[0];
      }
    }
    if (held.rows != 0) {
      trees_.AddRows(held.values.data(), held.cols, held.rows, held_scores.data(), first_tree);
      const double loss = Loss(target, request.validation, held_scores);
      if (loss < best_loss * (1 - 1e-5)) {
        best_loss = loss;
        best_round = round + 1;
        best_scores = held_scores;
      } else if (round + 1 - best_round >= patience) {
        break;
      }
    }
    if (request.is_late()) break;
  }
  rounds_ = held.rows == 0 ? trees_.num_trees() / width : std::max<size_t>(1, best_round);
  if (held.rows == 0) return;
  trees_.Truncate(rounds_ * width);
  const size_t outputs = target.num_outputs();
  validation_outputs_.resize(held.rows * outputs);
  for (size_t i = 0; i < held.rows; ++i)
    Finish(&best_scores[i * width], &validation_outputs_[i * outputs]);
}

void Booster::Predict(const float* rows, size_t width, size_t num_rows, float* out) const {
  const size_t num_scores = base_.size(), outputs = std::max<size_t>(1, num_classes_);
  std::vector<float> scores(num_rows * num_scores);
  for (size_t i = 0; i < num_rows; ++i)
    std::copy_n(base_.begin(), num_scores, &scores[i * num_scores]);
  trees_.AddRows(rows, width, num_rows, scores.data());
  for (size_t i = 0; i < num_rows; ++i) Finish(&scores[i * num_scores], out + i * outputs);
}

}  // namespace

std::unique_ptr<Learner> MakeBooster(const Configuration& configuration, size_t num_classes) {
  return std::make_unique<Booster>(configuration, num_classes);
}

Result<std::unique_ptr<Learner>> LoadBooster(Family family, ByteReader* in, size_t num_classes,
                                             size_t width) {
  auto booster = std::make_unique<Booster>(Configuration{family, {}}, num_classes);
  ASSIGN_OR_RETURN(std::vector<float> base, GetFloats(in, num_classes <= 2 ? 1 : num_classes));
  ASSIGN_OR_RETURN(Trees trees, Trees::Load(in, width));
  if (!booster->Set(std::move(base), std::move(trees)))
    return MakeError(ErrorCode::kCorrupt, "the trees of the model are damaged");
  return booster;
}

const Trees* TreesOf(const Learner& learner, std::vector<double>* base) {
  const auto* booster = dynamic_cast<const Booster*>(&learner);
  if (booster == nullptr) return nullptr;
  base->assign(booster->base().begin(), booster->base().end());
  return &booster->trees();
}

}  // namespace sirocco::automl
