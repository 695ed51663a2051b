#include "engine/exec/join_spill.h"

#include <algorithm>

namespace sirocco::engine {

namespace {

// Bytes that a table of `rows` rows takes while it is built: the rows as they are stored, then once
// more in the order of the index, and the index.
uint64_t TableBytes(const std::vector<StoredColumn>& columns, uint64_t rows, uint64_t bytes) {
  uint64_t references = 0;
  for (const StoredColumn& column : columns)
    if (column.info.lane == Lane::kStr) references += sizeof(StringRef);
  return 2 * (bytes + rows * references) + rows * 24;
}

}  // namespace

JoinSpill::JoinSpill(const JoinSpec* spec, std::vector<StoredColumn> build_columns)
    : build_columns_(std::move(build_columns)),
      by_blocks_(spec->keys.forms.empty() ||
                 (spec->kind == plan::JoinKind::kNullAwareAnti && spec->has_extra)),
      build_(num_partitions()),
      probe_(num_partitions()),
      resident_(num_partitions(), 0) {}

Result<void> JoinSpill::AddProbe(RowSpiller* rows) {
  std::vector<SpilledPartition> partitions;
  RETURN_IF_ERROR(rows->Close(&partitions));
  std::lock_guard lock(mutex_);
  for (size_t p = 0; p < partitions.size(); ++p) probe_[p].Append(std::move(partitions[p]));
  return {};
}

bool JoinSpill::TakePair(JoinPair* pair) {
  uint32_t p;
  do {
    p = next_.fetch_add(1, std::memory_order_relaxed);
    if (p >= num_partitions()) return false;
  } while (resident(p));
  *pair = {.build = std::move(build_[p]),
           .probe = std::move(probe_[p]),
           .level = 0,
           .may_split = !by_blocks_};
  return true;
}

std::vector<uint32_t> JoinSpill::ChooseResident(size_t budget, bool forced) {
  std::vector<uint32_t> chosen;
  uint64_t used = 0;
  for (uint32_t p = 0; p < build_.size(); ++p) {
    build_rows_ += build_[p].rows;
    build_bytes_ += build_[p].bytes;
    if (build_[p].rows == 0) {
      set_resident(p);
      continue;
    }
    if (by_blocks_) continue;
    const uint64_t bytes = TableBytes(build_columns_, build_[p].rows, build_[p].bytes);
    if (forced ? p % 4 != 1 : used + bytes > budget) continue;
    used += bytes;
    set_resident(p);
    chosen.push_back(p);
  }
  return chosen;
}

void JoinSpill::DropResident() {
  for (uint32_t p = 0; p < build_.size(); ++p)
    if (resident(p)) build_[p] = {};
}

void JoinSpill::ForgetResident() {
  for (uint32_t p = 0; p < build_.size(); ++p) resident_[p] = build_[p].rows == 0;
}

std::string JoinSpill::Text() const {
  return ", on disk: " + std::to_string(build_rows_) + " rows, " +
         std::to_string(build_bytes_ >> 10) + " KB";
}

void JoinSpill::Partition(const std::vector<JoinKeyForm>& forms, const Vector* keys, uint32_t count,
                          uint32_t level, uint32_t* spread, uint32_t* partitions) {
  uint64_t hashes[kVectorSize];
  HashJoinKeys(forms, keys, count, hashes);
  for (uint32_t i = 0; i < count; ++i)
    partitions[i] = SpillPartitioning::FromBottom(hashes[i], level);
  for (size_t k = 0; k < forms.size(); ++k) {
    const uint8_t* nulls = keys[k].nulls;
    if (forms[k].null_safe || nulls == nullptr) continue;
    for (uint32_t i = 0; i < count; ++i)
      if (nulls[i]) partitions[i] = (*spread)++ % SpillPartitioning::kPartitions;
  }
}

JoinPairs::JoinPairs(std::shared_ptr<const JoinSpec> spec, JoinSpill* spill, QueryContext* context)
    : spec_(std::move(spec)),
      spill_(spill),
      context_(context),
      // Sizes are watched here; what one partition or block needs must be there.
      pool_("a join's partition", MemoryPool::kUnlimited, context->pool(), true),
      reader_(spill->build_columns(), context) {}

JoinPairs::~JoinPairs() { context_->pool()->Release(charged_); }

Result<bool> JoinPairs::Next() {
  if (more_blocks_) {
    RETURN_IF_ERROR(LoadBlock(false));
    return true;
  }
  build_.reset();
  while (true) {
    if (context_->cancelled()) return MakeError(ErrorCode::kCancelled, "query cancelled");
    if (!pending_.empty()) {
      pair_ = std::move(pending_.back());
      pending_.pop_back();
    } else {
      pair_ = {};
      if (!spill_->TakePair(&pair_)) return false;
    }
    // Without rows on the side that gives the result there is none.
    if (spec_->marks_build() ? pair_.build.rows == 0 : pair_.probe.rows == 0) continue;
    const bool fits = TableBytes(spill_->build_columns(), pair_.build.rows, pair_.build.bytes) <=
                      context_->WorkerBudget();
    if (!fits && pair_.may_split && pair_.level + 1 < SpillPartitioning::kMaxLevels) {
      RETURN_IF_ERROR(Split());
      continue;
    }
    reader_.Open(&pair_.build);
    rows_read_ = 0;
    matched_.clear();
    context_->pool()->Release(charged_);
    charged_ = 0;
    RETURN_IF_ERROR(LoadBlock(fits));
    if (more_blocks_ && !spec_->marks_build() && spec_->kind != plan::JoinKind::kInner) {
      charged_ = pair_.probe.rows;
      context_->pool()->ForceReserve(charged_);
      matched_.assign(pair_.probe.rows, 0);
    }
    return true;
  }
}

// Replaces the pair by the pairs of the next level.
Result<void> JoinPairs::Split() {
  const uint32_t level = pair_.level + 1;
  const auto split = [&](const SpilledPartition& from, const std::vector<StoredColumn>& columns,
                         const std::vector<uint32_t>* keys,
                         std::vector<SpilledPartition>* out) -> Result<void> {
    RowSpiller writer(columns, SpillPartitioning::kPartitions, context_);
    SpilledRowsReader reader(columns, context_);
    reader.Open(&from);
    std::vector<Vector> vectors, key_vectors(spec_->keys.forms.size());
    uint32_t partitions[kVectorSize], spread = 0;
    while (true) {
      ASSIGN_OR_RETURN(const uint32_t count, reader.Next(&vectors));
      if (count == 0) break;
      for (size_t k = 0; k < key_vectors.size(); ++k)
        key_vectors[k] = vectors[keys == nullptr ? k : (*keys)[k]];
      JoinSpill::Partition(spec_->keys.forms, key_vectors.data(), count, level, &spread,
                           partitions);
      RETURN_IF_ERROR(writer.AppendPartitioned(vectors.data(), nullptr, count, partitions));
    }
    return writer.Close(out);
  };
  std::vector<SpilledPartition> build, probe;
  RETURN_IF_ERROR(split(pair_.build, spill_->build_columns(), nullptr, &build));
  const uint64_t build_rows = pair_.build.rows;
  pair_.build = {};
  RETURN_IF_ERROR(split(pair_.probe, spill_->probe_columns(), &spill_->probe_keys(), &probe));
  pair_.probe = {};
  for (size_t p = 0; p < build.size(); ++p) {
    // Equal keys stay together whatever the bits.
    const bool may_split = build[p].rows != build_rows;
    pending_.push_back({std::move(build[p]), std::move(probe[p]), level, may_split});
  }
  return {};
}

// Makes a table of the next build rows: all of the pair, or as many as fit.
Result<void> JoinPairs::LoadBlock(bool whole) {
  build_.reset();
  build_ = std::make_unique<JoinBuild>(spec_, context_, &pool_);
  const std::unique_ptr<LocalState> state = build_->MakeState(0);
  const size_t budget = context_->WorkerBudget();
  more_blocks_ = false;
  uint64_t rows = 0, bytes = 0;
  while (true) {
    if (rows_read_ == 0) {
      ASSIGN_OR_RETURN(rows_read_, reader_.Next(&vectors_));
      if (rows_read_ == 0) break;
    }
    uint64_t more = 0;
    for (size_t c = 0; c < vectors_.size(); ++c) {
      more += uint64_t{rows_read_} * spill_->build_columns()[c].width;
      if (vectors_[c].lane != Lane::kStr) continue;
      for (uint32_t i = 0; i < rows_read_; ++i) more += vectors_[c].str()[i].size;
    }
    if (!whole && rows != 0 &&
        TableBytes(spill_->build_columns(), rows + rows_read_, bytes + more) > budget) {
      more_blocks_ = true;
      break;
    }
    RETURN_IF_ERROR(build_->AddStored(state.get(), vectors_, rows_read_));
    rows += rows_read_;
    bytes += more;
    rows_read_ = 0;
  }
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<Task> tasks, build_->Finish());
    if (tasks.empty()) return {};
    for (const Task& task : tasks) {
      if (context_->cancelled()) return MakeError(ErrorCode::kCancelled, "query cancelled");
      RETURN_IF_ERROR(task(0));
    }
  }
}

}  // namespace sirocco::engine
