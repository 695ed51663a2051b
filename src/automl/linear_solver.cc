#include "automl/linear_solver.h"

#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <mutex>

#include "automl/learner.h"

extern "C" {
void dpotrf_(const char* uplo, const int* n, double* a, const int* lda, int* info);
void openblas_set_num_threads(int count);
}

namespace sirocco::automl {

namespace {

constexpr size_t kMemory = 8;  // of L-BFGS

// Work is shared out above this level.
void SetOneThread() {
  static std::once_flag once;
  std::call_once(once, [] { openblas_set_num_threads(1); });
}

double Dot(const Weights& a, const Weights& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

}  // namespace

void MultiplyTransposed(const float* a, size_t rows, const float* b, size_t cols, size_t depth,
                        float* out) {
  SetOneThread();
  if (rows == 0 || cols == 0) return;
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<int>(rows),
              static_cast<int>(cols), static_cast<int>(depth), 1, a, static_cast<int>(depth), b,
              static_cast<int>(depth), 0, out, static_cast<int>(cols));
}

std::vector<float> Apply(const float* x, size_t num_rows, size_t cols, const Weights& weights,
                         size_t num_outputs) {
  SetOneThread();
  std::vector<float> out(num_rows * num_outputs);
  const float* intercept = &weights[cols * num_outputs];
  for (size_t i = 0; i < num_rows; ++i) std::copy_n(intercept, num_outputs, &out[i * num_outputs]);
  if (num_rows * cols != 0)
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, static_cast<int>(num_rows),
                static_cast<int>(num_outputs), static_cast<int>(cols), 1, x, static_cast<int>(cols),
                weights.data(), static_cast<int>(num_outputs), 1, out.data(),
                static_cast<int>(num_outputs));
  return out;
}

Weights FitLogistic(const Matrix& x, const std::vector<float>& classes, size_t num_classes,
                    double penalty, size_t max_iterations) {
  SetOneThread();
  const size_t n = x.rows, d = x.cols, k = num_classes;
  const double per_row = 1 / static_cast<double>(n), ridge = penalty * per_row;
  Weights w((d + 1) * k, 0);
  for (size_t i = 0; i < n; ++i) w[d * k + static_cast<size_t>(classes[i])] += 1;
  for (size_t c = 0; c < k; ++c)
    w[d * k + c] = static_cast<float>(std::log((w[d * k + c] + 0.5) * per_row));
  const auto evaluate = [&](const Weights& at, Weights* gradient) {
    std::vector<float> p = Apply(x.values.data(), n, d, at, k);
    double loss = 0;
    for (size_t i = 0; i < n; ++i) {
      float* row = &p[i * k];
      Softmax(row, k);
      const auto own = static_cast<size_t>(classes[i]);
      loss -= std::log(std::max(1e-30f, row[own]));
      row[own] -= 1;
    }
    gradient->assign(at.size(), 0);
    if (d != 0)
      cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, static_cast<int>(d), static_cast<int>(k),
                  static_cast<int>(n), static_cast<float>(per_row), x.values.data(),
                  static_cast<int>(d), p.data(), static_cast<int>(k), 0, gradient->data(),
                  static_cast<int>(k));
    for (size_t i = 0; i < n; ++i)
      for (size_t c = 0; c < k; ++c)
        (*gradient)[d * k + c] += p[i * k + c] * static_cast<float>(per_row);
    double squares = 0;
    for (size_t i = 0; i < d * k; ++i) {
      squares += static_cast<double>(at[i]) * at[i];
      (*gradient)[i] += static_cast<float>(ridge) * at[i];
    }
    return loss * per_row + ridge / 2 * squares;
  };
  Weights gradient, next_gradient;
  double loss = evaluate(w, &gradient);
  std::deque<std::pair<Weights, Weights>> memory;  // steps and changes of the gradient
  for (size_t iteration = 0; iteration < max_iterations; ++iteration) {
    Weights direction = gradient;
    std::vector<double> alpha(memory.size());
    for (size_t i = memory.size(); i-- > 0;) {
      const auto& [s, y] = memory[i];
      alpha[i] = Dot(s, direction) / Dot(s, y);
      for (size_t j = 0; j < direction.size(); ++j)
        direction[j] -= static_cast<float>(alpha[i]) * y[j];
    }
    if (!memory.empty()) {
      const auto& [s, y] = memory.back();
      const auto scale = static_cast<float>(Dot(s, y) / Dot(y, y));
      for (float& value : direction) value *= scale;
    }
    for (size_t i = 0; i < memory.size(); ++i) {
      const auto& [s, y] = memory[i];
      const double beta = Dot(y, direction) / Dot(s, y);
      for (size_t j = 0; j < direction.size(); ++j)
        direction[j] += static_cast<float>(alpha[i] - beta) * s[j];
    }
    const double slope = -Dot(direction, gradient);
    if (!(slope < 0) || slope > -1e-10) break;
    double step = memory.empty() ? 1 / std::max(1.0, std::sqrt(-slope)) : 1, next_loss = 0;
    Weights next(w.size());
    bool is_found = false;
    for (int attempt = 0; attempt < 20 && !is_found; ++attempt, step /= 2) {
      for (size_t j = 0; j < w.size(); ++j)
        next[j] = w[j] - static_cast<float>(step) * direction[j];
      next_loss = evaluate(next, &next_gradient);
      is_found = next_loss <= loss + 1e-4 * step * slope;
    }
    if (!is_found) break;
    Weights s(w.size()), y(w.size());
    for (size_t j = 0; j < w.size(); ++j) {
      s[j] = next[j] - w[j];
      y[j] = next_gradient[j] - gradient[j];
    }
    const double gain = loss - next_loss;
    w = std::move(next);
    gradient = next_gradient;
    loss = next_loss;
    if (Dot(s, y) > 1e-12) {
      memory.emplace_back(std::move(s), std::move(y));
      if (memory.size() > kMemory) memory.pop_front();
    }
    if (gain < 1e-6 * std::abs(loss)) break;
  }
  return w;
}

