// Counts and sums.
#include "engine/exec/accumulator_kinds.h"
#include "engine/exec/grow_array.h"
#include "mysqlsem/decimal.h"

namespace sirocco::engine {

namespace {

class RowCount final : public CountState {
 public:
  explicit RowCount(MemoryPool* pool) : counts_(pool) {}
  Result<void> Resize(uint32_t num_groups) override { return counts_.Reserve(num_groups); }
  Result<void> Update(const Vector*, const uint32_t* groups, uint32_t count) override {
    int64_t* counts = counts_.data();
    for (uint32_t i = 0; i < count; ++i) ++counts[groups[i]];
    return {};
  }
  Result<void> UpdateGrouped(const Vector*, const GroupedRows& grouped, const uint32_t*, uint32_t) override {
    for (uint32_t g = 0; g < grouped.num_groups; ++g) counts_[g] += grouped.starts[g + 1] - grouped.starts[g];
    return {};
  }
  Result<void> Merge(const Accumulator& other, const uint32_t* from_groups, const uint32_t* groups,
                     uint32_t count) override {
    const auto& from = static_cast<const RowCount&>(other);
    for (uint32_t i = 0; i < count; ++i) counts_[groups[i]] += from.counts_[from_groups[i]];
    return {};
  }
  int64_t count(uint32_t group) const override { return counts_[group]; }

 private:
  GrowArray<int64_t> counts_;
};

// COUNT of arguments: rows in which none is NULL.
class ValueCount final : public CountState {
 public:
  ValueCount(size_t num_args, MemoryPool* pool) : num_args_(num_args), counts_(pool) {}
  Result<void> Resize(uint32_t num_groups) override { return counts_.Reserve(num_groups); }
  Result<void> Update(const Vector* args, const uint32_t* groups, uint32_t count) override {
    int64_t* counts = counts_.data();
    if (num_args_ == 1) {
      const uint8_t* nulls = args[0].nulls;
      if (nulls == nullptr) {
        for (uint32_t i = 0; i < count; ++i) ++counts[groups[i]];
      } else {
        for (uint32_t i = 0; i < count; ++i) counts[groups[i]] += nulls[i] == 0;
      }
      return {};
    }
    for (uint32_t i = 0; i < count; ++i) {
      bool any_null = false;
      for (size_t a = 0; a < num_args_; ++a) any_null |= args[a].nulls != nullptr && args[a].nulls[i] != 0;
      counts[groups[i]] += !any_null;
    }
    return {};
  }
  Result<void> Merge(const Accumulator& other, const uint32_t* from_groups, const uint32_t* groups,
                     uint32_t count) override {
    const auto& from = static_cast<const ValueCount&>(other);
    for (uint32_t i = 0; i < count; ++i) counts_[groups[i]] += from.counts_[from_groups[i]];
    return {};
  }
  int64_t count(uint32_t group) const override { return counts_[group]; }

 private:
  size_t num_args_;
  GrowArray<int64_t> counts_;
};

// Sum of int64_t values. States are int64_t as long as no group can have overflowed: `bound_` is an upper limit of what any sum's absolute value can
// be, advanced per batch by rows * largest absolute value. When it would pass 2^62 all states become int128.
class SmallIntegerSum final : public IntegerSumState {
 public:
  SmallIntegerSum(const ColumnInfo& arg, MemoryPool* pool)
      : is_unsigned_(arg.type.IsUnsigned()), range_(arg.range), narrow_(pool), wide_(pool), seen_(pool) {}

  Result<void> Resize(uint32_t num_groups) override {
    if (num_groups > size_) size_ = num_groups;
    RETURN_IF_ERROR(seen_.Reserve(num_groups));
    if (is_wide_) return wide_.Reserve(num_groups);
    return narrow_.Reserve(num_groups);
  }

