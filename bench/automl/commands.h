// The parts of the benchmark; each prints JSON.
#pragma once

#include <string>
#include <vector>

namespace sirocco::bench {

// Classification and regression: per table log loss or R2 on the test rows, constant and ours.
void RunTables(const std::string& folder, const std::vector<std::string>& only, size_t num_threads);
// Forecasting: per series sMAPE and MASE of the last periods.
void RunSeries(const std::string& folder, size_t num_threads);
// Times of training, scoring and explaining generated tables of a size.
void RunSpeed(size_t rows, size_t columns, size_t classes, size_t num_threads);
// Anomaly detection on generated tables, which are also written to the folder: area under the
// curve.
void RunAnomalies(const std::string& folder, size_t num_threads);

}  // namespace sirocco::bench
