// AVX2. Headers come before the pragma so that their functions keep the base instruction set.
#include "engine/expr/kernels.h"

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
#define SIROCCO_KERNEL_LEVEL 3
#define SIROCCO_KERNEL_TABLE kKernelsV3
#include "engine/expr/kernels.inc"
#pragma GCC pop_options
