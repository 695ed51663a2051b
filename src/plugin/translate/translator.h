// The translator: one object per statement. Its methods are grouped in files by topic: paths_*.cc
// for operators, items_*.cc for expressions, functions.cc for the table of SQL functions.
//
// Threads: the statement's own thread only. Errors: kNotSupported with a reason for a DBA.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/error.h"
#include "plugin/translate/mysql_headers.h"
#include "plugin/translate/scope.h"
#include "plugin/translate/translate.h"
#include "plugin/translate/types.h"

namespace sirocco::plugin {

using plan::ColumnId;
using plan::Expr;
using plan::ExprOp;
using plan::ExprPtr;
using plan::NodePtr;
using plan::Type;
using plan::TypeKind;

// How MySQL compares two values.
enum class CompareClass { kInteger, kDecimal, kReal, kString, kDate, kTime, kDatetime };

class Translator {
 public:
  Translator(THD* thd, LEX* lex, const TableResolver& resolver)
      : thd_(thd), lex_(lex), resolver_(resolver) {}

  Result<TranslatedQuery> Run();

  // ---- Items to expressions (items.cc) ----
  // The item's value as the server computes it inside an expression: AVG of decimals has all its
  // digits.
  Result<ExprPtr> ValueOf(Item* item);
  // The item's value as it is sent, stored, grouped or sorted: rounded to the declared type.
  Result<ExprPtr> Output(Item* item);
  // The item in a given context, converted as the server's val_int(), val_real(), ... would.
  Result<ExprPtr> AsInteger(Item* item);
  Result<ExprPtr> AsDecimal(Item* item);
  Result<ExprPtr> AsNumber(Item* item);  // an integer or a decimal for an integer, else a decimal
  Result<ExprPtr> AsReal(Item* item);
  Result<ExprPtr> RealOf(Item* item, ExprPtr value, const Type& type);
  Result<ExprPtr> AsString(Item* item);
  // As a string in the character set of `charset`; constants are converted now, columns of another
  // set are refused.
  Result<ExprPtr> AsStringIn(Item* item, const CHARSET_INFO* charset);
  Result<ExprPtr> AsDate(Item* item);
  Result<ExprPtr> AsTime(Item* item);
  Result<ExprPtr> AsDatetime(Item* item);
  Result<ExprPtr> AsCondition(Item* item);
  // In the representation of `type`, converted as when stored in a column of that type.
  Result<ExprPtr> AsType(Item* item, const Type& type);
  // A branch of CASE, IF, COALESCE, ... whose declared type is `type`.
  Result<ExprPtr> AsBranch(Item* item, const Type& type);
  Result<ExprPtr> CastTo(ExprPtr value, const Type& type);
  Result<void> CheckTextAsNumber(Item* item);

