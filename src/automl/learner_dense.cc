// Linear machines, and kernel machines by landmarks (Nystroem): the kernel's values at some
// training rows, orthogonalised, are features of a linear machine. Few rows are all landmarks: then
// that is the exact kernel machine.
#include <cblas.h>

#include <algorithm>
#include <cmath>

#include "automl/learners.h"
#include "automl/linear_solver.h"
#include "automl/random.h"

namespace sirocco::automl {

namespace {

constexpr size_t kMaxLandmarkNumbers = 200000;  // keeps models small
constexpr double kJitter = 1e-4;                // on the diagonal of the landmarks' kernel
constexpr size_t kIterations = 80;

std::vector<float> SquaredLengths(const Matrix& matrix) {
  std::vector<float> lengths(matrix.rows, 0);
  for (size_t i = 0; i < matrix.rows; ++i)
    for (size_t j = 0; j < matrix.cols; ++j) lengths[i] += matrix.row(i)[j] * matrix.row(i)[j];
  return lengths;
}

class DenseMachine : public Learner {
 public:
  DenseMachine(Configuration configuration, size_t num_classes)
      : configuration_(std::move(configuration)), num_classes_(num_classes) {}

  Family family() const override { return configuration_.family; }
  bool uses_trees() const override { return false; }

  void Fit(const FitRequest& request) override {
    const Target& target = *request.data->target;
    Matrix x = TakeRows(*request.data->dense, request.rows);
    std::vector<float> y;
    for (const uint32_t row : request.rows) y.push_back(target.values[row]);
    const double penalty = configuration_.at("penalty", 1);
    if (family() == Family::kKernel) {
      scales_.assign(x.cols, 1);
      if (configuration_.at("weighted", 0) != 0 && request.data->dense_weights.size() == x.cols)
        scales_ = request.data->dense_weights;
      for (size_t i = 0; i < x.rows; ++i)
        for (size_t j = 0; j < x.cols; ++j) x.row(i)[j] *= scales_[j];
      ChooseLandmarks(x, request.seed);
      Matrix features = KernelFeatures(x.values.data(), x.rows);
      Orthogonalise(&features);
      weights_ = Solve(features, y, penalty);
      FoldFactorIn();
    } else {
      weights_ = Solve(x, y, penalty);
    }
  }

  void Predict(const float* rows, size_t width, size_t num_rows, float* out) const override {
    std::vector<float> scores;
    if (family() == Family::kKernel) {
      std::vector<float> scaled(rows, rows + num_rows * width);
      for (size_t i = 0; i < num_rows; ++i)
        for (size_t j = 0; j < width; ++j) scaled[i * width + j] *= scales_[j];
      const Matrix features = KernelFeatures(scaled.data(), num_rows);
      scores = Apply(features.values.data(), num_rows, features.cols, weights_, num_outputs());
    } else {
      scores = Apply(rows, num_rows, width, weights_, num_outputs());
    }
    for (size_t i = 0; i < num_rows && num_classes_ != 0; ++i)
      Softmax(&scores[i * num_classes_], num_classes_);
    std::copy(scores.begin(), scores.end(), out);
  }

  void Save(ByteWriter* out) const override {
    PutFloats(weights_, out);
    if (family() != Family::kKernel) return;
    out->Put(gamma_);
    PutFloats(scales_, out);
    PutFloats(landmarks_.values, out);
  }

  Result<void> Read(ByteReader* in, size_t width) {
    if (family() != Family::kKernel) {
      ASSIGN_OR_RETURN(weights_, GetFloats(in, (width + 1) * num_outputs()));
      return {};
    }
    const uint32_t count = in->GetCount(4);
    weights_.clear();
    for (uint32_t i = 0; i < count; ++i) weights_.push_back(in->Get<float>());
    gamma_ = in->Get<float>();
    ASSIGN_OR_RETURN(scales_, GetFloats(in, width));
    if (count % num_outputs() != 0 || count < num_outputs())
      return MakeError(ErrorCode::kCorrupt, "the weights of the model are damaged");
    landmarks_.rows = count / num_outputs() - 1;
    landmarks_.cols = width;
    ASSIGN_OR_RETURN(landmarks_.values, GetFloats(in, landmarks_.rows * width));
    lengths_ = SquaredLengths(landmarks_);
    return {};
  }

 private:
  size_t num_outputs() const { return std::max<size_t>(1, num_classes_); }

