#include "engine/storage/table_store.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <thread>

#include "common/check.h"
#include "engine/storage/chunk.h"
#include "engine/storage/row_sample.h"

namespace sirocco::engine {

namespace {

// The applying thread looks this often whether a query waits for the table.
constexpr uint32_t kSliceRows = 64;
// Changes wait no longer than this for a merge to exchange chunks.
constexpr std::chrono::milliseconds kMaxMergeWait{50};

bool IsVisible(const VisibilityMap* map, uint32_t row) {
  return map == nullptr || (map->words[row / 64] >> (row & 63) & 1) != 0;
}

std::shared_ptr<VisibilityMap> AllVisible(uint32_t num_rows) {
  auto map = std::make_shared<VisibilityMap>();
  std::fill(map->words.begin(), map->words.end(), ~uint64_t{0});
  map->num_visible = num_rows;
  return map;
}

// Rows [begin, end) of a block's map as a map of their own, rows from `limit` on being invisible;
// null if all rows are visible.
std::shared_ptr<const VisibilityMap> PieceVisibility(const VisibilityMap* map, uint32_t begin,
                                                     uint32_t end, uint32_t limit) {
  if (map == nullptr && end <= limit) return nullptr;
  const uint32_t num_rows = end - begin;
  auto piece = std::make_shared<VisibilityMap>();
  piece->words.assign((num_rows + kVectorSize - 1) / kVectorSize * (kVectorSize / 64), 0);
  for (uint32_t word = 0; word < (num_rows + 63) / 64; ++word) {
    const uint32_t from = begin + word * 64;
    uint64_t bits = ~uint64_t{0};
    if (map != nullptr) {
      const uint32_t shift = from & 63;
      bits = map->words[from / 64] >> shift;
      if (shift != 0 && from / 64 + 1 < map->words.size())
        bits |= map->words[from / 64 + 1] << (64 - shift);
    }
    const uint32_t stop = std::min(end, limit);
    if (from >= stop) {
      bits = 0;
    } else if (stop - from < 64) {
      bits &= (uint64_t{1} << (stop - from)) - 1;
    }
    piece->words[word] = bits;
    piece->num_visible += static_cast<uint32_t>(std::popcount(bits));
  }
  if (piece->num_visible == num_rows) return nullptr;
  return piece;
}

std::string Name(const plan::TableSchema& schema) {
  return schema.schema_name + "." + schema.table_name;
}

}  // namespace

class TableStore::View {
 public:
  struct Part {
    uint32_t slot = 0;
    std::shared_ptr<const Chunk> chunk;
    std::shared_ptr<DeltaBlock> block;
    std::shared_ptr<const VisibilityMap> visibility;
    uint32_t num_rows = 0;
  };
  uint64_t version = 0, layout = 0;
  uint64_t num_visible = 0;
  SnapshotPtr ready;  // then nothing else is set
  std::shared_ptr<Columns> columns;
  std::vector<Part> parts;
};

// The columns of an image by their place in the table; null: not given.
struct TableStore::Image {
  std::vector<const LoadColumn*> columns;
};

// The applying thread's lock: taken where it changes what queries read, and given to waiting ones
// now and then.
class TableStore::ChangeLock {
 public:
  explicit ChangeLock(TableStore* store) : store_(store), lock_(store->mutex_) {}
  void LetQueriesIn() {
    if (store_->num_waiting_.load(std::memory_order_relaxed) == 0) return;
    lock_.unlock();
    while (store_->num_waiting_.load(std::memory_order_relaxed) != 0) std::this_thread::yield();
    lock_.lock();
  }

