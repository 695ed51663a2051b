#include "engine/exec/window_functions.h"

#include <algorithm>
#include <cmath>

#include "engine/exec/aggregate_functions.h"
#include "mysqlsem/collation.h"
#include "mysqlsem/decimal.h"

namespace sirocco::engine {

namespace {

using plan::AggregateFunction;
using plan::TypeKind;
using plan::WindowFunction;

constexpr uint32_t kCancelCheckRows = 1u << 16;

Error CancelledError() { return Error{ErrorCode::kCancelled, 0, "query was cancelled"}; }

// Calls visit(first, end) for each partition.
template <typename Visit>
Result<void> ForEachPartition(const WindowRows& rows, QueryContext* context, Visit&& visit) {
  for (size_t p = 0; p + 1 < rows.partitions.size(); ++p) {
    if (context->cancelled()) return std::unexpected(CancelledError());
    RETURN_IF_ERROR(visit(rows.partitions[p], rows.partitions[p + 1]));
  }
  return {};
}

// ROW_NUMBER, RANK, DENSE_RANK, PERCENT_RANK, CUME_DIST, NTILE.
class Ranking final : public WindowFunctionEvaluator {
 public:
  Ranking(const plan::WindowCall& call, const std::vector<size_t>& args, QueryContext* context)
      : function_(call.function), args_(args), context_(context) {
    result_ = {.id = call.id, .type = call.type, .lane = plan::LaneOf(call.type)};
    result_.nullable = function_ == WindowFunction::kNtile;
  }

  Result<void> Compute(const WindowRows& rows, SortedColumn* out) const override {
    return ForEachPartition(rows, context_, [&](uint32_t begin, uint32_t end) -> Result<void> {
      const uint32_t size = end - begin;
      auto next_peer = std::upper_bound(rows.peers.begin(), rows.peers.end(), begin);
      uint32_t peer_begin = begin, peer_end = *next_peer, dense = 1;
      for (uint32_t row = begin; row < end; ++row) {
        if (row == peer_end) {
          peer_begin = row;
          peer_end = *++next_peer;
          ++dense;
        }
        const uint32_t rank = peer_begin - begin + 1;
        switch (function_) {
          case WindowFunction::kRowNumber:
            out->as<int64_t>()[row] = row - begin + 1;
            break;
          case WindowFunction::kRank:
            out->as<int64_t>()[row] = rank;
            break;
          case WindowFunction::kDenseRank:
            out->as<int64_t>()[row] = dense;
            break;
          case WindowFunction::kPercentRank:
            out->as<double>()[row] = size == 1 ? 0 : static_cast<double>(rank - 1) / (size - 1);
            break;
          case WindowFunction::kCumeDist:
            out->as<double>()[row] = static_cast<double>(peer_end - begin) / size;
            break;
          default:
            Tile(rows, begin, row, size, out);
            break;
        }
      }
      return {};
    });
  }

 private:
  // The first `size % tiles` tiles have one row more than the others.
  void Tile(const WindowRows& rows, uint32_t begin, uint32_t row, uint32_t size,
            SortedColumn* out) const {
    const SortedColumn& argument = rows.arguments[args_[0]];
    const int128 tiles = argument.is_null(row) ? 0 : argument.integer(row);
    if (tiles <= 0) {
      out->SetNull(row);
      return;
    }
    const int128 small = size / tiles, larger = size % tiles, place = row - begin;
    const int128 in_larger = larger * (small + 1);
    out->as<int64_t>()[row] = static_cast<int64_t>(
        place < in_larger ? place / (small + 1) + 1 : larger + (place - in_larger) / small + 1);
  }

  WindowFunction function_;
  std::vector<size_t> args_;
  QueryContext* context_;
};

// LEAD, LAG, FIRST_VALUE, LAST_VALUE, NTH_VALUE: a value of another row.
class LookUp final : public WindowFunctionEvaluator {
 public:
  LookUp(const plan::WindowCall& call, const std::vector<size_t>& args,
         const std::vector<ColumnInfo>& arguments, FrameBounds bounds, QueryContext* context)
      : function_(call.function), args_(args), bounds_(std::move(bounds)), context_(context) {
    result_ = {.id = call.id, .type = call.type, .lane = arguments[args[0]].lane};
    if (args.size() > 2 && arguments[args[2]].lane == Lane::kI128) result_.lane = Lane::kI128;
  }

