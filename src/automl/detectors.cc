#include "automl/detectors.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "automl/learners.h"
#include "automl/linear_solver.h"
#include "automl/random.h"

extern "C" void dsyev_(const char* jobz, const char* uplo, const int* n, double* a, const int* lda,
                       double* w, double* work, const int* lwork, int* info);

namespace sirocco::automl {

namespace {

constexpr size_t kNearest = 15;
constexpr size_t kTrees = 100, kTreeRows = 256;
constexpr uint32_t kTreeDepth = 8;
constexpr size_t kQuantiles = 64;
constexpr size_t kMaxComponents = 200;

std::unexpected<Error> Damaged() {
  return MakeError(ErrorCode::kCorrupt, "the detectors of the model are damaged");
}

// Both detectors about neighbours.
class Nearest : public Detector {
 public:
  Nearest(DetectorKind kind, Matrix sample) : kind_(kind), sample_(std::move(sample)) {
    Prepare();
    if (kind_ != DetectorKind::kLocal) return;
    // Distance to the last neighbour, then the density of each row of the sample.
    std::vector<int64_t> skip(sample_.rows);
    std::iota(skip.begin(), skip.end(), 0);
    std::vector<std::vector<std::pair<float, uint32_t>>> all;
    ForEach(sample_, skip, [&](size_t, const std::vector<std::pair<float, uint32_t>>& nearest) {
      all.push_back(nearest);
      reach_.push_back(nearest.empty() ? 0 : nearest.back().first);
    });
    for (const auto& nearest : all) density_.push_back(Density(nearest));
  }

  DetectorKind kind() const override { return kind_; }

  std::vector<double> Score(const Matrix& rows, const std::vector<int64_t>& skip) const override {
    std::vector<double> scores;
    ForEach(rows, skip, [&](size_t, const std::vector<std::pair<float, uint32_t>>& nearest) {
      double sum = 0;
      if (nearest.empty()) {
        scores.push_back(0);
        return;
      }
      const auto count = static_cast<double>(nearest.size());
      if (kind_ == DetectorKind::kNeighbours) {
        for (const auto& [distance, other] : nearest) sum += distance;
        scores.push_back(sum / count);
        return;
      }
      for (const auto& [distance, other] : nearest) sum += density_[other];
      scores.push_back(sum / count / std::max(1e-12f, Density(nearest)));
    });
    return scores;
  }

  void Save(ByteWriter* out) const override {
    PutFloats(sample_.values, out);
    if (kind_ != DetectorKind::kLocal) return;
    PutFloats(reach_, out);
    PutFloats(density_, out);
  }
  static Result<std::unique_ptr<Detector>> Load(DetectorKind kind, ByteReader* in, size_t width) {
    const uint32_t count = in->GetCount(4);
    if (!in->ok() || width == 0 || count % width != 0 || count == 0) return Damaged();
    Matrix sample(count / width, width);
    for (float& value : sample.values) value = in->Get<float>();
    std::unique_ptr<Nearest> detector(new Nearest);
    detector->kind_ = kind;
    detector->sample_ = std::move(sample);
    detector->Prepare();
    if (kind == DetectorKind::kLocal) {
      ASSIGN_OR_RETURN(detector->reach_, GetFloats(in, detector->sample_.rows));
      ASSIGN_OR_RETURN(detector->density_, GetFloats(in, detector->sample_.rows));
    }
    return detector;
  }

 private:
  Nearest() = default;
  void Prepare() {
    lengths_.assign(sample_.rows, 0);
    for (size_t i = 0; i < sample_.rows; ++i)
      for (size_t j = 0; j < sample_.cols; ++j)
        lengths_[i] += sample_.row(i)[j] * sample_.row(i)[j];
  }

