#include "engine/exec/filter_routes.h"

#include <algorithm>
#include <set>

namespace sirocco::engine {

namespace {

using plan::ColumnId;
using plan::ExprOp;
using plan::JoinKey;
using plan::JoinKind;
using plan::Node;
using plan::NodeKind;
using ColumnSet = std::set<ColumnId>;

bool IsIntegerLane(const plan::Type& type) {
  return plan::LaneOf(type) == plan::Lane::kI64 && type.kind != plan::TypeKind::kNull;
}

uint8_t ScaleOf(const plan::Type& type) {
  return type.kind == plan::TypeKind::kDecimal ? type.scale : 0;
}

// Both sides are bare columns whose 64 bits differ whenever their values do.
bool IsPlainKey(const JoinKey& key) {
  const plan::Type &a = key.left->type, &b = key.right->type;
  return !key.null_safe && key.left->op == ExprOp::kColumn && key.right->op == ExprOp::kColumn &&
         IsIntegerLane(a) && IsIntegerLane(b) && ScaleOf(a) == ScaleOf(b);
}

// Adds columns that equal one of `columns` by keys of inner joins in the region that starts at
// `node`.
void CloseOverRegion(const Node& node, ColumnSet* columns) {
  switch (node.kind) {
    case NodeKind::kFilter:
      return CloseOverRegion(*node.inputs[0], columns);
    case NodeKind::kProject:
      for (const auto& named : node.expressions) {
        if (named.expr->op != ExprOp::kColumn) continue;
        if (columns->contains(named.id)) columns->insert(named.expr->column);
        if (columns->contains(named.expr->column)) columns->insert(named.id);
      }
      return CloseOverRegion(*node.inputs[0], columns);
    case NodeKind::kJoin:
      if (node.join_kind == JoinKind::kInner) {
        for (const JoinKey& key : node.join_keys) {
          if (!IsPlainKey(key)) continue;
          if (columns->contains(key.left->column)) columns->insert(key.right->column);
          if (columns->contains(key.right->column)) columns->insert(key.left->column);
        }
        CloseOverRegion(*node.inputs[1], columns);
      }
      return CloseOverRegion(*node.inputs[0], columns);
    default:
      return;
  }
}

ColumnSet Closure(const Node& node, ColumnSet columns) {
  while (true) {
    const size_t before = columns.size();
    CloseOverRegion(node, &columns);
    if (columns.size() == before) return columns;
  }
}

// Finds scans below `node` where one of `columns` (all equal to the key) may be tested.
void RouteDown(const plan::Plan& plan, const Node& node, const ColumnSet& columns,
               std::vector<FilterTarget>* out) {
  switch (node.kind) {
    case NodeKind::kScan:
      for (const plan::ScanColumn& column : node.scan_columns) {
        if (!columns.contains(column.id)) continue;
        if (const FilterTarget target{&node, column.id};
            std::find(out->begin(), out->end(), target) == out->end())
          out->push_back(target);
      }
      return;
    case NodeKind::kFilter:
    case NodeKind::kProject:
      return RouteDown(plan, *node.inputs[0], columns, out);
    case NodeKind::kSort:
      if (node.limit == plan::kNoLimit && node.offset == 0)
        RouteDown(plan, *node.inputs[0], columns, out);
      return;
    case NodeKind::kJoin: {
      RouteDown(plan, *node.inputs[0], columns, out);
      if (node.join_kind == JoinKind::kInner) return RouteDown(plan, *node.inputs[1], columns, out);
      if (node.join_kind == JoinKind::kNullAwareAnti) return;
      // The other side's rows only matter to rows of inputs[0] with the same key.
      ColumnSet right;
      for (const JoinKey& key : node.join_keys)
        if (IsPlainKey(key) && columns.contains(key.left->column)) right.insert(key.right->column);
      if (!right.empty()) RouteDown(plan, *node.inputs[1], Closure(*node.inputs[1], right), out);
      return;
    }
    case NodeKind::kAggregate: {
      if (node.rollup) return;
      ColumnSet inner;
      for (const auto& group : node.groups)
        if (columns.contains(group.id) && group.expr->op == ExprOp::kColumn)
          inner.insert(group.expr->column);
      if (!inner.empty()) RouteDown(plan, *node.inputs[0], Closure(*node.inputs[0], inner), out);
      return;
    }
    default:
      return;
  }
}

// Follows `columns` upwards from the join and into the other inputs of joins on the way.
void RouteUp(const plan::Plan& plan, ColumnSet columns, const PlanPath& path,
             std::vector<FilterTarget>* out) {
  for (auto step = path.rbegin(); step != path.rend() && !columns.empty(); ++step) {
    const Node& node = *step->first;
    switch (node.kind) {
      case NodeKind::kFilter:
      case NodeKind::kSort:
      case NodeKind::kLimit:
        break;
      case NodeKind::kProject:
        for (const auto& named : node.expressions)
          if (named.expr->op == ExprOp::kColumn && columns.contains(named.expr->column))
            columns.insert(named.id);
        break;
      case NodeKind::kJoin: {
        const bool from_left = step->second == 0;
        if (node.join_kind == JoinKind::kNullAwareAnti && !from_left) return;
        if (!from_left && node.join_kind != JoinKind::kInner && node.join_kind != JoinKind::kSemi)
          return;
        ColumnSet other;
        for (const JoinKey& key : node.join_keys) {
          if (!IsPlainKey(key)) continue;
          if (from_left && columns.contains(key.left->column)) other.insert(key.right->column);
          if (!from_left && columns.contains(key.right->column)) other.insert(key.left->column);
        }
        const Node& other_input = *node.inputs[from_left ? 1 : 0];
        if (!other.empty() && node.join_kind != JoinKind::kNullAwareAnti) {
          other = Closure(other_input, std::move(other));
          RouteDown(plan, other_input, other, out);
        } else {
          other.clear();
        }
        if (node.join_kind == JoinKind::kInner) {
          columns.insert(other.begin(), other.end());
        } else if (!from_left) {
          columns = std::move(other);
        }
        break;
      }
      case NodeKind::kAggregate: {
        if (node.rollup) return;
        ColumnSet above;
        for (const auto& group : node.groups)
          if (group.expr->op == ExprOp::kColumn && columns.contains(group.expr->column))
            above.insert(group.id);
        columns = std::move(above);
        break;
      }
      default:
        return;
    }
  }
}

}  // namespace

std::vector<FilterTarget> FindFilterTargets(const plan::Plan& plan, const Node& join,
                                            size_t key_index, size_t build_input,
                                            const PlanPath& path) {
  std::vector<FilterTarget> out;
  const JoinKey& key = join.join_keys[key_index];
  const JoinKind kind = join.join_kind;
  const bool build_left = build_input == 0;
  if (!IsPlainKey(key) || kind == JoinKind::kNullAwareAnti) return out;
  if (!build_left && kind != JoinKind::kInner && kind != JoinKind::kSemi) return out;
  const Node& probe = *join.inputs[1 - build_input];
  const ColumnSet probe_columns =
      Closure(probe, {build_left ? key.right->column : key.left->column});
  RouteDown(plan, probe, probe_columns, &out);
  // Above the join all surviving rows have keys of the set, unless rows without a match survive.
  if (kind != JoinKind::kInner && kind != JoinKind::kSemi) return out;
  ColumnSet above = {key.left->column};
  if (kind == JoinKind::kInner) above.insert(key.right->column);
  above = Closure(join, std::move(above));
  RouteUp(plan, std::move(above), path, &out);
  return out;
}

}  // namespace sirocco::engine