  Result<void> Compute(const WindowRows& rows, SortedColumn* out) const override {
    const SortedColumn& values = rows.arguments[args_[0]];
    const bool shifts = function_ == WindowFunction::kLead || function_ == WindowFunction::kLag;
    std::vector<FrameRows> frames;
    return ForEachPartition(rows, context_, [&](uint32_t begin, uint32_t end) -> Result<void> {
      if (!shifts) bounds_.Compute(rows, begin, end, &frames);
      for (uint32_t row = begin; row < end; ++row) {
        int128 place = -1;
        if (shifts) {
          const int128 distance = args_.size() > 1 ? rows.arguments[args_[1]].integer(row) : 1;
          place = function_ == WindowFunction::kLead ? row + distance : row - distance;
          if (place < begin || place >= end) {
            PutDefault(rows, row, out);
            continue;
          }
        } else if (const FrameRows& frame = frames[row - begin]; !frame.empty()) {
          if (function_ == WindowFunction::kFirstValue) place = frame.begin;
          if (function_ == WindowFunction::kLastValue) place = int128{frame.end} - 1;
          if (function_ == WindowFunction::kNthValue)
            place = frame.begin + rows.arguments[args_[1]].integer(row) - 1;
          if (place >= frame.end) place = -1;
        }
        Put(values, place, row, out);
      }
      return {};
    });
  }

 private:
  static void Put(const SortedColumn& values, int128 place, uint32_t row, SortedColumn* out) {
    if (place < 0 || values.is_null(static_cast<size_t>(place)))
      out->SetNull(row);
    else
      out->Copy(row, values, static_cast<size_t>(place));
  }
  void PutDefault(const WindowRows& rows, uint32_t row, SortedColumn* out) const {
    if (args_.size() > 2)
      Put(rows.arguments[args_[2]], row, row, out);
    else
      out->SetNull(row);
  }

  WindowFunction function_;
  std::vector<size_t> args_;
  FrameBounds bounds_;
  QueryContext* context_;
};

// COUNT, and SUM and AVG of exact numbers: the state after sliding the frame is the state of the
// frame.
class Sliding final : public WindowFunctionEvaluator {
 public:
  Sliding(const plan::WindowCall& call, int argument, const std::vector<ColumnInfo>& arguments,
          FrameBounds bounds, QueryContext* context)
      : function_(call.aggregate.function),
        argument_(argument),
        bounds_(std::move(bounds)),
        context_(context) {
    result_ = {.id = call.id, .type = call.aggregate.type};
    const bool counts =
        function_ == AggregateFunction::kCount || function_ == AggregateFunction::kCountStar;
    // Decimals of up to 18 digits travel in 64 bits, wider ones in 128; the result is packed
    // beyond 38.
    result_.lane =
        counts || plan::LaneOf(call.aggregate.type) == Lane::kI64 ? Lane::kI64 : Lane::kI128;
    result_.nullable = !counts;
    sums_ = !counts;
    if (argument >= 0 && arguments[argument].type.kind == TypeKind::kDecimal)
      scale_ = arguments[argument].type.scale;
  }

  Result<void> Compute(const WindowRows& rows, SortedColumn* out) const override {
    const SortedColumn* values = argument_ < 0 ? nullptr : &rows.arguments[argument_];
    std::vector<FrameRows> frames;
    bool overflow = false;
    return ForEachPartition(rows, context_, [&](uint32_t begin, uint32_t end) -> Result<void> {
      bounds_.Compute(rows, begin, end, &frames);
      uint32_t first = begin, last = begin;
      int64_t count = 0;
      int128 sum = 0;
      const auto add = [&](uint32_t row, int sign) {
        if (values != nullptr && values->is_null(row)) return;
        count += sign;
        if (sums_) overflow |= __builtin_add_overflow(sum, sign * values->integer(row), &sum);
      };
      for (uint32_t row = begin; row < end; ++row) {
        const FrameRows& frame = frames[row - begin];
        while (last < frame.end) add(last++, 1);
        while (first < frame.begin) add(first++, -1);
        if (overflow) return NotSupported("a sum beyond 38 digits is not supported");
        if (!sums_) {
          out->as<int64_t>()[row] = count;
        } else if (count == 0) {
          out->SetNull(row);
        } else {
          int128 value = sum;
          if (function_ == AggregateFunction::kAvg &&
              mysqlsem::AverageScaled(sum, scale_, static_cast<uint64_t>(count),
                                      static_cast<int>(context_->plan().div_precision_increment),
                                      &value) &
                  mysqlsem::kDecOverflow)
            return NotSupported("an average beyond 38 digits is not supported");
          if (result_.lane == Lane::kI64)
            out->as<int64_t>()[row] = static_cast<int64_t>(value);
          else
            out->as<int128>()[row] = value;
        }
      }
      return {};
    });
  }

