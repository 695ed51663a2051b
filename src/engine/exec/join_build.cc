#include "engine/exec/join_build.h"

#include <algorithm>
#include <atomic>
#include <bit>

#include "common/check.h"
#include "engine/exec/join_build_parts.h"
#include "engine/exec/join_spill.h"

namespace sirocco::engine {

namespace {

std::atomic<JoinDebug> join_debug{JoinDebug::kNone};

// A bitmap of 256 bits per row costs about as much memory as a hash table's row and stays a single
// cache miss per probe (often none: probes tend to be clustered); domains of a million bits fit L2
// whatever the row count.
constexpr uint64_t kDomainPerRow = 256, kSmallDomain = uint64_t{1} << 20,
                   kLargestDomain = uint64_t{1} << 36;
// With one of several keys indexed, more candidates per key than this cost more than hashing all
// keys.
constexpr uint64_t kMaxCandidatesPerKey = 8;
// Fewer rows than this are placed by one thread: waking another costs more.
constexpr uint64_t kParallelRows = 32768;
// Shares the join's own bitmap.
class TableFilter final : public SemijoinFilter {
 public:
  std::shared_ptr<const JoinTable> table;
};

// Bits of a bitmap that leaves most of the memory to others.
uint64_t LargestDomain(const MemoryPool& pool) {
  const size_t available = pool.available_bytes();
  return available >= kLargestDomain / 2 ? kLargestDomain
                                         : std::max<uint64_t>(available * 2, kSmallDomain);
}

}  // namespace

void SetJoinDebug(JoinDebug debug) { join_debug = debug; }

// The steps after all rows are stored; each returns tasks that the workers run before the next
// step.
class JoinBuild::Assembly {
 public:
  explicit Assembly(JoinBuild* build)
      : build_(*build), table_(*build->table_), num_keys_(build->spec_->keys.forms.size()) {}

  Result<std::vector<Task>> Next() {
    while (true) {
      std::vector<Task> tasks;
      switch (step_) {
        case Step::kAnalyze:
          RETURN_IF_ERROR(Analyze());
          break;
        case Step::kMark:
          RETURN_IF_ERROR(StartDense(&tasks));
          break;
        case Step::kNumber:
          RETURN_IF_ERROR(NumberGroups(&tasks));
          break;
        case Step::kHash:
          RETURN_IF_ERROR(StartHash(&tasks));
          break;
        case Step::kDirectory:
          RETURN_IF_ERROR(StartDirectory());
          break;
        case Step::kPlace:
          RETURN_IF_ERROR(StartPlacing(&tasks));
          break;
        case Step::kFinish:
          RETURN_IF_ERROR(FinishUp());
          break;
        case Step::kDone:
          return std::vector<Task>{};
      }
      if (tasks.size() == 1) {
        RETURN_IF_ERROR(tasks[0](0));
      } else if (!tasks.empty()) {
        return tasks;
      }
    }
  }

 private:
  enum class Step { kAnalyze, kMark, kNumber, kHash, kDirectory, kPlace, kFinish, kDone };

  struct BlockRef {
    const RowBlocks* rows;
    const RowBlock* block;
    int64_t min = 0, max = -1;  // kDense: indexed numbers of the block
    PoolBuffer hashes;          // kHash
    std::vector<uint64_t> rows_per_range;
  };

  // Chooses the index from what is known about the keys.
  Result<void> Analyze();
  Result<void> StartDense(std::vector<Task>* tasks);
  Result<void> NumberGroups(std::vector<Task>* tasks);
  Result<void> StartHash(std::vector<Task>* tasks);
  Result<void> StartDirectory();
  Result<void> StartPlacing(std::vector<Task>* tasks);
  Result<void> FinishUp();

  Result<void> AllocateColumns();
  Result<void> PlaceDense(uint64_t first, uint64_t last);
  Result<void> PlaceHash(size_t range);
  void PlaceInOrder(const std::vector<const RowBlocks*>& rows, uint64_t position);
  // Calls visit(numbers, count, first row) for pieces of a block.
  template <typename Visit>
  void ForEachNumber(const BlockRef& ref, const Visit& visit) const;
  void ScatterRows(const RowBlock& block, uint32_t first, const uint32_t* rows,
                   const uint32_t* positions, uint32_t count);
  void TryOneKey();
  Result<void> MakeFilter(uint32_t key);
  uint64_t Budget(uint64_t rows) const {
    if (join_debug == JoinDebug::kDense) return uint64_t{1} << 28;
    return std::min(LargestDomain(*build_.pool_), std::max(kDomainPerRow * rows, kSmallDomain));
  }

