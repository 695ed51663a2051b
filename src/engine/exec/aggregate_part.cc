#include "engine/exec/aggregate_part.h"

#include <algorithm>

#include "common/check.h"
#include "engine/exec/spilled_rows.h"

namespace sirocco::engine {

namespace {

// Up to so many groups, rows of a batch are ordered by group first (accumulator.h): 2 ns a row once, then every sum runs in a register instead
// of waiting for its own last store.
constexpr uint32_t kMaxGroupsToOrder = 32;

uint32_t PartitionOf(uint64_t hash, uint32_t num_partitions) {
  return static_cast<uint32_t>((static_cast<unsigned __int128>(hash) * num_partitions) >> 64);
}

template <typename PartitionOfRow>
PartitionLists Split(uint32_t num_rows, uint32_t num_partitions, PartitionOfRow partition_of) {
  PartitionLists lists;
  lists.starts.assign(num_partitions + 1, 0);
  for (uint32_t row = 0; row < num_rows; ++row) ++lists.starts[partition_of(row) + 1];
  for (uint32_t p = 0; p < num_partitions; ++p) lists.starts[p + 1] += lists.starts[p];
  lists.rows.resize(num_rows);
  std::vector<uint32_t> next(lists.starts.begin(), lists.starts.end() - 1);
  for (uint32_t row = 0; row < num_rows; ++row) lists.rows[next[partition_of(row)]++] = row;
  return lists;
}

// Calls function(rows, count) for runs of at most kVectorSize rows of one partition, or of all rows 0..size.
template <typename Function>
Result<void> ForRuns(const PartitionLists& lists, int partition, uint32_t size, Function function) {
  if (partition >= 0) {
    const uint32_t end = lists.starts[static_cast<size_t>(partition) + 1];
    for (uint32_t at = lists.starts[static_cast<size_t>(partition)]; at < end; at += kVectorSize)
      RETURN_IF_ERROR(function(lists.rows.data() + at, std::min(kVectorSize, end - at)));
    return {};
  }
  uint32_t rows[kVectorSize];
  for (uint32_t at = 0; at < size; at += kVectorSize) {
    const uint32_t count = std::min(kVectorSize, size - at);
    for (uint32_t i = 0; i < count; ++i) rows[i] = at + i;
    RETURN_IF_ERROR(function(rows, count));
  }
  return {};
}

}  // namespace

Result<GroupingPlans> GroupingPlans::Make(const std::vector<ColumnInfo>& keys, size_t num_keys,
                                          const AggregateSet& functions) {
  GroupingPlans plans;
  const std::vector<ColumnInfo> columns(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(num_keys));
  ASSIGN_OR_RETURN(plans.groups, GroupKeyPlan::Make(columns));
  for (const std::vector<size_t>& set : functions.distinct_sets()) {
    std::vector<ColumnInfo> with_arguments = columns;
    for (size_t arg : set) with_arguments.push_back(functions.arguments()[arg]);
    ASSIGN_OR_RETURN(GroupKeyPlan plan, GroupKeyPlan::Make(std::move(with_arguments)));
    plans.distinct.push_back(std::move(plan));
  }
  return plans;
}

GroupingPlans GroupingPlans::WithoutArrays() const {
  GroupingPlans plans;
  plans.groups = groups.WithoutArray();
  for (const GroupKeyPlan& plan : distinct) plans.distinct.push_back(plan.WithoutArray());
  return plans;
}

AggregatePart::AggregatePart(const GroupingPlans* plans, const AggregateSet* functions, MemoryPool* pool)
    : plans_(plans), functions_(functions), table_(&plans->groups, pool) {
  for (const GroupKeyPlan& plan : plans->distinct) distinct_.push_back(std::make_unique<DistinctEntries>(&plan, pool));
}

Result<std::unique_ptr<AggregatePart>> AggregatePart::Make(const GroupingPlans* plans, const AggregateSet* functions,
                                                           MemoryPool* pool) {
  std::unique_ptr<AggregatePart> part(new AggregatePart(plans, functions, pool));
  ASSIGN_OR_RETURN(part->states_, functions->MakeStates(pool));
  part->groups_.resize(kVectorSize);
  part->entries_.resize(kVectorSize);
  return part;
}

Result<void> AggregatePart::ResizeStates() {
  for (auto& state : states_) RETURN_IF_ERROR(state->Resize(table_.size()));
  return {};
}

Result<void> AggregatePart::AddImplicitGroup() {
  RETURN_IF_ERROR(table_.FindOrInsert(nullptr, 0, nullptr));
  return ResizeStates();
}

GroupedRows AggregatePart::OrderByGroup(const uint32_t* groups, uint32_t count) {
  const uint32_t num_groups = table_.size();
  starts_.assign(num_groups + 1, 0);
  ordered_rows_.resize(kVectorSize);
  for (uint32_t i = 0; i < count; ++i) ++starts_[groups[i] + 1];
  for (uint32_t g = 0; g < num_groups; ++g) starts_[g + 1] += starts_[g];
  uint32_t next[kMaxGroupsToOrder];
  std::copy_n(starts_.begin(), num_groups, next);
  for (uint32_t i = 0; i < count; ++i) ordered_rows_[next[groups[i]]++] = static_cast<uint16_t>(i);
  return {ordered_rows_.data(), starts_.data(), num_groups};
}

Result<void> AggregatePart::SetOwners(DistinctEntries* entries, const uint32_t* ids, const uint32_t* groups,
                                      uint32_t count) {
  RETURN_IF_ERROR(entries->owner.Reserve(entries->table.size()));
  for (uint32_t i = 0; i < count; ++i) entries->owner[ids[i]] = groups[i];
  return {};
}

Result<void> AggregatePart::Add(const Vector* keys, const Vector* arguments, uint32_t count) {
  RETURN_IF_ERROR(table_.FindOrInsert(keys, count, groups_.data()));
  RETURN_IF_ERROR(ResizeStates());
  return UpdateStates(keys, arguments, count);
}

Result<uint32_t> AggregatePart::AddKnown(const Vector* keys, const Vector* arguments, uint32_t count, uint16_t* others) {
  DCHECK(distinct_.empty());
  table_.Find(keys, count, groups_.data());
  uint16_t known[kVectorSize];
  uint32_t num_known = 0, num_others = 0;
  for (uint32_t i = 0; i < count; ++i) {
    if (groups_[i] == GroupTable::kNoGroup) {
      others[num_others++] = static_cast<uint16_t>(i);
    } else {
      groups_[num_known] = groups_[i];
      known[num_known++] = static_cast<uint16_t>(i);
    }
  }
  if (num_known == 0) return num_others;
  if (num_known == count) {
    RETURN_IF_ERROR(UpdateStates(keys, arguments, count));
    return 0;
  }
  const size_t num_args = functions_->arguments().size();
  std::vector<VectorBuffer> buffers(num_args);
  std::vector<Vector> gathered(num_args);
  for (size_t a = 0; a < num_args; ++a) {
    buffers[a].Reset(arguments[a].lane);
    gathered[a] = buffers[a].Flat();
    gathered[a].dictionary = arguments[a].dictionary;
    if (arguments[a].nulls != nullptr) gathered[a].nulls = buffers[a].Nulls();
    GatherVector(arguments[a], known, num_known, gathered[a], 0);
  }
  RETURN_IF_ERROR(UpdateStates(keys, gathered.data(), num_known));
  return num_others;
}

// The rows' groups are in groups_.
Result<void> AggregatePart::UpdateStates(const Vector* keys, const Vector* arguments, uint32_t count) {
  const bool order = table_.size() <= kMaxGroupsToOrder && count > 2 * table_.size();
  const GroupedRows grouped = order ? OrderByGroup(groups_.data(), count) : GroupedRows{};

  const auto& primitives = functions_->primitives();
  std::vector<Vector> args;
  for (size_t p = 0; p < primitives.size(); ++p) {
    if (primitives[p].distinct_set >= 0) continue;
    args.clear();
    for (size_t arg : primitives[p].args) args.push_back(arguments[arg]);
    RETURN_IF_ERROR(order ? states_[p]->UpdateGrouped(args.data(), grouped, groups_.data(), count)
                          : states_[p]->Update(args.data(), groups_.data(), count));
  }

  const size_t num_keys = plans_->groups.columns().size();
  for (size_t s = 0; s < distinct_.size(); ++s) {
    args.assign(keys, keys + num_keys);
    for (size_t arg : functions_->distinct_sets()[s]) args.push_back(arguments[arg]);
    RETURN_IF_ERROR(distinct_[s]->table.FindOrInsert(args.data(), count, entries_.data()));
    RETURN_IF_ERROR(SetOwners(distinct_[s].get(), entries_.data(), groups_.data(), count));
  }
  return {};
}

void AggregatePart::Partition(uint32_t num_partitions) {
  PartitionBy(num_partitions,
              [&](uint32_t group) { return PartitionOf(table_.PartitionHash(group), num_partitions); });
}

void AggregatePart::PartitionForSpill(uint32_t level) {
  PartitionBy(SpillPartitioning::kPartitions,
              [&](uint32_t group) { return SpillPartitioning::FromTop(table_.HashOf(group), level); });
}

template <typename PartitionOfGroup>
void AggregatePart::PartitionBy(uint32_t num_partitions, PartitionOfGroup partition_of) {
  partitions_ = Split(table_.size(), num_partitions, partition_of);
  for (auto& entries : distinct_)
    entries->partitions = Split(entries->table.size(), num_partitions,
                                [&](uint32_t entry) { return partition_of(entries->owner[entry]); });
}

Result<void> AggregatePart::Merge(const AggregatePart& from, int partition) {
  // Group numbers of `from` -> ours; needed for the owners of distinct entries.
  std::vector<uint32_t> ours(distinct_.empty() ? 0 : from.table_.size());
  RETURN_IF_ERROR(ForRuns(from.partitions_, partition, from.table_.size(),
                          [&](const uint32_t* groups, uint32_t count) -> Result<void> {
                            if (functions_->cancelled())
                              return MakeError(ErrorCode::kCancelled, "query cancelled");
                            RETURN_IF_ERROR(table_.Absorb(from.table_, groups, count, groups_.data()));
                            RETURN_IF_ERROR(ResizeStates());
                            for (size_t p = 0; p < states_.size(); ++p)
                              if (functions_->primitives()[p].distinct_set < 0)
                                RETURN_IF_ERROR(states_[p]->Merge(*from.states_[p], groups, groups_.data(), count));
                            if (!ours.empty())
                              for (uint32_t i = 0; i < count; ++i) ours[groups[i]] = groups_[i];
                            return {};
                          }));
  for (size_t s = 0; s < distinct_.size(); ++s) {
    const DistinctEntries& source = *from.distinct_[s];
    RETURN_IF_ERROR(ForRuns(source.partitions, partition, source.table.size(),
                            [&](const uint32_t* entries, uint32_t count) -> Result<void> {
                              if (functions_->cancelled())
                                return MakeError(ErrorCode::kCancelled, "query cancelled");
                              RETURN_IF_ERROR(
                                  distinct_[s]->table.Absorb(source.table, entries, count, entries_.data()));
                              for (uint32_t i = 0; i < count; ++i) groups_[i] = ours[source.owner[entries[i]]];
                              return SetOwners(distinct_[s].get(), entries_.data(), groups_.data(), count);
                            }));
  }
  return {};
}

Result<void> AggregatePart::MergeCoarser(const AggregatePart& from) {
  const size_t num_keys = plans_->groups.columns().size();
  const size_t from_keys = from.plans_->groups.columns().size();
  std::vector<uint32_t> ours(from.table_.size());
  std::vector<VectorBuffer> buffers(num_keys + functions_->arguments().size());
  std::vector<Vector> keys;
  for (uint32_t first = 0; first < from.table_.size(); first += kVectorSize) {
    if (functions_->cancelled()) return MakeError(ErrorCode::kCancelled, "query cancelled");
    const uint32_t count = std::min(kVectorSize, from.table_.size() - first);
    keys.clear();
    for (size_t c = 0; c < num_keys; ++c) keys.push_back(from.table_.ReadKey(c, first, count, &buffers[c]));
    RETURN_IF_ERROR(table_.FindOrInsert(keys.data(), count, ours.data() + first));
    RETURN_IF_ERROR(ResizeStates());
    for (uint32_t i = 0; i < count; ++i) entries_[i] = first + i;
    for (size_t p = 0; p < states_.size(); ++p)
      if (functions_->primitives()[p].distinct_set < 0)
        RETURN_IF_ERROR(states_[p]->Merge(*from.states_[p], entries_.data(), ours.data() + first, count));
  }
  for (size_t s = 0; s < distinct_.size(); ++s) {
    const DistinctEntries& source = *from.distinct_[s];
    const size_t num_args = functions_->distinct_sets()[s].size();
    for (uint32_t first = 0; first < source.table.size(); first += kVectorSize) {
      if (functions_->cancelled()) return MakeError(ErrorCode::kCancelled, "query cancelled");
      const uint32_t count = std::min(kVectorSize, source.table.size() - first);
      keys.clear();
      for (size_t c = 0; c < num_keys; ++c) keys.push_back(source.table.ReadKey(c, first, count, &buffers[c]));
      for (size_t a = 0; a < num_args; ++a)
        keys.push_back(source.table.ReadKey(from_keys + a, first, count, &buffers[num_keys + a]));
      RETURN_IF_ERROR(distinct_[s]->table.FindOrInsert(keys.data(), count, entries_.data()));
      for (uint32_t i = 0; i < count; ++i) groups_[i] = ours[source.owner[first + i]];
      RETURN_IF_ERROR(SetOwners(distinct_[s].get(), entries_.data(), groups_.data(), count));
    }
  }
  return {};
}

Result<void> AggregatePart::FinishDistinct() {
  RETURN_IF_ERROR(ResizeStates());
  const auto& primitives = functions_->primitives();
  const size_t num_keys = plans_->groups.columns().size();
  for (size_t p = 0; p < primitives.size(); ++p) {
    if (primitives[p].distinct_set < 0) continue;
    const auto set = static_cast<size_t>(primitives[p].distinct_set);
    const DistinctEntries& entries = *distinct_[set];
    const std::vector<size_t>& set_args = functions_->distinct_sets()[set];
    std::vector<VectorBuffer> buffers(primitives[p].args.size());
    std::vector<Vector> args(primitives[p].args.size());
    for (uint32_t first = 0; first < entries.table.size(); first += kVectorSize) {
      if (functions_->cancelled()) return MakeError(ErrorCode::kCancelled, "query cancelled");
      const uint32_t count = std::min(kVectorSize, entries.table.size() - first);
      for (size_t a = 0; a < args.size(); ++a) {
        const auto position = static_cast<size_t>(
            std::find(set_args.begin(), set_args.end(), primitives[p].args[a]) - set_args.begin());
        args[a] = entries.table.ReadKey(num_keys + position, first, count, &buffers[a]);
      }
      RETURN_IF_ERROR(states_[p]->Update(args.data(), entries.owner.data() + first, count));
    }
  }
  return {};
}

}  // namespace sirocco::engine
