// Trees laid out for prediction and explanation: boosted ones with one number per leaf, added to
// one output each, and forests with a number per output in each leaf.
//
// Shape: a tree is a run of 12-byte nodes, the two children of a node side by side. A row goes left
// if its value is below the threshold; a missing value goes its node's own way. Threads: const
// methods from any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "automl/matrix.h"
#include "common/bytes.h"
#include "common/error.h"

namespace sirocco::automl {

class Trees {
 public:
  explicit Trees(size_t num_outputs = 1) : num_outputs_(num_outputs) {}

  // A tree as it grows. Node 0 is the root; children follow their parents.
  struct GrownNode {
    int32_t feature = -1;  // -1: a leaf
    float threshold = 0;
    bool missing_left = false;
    uint32_t left = 0, right = 0;
    float cover = 0;            // rows, or their weight
    std::vector<float> values;  // of a leaf
  };
  // `output`: of the single number in its leaves; -1: leaves have one number per output.
  void AddTree(std::span<const GrownNode> nodes, int output);
  // Drops trees from the end until `count` are left.
  void Truncate(size_t count);

  size_t num_trees() const { return roots_.size(); }
  size_t num_outputs() const { return num_outputs_; }
  size_t num_nodes() const { return nodes_.size(); }

  // Adds the leaves of all trees to num_outputs() sums per row. The same sums whatever the number
  // of rows at once. `first_tree`: only the trees from there on.
  void AddRows(const float* rows, size_t width, size_t num_rows, float* sums,
               size_t first_tree = 0) const;
  void Save(ByteWriter* out) const;
  // kCorrupt: indices out of range.
  static Result<Trees> Load(ByteReader* in, size_t num_features);

 private:
  friend class TreeShap;
  struct Node {
    float value;       // threshold; of a leaf: its number
    uint32_t feature;  // of the row; of a leaf 0
    uint32_t child;    // index of the left child (of a leaf: its own) << 2 | bits
  };
  static constexpr uint32_t kMissingLeft = 1, kInternal = 2;
  // Finishes a tree whose nodes have just been added, `first` being the root.
  void CloseTree(uint32_t first, int output);

  size_t num_outputs_ = 1;
  std::vector<Node> nodes_;
  std::vector<float> share_;       // per node: its part of its parent's rows
  std::vector<uint32_t> leaf_at_;  // per node: of a leaf with several numbers, where they begin
  std::vector<float> leaves_;
  std::vector<uint32_t> roots_;
  std::vector<uint32_t> depths_;  // per tree
  std::vector<int32_t> outputs_;  // per tree
};

}  // namespace sirocco::automl
