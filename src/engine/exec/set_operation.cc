// UNION DISTINCT, INTERSECT [ALL], EXCEPT [ALL].
//
// Every worker groups the rows of an input in a table of its own; when an input ends, its groups are added to the common table with the number of rows
// per group. After the last input each group's counts say how often it is in the result. Inputs come one after the other (the compiler makes
// their pipelines depend on each other), so the common table needs no lock.
//
// Beyond the memory budget, groups with their counts go to disk in partitions of their hashes: the common table's as they are after the inputs
// seen so far, and those of each further input. The source then does the same with one partition after the other.
#include <algorithm>
#include <atomic>

#include "engine/exec/breakers.h"
#include "engine/exec/group_table.h"
#include "engine/exec/spilled_rows.h"
#include "engine/exec/streaming.h"

namespace sirocco::engine {

namespace {

using plan::SetOperation;

// What the inputs share: the rows seen so far and how often each is in the result.
struct SetRows {
  SetRows(SetOperation operation, QueryContext* query)
      : kind(operation),
        context(query),
        may_spill(query->spill() != nullptr),
        pool("a set operation", MemoryPool::kUnlimited, query->pool(), may_spill),
        groups(&pool) {}

  // Groups and how often each is in the result so far.
  struct Groups {
    explicit Groups(MemoryPool* pool) : counts(pool) {}
    std::unique_ptr<GroupTable> table;
    GrowArray<int64_t> counts;
  };

  const SetOperation kind;
  QueryContext* context;
  const bool may_spill;
  MemoryPool pool;
  GroupKeyPlan plan;
  BatchLayout layout;
  Groups groups;

  // On disk: the groups after the inputs before first_on_disk, and those of each input from there, by partition; columns as in `layout`, then
  // the count.
  std::atomic<bool> spilled{false};
  std::vector<StoredColumn> stored;
  GroupKeyPlan disk_plan;   // without arrays: of a part of the keys
  size_t first_on_disk = 0;
  bool base_written = false;
  std::vector<SpilledPartition> base;
  std::vector<std::vector<SpilledPartition>> inputs;

  // Applies an input to the groups: found[g] rows of each. Groups from `known` on were not there before.
  Result<void> Apply(size_t input, uint32_t known, const GrowArray<int64_t>& found, Groups* to) const {
    const uint32_t size = to->table->size();
    RETURN_IF_ERROR(to->counts.Reserve(size));
    const bool can_add = input == 0 || kind == SetOperation::kUnion;
    for (uint32_t g = 0; g < size; ++g) {
      const int64_t before = g < known ? to->counts[g] : 0;
      to->counts[g] = g < known || can_add ? After(input, before, found[g]) : 0;
    }
    return {};
  }
  // Adds all groups of a table to `writer`.
  Result<void> Write(const GroupTable& table, const GrowArray<int64_t>& group_counts, RowSpiller* writer) const {
    std::vector<VectorBuffer> buffers(layout.columns.size());
    std::vector<Vector> vectors(stored.size());
    uint32_t partitions[kVectorSize];
    for (uint32_t first = 0; first < table.size(); first += kVectorSize) {
      const uint32_t count = std::min(kVectorSize, table.size() - first);
      for (size_t c = 0; c < buffers.size(); ++c) vectors[c] = table.ReadKey(c, first, count, &buffers[c]);
      vectors.back() = {.lane = Lane::kI64, .data = group_counts.data() + first};
      for (uint32_t i = 0; i < count; ++i) partitions[i] = SpillPartitioning::FromTop(table.HashOf(first + i), 0);
      RETURN_IF_ERROR(writer->AppendPartitioned(vectors.data(), nullptr, count, partitions));
    }
    return {};
  }
  void PartitionRows(const std::vector<Vector>& vectors, uint32_t count, uint32_t level, uint32_t* partitions) const {
    uint64_t hashes[kVectorSize];
    if (disk_plan.packed()) {
      disk_plan.Pack(vectors.data(), count, hashes);
      for (uint32_t i = 0; i < count; ++i) hashes[i] = MixKey(hashes[i]);
    } else {
      disk_plan.Hash(vectors.data(), count, hashes);
    }
    for (uint32_t i = 0; i < count; ++i) partitions[i] = SpillPartitioning::FromTop(hashes[i], level);
  }