 private:
  TableStore* store_;
  std::unique_lock<std::mutex> lock_;
};

std::unique_lock<std::mutex> TableStore::LockForQuery() {
  num_waiting_.fetch_add(1, std::memory_order_relaxed);
  std::unique_lock lock(mutex_);
  num_waiting_.fetch_sub(1, std::memory_order_relaxed);
  return lock;
}

TableStore::TableStore(SnapshotPtr first, std::shared_ptr<MemoryPool> pool)
    : pool_(std::move(pool)),
      schema_(first->schema_),
      key_(first->schema_->primary_key),
      has_key_(!key_.empty()),
      columns_(std::make_shared<Columns>()),
      index_(pool_.get()),
      published_(std::move(first)) {
  const size_t num_columns = schema_->columns.size();
  for (uint32_t column = 0; column < num_columns; ++column) {
    const Lane lane = plan::LaneOf(schema_->columns[column].type);
    lanes_.push_back(lane);
    if (!has_key_) key_.push_back(column);
    GrowingDictionary* dictionary = nullptr;
    if (published_->dictionaries_[column] != nullptr)
      dictionary = columns_->dictionaries
                       .emplace_back(std::make_shared<GrowingDictionary>(
                           published_->dictionaries_[column], pool_))
                       .get();
    else
      columns_->dictionaries.emplace_back();
    columns_->trackers.emplace_back(schema_->columns[column],
                                    published_->statistics_->columns[column],
                                    published_->lanes_[column], dictionary);
    columns_->staged_lanes.push_back(dictionary != nullptr ? Lane::kCode : lane);
  }
  for (uint32_t i = 0; i < published_->num_chunks(); ++i) {
    Slot slot;
    slot.chunk = published_->chunks_[i];
    slot.num_rows = slot.num_visible = slot.chunk->num_rows();
    if (published_->visibility(i) != nullptr) {
      slot.visibility = std::const_pointer_cast<VisibilityMap>(published_->visibility_[i]);
      slot.is_shared = true;
      slot.num_visible = slot.visibility->num_visible;
    }
    slot.age = next_age_++;
    num_visible_ += slot.num_visible;
    slots_.push_back(std::move(slot));
  }
}

TableStore::~TableStore() = default;

// --- Rows

Cell TableStore::Read(RowId row, uint32_t column) const {
  const Slot& slot = slots_[row >> 16];
  Cell cell = slot.chunk != nullptr
                  ? CellOf(slot.chunk->segment(column), lanes_[column], row & 0xFFFF)
                  : slot.block->Read(column, row & 0xFFFF);
  if (cell.code != Cell::kNoCode) cell.bytes = columns_->dictionaries[column]->value(cell.code);
  return cell;
}

uint32_t TableStore::KeyHash(const Image& image, uint32_t row) const {
  uint64_t hash = kHashSeed;
  for (const uint32_t column : key_)
    hash = CombineHash(hash, HashCell(lanes_[column], CellOf(*image.columns[column], row)));
  return FoldHash(hash);
}

uint32_t TableStore::KeyHash(RowId row) const {
  uint64_t hash = kHashSeed;
  for (const uint32_t column : key_)
    hash = CombineHash(hash, HashCell(lanes_[column], Read(row, column)));
  return FoldHash(hash);
}

bool TableStore::SameKey(RowId a, RowId b) const {
  return std::all_of(key_.begin(), key_.end(), [&](uint32_t column) {
    return SameCell(lanes_[column], Read(a, column), Read(b, column));
  });
}

bool TableStore::IsOlder(RowId a, RowId b) const {
  const uint64_t age_a = slots_[a >> 16].age, age_b = slots_[b >> 16].age;
  return age_a != age_b ? age_a < age_b : a < b;
}

Result<void> TableStore::BuildIndex() {
  if (has_index_) return {};
  ChangeLock lock(this);
  RETURN_IF_ERROR(index_.Reserve(num_visible_));
  std::vector<uint32_t> hashes;
  std::vector<RowId> rows;
  for (uint32_t slot = 0; slot < slots_.size(); ++slot) {
    hashes.clear();
    rows.clear();
    for (uint32_t row = 0; row < slots_[slot].num_rows; ++row) {
      if (!IsVisible(slots_[slot].visibility.get(), row)) continue;
      rows.push_back(slot << 16 | row);
      hashes.push_back(KeyHash(rows.back()));
    }
    constexpr size_t kAhead = 16;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (i + kAhead < rows.size()) index_.Prefetch(hashes[i + kAhead]);
      RETURN_IF_ERROR(index_.Insert(hashes[i], rows[i]));
    }
    lock.LetQueriesIn();
  }
  has_index_ = true;
  return {};
}

