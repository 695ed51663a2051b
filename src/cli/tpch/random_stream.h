// The random numbers of TPC-H's data. Every column has its own stream of the "minimal standard"
// generator (x' = 16807 x mod 2^31-1), and every row owns a fixed number of draws of it, used or
// not. So the seed at row n is known without producing the rows before it, and any range of rows
// can be generated on its own, by any thread.
#pragma once

#include <cstdint>

namespace sirocco::tpch {

inline constexpr uint64_t kStreamModulus = 2147483647;  // 2^31 - 1
inline constexpr uint64_t kStreamMultiplier = 16807;

// Returns kStreamMultiplier^exponent mod kStreamModulus.
uint64_t StreamPower(uint64_t exponent);

class RandomStream {
 public:
  // `draws_per_row` is what one row owns; `first_row` (from 0) is the row the stream starts at.
  RandomStream(uint32_t seed, uint32_t draws_per_row, uint64_t first_row)
      : row_start_(seed * StreamPower(draws_per_row * first_row) % kStreamModulus),
        row_step_(StreamPower(draws_per_row)),
        value_(row_start_) {}

  // Returns the next draw as a fraction in (0, 1). Division and product stay in this order: the
  // published data has its roundings.
  double NextFraction() {
    const uint64_t product = value_ * kStreamMultiplier;
    value_ = (product & kStreamModulus) + (product >> 31);
    if (value_ >= kStreamModulus) value_ -= kStreamModulus;
    return static_cast<double>(static_cast<int64_t>(value_)) / static_cast<double>(kStreamModulus);
  }

  // Returns a uniform integer in [low, high].
  int64_t NextInt(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(NextFraction() * static_cast<double>(high - low + 1));
  }

  // Returns 30 random bits for five characters of a random string, as a value in (-2^31, 0].
  // Negative because the reference implementation's range wraps around here, and its data is the
  // standard.
  int64_t NextCharacterBits() { return static_cast<int64_t>(NextFraction() * -2147483648.0); }

  // Drops what is left of the row's draws.
  void FinishRow() { value_ = row_start_ = row_start_ * row_step_ % kStreamModulus; }

 private:
  uint64_t row_start_;
  uint64_t row_step_;
  uint64_t value_;
};

}  // namespace sirocco::tpch
