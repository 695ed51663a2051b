// Linear algebra for the dense families: multinomial logistic regression and ridge regression with
// an intercept that is not penalised, and Cholesky's factorisation. On OpenBLAS, one thread per
// call.
#pragma once

#include <vector>

#include "automl/matrix.h"

namespace sirocco::automl {

// (cols + 1) rows of `num_outputs` numbers, the last row being the intercepts.
using Weights = std::vector<float>;

// Minimises mean log loss + penalty / (2 rows) * |w|^2 by L-BFGS. `classes`: one index per row.
Weights FitLogistic(const Matrix& x, const std::vector<float>& classes, size_t num_classes,
                    double penalty, size_t max_iterations);
// Minimises |y - x w|^2 + penalty |w|^2.
Weights FitRidge(const Matrix& x, const std::vector<float>& y, double penalty);
// x times the weights: rows x num_outputs.
std::vector<float> Apply(const float* x, size_t num_rows, size_t cols, const Weights& weights,
                         size_t num_outputs);

// Lower triangle of a symmetric positive definite matrix, in place; false if it is not.
bool Cholesky(std::vector<double>* matrix, size_t size);
// Solves L L' x = b in place.
void CholeskySolve(const std::vector<double>& lower, size_t size, double* b);

// a (rows x depth) times b' (cols x depth) into out (rows x cols).
void MultiplyTransposed(const float* a, size_t rows, const float* b, size_t cols, size_t depth,
                        float* out);

}  // namespace sirocco::automl
