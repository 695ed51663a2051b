#include "automl/tree_grower.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "automl/threads.h"

namespace sirocco::automl {

namespace {

constexpr size_t kStride = 256;  // of a feature in a histogram
constexpr float kInfinity = std::numeric_limits<float>::infinity();
// Below this many row-feature pairs a second thread costs more than it saves.
constexpr size_t kParallelWork = 60000;

float ThresholdOf(const Bins& bins, uint32_t feature, uint8_t bin) {
  if (bin == 0) return -kInfinity;
  const std::vector<float>& cuts = bins.cuts[feature];
  return bin <= cuts.size() ? cuts[bin - 1] : kInfinity;
}

}  // namespace

BoostedTreeGrower::BoostedTreeGrower(const Bins& bins, size_t num_threads)
    : bins_(bins), num_threads_(num_threads) {}

void BoostedTreeGrower::Fill(Open* open, const float* gradients, const float* hessians,
                             const Indices& features) {
  if (open->histogram.empty()) {
    if (!spare_.empty()) {
      open->histogram = std::move(spare_.back());
      spare_.pop_back();
    }
    open->histogram.resize(features.size() * kStride);
  }
  const size_t count = open->end - open->begin;
  const bool is_parallel = num_threads_ > 1 && count * features.size() > kParallelWork;
  const size_t parts = is_parallel ? num_threads_ : 1;
  const bool is_all = features.size() == bins_.cols;
  ParallelFor(parts, parts, [&](size_t part) {
    const size_t from = features.size() * part / parts, to = features.size() * (part + 1) / parts;
    Pair* histogram = open->histogram.data();
    std::fill(histogram + from * kStride, histogram + to * kStride, Pair{});
    const uint32_t* chosen = features.data();
    for (size_t i = open->begin; i < open->end; ++i) {
      const uint32_t row = rows_[i];
      const float g = gradients[row], h = hessians[row];
      const uint8_t* bins = bins_.row(row);
      if (is_all) {
        for (size_t f = from; f < to; ++f) {
          Pair& pair = histogram[f * kStride + bins[f]];
          pair.g += g;
          pair.h += h;
        }
      } else {
        for (size_t f = from; f < to; ++f) {
          Pair& pair = histogram[f * kStride + bins[chosen[f]]];
          pair.g += g;
          pair.h += h;
        }
      }
    }
  });
}

void BoostedTreeGrower::FindSplit(Open* open, const BoostedTreeOptions& options,
                                  const Indices& features) const {
  open->split = {};
  const double parent = open->g * open->g / (open->h + options.lambda);
  for (size_t f = 0; f < features.size(); ++f) {
    const Pair* pairs = &open->histogram[f * kStride];
    const size_t num_bins = bins_.num_bins(features[f]);
    const double missing_g = pairs[0].g, missing_h = pairs[0].h;
    const bool has_missing = missing_h > 1e-9;
    double g = 0, h = 0;
    const auto consider = [&](double left_g, double left_h, size_t bin, bool missing_left) {
      const double right_g = open->g - left_g, right_h = open->h - left_h;
      if (left_h < options.min_weight || right_h < options.min_weight) return;
      const double gain = left_g * left_g / (left_h + options.lambda) +
                          right_g * right_g / (right_h + options.lambda) - parent;
      if (gain > open->split.gain + 1e-9 && gain > options.min_gain)
        open->split = {gain, features[f], static_cast<uint8_t>(bin), missing_left};
    };
    for (size_t bin = 1; bin + 1 < num_bins; ++bin) {
      g += pairs[bin].g;
      h += pairs[bin].h;
      if (pairs[bin].h == 0 && bin > 1) continue;
      consider(g, h, bin, false);
      if (has_missing) consider(g + missing_g, h + missing_h, bin, true);
    }
    // The missing values alone against all others.
    if (has_missing) consider(missing_g, missing_h, 0, true);
  }
}

std::vector<Trees::GrownNode> BoostedTreeGrower::Grow(const BoostedTreeOptions& options,
                                                      const float* gradients, const float* hessians,
                                                      Indices rows, const Indices& features,
                                                      std::vector<double>* gains) {
  rows_ = std::move(rows);
  buffer_.resize(rows_.size());
  leaf_rows_.clear();
  std::vector<Trees::GrownNode> nodes(1);
  std::vector<Open> open(1);
  open[0].end = rows_.size();
  for (const uint32_t row : rows_) {
    open[0].g += gradients[row];
    open[0].h += hessians[row];
  }
  Fill(&open[0], gradients, hessians, features);
  FindSplit(&open[0], options, features);
  const auto close = [&](Open* leaf) {
    nodes[leaf->node].values = {
        static_cast<float>(-leaf->g / (leaf->h + options.lambda) * options.learning_rate)};
    nodes[leaf->node].cover = static_cast<float>(leaf->end - leaf->begin);
    leaf_rows_.push_back(
        {leaf->node, std::span(rows_).subspan(leaf->begin, leaf->end - leaf->begin)});
    if (!leaf->histogram.empty()) spare_.push_back(std::move(leaf->histogram));
  };
  for (size_t num_leaves = 1; num_leaves < options.max_leaves; ++num_leaves) {
    const auto best = std::max_element(open.begin(), open.end(), [](const Open& a, const Open& b) {
      return a.split.gain < b.split.gain;
    });
    if (best == open.end() || best->split.gain <= 0) break;
    Open parent = std::move(*best);
    open.erase(best);
    const Split split = parent.split;
    if (gains != nullptr) (*gains)[split.feature] += split.gain;
    // Rows keep their order on both sides.
    size_t left_end = parent.begin, num_right = 0;
    Open left, right;
    for (size_t i = parent.begin; i < parent.end; ++i) {
      const uint32_t row = rows_[i];
      const uint8_t bin = bins_.row(row)[split.feature];
      const bool is_left = bin == 0 ? split.missing_left : bin <= split.bin;
      if (is_left) {
        rows_[left_end++] = row;
        left.g += gradients[row];
        left.h += hessians[row];
      } else {
        buffer_[num_right++] = row;
      }
    }
    std::copy_n(buffer_.begin(), num_right, rows_.begin() + static_cast<ptrdiff_t>(left_end));
    right.g = parent.g - left.g;
    right.h = parent.h - left.h;
    left.begin = parent.begin;
    left.end = right.begin = left_end;
    right.end = parent.end;
    left.depth = right.depth = parent.depth + 1;
    left.node = static_cast<uint32_t>(nodes.size());
    right.node = left.node + 1;
    nodes.resize(nodes.size() + 2);
    Trees::GrownNode& node = nodes[parent.node];
    node.feature = static_cast<int32_t>(split.feature);
    node.threshold = ThresholdOf(bins_, split.feature, split.bin);
    node.missing_left = split.missing_left;
    node.left = left.node;
    node.right = right.node;
    node.cover = static_cast<float>(parent.end - parent.begin);
    nodes[left.node].cover = static_cast<float>(left.end - left.begin);
    nodes[right.node].cover = static_cast<float>(right.end - right.begin);
    const bool may_go_on = left.depth < options.max_depth && num_leaves + 1 < options.max_leaves;
    if (may_go_on) {
      // The smaller side is counted; the larger one is the rest of the parent.
      Open& small = left.end - left.begin < right.end - right.begin ? left : right;
      Open& large = &small == &left ? right : left;
      Fill(&small, gradients, hessians, features);
      large.histogram = std::move(parent.histogram);
      for (size_t i = 0; i < large.histogram.size(); ++i) {
        large.histogram[i].g -= small.histogram[i].g;
        large.histogram[i].h = std::max(0.0f, large.histogram[i].h - small.histogram[i].h);
      }
      FindSplit(&left, options, features);
      FindSplit(&right, options, features);
    } else if (!parent.histogram.empty()) {
      spare_.push_back(std::move(parent.histogram));
    }
    for (Open* child : {&left, &right}) {
      if (child->split.gain > 0)
        open.push_back(std::move(*child));
      else
        close(child);
    }
  }
  for (Open& leaf : open) close(&leaf);
  return nodes;
}

namespace {

// A node of a forest tree that is still to be split.
struct Pending {
  uint32_t node;
  size_t begin, end, depth;
};

// Sums over the rows of one side: of each class, or of numbers; `impurity_gain` grows with purity.
class Side {
 public:
  explicit Side(size_t num_classes) : counts_(num_classes, 0.0) {}
  void Clear() {
    std::fill(counts_.begin(), counts_.end(), 0.0);
    rows_ = sum_ = squares_ = 0;
  }
  void Add(float value, double sign) {
    rows_ += sign;
    if (counts_.empty()) {
      sum_ += sign * value;
      return;
    }
    double& count = counts_[static_cast<size_t>(value)];
    squares_ += 2 * sign * count + 1;
    count += sign;
  }
  double rows() const { return rows_; }
  double Purity() const {
    return rows_ == 0 ? 0 : (counts_.empty() ? sum_ * sum_ : squares_) / rows_;
  }