  Result<void> Update(const Vector* args, const uint32_t* groups, uint32_t count) override {
    RETURN_IF_ERROR(Advance(args[0], count));
    const int64_t* values = args[0].i64();
    const uint8_t* nulls = args[0].nulls;
    uint8_t* seen = seen_.data();
    if (is_wide_) {
      for (uint32_t i = 0; i < count; ++i) {
        if (nulls != nullptr && nulls[i] != 0) continue;
        seen[groups[i]] = 1;
        wide_[groups[i]] += is_unsigned_ ? int128{static_cast<uint64_t>(values[i])} : int128{values[i]};
      }
      return {};
    }
    int64_t* sums = narrow_.data();
    if (nulls == nullptr) {
      for (uint32_t i = 0; i < count; ++i) {
        sums[groups[i]] += values[i];
        seen[groups[i]] = 1;
      }
    } else {
      for (uint32_t i = 0; i < count; ++i) {
        const bool valid = nulls[i] == 0;
        sums[groups[i]] += valid ? values[i] : 0;
        seen[groups[i]] |= valid;
      }
    }
    return {};
  }

  Result<void> UpdateGrouped(const Vector* args, const GroupedRows& grouped, const uint32_t* groups,
                             uint32_t count) override {
    RETURN_IF_ERROR(Advance(args[0], count));
    if (is_wide_ || args[0].nulls != nullptr) return Update(args, groups, count);
    const int64_t* values = args[0].i64();
    for (uint32_t g = 0; g < grouped.num_groups; ++g) {
      const uint16_t* rows = grouped.rows + grouped.starts[g];
      const uint32_t n = grouped.starts[g + 1] - grouped.starts[g];
      if (n == 0) continue;
      int64_t sum = 0;
      if (n == count) {   // one group only: rows are in order
        for (uint32_t i = 0; i < n; ++i) sum += values[i];
      } else {
        for (uint32_t i = 0; i < n; ++i) sum += values[rows[i]];
      }
      narrow_[g] += sum;
      seen_[g] = 1;
    }
    return {};
  }

  Result<void> Merge(const Accumulator& other, const uint32_t* from_groups, const uint32_t* groups,
                     uint32_t count) override {
    const auto& from = static_cast<const SmallIntegerSum&>(other);
    // Each call may bring the whole of the other's bound to one group, but its rows only once in all calls; callers merge a partition in
    // several calls, so the bound is added once per source.
    if (merged_from_ != &from) {
      merged_from_ = &from;
      bound_ += from.bound_;
    }
    if (from.is_wide_ || bound_ > kNarrowBound) RETURN_IF_ERROR(Widen());
    for (uint32_t i = 0; i < count; ++i) {
      if (is_wide_) {
        wide_[groups[i]] += from.sum(from_groups[i]);
      } else {
        narrow_[groups[i]] += from.narrow_[from_groups[i]];
      }
      seen_[groups[i]] |= from.seen_[from_groups[i]];
    }
    return {};
  }

  bool empty(uint32_t group) const override { return seen_[group] == 0; }
  int128 sum(uint32_t group) const override { return is_wide_ ? wide_[group] : int128{narrow_[group]}; }

 private:
  static constexpr unsigned __int128 kNarrowBound = static_cast<unsigned __int128>(1) << 62;

  static uint64_t Magnitude(int128 value) {
    const int128 magnitude = value < 0 ? -value : value;
    return magnitude > INT64_MAX ? uint64_t{1} << 63 : static_cast<uint64_t>(magnitude);
  }

  Result<void> Advance(const Vector& arg, uint32_t count) {
    if (is_wide_) return {};
    uint64_t largest = 0;
    if (range_.known) {
      largest = std::max(Magnitude(range_.min), Magnitude(range_.max));
    } else if (is_unsigned_) {
      for (uint32_t i = 0; i < count; ++i) largest |= arg.u64()[i];
      largest |= largest >> 1;   // at least as large as every value once rounded up
      largest = largest == 0 ? 0 : ~uint64_t{0} >> __builtin_clzll(largest);
    } else {
      for (uint32_t i = 0; i < count; ++i) {
        const int64_t value = arg.i64()[i];
        largest |= static_cast<uint64_t>(value < 0 ? ~value : value);
      }
      largest = largest == 0 ? 1 : (~uint64_t{0} >> __builtin_clzll(largest)) + 1;
    }
    bound_ += static_cast<unsigned __int128>(largest) * count;
    if (bound_ > kNarrowBound) return Widen();
    return {};
  }

