#include "plan/validate.h"

#include <unordered_set>

namespace sirocco::plan {

namespace {

std::unexpected<Error> Invalid(const Node& node, const std::string& what) {
  return MakeError(ErrorCode::kInvalidArgument,
                   std::string("plan node ") + NodeKindName(node.kind) + ": " + what);
}

class Validator {
 public:
  explicit Validator(const Plan& plan) : plan_(plan) {}

  Result<void> Run() {
    for (shared_limit_ = 0; shared_limit_ < plan_.shared.size(); ++shared_limit_)
      RETURN_IF_ERROR(CheckNode(*plan_.shared[shared_limit_]));
    if (plan_.root == nullptr) return MakeError(ErrorCode::kInvalidArgument, "plan without root");
    RETURN_IF_ERROR(CheckNode(*plan_.root));
    std::unordered_set<ColumnId> visible = Visible(*plan_.root);
    for (const ResultColumn& result : plan_.results)
      if (!visible.contains(result.id))
        return MakeError(ErrorCode::kInvalidArgument,
                         "plan result reads unknown column " + std::to_string(result.id));
    return {};
  }

 private:
  std::unordered_set<ColumnId> Visible(const Node& node) const {
    std::unordered_set<ColumnId> ids;
    for (const auto& [id, type] : OutputColumns(plan_, node)) ids.insert(id);
    return ids;
  }

  Result<void> Define(const Node& node, ColumnId id) {
    if (!defined_.insert(id).second)
      return Invalid(node, "column " + std::to_string(id) + " is defined twice");
    return {};
  }

  static Result<void> CheckExpr(const Node& node, const ExprPtr& expr,
                                const std::unordered_set<ColumnId>& visible) {
    if (expr == nullptr) return {};
    ColumnId missing = 0;
    bool found = true;
    ForEachColumn(*expr, [&](ColumnId id) {
      if (!visible.contains(id)) {
        found = false;
        missing = id;
      }
    });
    if (!found) return Invalid(node, "expression reads unknown column " + std::to_string(missing));
    return {};
  }

  static size_t ExpectedInputs(const Node& node) {
    switch (node.kind) {
      case NodeKind::kScan:
      case NodeKind::kValues:
      case NodeKind::kSharedScan:
        return 0;
      case NodeKind::kJoin:
        return 2;
      case NodeKind::kSetOperation:
        return node.set_inputs.size();
      default:
        return 1;
    }
  }

