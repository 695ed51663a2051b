// Runs one pipeline: morsels through source, operators and sink on several workers, then the sink's
// finishing tasks. Threads: RunPipeline from one thread per query at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "common/error.h"
#include "engine/exec/pipeline.h"

namespace sirocco::engine {

// What a stage did, summed over workers. Stage 0 is the source, then the operators, then the sink.
struct StageCounters {
  uint64_t rows_out = 0;
  uint64_t ticks = 0;  // of the time stamp counter, without the time of later stages
};

// Runs to the end. `counters` gets one entry per stage. Errors: the first of any worker;
// kCancelled; kOutOfMemory also for a failed allocation.
Result<void> RunPipeline(const Pipeline& pipeline, QueryContext* context,
                         std::vector<StageCounters>* counters);

// Nanoseconds of `ticks` of the time stamp counter.
uint64_t TicksToNanoseconds(uint64_t ticks);
uint64_t ReadTicks();

// Tests: no batch between two stages has more rows. Process-wide; not while queries run.
void SetDebugVectorSize(uint32_t rows);

}  // namespace sirocco::engine
