#include "engine/exec/aggregate_functions.h"

#include <algorithm>
#include <cmath>

#include "common/check.h"
#include "engine/storage/dictionary.h"
#include "mysqlsem/decimal.h"

namespace sirocco::engine {

namespace {

using plan::AggregateFunction;
using plan::TypeKind;

constexpr uint32_t kCutByGroupConcat = 1260;   // ER_CUT_VALUE_GROUP_CONCAT

AccumulatorKind MainPrimitive(AggregateFunction function) {
  switch (function) {
    case AggregateFunction::kCountStar: return AccumulatorKind::kRows;
    case AggregateFunction::kCount: return AccumulatorKind::kCount;
    case AggregateFunction::kSum:
    case AggregateFunction::kAvg: return AccumulatorKind::kSum;
    case AggregateFunction::kMin: return AccumulatorKind::kMin;
    case AggregateFunction::kMax: return AccumulatorKind::kMax;
    case AggregateFunction::kAnyValue: return AccumulatorKind::kFirst;
    case AggregateFunction::kBitAnd: return AccumulatorKind::kBitAnd;
    case AggregateFunction::kBitOr: return AccumulatorKind::kBitOr;
    case AggregateFunction::kBitXor: return AccumulatorKind::kBitXor;
    case AggregateFunction::kGroupConcat: return AccumulatorKind::kConcat;
    default: return AccumulatorKind::kVariance;
  }
}

// Whether the function sees every value once only.
bool CollectsDistinct(const plan::Aggregate& aggregate) {
  return aggregate.distinct && aggregate.function != AggregateFunction::kMin &&
         aggregate.function != AggregateFunction::kMax && aggregate.function != AggregateFunction::kAnyValue &&
         aggregate.function != AggregateFunction::kBitAnd && aggregate.function != AggregateFunction::kBitOr;
}

int ScaleOf(const plan::Type& type) { return type.kind == TypeKind::kDecimal ? type.scale : 0; }

}  // namespace

bool AverageIsExact(const ColumnInfo& argument, const QueryContext& context) {
  if (argument.min_scale == ColumnInfo::kTypeScale || argument.type.kind != TypeKind::kDecimal) return true;
  const int increment = static_cast<int>(context.plan().div_precision_increment);
  return mysqlsem::DivisionDigits(argument.min_scale, 0, increment) ==
         mysqlsem::DivisionDigits(argument.type.scale, 0, increment);
}

AggregateSet::AggregateSet(const plan::Node& node) {
  for (const plan::Aggregate& aggregate : node.aggregates) {
    Function function;
    function.aggregate = &aggregate;
    for (const plan::ExprPtr& arg : aggregate.args) function.args.push_back(AddArgument(arg));
    for (const plan::SortKey& key : aggregate.order_by) function.args.push_back(AddArgument(key.expr));
    functions_.push_back(std::move(function));
  }
}

size_t AggregateSet::AddArgument(const plan::ExprPtr& expr) {
  for (size_t i = 0; i < argument_exprs_.size(); ++i)
    if (plan::SameExpr(*argument_exprs_[i], *expr)) return i;
  argument_exprs_.push_back(expr);
  return argument_exprs_.size() - 1;
}

int AggregateSet::AddPrimitive(Primitive primitive) {
  for (size_t i = 0; i < primitives_.size(); ++i) {
    const Primitive& other = primitives_[i];
    if (other.kind == primitive.kind && other.args == primitive.args && other.distinct_set == primitive.distinct_set &&
        primitive.kind != AccumulatorKind::kConcat)
      return static_cast<int>(i);
  }
  primitives_.push_back(std::move(primitive));
  return static_cast<int>(primitives_.size() - 1);
}

int AggregateSet::AddDistinctSet(const std::vector<size_t>& args) {
  const auto found = std::find(distinct_sets_.begin(), distinct_sets_.end(), args);
  if (found != distinct_sets_.end()) return static_cast<int>(found - distinct_sets_.begin());
  distinct_sets_.push_back(args);
  return static_cast<int>(distinct_sets_.size() - 1);
}

Result<void> AggregateSet::Bind(std::vector<ColumnInfo> arguments, QueryContext* context) {
  context_ = context;
  arguments_ = std::move(arguments);
  for (Function& function : functions_) RETURN_IF_ERROR(BindFunction(&function));
  return {};
}

namespace {

// Whether one of the values is the text of `key`, so that equal texts have equal keys.
bool IsTextOf(const plan::Aggregate& aggregate, const plan::Expr& key) {
  if (!key.type.IsInteger() && key.type.kind != plan::TypeKind::kDate &&
      key.type.kind != plan::TypeKind::kDatetime)
    return false;
  return std::any_of(aggregate.args.begin(), aggregate.args.end(), [&](const plan::ExprPtr& value) {
    return value->op == plan::ExprOp::kCast && value->type.IsString() && plan::SameExpr(*value->args[0], key);
  });
}

}  // namespace

Result<void> AggregateSet::BindFunction(Function* function) {
  const plan::Aggregate& aggregate = *function->aggregate;
  const std::vector<size_t> values(function->args.begin(), function->args.begin() + aggregate.args.size());
  int distinct_set = -1;
  if (CollectsDistinct(aggregate)) {
    // Keys of the order belong to the set where they are values or what values are the text of.
    std::vector<size_t> set = values;
    for (size_t key = aggregate.args.size(); key < function->args.size(); ++key) {
      if (std::find(set.begin(), set.end(), function->args[key]) != set.end()) continue;
      if (!IsTextOf(aggregate, *aggregate.order_by[key - aggregate.args.size()].expr))
        return NotSupported("GROUP_CONCAT(DISTINCT ...) ordered by something else is not supported");
      set.push_back(function->args[key]);
    }
    distinct_set = AddDistinctSet(set);
  }
  const auto nullable = [&](size_t arg) { return arguments_[arg].nullable; };
  // Counting values that are never NULL is counting rows.
  const auto count_primitive = [&] {
    const bool rows = distinct_set < 0 && std::none_of(values.begin(), values.end(), nullable);
    return rows ? Primitive{.kind = AccumulatorKind::kRows}
                : Primitive{.kind = AccumulatorKind::kCount, .args = values, .distinct_set = distinct_set};
  };

  ColumnInfo result{.id = aggregate.id, .type = aggregate.type, .lane = plan::LaneOf(aggregate.type)};
  result.nullable = true;
  const AccumulatorKind kind = MainPrimitive(aggregate.function);
  switch (kind) {
    case AccumulatorKind::kRows:
      function->primitive = AddPrimitive({.kind = kind});
      result.nullable = false;
      break;
    case AccumulatorKind::kCount:
      function->primitive = AddPrimitive(count_primitive());
      result.nullable = false;
      break;
    case AccumulatorKind::kSum: {
      const ColumnInfo& arg = arguments_[values[0]];
      function->scale = ScaleOf(arg.type);
      function->primitive = AddPrimitive({.kind = kind, .args = values, .distinct_set = distinct_set});
      const bool exact = arg.lane != Lane::kF64;
      result.min_scale = arg.min_scale;
      if (aggregate.function == AggregateFunction::kAvg && !AverageIsExact(arg, *context_))
        return NotSupported("an average of values of varying scale is not supported");
      if (exact != (aggregate.type.kind == TypeKind::kDecimal))
        return NotSupported(std::string(plan::AggregateFunctionName(aggregate.function)) + " of " +
                            plan::TypeName(arg.type) + " is not supported");
      if (aggregate.function == AggregateFunction::kAvg) function->count = AddPrimitive(count_primitive());
      if (exact) {
        const int scale = aggregate.function == AggregateFunction::kSum
                              ? function->scale
                              : std::min<int>(function->scale + context_->plan().div_precision_increment,
                                              mysqlsem::kDecimalMaxScale);
        if (scale != aggregate.type.scale)
          return NotSupported("an aggregate with " + std::to_string(aggregate.type.scale) + " digits after the point");
        // A sum of int64_t values fits int128 however many rows there are.
        if (arg.lane != Lane::kStr) result.lane = Lane::kI128;
      }
      break;
    }
    case AccumulatorKind::kMin:
    case AccumulatorKind::kMax:
    case AccumulatorKind::kFirst: {
      const ColumnInfo& arg = arguments_[values[0]];
      function->primitive = AddPrimitive({.kind = kind, .args = values});
      result.lane = arg.lane;
      result.dictionary = arg.dictionary;
      result.min_scale = arg.min_scale;
      result.range = arg.range;
      break;
    }
    case AccumulatorKind::kVariance:
      if (arguments_[values[0]].lane != Lane::kF64)
        return NotSupported("a variance of " + plan::TypeName(arguments_[values[0]].type) + " is not supported");
      function->primitive = AddPrimitive({.kind = kind, .args = values, .distinct_set = distinct_set});
      break;
    case AccumulatorKind::kBitAnd:
    case AccumulatorKind::kBitOr:
    case AccumulatorKind::kBitXor:
      if (arguments_[values[0]].lane != Lane::kI64 || aggregate.type.IsString())
        return NotSupported("bit aggregates of " + plan::TypeName(arguments_[values[0]].type) + " are not supported");
      function->primitive = AddPrimitive({.kind = kind, .args = values, .distinct_set = distinct_set});
      result.nullable = false;
      break;
    case AccumulatorKind::kConcat:
      if (aggregate.function != AggregateFunction::kGroupConcat)
        return NotSupported(std::string("aggregate function ") + plan::AggregateFunctionName(aggregate.function) +
                            " is not supported");
      function->primitive =
          AddPrimitive({.kind = kind, .args = function->args, .distinct_set = distinct_set, .aggregate = &aggregate});
      break;
  }
  if (aggregate.function == AggregateFunction::kJsonArrayAgg || aggregate.function == AggregateFunction::kJsonObjectAgg)
    return NotSupported(std::string("aggregate function ") + plan::AggregateFunctionName(aggregate.function) +
                        " is not supported");
  results_.push_back(std::move(result));
  return {};
}

Result<std::vector<std::unique_ptr<Accumulator>>> AggregateSet::MakeStates(MemoryPool* pool) const {
  std::vector<std::unique_ptr<Accumulator>> states;
  for (const Primitive& primitive : primitives_) {
    std::vector<ColumnInfo> args;
    for (size_t arg : primitive.args) args.push_back(arguments_[arg]);
    ASSIGN_OR_RETURN(auto state, MakeAccumulator(primitive.kind, args, primitive.aggregate, context_, pool));
    states.push_back(std::move(state));
  }
  return states;
}

Result<Vector> AggregateSet::Compute(size_t index, const std::vector<std::unique_ptr<Accumulator>>& states,
                                     uint32_t first, uint32_t count, VectorBuffer* buffer, Arena* arena) const {
  const Function& function = functions_[index];
  const plan::Aggregate& aggregate = *function.aggregate;
  const ColumnInfo& info = results_[index];
  const Accumulator& state = *states[static_cast<size_t>(function.primitive)];
  buffer->Reset(info.lane);
  Vector out = buffer->Flat();
  out.dictionary = info.dictionary;
  if (info.nullable) out.nulls = buffer->Nulls();

  // Writes value(group) for each group, or NULL where empty(group).
  const auto fill = [&](auto* values, auto empty, auto value) {
    for (uint32_t i = 0; i < count; ++i) {
      const bool null = empty(first + i);
      if (out.nulls != nullptr) out.nulls[i] = null;
      values[i] = null ? std::remove_pointer_t<decltype(values)>{} : value(first + i);
    }
  };
  const auto counts = [&](int primitive) -> const CountState& {
    return static_cast<const CountState&>(*states[static_cast<size_t>(primitive)]);
  };
  const auto never = [](uint32_t) { return false; };

  switch (aggregate.function) {
    case AggregateFunction::kCountStar:
    case AggregateFunction::kCount:
      fill(out.i64(), never, [&](uint32_t g) { return counts(function.primitive).count(g); });
      return out;

    case AggregateFunction::kSum:
    case AggregateFunction::kAvg: {
      const bool average = aggregate.function == AggregateFunction::kAvg;
      if (info.lane == Lane::kF64) {
        const auto& sums = static_cast<const RealSumState&>(state);
        fill(out.f64(), [&](uint32_t g) { return sums.empty(g); }, [&](uint32_t g) {
          return average ? sums.sum(g) / static_cast<double>(counts(function.count).count(g)) : sums.sum(g);
        });
        return out;
      }
      if (info.lane == Lane::kI128) {
        const auto& sums = static_cast<const IntegerSumState&>(state);
        bool overflow = false;
        fill(out.i128(), [&](uint32_t g) { return sums.empty(g); }, [&](uint32_t g) {
          int128 value = sums.sum(g);
          if (average)
            overflow |= mysqlsem::AverageScaled(value, function.scale,
                                                static_cast<uint64_t>(counts(function.count).count(g)),
                                                static_cast<int>(context_->plan().div_precision_increment),
                                                &value) & mysqlsem::kDecOverflow;
          return value;
        });
        if (overflow) return NotSupported("an average beyond 38 digits is not supported");
        return out;
      }
      const auto& sums = static_cast<const BigSumState&>(state);
      const int size = mysqlsem::PackedDecimalSize(aggregate.type.precision, aggregate.type.scale);
      for (uint32_t i = 0; i < count; ++i) {
        const uint32_t g = first + i;
        out.nulls[i] = sums.empty(g);
        out.str()[i] = {"", 0, 0};
        if (sums.empty(g)) continue;
        mysqlsem::BigDecimal value = *static_cast<const mysqlsem::BigDecimal*>(sums.sum(g));
        if (average) {
          mysqlsem::BigDecimal quotient;
          mysqlsem::Divide(value, mysqlsem::BigDecimal::FromInt64(counts(function.count).count(g)),
                           static_cast<int>(context_->plan().div_precision_increment), &quotient);
          quotient.Round(aggregate.type.scale, mysqlsem::DecimalRounding::kHalfUp, &value);
        }
        auto* packed = static_cast<uint8_t*>(arena->Allocate(static_cast<size_t>(size), 1));
        if (packed == nullptr) return MakeError(ErrorCode::kOutOfMemory, "memory limit reached by decimal results");
        if (value.ToPacked(aggregate.type.precision, aggregate.type.scale, packed) & mysqlsem::kDecOverflow)
          return NotSupported("a decimal aggregate beyond 65 digits is not supported");
        out.str()[i] = {reinterpret_cast<char*>(packed), static_cast<uint32_t>(size), 0};
      }
      return out;
    }

    case AggregateFunction::kMin:
    case AggregateFunction::kMax:
    case AggregateFunction::kAnyValue: {
      const auto& values = static_cast<const ValueState&>(state);
      const auto empty = [&](uint32_t g) { return values.empty(g); };
      switch (info.lane) {
        case Lane::kI64: fill(out.i64(), empty, [&](uint32_t g) { return *static_cast<const int64_t*>(values.value(g)); }); break;
        case Lane::kI128: fill(out.i128(), empty, [&](uint32_t g) { return *static_cast<const int128*>(values.value(g)); }); break;
        case Lane::kF64: fill(out.f64(), empty, [&](uint32_t g) { return *static_cast<const double*>(values.value(g)); }); break;
        case Lane::kCode: fill(out.code(), empty, [&](uint32_t g) { return *static_cast<const uint32_t*>(values.value(g)); }); break;
        case Lane::kStr:
          fill(out.str(), empty, [&](uint32_t g) { return *static_cast<const StringRef*>(values.value(g)); });
          for (uint32_t i = 0; i < count; ++i)
            if (out.nulls[i]) out.str()[i] = {"", 0, 0};
          break;
      }
      return out;
    }

    case AggregateFunction::kStddevPop:
    case AggregateFunction::kStddevSamp:
    case AggregateFunction::kVarPop:
    case AggregateFunction::kVarSamp: {
      const auto& variance = static_cast<const VarianceState&>(state);
      const bool sample = aggregate.function == AggregateFunction::kStddevSamp ||
                          aggregate.function == AggregateFunction::kVarSamp;
      const bool root = aggregate.function == AggregateFunction::kStddevPop ||
                        aggregate.function == AggregateFunction::kStddevSamp;
      fill(out.f64(), [&](uint32_t g) { return variance.count(g) <= (sample ? 1 : 0); }, [&](uint32_t g) {
        const double value =
            variance.squared_deviations(g) / static_cast<double>(variance.count(g) - (sample ? 1 : 0));
        return root ? std::sqrt(value) : value;
      });
      return out;
    }

    case AggregateFunction::kBitAnd:
    case AggregateFunction::kBitOr:
    case AggregateFunction::kBitXor: {
      const auto& bits = static_cast<const BitState&>(state);
      fill(out.u64(), never, [&](uint32_t g) { return bits.bits(g); });
      return out;
    }

    case AggregateFunction::kGroupConcat: {
      const auto& concat = static_cast<const ConcatState&>(state);
      std::string text;
      for (uint32_t i = 0; i < count; ++i) {
        const bool null = concat.empty(first + i);
        out.nulls[i] = null;
        out.str()[i] = {"", 0, 0};
        if (null) continue;
        text.clear();
        if (!concat.Append(first + i, &text))
          context_->AddWarning(kCutByGroupConcat, "Row " + std::to_string(first + i + 1) + " was cut by GROUP_CONCAT()");
        const char* copy = arena->Copy(text);
        if (copy == nullptr) return MakeError(ErrorCode::kOutOfMemory, "memory limit reached by GROUP_CONCAT");
        out.str()[i] = {copy, static_cast<uint32_t>(text.size()), 0};
      }
      return out;
    }

    case AggregateFunction::kJsonArrayAgg:
    case AggregateFunction::kJsonObjectAgg: break;
  }
  return MakeError(ErrorCode::kInternal, "aggregate function without a result");
}

}  // namespace sirocco::engine