  // Calls on_row with each row's nearest rows of the sample, by distance.
  template <typename OnRow>
  void ForEach(const Matrix& rows, const std::vector<int64_t>& skip, OnRow&& on_row) const {
    constexpr size_t kBlock = 256;
    std::vector<float> products;
    std::vector<std::pair<float, uint32_t>> all;
    for (size_t begin = 0; begin < rows.rows; begin += kBlock) {
      const size_t size = std::min(rows.rows - begin, kBlock), n = sample_.rows;
      products.resize(size * n);
      MultiplyTransposed(rows.row(begin), size, sample_.values.data(), n, sample_.cols,
                         products.data());
      for (size_t i = 0; i < size; ++i) {
        const float* row = rows.row(begin + i);
        float length = 0;
        for (size_t j = 0; j < rows.cols; ++j) length += row[j] * row[j];
        const int64_t own = skip.empty() ? -1 : skip[begin + i];
        all.clear();
        for (uint32_t other = 0; other < n; ++other)
          if (static_cast<int64_t>(other) != own)
            all.emplace_back(std::max(0.0f, length + lengths_[other] - 2 * products[i * n + other]),
                             other);
        const size_t count = std::min(kNearest, all.size());
        std::partial_sort(all.begin(), all.begin() + static_cast<ptrdiff_t>(count), all.end());
        all.resize(count);
        for (auto& [distance, other] : all) distance = std::sqrt(distance);
        on_row(begin + i, all);
      }
    }
  }

  float Density(const std::vector<std::pair<float, uint32_t>>& nearest) const {
    float sum = 1e-6f;
    for (const auto& [distance, other] : nearest) sum += std::max(distance, reach_[other]);
    return static_cast<float>(nearest.size()) / sum;
  }

  DetectorKind kind_ = DetectorKind::kNeighbours;
  Matrix sample_;
  std::vector<float> lengths_, reach_, density_;
};

class Components : public Detector {
 public:
  explicit Components(const Matrix& sample) {
    const size_t d = sample.cols;
    mean_.assign(d, 0);
    for (size_t i = 0; i < sample.rows; ++i)
      for (size_t j = 0; j < d; ++j) mean_[j] += sample.row(i)[j] / static_cast<float>(sample.rows);
    std::vector<double> covariance(d * d, 0.0);
    for (size_t i = 0; i < sample.rows; ++i)
      for (size_t a = 0; a < d; ++a) {
        const double x = sample.row(i)[a] - mean_[a];
        for (size_t b = 0; b <= a; ++b)
          covariance[a * d + b] +=
              x * (sample.row(i)[b] - mean_[b]) / static_cast<double>(sample.rows);
      }
    for (size_t a = 0; a < d; ++a)
      for (size_t b = 0; b < a; ++b) covariance[b * d + a] = covariance[a * d + b];
    std::vector<double> values(d), work(std::max<size_t>(64, 34 * d));
    const int n = static_cast<int>(d), size = static_cast<int>(work.size());
    int info = 0;
    dsyev_("V", "U", &n, covariance.data(), &n, values.data(), work.data(), &size, &info);
    double total = 0;
    for (const double value : values) total += std::max(0.0, value);
    // Vectors are rows of the result; small variances get a floor, so that noise does not rule.
    for (size_t k = d; k-- > 0 && axes_.size() < kMaxComponents * d;) {
      if (info != 0) break;
      const double variance = std::max(values[k], 0.01 * total / static_cast<double>(d)) + 1e-9;
      for (size_t j = 0; j < d; ++j)
        axes_.push_back(static_cast<float>(covariance[k * d + j] / std::sqrt(variance)));
    }
  }
  Components(std::vector<float> mean, std::vector<float> axes)
      : mean_(std::move(mean)), axes_(std::move(axes)) {}

  DetectorKind kind() const override { return DetectorKind::kComponents; }
  std::vector<double> Score(const Matrix& rows, const std::vector<int64_t>&) const override {
    const size_t d = mean_.size(), k = d == 0 ? 0 : axes_.size() / d;
    Matrix centred = rows;
    for (size_t i = 0; i < rows.rows; ++i)
      for (size_t j = 0; j < d; ++j) centred.row(i)[j] -= mean_[j];
    std::vector<float> products(rows.rows * k);
    MultiplyTransposed(centred.values.data(), rows.rows, axes_.data(), k, d, products.data());
    std::vector<double> scores(rows.rows, 0.0);
    for (size_t i = 0; i < rows.rows; ++i) {
      for (size_t j = 0; j < k; ++j)
        scores[i] += static_cast<double>(products[i * k + j]) * products[i * k + j];
      scores[i] = std::sqrt(scores[i]);
    }
    return scores;
  }
  void Save(ByteWriter* out) const override {
    PutFloats(mean_, out);
    out->Put(static_cast<uint32_t>(mean_.empty() ? 0 : axes_.size() / mean_.size()));
    PutFloats(axes_, out);
  }

