// What a join knows about its build side: rows stored by position, and an index from key to
// positions.
//
// The index is chosen when all build rows are seen:
//   kEmpty     no row can match
//   kAll       cross join: every row matches
//   kBitmap    only presence matters and the key domain is small: one bit per key, no rows
//   kDense     small domain: group of the key (DenseIndex); position = group if keys are unique,
//   else offsets[group] .. offsets[group + 1].
//              With several keys either all are packed into one number, or one of them is indexed
//              and the others are compared.
//   kHash      everything else (HashIndex)
// Rows that can match nothing (a NULL in a key that is not null-safe) are not stored, unless the
// join must return or consider them: then they lie behind all others. Threads: immutable once built
// by JoinBuild; `matched` bytes are set by any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/exec/dense_index.h"
#include "engine/exec/hash_index.h"
#include "engine/exec/join_keys.h"
#include "engine/exec/row_blocks.h"
#include "plan/node.h"

namespace sirocco::engine {

enum class JoinIndex : uint8_t { kEmpty, kAll, kBitmap, kDense, kHash };

// What to force in tests, and for measuring.
enum class JoinDebug : uint8_t { kNone, kHash, kDense };
// Process-wide; not for use while queries run.
void SetJoinDebug(JoinDebug debug);

struct JoinSpec {
  plan::JoinKind kind = plan::JoinKind::kInner;
  bool build_left =
      false;  // the build side is inputs[0]; kSemi, kAnti: its matching (other) rows are the result
  JoinKeys keys;                  // `left`/`right` as in the plan
  std::vector<uint32_t> payload;  // build-side columns (positions in its layout) needed above or by
                                  // the extra condition
  std::vector<ColumnInfo> payload_columns;
  bool has_extra = false;  // an extra condition decides over candidates
  double estimated_build_rows = -1;
  std::string text;  // of the node, for statistics

  const JoinSideKeys& build_keys() const { return build_left ? keys.left : keys.right; }
  const JoinSideKeys& probe_keys() const { return build_left ? keys.right : keys.left; }
  // Whether the result is read from the build side's rows after the probe side has marked them.
  bool marks_build() const { return build_left && kind != plan::JoinKind::kInner; }
  // Whether rows whose keys are NULL must be kept.
  bool keeps_null_rows() const {
    return (build_left && kind == plan::JoinKind::kAnti) ||
           (kind == plan::JoinKind::kNullAwareAnti && has_extra);
  }
  // Whether the probe side only asks if a key is present.
  bool presence_only() const {
    return !build_left && !has_extra && payload.empty() &&
           (kind == plan::JoinKind::kSemi || kind == plan::JoinKind::kAnti ||
            kind == plan::JoinKind::kNullAwareAnti);
  }
};

struct JoinColumn {
  StoredColumn stored;
  PoolBuffer values, nulls;  // by position; nulls only if there are any
};

class JoinSpill;

struct JoinTable {
  // Where the build rows are that this table does not have; null: it has all.
  std::shared_ptr<JoinSpill> spill;
  JoinIndex index = JoinIndex::kEmpty;
  bool unique = false;         // kDense: one position per group
  uint64_t num_rows = 0;       // rows with matchable keys
  uint64_t num_positions = 0;  // kDense with identity: positions may be holes
  uint64_t num_null_rows = 0;  // positions num_positions - num_null_rows .. num_positions (if kept)
  uint64_t null_keys_seen = 0;  // build rows with a NULL key, kept or not
  uint64_t rows_seen = 0;       // all build rows

  // kDense: how the indexed number is made: sum of (key - key_min) * stride over the packed keys.
  struct PackedKey {
    uint32_t key;
    int64_t min;
    uint64_t extent, stride;
  };
  std::vector<PackedKey> packed;
  std::vector<uint32_t> verify;    // keys to compare on candidates
  std::vector<bool> null_matches;  // per key: null-safe, and the build side has NULLs in it

  DenseIndex dense;
  PoolBuffer offsets;  // kDense, not unique: uint32_t, groups + 1
  HashIndex hash;
  std::vector<JoinColumn> key_columns,
      payload_columns;  // key columns only where `verify` needs them
  PoolBuffer matched;   // one byte per position, for build_left joins

  // The indexed numbers of rows with these normalized keys, for DenseIndex; may give values outside
  // of its domain.
  const int64_t* PackKeys(const Vector* keys, uint32_t count, int64_t* buffer) const;
};

}  // namespace sirocco::engine