  // ---- SQL functions, one handler each; named in functions.cc ----
  using Handler = Result<ExprPtr> (Translator::*)(Item_func*);
  // items_comparison.cc
  Result<ExprPtr> Comparison(Item_func* item);
  Result<ExprPtr> Between(Item_func* item);
  Result<ExprPtr> In(Item_func* item);
  Result<ExprPtr> Like(Item_func* item);
  Result<ExprPtr> IsNull(Item_func* item);
  Result<ExprPtr> Truth(Item_func* item);
  Result<ExprPtr> Not(Item_func* item);
  Result<ExprPtr> Xor(Item_func* item);
  Result<ExprPtr> Strcmp(Item_func* item);
  Result<ExprPtr> MultiEquality(Item_func* item);
  Result<ExprPtr> TriggerCondition(Item_func* item);
  Result<ExprPtr> RejectIf(Item_func* item);
  // items_arithmetic.cc
  Result<ExprPtr> Arithmetic(Item_func* item);
  Result<ExprPtr> Division(Item_func* item);
  Result<ExprPtr> IntegerDivision(Item_func* item);
  Result<ExprPtr> Negate(Item_func* item);
  Result<ExprPtr> Round(Item_func* item);
  Result<ExprPtr> Integral(Item_func* item);
  Result<ExprPtr> Absolute(Item_func* item);
  Result<ExprPtr> Sign(Item_func* item);
  Result<ExprPtr> Log(Item_func* item);
  Result<ExprPtr> Atan(Item_func* item);
  Result<ExprPtr> RealFunction(Item_func* item);
  Result<ExprPtr> BitOperation(Item_func* item);
  Result<ExprPtr> BitCount(Item_func* item);
  // items_conditional.cc
  Result<ExprPtr> Case(Item_func* item);
  Result<ExprPtr> If(Item_func* item);
  Result<ExprPtr> Coalesce(Item_func* item);
  Result<ExprPtr> NullIf(Item_func* item);
  Result<ExprPtr> MinMax(Item_func* item);
  Result<ExprPtr> FieldPosition(Item_func* item);
  Result<ExprPtr> Elt(Item_func* item);
  Result<ExprPtr> Interval(Item_func* item);
  Result<ExprPtr> FirstArgument(
      Item_func* item);  // ANY_VALUE and other functions that only mark their argument
  // items_cast.cc
  Result<ExprPtr> CastSigned(Item_func* item);
  Result<ExprPtr> CastUnsigned(Item_func* item);
  Result<ExprPtr> CastDecimal(Item_func* item);
  Result<ExprPtr> CastReal(Item_func* item);
  Result<ExprPtr> CastTemporal(Item_func* item);
  Result<ExprPtr> CastChar(Item_func* item);
  Result<ExprPtr> Collate(Item_func* item);
  // items_temporal.cc
  Result<ExprPtr> Extract(Item_func* item);
  Result<ExprPtr> ExtractPart(Item_func* item);
  Result<ExprPtr> DateArithmetic(Item_func* item);
  Result<ExprPtr> TimestampDiff(Item_func* item);
  Result<ExprPtr> Week(Item_func* item);
  Result<ExprPtr> FromUnixtime(Item_func* item);
  Result<ExprPtr> UnixTimestamp(Item_func* item);
  Result<ExprPtr> DateFormat(Item_func* item);
  Result<ExprPtr> StrToDate(Item_func* item);
  Result<ExprPtr> NameOfDate(Item_func* item);
  Result<ExprPtr> AddTime(Item_func* item);
  Result<ExprPtr> TimeDiff(Item_func* item);
  Result<ExprPtr> MakeTime(Item_func* item);
  // items_string.cc
  Result<ExprPtr> Locate(Item_func* item);
  Result<ExprPtr> Trim(Item_func* item);
  Result<ExprPtr> FindInSet(Item_func* item);
  Result<ExprPtr> Hex(Item_func* item);
  Result<ExprPtr> Unhex(Item_func* item);
  Result<ExprPtr> InetAton(Item_func* item);
  Result<ExprPtr> Conv(Item_func* item);
  Result<ExprPtr> Format(Item_func* item);
  // items_aggregate.cc
  Result<ExprPtr> RollupGroupItem(Item_func* item);
  Result<ExprPtr> Grouping(Item_func* item);
  // items_subquery.cc
  Result<ExprPtr> InOptimizer(Item_func* item);

 private:
  // ---- Items (items.cc) ----
  Result<ExprPtr> FieldValue(Item_field* item);
  Result<ExprPtr> FunctionValue(Item_func* item);
  Result<ExprPtr> CondValue(Item_cond* item);
  // The group expression of the layers in reach that equals `item`, or null.
  Result<ExprPtr> GroupValue(Item* item, bool* found);
  Result<TypedColumn> ResolveField(const Field* field);
  // A column of the innermost aggregation that carries any value of a column that is not grouped.
  Result<ExprPtr> AnyValueAbove(Item_field* item, Layer* layer);
  Result<ExprPtr> NullComplemented(Item_view_ref* reference);
  static ExprPtr InCollation(ExprPtr value, uint32_t collation);
  Result<ExprPtr> GenericFunction(Item_func* item, ExprOp op, std::string_view pattern);
  Result<ExprPtr> EnumText(Item* item, const ExprPtr& value);
  Result<ExprPtr> ZerofillText(Item* item, ExprPtr text);

  // ---- Constants (constants.cc) ----
  bool IsConstant(Item* item) const;
  Result<ExprPtr> ConstantValue(Item* item, const Type& type);
  Result<ExprPtr> ValueOfNoRow(Item* item);
  Result<ExprPtr> FailingConstant(Item* item, const Type& wanted);
  Result<void> CheckEvaluation() const;

