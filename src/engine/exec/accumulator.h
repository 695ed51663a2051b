// States of aggregate functions, one array per function, indexed by group number.
//
// Accumulators are the primitives that SQL aggregates are made of (aggregate_functions.h): rows, non-null values, sums, extremes, ... AVG, for
// example, is a sum divided by a count, and shares both with a SUM and a COUNT of the same argument.
// A state belongs to one thread; Merge reads another that no longer changes. Memory is charged to the pool.
#pragma once

#include <cstdint>
#include <memory>

#include "common/error.h"
#include "engine/exec/query_context.h"
#include "engine/vector/vector.h"
#include "plan/node.h"

namespace sirocco::engine {

// Rows of a batch ordered by group: rows[starts[g] .. starts[g+1]) belong to group g. Made for batches with few groups, where adding up one group
// after the other keeps its state in a register.
struct GroupedRows {
  const uint16_t* rows = nullptr;
  const uint32_t* starts = nullptr;
  uint32_t num_groups = 0;
};

class Accumulator {
 public:
  virtual ~Accumulator() = default;

  // Room for groups 0..num_groups-1; new ones start empty.
  virtual Result<void> Resize(uint32_t num_groups) = 0;
  // Adds argument rows 0..count to their groups. `args`: flat vectors, one per argument.
  virtual Result<void> Update(const Vector* args, const uint32_t* groups, uint32_t count) = 0;
  // The same with the rows ordered by group.
  virtual Result<void> UpdateGrouped(const Vector* args, const GroupedRows& grouped, const uint32_t* groups,
                                     uint32_t count) {
    return Update(args, groups, count);
  }
  // Adds the states of groups from_groups[i] of an accumulator of the same kind to groups[i].
  virtual Result<void> Merge(const Accumulator& from, const uint32_t* from_groups, const uint32_t* groups,
                             uint32_t count) = 0;
};

enum class AccumulatorKind : uint8_t {
  kRows,
  kCount,
  kSum,
  kMin,
  kMax,
  kFirst,
  kVariance,
  kBitAnd,
  kBitOr,
  kBitXor,
  kConcat,
};

// `args`: the argument columns as they arrive. For kConcat `aggregate` gives separator and order (its sort keys follow the arguments in `args`).
Result<std::unique_ptr<Accumulator>> MakeAccumulator(AccumulatorKind kind, const std::vector<ColumnInfo>& args,
                                                     const plan::Aggregate* aggregate, QueryContext* context, MemoryPool* pool);

// Typed access to the states, for computing results.
class CountState : public Accumulator {
 public:
  virtual int64_t count(uint32_t group) const = 0;
};
// Sums of integers and decimals: exact. A group without non-null values has no sum.
class IntegerSumState : public Accumulator {
 public:
  virtual bool empty(uint32_t group) const = 0;
  virtual int128 sum(uint32_t group) const = 0;
};
class RealSumState : public Accumulator {
 public:
  virtual bool empty(uint32_t group) const = 0;
  virtual double sum(uint32_t group) const = 0;
};
// Sums of decimals beyond 38 digits, as text-free BigDecimal; see accumulator_sum.cc.
class BigSumState : public Accumulator {
 public:
  virtual bool empty(uint32_t group) const = 0;
  virtual const void* sum(uint32_t group) const = 0;   // a mysqlsem::BigDecimal
};
// kMin, kMax, kFirst.
class ValueState : public Accumulator {
 public:
  virtual bool empty(uint32_t group) const = 0;
  // The value, LaneWidth(lane) bytes; strings live as long as the state.
  virtual const void* value(uint32_t group) const = 0;
};
class VarianceState : public Accumulator {
 public:
  virtual int64_t count(uint32_t group) const = 0;
  virtual double squared_deviations(uint32_t group) const = 0;   // sum of (x - mean)^2
};
class BitState : public Accumulator {
 public:
  virtual uint64_t bits(uint32_t group) const = 0;
};
class ConcatState : public Accumulator {
 public:
  virtual bool empty(uint32_t group) const = 0;
  // Appends the group's text; false if it was cut at group_concat_max_len.
  virtual bool Append(uint32_t group, std::string* out) const = 0;
};

}  // namespace sirocco::engine
