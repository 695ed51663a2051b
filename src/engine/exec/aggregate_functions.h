// SQL aggregate functions as primitives (accumulator.h) and a final computation.
//
// AggregateSet collects the functions of one GROUP BY: it finds equal arguments and equal primitives (AVG(x), SUM(x) and COUNT(x) need two), and
// computes the result columns from the states.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "engine/exec/accumulator.h"
#include "engine/memory/arena.h"
#include "engine/vector/vector.h"
#include "plan/node.h"

namespace sirocco::engine {

// Whether the server's average of such values has always as many digits as ours: it divides a sum of values with fewer digits after the
// point less far.
bool AverageIsExact(const ColumnInfo& argument, const QueryContext& context);

class AggregateSet {
 public:
  struct Primitive {
    AccumulatorKind kind = AccumulatorKind::kRows;
    std::vector<size_t> args;              // positions in argument_exprs()
    int distinct_set = -1;                 // fed from that set instead of the input rows
    const plan::Aggregate* aggregate = nullptr;   // kConcat
  };

  // `node` must outlive the set.
  explicit AggregateSet(const plan::Node& node);

  // Step 1: the arguments to be computed per input row.
  const std::vector<plan::ExprPtr>& argument_exprs() const { return argument_exprs_; }
  // Step 2: what these turned out to be; decides on primitives and result columns. kNotSupported with the reason.
  Result<void> Bind(std::vector<ColumnInfo> arguments, QueryContext* context);
  bool cancelled() const { return context_->cancelled(); }

  const std::vector<ColumnInfo>& arguments() const { return arguments_; }
  const std::vector<Primitive>& primitives() const { return primitives_; }
  // Argument lists whose distinct combinations per group are collected first.
  const std::vector<std::vector<size_t>>& distinct_sets() const { return distinct_sets_; }
  // Result columns in node order, with the node's ids.
  const std::vector<ColumnInfo>& results() const { return results_; }

  Result<std::vector<std::unique_ptr<Accumulator>>> MakeStates(MemoryPool* pool) const;

  // Values of result column `index` for groups first..first+count. Strings made here live in `arena`.
  Result<Vector> Compute(size_t index, const std::vector<std::unique_ptr<Accumulator>>& states, uint32_t first,
                         uint32_t count, VectorBuffer* buffer, Arena* arena) const;

 private:
  struct Function {
    const plan::Aggregate* aggregate = nullptr;
    std::vector<size_t> args;
    int primitive = -1;        // the value, sum, variance, ...
    int count = -1;            // AVG: the number of values
    int scale = 0;             // of the argument, for exact sums and averages
  };
  size_t AddArgument(const plan::ExprPtr& expr);
  int AddPrimitive(Primitive primitive);
  int AddDistinctSet(const std::vector<size_t>& args);
  Result<void> BindFunction(Function* function);

  QueryContext* context_ = nullptr;
  std::vector<plan::ExprPtr> argument_exprs_;
  std::vector<ColumnInfo> arguments_;
  std::vector<Function> functions_;
  std::vector<Primitive> primitives_;
  std::vector<std::vector<size_t>> distinct_sets_;
  std::vector<ColumnInfo> results_;
};

}  // namespace sirocco::engine
