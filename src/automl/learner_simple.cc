// Nearest neighbours, and naive Bayes with Gaussian features.
#include <algorithm>
#include <cmath>

#include "automl/learners.h"
#include "automl/linear_solver.h"
#include "automl/random.h"

namespace sirocco::automl {

namespace {

constexpr size_t kMaxNumbers = 250000;  // of the rows kept, so that models stay small

class Neighbours : public Learner {
 public:
  Neighbours(const Configuration& configuration, size_t num_classes)
      : count_(static_cast<uint32_t>(configuration.at("neighbours", 15))),
        is_weighted_(configuration.at("weighted", 0) != 0),
        num_classes_(num_classes) {}

  Family family() const override { return Family::kNeighbours; }
  bool uses_trees() const override { return false; }

  void Fit(const FitRequest& request) override {
    const Matrix& dense = *request.data->dense;
    Indices rows = request.rows;
    const size_t most = std::max<size_t>(200, kMaxNumbers / std::max<size_t>(1, dense.cols));
    if (rows.size() > most) {
      Random random(request.seed);
      random.Shuffle(&rows);
      rows.resize(most);
    }
    rows_ = TakeRows(dense, rows);
    scales_.assign(dense.cols, 1);
    if (is_weighted_ && request.data->dense_weights.size() == dense.cols)
      scales_ = request.data->dense_weights;
    values_.clear();
    for (const uint32_t row : rows) values_.push_back(request.data->target->values[row]);
    Prepare();
  }

  void Predict(const float* rows, size_t width, size_t num_rows, float* out) const override {
    constexpr size_t kBlock = 256;
    const size_t outputs = prior_.size(), n = rows_.rows;
    const size_t wanted = std::min<size_t>(count_, n);
    std::vector<float> block, distances;
    std::vector<std::pair<float, uint32_t>> nearest(n);
    for (size_t begin = 0; begin < num_rows; begin += kBlock) {
      const size_t size = std::min(num_rows - begin, kBlock);
      block.assign(rows + begin * width, rows + (begin + size) * width);
      for (size_t i = 0; i < size * width; ++i) block[i] *= scales_[i % width];
      distances.resize(size * n);
      MultiplyTransposed(block.data(), size, scaled_.values.data(), n, width, distances.data());
      for (size_t i = 0; i < size; ++i) {
        for (uint32_t j = 0; j < n; ++j) nearest[j] = {lengths_[j] - 2 * distances[i * n + j], j};
        std::nth_element(nearest.begin(), nearest.begin() + static_cast<ptrdiff_t>(wanted - 1),
                         nearest.end());
        float* own = out + (begin + i) * outputs;
        // Half a row's worth of the classes' shares, so that none is impossible.
        const float weight = num_classes_ == 0 ? 0 : 0.5f;
        for (size_t k = 0; k < outputs; ++k) own[k] = weight * prior_[k];
        for (size_t j = 0; j < wanted; ++j) {
          const float value = values_[nearest[j].second];
          own[num_classes_ == 0 ? 0 : static_cast<size_t>(value)] += num_classes_ == 0 ? value : 1;
        }
        for (size_t k = 0; k < outputs; ++k) own[k] /= static_cast<float>(wanted) + weight;
      }
    }
  }

  void Save(ByteWriter* out) const override {
    out->Put(count_);
    PutFloats(scales_, out);
    PutFloats(values_, out);
    PutFloats(rows_.values, out);
  }
  Result<void> Read(ByteReader* in, size_t width) {
    count_ = in->Get<uint32_t>();
    ASSIGN_OR_RETURN(scales_, GetFloats(in, width));
    rows_.rows = in->GetCount(4);
    for (size_t i = 0; i < rows_.rows && in->ok(); ++i) values_.push_back(in->Get<float>());
    rows_.cols = width;
    ASSIGN_OR_RETURN(rows_.values, GetFloats(in, rows_.rows * width));
    bool is_sound = in->ok() && count_ > 0 && rows_.rows > 0;
    for (const float value : values_)
      if (num_classes_ != 0)
        is_sound = is_sound && value >= 0 && value < static_cast<float>(num_classes_);
    if (!is_sound) return MakeError(ErrorCode::kCorrupt, "the rows of the model are damaged");
    Prepare();
    return {};
  }

 private:
  void Prepare() {
    scaled_ = rows_;
    lengths_.assign(rows_.rows, 0);
    for (size_t i = 0; i < rows_.rows; ++i)
      for (size_t j = 0; j < rows_.cols; ++j) {
        float& value = scaled_.row(i)[j];
        value *= scales_[j];
        lengths_[i] += value * value;
      }
    prior_.assign(std::max<size_t>(1, num_classes_), 0);
    for (const float value : values_)
      prior_[num_classes_ == 0 ? 0 : static_cast<size_t>(value)] +=
          (num_classes_ == 0 ? value : 1) / static_cast<float>(values_.size());
  }

