// Grows single trees on binned features: best split first, with histograms of gradients (for
// boosting), or by variance with random choices (for forests).
// Threads: one grower per fit; with more than one thread the features of a node are shared out.
#pragma once

#include <span>

#include "automl/bins.h"
#include "automl/random.h"
#include "automl/trees.h"

namespace sirocco::automl {

struct BoostedTreeOptions {
  size_t max_leaves = 31, max_depth = 6;
  double min_weight = 1;  // of hessians in a leaf
  double lambda = 1;      // added to a leaf's hessian
  double min_gain = 0;
  double learning_rate = 0.1;
};

// One tree on first and second derivatives per row of the matrix; leaves hold the step against the
// gradient. `features`: those that may be split on. `gains`: if not null, per feature of the
// matrix, what its splits gained is added. leaf_rows() then says where each row ended up.
class BoostedTreeGrower {
 public:
  BoostedTreeGrower(const Bins& bins, size_t num_threads);
  std::vector<Trees::GrownNode> Grow(const BoostedTreeOptions& options, const float* gradients,
                                     const float* hessians, Indices rows, const Indices& features,
                                     std::vector<double>* gains);
  // Of the last tree: its leaves as nodes with their rows.
  struct LeafRows {
    uint32_t node;
    std::span<const uint32_t> rows;
  };
  const std::vector<LeafRows>& leaf_rows() const { return leaf_rows_; }

 private:
  struct Pair {
    float g = 0, h = 0;
  };
  struct Split {
    double gain = 0;
    uint32_t feature = 0;
    uint8_t bin = 0;  // rows with bins up to this one go left
    bool missing_left = false;
  };
  struct Open {
    uint32_t node = 0;
    size_t begin = 0, end = 0, depth = 0;  // of rows_
    double g = 0, h = 0;
    std::vector<Pair> histogram;
    Split split;
  };
  void Fill(Open* open, const float* gradients, const float* hessians, const Indices& features);
  void FindSplit(Open* open, const BoostedTreeOptions& options, const Indices& features) const;

  const Bins& bins_;
  const size_t num_threads_;
  Indices rows_, buffer_;
  std::vector<std::vector<Pair>> spare_;
  std::vector<LeafRows> leaf_rows_;
};

struct ForestTreeOptions {
  size_t features_per_split = 1;
  size_t min_leaf = 1, max_depth = 30, max_leaves = 100000;
  bool random_cuts = false;  // one random cut per feature: extra trees
};

// One tree of a forest: leaves hold the classes' shares, or the mean. `values`: classes or numbers
// per row of the matrix. `rows` may name rows several times.
std::vector<Trees::GrownNode> GrowForestTree(const Bins& bins, const ForestTreeOptions& options,
                                             size_t num_classes, std::span<const float> values,
                                             Indices rows, Random* random,
                                             std::vector<double>* gains);

}  // namespace sirocco::automl