 private:
  std::vector<double> counts_;
  double rows_ = 0, sum_ = 0, squares_ = 0;
};

struct ForestSplit {
  double purity = 0;
  uint32_t feature = 0;
  uint8_t bin = 0;
};

}  // namespace

std::vector<Trees::GrownNode> GrowForestTree(const Bins& bins, const ForestTreeOptions& options,
                                             size_t num_classes, std::span<const float> values,
                                             Indices rows, Random* random,
                                             std::vector<double>* gains) {
  std::vector<Trees::GrownNode> nodes(1);
  std::vector<Pending> pending = {{0, 0, rows.size(), 0}};
  Indices order(bins.cols), sorted(rows.size()), buffer(rows.size());
  for (uint32_t i = 0; i < bins.cols; ++i) order[i] = i;
  Side left(num_classes), right(num_classes);
  size_t num_leaves = 1;
  const auto close = [&](const Pending& leaf) {
    Trees::GrownNode& node = nodes[leaf.node];
    const auto count = static_cast<double>(leaf.end - leaf.begin);
    node.cover = static_cast<float>(count);
    std::vector<double> sums(std::max<size_t>(1, num_classes), 0.0);
    for (size_t i = leaf.begin; i < leaf.end; ++i)
      if (num_classes == 0)
        sums[0] += values[rows[i]];
      else
        sums[static_cast<size_t>(values[rows[i]])] += 1;
    for (const double sum : sums) node.values.push_back(static_cast<float>(sum / count));
  };
  while (!pending.empty()) {
    const Pending at = pending.back();
    pending.pop_back();
    const size_t count = at.end - at.begin;
    nodes[at.node].cover = static_cast<float>(count);
    const float first = values[rows[at.begin]];
    bool is_pure = true;
    for (size_t i = at.begin; i < at.end && is_pure; ++i) is_pure = values[rows[i]] == first;
    if (is_pure || count < 2 * options.min_leaf || at.depth >= options.max_depth ||
        num_leaves >= options.max_leaves) {
      close(at);
      continue;
    }
    ForestSplit best;
    right.Clear();
    for (size_t i = at.begin; i < at.end; ++i) right.Add(values[rows[i]], 1);
    const double parent = right.Purity();
    size_t tried = 0;
    for (size_t k = 0; k < order.size() && tried < options.features_per_split; ++k) {
      std::swap(order[k], order[k + random->Below(order.size() - k)]);
      const uint32_t feature = order[k];
      uint8_t low = 255, high = 0;
      for (size_t i = at.begin; i < at.end; ++i) {
        const uint8_t bin = bins.row(rows[i])[feature];
        low = std::min(low, bin);
        high = std::max(high, bin);
      }
      if (low == high) continue;  // constant here: another one instead
      ++tried;
      left.Clear();
      const auto consider = [&](uint8_t bin) {
        if (left.rows() < static_cast<double>(options.min_leaf) ||
            right.rows() < static_cast<double>(options.min_leaf))
          return;
        const double purity = left.Purity() + right.Purity();
        if (purity > best.purity + 1e-9) best = {purity, feature, bin};
      };
      if (options.random_cuts) {
        right.Clear();
        const auto cut =
            static_cast<uint8_t>(low + random->Below(static_cast<uint64_t>(high - low)));
        for (size_t i = at.begin; i < at.end; ++i) {
          const uint32_t row = rows[i];
          (bins.row(row)[feature] <= cut ? left : right).Add(values[row], 1);
        }
        consider(cut);
        continue;
      }
      // Rows by bin, then one pass that moves them from right to left.
      uint32_t begins[257] = {};
      for (size_t i = at.begin; i < at.end; ++i) ++begins[bins.row(rows[i])[feature] + 1];
      for (size_t bin = low; bin <= high; ++bin) begins[bin + 1] += begins[bin];
      uint32_t ends[256];
      std::copy_n(begins, 256, ends);
      for (size_t i = at.begin; i < at.end; ++i)
        sorted[ends[bins.row(rows[i])[feature]]++] = rows[i];
      right.Clear();
      for (size_t i = 0; i < count; ++i) right.Add(values[sorted[i]], 1);
      for (size_t bin = low; bin < high; ++bin) {
        if (begins[bin] == begins[bin + 1]) continue;
        for (uint32_t i = begins[bin]; i < begins[bin + 1]; ++i) {
          left.Add(values[sorted[i]], 1);
          right.Add(values[sorted[i]], -1);
        }
        consider(static_cast<uint8_t>(bin));
      }
    }
    if (best.purity <= parent + 1e-9) {
      close(at);
      continue;
    }
    if (gains != nullptr) (*gains)[best.feature] += best.purity - parent;
    size_t left_end = at.begin, num_right = 0;
    for (size_t i = at.begin; i < at.end; ++i) {
      if (bins.row(rows[i])[best.feature] <= best.bin)
        rows[left_end++] = rows[i];
      else
        buffer[num_right++] = rows[i];
    }
    std::copy_n(buffer.begin(), num_right, rows.begin() + static_cast<ptrdiff_t>(left_end));
    const auto child = static_cast<uint32_t>(nodes.size());
    nodes.resize(nodes.size() + 2);
    Trees::GrownNode& node = nodes[at.node];
    node.feature = static_cast<int32_t>(best.feature);
    node.threshold = ThresholdOf(bins, best.feature, best.bin);
    node.missing_left = true;  // bin 0 is the lowest
    node.left = child;
    node.right = child + 1;
    ++num_leaves;
    pending.push_back({child + 1, left_end, at.end, at.depth + 1});
    pending.push_back({child, at.begin, left_end, at.depth + 1});
  }
  return nodes;
}

}  // namespace sirocco::automl
