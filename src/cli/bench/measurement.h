// Times of one query on one side, and what was found about its answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sirocco::bench {

struct Measurement {
  int query = 0;
  int64_t num_rows = 0;
  double warmup_ms = 0;
  std::vector<double> runs_ms;            // empty if the query failed
  double cpu_ms = 0;                      // per run, of all processes of that side; 0 if not known
  bool offloaded = false;                 // every run was executed by the secondary engine
  std::optional<std::string> error;       // the query failed with this text
  std::optional<std::string> difference;  // the answer was wrong
  bool checked = false;                   // the answer was compared

  double MedianMs() const;
  double MinMs() const;
};

// Median; the mean of the two middle values if their number is even; 0 for none.
double Median(std::vector<double> values);
// Geometric mean; 0 for none.
double GeometricMean(const std::vector<double>& values);

}  // namespace sirocco::bench
