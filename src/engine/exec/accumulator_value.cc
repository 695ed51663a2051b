// MIN, MAX and ANY_VALUE.
#include <cstring>

#include "engine/exec/accumulator_kinds.h"
#include "engine/exec/grow_array.h"
#include "engine/memory/arena.h"
#include "engine/storage/dictionary.h"
#include "mysqlsem/collation.h"

namespace sirocco::engine {

namespace {

// Orders: Less(a, b) says that a comes before b.
struct SignedLess {
  bool operator()(int64_t a, int64_t b) const { return a < b; }
};
struct UnsignedLess {
  bool operator()(int64_t a, int64_t b) const { return static_cast<uint64_t>(a) < static_cast<uint64_t>(b); }
};
struct PlainLess {
  template <typename T>
  bool operator()(const T& a, const T& b) const {
    return a < b;
  }
};

template <typename T, typename Less>
class FixedValue final : public ValueState {
 public:
  FixedValue(AccumulatorKind kind, MemoryPool* pool) : kind_(kind), values_(pool), seen_(pool) {}

  Result<void> Resize(uint32_t num_groups) override {
    RETURN_IF_ERROR(values_.Reserve(num_groups));
    return seen_.Reserve(num_groups);
  }
  Result<void> Update(const Vector* args, const uint32_t* groups, uint32_t count) override {
    const T* values = static_cast<const T*>(args[0].data);
    const uint8_t* nulls = args[0].nulls;
    for (uint32_t i = 0; i < count; ++i)
      if (nulls == nullptr || nulls[i] == 0) Take(groups[i], values[i]);
    return {};
  }
  Result<void> Merge(const Accumulator& other, const uint32_t* from_groups, const uint32_t* groups,
                     uint32_t count) override {
    const auto& from = static_cast<const FixedValue&>(other);
    for (uint32_t i = 0; i < count; ++i)
      if (from.seen_[from_groups[i]] != 0) Take(groups[i], from.values_[from_groups[i]]);
    return {};
  }
  bool empty(uint32_t group) const override { return seen_[group] == 0; }
  const void* value(uint32_t group) const override { return &values_[group]; }

 private:
  void Take(uint32_t group, const T& value) {
    T& kept = values_[group];
    const Less less;
    const bool better = seen_[group] == 0 || (kind_ == AccumulatorKind::kMin && less(value, kept)) ||
                        (kind_ == AccumulatorKind::kMax && less(kept, value));
    if (better) kept = value;
    seen_[group] = 1;
  }
  const AccumulatorKind kind_;
  GrowArray<T> values_;
  GrowArray<uint8_t> seen_;
};

// Strings are copied; a replaced value's bytes are reused when the new one fits.
class StringValue final : public ValueState {
 public:
  StringValue(AccumulatorKind kind, const mysqlsem::Collation* collation, MemoryPool* pool)
      : kind_(kind), collation_(collation), values_(pool), capacities_(pool), strings_(pool) {}

  Result<void> Resize(uint32_t num_groups) override {
    RETURN_IF_ERROR(values_.Reserve(num_groups));
    return capacities_.Reserve(num_groups);
  }
  Result<void> Update(const Vector* args, const uint32_t* groups, uint32_t count) override {
    const uint8_t* nulls = args[0].nulls;
    for (uint32_t i = 0; i < count; ++i)
      if (nulls == nullptr || nulls[i] == 0) RETURN_IF_ERROR(Take(groups[i], args[0].str()[i]));
    return {};
  }
  Result<void> Merge(const Accumulator& other, const uint32_t* from_groups, const uint32_t* groups,
                     uint32_t count) override {
    const auto& from = static_cast<const StringValue&>(other);
    for (uint32_t i = 0; i < count; ++i)
      if (!from.empty(from_groups[i])) RETURN_IF_ERROR(Take(groups[i], from.values_[from_groups[i]]));
    return {};
  }
  bool empty(uint32_t group) const override { return values_[group].data == nullptr; }
  const void* value(uint32_t group) const override { return &values_[group]; }

 private:
  Result<void> Take(uint32_t group, const StringRef& value) {
    StringRef& kept = values_[group];
    if (kept.data != nullptr) {
      if (kind_ == AccumulatorKind::kFirst) return {};
      const int order = collation_ != nullptr ? collation_->Compare(value.view(), kept.view())
                                              : value.view().compare(kept.view());
      if (kind_ == AccumulatorKind::kMin ? order >= 0 : order <= 0) return {};
    }
    if (value.size > capacities_[group] || kept.data == nullptr) {
      kept.data = strings_.Copy(value.view());
      if (kept.data == nullptr) return MakeError(ErrorCode::kOutOfMemory, "memory limit reached by strings of MIN or MAX");
      capacities_[group] = value.size;
    } else {
      std::memcpy(const_cast<char*>(kept.data), value.data, value.size);
    }
    kept.size = value.size;
    return {};
  }
  const AccumulatorKind kind_;
  const mysqlsem::Collation* collation_;   // nullptr: bytes
  GrowArray<StringRef> values_;
  GrowArray<uint32_t> capacities_;
  Arena strings_;
};

}  // namespace

Result<std::unique_ptr<Accumulator>> MakeValue(AccumulatorKind kind, const ColumnInfo& arg, MemoryPool* pool) {
  using plan::TypeKind;
  if (kind != AccumulatorKind::kFirst && arg.type.kind == TypeKind::kJson)
    return NotSupported("MIN and MAX of JSON values are not supported");
  switch (arg.lane) {
    case Lane::kI64:
      if (arg.type.IsUnsigned()) return std::make_unique<FixedValue<int64_t, UnsignedLess>>(kind, pool);
      return std::make_unique<FixedValue<int64_t, SignedLess>>(kind, pool);
    case Lane::kI128: return std::make_unique<FixedValue<int128, PlainLess>>(kind, pool);
    case Lane::kF64: return std::make_unique<FixedValue<double, PlainLess>>(kind, pool);
    case Lane::kCode:
      // Codes of a sorted dictionary are in the order of their values.
      if (arg.dictionary->sorted()) return std::make_unique<FixedValue<uint32_t, PlainLess>>(kind, pool);
      return NotSupported("MIN and MAX over an unsorted dictionary are not supported");
    case Lane::kStr: {
      const mysqlsem::Collation* collation = nullptr;
      if (arg.type.kind == TypeKind::kString && arg.type.collation != plan::kBinaryCollation) {
        collation = mysqlsem::FindCollation(arg.type.collation);
        if (collation == nullptr) return NotSupported("unknown collation " + std::to_string(arg.type.collation));
      }
      return std::make_unique<StringValue>(kind, collation, pool);
    }
  }
  return NotSupported("MIN and MAX of " + plan::TypeName(arg.type) + " are not supported");
}

}  // namespace sirocco::engine
