#include "automl/learner.h"

#include <algorithm>
#include <cmath>

#include "automl/learners.h"

namespace sirocco::automl {

const char* AlgorithmName(Family family, bool is_classification) {
  switch (family) {
    case Family::kBoosted:
      return is_classification ? "XGBClassifier" : "XGBRegressor";
    case Family::kLeafBoosted:
      return is_classification ? "LGBMClassifier" : "LGBMRegressor";
    case Family::kForest:
      return is_classification ? "RandomForestClassifier" : "RandomForestRegressor";
    case Family::kExtraTrees:
      return is_classification ? "ExtraTreesClassifier" : "ExtraTreesRegressor";
    case Family::kDecisionTree:
      return is_classification ? "DecisionTreeClassifier" : "DecisionTreeRegressor";
    case Family::kLinear:
      return is_classification ? "LogisticRegression" : "LinearRegression";
    case Family::kKernel:
      return is_classification ? "SVC" : "SVR";
    case Family::kNeighbours:
      return is_classification ? "KNeighborsClassifier" : "KNeighborsRegressor";
    case Family::kBayes:
      return "GaussianNB";
  }
  return "";
}

std::unique_ptr<Learner> MakeLearner(const Configuration& configuration, size_t num_classes) {
  switch (configuration.family) {
    case Family::kBoosted:
    case Family::kLeafBoosted:
      return MakeBooster(configuration, num_classes);
    case Family::kForest:
    case Family::kExtraTrees:
    case Family::kDecisionTree:
      return MakeForest(configuration, num_classes);
    case Family::kLinear:
    case Family::kKernel:
      return MakeKernelMachine(configuration, num_classes);
    case Family::kNeighbours:
      return MakeNeighbours(configuration, num_classes);
    case Family::kBayes:
      return MakeBayes(configuration, num_classes);
  }
  return nullptr;
}

void SaveLearner(const Learner& learner, ByteWriter* out) {
  out->Put(static_cast<uint8_t>(learner.family()));
  learner.Save(out);
}

Result<std::unique_ptr<Learner>> LoadLearner(ByteReader* in, size_t num_classes, size_t tree_width,
                                             size_t dense_width) {
  const auto family = in->GetEnum(kFirstFamily, kLastFamily);
  if (!in->ok()) return MakeError(ErrorCode::kCorrupt, "the model's family is unknown");
  switch (family) {
    case Family::kBoosted:
    case Family::kLeafBoosted:
      return LoadBooster(family, in, num_classes, tree_width);
    case Family::kForest:
    case Family::kExtraTrees:
    case Family::kDecisionTree:
      return LoadForest(family, in, num_classes, tree_width);
    case Family::kLinear:
    case Family::kKernel:
      return LoadKernelMachine(family, in, num_classes, dense_width);
    case Family::kNeighbours:
      return LoadNeighbours(in, num_classes, dense_width);
    case Family::kBayes:
      return LoadBayes(in, num_classes, dense_width);
  }
  return MakeError(ErrorCode::kCorrupt, "the model's family is unknown");
}

double EstimateSeconds(const Configuration& c, size_t num_rows, size_t tree_width,
                       size_t dense_width, size_t num_outputs) {
  const auto n = static_cast<double>(num_rows);
  const auto trees = static_cast<double>(tree_width), dense = static_cast<double>(dense_width);
  const auto k = static_cast<double>(num_outputs);
  switch (c.family) {
    case Family::kBoosted:
    case Family::kLeafBoosted: {
      const double leaves = c.at("max_leaves", 31), share = c.at("feature_share", 1);
      const double one_tree = n * trees * share * 1.2e-9 * (1 + 0.4 * std::log2(leaves)) +
                              leaves * trees * share * 4e-7 + n * 1e-8;
      // Early stopping ends most fits at about this part of the rounds.
      return 0.6 * c.at("rounds", 200) * (k > 2 ? k : 1) * one_tree;
    }
    case Family::kForest:
    case Family::kExtraTrees:
    case Family::kDecisionTree: {
      const double per_split = std::max(1.0, c.at("feature_share", 0.3) * trees);
      const double cost = c.family == Family::kExtraTrees ? 6e-9 : 1.6e-8;
      return c.at("trees", 100) * n * std::log2(n + 2) * per_split * cost;
    }
    case Family::kLinear:
      return 40 * 2 * n * dense * std::max(1.0, k) * 1.2e-10 + n * 2e-7;
    case Family::kKernel: {
      const double m = std::min(n, c.at("landmarks", 600));
      return n * m * (dense * 1e-10 + 4e-9) + m * m * (n + m) * 1e-10 + 60 * n * m * k * 1.2e-10;
    }
    case Family::kNeighbours:
      return n * n * (dense * 1e-10 + 1e-9);
    case Family::kBayes:
      return n * dense * (1 + k) * 3e-9;
  }
  return 0;
}

void Softmax(float* row, size_t count) {
  const float most = *std::max_element(row, row + count);
  float sum = 0;
  for (size_t i = 0; i < count; ++i) sum += row[i] = std::exp(row[i] - most);
  for (size_t i = 0; i < count; ++i) row[i] /= sum;
}

}  // namespace sirocco::automl
