#include "engine/expr/kernels.h"

#define SIROCCO_KERNEL_LEVEL 0
#define SIROCCO_KERNEL_TABLE kKernelsBase
#include "engine/expr/kernels.inc"
