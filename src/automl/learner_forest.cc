// Random forests, extra trees, and single decision trees.
#include <algorithm>
#include <cmath>

#include "automl/learners.h"
#include "automl/threads.h"
#include "automl/tree_grower.h"
#include "automl/trees.h"

namespace sirocco::automl {

namespace {

// Of the training shares of classes, in trees: no class is impossible.
constexpr float kPriorTrees = 0.5f;

class Forest : public Learner {
 public:
  Forest(Configuration configuration, size_t num_classes)
      : configuration_(std::move(configuration)),
        num_classes_(num_classes),
        trees_(std::max<size_t>(1, num_classes)) {}

  Family family() const override { return configuration_.family; }
  bool uses_trees() const override { return true; }

  void Fit(const FitRequest& request) override {
    const Bins& bins = *request.data->bins;
    const Target& target = *request.data->target;
    const bool is_single = family() == Family::kDecisionTree;
    ForestTreeOptions options;
    options.random_cuts = family() == Family::kExtraTrees;
    const double share = configuration_.at("feature_share", is_single ? 1 : 0.3);
    options.features_per_split =
        static_cast<size_t>(std::max(1.0, std::round(share * static_cast<double>(bins.cols))));
    options.min_leaf = static_cast<size_t>(configuration_.at("min_leaf", is_single ? 5 : 1));
    options.max_depth = static_cast<size_t>(configuration_.at("max_depth", is_single ? 8 : 30));
    options.max_leaves = static_cast<size_t>(configuration_.at("max_leaves", 100000));
    const auto count = is_single ? 1 : static_cast<size_t>(configuration_.at("trees", 100));
    prior_.assign(std::max<size_t>(1, num_classes_), 0);
    for (const uint32_t row : request.rows)
      prior_[num_classes_ == 0 ? 0 : target.class_at(row)] +=
          (num_classes_ == 0 ? target.values[row] : 1) / static_cast<float>(request.rows.size());
    std::vector<std::vector<Trees::GrownNode>> grown(count);
    std::vector<std::vector<double>> gains(count);
    ParallelFor(request.num_threads, count, [&](size_t i) {
      if (i > 0 && request.is_late()) return;
      Random random(request.seed * 1000003ull + i);
      Indices rows = request.rows;
      if (family() == Family::kForest)
        for (uint32_t& row : rows) row = request.rows[random.Below(request.rows.size())];
      gains[i].assign(bins.cols, 0);
      grown[i] = GrowForestTree(bins, options, num_classes_, target.values, std::move(rows),
                                &random, &gains[i]);
    });
    trees_ = Trees(std::max<size_t>(1, num_classes_));
    gains_.assign(bins.cols, 0);
    for (size_t i = 0; i < count; ++i) {
      if (grown[i].empty()) continue;
      trees_.AddTree(grown[i], num_classes_ == 0 ? 0 : -1);
      for (size_t f = 0; f < bins.cols; ++f) gains_[f] += gains[i][f];
    }
  }

  void Predict(const float* rows, size_t width, size_t num_rows, float* out) const override {
    const size_t outputs = prior_.size();
    std::fill_n(out, num_rows * outputs, 0.0f);
    trees_.AddRows(rows, width, num_rows, out);
    const auto count = static_cast<float>(trees_.num_trees());
    const float weight = num_classes_ == 0 ? 0 : kPriorTrees;
    for (size_t i = 0; i < num_rows; ++i)
      for (size_t k = 0; k < outputs; ++k) {
        float& value = out[i * outputs + k];
        value = (value + weight * prior_[k]) / (count + weight);
      }
  }

  std::vector<double> Gains() const override { return gains_; }
  void Save(ByteWriter* out) const override {
    PutFloats(prior_, out);
    trees_.Save(out);
  }
  bool Set(std::vector<float> prior, Trees trees) {
    prior_ = std::move(prior);
    trees_ = std::move(trees);
    return trees_.num_outputs() == prior_.size() && trees_.num_trees() > 0;
  }

 private:
  Configuration configuration_;
  size_t num_classes_;
  Trees trees_;
  std::vector<float> prior_;
  std::vector<double> gains_;
};

}  // namespace

std::unique_ptr<Learner> MakeForest(const Configuration& configuration, size_t num_classes) {
  return std::make_unique<Forest>(configuration, num_classes);
}

Result<std::unique_ptr<Learner>> LoadForest(Family family, ByteReader* in, size_t num_classes,
                                            size_t width) {
  auto forest = std::make_unique<Forest>(Configuration{family, {}}, num_classes);
  ASSIGN_OR_RETURN(std::vector<float> prior, GetFloats(in, std::max<size_t>(1, num_classes)));
  ASSIGN_OR_RETURN(Trees trees, Trees::Load(in, width));
  if (!forest->Set(std::move(prior), std::move(trees)))
    return MakeError(ErrorCode::kCorrupt, "the trees of the model are damaged");
  return forest;
}

}  // namespace sirocco::automl