 private:
  std::vector<float> mean_, axes_;
};

class Isolation : public Detector {
 public:
  struct Node {
    float cut = 0;
    uint32_t feature = 0, left = 0;  // left 0: a leaf, `cut` is the depth its rows would reach
  };
  Isolation() = default;
  Isolation(const Matrix& sample, uint32_t seed) {
    for (size_t t = 0; t < kTrees; ++t) {
      Random random(seed * 7919ull + t);
      Indices rows(std::min(kTreeRows, sample.rows));
      for (uint32_t& row : rows) row = static_cast<uint32_t>(random.Below(sample.rows));
      const auto root = static_cast<uint32_t>(nodes_.size());
      roots_.push_back(root);
      nodes_.emplace_back();
      Grow(sample, root, std::move(rows), 0, &random);
    }
    usual_ = UsualDepth(static_cast<double>(std::min(kTreeRows, sample.rows)));
  }

  DetectorKind kind() const override { return DetectorKind::kIsolation; }
  std::vector<double> Score(const Matrix& rows, const std::vector<int64_t>&) const override {
    std::vector<double> scores;
    for (size_t i = 0; i < rows.rows; ++i) {
      double depth = 0;
      for (const uint32_t root : roots_) {
        const Node* node = &nodes_[root];
        while (node->left != 0)
          node = &nodes_[node->left + (rows.row(i)[node->feature] < node->cut ? 0 : 1)];
        depth += node->cut;
      }
      scores.push_back(
          std::exp2(-depth / static_cast<double>(roots_.size()) / std::max(1e-9, usual_)));
    }
    return scores;
  }
  void Save(ByteWriter* out) const override {
    out->Put(usual_);
    out->Put(static_cast<uint32_t>(roots_.size()));
    for (const uint32_t root : roots_) out->Put(root);
    out->Put(static_cast<uint32_t>(nodes_.size()));
    for (const Node& node : nodes_) {
      out->Put(node.cut);
      out->Put(node.feature);
      out->Put(node.left);
    }
  }
  static Result<std::unique_ptr<Detector>> Load(ByteReader* in, size_t width) {
    auto detector = std::make_unique<Isolation>();
    detector->usual_ = in->Get<double>();
    const uint32_t trees = in->GetCount(4);
    for (uint32_t i = 0; i < trees; ++i) detector->roots_.push_back(in->Get<uint32_t>());
    const uint32_t count = in->GetCount(12);
    for (uint32_t i = 0; i < count; ++i) {
      Node& node = detector->nodes_.emplace_back();
      node.cut = in->Get<float>();
      node.feature = in->Get<uint32_t>();
      node.left = in->Get<uint32_t>();
      // Children follow their parents: walks end.
      if (node.feature >= width || (node.left != 0 && (node.left <= i || node.left + 1 >= count)))
        return Damaged();
    }
    for (const uint32_t root : detector->roots_)
      if (root >= count) return Damaged();
    if (!in->ok() || trees == 0) return Damaged();
    return detector;
  }

 private:
  // Mean depth of a search tree of that many keys.
  static double UsualDepth(double n) {
    return n <= 1 ? 0 : 2 * (std::log(n - 1 + 1e-9) + 0.5772156649) - 2 * (n - 1) / n;
  }
  void Grow(const Matrix& sample, uint32_t at, Indices rows, uint32_t depth, Random* random) {
    const auto close = [&] {
      nodes_[at].cut =
          static_cast<float>(depth + std::max(0.0, UsualDepth(static_cast<double>(rows.size()))));
    };
    if (rows.size() <= 1 || depth >= kTreeDepth) return close();
    for (int attempt = 0; attempt < 8; ++attempt) {
      const auto feature = static_cast<uint32_t>(random->Below(sample.cols));
      float low = HUGE_VALF, high = -HUGE_VALF;
      for (const uint32_t row : rows) {
        low = std::min(low, sample.row(row)[feature]);
        high = std::max(high, sample.row(row)[feature]);
      }
      if (!(low < high)) continue;
      const auto cut = static_cast<float>(low + (high - low) * (0.001 + 0.998 * random->Uniform()));
      Indices left, right;
      for (const uint32_t row : rows)
        (sample.row(row)[feature] < cut ? left : right).push_back(row);
      if (left.empty() || right.empty()) continue;
      const auto child = static_cast<uint32_t>(nodes_.size());
      nodes_.resize(nodes_.size() + 2);
      nodes_[at] = {cut, feature, child};
      Grow(sample, child, std::move(left), depth + 1, random);
      Grow(sample, child + 1, std::move(right), depth + 1, random);
      return;
    }
    close();
  }