  bool is_all() const { return kind == SetOperation::kIntersectAll || kind == SetOperation::kExceptAll; }
  // The new count of a group that had `before` copies, after an input with `rows` of it.
  int64_t After(size_t input, int64_t before, int64_t rows) const {
    if (!is_all()) rows = std::min<int64_t>(rows, 1);
    if (input == 0) return rows;
    switch (kind) {
      case SetOperation::kIntersect:
      case SetOperation::kIntersectAll: return std::min(before, rows);
      case SetOperation::kExcept: return rows != 0 ? 0 : before;
      case SetOperation::kExceptAll: return std::max<int64_t>(before - rows, 0);
      default: return std::max(before, rows);
    }
  }
};

// Reads groups, each as often as it counts.
class GroupReader {
 public:
  explicit GroupReader(const BatchLayout& layout) : keys_(layout.columns.size()), out_(layout.columns.size()) {}

  // Groups first..first+count of a table, for Next.
  void Start(const SetRows::Groups& groups, uint32_t first, uint32_t count) {
    vectors_.clear();
    for (size_t c = 0; c < keys_.size(); ++c) vectors_.push_back(groups.table->ReadKey(c, first, count, &keys_[c]));
    counts_ = groups.counts.data() + first;
    count_ = count;
    row_ = 0;
    left_ = count == 0 ? 0 : counts_[0];
  }
  // False at the end.
  bool Next(Batch* batch) {
    uint16_t rows[kVectorSize];
    uint32_t n = 0;
    while (n < kVectorSize && row_ < count_) {
      const auto take = static_cast<uint32_t>(std::min<int64_t>(left_, kVectorSize - n));
      std::fill_n(rows + n, take, static_cast<uint16_t>(row_));
      n += take;
      left_ -= take;
      if (left_ == 0 && ++row_ < count_) left_ = counts_[row_];
    }
    if (n == 0) return false;
    batch->count = n;
    batch->vectors.resize(keys_.size());
    for (size_t c = 0; c < keys_.size(); ++c) {
      const Vector& key = vectors_[c];
      out_[c].Reset(key.lane);
      Vector out = out_[c].Flat();
      out.dictionary = key.dictionary;
      if (key.nulls != nullptr) out.nulls = out_[c].Nulls();
      GatherVector(key, rows, n, out, 0);
      batch->vectors[c] = out;
    }
    return true;
  }

 private:
  std::vector<VectorBuffer> keys_, out_;
  std::vector<Vector> vectors_;
  const int64_t* counts_ = nullptr;
  uint32_t count_ = 0, row_ = 0;
  int64_t left_ = 0;   // copies of row_ still to be read
};

class SetSource final : public Source {
 public:
  explicit SetSource(const SetRows* rows) : rows_(rows) {}
  std::unique_ptr<LocalState> MakeState(uint32_t) override { return std::make_unique<State>(rows_->layout); }
  OperatorStatistics Describe() const override { return {.name = "Read set"}; }
  const BatchLayout& layout() const override { return rows_->layout; }
  uint32_t num_morsels() const override { return (rows_->groups.table->size() + 65535) / 65536; }

  Result<bool> Next(LocalState* local, Batch* batch) override {
    auto* state = static_cast<State*>(local);
    while (!state->reader.Next(batch)) {
      const uint32_t first = next_.fetch_add(kVectorSize, std::memory_order_relaxed);
      const uint32_t size = rows_->groups.table->size();
      if (first >= size) return false;
      state->reader.Start(rows_->groups, first, std::min(kVectorSize, size - first));
    }
    return true;
  }

 private:
  struct State final : LocalState {
    explicit State(const BatchLayout& layout) : reader(layout) {}
    GroupReader reader;
  };
  const SetRows* rows_;
  std::atomic<uint32_t> next_{0};
};

// Reads the result from disk: each partition's groups are put together and read.
class DiskSetSource final : public Source {
 public:
  explicit DiskSetSource(SetRows* rows) : rows_(rows) {}
  std::unique_ptr<LocalState> MakeState(uint32_t) override { return std::make_unique<State>(*rows_); }
  OperatorStatistics Describe() const override { return {.name = "Read set from disk"}; }
  const BatchLayout& layout() const override { return rows_->layout; }
  uint32_t num_morsels() const override { return SpillPartitioning::kPartitions; }

  Result<bool> Next(LocalState* local, Batch* batch) override {
    auto* state = static_cast<State*>(local);
    while (!state->reader.Next(batch)) {
      if (state->groups.table == nullptr || state->next >= state->groups.table->size()) {
        ASSIGN_OR_RETURN(const bool more, NextPart(state));
        if (!more) return false;
        state->next = 0;
      }
      const uint32_t count = std::min(kVectorSize, state->groups.table->size() - state->next);
      state->reader.Start(state->groups, state->next, count);
      state->next += count;
    }
    return true;
  }

