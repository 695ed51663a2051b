// A compiled expression program: scopes of typed slots filled by steps in order.
//
// A slot is one intermediate vector with facts known at compile time (SlotInfo). A Scope is a
// straight list of steps over its slots; the root scope runs on whole batches. A conditional step
// owns child scopes that run on a subset of the rows (the rows that reach the branch); a child
// reads outer slots through imports, which copy the subset's values together. A Frame is the
// run-time state of a scope for one worker. Threads: scopes and steps are immutable after
// compilation; a Frame belongs to one worker.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "engine/exec/query_context.h"
#include "engine/expr/kernels.h"
#include "engine/memory/arena.h"
#include "engine/vector/vector.h"
#include "plan/expr.h"

namespace sirocco::engine {

// How a slot's values are laid out. Beyond the lanes: kBool, one byte 0/1 per row (0 in NULL rows),
// and kBig, mysqlsem::BigDecimal.
enum class Rep : uint8_t { kI64, kI128, kF64, kStr, kCode, kBool, kBig };

uint32_t RepWidth(Rep rep);
// The lane of a vector in this representation; kI64 for kBool and kBig, which never leave a
// program.
Lane LaneOfRep(Rep rep);
Rep RepOfLane(Lane lane);

struct SlotInfo {
  plan::Type type;
  Rep rep = Rep::kI64;
  ValueRange range;  // reps kI64 and kI128 (decimals: of the scaled integer); always known there
  bool nullable = true;
  bool constant = false;  // the value is known at compile time
  // Decimals: digits after the point that values carry. Operators give the declared ones;
  // conditionals may give fewer. min_scale < scale if branches of a conditional differ.
  uint8_t scale = 0, min_scale = 0;
  // A column whose values were filled up to `scale` digits; a kBig made of it does not know theirs.
  bool padded = false;
  const Dictionary* dictionary = nullptr;  // rep kCode
  double num_distinct = -1;
};

using Slot = int;

class Frame;

// One kernel call (or a few) that fills slot `out`.
class Step {
 public:
  virtual ~Step() = default;
  virtual Result<void> Run(Frame& frame) const = 0;
};

struct Scope {
  Scope* parent = nullptr;
  std::vector<SlotInfo> slots;
  std::vector<std::unique_ptr<Step>> steps;
  struct Import {
    Slot outer, inner;
  };
  std::vector<Import> imports;
  std::vector<std::pair<int, Slot>> columns;       // root scopes: batch position -> slot
  std::vector<std::pair<Slot, Vector>> constants;  // ready vectors
  std::vector<std::unique_ptr<Scope>> children;    // run by conditional steps, by index
  int num_states = 0;                              // per-worker caches of steps
};

// Per-worker memory of one step that keeps something between batches (a lazily filled table).
class StepState {
 public:
  virtual ~StepState() = default;
};

// Memory of one slot.
class SlotBuffer {
 public:
  void* Data(Rep rep, uint32_t count);
  uint8_t* Nulls(uint32_t count);

 private:
  struct Free {
    void operator()(void* p) const;
  };
  std::unique_ptr<void, Free> data_;
  std::unique_ptr<uint8_t, Free> nulls_;
  size_t data_bytes_ = 0, null_bytes_ = 0;
};

class Frame {
 public:
  Frame(const Scope* scope, QueryContext* context, Arena* arena);

  uint32_t count = 0;

  const Vector& in(Slot slot) const { return vectors_[static_cast<size_t>(slot)]; }
  void Set(Slot slot, const Vector& vector) { vectors_[static_cast<size_t>(slot)] = vector; }
  // A flat vector without NULLs over the slot's own memory, with room for max(count, 1) values.
  Vector& Begin(Slot slot);
  // Null bytes of the slot's own memory (not attached to the vector).
  uint8_t* Nulls(Slot slot);
  // Makes the slot NULL in every row, as a constant.
  void SetNull(Slot slot);

  // Runs all steps for `count` rows.
  Result<void> Run();
  // Runs child `index` for rows[0..n) of this frame; its results are in child(index).
  Result<void> RunChild(int index, const uint16_t* rows, uint32_t n);
  Frame& child(int index) { return *children_[static_cast<size_t>(index)]; }

  template <typename T>
  T* state(int index, QueryContext* context) {
    auto& state = states_[static_cast<size_t>(index)];
    if (state == nullptr) state = std::make_unique<T>(context);
    return static_cast<T*>(state.get());
  }

  const Scope& scope() const { return *scope_; }
  const SlotInfo& info(Slot slot) const { return scope_->slots[static_cast<size_t>(slot)]; }
  QueryContext* context() const { return context_; }
  Arena* arena() const { return arena_; }

 private:
  const Scope* scope_;
  QueryContext* context_;
  Arena* arena_;  // of the whole state: cleared at the start of each batch
  std::vector<Vector> vectors_;
  std::vector<SlotBuffer> buffers_;
  std::vector<std::unique_ptr<StepState>> states_;
  std::vector<std::unique_ptr<Frame>> children_;
};

// Copies values rows[0..n) of `in` to the front of `out` (flat, of the same representation; null
// bytes if `in` has some).
void GatherRep(Rep rep, const Vector& in, const uint16_t* rows, uint32_t n, const Vector& out);
// out[rows[i]] = in[i] for i < n; `in` may be constant. Null bytes are written if `out` has them.
void ScatterRep(Rep rep, const Vector& in, const uint16_t* rows, uint32_t n, const Vector& out);

inline bool IsNullAt(const Vector& v, uint32_t row) {
  return v.nulls != nullptr && v.nulls[v.constant ? 0 : row] != 0;
}
inline bool IsConstantNull(const Vector& v) {
  return v.constant && v.nulls != nullptr && v.nulls[0] != 0;
}

// Result of a strict operation's NULLs: the union of its inputs' null bytes for `n` rows, or
// nullptr if none has any. No input may be a constant NULL (handle that first). A single nullable
// input's bytes are shared, not copied.
uint8_t* MergeNulls(Frame& frame, Slot out, const Vector* const* inputs, size_t num_inputs,
                    uint32_t n);
uint8_t* MergeNulls(Frame& frame, Slot out, const Vector& a, const Vector& b, uint32_t n);
// The null bytes of one input as the result's own; nullptr if none.
inline uint8_t* ShareNulls(const Vector& a) { return a.nulls; }

Error OutOfMemoryError();

}  // namespace sirocco::engine