  std::vector<Node> nodes_;
  std::vector<uint32_t> roots_;
  double usual_ = 1;
};

class Tails : public Detector {
 public:
  Tails() = default;
  explicit Tails(const Matrix& sample) {
    for (size_t j = 0; j < sample.cols; ++j) {
      std::vector<float> values;
      for (size_t i = 0; i < sample.rows; ++i) values.push_back(sample.row(i)[j]);
      std::sort(values.begin(), values.end());
      for (size_t q = 0; q < kQuantiles; ++q)
        quantiles_.push_back(values[q * (values.size() - 1) / (kQuantiles - 1)]);
    }
  }
  DetectorKind kind() const override { return DetectorKind::kTails; }
  std::vector<double> Score(const Matrix& rows, const std::vector<int64_t>&) const override {
    std::vector<double> scores(rows.rows, 0.0);
    const size_t d = quantiles_.size() / kQuantiles;
    for (size_t i = 0; i < rows.rows; ++i)
      for (size_t j = 0; j < d; ++j) {
        const float* own = &quantiles_[j * kQuantiles];
        const float value = rows.row(i)[j];
        const auto below = std::lower_bound(own, own + kQuantiles, value) - own;
        const auto above = own + kQuantiles - std::upper_bound(own, own + kQuantiles, value);
        const double tail = (static_cast<double>(std::min(below, above)) + 0.5) / (kQuantiles + 1);
        // Beyond the last quantile, by the distance in spreads.
        const float spread = own[kQuantiles * 3 / 4] - own[kQuantiles / 4] + 1e-6f;
        const float beyond = std::max({0.0f, own[0] - value, value - own[kQuantiles - 1]}) / spread;
        scores[i] -= std::log(tail) - beyond;
      }
    return scores;
  }
  void Save(ByteWriter* out) const override { PutFloats(quantiles_, out); }
  static Result<std::unique_ptr<Detector>> Load(ByteReader* in, size_t width) {
    auto detector = std::make_unique<Tails>();
    ASSIGN_OR_RETURN(detector->quantiles_, GetFloats(in, width * kQuantiles));
    return detector;
  }

 private:
  std::vector<float> quantiles_;  // kQuantiles per feature
};

}  // namespace

std::unique_ptr<Detector> LearnDetector(DetectorKind kind, const Matrix& sample, uint32_t seed) {
  switch (kind) {
    case DetectorKind::kNeighbours:
    case DetectorKind::kLocal:
      return std::make_unique<Nearest>(kind, sample);
    case DetectorKind::kComponents:
      return std::make_unique<Components>(sample);
    case DetectorKind::kIsolation:
      return std::make_unique<Isolation>(sample, seed);
    case DetectorKind::kTails:
      return std::make_unique<Tails>(sample);
  }
  return nullptr;
}

Result<std::unique_ptr<Detector>> LoadDetector(DetectorKind kind, ByteReader* in, size_t width) {
  switch (kind) {
    case DetectorKind::kNeighbours:
    case DetectorKind::kLocal:
      return Nearest::Load(kind, in, width);
    case DetectorKind::kComponents: {
      ASSIGN_OR_RETURN(std::vector<float> mean, GetFloats(in, width));
      const auto count = in->Get<uint32_t>();
      ASSIGN_OR_RETURN(std::vector<float> axes, GetFloats(in, count * width));
      return std::make_unique<Components>(std::move(mean), std::move(axes));
    }
    case DetectorKind::kIsolation:
      return Isolation::Load(in, width);
    case DetectorKind::kTails:
      return Tails::Load(in, width);
  }
  return Damaged();
}

}  // namespace sirocco::automl
