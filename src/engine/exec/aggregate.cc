// GROUP BY, DISTINCT, ROLLUP: every worker groups its own rows; at the end the parts become one, in parallel by key partition when there are many
// groups. Sources: Leis et al., "Morsel-Driven Parallelism", SIGMOD 2014 (two-phase aggregation). Beyond the memory budget: aggregate_spill.h; the
// coarser levels of a ROLLUP are then each an aggregation of their own, over the closed parts and the rows on disk.
#include <algorithm>
#include <atomic>

#include "engine/exec/aggregate_part.h"
#include "engine/exec/aggregate_spill.h"
#include "engine/exec/breakers.h"
#include "engine/expr/expression.h"

namespace sirocco::engine {

namespace {

// Fewer groups than this are merged by one thread: starting tasks would cost more.
constexpr uint32_t kMinGroupsToPartition = 16384;
constexpr uint32_t kNumPartitions = 16;

class AggregateSink final : public MaterializingSink {
 public:
  AggregateSink(const plan::Node& node, QueryContext* context)
      : node_(node), context_(context), functions_(node_), num_keys_(node_.groups.size()) {}

  Result<void> Bind(const BatchLayout& input);

  Result<void> Prepare() override {
    if (spill_ != nullptr) spill_->Start();
    return {};
  }
  std::unique_ptr<LocalState> MakeState(uint32_t worker) override;
  Result<void> Consume(const Batch& batch, LocalState* state) override;
  Result<void> Combine(LocalState* state) override;
  Result<std::vector<Task>> Finish() override;
  OperatorStatistics Describe() const override;

  std::unique_ptr<Source> MakeSource() override;
  const BatchLayout& output_layout() const override { return layout_; }

 private:
  friend class AggregateSource;
  struct State final : LocalState {
    std::unique_ptr<ExpressionState> expressions;
    std::vector<Vector> vectors;
    std::vector<VectorBuffer> flat;
    AggregatePart* part = nullptr;
    uint32_t worker = 0;
  };
  // A part of the result; groups have the first `num_keys` group columns (ROLLUP: fewer than all).
  struct ResultPart {
    AggregatePart* part;
    size_t num_keys;
  };

  Result<AggregatePart*> NewPart(const GroupingPlans* plans, AggregateSpill* spill) {
    ASSIGN_OR_RETURN(
        std::unique_ptr<AggregatePart> part,
        AggregatePart::Make(plans, &functions_, spill != nullptr ? spill->part_pool() : context_->pool()));
    parts_.push_back(std::move(part));
    return parts_.back().get();
  }
  Result<void> FinishSerially(std::vector<AggregatePart*> filled);
  Result<void> GrandTotalOfNothing();
  Result<void> RollUp(const AggregatePart& finest);
  Result<std::vector<Task>> RollUpFromDisk();

  const plan::Node node_;   // own copy: the functions point into it
  QueryContext* context_;
  AggregateSet functions_;
  const size_t num_keys_;
  std::unique_ptr<Expression> expressions_;   // groups, then arguments; nullptr if there are none
  std::vector<ColumnInfo> keys_;
  GroupingPlans plans_;
  BatchLayout layout_;
  std::unique_ptr<AggregateSpill> spill_;   // outlives the parts, whose memory is charged to its pool
  struct Level {
    size_t num_keys;
    std::unique_ptr<AggregateSpill> spill;
    AggregatePart* part;
  };
  std::vector<Level> levels_;   // coarser ones of a ROLLUP, once rows are on disk
  std::vector<std::unique_ptr<GroupingPlans>> rollup_plans_;
  std::vector<std::unique_ptr<AggregatePart>> parts_;   // worker parts first
  std::vector<ResultPart> results_;
  bool finished_ = false;
};

class AggregateSource final : public Source {
 public:
  explicit AggregateSource(const AggregateSink* sink) : sink_(sink) {}
  Result<void> Prepare() override {
    for (const auto& result : sink_->results_)
      for (uint32_t first = 0; first < result.part->table().size(); first += kVectorSize)
        morsels_.push_back({&result, first});
    if (sink_->spill_ == nullptr || !sink_->spill_->spilled()) return {};
    on_disk_.push_back({sink_->num_keys_, sink_->spill_.get()});
    for (const auto& level : sink_->levels_)
      if (level.spill->spilled()) on_disk_.push_back({level.num_keys, level.spill.get()});
    return {};
  }
  std::unique_ptr<LocalState> MakeState(uint32_t) override {
    auto state = std::make_unique<State>(sink_->context_->pool());
    state->buffers.resize(sink_->layout_.columns.size());
    return state;
  }
  OperatorStatistics Describe() const override { return {.name = "Read groups"}; }
  const BatchLayout& layout() const override { return sink_->layout_; }
  // Several vectors a morsel would leave workers idle on small results; counted in vectors of groups.
  uint32_t num_morsels() const override {
    return static_cast<uint32_t>((morsels_.size() + 31) / 32 + on_disk_.size() * SpillPartitioning::kPartitions);
  }
  Result<bool> Next(LocalState* state, Batch* batch) override;

