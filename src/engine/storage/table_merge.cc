// The background part of TableStore: recent rows and chunks that have lost many rows are written
// into new chunks, and dictionaries with a tail are sorted.
//
// Both go the same way: under the lock, remember what is there; without it, build what shall take
// its place; under the lock again, while no transaction is under way, carry over what was deleted
// meanwhile and exchange. Queries keep the chunks of their snapshots.
#include <algorithm>
#include <chrono>

#include "common/check.h"
#include "engine/storage/chunk.h"
#include "engine/storage/column_stage.h"
#include "engine/storage/dictionary_builder.h"
#include "engine/storage/table_store.h"

namespace sirocco::engine {

namespace {

// A chunk is rewritten when more than an eighth of its rows is gone, and at rest when more than one
// of 32 is: a scan without filters takes up to twice the time as soon as rows must be left out, but
// a table under change would be rewritten again and again.
constexpr uint32_t kMaxGoneShare = 8, kMaxGoneShareAtRest = 32;
// Smaller chunks are joined.
constexpr uint32_t kSmallChunkRows = kChunkRows / 4;
// Those with many bytes of strings do not count as small: joined, they would be cut again.
constexpr size_t kSmallChunkBytes = 32 << 20;
// Rows of one step, so that memory for both forms is needed for few chunks only.
constexpr uint64_t kMaxStepRows = 4 * kChunkRows;
constexpr std::chrono::seconds kMaxWait{5};

bool IsSmall(const Chunk& chunk) {
  if (chunk.num_rows() >= kSmallChunkRows) return false;
  size_t bytes = 0;
  for (uint32_t column = 0; column < chunk.num_columns(); ++column)
    bytes += chunk.segment(column).size_bytes();
  return bytes < kSmallChunkBytes;
}

bool IsVisible(const VisibilityMap* map, uint32_t row) {
  return map == nullptr || (map->words[row / 64] >> (row & 63) & 1) != 0;
}

}  // namespace

// A slot whose rows move.
struct TableStore::Victim {
  uint32_t slot;
  std::shared_ptr<const Chunk> chunk;
  std::shared_ptr<DeltaBlock> block;
  std::shared_ptr<const VisibilityMap> visibility;
  uint32_t num_rows, num_visible;
  uint64_t age;
};

struct TableStore::Merge {
  struct Output {
    std::shared_ptr<DeltaBlock> rows;
    std::shared_ptr<const Chunk> chunk;
    uint64_t age = 0;
  };
  struct Move {
    RowId from;
    uint32_t hash;
    uint32_t output, row;
  };
  std::vector<Victim> victims;
  std::shared_ptr<Columns> columns;
  std::vector<std::shared_ptr<const Dictionary>> dictionaries;
  std::vector<Output> outputs;
  std::vector<Move> moves;
};

std::unique_lock<std::mutex> TableStore::LockForMerge() {
  auto lock = LockForQuery();
  merge_waits_ = true;
  const bool free = merge_turn_.wait_for(lock, kMaxWait, [&] { return !has_changes_; });
  merge_waits_ = false;
  merge_turn_.notify_all();
  if (!free) lock.unlock();
  return lock;
}

std::shared_ptr<TableStore::Merge> TableStore::PickVictims(uint64_t min_recent_rows) {
  const uint32_t gone_share = min_recent_rows <= 1 ? kMaxGoneShareAtRest : kMaxGoneShare;
  uint64_t recent_rows = 0;
  uint32_t num_small = 0;
  for (const Slot& slot : slots_) {
    if (slot.block != nullptr) recent_rows += slot.num_rows;
    num_small += slot.chunk != nullptr && IsSmall(*slot.chunk);
  }
  const bool with_recent = recent_rows != 0 && recent_rows >= min_recent_rows;
  const bool with_small = num_small + with_recent > 1;
  auto merge = std::make_shared<Merge>();
  uint64_t num_rows = 0;
  for (uint32_t index = 0; index < slots_.size() && num_rows < kMaxStepRows; ++index) {
    Slot& slot = slots_[index];
    if (slot.num_rows == 0) continue;
    const bool picked = slot.block != nullptr
                            ? with_recent
                            : (slot.num_rows - slot.num_visible) > slot.num_rows / gone_share ||
                                  (with_small && IsSmall(*slot.chunk));
    if (!picked) continue;
    num_rows += slot.num_visible;
    slot.is_shared = slot.is_merging = true;
    if (slot.block != nullptr) slot.block->Seal();
    if (open_slot_ == index) open_slot_ = kNoSlot;
    merge->victims.push_back({index, slot.chunk, slot.block, slot.visibility, slot.num_rows,
                              slot.num_visible, slot.age});
  }
  if (merge->victims.empty()) return nullptr;
  std::sort(merge->victims.begin(), merge->victims.end(),
            [](const Victim& a, const Victim& b) { return a.age < b.age; });
  merge->columns = columns_;
  for (const auto& dictionary : columns_->dictionaries)
    merge->dictionaries.push_back(dictionary == nullptr ? nullptr : dictionary->Current());
  return merge;
}

Result<void> TableStore::RewriteVictims(Merge* merge) const {
  for (const Victim& victim : merge->victims) {
    if (victim.num_visible == 0) continue;
    // What is nearly a chunk stays one, so that the order of rows stays what it was.
    const bool alone = victim.num_visible >= kChunkRows / 2;
    if (merge->outputs.empty() || alone || merge->outputs.back().rows->full() ||
        merge->outputs.back().rows->num_rows() >= kChunkRows / 2) {
      merge->outputs.push_back(
          {std::make_shared<DeltaBlock>(*schema_, merge->columns->staged_lanes, pool_), nullptr,
           victim.age});
    }
    for (uint32_t row = 0; row < victim.num_rows; ++row) {
      if (!IsVisible(victim.visibility.get(), row)) continue;
      if (merge->outputs.back().rows->full()) {
        merge->outputs.push_back(
            {std::make_shared<DeltaBlock>(*schema_, merge->columns->staged_lanes, pool_), nullptr,
             victim.age});
      }
      DeltaBlock& output = *merge->outputs.back().rows;
      uint64_t hash = kHashSeed;
      for (uint32_t column = 0; column < lanes_.size(); ++column) {
        const Cell cell = victim.chunk != nullptr
                              ? CellOf(victim.chunk->segment(column), lanes_[column], row)
                              : victim.block->Read(column, row);
        RETURN_IF_ERROR(output.Append(column, cell));
      }
      for (const uint32_t column : key_) {
        if (!has_key_) break;
        Cell cell = output.Read(column, output.num_rows());
        if (cell.code != Cell::kNoCode) cell.bytes = merge->dictionaries[column]->value(cell.code);
        hash = CombineHash(hash, HashCell(lanes_[column], cell));
      }
      merge->moves.push_back({victim.slot << 16 | row, FoldHash(hash),
                              static_cast<uint32_t>(merge->outputs.size() - 1), output.num_rows()});
      output.CountRows(1);
    }
  }
  for (Merge::Output& output : merge->outputs) {
    output.rows->Seal();
    RETURN_IF_ERROR(output.rows->Cover(output.rows->num_rows()));
    output.chunk = output.rows->pieces()[0].chunk;
    output.rows.reset();
  }
  return {};
}

Result<TableStore::Merged> TableStore::InstallMerge(Merge* merge) {
  const auto lock = LockForMerge();
  const bool unchanged =
      lock.owns_lock() && columns_ == merge->columns &&
      slots_.size() + merge->outputs.size() <= kMaxSlots &&
      std::all_of(merge->victims.begin(), merge->victims.end(), [&](const Victim& victim) {
        const Slot& slot = slots_[victim.slot];
        return slot.is_merging && slot.chunk == victim.chunk && slot.block == victim.block;
      });
  if (!unchanged) return Merged::kBusy;
  std::vector<uint32_t> new_slots;
  for (Merge::Output& output : merge->outputs) {
    new_slots.push_back(TakeFreeSlot());
    Slot& slot = slots_[new_slots.back()];
    slot.num_rows = slot.num_visible = output.chunk->num_rows();
    slot.chunk = std::move(output.chunk);
    slot.age = output.age;
  }
  for (const Merge::Move& move : merge->moves) {
    if (IsVisible(slots_[move.from >> 16].visibility.get(), move.from & 0xFFFF)) {
      if (has_index_ && has_key_)
        index_.Replace(move.hash, move.from, new_slots[move.output] << 16 | move.row);
      continue;
    }
    // Deleted meanwhile.
    Slot& slot = slots_[new_slots[move.output]];
    if (slot.visibility == nullptr) {
      slot.visibility = std::make_shared<VisibilityMap>();
      std::fill(slot.visibility->words.begin(), slot.visibility->words.end(), ~uint64_t{0});
    }
    slot.visibility->words[move.row / 64] &= ~(uint64_t{1} << (move.row & 63));
    slot.visibility->num_visible = --slot.num_visible;
  }
  for (const Victim& victim : merge->victims) {
    slots_[victim.slot] = Slot();
    free_slots_.push_back(victim.slot);
  }
  if (!has_key_) {
    // Equal rows share a place in the index; the next change builds it anew.
    index_.Clear();
    has_index_ = false;
  }
  published_.reset();
  ++layout_;
  return Merged::kDone;
}

Result<TableStore::Merged> TableStore::MergeRows(uint64_t min_recent_rows) {
  std::shared_ptr<Merge> merge;
  {
    const auto lock = LockForMerge();
    if (!lock.owns_lock()) return Merged::kBusy;
    merge = PickVictims(min_recent_rows);
  }
  if (merge == nullptr) return Merged::kNothing;
  Result<Merged> result = Merged::kBusy;
  if (Result<void> rewritten = RewriteVictims(merge.get()); !rewritten) {
    result = std::unexpected(rewritten.error());
  } else {
    result = InstallMerge(merge.get());
  }
  if (!result || *result != Merged::kDone) {
    const auto lock = LockForQuery();
    for (const Victim& victim : merge->victims) slots_[victim.slot].is_merging = false;
  }
  return result;
}

Result<TableStore::Merged> TableStore::SortDictionary(uint32_t min_tail) {
  uint32_t column = 0;
  std::shared_ptr<Columns> columns;
  std::shared_ptr<const Dictionary> old;
  std::vector<std::shared_ptr<const Chunk>> chunks;
  uint64_t num_rows = 0;
  {
    const auto lock = LockForMerge();
    if (!lock.owns_lock()) return Merged::kBusy;
    for (; column < lanes_.size(); ++column) {
      const auto& dictionary = columns_->dictionaries[column];
      if (dictionary == nullptr) continue;
      old = dictionary->Current();
      if (old->size() - old->sorted_size() >= std::max(1u, min_tail)) break;
    }
    if (column == lanes_.size()) return Merged::kNothing;
    columns = columns_;
    for (const Slot& slot : slots_) chunks.push_back(slot.chunk);
    num_rows = num_visible_;
  }

  const plan::ColumnSchema& schema = schema_->columns[column];
  const std::vector<StringRef> values(old->values(), old->values() + old->size());
  const bool keep = old->size() <= 2 * DictionaryLimit(schema.encoding, num_rows) ||
                    schema.encoding == plan::EncodingHint::kSorted;
  std::shared_ptr<const Dictionary> sorted;
  std::vector<uint32_t> remap;
  if (keep) {
    ASSIGN_OR_RETURN(DictionaryBuilder::Output built,
                     DictionaryBuilder::Build({&values}, old->collation(), UINT32_MAX - 1, pool_));
    sorted = std::move(built.dictionary);
    remap = std::move(built.remaps[0]);
  }
  auto rewrite = [&](const Chunk& chunk,
                     const StringRef* strings) -> Result<std::shared_ptr<const Chunk>> {
    ASSIGN_OR_RETURN(Segment segment,
                     keep ? RemapCodes(pool_.get(), chunk.segment(column), remap.data())
                          : CodesToHeap(pool_.get(), chunk.segment(column), strings));
    return std::make_shared<const Chunk>(chunk, column, std::move(segment));
  };
  std::vector<std::shared_ptr<const Chunk>> rewritten(chunks.size());
  for (size_t i = 0; i < chunks.size(); ++i) {
    if (chunks[i] == nullptr) continue;
    ASSIGN_OR_RETURN(rewritten[i], rewrite(*chunks[i], values.data()));
  }

  const auto lock = LockForMerge();
  if (!lock.owns_lock() || columns_ != columns) return Merged::kBusy;
  // Values that came meanwhile.
  auto next = std::make_shared<Columns>(*columns_);
  next->dictionaries[column].reset();
  const std::shared_ptr<const Dictionary> newest = columns_->dictionaries[column]->Current();
  plan::ColumnStatistics statistics = columns_->trackers[column].Statistics(num_visible_);
  statistics.min = statistics.max = plan::Value::Null();
  statistics.size_bytes -= std::min(statistics.size_bytes, statistics.dictionary_bytes);
  if (keep) {
    auto growing = std::make_shared<GrowingDictionary>(sorted, pool_);
    for (uint32_t code = old->size(); code < newest->size(); ++code) {
      ASSIGN_OR_RETURN(const uint32_t new_code, growing->CodeOf(newest->value(code)));
      remap.push_back(new_code);
    }
    next->dictionaries[column] = std::move(growing);
    statistics.dictionary_bytes = sorted->size_bytes();
    statistics.size_bytes += sorted->size_bytes();
  } else {
    statistics.dictionary_bytes = 0;
    statistics.encoding = "VARLEN";
    next->staged_lanes[column] = Lane::kStr;
  }
  next->trackers[column] =
      ColumnTracker(schema, std::move(statistics), keep ? Lane::kCode : Lane::kStr,
                    next->dictionaries[column].get());
  // First everything that may fail, then the exchange.
  std::vector<std::shared_ptr<DeltaBlock>> blocks(slots_.size());
  rewritten.resize(slots_.size());
  chunks.resize(slots_.size());
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].chunk != nullptr && slots_[i].chunk != chunks[i]) {
      ASSIGN_OR_RETURN(rewritten[i], rewrite(*slots_[i].chunk, newest->values()));
    }
    if (slots_[i].block == nullptr) continue;
    const DeltaBlock& block = *slots_[i].block;
    blocks[i] = std::make_shared<DeltaBlock>(*schema_, next->staged_lanes, pool_);
    for (uint32_t c = 0; c < lanes_.size(); ++c) {
      for (uint32_t row = 0; row < block.num_rows(); ++row) {
        Cell cell = block.Read(c, row);
        if (c == column && !cell.is_null) {
          if (keep) {
            cell.code = remap[cell.code];
          } else {
            cell.bytes = newest->value(cell.code);
          }
        }
        RETURN_IF_ERROR(blocks[i]->Append(c, cell));
      }
    }
    blocks[i]->CountRows(block.num_rows());
    if (block.full()) blocks[i]->Seal();
  }
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].chunk != nullptr) slots_[i].chunk = std::move(rewritten[i]);
    if (slots_[i].block != nullptr) slots_[i].block = std::move(blocks[i]);
  }
  columns_ = std::move(next);
  published_.reset();
  ++layout_;
  return Merged::kDone;
}

}  // namespace sirocco::engine