 private:
  AggregateFunction function_;
  int argument_;  // -1: rows
  int scale_ = 0;
  bool sums_ = false;
  FrameBounds bounds_;
  QueryContext* context_;
};

// Functions given by a Kind: State, Add(state, row), Merge(state, later state), Emit(state, row).
template <typename Kind>
class Framed final : public WindowFunctionEvaluator {
 public:
  Framed(const plan::WindowCall& call, size_t argument, const ColumnInfo& info, FrameBounds bounds,
         QueryContext* context)
      : call_(call),
        argument_(argument),
        info_(info),
        bounds_(std::move(bounds)),
        context_(context) {
    result_ = Kind::Result(call, info);
    result_.id = call.id;
  }

  Result<void> Compute(const WindowRows& rows, SortedColumn* out) const override {
    const Kind kind(call_.aggregate.function, info_, rows.arguments[argument_]);
    std::vector<FrameRows> frames;
    std::vector<typename Kind::State> tree;
    MemoryReservation reservation(context_->pool());
    return ForEachPartition(rows, context_, [&](uint32_t begin, uint32_t end) -> Result<void> {
      bounds_.Compute(rows, begin, end, &frames);
      if (bounds_.starts_with_partition()) {
        typename Kind::State state;
        uint32_t next = begin;
        for (uint32_t row = begin; row < end; ++row) {
          while (next < frames[row - begin].end) kind.Add(&state, next++);
          kind.Emit(state, row, out);
        }
        return {};
      }
      return OverFrames(kind, frames, begin, end, &tree, &reservation, out);
    });
  }

 private:
  // Frames up to this length are added up one by one: cheaper than the tree, and in the server's
  // order.
  static constexpr uint32_t kShortFrame = 64;

  Result<void> OverFrames(const Kind& kind, const std::vector<FrameRows>& frames, uint32_t begin,
                          uint32_t end, std::vector<typename Kind::State>* tree,
                          MemoryReservation* reservation, SortedColumn* out) const {
    const uint32_t size = end - begin;
    uint32_t longest = 0;
    for (const FrameRows& frame : frames) longest = std::max(longest, frame.end - frame.begin);
    const bool use_tree = longest > kShortFrame;
    if (use_tree) {
      RETURN_IF_ERROR(reservation->ResizeTo(
          std::max(reservation->bytes(), size_t{2} * size * sizeof(typename Kind::State))));
      tree->assign(size_t{2} * size, {});
      for (uint32_t i = 0; i < size; ++i) kind.Add(&(*tree)[size + i], begin + i);
      for (uint32_t i = size - 1; i > 0; --i) {
        (*tree)[i] = (*tree)[2 * i];
        kind.Merge(&(*tree)[i], (*tree)[2 * i + 1]);
      }
    }
    for (uint32_t row = begin; row < end; ++row) {
      if (row % kCancelCheckRows == 0 && context_->cancelled())
        return std::unexpected(CancelledError());
      const FrameRows& frame = frames[row - begin];
      typename Kind::State state;
      if (!use_tree) {
        for (uint32_t i = frame.begin; i < frame.end; ++i) kind.Add(&state, i);
      } else {
        // Nodes left of the range are merged in order, those right of it in front of each other.
        typename Kind::State right;
        for (uint32_t l = frame.begin - begin + size, r = frame.end - begin + size; l < r;
             l >>= 1, r >>= 1) {
          if (l & 1) kind.Merge(&state, (*tree)[l++]);
          if (r & 1) {
            typename Kind::State earlier = (*tree)[--r];
            kind.Merge(&earlier, right);
            right = earlier;
          }
        }
        kind.Merge(&state, right);
      }
      kind.Emit(state, row, out);
    }
    return {};
  }

