// The families behind MakeLearner and LoadLearner; only learner.cc needs this.
#pragma once

#include <memory>

#include "automl/learner.h"

namespace sirocco::automl {

// Settings: rounds, learning_rate, max_leaves, max_depth, min_weight, lambda, row_share,
// feature_share.
std::unique_ptr<Learner> MakeBooster(const Configuration& configuration, size_t num_classes);
Result<std::unique_ptr<Learner>> LoadBooster(Family family, ByteReader* in, size_t num_classes,
                                             size_t width);
// Settings: trees, feature_share (of a split's candidates), min_leaf, max_depth, max_leaves.
std::unique_ptr<Learner> MakeForest(const Configuration& configuration, size_t num_classes);
Result<std::unique_ptr<Learner>> LoadForest(Family family, ByteReader* in, size_t num_classes,
                                            size_t width);
// Linear and kernel machines. Settings: penalty; kernels also: width (of the kernel, relative to
// the mean distance), landmarks, weighted (features by their importance).
std::unique_ptr<Learner> MakeKernelMachine(const Configuration& configuration, size_t num_classes);
Result<std::unique_ptr<Learner>> LoadKernelMachine(Family family, ByteReader* in,
                                                   size_t num_classes, size_t width);
// Settings: neighbours, weighted.
std::unique_ptr<Learner> MakeNeighbours(const Configuration& configuration, size_t num_classes);
Result<std::unique_ptr<Learner>> LoadNeighbours(ByteReader* in, size_t num_classes, size_t width);
std::unique_ptr<Learner> MakeBayes(const Configuration& configuration, size_t num_classes);
Result<std::unique_ptr<Learner>> LoadBayes(ByteReader* in, size_t num_classes, size_t width);

// Numbers with their count in front; the reader checks that there are `expected`.
void PutFloats(const std::vector<float>& numbers, ByteWriter* out);
Result<std::vector<float>> GetFloats(ByteReader* in, size_t expected);

}  // namespace sirocco::automl
