// STDDEV and VARIANCE families; BIT_AND, BIT_OR, BIT_XOR.
#include "engine/exec/accumulator_kinds.h"
#include "engine/exec/grow_array.h"

namespace sirocco::engine {

namespace {

// Running mean and sum of squared deviations (Welford); merged by the formula of Chan, Golub and LeVeque, "Updating Formulae and a Pairwise
// Algorithm for Computing Sample Variances", 1979. The server uses the same recurrence row by row, so results agree up to rounding of doubles.
class Variance final : public VarianceState {
 public:
  explicit Variance(MemoryPool* pool) : states_(pool) {}
  Result<void> Resize(uint32_t num_groups) override { return states_.Reserve(num_groups); }
  Result<void> Update(const Vector* args, const uint32_t* groups, uint32_t count) override {
    const double* values = args[0].f64();
    const uint8_t* nulls = args[0].nulls;
    for (uint32_t i = 0; i < count; ++i) {
      if (nulls != nullptr && nulls[i] != 0) continue;
      State& state = states_[groups[i]];
      ++state.count;
      const double delta = values[i] - state.mean;
      state.mean += delta / static_cast<double>(state.count);
      state.squares += delta * (values[i] - state.mean);
    }
    return {};
  }
  Result<void> Merge(const Accumulator& other, const uint32_t* from_groups, const uint32_t* groups,
                     uint32_t count) override {
    const auto& from = static_cast<const Variance&>(other);
    for (uint32_t i = 0; i < count; ++i) {
      const State& b = from.states_[from_groups[i]];
      State& a = states_[groups[i]];
      if (b.count == 0) continue;
      if (a.count == 0) {
        a = b;
        continue;
      }
      const double total = static_cast<double>(a.count + b.count);
      const double delta = b.mean - a.mean;
      a.mean += delta * static_cast<double>(b.count) / total;
      a.squares += b.squares + delta * delta * static_cast<double>(a.count) * static_cast<double>(b.count) / total;
      a.count += b.count;
    }
    return {};
  }
  int64_t count(uint32_t group) const override { return states_[group].count; }
  double squared_deviations(uint32_t group) const override { return states_[group].squares; }

 private:
  struct State {
    int64_t count;
    double mean, squares;
  };
  GrowArray<State> states_;
};

class Bits final : public BitState {
 public:
  Bits(AccumulatorKind kind, MemoryPool* pool) : kind_(kind), bits_(pool) {}
  Result<void> Resize(uint32_t num_groups) override {
    RETURN_IF_ERROR(bits_.Reserve(num_groups));
    const uint64_t neutral = kind_ == AccumulatorKind::kBitAnd ? ~uint64_t{0} : 0;
    for (; size_ < num_groups; ++size_) bits_[size_] = neutral;
    return {};
  }
  Result<void> Update(const Vector* args, const uint32_t* groups, uint32_t count) override {
    for (uint32_t i = 0; i < count; ++i)
      if (args[0].nulls == nullptr || args[0].nulls[i] == 0) Take(groups[i], args[0].u64()[i]);
    return {};
  }
  Result<void> Merge(const Accumulator& other, const uint32_t* from_groups, const uint32_t* groups,
                     uint32_t count) override {
    const auto& from = static_cast<const Bits&>(other);
    for (uint32_t i = 0; i < count; ++i) Take(groups[i], from.bits_[from_groups[i]]);
    return {};
  }
  uint64_t bits(uint32_t group) const override { return bits_[group]; }

 private:
  void Take(uint32_t group, uint64_t value) {
    switch (kind_) {
      case AccumulatorKind::kBitAnd: bits_[group] &= value; break;
      case AccumulatorKind::kBitOr: bits_[group] |= value; break;
      default: bits_[group] ^= value; break;
    }
  }
  const AccumulatorKind kind_;
  uint32_t size_ = 0;
  GrowArray<uint64_t> bits_;
};

}  // namespace

std::unique_ptr<Accumulator> MakeVariance(MemoryPool* pool) { return std::make_unique<Variance>(pool); }

std::unique_ptr<Accumulator> MakeBits(AccumulatorKind kind, MemoryPool* pool) {
  return std::make_unique<Bits>(kind, pool);
}

}  // namespace sirocco::engine
