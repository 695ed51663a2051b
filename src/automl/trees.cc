#include "automl/trees.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sirocco::automl {

namespace {

constexpr uint16_t kLeafMark = 0xFFFF, kMissingMark = 0x8000;
constexpr float kShareScale = 65535;
constexpr uint32_t kMaxDepth = 128;

float RoundShare(float share) { return std::round(share * kShareScale) / kShareScale; }

std::unexpected<Error> Damaged() {
  return MakeError(ErrorCode::kCorrupt, "the trees of the model are damaged");
}

}  // namespace

void Trees::CloseTree(uint32_t first, int output) {
  // Children follow their parents, so depths are known in one pass.
  std::vector<uint32_t> depth(nodes_.size() - first, 0);
  uint32_t deepest = 0;
  for (size_t i = first; i < nodes_.size(); ++i) {
    if ((nodes_[i].child & kInternal) == 0) continue;
    const uint32_t left = nodes_[i].child >> 2;
    depth[left - first] = depth[left + 1 - first] = depth[i - first] + 1;
    deepest = std::max(deepest, depth[left - first]);
  }
  roots_.push_back(first);
  depths_.push_back(deepest);
  outputs_.push_back(output);
}

void Trees::AddTree(std::span<const GrownNode> grown, int output) {
  const auto first = static_cast<uint32_t>(nodes_.size());
  // Breadth first, so that siblings are neighbours.
  std::vector<std::pair<uint32_t, float>> order = {{0, 1.0f}};
  for (size_t at = 0; at < order.size(); ++at) {
    const auto [from, share] = order[at];
    const GrownNode& node = grown[from];
    share_.push_back(RoundShare(share));
    leaf_at_.push_back(static_cast<uint32_t>(leaves_.size()));
    const auto own = static_cast<uint32_t>(first + at);
    if (node.feature < 0) {
      nodes_.push_back({output >= 0 ? node.values[0] : 0.0f, 0, own << 2});
      if (output < 0) leaves_.insert(leaves_.end(), node.values.begin(), node.values.end());
      continue;
    }
    const auto left = static_cast<uint32_t>(first + order.size());
    nodes_.push_back({node.threshold, static_cast<uint32_t>(node.feature),
                      left << 2 | kInternal | (node.missing_left ? kMissingLeft : 0)});
    const float total = grown[node.left].cover + grown[node.right].cover;
    const float part =
        total > 0 ? std::clamp(grown[node.left].cover / total, 1e-4f, 1 - 1e-4f) : 0.5f;
    order.emplace_back(node.left, part);
    order.emplace_back(node.right, 1 - part);
  }
  CloseTree(first, output);
}

void Trees::Truncate(size_t count) {
  if (count >= roots_.size()) return;
  const uint32_t end = roots_[count];
  leaves_.resize(leaf_at_[end]);
  nodes_.resize(end);
  share_.resize(end);
  leaf_at_.resize(end);
  roots_.resize(count);
  depths_.resize(count);
  outputs_.resize(count);
}

void Trees::AddRows(const float* rows, size_t width, size_t num_rows, float* sums,
                    size_t first_tree) const {
  // A tree stays in the first-level cache while a block of rows passes it; rows go down in groups
  // so that their memory accesses overlap.
  constexpr size_t kBlock = 512, kGroup = 8;
  const Node* nodes = nodes_.data();
  const auto step = [nodes](uint32_t at, const float* row) {
    const Node& node = nodes[at];
    const float value = row[node.feature];
    const bool left = (value < node.value) | ((value != value) & (node.child & kMissingLeft));
    return (node.child >> 2) + ((node.child >> 1) & 1 & static_cast<uint32_t>(!left));
  };
  const auto add = [&](size_t tree, uint32_t leaf, float* out) {
    if (outputs_[tree] >= 0) {
      out[outputs_[tree]] += nodes[leaf].value;
      return;
    }
    const float* values = &leaves_[leaf_at_[leaf]];
    for (size_t k = 0; k < num_outputs_; ++k) out[k] += values[k];
  };
  for (size_t begin = 0; begin < num_rows; begin += kBlock) {
    const size_t end = std::min(begin + kBlock, num_rows);
    for (size_t tree = first_tree; tree < roots_.size(); ++tree) {
      size_t row = begin;
      for (; row + kGroup <= end; row += kGroup) {
        uint32_t at[kGroup];
        for (uint32_t& one : at) one = roots_[tree];
        for (uint32_t depth = 0; depth < depths_[tree]; ++depth)
          for (size_t i = 0; i < kGroup; ++i) at[i] = step(at[i], rows + (row + i) * width);
        for (size_t i = 0; i < kGroup; ++i) add(tree, at[i], sums + (row + i) * num_outputs_);
      }
      for (; row < end; ++row) {
        uint32_t at = roots_[tree];
        while (nodes[at].child & kInternal) at = step(at, rows + row * width);
        add(tree, at, sums + row * num_outputs_);
      }
    }
  }
}

