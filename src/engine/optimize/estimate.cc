#include "engine/optimize/estimate.h"

#include <algorithm>
#include <cmath>

#include "engine/storage/scan.h"

namespace sirocco::engine {

namespace {

using plan::ExprOp;
using plan::JoinKind;
using plan::Node;
using plan::NodeKind;

// Guesses for terms that no sample can tell about (columns of different tables, results of aggregates).
constexpr double kEqualitySelectivity = 0.05;
constexpr double kRangeSelectivity = 0.3;
constexpr double kOtherSelectivity = 0.3;
constexpr double kUnknownRows = 1000;

}  // namespace

const ColumnFacts* Estimator::Facts(plan::ColumnId id) const {
  const auto found = facts_.find(id);
  return found == facts_.end() ? nullptr : &found->second;
}

double Estimator::Rows(const plan::NodePtr& node) {
  if (const auto found = rows_.find(node.get()); found != rows_.end()) return found->second;
  const double rows = Compute(*node);
  rows_[node.get()] = rows;
  kept_.push_back(node);
  return rows;
}

double Estimator::TermSelectivity(const plan::Expr& term) const {
  switch (term.op) {
    case ExprOp::kEq:
    case ExprOp::kNullSafeEq:
      for (const plan::ExprPtr& arg : term.args)
        if (arg->op == ExprOp::kColumn)
          if (const ColumnFacts* facts = Facts(arg->column); facts != nullptr && facts->num_distinct > 0)
            return 1 / std::max(facts->num_distinct, 1.0);
      return kEqualitySelectivity;
    case ExprOp::kNe:
    case ExprOp::kNotLike:
    case ExprOp::kIsNotNull: return 0.9;
    case ExprOp::kAnd: {
      double share = 1;
      for (const plan::ExprPtr& arg : term.args) share *= TermSelectivity(*arg);
      return share;
    }
    case ExprOp::kOr: {
      double none = 1;
      for (const plan::ExprPtr& arg : term.args) none *= 1 - TermSelectivity(*arg);
      return 1 - none;
    }
    case ExprOp::kLt:
    case ExprOp::kLe:
    case ExprOp::kGt:
    case ExprOp::kGe: return kRangeSelectivity;
    default: return kOtherSelectivity;
  }
}

double Estimator::Distinct(const plan::Expr& expr, double rows) const {
  double distinct = rows;
  if (expr.op == ExprOp::kColumn) {
    if (const ColumnFacts* facts = Facts(expr.column); facts != nullptr && facts->num_distinct >= 0)
      distinct = facts->num_distinct;
  } else {
    // An expression has at most as many values as the combinations of its columns.
    double combinations = 1;
    bool known = true;
    plan::ForEachColumn(expr, [&](plan::ColumnId id) {
      const ColumnFacts* facts = Facts(id);
      known = known && facts != nullptr && facts->num_distinct >= 0;
      if (known) combinations *= std::max(facts->num_distinct, 1.0);
    });
    if (known) distinct = combinations;
  }
  return std::clamp(distinct, 1.0, std::max(rows, 1.0));
}

std::vector<uint32_t> Estimator::PrimaryKey(const Node& scan) const {
  const auto found = snapshots_.find(scan.table);
  if (found == snapshots_.end() || found->second == nullptr) return {};
  return found->second->schema().primary_key;
}

double Estimator::JoinRows(double left_rows, double right_rows, const std::vector<plan::JoinKey>& keys) const {
  double rows = left_rows * right_rows;
  for (const plan::JoinKey& key : keys)
    rows /= std::max(Distinct(*key.left, left_rows), Distinct(*key.right, right_rows));
  // A composite key makes few rows of combinations that do exist rare under independence: joined on a whole primary key, no row of the other
  // side finds more than one partner, and in the absence of filters it finds one.
  const auto whole_key = [&](bool right_side) -> double {
    const Node* scan = nullptr;
    std::vector<uint32_t> columns;
    for (const plan::JoinKey& key : keys) {
      const plan::Expr& side = right_side ? *key.right : *key.left;
      const ColumnFacts* facts = side.op == ExprOp::kColumn ? Facts(side.column) : nullptr;
      if (facts == nullptr || (scan != nullptr && facts->scan != scan)) return -1;
      scan = facts->scan;
      columns.push_back(facts->table_column);
    }
    if (scan == nullptr) return -1;
    const std::vector<uint32_t> primary = PrimaryKey(*scan);
    if (primary.size() < 2) return -1;
    for (uint32_t column : primary)
      if (std::find(columns.begin(), columns.end(), column) == columns.end()) return -1;
    const ColumnFacts* facts = Facts((right_side ? keys[0].right : keys[0].left)->column);
    return std::max(facts->base_rows, 1.0);
  };
  if (keys.size() > 1) {
    if (const double base = whole_key(true); base > 0) rows = std::max(rows, left_rows * right_rows / base);
    if (const double base = whole_key(false); base > 0) rows = std::max(rows, left_rows * right_rows / base);
  }
  return rows;
}

double Estimator::ScanRows(const Node& node) {
  SnapshotPtr& snapshot = snapshots_[node.table];
  if (snapshot == nullptr) snapshot = lookup_(node.table);
  if (snapshot == nullptr) return kUnknownRows;
  const auto base_rows = static_cast<double>(snapshot->num_rows());
  const std::vector<uint32_t>& primary = snapshot->schema().primary_key;
  std::vector<std::pair<plan::ColumnId, uint32_t>> columns;
  for (const plan::ScanColumn& column : node.scan_columns) {
    columns.emplace_back(column.id, column.column);
    ColumnFacts facts{.num_distinct = snapshot->statistics().columns[column.column].num_distinct,
                      .base_rows = base_rows,
                      .table = node.table,
                      .scan = &node,
                      .table_column = column.column};
    facts.unique = primary.size() == 1 && primary[0] == column.column;
    if (facts.unique) facts.num_distinct = base_rows;
    facts_[column.id] = facts;
  }
  if (node.predicate == nullptr || base_rows == 0) return base_rows;
  std::vector<plan::ExprPtr> terms;
  plan::SplitConjunction(node.predicate, &terms);
  const Result<double> share = SampleSelectivity(*snapshot, terms, columns, context_);
  if (share) return std::max(base_rows * *share, 0.5);
  double guess = base_rows;
  for (const plan::ExprPtr& term : terms) guess *= TermSelectivity(*term);
  return guess;
}

double Estimator::JoinNodeRows(const Node& node) {
  const double left = Rows(node.inputs[0]), right = Rows(node.inputs[1]);
  double matches = JoinRows(left, right, node.join_keys);
  if (node.predicate != nullptr) {
    std::vector<plan::ExprPtr> terms;
    plan::SplitConjunction(node.predicate, &terms);
    for (const plan::ExprPtr& term : terms) matches *= TermSelectivity(*term);
  }
  // Share of left rows with a partner: of the distinct left keys, those that are among the right ones.
  double matched_share = 1;
  for (const plan::JoinKey& key : node.join_keys)
    matched_share = std::min(matched_share, Distinct(*key.right, right) / Distinct(*key.left, std::max(left, 1.0)));
  matched_share = std::clamp(matched_share, 0.0, 1.0);
  switch (node.join_kind) {
    case JoinKind::kInner: return matches;
    case JoinKind::kLeft: return std::max(matches, left);
    case JoinKind::kSemi: return left * (node.predicate != nullptr ? matched_share * 0.7 : matched_share);
    case JoinKind::kAnti:
    case JoinKind::kNullAwareAnti: return std::max(left * (1 - matched_share), left * 0.1);
  }
  return matches;
}

double Estimator::Compute(const Node& node) {
  switch (node.kind) {
    case NodeKind::kScan: return ScanRows(node);
    case NodeKind::kFilter: {
      double rows = Rows(node.inputs[0]);
      std::vector<plan::ExprPtr> terms;
      plan::SplitConjunction(node.predicate, &terms);
      for (const plan::ExprPtr& term : terms) rows *= TermSelectivity(*term);
      return rows;
    }
    case NodeKind::kProject: {
      const double rows = Rows(node.inputs[0]);
      for (const plan::NamedExpr& named : node.expressions) {
        if (named.expr->op == ExprOp::kColumn) {
          if (const ColumnFacts* facts = Facts(named.expr->column)) facts_[named.id] = ColumnFacts(*facts);
        } else {
          facts_[named.id].num_distinct = Distinct(*named.expr, rows);
        }
      }
      return rows;
    }
    case NodeKind::kJoin: return JoinNodeRows(node);
    case NodeKind::kAggregate: {
      const double rows = Rows(node.inputs[0]);
      double groups = 1;
      for (const plan::NamedExpr& group : node.groups) groups *= Distinct(*group.expr, rows);
      groups = std::min(groups, std::max(rows, 1.0));
      for (const plan::NamedExpr& group : node.groups) {
        ColumnFacts facts;
        facts.num_distinct = Distinct(*group.expr, groups);
        // With one group column each value comes once: as a join key it behaves like a primary key.
        facts.unique = node.groups.size() == 1;
        facts_[group.id] = facts;
      }
      return groups;
    }
    case NodeKind::kSort:
    case NodeKind::kLimit: {
      const double rows = Rows(node.inputs[0]);
      return node.limit == plan::kNoLimit ? rows : std::min(rows, static_cast<double>(node.limit));
    }
    case NodeKind::kSetOperation: {
      double rows = 0;
      for (const plan::NodePtr& input : node.inputs) rows += Rows(input);
      return rows;
    }
    case NodeKind::kValues: return static_cast<double>(node.rows.size());
    case NodeKind::kSharedScan: {
      const double rows = Rows(plan_.shared[node.shared]);
      for (const auto& [here, there] : node.shared_columns)
        if (const ColumnFacts* facts = Facts(there)) facts_[here] = ColumnFacts(*facts);
      return rows;
    }
    case NodeKind::kWindow: return Rows(node.inputs[0]);
  }
  return kUnknownRows;
}

}  // namespace sirocco::engine