// --- Changes

Result<TableStore::Image> TableStore::OpenImage(const RowImages& images, bool needs_key,
                                                bool needs_all) const {
  Image image;
  image.columns.resize(lanes_.size());
  auto refuse = [&](const std::string& what) {
    return MakeError(ErrorCode::kInvalidArgument, "change of " + Name(*schema_) + " " + what);
  };
  for (size_t i = 0; i < images.columns.size(); ++i) {
    const uint32_t column = images.columns[i];
    if (column >= lanes_.size()) return refuse("names a column that is not loaded");
    if (i >= images.values.size() || images.values[i].lane != lanes_[column])
      return refuse("has the wrong lane for column " + schema_->columns[column].name);
    image.columns[column] = &images.values[i];
  }
  for (uint32_t column = 0; needs_all && column < lanes_.size(); ++column)
    if (image.columns[column] == nullptr)
      return refuse("lacks column " + schema_->columns[column].name);
  for (const uint32_t column : key_)
    if (needs_key && image.columns[column] == nullptr)
      return refuse("lacks column " + schema_->columns[column].name + " of the key");
  return image;
}

// The row that a before image names; the oldest if the transaction has made another with its key.
Result<RowId> TableStore::FindRow(const Image& before, uint32_t row, uint32_t hash) const {
  bool found = false, found_key = false;
  RowId best = 0;
  uint32_t wrong_column = 0;
  auto same = [&](RowId candidate, uint32_t column) {
    return SameCell(lanes_[column], Read(candidate, column), CellOf(*before.columns[column], row));
  };
  index_.Visit(hash, [&](RowId candidate) {
    for (const uint32_t column : key_)
      if (!same(candidate, column)) return false;
    found_key = true;
    if (!has_key_) {
      found = true;
      best = candidate;
      return true;
    }
    for (uint32_t column = 0; column < lanes_.size(); ++column) {
      if (before.columns[column] == nullptr || same(candidate, column)) continue;
      wrong_column = column;
      return false;
    }
    if (!found || IsOlder(candidate, best)) best = candidate;
    found = true;
    return false;
  });
  if (found) return best;
  if (found_key)
    return MakeError(ErrorCode::kCorrupt, "a row to change in " + Name(*schema_) +
                                              " has another value in column " +
                                              schema_->columns[wrong_column].name);
  return MakeError(ErrorCode::kCorrupt, "a row to change in " + Name(*schema_) + " is not there");
}

// A slot with room for a row.
Result<uint32_t> TableStore::OpenSlot() {
  if (open_slot_ != kNoSlot && !slots_[open_slot_].block->full()) return open_slot_;
  if (free_slots_.empty() && slots_.size() >= kMaxSlots)
    return MakeError(ErrorCode::kOutOfMemory, Name(*schema_) + " has too many chunks to follow");
  const uint32_t index = TakeFreeSlot();
  Slot& slot = slots_[index];
  slot.block = std::make_shared<DeltaBlock>(*schema_, columns_->staged_lanes, pool_);
  slot.age = next_age_++;
  open_slot_ = index;
  grown_slots_.push_back(index);
  return index;
}

uint32_t TableStore::TakeFreeSlot() {
  if (free_slots_.empty()) {
    slots_.emplace_back();
    return static_cast<uint32_t>(slots_.size() - 1);
  }
  const uint32_t index = free_slots_.back();
  free_slots_.pop_back();
  return index;
}

Result<void> TableStore::AppendCell(DeltaBlock* block, uint32_t column, Cell cell) {
  if (GrowingDictionary* dictionary = columns_->dictionaries[column].get();
      dictionary != nullptr && !cell.is_null && cell.code == Cell::kNoCode) {
    ASSIGN_OR_RETURN(cell.code, dictionary->CodeOf(cell.bytes));
  }
  columns_->trackers[column].Add(cell);
  return block->Append(column, cell);
}

