// Operators of a plan, as data: what is to be computed, not how. The engine chooses build sides, hash or direct
// addressing, filters passed sideways and so on from what it knows about the data.
//
// A node's visible columns are those of its inputs that the node passes on plus those it defines. Columns that nothing
// above reads are dropped by the engine.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "plan/expr.h"

namespace sirocco::plan {

using TableId = uint64_t;   // given by the node when a table is loaded; unique over the node's life time

inline constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

enum class NodeKind : uint8_t {
  kScan = 1,
  kFilter,
  kProject,
  kJoin,
  kAggregate,
  kSort,
  kLimit,
  kSetOperation,
  kValues,
  kSharedScan,
  kWindow,
};

enum class JoinKind : uint8_t {
  kInner = 1,
  kLeft,          // all rows of inputs[0]; inputs[1]'s columns NULL where nothing matches
  kSemi,          // rows of inputs[0] with a match; inputs[1]'s columns are not visible above
  kAnti,          // rows of inputs[0] without a match (NOT EXISTS)
  kNullAwareAnti, // NOT IN: a NULL key on either side is not "no match"; exactly one key
};

enum class SetOperation : uint8_t {
  kUnionAll = 1,
  kUnion,
  kIntersect,
  kIntersectAll,
  kExcept,
  kExceptAll,
};

enum class AggregateFunction : uint8_t {
  kCountStar = 1,
  kCount,        // with distinct: several args allowed, a row counts if none is NULL
  kSum,          // result kDecimal (exact) or kDouble
  kAvg,          // result kDecimal with scale = argument scale + div_precision_increment, or kDouble
  kMin,
  kMax,
  kAnyValue,
  kStddevPop, kStddevSamp, kVarPop, kVarSamp,  // result kDouble
  kBitAnd, kBitOr, kBitXor,                    // result kUInt; never NULL
  kGroupConcat,                                // args; order_by; separator
  kJsonArrayAgg, kJsonObjectAgg,
};

enum class WindowFunction : uint8_t {
  kAggregate = 1,  // `aggregate` over the frame
  kRowNumber, kRank, kDenseRank, kPercentRank, kCumeDist, kNtile, kLead, kLag, kFirstValue, kLastValue, kNthValue,
};

struct Node;
using NodePtr = std::shared_ptr<const Node>;

struct ScanColumn {
  ColumnId id = 0;
  uint32_t column = 0;   // position in TableSchema::columns of the loaded table
  Type type;
};

struct NamedExpr {
  ColumnId id = 0;
  ExprPtr expr;
};

struct SortKey {
  ExprPtr expr;
  bool descending = false;   // NULLs come first ascending and last descending, as in MySQL
};

struct JoinKey {
  ExprPtr left;     // over inputs[0]
  ExprPtr right;    // over inputs[1]; same comparison class as `left`
  uint32_t collation = 0;   // strings
  bool null_safe = false;   // <=>
};

struct Aggregate {
  ColumnId id = 0;
  AggregateFunction function = AggregateFunction::kCountStar;
  bool distinct = false;
  std::vector<ExprPtr> args;
  Type type;
  std::vector<SortKey> order_by;   // kGroupConcat
  std::string separator;           // kGroupConcat
};

enum class FrameUnit : uint8_t { kRows = 1, kRange };
enum class FrameBound : uint8_t { kUnboundedPreceding = 1, kPreceding, kCurrentRow, kFollowing, kUnboundedFollowing };

struct WindowCall {
  ColumnId id = 0;
  WindowFunction function = WindowFunction::kRowNumber;
  Aggregate aggregate;             // kAggregate
  std::vector<ExprPtr> args;
  Type type;
  FrameUnit unit = FrameUnit::kRange;
  FrameBound start = FrameBound::kUnboundedPreceding, end = FrameBound::kCurrentRow;
  ExprPtr start_offset, end_offset;
  bool from_last = false, ignore_nulls = false;
};

struct Node {
  NodeKind kind = NodeKind::kValues;
  std::vector<NodePtr> inputs;
  double estimated_rows = -1;      // the optimizer's estimate; negative: unknown
  uint32_t id = 0;                 // unique in the plan once numbered; operators report their statistics under it