 private:
  // A partition of the groups known before, and of each input after.
  struct Part {
    std::vector<SpilledPartition> rows;
    uint32_t level = 0;
  };
  struct State final : LocalState {
    explicit State(const SetRows& rows)
        : reader(rows.layout),
          pool("a set's partition", MemoryPool::kUnlimited, rows.context->pool(), true),
          groups(&pool),
          disk(rows.stored, rows.context) {}
    GroupReader reader;
    MemoryPool pool;   // sizes are watched here
    SetRows::Groups groups;
    uint32_t next = 0;
    std::vector<Part> pending;
    SpilledRowsReader disk;
  };

  Result<bool> NextPart(State* state) {
    QueryContext* context = rows_->context;
    while (true) {
      if (context->cancelled()) return MakeError(ErrorCode::kCancelled, "query cancelled");
      Part part;
      if (!state->pending.empty()) {
        part = std::move(state->pending.back());
        state->pending.pop_back();
      } else {
        const uint32_t p = next_.fetch_add(1, std::memory_order_relaxed);
        if (p >= SpillPartitioning::kPartitions) return false;
        const auto take = [&](std::vector<SpilledPartition>& from) {
          part.rows.push_back(p < from.size() ? std::move(from[p]) : SpilledPartition{});
        };
        take(rows_->base);
        for (auto& input : rows_->inputs) take(input);
      }
      uint64_t rows = 0, bytes = 0;
      for (const SpilledPartition& one : part.rows) {
        rows += one.rows;
        bytes += one.bytes;
      }
      if (rows == 0) continue;
      if (2 * bytes + rows * 48 > context->WorkerBudget() && part.level + 1 < SpillPartitioning::kMaxLevels) {
        RETURN_IF_ERROR(Split(std::move(part), state));
        continue;
      }
      RETURN_IF_ERROR(Build(part, state));
      return true;
    }
  }

  Result<void> Split(Part part, State* state) {
    const uint32_t level = part.level + 1;
    std::vector<Part> parts(SpillPartitioning::kPartitions);
    for (SpilledPartition& from : part.rows) {
      RowSpiller writer(rows_->stored, SpillPartitioning::kPartitions, rows_->context);
      std::vector<Vector> vectors;
      uint32_t partitions[kVectorSize];
      state->disk.Open(&from);
      while (true) {
        ASSIGN_OR_RETURN(const uint32_t count, state->disk.Next(&vectors));
        if (count == 0) break;
        rows_->PartitionRows(vectors, count, level, partitions);
        RETURN_IF_ERROR(writer.AppendPartitioned(vectors.data(), nullptr, count, partitions));
      }
      std::vector<SpilledPartition> split;
      RETURN_IF_ERROR(writer.Close(&split));
      for (size_t p = 0; p < parts.size(); ++p) {
        parts[p].rows.push_back(std::move(split[p]));
        parts[p].level = level;
      }
      from = {};
    }
    std::move(parts.begin(), parts.end(), std::back_inserter(state->pending));
    return {};
  }

  Result<void> Build(const Part& part, State* state) {
    SetRows::Groups& groups = state->groups;
    groups.table = std::make_unique<GroupTable>(&rows_->disk_plan, &state->pool);
    groups.counts.Reset();
    std::vector<Vector> vectors;
    uint32_t ids[kVectorSize];
    for (size_t i = 0; i < part.rows.size(); ++i) {
      const uint32_t known = groups.table->size();
      GrowArray<int64_t> found(&state->pool);
      RETURN_IF_ERROR(found.Reserve(std::max(known, 1u)));
      state->disk.Open(&part.rows[i]);
      while (true) {
        ASSIGN_OR_RETURN(const uint32_t count, state->disk.Next(&vectors));
        if (count == 0) break;
        RETURN_IF_ERROR(groups.table->FindOrInsert(vectors.data(), count, ids));
        RETURN_IF_ERROR(found.Reserve(groups.table->size()));
        const int64_t* rows = vectors.back().i64();
        for (uint32_t r = 0; r < count; ++r) found[ids[r]] += rows[r];
      }
      RETURN_IF_ERROR(found.Reserve(std::max(groups.table->size(), 1u)));
      if (i > 0) {
        RETURN_IF_ERROR(rows_->Apply(rows_->first_on_disk + i - 1, known, found, &groups));
        continue;
      }
      // What was known before has its counts already.
      RETURN_IF_ERROR(groups.counts.Reserve(groups.table->size()));
      for (uint32_t g = 0; g < groups.table->size(); ++g) groups.counts[g] = found[g];
    }
    return {};
  }