void Trees::Save(ByteWriter* out) const {
  out->Put(static_cast<uint32_t>(num_outputs_));
  out->Put(static_cast<uint32_t>(roots_.size()));
  for (size_t tree = 0; tree < roots_.size(); ++tree) {
    const uint32_t end =
        tree + 1 < roots_.size() ? roots_[tree + 1] : static_cast<uint32_t>(nodes_.size());
    out->Put(outputs_[tree]);
    out->Put(end - roots_[tree]);
    for (uint32_t at = roots_[tree]; at < end; ++at) {
      const Node& node = nodes_[at];
      if ((node.child & kInternal) != 0) {
        out->Put(static_cast<uint16_t>(node.feature |
                                       ((node.child & kMissingLeft) != 0 ? kMissingMark : 0)));
        out->Put(node.value);
        out->Put(static_cast<uint16_t>(std::lround(share_[node.child >> 2] * kShareScale)));
        continue;
      }
      out->Put(kLeafMark);
      if (outputs_[tree] >= 0)
        out->Put(node.value);
      else
        for (size_t k = 0; k < num_outputs_; ++k) out->Put(leaves_[leaf_at_[at] + k]);
    }
  }
}

Result<Trees> Trees::Load(ByteReader* in, size_t num_features) {
  const auto num_outputs = in->Get<uint32_t>();
  const uint32_t num_trees = in->GetCount(8);
  if (!in->ok() || num_outputs == 0 || num_outputs > 1000000) return Damaged();
  Trees trees(num_outputs);
  for (uint32_t tree = 0; tree < num_trees; ++tree) {
    const auto output = in->Get<int32_t>();
    const uint32_t count = in->GetCount(6);
    if (!in->ok() || count == 0 || output < -1 || output >= static_cast<int64_t>(num_outputs))
      return Damaged();
    const auto first = static_cast<uint32_t>(trees.nodes_.size());
    uint32_t next = 1;  // child
    for (uint32_t i = 0; i < count; ++i) {
      const auto mark = in->Get<uint16_t>();
      trees.leaf_at_.push_back(static_cast<uint32_t>(trees.leaves_.size()));
      if (trees.share_.size() == first + i) trees.share_.push_back(1);
      if (mark == kLeafMark) {
        float value = 0;
        if (output >= 0)
          value = in->Get<float>();
        else
          for (uint32_t k = 0; k < num_outputs; ++k) trees.leaves_.push_back(in->Get<float>());
        trees.nodes_.push_back({value, 0, (first + i) << 2});
        if (!in->ok()) return Damaged();
        continue;
      }
      const uint32_t feature = mark & ~kMissingMark;
      const auto threshold = in->Get<float>();
      const float share = static_cast<float>(in->Get<uint16_t>()) / kShareScale;
      if (!in->ok() || feature >= num_features || next + 2 > count || next <= i ||
          !(share > 0 && share < 1))
        return Damaged();
      trees.nodes_.push_back(
          {threshold, feature,
           (first + next) << 2 | kInternal | ((mark & kMissingMark) != 0 ? kMissingLeft : 0)});
      trees.share_.resize(first + next);
      trees.share_.push_back(share);
      trees.share_.push_back(RoundShare(1 - share));
      next += 2;
    }
    if (next != count) return Damaged();
    trees.CloseTree(first, output);
    // Explanations go down recursively.
    if (trees.depths_.back() > kMaxDepth) return Damaged();
  }
  return trees;
}

}  // namespace sirocco::automl