bool Cholesky(std::vector<double>* matrix, size_t size) {
  SetOneThread();
  // Fortran sees the transpose: its upper triangle is our lower one.
  const int n = static_cast<int>(size);
  int info = 0;
  dpotrf_("U", &n, matrix->data(), &n, &info);
  return info == 0;
}

void CholeskySolve(const std::vector<double>& lower, size_t size, double* b) {
  const int n = static_cast<int>(size);
  cblas_dtrsv(CblasRowMajor, CblasLower, CblasNoTrans, CblasNonUnit, n, lower.data(), n, b, 1);
  cblas_dtrsv(CblasRowMajor, CblasLower, CblasTrans, CblasNonUnit, n, lower.data(), n, b, 1);
}

Weights FitRidge(const Matrix& x, const std::vector<float>& y, double penalty) {
  SetOneThread();
  const size_t n = x.rows, d = x.cols;
  std::vector<double> means(d + 1, 0.0);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < d; ++j) means[j] += x.row(i)[j];
    means[d] += y[i];
  }
  for (double& mean : means) mean /= static_cast<double>(std::max<size_t>(1, n));
  // Centred, so that the intercept drops out.
  std::vector<double> gram(d * d, 0.0), weights(d, 0.0);
  constexpr size_t kBlock = 512;
  std::vector<double> block;
  for (size_t begin = 0; begin < n; begin += kBlock) {
    const size_t count = std::min(n - begin, kBlock);
    block.resize(count * d);
    for (size_t i = 0; i < count; ++i)
      for (size_t j = 0; j < d; ++j) {
        block[i * d + j] = x.row(begin + i)[j] - means[j];
        weights[j] += block[i * d + j] * (y[begin + i] - means[d]);
      }
    if (d != 0)
      cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, static_cast<int>(d),
                  static_cast<int>(count), 1, block.data(), static_cast<int>(d), 1, gram.data(),
                  static_cast<int>(d));
  }
  double largest = 1e-12;
  for (size_t j = 0; j < d; ++j) largest = std::max(largest, gram[j * d + j]);
  std::vector<double> factor;
  for (double more = 1e-9 * largest;; more *= 100) {
    factor = gram;
    for (size_t j = 0; j < d; ++j) factor[j * d + j] += penalty + more;
    if (Cholesky(&factor, d)) break;
  }
  CholeskySolve(factor, d, weights.data());
  Weights result(d + 1);
  double intercept = means[d];
  for (size_t j = 0; j < d; ++j) {
    result[j] = static_cast<float>(weights[j]);
    intercept -= weights[j] * means[j];
  }
  result[d] = static_cast<float>(intercept);
  return result;
}

}  // namespace sirocco::automl