  SetRows* rows_;
  std::atomic<uint32_t> next_{0};
};

class SetSink final : public MaterializingSink {
 public:
  SetSink(std::shared_ptr<SetRows> rows, size_t input, std::vector<uint32_t> positions)
      : rows_(std::move(rows)), input_(input), positions_(std::move(positions)) {
    for (uint32_t w = 0; w < rows_->context->num_workers(); ++w)
      workers_.push_back(std::make_unique<Worker>(rows_.get()));
  }

  std::unique_ptr<LocalState> MakeState(uint32_t worker) override {
    auto state = std::make_unique<State>();
    state->worker = workers_[worker].get();
    state->converted.resize(positions_.size());
    state->vectors.resize(positions_.size());
    return state;
  }
  OperatorStatistics Describe() const override {
    return {.name = "Set operation, input " + std::to_string(input_ + 1), .rows_out = rows_->groups.table->size(),
            .detail = rows_->spilled ? "on disk" : ""};
  }

  Result<void> Consume(const Batch& batch, LocalState* local) override {
    auto* state = static_cast<State*>(local);
    for (size_t c = 0; c < positions_.size(); ++c)
      state->vectors[c] =
          ConvertLane(batch.vectors[positions_[c]], batch.count, rows_->layout.columns[c].type, rows_->layout.columns[c].lane,
                      &state->converted[c]);
    Worker& worker = *state->worker;
    uint32_t groups[kVectorSize];
    RETURN_IF_ERROR(worker.table->FindOrInsert(state->vectors.data(), batch.count, groups));
    RETURN_IF_ERROR(worker.counts.Reserve(worker.table->size()));
    for (uint32_t i = 0; i < batch.count; ++i) ++worker.counts[groups[i]];
    if (!rows_->may_spill) return {};
    if (!rows_->spilled.load(std::memory_order_relaxed)) {
      // The workers' groups will be in the common table once more.
      const size_t used = rows_->pool.used_bytes();
      if (!rows_->context->MustSpill(used + used / 2)) return {};
      rows_->spilled.store(true, std::memory_order_relaxed);
    }
    // Groups are collected so that pages are worth writing.
    return worker.pool.used_bytes() < rows_->context->smallest_budget() ? Result<void>{} : Spill(&worker);
  }

  Result<std::vector<Task>> Finish() override {
    if (finished_) return std::vector<Task>{};
    finished_ = true;
    if (rows_->spilled) {
      RETURN_IF_ERROR(FinishOnDisk());
      return std::vector<Task>{};
    }
    SetRows::Groups& groups = rows_->groups;
    const uint32_t known = groups.table->size();
    // Rows per group of this input; groups found here for the first time come behind the known ones.
    GrowArray<int64_t> found(&rows_->pool);
    for (auto& worker : workers_) {
      for (uint32_t first = 0; first < worker->table->size(); first += kVectorSize) {
        if (rows_->context->cancelled()) return MakeError(ErrorCode::kCancelled, "query cancelled");
        const uint32_t count = std::min(kVectorSize, worker->table->size() - first);
        uint32_t from[kVectorSize], to[kVectorSize];
        for (uint32_t i = 0; i < count; ++i) from[i] = first + i;
        RETURN_IF_ERROR(groups.table->Absorb(*worker->table, from, count, to));
        RETURN_IF_ERROR(found.Reserve(groups.table->size()));
        for (uint32_t i = 0; i < count; ++i) found[to[i]] += worker->counts[first + i];
      }
    }
    RETURN_IF_ERROR(found.Reserve(groups.table->size()));
    RETURN_IF_ERROR(rows_->Apply(input_, known, found, &groups));
    workers_.clear();
    return std::vector<Task>{};
  }

  std::unique_ptr<Source> MakeSource() override {
    if (rows_->spilled) return std::make_unique<DiskSetSource>(rows_.get());
    return std::make_unique<SetSource>(rows_.get());
  }
  const BatchLayout& output_layout() const override { return rows_->layout; }

 private:
  struct Worker {
    explicit Worker(SetRows* rows)
        : pool("rows of a set", MemoryPool::kUnlimited, &rows->pool, rows->may_spill),
          table(std::make_unique<GroupTable>(&rows->plan, &pool)),
          counts(&pool) {}
    MemoryPool pool;
    std::unique_ptr<GroupTable> table;
    GrowArray<int64_t> counts;
    std::unique_ptr<RowSpiller> writer;
  };

