// Smoke test of the prefix: XGBoost's C interface and a matrix product by OpenBLAS.
#include <cblas.h>
#include <xgboost/c_api.h>

int main() {
  int major = 0;
  XGBoostVersion(&major, nullptr, nullptr);
  const double a[4] = {1, 2, 3, 4};
  double c[4] = {};
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, 2, 2, 2, 1.0, a, 2, a, 2, 0.0, c, 2);
  return major >= 3 && c[0] == 7 && c[3] == 22 ? 0 : 1;
}
