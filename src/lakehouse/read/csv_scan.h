// Finds the bytes of a text that a CSV reader must look at.
//
// Threads: pure function.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sirocco::lakehouse {

// Up to five bytes; unused places repeat a used one. The first two end fields and records, the
// others start quotes, escapes and the like ("special").
struct StructuralBytes {
  uint8_t plain[2] = {',', '\n'};
  uint8_t special[3] = {'"', '\\', '\\'};
  bool has_special = true;
};

struct ScanOutcome {
  size_t count = 0;        // positions written
  bool special = false;    // one of the special bytes occurs
  bool non_ascii = false;  // a byte above 127 occurs
};

// Writes the ascending positions (plus `base`) of structural bytes in [data, data + size) to
// `positions`, which has room for size + 64. Up to 64 bytes behind the end may be read.
ScanOutcome FindStructural(const char* data, size_t size, const StructuralBytes& bytes,
                           uint32_t base, uint32_t* positions);

}  // namespace sirocco::lakehouse
