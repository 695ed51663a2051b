// The part of JoinBuild that takes rows to disk: writing partitions while rows come, then choosing
// what is read back to memory.
#include <algorithm>
#include <bit>
#include <numeric>

#include "engine/exec/join_build_parts.h"
#include "engine/exec/join_spill.h"

namespace sirocco::engine {

bool JoinBuild::MustSpill() const {
  // The index takes about half as much again, and while it is built the rows are there twice.
  const size_t used = rows_pool_.used_bytes();
  return context_->MustSpill(used + used / 2);
}

Result<void> JoinBuild::WriteRows(Part* part, const Vector* vectors, const uint16_t* rows,
                                  uint32_t count) {
  if (spill_->by_blocks()) return part->spiller->Append(vectors, rows, count, 0);
  uint32_t all[kVectorSize], partitions[kVectorSize];
  uint32_t end = count;
  if (rows != nullptr) end = rows[count - 1] + uint32_t{1};  // ascending
  JoinSpill::Partition(spec_->keys.forms, vectors, end, 0, &part->spread, all);
  if (rows == nullptr) return part->spiller->AppendPartitioned(vectors, nullptr, count, all);
  for (uint32_t i = 0; i < count; ++i) partitions[i] = all[rows[i]];
  return part->spiller->AppendPartitioned(vectors, rows, count, partitions);
}

// Moves what the part has in memory to disk.
Result<void> JoinBuild::SpillPart(Part* part) {
  if (part->spiller == nullptr)
    part->spiller = std::make_unique<RowSpiller>(stored_, spill_->num_partitions(), context_);
  std::vector<VectorBuffer> buffers(stored_.size());
  std::vector<Vector> vectors(stored_.size());
  for (std::unique_ptr<RowBlocks>* rows : {&part->rows, &part->null_rows}) {
    if ((*rows)->num_rows() == 0) continue;
    for (const RowBlock& block : (*rows)->blocks()) {
      for (uint32_t first = 0; first < block.count; first += kVectorSize) {
        const uint32_t n = std::min(kVectorSize, block.count - first);
        for (size_t c = 0; c < stored_.size(); ++c)
          vectors[c] = ReadStored(stored_[c], block.values[c].data(), block.nulls[c].as<uint8_t>(),
                                  first, n, &buffers[c]);
        RETURN_IF_ERROR(WriteRows(part, vectors.data(), nullptr, n));
      }
      if (context_->cancelled()) return MakeError(ErrorCode::kCancelled, "query cancelled");
    }
    *rows = std::make_unique<RowBlocks>(stored_, &rows_pool_);
  }
  return {};
}

void JoinBuild::SetTotals() {
  table_->spill = spill_;
  table_->rows_seen = rows_seen_;
  table_->null_keys_seen = null_keys_seen_;
}

Result<std::vector<Task>> JoinBuild::NextSpillStep() {
  std::vector<Task> tasks;
  switch (spill_step_) {
    case SpillStep::kNone:
      spill_step_ = SpillStep::kClose;
      for (auto& part : parts_)
        if (part != nullptr)
          tasks.push_back([this, part = part.get()](uint32_t) { return SpillPart(part); });
      break;
    case SpillStep::kClose: {
      spill_step_ = SpillStep::kLoad;
      RETURN_IF_ERROR(CloseSpillers());
      for (uint32_t k = 0; k < filter_targets_.size(); ++k)
        if (filter_targets_[k] != 0) RETURN_IF_ERROR(MakeSpilledFilter(k));
      for (uint32_t p : spill_->ChooseResident(context_->pool()->available_bytes() / 3,
                                               context_->spill_forced()))
        tasks.push_back(
            [this, p](uint32_t worker) { return LoadResident(worker, spill_->build()[p]); });
      SetTotals();
      // Nothing may be loaded, but the next step must follow.
      if (tasks.empty()) spill_step_ = SpillStep::kDone;
      break;
    }
    case SpillStep::kLoad:
      spill_step_ = SpillStep::kDone;
      break;
    case SpillStep::kDone:
      break;
  }
  return tasks;
}

Result<void> JoinBuild::CloseSpillers() {
  const size_t num_keys = spec_->keys.forms.size();
  min_.assign(num_keys, INT64_MAX);
  max_.assign(num_keys, INT64_MIN);
  has_nulls_.assign(num_keys, false);
  for (auto& part : parts_) {
    if (part == nullptr) continue;
    rows_seen_ += part->rows_seen;
    null_keys_seen_ += part->null_keys_seen;
    for (size_t k = 0; k < num_keys; ++k) {
      min_[k] = std::min(min_[k], part->min[k]);
      max_[k] = std::max(max_[k], part->max[k]);
      if (part->has_nulls[k]) has_nulls_[k] = true;
    }
    if (part->spiller != nullptr) RETURN_IF_ERROR(part->spiller->Close(&spill_->build()));
    part = nullptr;
  }
  return {};
}

// A filter of all rows, which are on disk.
Result<void> JoinBuild::MakeSpilledFilter(uint32_t key) {
  const JoinKeyForm& form = spec_->keys.forms[key];
  if (form.form != KeyForm::kInt64 || form.mixed_sign || has_nulls_[key]) return {};
  uint64_t rows = 0;
  for (const SpilledPartition& partition : spill_->build()) rows += partition.rows;
  // Rows that match nothing are among them, and their keys' values mean nothing.
  if (spec_->keeps_null_rows()) return {};
  if (rows == 0) {
    filters_[key] = {.filter = std::make_shared<SemijoinFilter>(), .num_keys = 0};
    return {};
  }
  // Bits of a bitmap or Bloom filter that leave most of the memory to the join.
  const uint64_t most_bits = context_->pool()->available_bytes();
  if (std::bit_ceil(rows) * 16 > most_bits) return {};
  const auto for_each = [&](const KeyVisitor& visit) -> Result<void> {
    SpilledRowsReader reader(stored_, context_);
    std::vector<Vector> vectors;
    for (const SpilledPartition& partition : spill_->build()) {
      reader.Open(&partition);
      while (true) {
        ASSIGN_OR_RETURN(const uint32_t count, reader.Next(&vectors));
        if (count == 0) break;
        visit(vectors[key].i64(), count);
      }
    }
    return {};
  };
  Result<PublishedFilter> made =
      MakeSemijoinFilter({.min = min_[key],
                          .max = max_[key],
                          .num_rows = rows,
                          .bitmap_domain = std::min<uint64_t>(rows * 256, most_bits),
                          .target_distinct = filter_targets_[key]},
                         for_each, pool_);
  if (made) {
    filters_[key] = std::move(*made);
  } else if (made.error().code != ErrorCode::kOutOfMemory) {
    return std::unexpected(made.error());
  }
  return {};
}

Result<void> JoinBuild::LoadResident(uint32_t worker, const SpilledPartition& rows) {
  if (parts_[worker] == nullptr) parts_[worker] = NewPart();
  State state(&spec_->build_keys());
  state.part = parts_[worker].get();
  SpilledRowsReader reader(stored_, context_);
  reader.Open(&rows);
  while (true) {
    ASSIGN_OR_RETURN(const uint32_t count, reader.Next(&state.vectors));
    if (count == 0) return {};
    Result<void> stored = Store(&state, count, false);
    if (stored) continue;
    if (stored.error().code != ErrorCode::kOutOfMemory) return stored;
    out_of_memory_ = true;
    return {};
  }
}

}  // namespace sirocco::engine