  Weights Solve(const Matrix& x, const std::vector<float>& y, double penalty) const {
    return num_classes_ == 0 ? FitRidge(x, y, penalty)
                             : FitLogistic(x, y, num_classes_, penalty, kIterations);
  }

  void ChooseLandmarks(const Matrix& x, uint32_t seed) {
    size_t count =
        std::min<size_t>(x.rows, static_cast<size_t>(configuration_.at("landmarks", 600)));
    count =
        std::min(count, std::max<size_t>(50, kMaxLandmarkNumbers / std::max<size_t>(1, x.cols)));
    Random random(seed);
    Indices order(x.rows);
    for (uint32_t i = 0; i < x.rows; ++i) order[i] = i;
    if (count < x.rows) random.Shuffle(&order);
    order.resize(std::min(count, x.rows));
    std::sort(order.begin(), order.end());
    landmarks_ = TakeRows(x, order);
    lengths_ = SquaredLengths(landmarks_);
    // The mean distance of random pairs is the unit of the kernel's width.
    double sum = 0;
    constexpr size_t kPairs = 1000;
    for (size_t i = 0; i < kPairs; ++i) {
      const float* a = x.row(random.Below(x.rows));
      const float* b = x.row(random.Below(x.rows));
      for (size_t j = 0; j < x.cols; ++j) sum += (a[j] - b[j]) * (a[j] - b[j]);
    }
    gamma_ = static_cast<float>(configuration_.at("width", 1) / std::max(1e-9, sum / kPairs));
  }

  // The kernel at each landmark; rows are scaled already.
  Matrix KernelFeatures(const float* rows, size_t num_rows) const {
    Matrix features(num_rows, landmarks_.rows);
    const size_t width = landmarks_.cols;
    MultiplyTransposed(rows, num_rows, landmarks_.values.data(), landmarks_.rows, width,
                       features.values.data());
    for (size_t i = 0; i < num_rows; ++i) {
      float length = 0;
      for (size_t j = 0; j < width; ++j) length += rows[i * width + j] * rows[i * width + j];
      float* row = features.row(i);
      for (size_t j = 0; j < landmarks_.rows; ++j)
        row[j] = std::exp(-gamma_ * std::max(0.0f, length + lengths_[j] - 2 * row[j]));
    }
    return features;
  }

  // Features times the inverse of the transposed factor of the landmarks' own kernel.
  void Orthogonalise(Matrix* features) {
    const size_t m = landmarks_.rows;
    const Matrix own = KernelFeatures(landmarks_.values.data(), m);
    for (double jitter = kJitter;; jitter *= 10) {
      factor_.assign(own.values.begin(), own.values.end());
      for (size_t i = 0; i < m; ++i) factor_[i * m + i] += jitter;
      if (Cholesky(&factor_, m)) break;
    }
    std::vector<float> lower(factor_.begin(), factor_.end());
    cblas_strsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit,
                static_cast<int>(features->rows), static_cast<int>(m), 1, lower.data(),
                static_cast<int>(m), features->values.data(), static_cast<int>(m));
  }

  // Weights on the plain kernel values, so that prediction needs no factor.
  void FoldFactorIn() {
    const size_t m = landmarks_.rows, k = num_outputs();
    std::vector<double> columns(weights_.begin(), weights_.begin() + static_cast<ptrdiff_t>(m * k));
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, static_cast<int>(m),
                static_cast<int>(k), 1, factor_.data(), static_cast<int>(m), columns.data(),
                static_cast<int>(k));
    for (size_t i = 0; i < m * k; ++i) weights_[i] = static_cast<float>(columns[i]);
    factor_.clear();
    factor_.shrink_to_fit();
  }

  Configuration configuration_;
  size_t num_classes_;
  Weights weights_;
  float gamma_ = 1;
  std::vector<float> scales_, lengths_;
  Matrix landmarks_;
  std::vector<double> factor_;
};

}  // namespace

std::unique_ptr<Learner> MakeKernelMachine(const Configuration& configuration, size_t num_classes) {
  return std::make_unique<DenseMachine>(configuration, num_classes);
}

Result<std::unique_ptr<Learner>> LoadKernelMachine(Family family, ByteReader* in,
                                                   size_t num_classes, size_t width) {
  auto machine = std::make_unique<DenseMachine>(Configuration{family, {}}, num_classes);
  RETURN_IF_ERROR(machine->Read(in, width));
  return machine;
}

}  // namespace sirocco::automl