Result<void> TableStore::AddToIndex(uint32_t hash, RowId row) {
  if (has_key_) {
    index_.Visit(hash, [&](RowId other) {
      if (!SameKey(row, other)) return false;
      double_keys_.push_back({hash, row});
      return true;
    });
  }
  return index_.Insert(hash, row);
}

void TableStore::Remove(uint32_t hash, RowId row) {
  index_.Erase(hash, row);
  removed_.push_back(row);
}

Result<void> TableStore::Begin() {
  if (!has_changes_) {
    std::unique_lock lock(mutex_);
    merge_turn_.wait_for(lock, kMaxMergeWait, [&] { return !merge_waits_; });
    has_changes_ = true;
    if (open_slot_ != kNoSlot) grown_slots_.push_back(open_slot_);
  }
  return BuildIndex();
}

Result<void> TableStore::Insert(uint32_t num_rows, const RowImages& after_images) {
  ASSIGN_OR_RETURN(const Image after, OpenImage(after_images, true, true));
  RETURN_IF_ERROR(Begin());
  std::vector<uint32_t> hashes(kSliceRows);
  ChangeLock lock(this);
  for (uint32_t begin = 0; begin < num_rows; begin += kSliceRows) {
    const uint32_t count = std::min(kSliceRows, num_rows - begin);
    for (uint32_t i = 0; i < count; ++i) {
      hashes[i] = KeyHash(after, begin + i);
      index_.Prefetch(hashes[i]);
    }
    for (uint32_t i = 0; i < count; ++i) {
      ASSIGN_OR_RETURN(const uint32_t slot, OpenSlot());
      DeltaBlock* block = slots_[slot].block.get();
      const RowId row = slot << 16 | block->num_rows();
      for (uint32_t column = 0; column < lanes_.size(); ++column)
        RETURN_IF_ERROR(AppendCell(block, column, CellOf(*after.columns[column], begin + i)));
      block->CountRows(1);
      RETURN_IF_ERROR(AddToIndex(hashes[i], row));
    }
    lock.LetQueriesIn();
  }
  return {};
}

Result<void> TableStore::Update(uint32_t num_rows, const RowImages& before_images,
                                const RowImages& after_images) {
  ASSIGN_OR_RETURN(const Image before, OpenImage(before_images, true, false));
  ASSIGN_OR_RETURN(const Image after, OpenImage(after_images, false, false));
  RETURN_IF_ERROR(Begin());
  const bool changes_key = std::any_of(
      key_.begin(), key_.end(), [&](uint32_t column) { return after.columns[column] != nullptr; });
  std::vector<uint32_t> hashes(kSliceRows);
  ChangeLock lock(this);
  for (uint32_t begin = 0; begin < num_rows; begin += kSliceRows) {
    const uint32_t count = std::min(kSliceRows, num_rows - begin);
    for (uint32_t i = 0; i < count; ++i) {
      hashes[i] = KeyHash(before, begin + i);
      index_.Prefetch(hashes[i]);
    }
    for (uint32_t i = 0; i < count; ++i) {
      ASSIGN_OR_RETURN(const RowId old_row, FindRow(before, begin + i, hashes[i]));
      ASSIGN_OR_RETURN(const uint32_t slot, OpenSlot());
      DeltaBlock* block = slots_[slot].block.get();
      const RowId row = slot << 16 | block->num_rows();
      for (uint32_t column = 0; column < lanes_.size(); ++column) {
        const Cell cell = after.columns[column] != nullptr
                              ? CellOf(*after.columns[column], begin + i)
                              : Read(old_row, column);
        RETURN_IF_ERROR(AppendCell(block, column, cell));
      }
      block->CountRows(1);
      Remove(hashes[i], old_row);
      RETURN_IF_ERROR(AddToIndex(changes_key ? KeyHash(row) : hashes[i], row));
    }
    lock.LetQueriesIn();
  }
  return {};
}

