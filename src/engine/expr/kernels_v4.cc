// AVX-512 (F, BW, CD, DQ, VL). Headers come before the pragma so that their functions keep the base
// instruction set.
#include <immintrin.h>

#include "engine/expr/kernels.h"

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4")
#define SIROCCO_KERNEL_LEVEL 4
#define SIROCCO_KERNEL_TABLE kKernelsV4
#include "engine/expr/kernels.inc"
#pragma GCC pop_options