  // ---- Comparison (items_comparison.cc) ----
  Result<CompareClass> ClassOf(Item* a, Item* b);
  Result<ExprPtr> AsClass(Item* item, CompareClass compare_class, const CHARSET_INFO* collation);
  Result<ExprPtr> CompareAs(ExprOp op, Item* a, Item* b, CompareClass compare_class,
                            const CHARSET_INFO* collation);
  Result<ExprPtr> ComparePair(ExprOp op, const Arg_comparator* comparator, Item* a, Item* b);
  Result<ExprPtr> CompareRows(ExprOp op, Item* a, Item* b);
  Result<const CHARSET_INFO*> ComparisonCollation(Item** args, uint count, const char* function);
  // Both arguments cast so that a date column meets a date constant where that is exact.
  void SimplifyDatetimePair(ExprPtr* a, ExprPtr* b, CompareClass* compare_class);

  // ---- Aggregates and windows (items_aggregate.cc, items_window.cc) ----
  Result<ExprPtr> SumValue(Item_sum* item);
  Result<ExprPtr> AggregateValue(Item_sum* item, Layer* layer, size_t depth_below);
  Result<plan::Aggregate> MakeAggregate(Item_sum* item);
  Result<ColumnId> AddAggregate(Layer* layer, plan::Aggregate aggregate);
  Result<ExprPtr> WindowValue(Item_sum* item);
  Result<plan::WindowCall> MakeWindowCall(Item_sum* item);
  Result<void> SetFrame(const Window& window, plan::WindowCall* call);
  Result<ExprPtr> IntervalBound(const Window& window, const PT_border& border);
  Result<ExprPtr> QuotientOfSum(Item_sum* item, Layer* layer, size_t depth_below);

  // ---- Paths (paths.cc, paths_*.cc) ----
  Result<NodePtr> Path(AccessPath* path);
  Result<NodePtr> TableScan(AccessPath* path);
  Result<NodePtr> Filter(AccessPath* path);
  Result<NodePtr> FilterOn(NodePtr input, Item* condition, AccessPath* path);
  Result<NodePtr> Sort(AccessPath* path);
  Result<NodePtr> Limit(AccessPath* path);
  Result<NodePtr> HashJoin(AccessPath* path);
  Result<NodePtr> Aggregate(AccessPath* path);
  Result<NodePtr> Materialize(AccessPath* path);
  Result<NodePtr> Append(AccessPath* path);
  Result<NodePtr> ZeroRows(AccessPath* path);
  Result<NodePtr> ZeroRowsAggregated(AccessPath* path);
  Result<NodePtr> SingleRow(AccessPath* path);
  Result<NodePtr> WindowPath(AccessPath* path);
  Result<NodePtr> TableValues(AccessPath* path);

  // The block's rows with one column per visible select item, cast to `targets` where given.
  struct BlockResult {
    NodePtr node;
    std::vector<TypedColumn> columns;
    MutableNode open_union;  // `node`, while it is a UNION [ALL] that takes more inputs
  };
  // `value`, if given, says what is wanted of an item instead of its output.
  using SelectValue = std::function<Result<ExprPtr>(Item*)>;
  Result<BlockResult> QueryBlock(JOIN* join, AccessPath* root, const mem_root_deque<Item*>& fields,
                                 const std::vector<Type>* targets,
                                 const SelectValue* value = nullptr);
  Result<BlockResult> SetOperation(const MaterializePathParameters& param, std::vector<Type> types);
  // Adds `side` to what `all` holds so far.
  BlockResult Combine(plan::SetOperation operation, BlockResult all, BlockResult side,
                      const std::vector<Type>& types);
  Result<BlockResult> MaterializedRows(const MaterializePathParameters& param, TABLE* table);
  Result<NodePtr> SharedExpression(const MaterializePathParameters& param, TABLE* table);
  Result<plan::SortKey> MakeSortKey(Item* item, bool descending);
  Result<NodePtr> SortBy(NodePtr input, const std::vector<std::pair<Item*, bool>>& order,
                         uint64_t limit, uint64_t offset);
  NodePtr GroupOn(NodePtr input, std::vector<std::pair<Item*, ExprPtr>> groups);
  void ExpandGroupingSets(Layer* layer);
  NodePtr RejectMultipleRows(NodePtr input, std::vector<TypedColumn>* columns);
  NodePtr CountAndAnyValue(NodePtr input, ColumnId count, std::vector<TypedColumn>* columns);
  Source* AddSource(TABLE* table, Source::Kind kind);
  Result<std::vector<Type>> ColumnTypes(TABLE* table) const;
  // The session's time zone has one offset from UTC for all times (time_zone.cc).
  bool HasFixedOffset();
  Result<void> CheckDigits(Item* item);

