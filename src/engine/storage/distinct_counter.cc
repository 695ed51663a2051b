#include "engine/storage/distinct_counter.h"

#include <bit>
#include <cmath>

namespace sirocco::engine {

double DistinctCounter::Estimate() const {
  const double m = static_cast<double>(registers_.size());
  double inverse_sum = 0;
  uint32_t zeros = 0;
  for (uint8_t rank : registers_) {
    inverse_sum += std::bit_cast<double>((uint64_t{1023} - rank) << 52);  // 2^-rank
    zeros += rank == 0;
  }
  const double raw = 0.7213 / (1 + 1.079 / m) * m * m / inverse_sum;
  if (raw <= 2.5 * m && zeros != 0) return m * std::log(m / zeros);
  return raw;
}

}  // namespace sirocco::engine