 private:
  struct State final : LocalState {
    explicit State(MemoryPool* pool) : arena(pool, 64 << 10) {}
    std::vector<VectorBuffer> buffers;
    Arena arena;
    // On disk: the partition at hand and where it is read.
    size_t spill = 0;
    std::unique_ptr<AggregateSpill::Reading> reading;
    std::unique_ptr<AggregatePart> part;
    uint32_t row = 0;
  };
  struct Morsel {
    const AggregateSink::ResultPart* result;
    uint32_t first;
  };
  Result<bool> NextFromDisk(State* state, Batch* batch);
  Result<void> Emit(const AggregatePart& part, size_t num_keys, uint32_t first, State* state, Batch* batch);

  const AggregateSink* sink_;
  struct OnDisk {
    size_t num_keys;
    AggregateSpill* spill;
  };
  std::vector<Morsel> morsels_;
  std::vector<OnDisk> on_disk_;
  std::atomic<size_t> next_{0};
};

Result<void> AggregateSink::Bind(const BatchLayout& input) {
  std::vector<plan::ExprPtr> exprs;
  for (const plan::NamedExpr& group : node_.groups) exprs.push_back(group.expr);
  for (const plan::ExprPtr& arg : functions_.argument_exprs()) exprs.push_back(arg);
  std::vector<ColumnInfo> infos;
  if (!exprs.empty()) {
    ASSIGN_OR_RETURN(expressions_, Expression::Compile(exprs, input, context_));
    infos = expressions_->outputs();
  }
  keys_.assign(infos.begin(), infos.begin() + static_cast<std::ptrdiff_t>(num_keys_));
  RETURN_IF_ERROR(functions_.Bind({infos.begin() + static_cast<std::ptrdiff_t>(num_keys_), infos.end()}, context_));
  ASSIGN_OR_RETURN(plans_, GroupingPlans::Make(keys_, num_keys_, functions_));

  for (size_t k = 0; k < num_keys_; ++k) {
    ColumnInfo info = keys_[k];
    info.id = node_.groups[k].id;
    info.nullable |= node_.rollup;
    layout_.columns.push_back(info);
  }
  for (plan::ColumnId id : node_.grouping_ids)
    if (id != 0) layout_.columns.push_back({.id = id, .type = plan::IntType(false), .range = {true, 0, 1}, .nullable = false});
  for (const ColumnInfo& info : functions_.results()) layout_.columns.push_back(info);

  if (AggregateSpill::Possible(plans_, *context_)) {
    // An array of the whole domain must not use up what the groups need.
    if (plans_.groups.mode() == GroupKeyPlan::Mode::kDirect &&
        plans_.groups.domain() > context_->pool()->available_bytes() / 32 / context_->num_workers())
      plans_ = plans_.WithoutArrays();
    spill_ = std::make_unique<AggregateSpill>(&plans_, keys_, &functions_, context_);
  }
  for (uint32_t worker = 0; worker < context_->num_workers(); ++worker) RETURN_IF_ERROR(NewPart(&plans_, spill_.get()));
  return {};
}

std::unique_ptr<LocalState> AggregateSink::MakeState(uint32_t worker) {
  auto state = std::make_unique<State>();
  if (expressions_ != nullptr) {
    state->expressions = expressions_->MakeState();
    state->vectors.resize(expressions_->outputs().size());
    state->flat.resize(state->vectors.size());
  }
  state->part = parts_[worker].get();
  state->worker = worker;
  return state;
}

Result<void> AggregateSink::Consume(const Batch& batch, LocalState* local) {
  auto* state = static_cast<State*>(local);
  if (batch.count == 0) return {};
  if (expressions_ != nullptr) {
    RETURN_IF_ERROR(expressions_->Evaluate(batch, state->expressions.get(), state->vectors));
    // Keys may stay constant; functions read flat arguments.
    for (size_t i = num_keys_; i < state->vectors.size(); ++i)
      state->vectors[i] = Flatten(state->vectors[i], batch.count, &state->flat[i]);
  }
  if (spill_ != nullptr)
    return spill_->Add(state->worker, state->part, state->vectors.data(), state->vectors.data() + num_keys_, batch.count);
  return state->part->Add(state->vectors.data(), state->vectors.data() + num_keys_, batch.count);
}

Result<void> AggregateSink::Combine(LocalState* local) {
  AggregatePart* part = static_cast<State*>(local)->part;
  // Whether there will be anything to merge in parallel is not known yet; splitting early lets the workers do it side by side.
  if (spill_ != nullptr && spill_->spilled()) return {};
  if (!node_.rollup && context_->num_workers() > 1 && part->table().size() >= kMinGroupsToPartition / 4)
    part->Partition(kNumPartitions);
  return {};
}

Result<void> AggregateSink::RollUp(const AggregatePart& finest) {
  for (size_t level = num_keys_; level-- > 0;) {
    ASSIGN_OR_RETURN(GroupingPlans plans, GroupingPlans::Make(keys_, level, functions_));
    rollup_plans_.push_back(std::make_unique<GroupingPlans>(std::move(plans)));
    ASSIGN_OR_RETURN(AggregatePart * coarser, NewPart(rollup_plans_.back().get(), spill_.get()));
    RETURN_IF_ERROR(coarser->MergeCoarser(finest));
    RETURN_IF_ERROR(coarser->FinishDistinct());
    results_.push_back({coarser, level});
  }
  return {};
}

// Each coarser level: the groups in the closed parts, then the rows on disk; one task a level.
Result<std::vector<Task>> AggregateSink::RollUpFromDisk() {
  std::vector<Task> tasks;
  for (size_t level = num_keys_; level-- > 0;) {
    ASSIGN_OR_RETURN(GroupingPlans plans, GroupingPlans::Make(keys_, level, functions_));
    rollup_plans_.push_back(std::make_unique<GroupingPlans>(plans.WithoutArrays()));
    const GroupingPlans* level_plans = rollup_plans_.back().get();
    const std::vector<ColumnInfo> keys(keys_.begin(), keys_.begin() + static_cast<std::ptrdiff_t>(level));
    levels_.push_back({level, std::make_unique<AggregateSpill>(level_plans, keys, &functions_, context_), nullptr});
    ASSIGN_OR_RETURN(levels_.back().part, NewPart(level_plans, levels_.back().spill.get()));
    if (level > 0) levels_.back().spill->Start();
  }
  for (Level& level : levels_) {
    tasks.push_back([this, &level](uint32_t) -> Result<void> {
      for (const AggregatePart* closed : spill_->closed()) RETURN_IF_ERROR(level.part->MergeCoarser(*closed));
      RETURN_IF_ERROR(spill_->ForEachRow([&](const Vector* keys, const Vector* arguments, uint32_t count) {
        return level.num_keys == 0 ? level.part->Add(keys, arguments, count)
                                   : level.spill->Add(0, level.part, keys, arguments, count);
      }));
      if (level.spill->spilled()) return level.spill->Close({level.part});
      return level.part->FinishDistinct();
    });
  }
  return tasks;
}

// ROLLUP has its last row even where there are no others.
Result<void> AggregateSink::GrandTotalOfNothing() {
  ASSIGN_OR_RETURN(GroupingPlans plans, GroupingPlans::Make(keys_, 0, functions_));
  rollup_plans_.push_back(std::make_unique<GroupingPlans>(std::move(plans)));
  ASSIGN_OR_RETURN(AggregatePart * total, NewPart(rollup_plans_.back().get(), spill_.get()));
  RETURN_IF_ERROR(total->AddImplicitGroup());
  results_.push_back({total, 0});
  return total->FinishDistinct();
}

Result<void> AggregateSink::FinishSerially(std::vector<AggregatePart*> filled) {
  if (filled.empty() && node_.rollup && num_keys_ != 0) return GrandTotalOfNothing();
  if (filled.empty()) {
    if (num_keys_ != 0) return {};   // no rows, no groups
    filled.push_back(parts_[0].get());
    RETURN_IF_ERROR(filled[0]->AddImplicitGroup());
  }
  AggregatePart* all = *std::max_element(filled.begin(), filled.end(), [](AggregatePart* a, AggregatePart* b) {
    return a->table().size() < b->table().size();
  });
  for (AggregatePart* part : filled)
    if (part != all) RETURN_IF_ERROR(all->Merge(*part, -1));
  results_.push_back({all, num_keys_});
  if (node_.rollup) RETURN_IF_ERROR(RollUp(*all));
  return all->FinishDistinct();
}

Result<std::vector<Task>> AggregateSink::Finish() {
  if (finished_) {
    for (const Level& level : levels_)
      if (!level.spill->spilled()) results_.push_back({level.part, level.num_keys});
    return std::vector<Task>{};
  }
  finished_ = true;
  std::vector<AggregatePart*> filled;
  uint64_t num_groups = 0;
  for (auto& part : parts_) {
    if (part->table().size() == 0) continue;
    filled.push_back(part.get());
    num_groups += part->table().size();
  }
  if (spill_ != nullptr && spill_->spilled()) {
    RETURN_IF_ERROR(spill_->Close(std::move(filled)));
    if (node_.rollup) return RollUpFromDisk();
    return std::vector<Task>{};
  }
  if (filled.size() <= 1 || node_.rollup || num_groups < kMinGroupsToPartition) {
    RETURN_IF_ERROR(FinishSerially(std::move(filled)));
    return std::vector<Task>{};
  }
  for (AggregatePart* part : filled)
    if (part->table().size() < kMinGroupsToPartition / 4) part->Partition(kNumPartitions);
  std::vector<Task> tasks;
  for (uint32_t p = 0; p < kNumPartitions; ++p) {
    ASSIGN_OR_RETURN(AggregatePart * merged, NewPart(&plans_, spill_.get()));
    results_.push_back({merged, num_keys_});
    tasks.push_back([merged, filled, p](uint32_t) -> Result<void> {
      for (const AggregatePart* part : filled) RETURN_IF_ERROR(merged->Merge(*part, static_cast<int>(p)));
      return merged->FinishDistinct();
    });
  }
  return tasks;
}

OperatorStatistics AggregateSink::Describe() const {
  uint64_t rows = 0;
  for (const ResultPart& result : results_) rows += result.part->table().size();
  std::string detail;
  if (spill_ != nullptr && spill_->spilled())
    detail = "on disk: " + std::to_string(spill_->spilled_rows()) + " rows, " +
             std::to_string(spill_->spilled_bytes() >> 10) + " KB";
  const char* mode = "";
  switch (plans_.groups.mode()) {
    case GroupKeyPlan::Mode::kNone: mode = "one group"; break;
    case GroupKeyPlan::Mode::kDirect: mode = "array"; break;
    case GroupKeyPlan::Mode::kPacked: mode = "hash of packed keys"; break;
    case GroupKeyPlan::Mode::kGeneric: mode = "hash"; break;
  }
  return {.node_id = node_.id,
          .name = std::string("Aggregate (") + mode + ")",
          .estimated_rows = node_.estimated_rows,
          .rows_out = rows,
          .detail = detail};
}

std::unique_ptr<Source> AggregateSink::MakeSource() { return std::make_unique<AggregateSource>(this); }

Result<bool> AggregateSource::Next(LocalState* local, Batch* batch) {
  auto* state = static_cast<State*>(local);
  const size_t index =
      state->reading != nullptr ? morsels_.size() : next_.fetch_add(1, std::memory_order_relaxed);
  if (index >= morsels_.size()) return NextFromDisk(state, batch);
  const AggregateSink::ResultPart& result = *morsels_[index].result;
  RETURN_IF_ERROR(Emit(*result.part, result.num_keys, morsels_[index].first, state, batch));
  return true;
}

Result<bool> AggregateSource::NextFromDisk(State* state, Batch* batch) {
  while (state->part == nullptr || state->row >= state->part->table().size()) {
    state->part.reset();
    if (state->spill == on_disk_.size()) return false;
    AggregateSpill* spill = on_disk_[state->spill].spill;
    if (state->reading == nullptr) state->reading = std::make_unique<AggregateSpill::Reading>(spill);
    ASSIGN_OR_RETURN(state->part, spill->Next(state->reading.get()));
    state->row = 0;
    if (state->part != nullptr) {
      RETURN_IF_ERROR(state->part->FinishDistinct());
    } else if (++state->spill < on_disk_.size()) {
      state->reading = std::make_unique<AggregateSpill::Reading>(on_disk_[state->spill].spill);
    }
  }
  RETURN_IF_ERROR(Emit(*state->part, on_disk_[state->spill].num_keys, state->row, state, batch));
  state->row += batch->count;
  return true;
}

// Groups first, first + 1, ... of a part with its first `num_keys` group columns.
Result<void> AggregateSource::Emit(const AggregatePart& part, size_t num_keys, uint32_t first, State* state,
                                   Batch* batch) {
  state->arena.Clear();
  batch->count = std::min(kVectorSize, part.table().size() - first);
  batch->vectors.clear();

  const auto constant = [&](const ColumnInfo& info, bool null, int64_t value) {
    VectorBuffer* buffer = &state->buffers[batch->vectors.size()];
    buffer->Reset(info.lane);
    Vector vector = buffer->Flat();
    vector.constant = true;
    vector.dictionary = info.dictionary;
    std::memset(vector.data, 0, LaneWidth(info.lane));
    if (info.lane == Lane::kStr) *vector.str() = {"", 0, 0};
    if (info.lane == Lane::kI64) *vector.i64() = value;
    if (null) {
      vector.nulls = buffer->Nulls();
      vector.nulls[0] = 1;
    }
    batch->vectors.push_back(vector);
  };
  for (size_t k = 0; k < sink_->num_keys_; ++k) {
    if (k < num_keys) {
      batch->vectors.push_back(part.table().ReadKey(k, first, batch->count, &state->buffers[batch->vectors.size()]));
    } else {
      constant(sink_->layout_.columns[k], true, 0);
    }
  }
  for (size_t k = 0; k < sink_->node_.grouping_ids.size(); ++k)
    if (sink_->node_.grouping_ids[k] != 0)
      constant(sink_->layout_.columns[batch->vectors.size()], false, k >= num_keys);
  for (size_t f = 0; f < sink_->functions_.results().size(); ++f) {
    ASSIGN_OR_RETURN(const Vector vector,
                     sink_->functions_.Compute(f, part.states(), first, batch->count,
                                               &state->buffers[batch->vectors.size()], &state->arena));
    batch->vectors.push_back(vector);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<MaterializingSink>> MakeAggregate(const plan::Node& node, const BatchLayout& input,
                                                         QueryContext* context) {
  auto sink = std::make_unique<AggregateSink>(node, context);
  RETURN_IF_ERROR(sink->Bind(input));
  return sink;
}

}  // namespace sirocco::engine