Result<void> TableStore::Delete(uint32_t num_rows, const RowImages& before_images) {
  ASSIGN_OR_RETURN(const Image before, OpenImage(before_images, true, false));
  RETURN_IF_ERROR(Begin());
  std::vector<uint32_t> hashes(kSliceRows);
  ChangeLock lock(this);
  for (uint32_t begin = 0; begin < num_rows; begin += kSliceRows) {
    const uint32_t count = std::min(kSliceRows, num_rows - begin);
    for (uint32_t i = 0; i < count; ++i) {
      hashes[i] = KeyHash(before, begin + i);
      index_.Prefetch(hashes[i]);
    }
    for (uint32_t i = 0; i < count; ++i) {
      ASSIGN_OR_RETURN(const RowId row, FindRow(before, begin + i, hashes[i]));
      Remove(hashes[i], row);
    }
    lock.LetQueriesIn();
  }
  return {};
}

Result<void> TableStore::Truncate() {
  ChangeLock lock(this);
  has_changes_ = true;
  for (Slot& slot : slots_) slot.is_dropped = slot.chunk != nullptr || slot.block != nullptr;
  has_dropped_ = true;
  grown_slots_.clear();
  removed_.clear();
  double_keys_.clear();
  open_slot_ = kNoSlot;
  index_.Clear();
  has_index_ = true;
  return {};
}

Result<void> TableStore::CheckKeys() {
  ChangeLock lock(this);
  for (const DoubleKey& key : double_keys_) {
    uint32_t rows = 0;
    index_.Visit(key.hash, [&](RowId other) {
      rows += SameKey(key.row, other);
      return false;
    });
    if (rows > 1)
      return MakeError(ErrorCode::kCorrupt,
                       "a primary key of " + Name(*schema_) + " is there twice");
  }
  return {};
}

void TableStore::Commit() {
  if (!has_changes_) return;
  ChangeLock lock(this);
  for (uint32_t index = 0; has_dropped_ && index < slots_.size(); ++index) {
    Slot& slot = slots_[index];
    if (!slot.is_dropped) continue;
    num_visible_ -= slot.num_visible;
    free_slots_.push_back(index);
    slot = Slot();
  }
  has_dropped_ = false;
  for (const uint32_t index : grown_slots_) {
    Slot& slot = slots_[index];
    if (slot.block == nullptr) continue;  // was full already and is a chunk now
    const uint32_t grown = slot.block->num_rows() - slot.num_rows;
    slot.num_rows += grown;
    slot.num_visible += grown;
    num_visible_ += grown;
  }
  for (const RowId row : removed_) {
    Slot& slot = slots_[row >> 16];
    if (slot.visibility == nullptr) {
      slot.visibility = AllVisible(slot.num_rows);
    } else if (slot.is_shared) {
      slot.visibility = std::make_shared<VisibilityMap>(*slot.visibility);
    }
    slot.is_shared = false;
    slot.visibility->words[(row & 0xFFFF) / 64] &= ~(uint64_t{1} << (row & 63));
    slot.visibility->num_visible = --slot.num_visible;
    --num_visible_;
  }
  grown_slots_.clear();
  removed_.clear();
  double_keys_.clear();
  has_changes_ = false;
  ++version_;
  merge_turn_.notify_all();
}

// --- Queries

std::shared_ptr<const TableStore::View> TableStore::Pin() {
  auto view = std::make_shared<View>();
  const auto lock = LockForQuery();
  view->version = version_;
  view->layout = layout_;
  if (published_ != nullptr && published_version_ == version_) {
    view->ready = published_;
    return view;
  }
  view->columns = columns_;
  view->num_visible = num_visible_;
  view->parts.reserve(slots_.size());
  for (uint32_t index = 0; index < slots_.size(); ++index) {
    Slot& slot = slots_[index];
    if (slot.num_rows == 0) continue;
    slot.is_shared = true;
    view->parts.push_back({index, slot.chunk, slot.block, slot.visibility, slot.num_rows});
  }
  return view;
}