  // kScan. `predicate` (may be null) is over the scan's columns.
  TableId table = 0;
  std::string table_name;          // "schema.table", for text
  std::vector<ScanColumn> scan_columns;
  // kScan, kFilter: the condition. kJoin: extra condition over both sides besides the keys (part of the match for
  // kLeft, kSemi, kAnti). May be null.
  ExprPtr predicate;

  // kProject: new columns; the input's columns stay visible.
  std::vector<NamedExpr> expressions;

  // kJoin
  JoinKind join_kind = JoinKind::kInner;
  std::vector<JoinKey> join_keys;  // none: cross join
  bool keep_order = false;         // STRAIGHT_JOIN: not to be reordered

  // kAggregate. Visible above: group columns and aggregates only. No groups: one row, also for empty input.
  // rollup: groups (all), (all but the last), ..., () as WITH ROLLUP; absent group columns are NULL.
  std::vector<NamedExpr> groups;
  std::vector<Aggregate> aggregates;
  bool rollup = false;
  std::vector<ColumnId> grouping_ids;  // with rollup: per group expression, a kInt column that is 1 in rows where it is absent; 0 = not needed
  // kAggregate without aggregates is DISTINCT on the groups.

  // kSort, kLimit. A kSort without limit is a full sort.
  std::vector<SortKey> sort_keys;
  uint64_t limit = kNoLimit;
  uint64_t offset = 0;

  // kSetOperation: output column i takes set_inputs[k][i] from input k; all of the same type after casts.
  SetOperation set_operation = SetOperation::kUnionAll;
  std::vector<std::pair<ColumnId, Type>> set_outputs;
  std::vector<std::vector<ColumnId>> set_inputs;

  // kValues: rows of constants; one row without columns is the input of a table-less SELECT; no row is ZERO_ROWS.
  std::vector<std::pair<ColumnId, Type>> value_columns;
  std::vector<std::vector<Value>> rows;

  // kSharedScan: reads Plan::shared[shared], computed once; columns renamed so that ids stay unique.
  uint32_t shared = 0;
  std::vector<std::pair<ColumnId /*here*/, ColumnId /*in the shared plan*/>> shared_columns;

  // kWindow: one window definition with its calls; input order is irrelevant.
  std::vector<ExprPtr> partition_by;
  std::vector<SortKey> window_order;
  std::vector<WindowCall> windows;
};

struct ResultColumn {
  ColumnId id = 0;
  Type type;
  std::string name;
};

// Offset of local time from UTC: from `utc_seconds` on, `offset_seconds` holds. Sorted; the first entry holds before, too.
struct TimeZoneRule {
  int64_t utc_seconds = 0;
  int32_t offset_seconds = 0;
};

struct Plan {
  std::vector<NodePtr> shared;            // common table expressions used several times; may refer to earlier ones
  NodePtr root;
  std::vector<ResultColumn> results;
  // Session settings that change results.
  std::vector<TimeZoneRule> time_zone;    // empty: UTC
  uint64_t sql_mode = 0;                  // MySQL's MODE_* bits
  uint32_t div_precision_increment = 4;
  uint64_t group_concat_max_length = 1024;
  uint64_t max_allowed_packet = 64 << 20;
};

const char* NodeKindName(NodeKind kind);
const char* AggregateFunctionName(AggregateFunction function);
const char* JoinKindName(JoinKind kind);

// The columns visible above the node, in a deterministic order, with their types.
std::vector<std::pair<ColumnId, Type>> OutputColumns(const Plan& plan, const Node& node);

// Indented text of the plan, one line per node.
std::string PlanText(const Plan& plan);

}  // namespace sirocco::plan
