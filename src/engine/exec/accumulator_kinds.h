// Makers of the accumulators, by file: accumulator_sum.cc, accumulator_value.cc, accumulator_statistics.cc, accumulator_concat.cc.
#pragma once

#include <memory>
#include <vector>

#include "engine/exec/accumulator.h"

namespace sirocco::engine {

std::unique_ptr<Accumulator> MakeRowCount(MemoryPool* pool);
std::unique_ptr<Accumulator> MakeValueCount(size_t num_args, MemoryPool* pool);
// IntegerSumState, RealSumState or BigSumState by the argument's lane.
Result<std::unique_ptr<Accumulator>> MakeSum(const ColumnInfo& arg, MemoryPool* pool);
// kMin, kMax, kFirst.
Result<std::unique_ptr<Accumulator>> MakeValue(AccumulatorKind kind, const ColumnInfo& arg, MemoryPool* pool);
std::unique_ptr<Accumulator> MakeVariance(MemoryPool* pool);
std::unique_ptr<Accumulator> MakeBits(AccumulatorKind kind, MemoryPool* pool);
Result<std::unique_ptr<Accumulator>> MakeConcat(const std::vector<ColumnInfo>& args, const plan::Aggregate& aggregate,
                                                QueryContext* context, MemoryPool* pool);

}  // namespace sirocco::engine
