// Settings for tests that run the same statements another way. Off, each costs nothing that can be
// measured. All are process-wide and must not change while queries run.
#pragma once

#include <cstdint>
#include <string>

#include "common/error.h"

namespace sirocco::engine {

struct DebugSettings {
  uint32_t vector_size = 0;  // most rows of a batch between two operators; 0: as usual
  uint32_t chunk_rows = 0;   // rows of new chunks; 0: as usual
  bool force_hash = false;   // joins and groups by hash tables, never by arrays or bitmaps
  bool force_spill = false;  // every operator that can goes to disk at once
  std::string simd_target;   // "base", "v3", "v4"; empty: the machine's best
  uint32_t threads = 0;      // workers of a query; 0: as usual (the caller's business)
};

// From SIROCCO_DEBUG_VECTOR_SIZE, _CHUNK_ROWS, _FORCE_HASH, _FORCE_SPILL, _SIMD_TARGET, _THREADS.
// Errors: kInvalidArgument.
Result<DebugSettings> ReadDebugSettings();
// Errors: kNotSupported if the machine lacks the instruction set.
Result<void> ApplyDebugSettings(const DebugSettings& settings);
// For the log; empty if everything is as usual.
std::string DebugSettingsText(const DebugSettings& settings);

}  // namespace sirocco::engine