  // ---- Subqueries left in expressions (items_subquery.cc) ----
  struct InOperands {
    NodePtr rows;
    ExprPtr left, right;  // right: over `rows`
    Type target;
    uint32_t collation = 0;
  };
  // Joins the subqueries that the values of `items` need to `input`. in_aggregates: also those in
  // arguments of aggregates, which are evaluated on `input`'s rows.
  Result<NodePtr> JoinSubqueries(NodePtr input, const std::vector<Item*>& items,
                                 bool in_aggregates);
  // Applies the terms of a condition that are IN subqueries as joins; `rest` gets the others, whose
  // subqueries are joined.
  Result<NodePtr> FilterBySubqueries(NodePtr input, Item* condition, std::vector<Item*>* rest);
  void CollectSubqueries(Item* item, bool in_aggregates, std::vector<Item*>* subqueries);
  ExprPtr SubqueryValueInReach(const Item* subquery) const;
  Result<ExprPtr> SubqueryValue(Item_subselect* subquery);
  Result<NodePtr> JoinSubquery(NodePtr input, Item_subselect* subquery);
  Result<InOperands> OperandsOfIn(Item_in_subselect* in);
  Result<NodePtr> JoinIn(NodePtr input, Item_in_subselect* in);
  Result<NodePtr> FilterByIn(NodePtr input, Item_in_subselect* in, bool negated);
  NodePtr WithRow(NodePtr input, NodePtr single, bool outer);

  // ---- Statement checks (translate.cc) ----
  Result<void> CheckLocks() const;

  MutableNode NewNode(plan::NodeKind kind, const AccessPath* path);
  ColumnId NewColumn() { return next_column_++; }

  THD* thd_;
  LEX* lex_;
  const TableResolver& resolver_;
  TranslatedQuery result_;
  Block* block_ = nullptr;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::unordered_map<const TABLE*, Source> sources_;
  std::unordered_map<const void*, uint32_t> shared_index_;  // materialization -> Plan::shared
  std::vector<std::vector<TypedColumn>> shared_columns_;    // by index: its output columns
  ColumnId next_column_ = 1;
  bool order_pending_ = false;  // an ORDER BY of the block has not been met yet on the way down
  bool needs_time_zone_ = false;
  int fixed_offset_ = -1;  // not known yet
};

// Restores a value at the end of the scope.
template <typename T>
class Restore {
 public:
  explicit Restore(T* place) : place_(place), value_(*place) {}
  ~Restore() { *place_ = value_; }
  Restore(const Restore&) = delete;
  Restore& operator=(const Restore&) = delete;

 private:
  T* place_;
  T value_;
};

// The JOIN whose select list and ORDER BY belong to the expression's root path; null for a set
// operation that is not materialized.
JOIN* JoinOf(Query_expression* unit);

// items.cc: what a cache that is not constant stands for.
Item* WithoutCache(Item* item);
// The item without references and other wrappers that only pass its value on.
Item* Unwrap(Item* item);
// The item without references and without what ROLLUP wraps around a group item; a
// reference that has to give NULL in rows without a match stays.
Item* WithoutRollup(Item* item);

// time_zone.cc: the session's time zone as rules over 1970..2106.
std::vector<plan::TimeZoneRule> TimeZoneRules(const Time_zone& zone);

// functions.cc: how a function is translated; null if it is not.
struct FunctionEntry {
  const char* name;
  Translator::Handler handler;  // or null: `op` with arguments by `pattern`
  ExprOp op;
  const char* pattern;
};
const FunctionEntry* FindFunction(std::string_view name);
// Why a function that is not translated is not; null: no particular reason.
const char* RefusalOf(std::string_view name);

// What the server prints for the item in messages.
std::string PrintedText(Item* item);

}  // namespace sirocco::plugin
