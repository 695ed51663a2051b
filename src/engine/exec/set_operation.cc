// UNION DISTINCT, INTERSECT [ALL], EXCEPT [ALL].
//
// Every worker groups the rows of an input in a table of its own; when an input ends, its groups are added to the common table with the number of rows
// per group. After the last input each group's counts say how often it is in the result. Inputs come one after the other (the compiler makes
// their pipelines depend on each other), so the common table needs no lock.
#include <algorithm>
#include <atomic>

#include "engine/exec/breakers.h"
#include "engine/exec/group_table.h"
#include "engine/exec/streaming.h"

namespace sirocco::engine {

namespace {

using plan::SetOperation;

// What the inputs share: the rows seen so far and how often each is in the result.
struct SetRows {
  SetRows(SetOperation operation, QueryContext* query) : kind(operation), context(query), counts(query->pool()) {}

  const SetOperation kind;
  QueryContext* context;
  GroupKeyPlan plan;
  BatchLayout layout;
  std::unique_ptr<GroupTable> table;
  GrowArray<int64_t> counts;   // per group: copies in the result so far
  std::atomic<bool> done{false};

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

// Reads the result: each group as often as it counts.
class SetSource final : public Source {
 public:
  explicit SetSource(const SetRows* rows) : rows_(rows) {}
  std::unique_ptr<LocalState> MakeState(uint32_t) override {
    auto state = std::make_unique<State>();
    state->keys.resize(rows_->layout.columns.size());
    state->out.resize(rows_->layout.columns.size());
    return state;
  }
  OperatorStatistics Describe() const override { return {.name = "Read set"}; }
  const BatchLayout& layout() const override { return rows_->layout; }
  uint32_t num_morsels() const override { return (rows_->table->size() + 65535) / 65536; }

  Result<bool> Next(LocalState* local, Batch* batch) override {
    auto* state = static_cast<State*>(local);
    for (;;) {
      if (state->at < state->repeats.size()) {
        const auto n = static_cast<uint32_t>(std::min<size_t>(kVectorSize, state->repeats.size() - state->at));
        batch->count = n;
        batch->vectors.resize(state->keys.size());
        for (size_t c = 0; c < state->keys.size(); ++c) {
          const Vector& key = state->vectors[c];
          state->out[c].Reset(key.lane);
          Vector out = state->out[c].Flat();
          out.dictionary = key.dictionary;
          if (key.nulls != nullptr) out.nulls = state->out[c].Nulls();
          GatherVector(key, state->repeats.data() + state->at, n, out, 0);
          batch->vectors[c] = out;
        }
        state->at += n;
        return true;
      }
      const uint32_t first = next_.fetch_add(kVectorSize, std::memory_order_relaxed);
      if (first >= rows_->table->size()) return false;
      const uint32_t count = std::min(kVectorSize, rows_->table->size() - first);
      state->vectors.clear();
      for (size_t c = 0; c < state->keys.size(); ++c)
        state->vectors.push_back(rows_->table->ReadKey(c, first, count, &state->keys[c]));
      state->repeats.clear();
      for (uint32_t i = 0; i < count; ++i)
        state->repeats.insert(state->repeats.end(), static_cast<size_t>(rows_->counts[first + i]), static_cast<uint16_t>(i));
      state->at = 0;
    }
  }

 private:
  struct State final : LocalState {
    std::vector<VectorBuffer> keys, out;
    std::vector<Vector> vectors;
    std::vector<uint16_t> repeats;   // rows of `vectors`, each as often as it is in the result
    size_t at = 0;
  };
  const SetRows* rows_;
  std::atomic<uint32_t> next_{0};
};

class SetSink final : public MaterializingSink {
 public:
  SetSink(std::shared_ptr<SetRows> rows, size_t input, std::vector<uint32_t> positions)
      : rows_(std::move(rows)), input_(input), positions_(std::move(positions)) {
    for (uint32_t w = 0; w < rows_->context->num_workers(); ++w)
      workers_.push_back(std::make_unique<Worker>(&rows_->plan, rows_->context->pool()));
  }

  std::unique_ptr<LocalState> MakeState(uint32_t worker) override {
    auto state = std::make_unique<State>();
    state->worker = workers_[worker].get();
    state->converted.resize(positions_.size());
    state->vectors.resize(positions_.size());
    return state;
  }
  OperatorStatistics Describe() const override {
    return {.name = "Set operation, input " + std::to_string(input_ + 1), .rows_out = rows_->table->size()};
  }

  Result<void> Consume(const Batch& batch, LocalState* local) override {
    auto* state = static_cast<State*>(local);
    for (size_t c = 0; c < positions_.size(); ++c)
      state->vectors[c] =
          ConvertLane(batch.vectors[positions_[c]], batch.count, rows_->layout.columns[c].type, rows_->layout.columns[c].lane,
                      &state->converted[c]);
    Worker& worker = *state->worker;
    uint32_t groups[kVectorSize];
    RETURN_IF_ERROR(worker.table.FindOrInsert(state->vectors.data(), batch.count, groups));
    RETURN_IF_ERROR(worker.counts.Reserve(worker.table.size()));
    for (uint32_t i = 0; i < batch.count; ++i) ++worker.counts[groups[i]];
    return {};
  }

  Result<std::vector<Task>> Finish() override {
    if (finished_) return std::vector<Task>{};
    finished_ = true;
    const uint32_t known = rows_->table->size();
    // Rows per group of this input; groups found here for the first time come behind the known ones.
    GrowArray<int64_t> found(rows_->context->pool());
    for (auto& worker : workers_) {
      for (uint32_t first = 0; first < worker->table.size(); first += kVectorSize) {
        const uint32_t count = std::min(kVectorSize, worker->table.size() - first);
        uint32_t from[kVectorSize], to[kVectorSize];
        for (uint32_t i = 0; i < count; ++i) from[i] = first + i;
        RETURN_IF_ERROR(rows_->table->Absorb(worker->table, from, count, to));
        RETURN_IF_ERROR(found.Reserve(rows_->table->size()));
        for (uint32_t i = 0; i < count; ++i) found[to[i]] += worker->counts[first + i];
      }
    }
    const uint32_t size = rows_->table->size();
    RETURN_IF_ERROR(found.Reserve(size));
    RETURN_IF_ERROR(rows_->counts.Reserve(size));
    for (uint32_t g = 0; g < size; ++g) {
      const bool can_add = input_ == 0 || rows_->kind == SetOperation::kUnion;
      const int64_t before = g < known ? rows_->counts[g] : 0;
      rows_->counts[g] = g < known || can_add ? rows_->After(input_, before, found[g]) : 0;
    }
    workers_.clear();
    return std::vector<Task>{};
  }

  std::unique_ptr<Source> MakeSource() override { return std::make_unique<SetSource>(rows_.get()); }
  const BatchLayout& output_layout() const override { return rows_->layout; }

 private:
  struct Worker {
    Worker(const GroupKeyPlan* plan, MemoryPool* pool) : table(plan, pool), counts(pool) {}
    GroupTable table;
    GrowArray<int64_t> counts;
  };
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
  rows->table = std::make_unique<GroupTable>(&rows->plan, context->pool());

  std::vector<std::unique_ptr<MaterializingSink>> sinks;
  for (size_t k = 0; k < inputs.size(); ++k) sinks.push_back(std::make_unique<SetSink>(rows, k, std::move(positions[k])));
  return sinks;
}

}  // namespace sirocco::engine
