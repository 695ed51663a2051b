#include "engine/exec/compiled_plan.h"

#include <algorithm>

#include "common/check.h"

namespace sirocco::engine {

namespace {

bool IsReady(const CompiledPlan& plan, const PipelineEntry& entry) {
  return !entry.done && std::all_of(entry.depends_on.begin(), entry.depends_on.end(),
                                    [&](uint32_t i) { return plan.entries[i]->done; });
}

// Whether `entry` can only run after `other`.
bool DependsOn(const CompiledPlan& plan, uint32_t entry, uint32_t other) {
  if (entry == other) return true;
  const auto& direct = plan.entries[entry]->depends_on;
  return std::any_of(direct.begin(), direct.end(),
                     [&](uint32_t i) { return DependsOn(plan, i, other); });
}

// Whether a filter that is expected to be selective may still come to a scan of this entry.
bool AwaitsFilter(const CompiledPlan& plan, uint32_t entry) {
  for (const FilterEdge& edge : plan.edges) {
    if (edge.scan_entry != entry || plan.entries[edge.build_entry]->done ||
        DependsOn(plan, edge.build_entry, entry))
      continue;
    if (edge.target_distinct < 0 || edge.estimated_keys < 0 ||
        IsSelectiveFilter(edge.estimated_keys, edge.target_distinct))
      return true;
  }
  return false;
}

// The entry to run next.
uint32_t ChooseEntry(const CompiledPlan& plan) {
  int best = -1;
  bool best_awaits = false;
  for (uint32_t i = 0; i < plan.entries.size(); ++i) {
    const PipelineEntry& entry = *plan.entries[i];
    if (!IsReady(plan, entry)) continue;
    const bool awaits = AwaitsFilter(plan, i);
    if (best < 0 || awaits < best_awaits ||
        (awaits == best_awaits && entry.source_rows < plan.entries[best]->source_rows)) {
      best = static_cast<int>(i);
      best_awaits = awaits;
    }
  }
  CHECK(best >= 0);
  return static_cast<uint32_t>(best);
}

// Hands the build's filters to the scans that have not started.
void PublishFilters(CompiledPlan* plan, uint32_t entry) {
  JoinBuild* build = plan->entries[entry]->build;
  for (const FilterEdge& edge : plan->edges) {
    if (edge.build_entry != entry || edge.scan->started()) continue;
    const PublishedFilter& made = build->filter(edge.key);
    if (made.filter == nullptr) continue;
    // Another scan's larger domain may have been the reason to make the filter.
    if (edge.target_distinct > 0 &&
        !IsSelectiveFilter(static_cast<double>(made.num_keys), edge.target_distinct))
      continue;
    edge.scan->AddFilter(edge.table_column, made.filter, made.num_keys);
  }
}

}  // namespace

Result<void> RunPlan(CompiledPlan* plan, QueryContext* context) {
  for (size_t left = plan->entries.size(); left > 0; --left) {
    const uint32_t next = ChooseEntry(*plan);
    PipelineEntry& entry = *plan->entries[next];
    if (entry.build != nullptr) {
      for (const FilterEdge& edge : plan->edges)
        if (edge.build_entry == next && !edge.scan->started())
          entry.build->RequestFilter(edge.key, edge.target_distinct);
    }
    RETURN_IF_ERROR(RunPipeline(entry.pipeline, context, &entry.counters));
    entry.done = true;
    if (entry.build != nullptr) PublishFilters(plan, next);
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
