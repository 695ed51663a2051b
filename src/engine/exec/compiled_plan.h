// The pipelines of a query, what each waits for, and the semijoin filters that pass between them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/exec/driver.h"
#include "engine/exec/join_build.h"
#include "engine/exec/pipeline.h"
#include "engine/exec/result_delivery.h"
#include "engine/exec/scan_source.h"

namespace sirocco::engine {

// Which plan node a stage belongs to, for statistics.
struct StageLabel {
  uint32_t node_id = 0;
  double estimated_rows = -1;
};

struct PipelineEntry {
  Pipeline pipeline;
  std::vector<uint32_t> depends_on;  // entries that must be complete
  std::vector<StageLabel> labels;    // source, operators, sink
  double source_rows = 0;            // estimate
  JoinBuild* build = nullptr;        // the sink, if it is one
  bool done = false;
  std::vector<StageCounters> counters;
};

// One scan that may be filtered by one build's key.
struct FilterEdge {
  uint32_t build_entry = 0;
  uint32_t key = 0;
  ScanSource* scan = nullptr;
  uint32_t table_column = 0;
  uint32_t scan_entry = 0;
  double target_distinct = -1;
  double estimated_keys = -1;  // rows expected on the build side
};

struct CompiledPlan {
  std::vector<plan::NodePtr> nodes;  // made by the compiler and referred to by operators
  std::vector<std::unique_ptr<PipelineEntry>> entries;
  std::vector<FilterEdge> edges;
  ResultDelivery* delivery = nullptr;  // the sink of the last entry
};

// Runs all pipelines, one at a time, in an order that lets filters flow: a pipeline whose scan may
// still get a selective filter waits while others can run; among equals the smallest goes first.
// Errors: the first one of any worker.
Result<void> RunPlan(CompiledPlan* plan, QueryContext* context);

std::vector<OperatorStatistics> PlanStatistics(const CompiledPlan& plan);

}  // namespace sirocco::engine
