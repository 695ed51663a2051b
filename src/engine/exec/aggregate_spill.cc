#include "engine/exec/aggregate_spill.h"

#include <algorithm>

namespace sirocco::engine {

AggregateSpill::Reading::Reading(AggregateSpill* spill) : rows(spill->stored_, spill->context_) {}

AggregateSpill::AggregateSpill(const GroupingPlans* plans, const std::vector<ColumnInfo>& keys,
                               const AggregateSet* functions, QueryContext* context)
    : plans_(plans),
      hashed_plans_(plans->WithoutArrays()),
      functions_(functions),
      context_(context),
      part_pool_("groups", MemoryPool::kUnlimited, context->pool(), true),
      num_keys_(keys.size()),
      writers_(context->num_workers()) {
  for (const ColumnInfo& key : keys) stored_.push_back(PlanStorage(key));
  for (const ColumnInfo& argument : functions->arguments())
    stored_.push_back(PlanStorage(argument));
  grows_with_rows_ = !functions->distinct_sets().empty();
  for (const AggregateSet::Primitive& primitive : functions->primitives())
    grows_with_rows_ |= primitive.kind == AccumulatorKind::kConcat;
}

void AggregateSpill::Start() {
  worker_budget_ = context_->spill_forced() ? 0 : context_->WorkerBudget();
}

bool AggregateSpill::IsFull(const AggregatePart& part, uint32_t count, size_t used,
                            size_t budget) const {
  if (part.table().size() == 0) return false;
  if (used > budget) return true;
  // Growing takes the new memory while the old is still there.
  return part.table().MustGrow(count) && used > budget / 3;
}

Result<void> AggregateSpill::Add(uint32_t worker, AggregatePart* part, const Vector* keys,
                                 const Vector* arguments, uint32_t count) {
  std::unique_ptr<RowSpiller>& writer = writers_[worker];
  if (writer == nullptr) {
    // The pool is shared by the workers' parts, whose shares are about equal.
    const size_t used = part_pool_.used_bytes();
    if (!IsFull(*part, count, used, worker_budget_ * context_->num_workers()))
      return part->Add(keys, arguments, count);
    writer = std::make_unique<RowSpiller>(stored_, SpillPartitioning::kPartitions, context_);
    spilled_.store(true, std::memory_order_relaxed);
  }
  return AddClosed(part, keys, arguments, count, 0, writer.get());
}

Result<void> AggregateSpill::AddClosed(AggregatePart* part, const Vector* keys,
                                       const Vector* arguments, uint32_t count, uint32_t level,
                                       RowSpiller* out) {
  uint16_t others[kVectorSize];
  const uint16_t* rows = nullptr;
  uint32_t num_rows = count;
  if (!grows_with_rows_) {
    ASSIGN_OR_RETURN(num_rows, part->AddKnown(keys, arguments, count, others));
    if (num_rows == 0) return {};
    if (num_rows < count) rows = others;
  }
  uint64_t hashes[kVectorSize];
  if (hashed_plans_.groups.packed()) {
    hashed_plans_.groups.Pack(keys, count, hashes);
    for (uint32_t i = 0; i < count; ++i) hashes[i] = MixKey(hashes[i]);
  } else {
    hashed_plans_.groups.Hash(keys, count, hashes);
  }
  uint32_t partitions[kVectorSize];
  for (uint32_t i = 0; i < num_rows; ++i)
    partitions[i] = SpillPartitioning::FromTop(hashes[rows != nullptr ? rows[i] : i], level);
  std::vector<Vector> columns(keys, keys + num_keys_);
  columns.insert(columns.end(), arguments, arguments + functions_->arguments().size());
  return out->AppendPartitioned(columns.data(), rows, num_rows, partitions);
}

Result<void> AggregateSpill::Close(std::vector<AggregatePart*> parts) {
  closed_ = std::move(parts);
  for (AggregatePart* part : closed_) part->PartitionForSpill(0);
  partitions_.resize(SpillPartitioning::kPartitions);
  for (auto& writer : writers_) {
    if (writer != nullptr) RETURN_IF_ERROR(writer->Close(&partitions_));
    writer.reset();
  }
  for (const SpilledPartition& partition : partitions_) {
    spilled_rows_ += partition.rows;
    spilled_bytes_ += partition.bytes;
  }
  return {};
}

Result<void> AggregateSpill::ForEachRow(const RowVisitor& visit) const {
  SpilledRowsReader reader(stored_, context_);
  std::vector<Vector> columns;
  for (const SpilledPartition& partition : partitions_) {
    reader.Open(&partition);
    while (true) {
      ASSIGN_OR_RETURN(const uint32_t count, reader.Next(&columns));
      if (count == 0) break;
      RETURN_IF_ERROR(visit(columns.data(), columns.data() + num_keys_, count));
    }
  }
  return {};
}

Result<std::unique_ptr<AggregatePart>> AggregateSpill::Next(Reading* reading) {
  while (true) {
    if (context_->cancelled()) return MakeError(ErrorCode::kCancelled, "query cancelled");
    std::unique_ptr<AggregatePart> part;
    if (!reading->levels.empty()) {
      Reading::Level& level = reading->levels.back();
      if (level.next == SpillPartitioning::kPartitions) {
        reading->levels.pop_back();
        continue;
      }
      const uint32_t partition = level.next++;
      // Build may add a level, which moves the others.
      const std::vector<AggregatePart*> closed = level.closed;
      const SpilledPartition rows = std::move(level.partitions[partition]);
      ASSIGN_OR_RETURN(part, Build(reading, closed, rows, partition, level.level));
    } else {
      const uint32_t partition = next_.fetch_add(1, std::memory_order_relaxed);
      if (partition >= SpillPartitioning::kPartitions) return std::unique_ptr<AggregatePart>();
      ASSIGN_OR_RETURN(part, Build(reading, closed_, partitions_[partition], partition, 0));
      partitions_[partition] = {};
    }
    if (part != nullptr && part->table().size() != 0) return part;
  }
}

// Puts one partition together. If it is too large, what was left out becomes a new level; the part
// is then complete but for groups that are on disk as a whole, or (states that grow with every row)
// belongs to the level and null is returned.
Result<std::unique_ptr<AggregatePart>> AggregateSpill::Build(
    Reading* reading, const std::vector<AggregatePart*>& closed, const SpilledPartition& rows,
    uint32_t partition, uint32_t level) {
  // Each level keeps what it holds for those below it.
  const size_t budget = context_->WorkerBudget();
  const bool may_split = level + 1 < SpillPartitioning::kMaxLevels;
  const size_t used_before = part_pool_.used_bytes();
  ASSIGN_OR_RETURN(
      std::unique_ptr<AggregatePart> part,
      AggregatePart::Make(&hashed_plans_, functions_, may_split ? &part_pool_ : context_->pool()));
  for (const AggregatePart* from : closed)
    RETURN_IF_ERROR(part->Merge(*from, static_cast<int>(partition)));
  std::unique_ptr<RowSpiller> writer;
  std::vector<Vector> columns;
  reading->rows.Open(&rows);
  while (true) {
    ASSIGN_OR_RETURN(const uint32_t count, reading->rows.Next(&columns));
    if (count == 0) break;
    if (writer == nullptr) {
      const size_t used_now = part_pool_.used_bytes();
      const size_t used = used_now > used_before ? used_now - used_before : 0;
      if (!may_split || !IsFull(*part, count, used, budget)) {
        RETURN_IF_ERROR(part->Add(columns.data(), columns.data() + num_keys_, count));
        continue;
      }
      writer = std::make_unique<RowSpiller>(stored_, SpillPartitioning::kPartitions, context_);
    }
    RETURN_IF_ERROR(AddClosed(part.get(), columns.data(), columns.data() + num_keys_, count,
                              level + 1, writer.get()));
  }
  if (writer == nullptr) return part;
  Reading::Level below;
  below.level = level + 1;
  below.partitions.resize(SpillPartitioning::kPartitions);
  RETURN_IF_ERROR(writer->Close(&below.partitions));
  if (grows_with_rows_) {
    part->PartitionForSpill(level + 1);
    below.closed = {part.get()};
    below.owned = std::move(part);
  }
  reading->levels.push_back(std::move(below));
  return part;
}

}  // namespace sirocco::engine
