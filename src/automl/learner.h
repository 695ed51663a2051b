// One model of a family, trained on some rows of a prepared table. Learners are what the selection
// compares and the ensemble is made of.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "automl/bins.h"
#include "automl/matrix.h"
#include "automl/target.h"
#include "common/bytes.h"
#include "common/error.h"

namespace sirocco::automl {

enum class Family : uint8_t {
  kBoosted = 1,  // gradient boosting, trees grown level by level in effect
  kLeafBoosted,  // gradient boosting, best leaf first, more leaves
  kForest,       // random forest
  kExtraTrees,
  kDecisionTree,
  kLinear,  // logistic or ridge regression
  kKernel,  // radial basis functions about landmarks, then logistic or ridge regression
  kNeighbours,
  kBayes,  // Gaussian naive Bayes; classification only
};
inline constexpr Family kFirstFamily = Family::kBoosted;
inline constexpr Family kLastFamily = Family::kBayes;
// HeatWave's name of a family, for classification or regression.
const char* AlgorithmName(Family family, bool is_classification);

// A family with its settings.
struct Configuration {
  Family family = Family::kBoosted;
  std::map<std::string, double> settings;

  double at(const char* name, double otherwise) const {
    const auto found = settings.find(name);
    return found == settings.end() ? otherwise : found->second;
  }
};

// The prepared rows that learners train on. Trees read `bins` (or `tree`), the others `dense`,
// standardised and without missing values. Matrices that no learner of the run needs are empty.
struct TrainingData {
  const Matrix* tree = nullptr;
  const Bins* bins = nullptr;
  const Matrix* dense = nullptr;
  // Factor per dense feature by its importance; may be empty.
  std::vector<float> dense_weights;
  const Target* target = nullptr;
};

struct FitRequest {
  const TrainingData* data = nullptr;
  Indices rows;        // to train on
  Indices validation;  // for early stopping; may be empty
  uint32_t seed = 7;
  size_t num_threads = 1;
  std::function<bool()> is_late = [] { return false; };  // stop growing
};

class Learner {
 public:
  virtual ~Learner() = default;
  virtual Family family() const = 0;
  virtual bool uses_trees() const = 0;  // which matrix Predict takes
  virtual void Fit(const FitRequest& request) = 0;
  // num_outputs numbers per row: probabilities that sum to 1, or a value. Threads: any.
  virtual void Predict(const float* rows, size_t width, size_t num_rows, float* out) const = 0;
  // After Fit with validation rows: their outputs, without computing them again. May be empty.
  virtual std::vector<float> TakeValidationOutputs() { return {}; }
  // Settings for a fit on all rows that follow from this fit (rounds).
  virtual void Adopt(Configuration*) const {}
  // Importance per feature of the matrix; empty if the family has none.
  virtual std::vector<double> Gains() const { return {}; }
  virtual void Save(ByteWriter* out) const = 0;
};

std::unique_ptr<Learner> MakeLearner(const Configuration& configuration, size_t num_classes);
// kCorrupt.
Result<std::unique_ptr<Learner>> LoadLearner(ByteReader* in, size_t num_classes, size_t tree_width,
                                             size_t dense_width);
// With its family in front, as LoadLearner reads it.
void SaveLearner(const Learner& learner, ByteWriter* out);

// About the seconds of one thread that a fit takes: never measured, so that runs repeat.
double EstimateSeconds(const Configuration& configuration, size_t num_rows, size_t tree_width,
                       size_t dense_width, size_t num_outputs);

class Trees;
// The trees of a boosted learner, whose scores are their sums plus `base` (log odds of the second
// class, one per class, or a value); nullptr for other families.
const Trees* TreesOf(const Learner& learner, std::vector<double>* base);

// Divides by the sum of exponentials, in place.
void Softmax(float* row, size_t count);

}  // namespace sirocco::automl