Result<SnapshotPtr> TableStore::Open(const View& view) {
  if (view.ready != nullptr) return view.ready;
  std::lock_guard publishing(publish_mutex_);
  std::vector<std::vector<DeltaBlock::Piece>> pieces(view.parts.size());
  {
    const auto lock = LockForQuery();
    if (published_ != nullptr && published_version_ == view.version) return published_;
  }
  for (size_t i = 0; i < view.parts.size(); ++i) {
    const View::Part& part = view.parts[i];
    if (part.block == nullptr) continue;
    const auto lock = LockForQuery();
    RETURN_IF_ERROR(part.block->Cover(part.num_rows));
    pieces[i] = part.block->pieces();
    // A full block is one piece: nothing else of it is needed any more.
    Slot& slot = slots_[part.slot];
    if (slot.block != part.block || slot.is_merging || !part.block->full() ||
        pieces[i].size() != 1 || slot.num_rows != part.block->num_rows() ||
        pieces[i][0].end != slot.num_rows)
      continue;
    slot.chunk = pieces[i][0].chunk;
    slot.block = nullptr;
    if (slot.visibility != nullptr && slot.visibility->num_visible != slot.num_visible) {
      slot.visibility = std::make_shared<VisibilityMap>(*slot.visibility);
      slot.visibility->num_visible = slot.num_visible;
      slot.is_shared = false;
    }
    if (open_slot_ == part.slot) open_slot_ = kNoSlot;
  }
  return Assemble(view, pieces);
}

Result<SnapshotPtr> TableStore::Assemble(
    const View& view, const std::vector<std::vector<DeltaBlock::Piece>>& pieces) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->schema_ = schema_;
  bool any_hidden = false;
  auto add = [&](std::shared_ptr<const Chunk> chunk, std::shared_ptr<const VisibilityMap> map) {
    any_hidden |= map != nullptr;
    snapshot->chunks_.push_back(std::move(chunk));
    snapshot->visibility_.push_back(std::move(map));
  };
  for (size_t i = 0; i < view.parts.size(); ++i) {
    const View::Part& part = view.parts[i];
    if (part.chunk != nullptr) {
      add(part.chunk, part.visibility);
      continue;
    }
    for (const DeltaBlock::Piece& piece : pieces[i]) {
      if (piece.begin >= part.num_rows) break;
      add(piece.chunk,
          PieceVisibility(part.visibility.get(), piece.begin, piece.end, part.num_rows));
    }
  }
  if (!any_hidden) snapshot->visibility_.clear();
  snapshot->sample_ = DrawSample(snapshot->chunks_);

  const auto lock = LockForQuery();
  const Columns& columns = *view.columns;
  auto statistics = std::make_shared<plan::TableStatistics>();
  statistics->num_rows = view.num_visible;
  statistics->size_bytes = pool_->used_bytes();
  for (uint32_t column = 0; column < lanes_.size(); ++column) {
    statistics->columns.push_back(columns.trackers[column].Statistics(view.num_visible));
    snapshot->lanes_.push_back(columns.trackers[column].scan_lane());
    GrowingDictionary* dictionary = columns.dictionaries[column].get();
    snapshot->dictionaries_.push_back(dictionary == nullptr ? nullptr : dictionary->Current());
  }
  snapshot->statistics_ = std::move(statistics);
  if (view.layout == layout_ && (published_ == nullptr || view.version >= published_version_)) {
    published_ = snapshot;
    published_version_ = view.version;
  }
  return snapshot;
}

plan::TableStatistics TableStore::Statistics() {
  const auto lock = LockForQuery();
  if (published_ != nullptr && published_version_ == version_) return published_->statistics();
  plan::TableStatistics statistics;
  statistics.num_rows = num_visible_;
  statistics.size_bytes = pool_->used_bytes();
  for (const ColumnTracker& tracker : columns_->trackers)
    statistics.columns.push_back(tracker.Statistics(num_visible_));
  return statistics;
}

uint64_t TableStore::version() {
  const auto lock = LockForQuery();
  return version_;
}

}  // namespace sirocco::engine
