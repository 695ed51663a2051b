// Finds rows of a table by the hash of their key: a map from 32-bit hashes to row ids, several per
// hash if need be (equal rows of a table without key, or chance).
//
// Shape: open addressing table of {hash, row id or chain}; the rows of a hash that has several are
// a chain of {row id, next}, newest first. Load at most 80 %, sizes grow by half. The index knows
// nothing of the rows: the caller looks whether a candidate is the row it wants. Threads: one at a
// time. Errors: kOutOfMemory, when the object stays as it was.
#pragma once

#include <cstdint>
#include <vector>

#include "common/error.h"
#include "engine/memory/aligned_buffer.h"
#include "engine/memory/memory_pool.h"

namespace sirocco::engine {

// A row of a table that changes: slot (storage/table_store.h) << 16 | row of the slot. 31 bits.
using RowId = uint32_t;
inline constexpr uint32_t kMaxSlots = 1 << 15;

class RowIndex {
 public:
  explicit RowIndex(MemoryPool* pool) : pool_(pool), chain_reservation_(pool) {}

  // Makes room for `num_rows` rows in all.
  Result<void> Reserve(uint64_t num_rows);
  Result<void> Insert(uint32_t hash, RowId row);
  // The pair must be there.
  void Erase(uint32_t hash, RowId row);
  void Replace(uint32_t hash, RowId old_row, RowId new_row);
  void Clear();
  uint64_t size() const { return num_rows_; }

  // Calls visit(row) for the rows of the hash, newest first, until it returns true.
  template <typename F>
  void Visit(uint32_t hash, const F& visit) const {
    if (num_slots_ == 0) return;
    for (uint64_t at = Home(hash);; at = Next(at)) {
      const Slot slot = slots()[at];
      if (slot.value == kEmpty) return;
      if (slot.value == kErased || slot.hash != hash) continue;
      if ((slot.value & kChained) == 0) {
        visit(slot.value);
        return;
      }
      for (uint32_t link = slot.value & ~kChained; link != kEnd; link = chain_[link].next)
        if (visit(chain_[link].row)) return;
      return;
    }
  }
  void Prefetch(uint32_t hash) const {
    if (num_slots_ != 0) __builtin_prefetch(slots() + Home(hash));
  }

 private:
  static constexpr uint32_t kEmpty = 0xFFFFFFFF, kErased = 0xFFFFFFFE, kChained = 0x80000000,
                            kEnd = 0x7FFFFFFF;
  struct Slot {
    uint32_t hash, value;
  };
  struct Link {
    RowId row;
    uint32_t next;
  };
  Slot* slots() const { return slots_.as<Slot>(); }
  uint64_t Home(uint32_t hash) const { return hash * num_slots_ >> 32; }
  uint64_t Next(uint64_t at) const { return at + 1 == num_slots_ ? 0 : at + 1; }
  Result<void> Resize(uint64_t num_slots);
  // The slot of the hash, or the one where it belongs: empty.
  Slot* Find(uint32_t hash) const;
  Result<uint32_t> NewLink(RowId row, uint32_t next);

  MemoryPool* pool_;
  AlignedBuffer slots_;
  uint64_t num_slots_ = 0;
  uint64_t num_rows_ = 0;
  uint64_t num_used_ = 0;  // slots that are not empty, erased ones included
  std::vector<Link> chain_;
  uint32_t free_link_ = kEnd;
  MemoryReservation chain_reservation_;
};

}  // namespace sirocco::engine
