#include "engine/simd/choose_target.h"

#include <hwy/targets.h>

#include "engine/simd/targets.h"

namespace sirocco::simd {

bool ChooseTarget(std::string_view name) {
  const int64_t best = name == "base" ? HWY_SSE2
                       : name == "v3" ? HWY_AVX2
                       : name == "v4" ? HWY_AVX3
                                      : 0;
  if (best == 0 || (hwy::SupportedTargets() & best) == 0) return false;
  // Better sets have lower bits.
  hwy::SetSupportedTargetsForTest(hwy::SupportedTargets() & ~(best - 1));
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  return true;
}

}  // namespace sirocco::simd