  Result<void> Widen() {
    if (is_wide_) return {};
    RETURN_IF_ERROR(wide_.Reserve(std::max<size_t>(size_, narrow_.capacity())));
    for (uint32_t g = 0; g < size_; ++g) wide_[g] = narrow_[g];
    narrow_.Reset();
    is_wide_ = true;
    return {};
  }

  const bool is_unsigned_;
  const ValueRange range_;
  bool is_wide_ = false;
  uint32_t size_ = 0;
  unsigned __int128 bound_ = 0;
  const SmallIntegerSum* merged_from_ = nullptr;
  GrowArray<int64_t> narrow_;
  GrowArray<int128> wide_;
  GrowArray<uint8_t> seen_;
};

// Sum of int128 values (decimals of 19 to 38 digits). 38 digits times 2^63 rows could pass 2^127 (1.7e38), so overflow is checked and then
// refused: MySQL has room for 65 digits there.
class WideIntegerSum final : public IntegerSumState {
 public:
  explicit WideIntegerSum(MemoryPool* pool) : sums_(pool), seen_(pool) {}
  Result<void> Resize(uint32_t num_groups) override {
    RETURN_IF_ERROR(sums_.Reserve(num_groups));
    return seen_.Reserve(num_groups);
  }
  Result<void> Update(const Vector* args, const uint32_t* groups, uint32_t count) override {
    const int128* values = args[0].i128();
    const uint8_t* nulls = args[0].nulls;
    bool overflow = false;
    for (uint32_t i = 0; i < count; ++i) {
      if (nulls != nullptr && nulls[i] != 0) continue;
      overflow |= __builtin_add_overflow(sums_[groups[i]], values[i], &sums_[groups[i]]);
      seen_[groups[i]] = 1;
    }
    return overflow ? Overflow() : Result<void>{};
  }
  Result<void> Merge(const Accumulator& other, const uint32_t* from_groups, const uint32_t* groups,
                     uint32_t count) override {
    const auto& from = static_cast<const WideIntegerSum&>(other);
    bool overflow = false;
    for (uint32_t i = 0; i < count; ++i) {
      overflow |= __builtin_add_overflow(sums_[groups[i]], from.sums_[from_groups[i]], &sums_[groups[i]]);
      seen_[groups[i]] |= from.seen_[from_groups[i]];
    }
    return overflow ? Overflow() : Result<void>{};
  }
  bool empty(uint32_t group) const override { return seen_[group] == 0; }
  int128 sum(uint32_t group) const override { return sums_[group]; }

 private:
  static Result<void> Overflow() { return NotSupported("a decimal sum beyond 38 digits is not supported"); }
  GrowArray<int128> sums_;
  GrowArray<uint8_t> seen_;
};

class RealSum final : public RealSumState {
 public:
  explicit RealSum(MemoryPool* pool) : sums_(pool), seen_(pool) {}
  Result<void> Resize(uint32_t num_groups) override {
    RETURN_IF_ERROR(sums_.Reserve(num_groups));
    return seen_.Reserve(num_groups);
  }
  Result<void> Update(const Vector* args, const uint32_t* groups, uint32_t count) override {
    const double* values = args[0].f64();
    const uint8_t* nulls = args[0].nulls;
    for (uint32_t i = 0; i < count; ++i) {
      if (nulls != nullptr && nulls[i] != 0) continue;
      sums_[groups[i]] += values[i];
      seen_[groups[i]] = 1;
    }
    return {};
  }
  Result<void> Merge(const Accumulator& other, const uint32_t* from_groups, const uint32_t* groups,
                     uint32_t count) override {
    const auto& from = static_cast<const RealSum&>(other);
    for (uint32_t i = 0; i < count; ++i) {
      sums_[groups[i]] += from.sums_[from_groups[i]];
      seen_[groups[i]] |= from.seen_[from_groups[i]];
    }
    return {};
  }
  bool empty(uint32_t group) const override { return seen_[group] == 0; }
  double sum(uint32_t group) const override { return sums_[group]; }

