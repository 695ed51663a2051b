#include "engine/exec/compiled_plan.h"

#include <algorithm>

#include "common/check.h"

namespace sirocco::engine {

namespace {

bool IsReady(const CompiledPlan& plan, const PipelineEntry& entry) {
  return !entry.done && std::all_of(entry.depends_on.begin(), entry.depends_on.end(), [&](uint32_t i) { return plan.entries[i]->done; });
}

// Hands the build's filters to the scans that have not started.
void PublishFilters(CompiledPlan* plan, uint32_t entry) {
  JoinBuild* build = plan->entries[entry]->build;
  for (const FilterEdge& edge : plan->edges) {
    if (edge.build_entry != entry || edge.scan->started()) continue;
    const JoinBuild::PublishedFilter& made = build->filter(edge.key);
    if (made.filter == nullptr) continue;
    // Another scan's larger domain may have been the reason to make the filter.
    if (edge.target_distinct > 0 && !JoinBuild::IsSelective(static_cast<double>(made.num_keys), edge.target_distinct)) continue;
    edge.scan->AddFilter(ScanFilter::FromSemijoin(edge.table_column, made.filter),
                         edge.text + " (" + std::to_string(made.num_keys) + " keys)");
  }
}

}  // namespace

Result<void> RunPlan(CompiledPlan* plan, QueryContext* context) {
  for (size_t left = plan->entries.size(); left > 0; --left) {
    int best = -1;
    for (size_t i = 0; i < plan->entries.size(); ++i) {
      const PipelineEntry& entry = *plan->entries[i];
      if (IsReady(*plan, entry) && (best < 0 || entry.source_rows < plan->entries[best]->source_rows)) best = static_cast<int>(i);
    }
    CHECK(best >= 0);
    PipelineEntry& entry = *plan->entries[best];
    if (entry.build != nullptr) {
      for (const FilterEdge& edge : plan->edges)
        if (edge.build_entry == static_cast<uint32_t>(best) && !edge.scan->started()) entry.build->RequestFilter(edge.key, edge.target_distinct);
    }
    RETURN_IF_ERROR(RunPipeline(entry.pipeline, context, &entry.counters));
    entry.done = true;
    if (entry.build != nullptr) PublishFilters(plan, static_cast<uint32_t>(best));
  }
  return {};
}

std::vector<OperatorStatistics> PlanStatistics(const CompiledPlan& plan) {
  std::vector<OperatorStatistics> all;
  for (const auto& entry : plan.entries) {
    if (!entry->done) continue;
    std::vector<const PipelineStage*> stages = {entry->pipeline.source.get()};
    for (const auto& op : entry->pipeline.operators) stages.push_back(op.get());
    stages.push_back(entry->pipeline.sink.get());
    for (size_t i = 0; i < stages.size(); ++i) {
      OperatorStatistics one = stages[i]->Describe();
      one.node_id = entry->labels[i].node_id;
      one.estimated_rows = entry->labels[i].estimated_rows;
      if (i + 1 < stages.size()) one.rows_out = entry->counters[i].rows_out;
      one.cpu_ns = TicksToNanoseconds(entry->counters[i].ticks);
      all.push_back(std::move(one));
    }
  }
  return all;
}

}  // namespace sirocco::engine
