#include "engine/exec/compiler.h"

#include <algorithm>
#include <cmath>

#include "engine/exec/sources.h"
#include "engine/exec/streaming.h"

namespace sirocco::engine {

using plan::Node;
using plan::NodeKind;

namespace {

// Guesses where the optimizer gave no estimate; only the order of pipelines and swaps of inner
// joins depend on them.
constexpr double kTermSelectivity = 0.3, kGroupShare = 0.1, kUnknownRows = 1000;

std::vector<ColumnId> ToVector(const std::set<ColumnId>& columns) {
  return {columns.begin(), columns.end()};
}

}  // namespace

Result<CompiledPlan> PlanCompiler::Compile() {
  for (const plan::NodePtr& shared : plan_.shared) {
    ColumnSet needed = Visible(*shared);
    ASSIGN_OR_RETURN(Open open, CompileNode(*shared, needed));
    const double rows = EstimateRows(*shared);
    ASSIGN_OR_RETURN(auto sink,
                     MakeMaterialize(open.layout(), ToVector(needed), plan::kNoLimit, 0, context_));
    SharedResult result{.sink = sink.get(), .rows = rows};
    result.entry = Close(std::move(open), std::move(sink), *shared);
    shared_.push_back(result);
  }
  ColumnSet needed;
  for (const plan::ResultColumn& column : plan_.results) needed.insert(column.id);
  ASSIGN_OR_RETURN(Open open, CompileNode(*plan_.root, needed));
  ASSIGN_OR_RETURN(auto delivery, ResultDelivery::Create(plan_.results, open.layout()));
  out_.delivery = delivery.get();
  Close(std::move(open), std::move(delivery), *plan_.root);
  RETURN_IF_ERROR(ResolveFilterEdges());
  return std::move(out_);
}

Result<PlanCompiler::Open> PlanCompiler::CompileNode(const Node& node, const ColumnSet& needed) {
  switch (node.kind) {
    case NodeKind::kScan:
      return CompileScan(node, {}, needed);
    case NodeKind::kFilter:
      return CompileFilter(node, needed);
    case NodeKind::kProject:
      return CompileProject(node, needed);
    case NodeKind::kJoin:
      return CompileJoin(node, needed);
    case NodeKind::kAggregate:
      return CompileAggregate(node, needed);
    case NodeKind::kSort:
      return CompileSort(node, needed);
    case NodeKind::kLimit:
      return CompileLimit(node, needed);
    case NodeKind::kSetOperation:
      return node.set_operation == plan::SetOperation::kUnionAll
                 ? CompileUnionAll(node, needed)
                 : CompileSetOperation(node, needed);
    case NodeKind::kValues:
      return CompileValues(node, needed);
    case NodeKind::kSharedScan:
      return CompileSharedScan(node, needed);
    case NodeKind::kWindow:
      return CompileWindow(node, needed);
  }
  return NotSupported("plan node of unknown kind");
}

Result<PlanCompiler::Open> PlanCompiler::CompileInput(const Node& node, size_t input,
                                                      const ColumnSet& needed) {
  return CompileBelow(*node.inputs[input], node, input, needed);
}

Result<PlanCompiler::Open> PlanCompiler::CompileBelow(const Node& below, const Node& node,
                                                      size_t input, const ColumnSet& needed) {
  path_.emplace_back(&node, input);
  Result<Open> open = CompileNode(below, needed);
  path_.pop_back();
  return open;
}

// --- Streaming nodes ---

Result<PlanCompiler::Open> PlanCompiler::CompileProject(const Node& node, const ColumnSet& needed) {
  ColumnSet below;
  ColumnSet defined;
  std::vector<plan::ExprPtr> exprs;
  std::vector<std::pair<ColumnId, plan::Type>> columns;
  for (const plan::NamedExpr& named : node.expressions) {
    defined.insert(named.id);
    if (!needed.contains(named.id)) continue;
    AddColumns(*named.expr, &below);
    exprs.push_back(named.expr);
    columns.emplace_back(named.id, named.expr->type);
  }
  for (ColumnId id : needed)
    if (!defined.contains(id)) below.insert(id);
  ASSIGN_OR_RETURN(Open open, CompileInput(node, 0, below));
  if (exprs.empty()) return open;
  const BatchLayout& input = open.layout();
  std::vector<uint32_t> output;
  for (size_t i = 0; i < input.columns.size(); ++i)
    if (needed.contains(input.columns[i].id)) output.push_back(static_cast<uint32_t>(i));
  ASSIGN_OR_RETURN(auto expressions, Expression::Compile(exprs, input, context_));
  Append(
      &open,
      std::make_unique<ProjectOperator>(input, std::move(output), std::move(expressions), columns),
      node);
  return open;
}

Result<PlanCompiler::Open> PlanCompiler::CompileLimit(const Node& node, const ColumnSet& needed) {
  ASSIGN_OR_RETURN(Open open, CompileInput(node, 0, needed));
  Append(&open, std::make_unique<LimitOperator>(open.layout(), node.limit, node.offset), node);
  return open;
}

// --- Sources ---

Result<PlanCompiler::Open> PlanCompiler::CompileValues(const Node& node, const ColumnSet& needed) {
  for (const auto& row : node.rows)
    if (row.size() != node.value_columns.size())
      return MakeError(ErrorCode::kInvalidArgument,
                       "row of constants with a wrong number of values");
  ASSIGN_OR_RETURN(auto source, ValuesSource::Create(node, ToVector(needed), context_));
  return Start(std::move(source), node, static_cast<double>(node.rows.size()));
}

Result<PlanCompiler::Open> PlanCompiler::CompileSharedScan(const Node& node,
                                                           const ColumnSet& needed) {
  if (node.shared >= shared_.size())
    return MakeError(ErrorCode::kInvalidArgument, "shared subplan used before it is defined");
  const SharedResult& shared = shared_[node.shared];
  std::vector<uint32_t> positions;
  std::vector<ColumnId> ids;
  for (const auto& [here, there] : node.shared_columns) {
    if (!needed.contains(here)) continue;
    const int position = shared.sink->output_layout().Find(there);
    if (position < 0)
      return MakeError(ErrorCode::kInvalidArgument, "shared subplan does not produce a column");
    positions.push_back(static_cast<uint32_t>(position));
    ids.push_back(here);
  }
  Open open = Start(std::make_unique<RenamingSource>(std::make_unique<BreakerSource>(shared.sink),
                                                     std::move(positions), ids),
                    node, shared.rows);
  open.depends_on.push_back(shared.entry);
  return open;
}

// --- Breakers ---

// The groups can go to disk, where the set of all values of one group must fit memory; and they are
// put together in parallel.
plan::NodePtr PlanCompiler::DistinctAsGroups(const Node& node) {
  using plan::AggregateFunction;
  if (context_->spill() == nullptr || !node.groups.empty() || node.aggregates.empty()) return {};
  const plan::Aggregate& first = node.aggregates[0];
  for (const plan::Aggregate& aggregate : node.aggregates) {
    const AggregateFunction function = aggregate.function;
    if (!aggregate.distinct || aggregate.args.size() != 1 ||
        !plan::SameExpr(*aggregate.args[0], *first.args[0]))
      return {};
    // Sums of floating point numbers depend on the order.
    if (function != AggregateFunction::kCount && function != AggregateFunction::kMin &&
        function != AggregateFunction::kMax &&
        !(function == AggregateFunction::kSum && !aggregate.type.IsReal()))
      return {};
  }
  auto groups = std::make_shared<Node>();
  groups->kind = NodeKind::kAggregate;
  groups->inputs = node.inputs;
  groups->id = node.id;
  const ColumnId value = next_own_column_++;
  groups->groups = {{value, first.args[0]}};
  auto outer = std::make_shared<Node>(node);
  outer->inputs = {groups};
  for (plan::Aggregate& aggregate : outer->aggregates) {
    aggregate.distinct = false;
    aggregate.args = {plan::ColumnRef(value, first.args[0]->type)};
  }
  out_.nodes.push_back(groups);
  out_.nodes.push_back(outer);
  return outer;
}

Result<PlanCompiler::Open> PlanCompiler::CompileAggregate(const Node& node,
                                                          const ColumnSet& needed) {
  auto pruned = std::make_shared<Node>(node);
  std::erase_if(pruned->aggregates,
                [&](const plan::Aggregate& aggregate) { return !needed.contains(aggregate.id); });
  if (const plan::NodePtr two = DistinctAsGroups(*pruned); two != nullptr)
    return CompileAggregate(*two, needed);
  ColumnSet below;
  for (const plan::NamedExpr& group : pruned->groups) AddColumns(*group.expr, &below);
  for (const plan::Aggregate& aggregate : pruned->aggregates) {
    for (const auto& arg : aggregate.args) AddColumns(*arg, &below);
    for (const auto& key : aggregate.order_by) AddColumns(*key.expr, &below);
  }
  ASSIGN_OR_RETURN(Open open, CompileInput(node, 0, below));
  out_.nodes.push_back(pruned);
  ASSIGN_OR_RETURN(auto sink, MakeAggregate(*pruned, open.layout(), context_));
  return Break(std::move(open), std::move(sink), node);
}

Result<PlanCompiler::Open> PlanCompiler::CompileSort(const Node& node, const ColumnSet& needed) {
  ColumnSet below = needed;
  for (const plan::SortKey& key : node.sort_keys) AddColumns(*key.expr, &below);
  ASSIGN_OR_RETURN(Open open, CompileInput(node, 0, below));
  ASSIGN_OR_RETURN(auto sink, MakeSort(node, open.layout(), ToVector(needed), context_));
  return Break(std::move(open), std::move(sink), node);
}

Result<PlanCompiler::Open> PlanCompiler::CompileWindow(const Node& node, const ColumnSet& needed) {
  ColumnSet below, calls;
  for (const plan::WindowCall& call : node.windows) {
    calls.insert(call.id);
    for (const auto& arg : call.args) AddColumns(*arg, &below);
    for (const auto& arg : call.aggregate.args) AddColumns(*arg, &below);
    for (const auto& key : call.aggregate.order_by) AddColumns(*key.expr, &below);
    if (call.start_offset != nullptr) AddColumns(*call.start_offset, &below);
    if (call.end_offset != nullptr) AddColumns(*call.end_offset, &below);
  }
  for (const auto& expr : node.partition_by) AddColumns(*expr, &below);
  for (const auto& key : node.window_order) AddColumns(*key.expr, &below);
  for (ColumnId id : needed)
    if (!calls.contains(id)) below.insert(id);
  ASSIGN_OR_RETURN(Open open, CompileInput(node, 0, below));
  ASSIGN_OR_RETURN(auto sink, MakeWindow(node, open.layout(), ToVector(needed), context_));
  return Break(std::move(open), std::move(sink), node);
}

Result<PlanCompiler::Open> PlanCompiler::CompileSetOperation(const Node& node,
                                                             const ColumnSet& needed) {
  std::vector<Open> inputs;
  std::vector<BatchLayout> layouts;
  for (size_t k = 0; k < node.inputs.size(); ++k) {
    ASSIGN_OR_RETURN(
        Open open,
        CompileInput(node, k, ColumnSet(node.set_inputs[k].begin(), node.set_inputs[k].end())));
    layouts.push_back(open.layout());
    inputs.push_back(std::move(open));
  }
  ASSIGN_OR_RETURN(auto sinks, MakeSetOperation(node, layouts, context_));
  MaterializingSink* last = sinks.back().get();
  uint32_t entry = 0;
  for (size_t k = 0; k < inputs.size(); ++k) {
    // Input order matters to the operation.
    if (k > 0) inputs[k].depends_on.push_back(entry);
    entry = Close(std::move(inputs[k]), std::move(sinks[k]), node);
  }
  Open open = Start(std::make_unique<BreakerSource>(last), node, EstimateRows(node));
  open.depends_on.push_back(entry);
  return open;
}

Result<PlanCompiler::Open> PlanCompiler::CompileUnionAll(const Node& node,
                                                         const ColumnSet& needed) {
  std::vector<size_t> outputs;
  std::vector<ColumnId> ids;
  for (size_t i = 0; i < node.set_outputs.size(); ++i) {
    if (!needed.contains(node.set_outputs[i].first)) continue;
    outputs.push_back(i);
    ids.push_back(node.set_outputs[i].first);
  }
  std::vector<Open> inputs;
  std::vector<std::vector<uint32_t>> positions(node.inputs.size());
  for (size_t k = 0; k < node.inputs.size(); ++k) {
    ColumnSet below;
    for (size_t i : outputs) below.insert(node.set_inputs[k][i]);
    ASSIGN_OR_RETURN(Open open, CompileInput(node, k, below));
    for (size_t i : outputs) {
      const int position = open.layout().Find(node.set_inputs[k][i]);
      if (position < 0)
        return MakeError(ErrorCode::kInvalidArgument, "input of UNION ALL lacks a column");
      positions[k].push_back(static_cast<uint32_t>(position));
    }
    inputs.push_back(std::move(open));
  }
  // One layout that covers all inputs.
  BatchLayout merged;
  std::vector<Lane> lanes;
  for (size_t c = 0; c < outputs.size(); ++c) {
    ColumnInfo info = inputs[0].layout().columns[positions[0][c]];
    info.id = ids[c];
    info.type = node.set_outputs[outputs[c]].second;
    for (size_t k = 1; k < inputs.size(); ++k) {
      const ColumnInfo& other = inputs[k].layout().columns[positions[k][c]];
      if (other.lane != info.lane || other.dictionary != info.dictionary) {
        info.lane = plan::LaneOf(info.type);
        info.dictionary = nullptr;
      }
      info.nullable |= other.nullable;
      info.range.known &= other.range.known;
      info.range.min = std::min(info.range.min, other.range.min);
      info.range.max = std::max(info.range.max, other.range.max);
      info.num_distinct = info.num_distinct < 0 || other.num_distinct < 0
                              ? -1
                              : info.num_distinct + other.num_distinct;
    }
    for (size_t k = 0; k < inputs.size(); ++k) {
      const Lane from = inputs[k].layout().columns[positions[k][c]].lane;
      if (!LaneOperator::CanConvert(info.type, from, info.lane))
        return NotSupported("UNION ALL of " + plan::TypeName(info.type));
    }
    lanes.push_back(info.lane);
    merged.columns.push_back(info);
  }
  std::vector<std::unique_ptr<Source>> sources;
  std::vector<uint32_t> entries;
  double rows = 0;
  for (size_t k = 0; k < inputs.size(); ++k) {
    Append(&inputs[k], std::make_unique<LaneOperator>(inputs[k].layout(), positions[k], ids, lanes),
           node);
    rows += inputs[k].source_rows;
    // Every input is read in the form of the merged layout, so that stored widths agree with the
    // ranges told above.
    ASSIGN_OR_RETURN(auto sink,
                     MakeMaterialize(inputs[k].layout(), ids, plan::kNoLimit, 0, context_));
    sources.push_back(std::make_unique<BreakerSource>(sink.get()));
    entries.push_back(Close(std::move(inputs[k]), std::move(sink), node));
  }
  Open open = Start(std::make_unique<ConcatSource>(std::move(sources), merged), node, rows);
  open.depends_on = entries;
  return open;
}

// --- Pipelines ---

void PlanCompiler::Append(Open* open, std::unique_ptr<Operator> op, const Node& node) {
  open->pipeline.operators.push_back(std::move(op));
  open->labels.push_back({node.id, node.estimated_rows});
}

PlanCompiler::Open PlanCompiler::Start(std::unique_ptr<Source> source, const Node& node,
                                       double source_rows) const {
  Open open;
  open.pipeline.source = std::move(source);
  open.labels.push_back({node.id, node.estimated_rows});
  open.source_rows = source_rows;
  return open;
}

uint32_t PlanCompiler::Close(Open open, std::unique_ptr<Sink> sink, const Node& node) {
  auto entry = std::make_unique<PipelineEntry>();
  entry->pipeline = std::move(open.pipeline);
  entry->pipeline.sink = std::move(sink);
  entry->depends_on = std::move(open.depends_on);
  entry->labels = std::move(open.labels);
  entry->labels.push_back({node.id, node.estimated_rows});
  entry->source_rows = open.source_rows;
  if (open.scan_node != nullptr)
    scans_[open.scan_node].entry = static_cast<uint32_t>(out_.entries.size());
  out_.entries.push_back(std::move(entry));
  return static_cast<uint32_t>(out_.entries.size() - 1);
}

PlanCompiler::Open PlanCompiler::Break(Open open, std::unique_ptr<MaterializingSink> sink,
                                       const Node& node) {
  auto source = std::make_unique<BreakerSource>(sink.get());
  const uint32_t entry = Close(std::move(open), std::move(sink), node);
  Open next = Start(std::move(source), node, EstimateRows(node));
  next.depends_on.push_back(entry);
  return next;
}

// --- Facts about the plan ---

void PlanCompiler::AddColumns(const plan::Expr& expr, ColumnSet* columns) {
  plan::ForEachColumn(expr, [columns](ColumnId id) { columns->insert(id); });
}

PlanCompiler::ColumnSet PlanCompiler::Visible(const Node& node) const {
  ColumnSet columns;
  for (const auto& [id, type] : plan::OutputColumns(plan_, node)) columns.insert(id);
  return columns;
}

double PlanCompiler::EstimateRows(const Node& node) const {
  if (node.estimated_rows >= 0) return node.estimated_rows;
  const auto input = [&](size_t i) { return EstimateRows(*node.inputs[i]); };
  const auto selectivity = [&](const plan::ExprPtr& predicate) {
    std::vector<plan::ExprPtr> terms;
    if (predicate != nullptr) plan::SplitConjunction(predicate, &terms);
    return std::pow(kTermSelectivity, static_cast<double>(terms.size()));
  };
  switch (node.kind) {
    case NodeKind::kScan: {
      const SnapshotPtr snapshot = lookup_(node.table);
      return snapshot == nullptr
                 ? kUnknownRows
                 : static_cast<double>(snapshot->num_rows()) * selectivity(node.predicate);
    }
    case NodeKind::kFilter:
      return input(0) * selectivity(node.predicate);
    case NodeKind::kProject:
    case NodeKind::kWindow:
      return input(0);
    case NodeKind::kJoin: {
      const double left = input(0), right = input(1);
      if (node.join_kind == plan::JoinKind::kInner)
        return (node.join_keys.empty() ? left * right : std::max(left, right)) *
               selectivity(node.predicate);
      return node.join_kind == plan::JoinKind::kLeft ? std::max(left, right) : left / 2;
    }
    case NodeKind::kAggregate:
      return node.groups.empty() ? 1 : std::max(1.0, input(0) * kGroupShare);
    case NodeKind::kSort:
    case NodeKind::kLimit:
      return std::min(static_cast<double>(node.limit), input(0));
    case NodeKind::kSetOperation: {
      double rows = 0;
      for (size_t i = 0; i < node.inputs.size(); ++i) rows += input(i);
      return rows;
    }
    case NodeKind::kValues:
      return static_cast<double>(node.rows.size());
    case NodeKind::kSharedScan:
      return node.shared < plan_.shared.size() ? EstimateRows(*plan_.shared[node.shared])
                                               : kUnknownRows;
  }
  return kUnknownRows;
}

}  // namespace sirocco::engine