 private:
  GrowArray<double> sums_;
  GrowArray<uint8_t> seen_;
};

// Decimals that travel packed (more than 38 digits).
class BigSum final : public BigSumState {
 public:
  BigSum(const plan::Type& arg, MemoryPool* pool) : arg_(arg), sums_(pool), seen_(pool) {}
  Result<void> Resize(uint32_t num_groups) override {
    const size_t old = size_;
    RETURN_IF_ERROR(sums_.Reserve(num_groups));
    RETURN_IF_ERROR(seen_.Reserve(num_groups));
    if (num_groups > size_) size_ = num_groups;
    for (size_t g = old; g < size_; ++g) sums_[g] = mysqlsem::BigDecimal();
    return {};
  }
  Result<void> Update(const Vector* args, const uint32_t* groups, uint32_t count) override {
    for (uint32_t i = 0; i < count; ++i) {
      if (args[0].nulls != nullptr && args[0].nulls[i] != 0) continue;
      const StringRef& packed = args[0].str()[i];
      mysqlsem::BigDecimal value;
      mysqlsem::BigDecimal::FromPacked(reinterpret_cast<const uint8_t*>(packed.data), arg_.precision, arg_.scale, &value);
      RETURN_IF_ERROR(AddTo(groups[i], value));
    }
    return {};
  }
  Result<void> Merge(const Accumulator& other, const uint32_t* from_groups, const uint32_t* groups,
                     uint32_t count) override {
    const auto& from = static_cast<const BigSum&>(other);
    for (uint32_t i = 0; i < count; ++i)
      if (from.seen_[from_groups[i]] != 0) RETURN_IF_ERROR(AddTo(groups[i], from.sums_[from_groups[i]]));
    return {};
  }
  bool empty(uint32_t group) const override { return seen_[group] == 0; }
  const void* sum(uint32_t group) const override { return &sums_[group]; }

 private:
  Result<void> AddTo(uint32_t group, const mysqlsem::BigDecimal& value) {
    mysqlsem::BigDecimal sum;
    if (mysqlsem::Add(sums_[group], value, &sum) & mysqlsem::kDecOverflow)
      return NotSupported("a decimal sum beyond 81 digits is not supported");
    sums_[group] = sum;
    seen_[group] = 1;
    return {};
  }
  const plan::Type arg_;
  size_t size_ = 0;
  GrowArray<mysqlsem::BigDecimal> sums_;
  GrowArray<uint8_t> seen_;
};

}  // namespace

std::unique_ptr<Accumulator> MakeRowCount(MemoryPool* pool) { return std::make_unique<RowCount>(pool); }

std::unique_ptr<Accumulator> MakeValueCount(size_t num_args, MemoryPool* pool) {
  return std::make_unique<ValueCount>(num_args, pool);
}

Result<std::unique_ptr<Accumulator>> MakeSum(const ColumnInfo& arg, MemoryPool* pool) {
  switch (arg.lane) {
    case Lane::kI64: return std::make_unique<SmallIntegerSum>(arg, pool);
    case Lane::kI128: return std::make_unique<WideIntegerSum>(pool);
    case Lane::kF64: return std::make_unique<RealSum>(pool);
    case Lane::kStr:
      if (arg.type.kind == plan::TypeKind::kDecimal) return std::make_unique<BigSum>(arg.type, pool);
      break;
    case Lane::kCode: break;
  }
  return NotSupported("sum of " + plan::TypeName(arg.type) + " is not supported");
}

}  // namespace sirocco::engine