  const plan::WindowCall& call_;
  size_t argument_;
  ColumnInfo info_;
  FrameBounds bounds_;
  QueryContext* context_;
};

class RealSum {
 public:
  struct State {
    double sum = 0;
    int64_t count = 0;
  };
  RealSum(AggregateFunction function, const ColumnInfo&, const SortedColumn& values)
      : average_(function == AggregateFunction::kAvg), values_(values) {}
  static ColumnInfo Result(const plan::WindowCall& call, const ColumnInfo&) {
    return {.type = call.aggregate.type, .lane = Lane::kF64};
  }
  void Add(State* state, uint32_t row) const {
    if (values_.is_null(row)) return;
    state->sum += values_.as<double>()[row];
    ++state->count;
  }
  void Merge(State* state, const State& other) const {
    state->sum += other.sum;
    state->count += other.count;
  }
  void Emit(const State& state, uint32_t row, SortedColumn* out) const {
    if (state.count == 0) return out->SetNull(row);
    out->as<double>()[row] = average_ ? state.sum / static_cast<double>(state.count) : state.sum;
  }

 private:
  bool average_;
  const SortedColumn& values_;
};

// Welford's recurrence, Chan's merge.
class Variance {
 public:
  struct State {
    int64_t count = 0;
    double mean = 0, deviations = 0;
  };
  Variance(AggregateFunction function, const ColumnInfo&, const SortedColumn& values)
      : sample_(function == AggregateFunction::kStddevSamp ||
                function == AggregateFunction::kVarSamp),
        root_(function == AggregateFunction::kStddevSamp ||
              function == AggregateFunction::kStddevPop),
        values_(values) {}
  static ColumnInfo Result(const plan::WindowCall& call, const ColumnInfo&) {
    return {.type = call.aggregate.type, .lane = Lane::kF64};
  }
  void Add(State* state, uint32_t row) const {
    if (values_.is_null(row)) return;
    const double value = values_.as<double>()[row], before = state->mean;
    ++state->count;
    state->mean += (value - before) / static_cast<double>(state->count);
    state->deviations += (value - before) * (value - state->mean);
  }
  void Merge(State* state, const State& other) const {
    if (other.count == 0) return;
    if (state->count == 0) {
      *state = other;
      return;
    }
    const auto n = static_cast<double>(state->count), m = static_cast<double>(other.count);
    const double difference = other.mean - state->mean;
    state->mean += difference * m / (n + m);
    state->deviations += other.deviations + difference * difference * n * m / (n + m);
    state->count += other.count;
  }
  void Emit(const State& state, uint32_t row, SortedColumn* out) const {
    if (state.count <= (sample_ ? 1 : 0)) return out->SetNull(row);
    const double value = state.deviations / static_cast<double>(state.count - (sample_ ? 1 : 0));
    out->as<double>()[row] = root_ ? std::sqrt(value) : value;
  }

 private:
  bool sample_, root_;
  const SortedColumn& values_;
};

class Bits {
 public:
  struct State {
    uint64_t all = ~uint64_t{0}, any = 0, odd = 0;
  };
  Bits(AggregateFunction function, const ColumnInfo&, const SortedColumn& values)
      : function_(function), values_(values) {}
  static ColumnInfo Result(const plan::WindowCall& call, const ColumnInfo&) {
    return {.type = call.aggregate.type, .lane = Lane::kI64, .nullable = false};
  }
  void Add(State* state, uint32_t row) const {
    if (values_.is_null(row)) return;
    const uint64_t bits = values_.as<uint64_t>()[row];
    Merge(state, {bits, bits, bits});
  }
  void Merge(State* state, const State& other) const {
    state->all &= other.all;
    state->any |= other.any;
    state->odd ^= other.odd;
  }
  void Emit(const State& state, uint32_t row, SortedColumn* out) const {
    out->as<uint64_t>()[row] = function_ == AggregateFunction::kBitAnd  ? state.all
                               : function_ == AggregateFunction::kBitOr ? state.any
                                                                        : state.odd;
  }