  uint32_t count_;
  bool is_weighted_;
  size_t num_classes_;
  Matrix rows_, scaled_;
  std::vector<float> values_, scales_, lengths_, prior_;
};

class Bayes : public Learner {
 public:
  explicit Bayes(size_t num_classes) : num_classes_(num_classes) {}

  Family family() const override { return Family::kBayes; }
  bool uses_trees() const override { return false; }

  void Fit(const FitRequest& request) override {
    const Matrix& dense = *request.data->dense;
    const Target& target = *request.data->target;
    const size_t d = dense.cols;
    std::vector<double> counts(num_classes_, 0.5), sums(num_classes_ * d),
        squares(num_classes_ * d), all(d), all_squares(d);
    for (const uint32_t row : request.rows) {
      const size_t k = target.class_at(row);
      ++counts[k];
      for (size_t j = 0; j < d; ++j) {
        const double value = dense.row(row)[j];
        sums[k * d + j] += value;
        squares[k * d + j] += value * value;
        all[j] += value;
        all_squares[j] += value * value;
      }
    }
    const auto n = static_cast<double>(request.rows.size());
    numbers_.assign(num_classes_ * (2 * d + 1), 0);
    for (size_t k = 0; k < num_classes_; ++k) {
      float* own = &numbers_[k * (2 * d + 1)];
      own[2 * d] = static_cast<float>(std::log(counts[k] / n));
      for (size_t j = 0; j < d; ++j) {
        const double mean = sums[k * d + j] / counts[k];
        const double pooled = std::max(1e-6, all_squares[j] / n - (all[j] / n) * (all[j] / n));
        // A class with few rows leans on the whole.
        const double variance =
            (std::max(0.0, squares[k * d + j] / counts[k] - mean * mean) * counts[k] + 2 * pooled) /
            (counts[k] + 2);
        own[j] = static_cast<float>(mean);
        own[d + j] = static_cast<float>(std::max(variance, 1e-3 * pooled));
      }
    }
  }

  void Predict(const float* rows, size_t width, size_t num_rows, float* out) const override {
    for (size_t i = 0; i < num_rows; ++i) {
      float* scores = out + i * num_classes_;
      for (size_t k = 0; k < num_classes_; ++k) {
        const float* own = &numbers_[k * (2 * width + 1)];
        double score = own[2 * width];
        for (size_t j = 0; j < width; ++j) {
          const double error = rows[i * width + j] - own[j];
          score -= 0.5 * (std::log(own[width + j]) + error * error / own[width + j]);
        }
        scores[k] = static_cast<float>(score);
      }
      Softmax(scores, num_classes_);
    }
  }

  void Save(ByteWriter* out) const override { PutFloats(numbers_, out); }
  Result<void> Read(ByteReader* in, size_t width) {
    ASSIGN_OR_RETURN(numbers_, GetFloats(in, num_classes_ * (2 * width + 1)));
    return {};
  }

 private:
  size_t num_classes_;
  std::vector<float> numbers_;  // per class: means, variances, logarithm of its share
};

}  // namespace

std::unique_ptr<Learner> MakeNeighbours(const Configuration& configuration, size_t num_classes) {
  return std::make_unique<Neighbours>(configuration, num_classes);
}

Result<std::unique_ptr<Learner>> LoadNeighbours(ByteReader* in, size_t num_classes, size_t width) {
  auto learner = std::make_unique<Neighbours>(Configuration{}, num_classes);
  RETURN_IF_ERROR(learner->Read(in, width));
  return learner;
}

std::unique_ptr<Learner> MakeBayes(const Configuration&, size_t num_classes) {
  return std::make_unique<Bayes>(num_classes);
}

Result<std::unique_ptr<Learner>> LoadBayes(ByteReader* in, size_t num_classes, size_t width) {
  if (num_classes == 0) return MakeError(ErrorCode::kCorrupt, "the model's family is unknown");
  auto learner = std::make_unique<Bayes>(num_classes);
  RETURN_IF_ERROR(learner->Read(in, width));
  return learner;
}

void PutFloats(const std::vector<float>& numbers, ByteWriter* out) {
  out->Put(static_cast<uint32_t>(numbers.size()));
  for (const float number : numbers) out->Put(number);
}

Result<std::vector<float>> GetFloats(ByteReader* in, size_t expected) {
  const uint32_t count = in->GetCount(sizeof(float));
  if (!in->ok() || count != expected)
    return MakeError(ErrorCode::kCorrupt, "the numbers of the model are damaged");
  std::vector<float> numbers(count);
  for (float& number : numbers) number = in->Get<float>();
  return numbers;
}

}  // namespace sirocco::automl