  JoinBuild& build_;
  JoinTable& table_;
  size_t num_keys_;
  Step step_ = Step::kAnalyze;
  std::vector<int64_t> min_, max_;
  std::vector<BlockRef> blocks_;
  std::vector<std::pair<uint64_t, uint64_t>>
      ranges_;  // [first, last] of the domain or [first, last) of the directory
  std::vector<uint64_t> rows_before_;
  bool one_key_ = false, counted_ = false;
};

JoinBuild::JoinBuild(std::shared_ptr<const JoinSpec> spec, QueryContext* context)
    : JoinBuild(std::move(spec), context, nullptr) {}

JoinBuild::JoinBuild(std::shared_ptr<const JoinSpec> spec, QueryContext* context, MemoryPool* pool)
    : spec_(std::move(spec)),
      context_(context),
      pool_(pool == nullptr ? context->pool() : pool),
      rows_pool_("rows of a join", MemoryPool::kUnlimited, pool_, pool != nullptr),
      may_spill_(pool == nullptr && context->spill() != nullptr),
      payload_(spec_->payload),
      table_(std::make_shared<JoinTable>()) {
  for (const ColumnInfo& column : spec_->build_keys().columns)
    stored_.push_back(PlanStorage(column));
  for (const ColumnInfo& column : spec_->payload_columns) stored_.push_back(PlanStorage(column));
  if (may_spill_) spill_ = std::make_shared<JoinSpill>(spec_.get(), stored_);
  parts_.resize(context->num_workers());
  filter_targets_.resize(spec_->keys.forms.size());
  filters_.resize(spec_->keys.forms.size());
}

JoinBuild::~JoinBuild() = default;

void JoinBuild::RequestFilter(uint32_t key, double target_distinct) {
  double& target = filter_targets_[key];
  if (target >= 0) target = target_distinct < 0 ? -1 : std::max(target, target_distinct);
}

std::unique_ptr<JoinBuild::Part> JoinBuild::NewPart() {
  auto part = std::make_unique<Part>();
  const size_t num_keys = spec_->keys.forms.size();
  part->rows = std::make_unique<RowBlocks>(stored_, &rows_pool_);
  part->null_rows = std::make_unique<RowBlocks>(stored_, &rows_pool_);
  part->min.assign(num_keys, INT64_MAX);
  part->max.assign(num_keys, INT64_MIN);
  part->has_nulls.assign(num_keys, false);
  return part;
}

std::unique_ptr<LocalState> JoinBuild::MakeState(uint32_t worker) {
  auto state = std::make_unique<State>(&spec_->build_keys());
  parts_[worker] = NewPart();
  state->part = parts_[worker].get();
  state->vectors.resize(stored_.size());
  return state;
}

Result<void> JoinBuild::Consume(const Batch& batch, LocalState* local) {
  auto* state = static_cast<State*>(local);
  const size_t num_keys = spec_->keys.forms.size();
  RETURN_IF_ERROR(state->reader.Read(batch));
  for (size_t k = 0; k < num_keys; ++k) state->vectors[k] = state->reader.vectors()[k];
  for (size_t c = 0; c < payload_.size(); ++c)
    state->vectors[num_keys + c] = batch.vectors[payload_[c]];
  state->part->rows_seen += batch.count;
  return Store(state, batch.count, may_spill_);
}

Result<void> JoinBuild::AddStored(LocalState* local, const std::vector<Vector>& vectors,
                                  uint32_t count) {
  auto* state = static_cast<State*>(local);
  state->vectors = vectors;
  state->part->rows_seen += count;
  return Store(state, count, false);
}

// Keeps the rows of state->vectors that the join needs, and what the choice of the index depends
// on.
Result<void> JoinBuild::Store(State* state, uint32_t batch_count, bool may_spill) {
  Part* part = state->part;
  const size_t num_keys = spec_->keys.forms.size();
  bool may_be_unmatchable = false;
  for (size_t k = 0; k < num_keys; ++k) {
    const Vector& key = state->vectors[k];
    if (key.nulls == nullptr) continue;
    if (spec_->keys.forms[k].null_safe) {
      if (!part->has_nulls[k])
        part->has_nulls[k] = std::memchr(key.nulls, 1, batch_count) != nullptr;
    } else {
      may_be_unmatchable = true;
    }
  }

  uint32_t count = batch_count, num_null_rows = 0;
  const uint16_t* rows = nullptr;
  if (may_be_unmatchable) {
    uint32_t matchable = 0, unmatchable = 0;
    for (uint32_t i = 0; i < batch_count; ++i) {
      bool null = false;
      for (size_t k = 0; k < num_keys; ++k) {
        const Vector& key = state->vectors[k];
        null |= key.nulls != nullptr && key.nulls[i] != 0 && !spec_->keys.forms[k].null_safe;
      }
      if (null) {
        state->null_rows[unmatchable++] = static_cast<uint16_t>(i);
      } else {
        state->rows[matchable++] = static_cast<uint16_t>(i);
      }
    }
    if (unmatchable != 0) {
      part->null_keys_seen += unmatchable;
      count = matchable;
      rows = state->rows;
      if (spec_->keeps_null_rows()) num_null_rows = unmatchable;
    }
  }
  for (size_t k = 0; k < num_keys; ++k) {
    if (spec_->keys.forms[k].form != KeyForm::kInt64) continue;
    const int64_t* values = state->vectors[k].i64();
    int64_t min = part->min[k], max = part->max[k];
    if (rows == nullptr) {
      for (uint32_t i = 0; i < count; ++i) {
        min = std::min(min, values[i]);
        max = std::max(max, values[i]);
      }
    } else {
      for (uint32_t i = 0; i < count; ++i) {
        min = std::min(min, values[rows[i]]);
        max = std::max(max, values[rows[i]]);
      }
    }
    part->min[k] = min;
    part->max[k] = max;
  }
  if (may_spill && !spilled_.load(std::memory_order_relaxed) && MustSpill())
    spilled_.store(true, std::memory_order_relaxed);
  const auto keep = [&](RowBlocks* to, const uint16_t* which, uint32_t n) -> Result<void> {
    if (!may_spill || !spilled_.load(std::memory_order_relaxed)) {
      Result<void> kept = to->Append(state->vectors.data(), which, n);
      if (kept || !may_spill || kept.error().code != ErrorCode::kOutOfMemory) return kept;
      spilled_.store(true, std::memory_order_relaxed);
    }
    RETURN_IF_ERROR(SpillPart(part));
    return WriteRows(part, state->vectors.data(), which, n);
  };
  if (num_null_rows != 0)
    RETURN_IF_ERROR(keep(part->null_rows.get(), state->null_rows, num_null_rows));
  if (count == 0) return {};
  return keep(part->rows.get(), rows, count);
}

Result<std::vector<Task>> JoinBuild::Finish() {
  while (spilled_.load(std::memory_order_relaxed) && spill_step_ != SpillStep::kDone) {
    ASSIGN_OR_RETURN(std::vector<Task> tasks, NextSpillStep());
    if (!tasks.empty()) return tasks;
  }
  if (assembly_ == nullptr) assembly_ = std::make_unique<Assembly>(this);
  Result<std::vector<Task>> next = std::vector<Task>{};
  if (!out_of_memory_) next = assembly_->Next();
  if (next && !out_of_memory_) {
    if (!may_spill_) return next;
    if (next->empty() && spill_step_ == SpillStep::kDone) spill_->DropResident();
    // Tasks that find no memory do not fail: the rows are still there to go to disk.
    for (Task& task : *next) {
      task = [this, body = std::move(task)](uint32_t worker) -> Result<void> {
        if (out_of_memory_) return {};
        Result<void> result = body(worker);
        if (result || result.error().code != ErrorCode::kOutOfMemory) return result;
        out_of_memory_ = true;
        return {};
      };
    }
    return next;
  }
  if (!next && (!may_spill_ || next.error().code != ErrorCode::kOutOfMemory)) return next;
  // The index does not fit: once more without rows in memory.
  out_of_memory_ = false;
  assembly_.reset();
  *table_ = {};
  if (spill_step_ == SpillStep::kDone) {
    spill_->ForgetResident();
    for (auto& part : parts_) part = nullptr;
    SetTotals();
  } else {
    for (PublishedFilter& filter : filters_) filter = {};
    spilled_ = true;
  }
  return Finish();
}

OperatorStatistics JoinBuild::Describe() const {
  static constexpr const char* kNames[] = {"empty", "all rows", "bitmap", "array", "hash"};
  OperatorStatistics out;
  std::string index = kNames[static_cast<int>(table_->index)];
  if (table_->index == JoinIndex::kDense) {
    if (!table_->unique) index += " with offsets";
    if (!table_->dense.identity()) index += ", ranked";
    if (!table_->verify.empty()) index += ", one key of several";
  }
  out.name = "JoinBuild (" + index + ")";
  out.rows_out = table_->rows_seen;
  out.detail = "build " + std::to_string(table_->rows_seen) + " rows";
  if (table_->spill != nullptr) out.detail += table_->spill->Text();
  for (const JoinColumn& column : table_->payload_columns)
    out.memory_peak_bytes += column.values.bytes() + column.nulls.bytes();
  return out;
}

// --- Assembly ---

Result<void> JoinBuild::Assembly::Analyze() {
  const JoinSpec& spec = *build_.spec_;
  min_.assign(num_keys_, INT64_MAX);
  max_.assign(num_keys_, INT64_MIN);
  table_.null_matches.assign(num_keys_, false);
  for (const auto& part : build_.parts_) {
    if (part == nullptr) continue;
    table_.num_rows += part->rows->num_rows();
    table_.num_null_rows += part->null_rows->num_rows();
    if (table_.spill == nullptr) {
      table_.rows_seen += part->rows_seen;
      table_.null_keys_seen += part->null_keys_seen;
    }
    for (size_t k = 0; k < num_keys_; ++k) {
      min_[k] = std::min(min_[k], part->min[k]);
      max_[k] = std::max(max_[k], part->max[k]);
      if (part->has_nulls[k]) table_.null_matches[k] = true;
    }
    for (const RowBlock& block : part->rows->blocks()) {
      blocks_.emplace_back();
      blocks_.back().rows = part->rows.get();
      blocks_.back().block = &block;
    }
  }
  if (table_.num_rows + table_.num_null_rows >= UINT32_MAX)
    return MakeError(ErrorCode::kOutOfMemory, "more than 2^32 rows on the build side of a join");

  if (num_keys_ == 0) {
    table_.index = table_.num_rows == 0 ? JoinIndex::kEmpty : JoinIndex::kAll;
    step_ = Step::kPlace;
    return {};
  }
  if (table_.num_rows == 0) {
    table_.index = JoinIndex::kEmpty;
    step_ = Step::kPlace;
    return {};
  }
  step_ = Step::kHash;
  table_.index = JoinIndex::kHash;
  if (join_debug == JoinDebug::kHash) return {};

  // All keys as one number, if its domain is small.
  const uint64_t budget = Budget(table_.num_rows);
  uint64_t domain = 1;
  bool packable = true;
  for (uint32_t k = 0; k < num_keys_ && packable; ++k) {
    const JoinKeyForm& form = spec.keys.forms[k];
    const uint64_t span = static_cast<uint64_t>(max_[k]) - static_cast<uint64_t>(min_[k]);
    packable = form.form == KeyForm::kInt64 && !form.mixed_sign && !table_.null_matches[k] &&
               span < budget;
    if (!packable) break;
    table_.packed.push_back({.key = k, .min = min_[k], .extent = span + 1, .stride = domain});
    packable = domain <= budget / (span + 1);
    domain *= span + 1;
  }
  if (packable) {
    table_.index = spec.presence_only() ? JoinIndex::kBitmap : JoinIndex::kDense;
    step_ = Step::kMark;
    return {};
  }
  table_.packed.clear();
  TryOneKey();
  return {};
}

// Indexes the widest key of several whose domain is small enough; NumberGroups gives it up again if
// too many rows share a key.
void JoinBuild::Assembly::TryOneKey() {
  if (num_keys_ < 2) return;
  const uint64_t budget = Budget(table_.num_rows);
  for (uint32_t k = 0; k < num_keys_; ++k) {
    const JoinKeyForm& form = build_.spec_->keys.forms[k];
    const uint64_t span = static_cast<uint64_t>(max_[k]) - static_cast<uint64_t>(min_[k]);
    if (form.form != KeyForm::kInt64 || form.mixed_sign || table_.null_matches[k] || span >= budget)
      continue;
    if (!table_.packed.empty() && table_.packed[0].extent > span) continue;
    table_.packed.assign(1, {.key = k, .min = min_[k], .extent = span + 1, .stride = 1});
  }
  if (table_.packed.empty()) return;
  if (table_.packed[0].extent < table_.num_rows / kMaxCandidatesPerKey) {
    table_.packed.clear();
    return;
  }
  one_key_ = true;
  table_.index = JoinIndex::kDense;
  step_ = Step::kMark;
}

template <typename Visit>
void JoinBuild::Assembly::ForEachNumber(const BlockRef& ref, const Visit& visit) const {
  std::vector<VectorBuffer> buffers(num_keys_);
  std::vector<Vector> keys(num_keys_);
  VectorBuffer packed(Lane::kI64);
  for (uint32_t first = 0; first < ref.block->count; first += kVectorSize) {
    const uint32_t n = std::min(kVectorSize, ref.block->count - first);
    for (const JoinTable::PackedKey& part : table_.packed) {
      keys[part.key] = ReadStored(ref.rows->columns()[part.key], ref.block->values[part.key].data(),
                                  nullptr, first, n, &buffers[part.key]);
    }
    visit(table_.PackKeys(keys.data(), n, static_cast<int64_t*>(packed.data())), n, first);
  }
}

// Splits the domain into one range per worker and sets the bits of each in parallel.
Result<void> JoinBuild::Assembly::StartDense(std::vector<Task>* tasks) {
  const bool single = table_.packed.size() == 1;
  uint64_t domain = 1;
  for (const JoinTable::PackedKey& part : table_.packed) domain *= part.extent;
  RETURN_IF_ERROR(table_.dense.Prepare(single ? table_.packed[0].min : 0, domain, build_.pool_));
  step_ = Step::kNumber;
  const uint64_t num_ranges = table_.num_rows < kParallelRows ? 1 : build_.context_->num_workers();
  const uint64_t per_range = ((domain + num_ranges - 1) / num_ranges + 63) / 64 * 64;
  for (uint64_t first = 0; first < domain; first += per_range)
    ranges_.push_back({first, std::min(domain, first + per_range) - 1});
  for (const auto& [first, last] : ranges_) {
    tasks->push_back([this, first = first, last = last](uint32_t) -> Result<void> {
      for (BlockRef& ref : blocks_) {
        if (build_.context_->cancelled()) return {};
        ForEachNumber(ref, [&](const int64_t* numbers, uint32_t n, uint32_t) {
          table_.dense.Mark(numbers, n, first, last);
        });
      }
      return {};
    });
  }
  return {};
}

Result<void> JoinBuild::Assembly::NumberGroups(std::vector<Task>* tasks) {
  DenseIndex& dense = table_.dense;
  // Marked rows and rows compared one by one are read by position, so there must be no holes.
  RETURN_IF_ERROR(dense.Number(build_.spec_->marks_build() || build_.spec_->keeps_null_rows()));
  if (one_key_ && table_.num_rows / dense.num_distinct() > kMaxCandidatesPerKey) {
    dense = {};
    table_.packed.clear();
    table_.index = JoinIndex::kHash;
    ranges_.clear();
    step_ = Step::kHash;
    return {};
  }
  if (table_.index == JoinIndex::kBitmap) {
    step_ = Step::kFinish;
    return {};
  }
  if (one_key_) {
    for (uint32_t k = 0; k < num_keys_; ++k)
      if (k != table_.packed[0].key) table_.verify.push_back(k);
  }
  table_.unique = dense.num_distinct() == table_.num_rows;
  step_ = Step::kPlace;
  if (table_.unique) return {};
  RETURN_IF_ERROR(
      table_.offsets.Allocate(build_.pool_, (dense.num_groups() + 1) * sizeof(uint32_t), true));
  // Rows per group, counted one place up: offsets[g + 1] becomes the cursor of group g and finally
  // its end.
  for (const auto& [first, last] : ranges_) {
    tasks->push_back([this, first = first, last = last](uint32_t) -> Result<void> {
      uint32_t* counts = table_.offsets.as<uint32_t>() + 1;
      uint32_t groups[kVectorSize];
      int64_t inside[kVectorSize];
      for (BlockRef& ref : blocks_) {
        if (build_.context_->cancelled()) return {};
        ForEachNumber(ref, [&](const int64_t* numbers, uint32_t n, uint32_t) {
          uint32_t m = 0;
          for (uint32_t i = 0; i < n; ++i) {
            const uint64_t u =
                static_cast<uint64_t>(numbers[i]) - static_cast<uint64_t>(table_.dense.min());
            inside[m] = numbers[i];
            m += u >= first && u <= last;
          }
          table_.dense.Groups(inside, nullptr, m, groups);
          for (uint32_t i = 0; i < m; ++i) ++counts[groups[i]];
        });
      }
      return {};
    });
  }
  return {};
}

Result<void> JoinBuild::Assembly::StartHash(std::vector<Task>* tasks) {
  for (uint32_t k = 0; k < num_keys_; ++k) table_.verify.push_back(k);
  RETURN_IF_ERROR(table_.hash.Prepare(table_.num_rows, build_.pool_));
  const uint64_t entries = table_.hash.num_entries();
  const uint64_t num_ranges =
      table_.num_rows < kParallelRows ? 1 : std::min<uint64_t>(build_.context_->num_workers(), 64);
  const uint64_t per_range = (entries + num_ranges - 1) / num_ranges;
  for (uint64_t first = 0; first < entries; first += per_range)
    ranges_.push_back({first, std::min(entries, first + per_range)});
  step_ = Step::kDirectory;
  for (BlockRef& ref : blocks_) {
    tasks->push_back([this, &ref, per_range](uint32_t) -> Result<void> {
      RETURN_IF_ERROR(ref.hashes.Allocate(build_.pool_, size_t{ref.block->count} * 8, false));
      ref.rows_per_range.assign(ranges_.size(), 0);
      std::vector<VectorBuffer> buffers(num_keys_);
      std::vector<Vector> keys(num_keys_);
      uint64_t* hashes = ref.hashes.as<uint64_t>();
      for (uint32_t first = 0; first < ref.block->count; first += kVectorSize) {
        const uint32_t n = std::min(kVectorSize, ref.block->count - first);
        for (size_t k = 0; k < num_keys_; ++k) {
          keys[k] = ReadStored(ref.rows->columns()[k], ref.block->values[k].data(),
                               ref.block->nulls[k].as<uint8_t>(), first, n, &buffers[k]);
        }
        HashJoinKeys(build_.spec_->keys.forms, keys.data(), n, hashes + first);
        for (uint32_t i = 0; i < n; ++i)
          ++ref.rows_per_range[table_.hash.Entry(hashes[first + i]) / per_range];
      }
      return {};
    });
  }
  return {};
}

Result<void> JoinBuild::Assembly::StartDirectory() {
  uint64_t before = 0;
  for (size_t r = 0; r < ranges_.size(); ++r) {
    rows_before_.push_back(before);
    for (const BlockRef& ref : blocks_) before += ref.rows_per_range[r];
  }
  step_ = Step::kPlace;
  return {};
}

Result<void> JoinBuild::Assembly::AllocateColumns() {
  MemoryPool* pool = build_.pool_;
  const auto allocate = [&](size_t column, JoinColumn* out) -> Result<void> {
    out->stored = build_.stored_[column];
    RETURN_IF_ERROR(out->values.Allocate(pool, table_.num_positions * out->stored.width, true));
    bool nulls = false;
    for (const auto& part : build_.parts_) {
      if (part == nullptr) continue;
      for (const RowBlocks* rows : {part->rows.get(), part->null_rows.get()})
        for (const RowBlock& block : rows->blocks()) nulls |= block.nulls[column].data() != nullptr;
    }
    if (nulls) RETURN_IF_ERROR(out->nulls.Allocate(pool, table_.num_positions, true));
    return {};
  };
  table_.key_columns.resize(num_keys_);
  for (uint32_t k : table_.verify) RETURN_IF_ERROR(allocate(k, &table_.key_columns[k]));
  table_.payload_columns.resize(build_.payload_.size());
  for (size_t c = 0; c < build_.payload_.size(); ++c)
    RETURN_IF_ERROR(allocate(num_keys_ + c, &table_.payload_columns[c]));
  if (build_.spec_->marks_build())
    RETURN_IF_ERROR(table_.matched.Allocate(pool, table_.num_positions, true));
  return {};
}

// Gives every row its position and copies its columns there, in one parallel pass over key or hash
// ranges.
Result<void> JoinBuild::Assembly::StartPlacing(std::vector<Task>* tasks) {
  const bool by_group = table_.index == JoinIndex::kDense && table_.unique;
  table_.num_positions =
      (by_group ? table_.dense.num_groups() : table_.num_rows) + table_.num_null_rows;
  RETURN_IF_ERROR(AllocateColumns());
  step_ = Step::kFinish;
  switch (table_.index) {
    case JoinIndex::kDense:
      if (!table_.unique) {
        uint32_t* cursors = table_.offsets.as<uint32_t>() + 1;
        uint32_t position = 0;
        for (uint64_t g = 0; g < table_.dense.num_groups(); ++g) {
          const uint32_t rows = cursors[g];
          cursors[g] = position;
          position += rows;
        }
      }
      for (const auto& [first, last] : ranges_)
        tasks->push_back(
            [this, first = first, last = last](uint32_t) { return PlaceDense(first, last); });
      break;
    case JoinIndex::kHash:
      for (size_t r = 0; r < ranges_.size(); ++r)
        tasks->push_back([this, r](uint32_t) { return PlaceHash(r); });
      break;
    case JoinIndex::kAll: {
      std::vector<const RowBlocks*> rows;
      for (const auto& part : build_.parts_)
        if (part != nullptr) rows.push_back(part->rows.get());
      PlaceInOrder(rows, 0);
      break;
    }
    case JoinIndex::kEmpty:
    case JoinIndex::kBitmap:
      break;
  }
  return {};
}

void JoinBuild::Assembly::ScatterRows(const RowBlock& block, uint32_t first, const uint32_t* rows,
                                      const uint32_t* positions, uint32_t count) {
  const auto scatter = [&](size_t column, JoinColumn* out) {
    const uint8_t width = out->stored.width;
    const char* values = block.values[column].as<char>() + size_t{first} * width;
    if (rows == nullptr) {
      ScatterStored(width, values, positions, count, out->values.data());
    } else {
      ScatterStoredRows(width, values, rows, positions, count, out->values.data());
    }
    if (const uint8_t* nulls = block.nulls[column].as<uint8_t>(); nulls != nullptr) {
      if (rows == nullptr) {
        ScatterStored(1, nulls + first, positions, count, out->nulls.data());
      } else {
        ScatterStoredRows(1, nulls + first, rows, positions, count, out->nulls.data());
      }
    }
  };
  for (uint32_t k : table_.verify) scatter(k, &table_.key_columns[k]);
  for (size_t c = 0; c < build_.payload_.size(); ++c)
    scatter(num_keys_ + c, &table_.payload_columns[c]);
}

Result<void> JoinBuild::Assembly::PlaceDense(uint64_t first_number, uint64_t last_number) {
  const DenseIndex& dense = table_.dense;
  uint32_t* cursors = table_.unique ? nullptr : table_.offsets.as<uint32_t>() + 1;
  uint32_t rows[kVectorSize], positions[kVectorSize];
  int64_t inside[kVectorSize];
  for (const BlockRef& ref : blocks_) {
    ForEachNumber(ref, [&](const int64_t* numbers, uint32_t n, uint32_t first) {
      uint32_t m = 0;
      for (uint32_t i = 0; i < n; ++i) {
        const uint64_t u = static_cast<uint64_t>(numbers[i]) - static_cast<uint64_t>(dense.min());
        inside[m] = numbers[i];
        rows[m] = i;
        m += u >= first_number && u <= last_number;
      }
      if (m == 0) return;
      dense.Groups(inside, nullptr, m, positions);
      if (cursors != nullptr) {
        for (uint32_t i = 0; i < m; ++i) positions[i] = cursors[positions[i]]++;
      }
      ScatterRows(*ref.block, first, m == n ? nullptr : rows, positions, m);
    });
    if (build_.context_->cancelled()) return {};
  }
  return {};
}

Result<void> JoinBuild::Assembly::PlaceHash(size_t range) {
  const auto [begin, end] = ranges_[range];
  HashIndex& index = table_.hash;
  uint32_t rows[kVectorSize], positions[kVectorSize];
  const auto for_each = [&](const auto& visit) {
    for (const BlockRef& ref : blocks_) {
      if (ref.rows_per_range[range] == 0) continue;
      const uint64_t* hashes = ref.hashes.as<uint64_t>();
      for (uint32_t first = 0; first < ref.block->count; first += kVectorSize) {
        const uint32_t n = std::min(kVectorSize, ref.block->count - first);
        uint32_t m = 0;
        for (uint32_t i = 0; i < n; ++i) {
          const uint64_t entry = index.Entry(hashes[first + i]);
          rows[m] = i;
          m += entry >= begin && entry < end;
        }
        visit(ref, hashes + first, first, m);
      }
      if (build_.context_->cancelled()) return;
    }
  };
  for_each([&](const BlockRef&, const uint64_t* hashes, uint32_t, uint32_t m) {
    for (uint32_t i = 0; i < m; ++i) index.Count(hashes[rows[i]]);
  });
  index.Close(begin, end, rows_before_[range]);
  for_each([&](const BlockRef& ref, const uint64_t* hashes, uint32_t first, uint32_t m) {
    for (uint32_t i = 0; i < m; ++i) positions[i] = index.Place(hashes[rows[i]]);
    ScatterRows(*ref.block, first, rows, positions, m);
  });
  return {};
}

void JoinBuild::Assembly::PlaceInOrder(const std::vector<const RowBlocks*>& all,
                                       uint64_t position) {
  uint32_t positions[kVectorSize];
  for (const RowBlocks* rows : all) {
    for (const RowBlock& block : rows->blocks()) {
      for (uint32_t first = 0; first < block.count; first += kVectorSize) {
        const uint32_t n = std::min(kVectorSize, block.count - first);
        for (uint32_t i = 0; i < n; ++i) positions[i] = static_cast<uint32_t>(position + i);
        ScatterRows(block, first, nullptr, positions, n);
        position += n;
      }
    }
  }
}

Result<void> JoinBuild::Assembly::FinishUp() {
  if (table_.num_null_rows != 0) {
    std::vector<const RowBlocks*> rows;
    for (const auto& part : build_.parts_)
      if (part != nullptr) rows.push_back(part->null_rows.get());
    PlaceInOrder(rows, table_.num_positions - table_.num_null_rows);
  }
  for (uint32_t k = 0; k < num_keys_ && table_.spill == nullptr; ++k) {
    if (build_.filter_targets_[k] == 0) continue;
    // A join works without its filters.
    if (Result<void> made = MakeFilter(k); !made && made.error().code != ErrorCode::kOutOfMemory)
      return made;
  }
  blocks_.clear();
  for (const auto& part : build_.parts_) {
    if (part == nullptr) continue;
    part->rows->DropBlocks();
    part->null_rows->DropBlocks();
  }
  step_ = Step::kDone;
  return {};
}

Result<void> JoinBuild::Assembly::MakeFilter(uint32_t key) {
  const JoinKeyForm& form = build_.spec_->keys.forms[key];
  if (form.form != KeyForm::kInt64 || form.mixed_sign || table_.null_matches[key]) return {};
  const double target = build_.filter_targets_[key];
  PublishedFilter& out = build_.filters_[key];
  if (table_.num_rows == 0) {
    out = {.filter = std::make_shared<SemijoinFilter>(), .num_keys = 0};
    return {};
  }
  if (table_.packed.size() == 1 && table_.packed[0].key == key) {
    if (target > 0 && !IsSelectiveFilter(static_cast<double>(table_.dense.num_distinct()), target))
      return {};
    auto filter = std::make_shared<TableFilter>();
    filter->table = build_.table_;
    filter->min = min_[key];
    filter->max = max_[key];
    filter->bitmap = table_.dense.bitmap();
    out = {.filter = filter, .num_keys = table_.dense.num_distinct()};
    return {};
  }
  const auto for_each = [&](const KeyVisitor& visit) -> Result<void> {
    VectorBuffer buffer;
    for (const BlockRef& ref : blocks_) {
      if (build_.context_->cancelled()) return MakeError(ErrorCode::kCancelled, "query cancelled");
      for (uint32_t first = 0; first < ref.block->count; first += kVectorSize) {
        const uint32_t n = std::min(kVectorSize, ref.block->count - first);
        visit(ReadStored(ref.rows->columns()[key], ref.block->values[key].data(), nullptr, first, n,
                         &buffer)
                  .i64(),
              n);
      }
    }
    return {};
  };
  ASSIGN_OR_RETURN(out, MakeSemijoinFilter({.min = min_[key],
                                            .max = max_[key],
                                            .num_rows = table_.num_rows,
                                            .bitmap_domain = Budget(table_.num_rows),
                                            .target_distinct = target},
                                           for_each, build_.pool_));
  return {};
}

}  // namespace sirocco::engine
