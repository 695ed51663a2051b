// Tests: the kernels of a smaller instruction set than the machine's best.
#pragma once

#include <string_view>

namespace sirocco::simd {

// "base" (SSE2), "v3" (AVX2) or "v4" (AVX-512); false if the machine does not have it or the name is
// unknown. Process-wide; before any kernel runs.
bool ChooseTarget(std::string_view name);

}  // namespace sirocco::simd
