// Compiles a plan to pipelines: prunes columns, splits scan predicates, chooses build sides, finds
// ways for semijoin filters.
//
// One pass over the plan, top down with the columns needed above, bottom up with the pipeline that
// is still open: its source and operators so far, and the layout of the batches it passes. A
// breaker closes the pipeline with a sink and opens the next one with a source. Files: compiler.cc
// has the walk and the small nodes, compiler_scan.cc scans and filters, compiler_join.cc joins.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "common/error.h"
#include "engine/engine.h"
#include "engine/exec/breakers.h"
#include "engine/exec/compiled_plan.h"
#include "engine/exec/filter_routes.h"

namespace sirocco::engine {

class PlanCompiler {
 public:
  // The plan outlives the compiled plan, which refers to its nodes.
  PlanCompiler(const plan::Plan& plan, const SnapshotLookup& lookup, QueryContext* context)
      : plan_(plan), lookup_(lookup), context_(context) {}

  // Errors: kNotSupported with the reason, kNotFound for a table without snapshot.
  Result<CompiledPlan> Compile();

 private:
  using ColumnSet = std::set<ColumnId>;

  // A pipeline without a sink yet.
  struct Open {
    Pipeline pipeline;
    std::vector<uint32_t> depends_on;
    std::vector<StageLabel> labels;
    double source_rows = 0;
    const plan::Node* scan_node = nullptr;  // of the source, if it is a scan

    const BatchLayout& layout() const {
      return pipeline.operators.empty() ? pipeline.source->layout()
                                        : pipeline.operators.back()->layout();
    }
  };

  Result<Open> CompileNode(const plan::Node& node, const ColumnSet& needed);
  Result<Open> CompileInput(const plan::Node& node, size_t input, const ColumnSet& needed);
  Result<Open> CompileBelow(const plan::Node& below, const plan::Node& node, size_t input,
                            const ColumnSet& needed);
  Result<Open> CompileScan(const plan::Node& node, std::vector<plan::ExprPtr> terms,
                           const ColumnSet& needed);
  Result<Open> CompileFilter(const plan::Node& node, const ColumnSet& needed);
  Result<Open> CompileProject(const plan::Node& node, const ColumnSet& needed);
  Result<Open> CompileJoin(const plan::Node& node, const ColumnSet& needed);
  Result<Open> CompileAggregate(const plan::Node& node, const ColumnSet& needed);
  Result<Open> CompileSort(const plan::Node& node, const ColumnSet& needed);
  Result<Open> CompileLimit(const plan::Node& node, const ColumnSet& needed);
  Result<Open> CompileSetOperation(const plan::Node& node, const ColumnSet& needed);
  Result<Open> CompileUnionAll(const plan::Node& node, const ColumnSet& needed);
  Result<Open> CompileValues(const plan::Node& node, const ColumnSet& needed);
  Result<Open> CompileSharedScan(const plan::Node& node, const ColumnSet& needed);
  Result<Open> CompileWindow(const plan::Node& node, const ColumnSet& needed);

  // Rows for which all terms are true; passes on the needed columns.
  Result<void> AddFilter(Open* open, const std::vector<plan::ExprPtr>& terms,
                         const ColumnSet& needed, const plan::Node& node);
  // The filter on a row count or input of unknown size.
  static void Append(Open* open, std::unique_ptr<Operator> op, const plan::Node& node);
  Open Start(std::unique_ptr<Source> source, const plan::Node& node, double source_rows) const;
  // Ends a pipeline; returns its number.
  uint32_t Close(Open open, std::unique_ptr<Sink> sink, const plan::Node& node);
  // Ends a pipeline and opens the next one on its result.
  Open Break(Open open, std::unique_ptr<MaterializingSink> sink, const plan::Node& node);
  // Whether the build side of a join is inputs[0].
  bool ChooseBuildLeft(const plan::Node& node) const;
  double EstimateRows(const plan::Node& node) const;
  void AddFilterEdges(const plan::Node& join, bool build_left, uint32_t build_entry);
  Result<void> ResolveFilterEdges();

  // An aggregate without groups over distinct values as an aggregate over groups of these values;
  // null if it is not of that form.
  plan::NodePtr DistinctAsGroups(const plan::Node& node);

  // The input of a semi or anti join without the DISTINCTs that cannot change whether a row
  // matches.
  plan::NodePtr WithoutDistinct(const plan::NodePtr& node);

  static void AddColumns(const plan::Expr& expr, ColumnSet* columns);
  ColumnSet Visible(const plan::Node& node) const;

  struct PendingEdge {
    uint32_t build_entry;
    uint32_t key;
    double estimated_keys;
    FilterTarget target;
  };
  struct ScanUse {
    ScanSource* source;
    SnapshotPtr snapshot;
    uint32_t entry;  // set when its pipeline is closed
  };

  const plan::Plan& plan_;
  const SnapshotLookup& lookup_;
  QueryContext* context_;
  CompiledPlan out_;
  PlanPath path_;
  std::map<const plan::Node*, ScanUse> scans_;
  std::vector<PendingEdge> pending_edges_;
  struct SharedResult {
    MaterializingSink* sink = nullptr;
    uint32_t entry = 0;
    double rows = 0;
  };
  std::vector<SharedResult> shared_;
  // For columns that only the compiler knows; plans number theirs from 1.
  ColumnId next_own_column_ = 0xf0000000;
};

// Reads a breaker's result: the source is made when the pipeline starts, that is, after the breaker
// has finished.
class BreakerSource final : public Source {
 public:
  explicit BreakerSource(MaterializingSink* sink) : sink_(sink) {}

  Result<void> Prepare() override {
    source_ = sink_->MakeSource();
    return source_->Prepare();
  }
  std::unique_ptr<LocalState> MakeState(uint32_t worker) override {
    return source_->MakeState(worker);
  }
  OperatorStatistics Describe() const override {
    OperatorStatistics out;
    out.name = "Read";
    return out;
  }
  Result<bool> Next(LocalState* state, Batch* batch) override {
    return source_->Next(state, batch);
  }
  const BatchLayout& layout() const override { return sink_->output_layout(); }
  uint32_t num_morsels() const override { return source_->num_morsels(); }

 private:
  MaterializingSink* sink_;
  std::unique_ptr<Source> source_;
};

}  // namespace sirocco::engine
