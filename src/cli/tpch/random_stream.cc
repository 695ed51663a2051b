#include "cli/tpch/random_stream.h"

namespace sirocco::tpch {

uint64_t StreamPower(uint64_t exponent) {
  uint64_t result = 1;
  for (uint64_t square = kStreamMultiplier; exponent != 0; exponent >>= 1) {
    if (exponent & 1) result = result * square % kStreamModulus;
    square = square * square % kStreamModulus;
  }
  return result;
}

}  // namespace sirocco::tpch
