#include "automl/tree_shap.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sirocco::automl {

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Legendre's polynomial and its slope.
std::pair<double, double> Legendre(size_t n, double x) {
  double before = 1, value = x;
  for (size_t k = 2; k <= n; ++k) {
    const auto d = static_cast<double>(k);
    const double next = ((2 * d - 1) * x * value - (d - 1) * before) / d;
    before = value;
    value = next;
  }
  return {value, static_cast<double>(n) * (x * value - before) / (x * x - 1)};
}

}  // namespace

TreeShap::TreeShap(const Trees& trees)
    : num_outputs_(trees.num_outputs_), expected_(trees.num_outputs_, 0.0) {
  for (size_t tree = 0; tree < trees.roots_.size(); ++tree) {
    std::vector<Step> path;
    Collect(trees, trees.roots_[tree], &path, trees.outputs_[tree]);
  }
  size_t most = 1;
  for (const Leaf& leaf : leaves_) most = std::max<size_t>(most, leaf.points);
  nodes_.resize(most + 1);
  weights_.resize(most + 1);
  for (size_t n = 1; n <= most; ++n)
    for (size_t i = 0; i < n; ++i) {
      double x = std::cos(M_PI * (static_cast<double>(i) + 0.75) / (static_cast<double>(n) + 0.5));
      for (int round = 0; n > 1 && round < 50; ++round) {
        const auto [value, slope] = Legendre(n, x);
        x -= value / slope;
      }
      if (n == 1) x = 0;
      const double slope = n == 1 ? 1 : Legendre(n, x).second;
      nodes_[n].push_back((x + 1) / 2);
      weights_[n].push_back(1 / ((1 - x * x) * slope * slope));
    }
}

void TreeShap::Collect(const Trees& trees, uint32_t at, std::vector<Step>* path, int32_t output) {
  const Trees::Node& node = trees.nodes_[at];
  if ((node.child & Trees::kInternal) == 0) {
    Leaf leaf{static_cast<uint32_t>(steps_.size()), static_cast<uint32_t>(path->size()),
              static_cast<uint32_t>(std::max<size_t>(1, path->size() / 2 + path->size() % 2)),
              output, static_cast<uint32_t>(values_.size())};
    double share = 1;
    for (const Step& step : *path) share *= step.share;
    if (output >= 0) {
      values_.push_back(node.value);
      expected_[static_cast<size_t>(output)] += share * node.value;
    } else {
      for (size_t k = 0; k < num_outputs_; ++k) {
        values_.push_back(trees.leaves_[trees.leaf_at_[at] + k]);
        expected_[k] += share * values_.back();
      }
    }
    steps_.insert(steps_.end(), path->begin(), path->end());
    leaves_.push_back(leaf);
    return;
  }
  const bool missing_left = (node.child & Trees::kMissingLeft) != 0;
  for (const bool is_left : {true, false}) {
    const uint32_t child = (node.child >> 2) + (is_left ? 0 : 1);
    auto found = std::find_if(path->begin(), path->end(),
                              [&](const Step& step) { return step.feature == node.feature; });
    const bool is_new = found == path->end();
    const Step before = is_new ? Step{node.feature, -kInfinity, kInfinity, true, 1} : *found;
    Step step = before;
    (is_left ? step.high : step.low) =
        is_left ? std::min(step.high, node.value) : std::max(step.low, node.value);
    step.takes_missing = step.takes_missing && is_left == missing_left;
    step.share *= trees.share_[child];
    const size_t place = static_cast<size_t>(found - path->begin());
    if (is_new)
      path->push_back(step);
    else
      (*path)[place] = step;
    Collect(trees, child, path, output);
    if (is_new)
      path->pop_back();
    else
      (*path)[place] = before;
  }
}

void TreeShap::Add(const float* row, double* values) const {
  constexpr size_t kMaxPoints = 64, kMaxSteps = 128;
  for (const Leaf& leaf : leaves_) {
    const size_t count = std::min<size_t>(leaf.num_steps, kMaxSteps);
    const size_t points = std::min<size_t>(leaf.points, kMaxPoints);
    const double* t = nodes_[points].data();
    const double* weights = weights_[points].data();
    const Step* steps = &steps_[leaf.first_step];
    double product[kMaxPoints];
    bool passes[kMaxSteps];
    for (size_t p = 0; p < points; ++p) product[p] = weights[p];
    for (size_t i = 0; i < count; ++i) {
      const float value = row[steps[i].feature];
      passes[i] = value != value ? steps[i].takes_missing
                                 : (value >= steps[i].low) & (value < steps[i].high);
      const double one = passes[i] ? 1 : 0, share = steps[i].share;
      for (size_t p = 0; p < points; ++p) product[p] *= share + (one - share) * t[p];
    }
    for (size_t i = 0; i < count; ++i) {
      const double one = passes[i] ? 1 : 0, share = steps[i].share;
      double sum = 0;
      for (size_t p = 0; p < points; ++p) sum += product[p] / (share + (one - share) * t[p]);
      const double part = (one - share) * sum;
      double* out = values + steps[i].feature * num_outputs_;
      if (leaf.output >= 0)
        out[leaf.output] += part * values_[leaf.value_at];
      else
        for (size_t k = 0; k < num_outputs_; ++k) out[k] += part * values_[leaf.value_at + k];
    }
  }
}

}  // namespace sirocco::automl
