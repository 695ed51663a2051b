// A row-major matrix of numbers; NaN is a missing value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sirocco::automl {

struct Matrix {
  size_t rows = 0, cols = 0;
  std::vector<float> values;

  Matrix() = default;
  Matrix(size_t num_rows, size_t num_cols, float value = 0)
      : rows(num_rows), cols(num_cols), values(num_rows * num_cols, value) {}
  float* row(size_t i) { return values.data() + i * cols; }
  const float* row(size_t i) const { return values.data() + i * cols; }
};

// Indices of rows or columns.
using Indices = std::vector<uint32_t>;

inline Matrix TakeRows(const Matrix& from, const Indices& rows) {
  Matrix taken(rows.size(), from.cols);
  for (size_t i = 0; i < rows.size(); ++i)
    for (size_t j = 0; j < from.cols; ++j) taken.values[i * from.cols + j] = from.row(rows[i])[j];
  return taken;
}

}  // namespace sirocco::automl