  Result<void> CheckNode(const Node& node) {
    if (node.inputs.size() != ExpectedInputs(node)) return Invalid(node, "wrong number of inputs");
    for (const NodePtr& input : node.inputs) RETURN_IF_ERROR(CheckNode(*input));

    std::unordered_set<ColumnId> below;
    for (const NodePtr& input : node.inputs) below.merge(Visible(*input));
    switch (node.kind) {
      case NodeKind::kScan: {
        std::unordered_set<ColumnId> own;
        for (const ScanColumn& column : node.scan_columns) {
          RETURN_IF_ERROR(Define(node, column.id));
          own.insert(column.id);
        }
        return CheckExpr(node, node.predicate, own);
      }
      case NodeKind::kFilter:
        return CheckExpr(node, node.predicate, below);
      case NodeKind::kProject:
        for (const NamedExpr& named : node.expressions) {
          RETURN_IF_ERROR(CheckExpr(node, named.expr, below));
          RETURN_IF_ERROR(Define(node, named.id));
        }
        return {};
      case NodeKind::kJoin: {
        std::unordered_set<ColumnId> left = Visible(*node.inputs[0]);
        std::unordered_set<ColumnId> right = Visible(*node.inputs[1]);
        for (const JoinKey& key : node.join_keys) {
          RETURN_IF_ERROR(CheckExpr(node, key.left, left));
          RETURN_IF_ERROR(CheckExpr(node, key.right, right));
        }
        if (node.join_kind == JoinKind::kNullAwareAnti && node.join_keys.size() != 1)
          return Invalid(node, "a null-aware anti join has exactly one key");
        return CheckExpr(node, node.predicate, below);
      }
      case NodeKind::kAggregate:
        for (const NamedExpr& group : node.groups) {
          RETURN_IF_ERROR(CheckExpr(node, group.expr, below));
          RETURN_IF_ERROR(Define(node, group.id));
        }
        if (!node.grouping_ids.empty() && node.grouping_ids.size() != node.groups.size())
          return Invalid(node, "grouping columns do not match the groups");
        for (ColumnId id : node.grouping_ids)
          if (id != 0) RETURN_IF_ERROR(Define(node, id));
        for (const Aggregate& aggregate : node.aggregates)
          RETURN_IF_ERROR(CheckAggregate(node, aggregate, below, /*define=*/true));
        return {};
      case NodeKind::kSort:
      case NodeKind::kLimit:
        for (const SortKey& key : node.sort_keys) RETURN_IF_ERROR(CheckExpr(node, key.expr, below));
        return {};
      case NodeKind::kSetOperation:
        if (node.set_inputs.empty()) return Invalid(node, "no inputs");
        for (size_t i = 0; i < node.set_inputs.size(); ++i) {
          if (node.set_inputs[i].size() != node.set_outputs.size())
            return Invalid(node, "inputs of different widths");
          std::unordered_set<ColumnId> visible = Visible(*node.inputs[i]);
          for (ColumnId id : node.set_inputs[i])
            if (!visible.contains(id))
              return Invalid(node, "reads unknown column " + std::to_string(id));
        }
        for (const auto& [id, type] : node.set_outputs) RETURN_IF_ERROR(Define(node, id));
        return {};
      case NodeKind::kValues:
        for (const auto& row : node.rows)
          if (row.size() != node.value_columns.size()) return Invalid(node, "row of a wrong width");
        for (const auto& [id, type] : node.value_columns) RETURN_IF_ERROR(Define(node, id));
        return {};
      case NodeKind::kSharedScan: {
        if (node.shared >= shared_limit_) return Invalid(node, "refers to an unknown shared plan");
        std::unordered_set<ColumnId> visible = Visible(*plan_.shared[node.shared]);
        for (const auto& [here, there] : node.shared_columns) {
          if (!visible.contains(there))
            return Invalid(node, "reads unknown column " + std::to_string(there));
          RETURN_IF_ERROR(Define(node, here));
        }
        return {};
      }
      case NodeKind::kWindow:
        for (const ExprPtr& expr : node.partition_by) RETURN_IF_ERROR(CheckExpr(node, expr, below));
        for (const SortKey& key : node.window_order)
          RETURN_IF_ERROR(CheckExpr(node, key.expr, below));
        for (const WindowCall& call : node.windows) {
          RETURN_IF_ERROR(CheckAggregate(node, call.aggregate, below, /*define=*/false));
          for (const ExprPtr& arg : call.args) RETURN_IF_ERROR(CheckExpr(node, arg, below));
          RETURN_IF_ERROR(CheckExpr(node, call.start_offset, below));
          RETURN_IF_ERROR(CheckExpr(node, call.end_offset, below));
          RETURN_IF_ERROR(Define(node, call.id));
        }
        return {};
    }
    return {};
  }

  Result<void> CheckAggregate(const Node& node, const Aggregate& aggregate,
                              const std::unordered_set<ColumnId>& below, bool define) {
    for (const ExprPtr& arg : aggregate.args) RETURN_IF_ERROR(CheckExpr(node, arg, below));
    for (const SortKey& key : aggregate.order_by) RETURN_IF_ERROR(CheckExpr(node, key.expr, below));
    if (!define) return {};
    if (aggregate.function != AggregateFunction::kCountStar && aggregate.args.empty())
      return Invalid(node, "aggregate without an argument");
    return Define(node, aggregate.id);
  }

  const Plan& plan_;
  size_t shared_limit_ = 0;  // shared plans below this number may be read
  std::unordered_set<ColumnId> defined_;
};

}  // namespace

Result<void> ValidatePlan(const Plan& plan) { return Validator(plan).Run(); }

}  // namespace sirocco::plan
