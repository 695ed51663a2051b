// Scans and filters: which part of a predicate runs on encoded data, which above as an expression.
#include <algorithm>

#include "engine/exec/compiler.h"
#include "engine/exec/streaming.h"

namespace sirocco::engine {

namespace {

using plan::ExprOp;

// Rough cost of evaluating a term once, to run cheap terms first. Strings cost more than numbers,
// patterns more than comparisons.
int TermCost(const plan::Expr& expr) {
  int cost = 1;
  if (expr.op == ExprOp::kLike || expr.op == ExprOp::kNotLike) cost += 50;
  if (expr.type.kind == plan::TypeKind::kString && expr.op != ExprOp::kConstant)
    cost += expr.op == ExprOp::kColumn ? 5 : 20;
  for (const auto& arg : expr.args) cost += TermCost(*arg);
  return cost;
}

}  // namespace

Result<PlanCompiler::Open> PlanCompiler::CompileScan(const plan::Node& node,
                                                     std::vector<plan::ExprPtr> terms,
                                                     const ColumnSet& needed) {
  SnapshotPtr snapshot = lookup_(node.table);
  if (snapshot == nullptr)
    return MakeError(ErrorCode::kNotFound, "table is not loaded: " + node.table_name);
  if (node.predicate != nullptr) plan::SplitConjunction(node.predicate, &terms);
  std::vector<std::pair<ColumnId, uint32_t>> columns;
  for (const plan::ScanColumn& column : node.scan_columns) {
    if (column.column >= snapshot->schema().columns.size())
      return MakeError(ErrorCode::kInvalidArgument, "no such column in " + node.table_name);
    columns.emplace_back(column.id, column.column);
  }

  std::vector<std::unique_ptr<ScanFilter>> filters;
  std::vector<plan::ExprPtr> residual;
  for (const plan::ExprPtr& term : terms) {
    ASSIGN_OR_RETURN(std::unique_ptr<ScanFilter> filter,
                     ScanFilter::FromTerm(term, *snapshot, columns, context_));
    if (filter != nullptr) {
      filters.push_back(std::move(filter));
    } else {
      residual.push_back(term);
    }
  }
  ColumnSet delivered = needed;
  for (const plan::ExprPtr& term : residual) AddColumns(*term, &delivered);
  BatchLayout layout;
  std::vector<ScanOutput> outputs;
  for (const plan::ScanColumn& column : node.scan_columns) {
    if (!delivered.contains(column.id)) continue;
    outputs.push_back({column.column});
    ColumnInfo info = snapshot->column_info(column.column);
    info.id = column.id;
    info.type = column.type;
    layout.columns.push_back(info);
  }
  auto source = std::make_unique<ScanSource>(
      TableScan::Create(snapshot, std::move(outputs), std::move(filters), context_), snapshot,
      std::move(layout), node.table_name);
  ScanSource* scan = source.get();
  scans_[&node] = {scan, snapshot, 0};
  Open open = Start(std::move(source), node, EstimateRows(node));
  open.scan_node = &node;
  if (!residual.empty()) RETURN_IF_ERROR(AddFilter(&open, residual, needed, node));
  return open;
}

Result<PlanCompiler::Open> PlanCompiler::CompileFilter(const plan::Node& node,
                                                       const ColumnSet& needed) {
  std::vector<plan::ExprPtr> terms;
  plan::SplitConjunction(node.predicate, &terms);
  // Filters directly above a scan, or above other filters there, belong to the scan.
  const plan::Node* below = node.inputs[0].get();
  while (below->kind == plan::NodeKind::kFilter) {
    plan::SplitConjunction(below->predicate, &terms);
    below = below->inputs[0].get();
  }
  if (below->kind == plan::NodeKind::kScan) return CompileScan(*below, std::move(terms), needed);

  ColumnSet below_needed = needed;
  for (const plan::ExprPtr& term : terms) AddColumns(*term, &below_needed);
  path_.emplace_back(&node, 0);
  Result<Open> open = CompileNode(*below, below_needed);
  path_.pop_back();
  if (!open) return open;
  RETURN_IF_ERROR(AddFilter(&*open, terms, needed, node));
  return open;
}

Result<void> PlanCompiler::AddFilter(Open* open, const std::vector<plan::ExprPtr>& terms,
                                     const ColumnSet& needed, const plan::Node& node) {
  std::vector<plan::ExprPtr> ordered = terms;
  std::stable_sort(
      ordered.begin(), ordered.end(),
      [](const plan::ExprPtr& a, const plan::ExprPtr& b) { return TermCost(*a) < TermCost(*b); });
  const BatchLayout& input = open->layout();
  ASSIGN_OR_RETURN(std::unique_ptr<Expression> predicate,
                   Expression::Compile(plan::Conjunction(std::move(ordered)), input, context_));
  std::vector<uint32_t> output;
  for (size_t i = 0; i < input.columns.size(); ++i)
    if (needed.contains(input.columns[i].id)) output.push_back(static_cast<uint32_t>(i));
  Append(open, std::make_unique<FilterOperator>(std::move(predicate), input, std::move(output)),
         node);
  return {};
}

}  // namespace sirocco::engine
