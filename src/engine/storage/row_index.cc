#include "engine/storage/row_index.h"

#include <algorithm>
#include <cstring>

namespace sirocco::engine {

namespace {

constexpr uint64_t kMinSlots = 64;
// 32-bit hashes spread over at most this many slots.
constexpr uint64_t kMaxIndexSlots = uint64_t{1} << 32;

}  // namespace

Result<void> RowIndex::Resize(uint64_t num_slots) {
  num_slots = std::min(std::max(num_slots, kMinSlots), kMaxIndexSlots);
  ASSIGN_OR_RETURN(AlignedBuffer buffer, AlignedBuffer::Allocate(pool_, num_slots * sizeof(Slot)));
  std::memset(buffer.data(), 0xFF, num_slots * sizeof(Slot));
  std::swap(buffer, slots_);
  const uint64_t old_slots = num_slots_;
  num_slots_ = num_slots;
  num_used_ = 0;
  for (uint64_t i = 0; i < old_slots; ++i) {
    const Slot slot = buffer.as<Slot>()[i];
    if (slot.value >= kErased) continue;
    uint64_t at = Home(slot.hash);
    while (slots()[at].value != kEmpty) at = Next(at);
    slots()[at] = slot;
    ++num_used_;
  }
  return {};
}

Result<void> RowIndex::Reserve(uint64_t num_rows) {
  const uint64_t needed = num_rows + num_rows / 4 + 1;
  if (needed <= num_slots_) return {};
  return Resize(needed);
}

RowIndex::Slot* RowIndex::Find(uint32_t hash) const {
  for (uint64_t at = Home(hash);; at = Next(at)) {
    Slot& slot = slots()[at];
    if (slot.value == kEmpty || (slot.hash == hash && slot.value != kErased)) return &slot;
  }
}

Result<uint32_t> RowIndex::NewLink(RowId row, uint32_t next) {
  if (free_link_ != kEnd) {
    const uint32_t link = free_link_;
    free_link_ = chain_[link].next;
    chain_[link] = {row, next};
    return link;
  }
  if (chain_.size() == chain_.capacity()) {
    const size_t capacity = std::max<size_t>(64, chain_.capacity() + chain_.capacity() / 2);
    RETURN_IF_ERROR(chain_reservation_.ResizeTo(capacity * sizeof(Link)));
    chain_.reserve(capacity);
  }
  chain_.push_back({row, next});
  return static_cast<uint32_t>(chain_.size() - 1);
}

Result<void> RowIndex::Insert(uint32_t hash, RowId row) {
  // Erased slots count as used until the next resize, which leaves them out.
  if ((num_used_ + 1) * 5 > num_slots_ * 4 && num_slots_ < kMaxIndexSlots)
    RETURN_IF_ERROR(Resize(std::max(kMinSlots, (num_rows_ + 1) * 3 / 2 * 5 / 4)));
  Slot* slot = Find(hash);
  if (slot->value == kEmpty) {
    *slot = {hash, row};
    ++num_used_;
  } else {
    uint32_t rest;
    if ((slot->value & kChained) != 0) {
      rest = slot->value & ~kChained;
    } else {
      ASSIGN_OR_RETURN(rest, NewLink(slot->value, kEnd));
      slot->value = rest | kChained;
    }
    ASSIGN_OR_RETURN(const uint32_t link, NewLink(row, rest));
    slot->value = link | kChained;
  }
  ++num_rows_;
  return {};
}

void RowIndex::Erase(uint32_t hash, RowId row) {
  Slot* slot = Find(hash);
  if ((slot->value & kChained) == 0) {
    slot->value = kErased;
  } else {
    uint32_t link = slot->value & ~kChained, before = kEnd;
    while (chain_[link].row != row) {
      before = link;
      link = chain_[link].next;
    }
    const uint32_t next = chain_[link].next;
    if (before != kEnd) {
      chain_[before].next = next;
    } else {
      slot->value = next == kEnd ? kErased : next | kChained;
    }
    chain_[link].next = free_link_;
    free_link_ = link;
  }
  --num_rows_;
}

void RowIndex::Replace(uint32_t hash, RowId old_row, RowId new_row) {
  Slot* slot = Find(hash);
  if ((slot->value & kChained) == 0) {
    slot->value = new_row;
    return;
  }
  uint32_t link = slot->value & ~kChained;
  while (chain_[link].row != old_row) link = chain_[link].next;
  chain_[link].row = new_row;
}

void RowIndex::Clear() {
  slots_ = AlignedBuffer();
  num_slots_ = num_rows_ = num_used_ = 0;
  chain_ = {};
  free_link_ = kEnd;
  (void)chain_reservation_.ResizeTo(0);
}

}  // namespace sirocco::engine
