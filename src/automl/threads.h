// Work in parallel on the threads of one training or prediction. Results never depend on the number
// of threads: callers split work so that each piece writes its own place.
#pragma once

#include <cstddef>
#include <functional>

namespace sirocco::automl {

// Calls run(i) for i in 0 .. count - 1 on up to `num_threads` threads, the caller's among them, and
// returns when all are done. Calls from within run() are run by the calling thread alone.
void ParallelFor(size_t num_threads, size_t count, const std::function<void(size_t)>& run);

}  // namespace sirocco::automl
