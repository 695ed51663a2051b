#include "plan/node.h"

#include <cstdio>

namespace sirocco::plan {

const char* NodeKindName(NodeKind kind) {
  switch (kind) {
    case NodeKind::kScan:
      return "Scan";
    case NodeKind::kFilter:
      return "Filter";
    case NodeKind::kProject:
      return "Project";
    case NodeKind::kJoin:
      return "Join";
    case NodeKind::kAggregate:
      return "Aggregate";
    case NodeKind::kSort:
      return "Sort";
    case NodeKind::kLimit:
      return "Limit";
    case NodeKind::kSetOperation:
      return "SetOperation";
    case NodeKind::kValues:
      return "Values";
    case NodeKind::kSharedScan:
      return "SharedScan";
    case NodeKind::kWindow:
      return "Window";
  }
  return "?";
}

const char* JoinKindName(JoinKind kind) {
  switch (kind) {
    case JoinKind::kInner:
      return "inner";
    case JoinKind::kLeft:
      return "left";
    case JoinKind::kSemi:
      return "semi";
    case JoinKind::kAnti:
      return "anti";
    case JoinKind::kNullAwareAnti:
      return "null-aware anti";
  }
  return "?";
}

const char* AggregateFunctionName(AggregateFunction function) {
  switch (function) {
    case AggregateFunction::kCountStar:
      return "count(*)";
    case AggregateFunction::kCount:
      return "count";
    case AggregateFunction::kSum:
      return "sum";
    case AggregateFunction::kAvg:
      return "avg";
    case AggregateFunction::kMin:
      return "min";
    case AggregateFunction::kMax:
      return "max";
    case AggregateFunction::kAnyValue:
      return "any_value";
    case AggregateFunction::kStddevPop:
      return "stddev_pop";
    case AggregateFunction::kStddevSamp:
      return "stddev_samp";
    case AggregateFunction::kVarPop:
      return "var_pop";
    case AggregateFunction::kVarSamp:
      return "var_samp";
    case AggregateFunction::kBitAnd:
      return "bit_and";
    case AggregateFunction::kBitOr:
      return "bit_or";
    case AggregateFunction::kBitXor:
      return "bit_xor";
    case AggregateFunction::kGroupConcat:
      return "group_concat";
    case AggregateFunction::kJsonArrayAgg:
      return "json_arrayagg";
    case AggregateFunction::kJsonObjectAgg:
      return "json_objectagg";
  }
  return "?";
}

namespace {

using Columns = std::vector<std::pair<ColumnId, Type>>;

Type AsNullable(Type type) {
  type.nullable = true;
  return type;
}

void Append(Columns* to, Columns from, bool nullable = false) {
  for (auto& [id, type] : from) to->emplace_back(id, nullable ? AsNullable(type) : type);
}

}  // namespace

Columns OutputColumns(const Plan& plan, const Node& node) {
  Columns columns;
  switch (node.kind) {
    case NodeKind::kScan:
      for (const ScanColumn& column : node.scan_columns)
        columns.emplace_back(column.id, column.type);
      break;
    case NodeKind::kFilter:
    case NodeKind::kSort:
    case NodeKind::kLimit:
      return OutputColumns(plan, *node.inputs[0]);
    case NodeKind::kProject:
      columns = OutputColumns(plan, *node.inputs[0]);
      for (const NamedExpr& named : node.expressions)
        columns.emplace_back(named.id, named.expr->type);
      break;
    case NodeKind::kJoin:
      columns = OutputColumns(plan, *node.inputs[0]);
      if (node.join_kind == JoinKind::kInner || node.join_kind == JoinKind::kLeft)
        Append(&columns, OutputColumns(plan, *node.inputs[1]), node.join_kind == JoinKind::kLeft);
      break;
    case NodeKind::kAggregate:
      for (const NamedExpr& group : node.groups)
        columns.emplace_back(group.id,
                             node.rollup ? AsNullable(group.expr->type) : group.expr->type);
      for (ColumnId id : node.grouping_ids)
        if (id != 0) columns.emplace_back(id, IntType(false));
      for (const Aggregate& aggregate : node.aggregates)
        columns.emplace_back(aggregate.id, aggregate.type);
      break;
    case NodeKind::kSetOperation:
      return node.set_outputs;
    case NodeKind::kValues:
      return node.value_columns;
    case NodeKind::kSharedScan: {
      const Columns below = OutputColumns(plan, *plan.shared[node.shared]);
      for (const auto& [here, there] : node.shared_columns)
        for (const auto& [id, type] : below)
          if (id == there) columns.emplace_back(here, type);
      break;
    }
    case NodeKind::kWindow:
      columns = OutputColumns(plan, *node.inputs[0]);
      for (const WindowCall& call : node.windows) columns.emplace_back(call.id, call.type);
      break;
  }
  return columns;
}

namespace {

std::string ColumnName(ColumnId id) { return "#" + std::to_string(id); }

std::string SortText(const std::vector<SortKey>& keys) {
  std::string text;
  for (const SortKey& key : keys) {
    if (!text.empty()) text += ", ";
    text += ExprText(*key.expr) + (key.descending ? " desc" : "");
  }
  return text;
}

std::string AggregateText(const Aggregate& aggregate) {
  std::string text = AggregateFunctionName(aggregate.function);
  if (aggregate.function == AggregateFunction::kCountStar) return text;
  text += aggregate.distinct ? "(distinct " : "(";
  for (size_t i = 0; i < aggregate.args.size(); ++i)
    text += (i == 0 ? "" : ", ") + ExprText(*aggregate.args[i]);
  if (!aggregate.order_by.empty()) text += " order by " + SortText(aggregate.order_by);
  return text + ")";
}

std::string NamedText(const std::vector<NamedExpr>& list) {
  std::string text;
  for (const NamedExpr& named : list) {
    if (!text.empty()) text += ", ";
    text += ColumnName(named.id) + " = " + ExprText(*named.expr);
  }
  return text;
}

std::string NodeText(const Node& node) {
  std::string text = NodeKindName(node.kind);
  switch (node.kind) {
    case NodeKind::kScan:
      text += " " + node.table_name + " (";
      for (size_t i = 0; i < node.scan_columns.size(); ++i)
        text += (i == 0 ? "" : ", ") + ColumnName(node.scan_columns[i].id) + " = column " +
                std::to_string(node.scan_columns[i].column);
      text += ")";
      if (node.predicate != nullptr) text += " where " + ExprText(*node.predicate);
      break;
    case NodeKind::kFilter:
      text += " " + ExprText(*node.predicate);
      break;
    case NodeKind::kProject:
      text += " " + NamedText(node.expressions);
      break;
    case NodeKind::kJoin:
      text += std::string(" ") + JoinKindName(node.join_kind);
      for (size_t i = 0; i < node.join_keys.size(); ++i)
        text += (i == 0 ? " on " : " and ") + ExprText(*node.join_keys[i].left) +
                (node.join_keys[i].null_safe ? " <=> " : " = ") +
                ExprText(*node.join_keys[i].right);
      if (node.predicate != nullptr) text += " extra " + ExprText(*node.predicate);
      break;
    case NodeKind::kAggregate:
      if (!node.groups.empty()) text += " by " + NamedText(node.groups);
      if (node.rollup) text += " with rollup";
      for (size_t i = 0; i < node.aggregates.size(); ++i)
        text += (i == 0 ? ": " : ", ") + ColumnName(node.aggregates[i].id) + " = " +
                AggregateText(node.aggregates[i]);
      break;
    case NodeKind::kSort:
    case NodeKind::kLimit:
      if (!node.sort_keys.empty()) text += " by " + SortText(node.sort_keys);
      if (node.limit != kNoLimit) text += " limit " + std::to_string(node.limit);
      if (node.offset != 0) text += " offset " + std::to_string(node.offset);
      break;
    case NodeKind::kSetOperation: {
      static constexpr const char* kNames[] = {"union all",     "union",  "intersect",
                                               "intersect all", "except", "except all"};
      text += std::string(" ") + kNames[static_cast<int>(node.set_operation) - 1];
      break;
    }
    case NodeKind::kValues:
      text += " of " + std::to_string(node.rows.size()) + " rows";
      break;
    case NodeKind::kSharedScan:
      text += " of shared plan " + std::to_string(node.shared);
      break;
    case NodeKind::kWindow:
      for (size_t i = 0; i < node.partition_by.size(); ++i)
        text += (i == 0 ? " partition by " : ", ") + ExprText(*node.partition_by[i]);
      if (!node.window_order.empty()) text += " order by " + SortText(node.window_order);
      text += ": " + std::to_string(node.windows.size()) + " functions";
      break;
  }
  if (node.estimated_rows >= 0) {
    char rows[40];
    std::snprintf(rows, sizeof(rows), " [~%.0f rows]", node.estimated_rows);
    text += rows;
  }
  return text;
}

void AppendTree(const Node& node, int depth, std::string* out) {
  out->append(static_cast<size_t>(depth) * 2, ' ');
  *out += NodeText(node) + "\n";
  for (const NodePtr& input : node.inputs) AppendTree(*input, depth + 1, out);
}

}  // namespace

std::string PlanText(const Plan& plan) {
  std::string text;
  for (size_t i = 0; i < plan.shared.size(); ++i) {
    text += "Shared plan " + std::to_string(i) + ":\n";
    AppendTree(*plan.shared[i], 1, &text);
  }
  text += "Result";
  for (size_t i = 0; i < plan.results.size(); ++i)
    text += (i == 0 ? " " : ", ") + ColumnName(plan.results[i].id);
  text += "\n";
  if (plan.root != nullptr) AppendTree(*plan.root, 1, &text);
  return text;
}

}  // namespace sirocco::plan