 private:
  AggregateFunction function_;
  const SortedColumn& values_;
};

// MIN and MAX: the state is the row that has the value; the first of equals.
class Extreme {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct State {
    uint32_t row = kNone;
  };
  Extreme(AggregateFunction function, const ColumnInfo& info, const SortedColumn& values)
      : least_(function == AggregateFunction::kMin),
        is_unsigned_(info.type.IsUnsigned()),
        collation_(info.type.IsString() ? mysqlsem::FindCollation(info.type.collation) : nullptr),
        values_(values) {}
  static ColumnInfo Result(const plan::WindowCall& call, const ColumnInfo& info) {
    return {.type = call.aggregate.type, .lane = info.lane, .range = info.range};
  }
  void Add(State* state, uint32_t row) const {
    if (!values_.is_null(row)) Merge(state, {row});
  }
  void Merge(State* state, const State& other) const {
    if (other.row == kNone) return;
    if (state->row == kNone || Replaces(other.row, state->row)) *state = other;
  }
  void Emit(const State& state, uint32_t row, SortedColumn* out) const {
    if (state.row == kNone) return out->SetNull(row);
    out->Copy(row, values_, state.row);
  }

 private:
  bool Replaces(uint32_t a, uint32_t b) const {
    const int order = Order(a, b);
    return least_ ? order < 0 : order > 0;
  }
  template <typename T>
  static int Sign(T a, T b) {
    return a < b ? -1 : a > b ? 1 : 0;
  }
  int Order(uint32_t a, uint32_t b) const {
    switch (values_.lane()) {
      case Lane::kF64:
        return Sign(values_.as<double>()[a], values_.as<double>()[b]);
      case Lane::kI128:
        return Sign(values_.as<int128>()[a], values_.as<int128>()[b]);
      case Lane::kStr: {
        const std::string_view x = values_.as<StringRef>()[a].view(),
                               y = values_.as<StringRef>()[b].view();
        return collation_ != nullptr ? collation_->Compare(x, y) : x.compare(y);
      }
      default:
        return is_unsigned_ ? Sign(values_.as<uint64_t>()[a], values_.as<uint64_t>()[b])
                            : Sign(values_.as<int64_t>()[a], values_.as<int64_t>()[b]);
    }
  }

