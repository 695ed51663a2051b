#include "engine/expr/kernels.h"

#include <cstdlib>
#include <cstring>

namespace sirocco::engine {

namespace {

// debug_simd_target=base|v3 in the environment forces a smaller instruction set, to test the others
// on one machine.
const KernelTable* Choose() {
  const char* forced = std::getenv("SIROCCO_DEBUG_SIMD_TARGET");
  const bool base = forced != nullptr && std::strcmp(forced, "base") == 0;
  const bool v3 = forced != nullptr && std::strcmp(forced, "v3") == 0;
  __builtin_cpu_init();
  if (!base && !v3 && __builtin_cpu_supports("x86-64-v4")) return &kKernelsV4;
  if (!base && __builtin_cpu_supports("x86-64-v3")) return &kKernelsV3;
  return &kKernelsBase;
}

}  // namespace

const KernelTable& Kernels() {
  static const KernelTable* const table = Choose();
  return *table;
}

}  // namespace sirocco::engine
