// Boosted trees laid out for prediction of single rows: the library's own call costs a millisecond.
// A tree is a run of 12-byte nodes with the two children side by side; prediction is a walk and a
// sum, in the order of the trees.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace sirocco::automl {

class FlatTrees {
 public:
  // From XGBoost's JSON form of a model. kCorrupt: not such a text, or indices out of range.
  static Result<FlatTrees> FromJson(std::string_view json, size_t num_features, size_t num_outputs);

  // Sums of the leaves per output, added to `sums`; NaN is a missing value.
  void Add(const float* row, float* sums) const;
  // The same for many rows: `width` values and `num_outputs` sums each. The sums are those of Add
  // to the last bit.
  void AddRows(const float* rows, size_t width, size_t num_rows, float* sums,
               size_t num_outputs) const;

 private:
  float Walk(uint32_t root, const float* row) const;

  struct Node {
    float value;      // threshold, or the leaf's value
    int32_t feature;  // of the row; -1: a leaf
    uint32_t child;   // index of the left child << 1 | whether missing values go left
  };
  std::vector<Node> nodes_;
  std::vector<uint32_t> roots_;
  std::vector<uint32_t> outputs_;  // of each tree
};

}  // namespace sirocco::automl