  bool least_, is_unsigned_;
  const mysqlsem::Collation* collation_;
  const SortedColumn& values_;
};

Result<std::unique_ptr<WindowFunctionEvaluator>> MakeAggregateFunction(
    const plan::WindowCall& call, const std::vector<size_t>& args,
    const std::vector<ColumnInfo>& arguments, FrameBounds bounds, QueryContext* context) {
  const plan::Aggregate& aggregate = call.aggregate;
  const auto refuse = [&]() -> std::unexpected<Error> {
    return NotSupported(std::string("window function ") +
                        plan::AggregateFunctionName(aggregate.function) +
                        (args.empty() ? "" : " of " + plan::TypeName(arguments[args[0]].type)) +
                        " is not supported");
  };
  if (aggregate.function == AggregateFunction::kCountStar)
    return std::make_unique<Sliding>(call, -1, arguments, std::move(bounds), context);
  if (aggregate.distinct || args.size() != 1) return refuse();
  const size_t argument = args[0];
  const ColumnInfo& info = arguments[argument];
  switch (aggregate.function) {
    case AggregateFunction::kCount:
      return std::make_unique<Sliding>(call, static_cast<int>(argument), arguments,
                                       std::move(bounds), context);
    case AggregateFunction::kSum:
    case AggregateFunction::kAvg: {
      if (aggregate.function == AggregateFunction::kAvg && !AverageIsExact(info, *context))
        return NotSupported("an average of values of varying scale is not supported");
      if (info.lane == Lane::kF64 && aggregate.type.IsReal())
        return std::make_unique<Framed<RealSum>>(call, argument, info, std::move(bounds), context);
      if (aggregate.type.kind != TypeKind::kDecimal ||
          (info.lane != Lane::kI64 && info.lane != Lane::kI128))
        return refuse();
      const int scale = info.type.kind == TypeKind::kDecimal ? info.type.scale : 0;
      const int result_scale = aggregate.function == AggregateFunction::kSum
                                   ? scale
                                   : std::min<int>(scale + context->plan().div_precision_increment,
                                                   mysqlsem::kDecimalMaxScale);
      if (result_scale != aggregate.type.scale) return refuse();
      return std::make_unique<Sliding>(call, static_cast<int>(argument), arguments,
                                       std::move(bounds), context);
    }
    case AggregateFunction::kMin:
    case AggregateFunction::kMax:
      if (info.type.IsString() && mysqlsem::FindCollation(info.type.collation) == nullptr)
        return refuse();
      // Packed decimals of one type compare as their bytes do.
      if (info.lane == Lane::kStr && !info.type.IsString() && info.type.kind != TypeKind::kDecimal)
        return refuse();
      return std::make_unique<Framed<Extreme>>(call, argument, info, std::move(bounds), context);
    case AggregateFunction::kStddevPop:
    case AggregateFunction::kStddevSamp:
    case AggregateFunction::kVarPop:
    case AggregateFunction::kVarSamp:
      if (info.lane != Lane::kF64) return refuse();
      return std::make_unique<Framed<Variance>>(call, argument, info, std::move(bounds), context);
    case AggregateFunction::kBitAnd:
    case AggregateFunction::kBitOr:
    case AggregateFunction::kBitXor:
      if (info.lane != Lane::kI64 || aggregate.type.IsString()) return refuse();
      return std::make_unique<Framed<Bits>>(call, argument, info, std::move(bounds), context);
    default:
      return refuse();
  }
}

}  // namespace

void SortedColumn::Copy(size_t row, const SortedColumn& from, size_t from_row) {
  if (lane_ == Lane::kI128) {
    as<int128>()[row] = from.integer(from_row);
    return;
  }
  const uint32_t width = LaneWidth(lane_);
  std::memcpy(as<char>() + row * width, from.as<char>() + from_row * width, width);
}

Result<std::unique_ptr<WindowFunctionEvaluator>> MakeWindowFunction(
    const plan::WindowCall& call, const std::vector<size_t>& args,
    const std::vector<ColumnInfo>& arguments, FrameBounds bounds, QueryContext* context) {
  const auto is_integer = [&](size_t arg) {
    return arguments[arg].lane == Lane::kI64 && arguments[arg].type.IsInteger();
  };
  switch (call.function) {
    case WindowFunction::kAggregate:
      return MakeAggregateFunction(call, args, arguments, std::move(bounds), context);
    case WindowFunction::kNtile:
      if (args.size() != 1 || !is_integer(args[0]))
        return NotSupported("this form of NTILE is not supported");
      return std::make_unique<Ranking>(call, args, context);
    case WindowFunction::kRowNumber:
    case WindowFunction::kRank:
    case WindowFunction::kDenseRank:
    case WindowFunction::kPercentRank:
    case WindowFunction::kCumeDist:
      return std::make_unique<Ranking>(call, args, context);
    case WindowFunction::kLead:
    case WindowFunction::kLag: {
      if (args.empty() || args.size() > 3 || call.ignore_nulls ||
          (args.size() > 1 && !is_integer(args[1])))
        return NotSupported("this form of LEAD or LAG is not supported");
      if (args.size() > 2) {
        const Lane a = arguments[args[0]].lane, b = arguments[args[2]].lane;
        const bool mix =
            (a == Lane::kI64 && b == Lane::kI128) || (a == Lane::kI128 && b == Lane::kI64);
        if (a != b && !mix)
          return NotSupported("LEAD or LAG with a default of another type is not supported");
      }
      return std::make_unique<LookUp>(call, args, arguments, std::move(bounds), context);
    }
    case WindowFunction::kFirstValue:
    case WindowFunction::kLastValue:
    case WindowFunction::kNthValue: {
      const size_t wanted = call.function == WindowFunction::kNthValue ? 2 : 1;
      if (args.size() != wanted || call.ignore_nulls || call.from_last ||
          (wanted == 2 && !is_integer(args[1])))
        return NotSupported("this form of FIRST_VALUE, LAST_VALUE or NTH_VALUE is not supported");
      return std::make_unique<LookUp>(call, args, arguments, std::move(bounds), context);
    }
  }
  return NotSupported("unknown window function");
}

}  // namespace sirocco::engine
