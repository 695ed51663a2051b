// Joins: build side, columns that flow, semijoin filters.
#include <algorithm>

#include "engine/exec/compiler.h"
#include "engine/exec/join_probe.h"

namespace sirocco::engine {

namespace {

using plan::JoinKind;

// A semi or anti join marks rows of inputs[0] instead of looking them up in inputs[1] when that is
// this much larger.
constexpr double kMirrorFactor = 1.5;
// Without estimates from the optimizer, inputs[1] of an inner join must be this much larger before
// sides are swapped.
constexpr double kSwapFactor = 2;

}  // namespace

bool PlanCompiler::ChooseBuildLeft(const plan::Node& node) const {
  const double left = EstimateRows(*node.inputs[0]), right = EstimateRows(*node.inputs[1]);
  switch (node.join_kind) {
    case JoinKind::kInner:
      return left * kSwapFactor < right;
    case JoinKind::kSemi:
    case JoinKind::kAnti:
      return !node.join_keys.empty() && left * kMirrorFactor < right;
    case JoinKind::kLeft:
    case JoinKind::kNullAwareAnti:
      return false;
  }
  return false;
}

Result<PlanCompiler::Open> PlanCompiler::CompileJoin(const plan::Node& node,
                                                     const ColumnSet& needed) {
  const ColumnSet visible[2] = {Visible(*node.inputs[0]), Visible(*node.inputs[1])};
  const bool right_visible =
      node.join_kind == JoinKind::kInner || node.join_kind == JoinKind::kLeft;
  ColumnSet extra;
  if (node.predicate != nullptr) AddColumns(*node.predicate, &extra);

  // Columns of each side: needed above, by the extra condition, by the keys.
  ColumnSet above[2], below[2];
  for (size_t side = 0; side < 2; ++side) {
    if (side == 0 || right_visible)
      std::set_intersection(needed.begin(), needed.end(), visible[side].begin(),
                            visible[side].end(), std::inserter(above[side], above[side].end()));
    below[side] = above[side];
    std::set_intersection(extra.begin(), extra.end(), visible[side].begin(), visible[side].end(),
                          std::inserter(below[side], below[side].end()));
    for (const plan::JoinKey& key : node.join_keys)
      AddColumns(side == 0 ? *key.left : *key.right, &below[side]);
  }
  const bool build_left = ChooseBuildLeft(node);
  const size_t build_side = build_left ? 0 : 1, probe_side = 1 - build_side;
  plan::NodePtr inputs[2] = {node.inputs[0], node.inputs[1]};
  if (!right_visible) inputs[1] = WithoutDistinct(inputs[1]);
  ASSIGN_OR_RETURN(Open build,
                   CompileBelow(*inputs[build_side], node, build_side, below[build_side]));
  ASSIGN_OR_RETURN(Open probe,
                   CompileBelow(*inputs[probe_side], node, probe_side, below[probe_side]));
  const BatchLayout build_layout = build.layout(), probe_layout = probe.layout();

  auto spec = std::make_shared<JoinSpec>();
  spec->kind = node.join_kind;
  spec->build_left = build_left;
  spec->has_extra = node.predicate != nullptr;
  spec->estimated_build_rows = EstimateRows(*node.inputs[build_side]);
  spec->text = plan::JoinKindName(node.join_kind);
  ASSIGN_OR_RETURN(spec->keys,
                   PlanJoinKeys(node.join_keys, build_left ? build_layout : probe_layout,
                                build_left ? probe_layout : build_layout, context_));
  JoinProbeColumns columns;
  std::vector<uint32_t> payload_above;
  for (size_t i = 0; i < build_layout.columns.size(); ++i) {
    const ColumnInfo& column = build_layout.columns[i];
    const bool is_above = above[build_side].contains(column.id),
               is_extra = extra.contains(column.id);
    if (!is_above && !is_extra) continue;
    const auto position = static_cast<uint32_t>(spec->payload.size());
    spec->payload.push_back(static_cast<uint32_t>(i));
    spec->payload_columns.push_back(column);
    if (is_above) payload_above.push_back(position);
    if (is_extra) columns.extra_build.push_back(position);
  }
  for (size_t i = 0; i < probe_layout.columns.size(); ++i) {
    const ColumnId id = probe_layout.columns[i].id;
    if (above[probe_side].contains(id) && !spec->marks_build())
      columns.probe.push_back(static_cast<uint32_t>(i));
    if (extra.contains(id)) columns.extra_probe.push_back(static_cast<uint32_t>(i));
  }
  if (node.predicate != nullptr) {
    ASSIGN_OR_RETURN(columns.extra, Expression::Compile(node.predicate,
                                                        JoinProbe::ExtraLayout(*spec, probe_layout,
                                                                               columns.extra_probe,
                                                                               columns.extra_build),
                                                        context_));
  }
  if (!spec->marks_build()) columns.build = payload_above;

  auto sink = std::make_unique<JoinBuild>(spec, context_);
  JoinBuild* join_build = sink.get();
  std::shared_ptr<JoinTable> table = sink->shared_table();
  const uint32_t build_entry = Close(std::move(build), std::move(sink), node);
  out_.entries[build_entry]->build = join_build;
  AddFilterEdges(node, build_left, build_entry);

  probe.depends_on.push_back(build_entry);
  auto probe_operator =
      std::make_unique<JoinProbe>(spec, table, probe_layout, std::move(columns), context_);
  JoinProbe* join_probe = probe_operator.get();
  Append(&probe, std::move(probe_operator), node);
  if (!spec->marks_build()) return probe;
  const double rows = EstimateRows(node);
  const uint32_t probe_entry = Close(std::move(probe), std::make_unique<NullSink>(), node);
  Open result =
      Start(std::make_unique<JoinMarkedSource>(spec, table, join_probe, payload_above, context_),
            node, rows);
  result.depends_on.push_back(probe_entry);
  return result;
}

plan::NodePtr PlanCompiler::WithoutDistinct(const plan::NodePtr& node) {
  const bool distinct = node->kind == plan::NodeKind::kAggregate && node->aggregates.empty() &&
                        !node->groups.empty() && !node->rollup;
  if (!distinct && node->kind != plan::NodeKind::kProject && node->kind != plan::NodeKind::kFilter)
    return node;
  plan::NodePtr input = WithoutDistinct(node->inputs[0]);
  if (!distinct && input == node->inputs[0]) return node;
  auto copy = std::make_shared<plan::Node>();
  if (distinct) {
    copy->kind = plan::NodeKind::kProject;
    copy->expressions = node->groups;
    copy->id = node->id;
  } else {
    *copy = *node;
  }
  copy->estimated_rows = -1;
  copy->inputs = {std::move(input)};
  out_.nodes.push_back(copy);
  return copy;
}

void PlanCompiler::AddFilterEdges(const plan::Node& join, bool build_left, uint32_t build_entry) {
  for (size_t key = 0; key < join.join_keys.size(); ++key) {
    for (const FilterTarget& target :
         FindFilterTargets(plan_, join, key, build_left ? 0 : 1, path_))
      pending_edges_.push_back({build_entry, static_cast<uint32_t>(key),
                                EstimateRows(*join.inputs[build_left ? 0 : 1]), target});
  }
}

// Turns targets into the sources that were compiled for them.
Result<void> PlanCompiler::ResolveFilterEdges() {
  for (const PendingEdge& pending : pending_edges_) {
    const auto use = scans_.find(pending.target.scan);
    if (use == scans_.end()) continue;
    for (const plan::ScanColumn& column : pending.target.scan->scan_columns) {
      if (column.id != pending.target.column) continue;
      const Snapshot& snapshot = *use->second.snapshot;
      if (snapshot.column_info(column.column).lane != Lane::kI64) break;
      out_.edges.push_back(
          {.build_entry = pending.build_entry,
           .key = pending.key,
           .scan = use->second.source,
           .table_column = column.column,
           .scan_entry = use->second.entry,
           .target_distinct = snapshot.statistics().columns[column.column].num_distinct,
           .estimated_keys = pending.estimated_keys});
    }
  }
  return {};
}

}  // namespace sirocco::engine
