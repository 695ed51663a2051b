// Keys of a join in normalized form, so that equality under MySQL's rules becomes equality of
// integers wherever possible.
//
// Forms: int64 (integers, decimals of one scale, temporals, classes of a shared dictionary, bits of
// doubles with -0 made 0), int128 (wide decimals), strings compared by a collation. Signed and
// unsigned integers of different kind compare by value: `mixed_sign`.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/error.h"
#include "engine/exec/streaming.h"
#include "engine/expr/expression.h"
#include "engine/vector/vector.h"
#include "plan/node.h"

namespace sirocco::mysqlsem {
class Collation;
}

namespace sirocco::engine {

enum class KeyForm : uint8_t { kInt64, kInt128, kString };

struct JoinKeyForm {
  KeyForm form = KeyForm::kInt64;
  bool null_safe = false;
  bool mixed_sign = false;  // equal bits are equal values only if not negative
  const mysqlsem::Collation* collation = nullptr;  // kString
};

// How one side's values become the form.
enum class KeyStep : uint8_t { kNone, kDoubleBits, kClass, kDecode, kWiden, kPackDecimal };

// The keys of one side: expressions over the side's batches and their steps.
struct JoinSideKeys {
  std::unique_ptr<Expression> expressions;  // null: no keys
  std::vector<KeyStep> steps;
  std::vector<ColumnInfo> columns;  // of the normalized values
  std::vector<int> bare;  // input position if the key is a bare column that needs no step, else -1
};

struct JoinKeys {
  std::vector<JoinKeyForm> forms;
  JoinSideKeys left, right;
};

// Chooses forms for `keys` of a join between batches of these layouts. kNotSupported with the
// reason if equality cannot be exact.
Result<JoinKeys> PlanJoinKeys(const std::vector<plan::JoinKey>& keys, const BatchLayout& left,
                              const BatchLayout& right, QueryContext* context);

// One worker's evaluation of one side's keys.
class KeyReader {
 public:
  explicit KeyReader(const JoinSideKeys* keys);

  // Evaluates; the vectors are flat, in normalized lanes, valid until the next call.
  Result<void> Read(const Batch& batch);
  const std::vector<Vector>& vectors() const { return vectors_; }

 private:
  const JoinSideKeys* keys_;
  std::unique_ptr<ExpressionState> state_;
  std::vector<Vector> raw_, vectors_;
  std::vector<LaneBuffer> step_buffers_;
  std::vector<VectorBuffer> flat_buffers_;
};

// hashes[i] of row i over all keys; a NULL of a null-safe key has a hash of its own.
void HashJoinKeys(const std::vector<JoinKeyForm>& forms, const Vector* keys, uint32_t count,
                  uint64_t* hashes);

}  // namespace sirocco::engine
