// Marks a loop kernel to be compiled for the baseline, AVX2 and AVX-512 machines; the loader picks
// the best the machine has. Only for non-template functions with internal linkage, whose whole work
// is a plain loop.
#pragma once

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SIROCCO_CLONES \
  __attribute__((target_clones("default", "arch=haswell", "arch=skylake-avx512")))
#else
#define SIROCCO_CLONES
#endif