  // Moves a worker's groups to disk.
  Result<void> Spill(Worker* worker) {
    if (worker->writer == nullptr)
      worker->writer =
          std::make_unique<RowSpiller>(rows_->stored, SpillPartitioning::kPartitions, rows_->context);
    RETURN_IF_ERROR(rows_->Write(*worker->table, worker->counts, worker->writer.get()));
    worker->table = std::make_unique<GroupTable>(&rows_->plan, &worker->pool);
    worker->counts.Reset();
    return {};
  }

  Result<void> FinishOnDisk() {
    if (!rows_->base_written) {
      rows_->base_written = true;
      rows_->first_on_disk = input_;
      RowSpiller writer(rows_->stored, SpillPartitioning::kPartitions, rows_->context);
      RETURN_IF_ERROR(rows_->Write(*rows_->groups.table, rows_->groups.counts, &writer));
      RETURN_IF_ERROR(writer.Close(&rows_->base));
      rows_->groups.table = std::make_unique<GroupTable>(&rows_->plan, &rows_->pool);
      rows_->groups.counts.Reset();
    }
    std::vector<SpilledPartition> partitions;
    for (auto& worker : workers_) {
      RETURN_IF_ERROR(Spill(worker.get()));
      RETURN_IF_ERROR(worker->writer->Close(&partitions));
    }
    workers_.clear();
    rows_->inputs.push_back(std::move(partitions));
    return {};
  }
  struct State final : LocalState {
    Worker* worker = nullptr;
    std::vector<LaneBuffer> converted;
    std::vector<Vector> vectors;
  };
  std::shared_ptr<SetRows> rows_;
  const size_t input_;
  const std::vector<uint32_t> positions_;
  std::vector<std::unique_ptr<Worker>> workers_;
  bool finished_ = false;
};

}  // namespace

Result<std::vector<std::unique_ptr<MaterializingSink>>> MakeSetOperation(const plan::Node& node,
                                                                         const std::vector<BatchLayout>& inputs,
                                                                         QueryContext* context) {
  auto rows = std::make_shared<SetRows>(node.set_operation, context);
  std::vector<std::vector<uint32_t>> positions(inputs.size());
  for (size_t c = 0; c < node.set_outputs.size(); ++c) {
    const auto& [id, type] = node.set_outputs[c];
    ColumnInfo merged;
    for (size_t k = 0; k < inputs.size(); ++k) {
      const int position = inputs[k].Find(node.set_inputs[k][c]);
      if (position < 0) return MakeError(ErrorCode::kInvalidArgument, "input of a set operation lacks a column");
      positions[k].push_back(static_cast<uint32_t>(position));
      const ColumnInfo& info = inputs[k].columns[static_cast<size_t>(position)];
      if (k == 0) {
        merged = info;
        continue;
      }
      if (info.lane != merged.lane || info.dictionary != merged.dictionary) {
        merged.lane = plan::LaneOf(type);
        merged.dictionary = nullptr;
      }
      merged.nullable |= info.nullable;
      merged.range.known &= info.range.known;
      merged.range.min = std::min(merged.range.min, info.range.min);
      merged.range.max = std::max(merged.range.max, info.range.max);
      merged.num_distinct =
          merged.num_distinct < 0 || info.num_distinct < 0 ? -1 : merged.num_distinct + info.num_distinct;
    }
    merged.id = id;
    merged.type = type;
    for (size_t k = 0; k < inputs.size(); ++k)
      if (!LaneOperator::CanConvert(type, inputs[k].columns[positions[k][c]].lane, merged.lane))
        return NotSupported("a set operation on " + plan::TypeName(type) + " is not supported");
    rows->layout.columns.push_back(merged);
  }
  ASSIGN_OR_RETURN(rows->plan, GroupKeyPlan::Make(rows->layout.columns));
  rows->disk_plan = rows->plan.WithoutArray();
  if (rows->may_spill) {
    // An array of the whole domain must not use up what the groups need.
    if (rows->plan.mode() == GroupKeyPlan::Mode::kDirect &&
        rows->plan.domain() > context->pool()->available_bytes() / 32 / context->num_workers())
      rows->plan = rows->disk_plan;
    for (const ColumnInfo& column : rows->layout.columns) rows->stored.push_back(PlanStorage(column));
    rows->stored.push_back(PlanStorage({.lane = Lane::kI64, .nullable = false}));
  }
  rows->groups.table = std::make_unique<GroupTable>(&rows->plan, &rows->pool);

  std::vector<std::unique_ptr<MaterializingSink>> sinks;
  for (size_t k = 0; k < inputs.size(); ++k) sinks.push_back(std::make_unique<SetSink>(rows, k, std::move(positions[k])));
  return sinks;
}

}  // namespace sirocco::engine
