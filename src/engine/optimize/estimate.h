// Cardinality estimates for plan nodes: exact row and distinct counts of loaded tables, predicates evaluated on table samples, independence and
// containment assumptions for the rest.
// Threads: one optimizer run each.
#pragma once

#include <unordered_map>

#include "engine/engine.h"
#include "engine/exec/query_context.h"
#include "plan/node.h"

namespace sirocco::engine {

// What is known about a column wherever it is visible.
struct ColumnFacts {
  double num_distinct = -1;      // of the base column; negative: unknown
  double base_rows = -1;         // rows of its table
  bool unique = false;           // it alone is the primary key of its table
  plan::TableId table = 0;       // with instance: which scan it belongs to
  const plan::Node* scan = nullptr;
  uint32_t table_column = 0;
};

class Estimator {
 public:
  Estimator(const plan::Plan& plan, const SnapshotLookup& lookup, QueryContext* context)
      : plan_(plan), lookup_(lookup), context_(context) {}

  // Estimated rows of a node; remembered per node.
  double Rows(const plan::NodePtr& node);
  // Facts of a column; scans below must have been estimated before.
  const ColumnFacts* Facts(plan::ColumnId id) const;
  // Distinct values of an expression among `rows` rows.
  double Distinct(const plan::Expr& expr, double rows) const;
  // Share of rows that satisfy a term about which nothing else is known.
  double TermSelectivity(const plan::Expr& term) const;
  // Rows of an equality join by its keys alone.
  double JoinRows(double left_rows, double right_rows, const std::vector<plan::JoinKey>& keys) const;
  // Primary key columns of the scan's table; empty if none.
  std::vector<uint32_t> PrimaryKey(const plan::Node& scan) const;

 private:
  double Compute(const plan::Node& node);
  double ScanRows(const plan::Node& node);
  double JoinNodeRows(const plan::Node& node);

  const plan::Plan& plan_;
  const SnapshotLookup& lookup_;
  QueryContext* context_;
  std::unordered_map<const plan::Node*, double> rows_;
  std::unordered_map<plan::ColumnId, ColumnFacts> facts_;
  std::unordered_map<plan::TableId, SnapshotPtr> snapshots_;
  std::vector<plan::NodePtr> kept_;   // nodes whose addresses are in rows_
};

}  // namespace sirocco::engine
