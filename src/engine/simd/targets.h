// Which instruction sets the kernels are compiled for; to be included before any Highway header.
// The best one the machine has is chosen at run time. The baseline (SSE2) always works; the sets
// left out differ too little from their neighbours to pay for compiling them.
#pragma once

#include <hwy/detect_targets.h>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_ZEN4 | HWY_AVX3_SPR | HWY_AVX10_2)
