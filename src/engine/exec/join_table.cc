#include "engine/exec/join_table.h"

namespace sirocco::engine {

const int64_t* JoinTable::PackKeys(const Vector* keys, uint32_t count, int64_t* buffer) const {
  if (packed.size() == 1) return keys[packed[0].key].i64();
  for (size_t p = 0; p < packed.size(); ++p) {
    const PackedKey& part = packed[p];
    const int64_t* values = keys[part.key].i64();
    for (uint32_t i = 0; i < count; ++i) {
      const uint64_t u = static_cast<uint64_t>(values[i]) - static_cast<uint64_t>(part.min);
      const int64_t sum = p == 0 ? 0 : buffer[i];
      // Once one part is outside, the sum stays negative: no key.
      buffer[i] = sum < 0 || u >= part.extent ? -1 : sum + static_cast<int64_t>(u * part.stride);
    }
  }
  return buffer;
}

}  // namespace sirocco::engine
