// What JoinBuild keeps per worker; for its own files only.
#pragma once

#include <memory>
#include <vector>

#include "engine/exec/join_build.h"

namespace sirocco::engine {

// Rows of one worker. Rows with an unmatchable NULL key go to null_rows if they are kept at all.
struct JoinBuild::Part {
  std::unique_ptr<RowBlocks> rows, null_rows;
  std::unique_ptr<RowSpiller> spiller;  // once rows go to disk
  uint32_t spread = 0;                  // JoinSpill::Partition
  uint64_t rows_seen = 0, null_keys_seen = 0;
  std::vector<int64_t> min, max;  // per key of form kInt64
  std::vector<bool> has_nulls;    // per null-safe key
};

struct JoinBuild::State final : LocalState {
  explicit State(const JoinSideKeys* keys) : reader(keys) {}
  Part* part = nullptr;
  KeyReader reader;
  std::vector<Vector> vectors;
  uint16_t rows[kVectorSize], null_rows[kVectorSize];
};

}  // namespace sirocco::engine
