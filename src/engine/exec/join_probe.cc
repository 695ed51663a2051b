#include "engine/exec/join_probe.h"

#include <algorithm>

#include "common/check.h"
#include "engine/exec/batch_builder.h"
#include "mysqlsem/collation.h"

namespace sirocco::engine {

namespace {

// Build rows one probe row may be paired with between two looks at the cancel flag.
constexpr uint32_t kCancelPairs = 1 << 20;

// Keeps the candidates i for which equal(probe row, position) holds.
template <typename Equal>
uint32_t KeepPairs(uint16_t* rows, uint32_t* positions, uint32_t count, const Equal& equal) {
  uint32_t m = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const uint16_t row = rows[i];
    const uint32_t position = positions[i];
    rows[m] = row;
    positions[m] = position;
    m += equal(row, position) ? 1 : 0;
  }
  return m;
}

template <typename T>
uint32_t KeepEqualIntegers(const Vector& probe, const JoinColumn& build, bool null_safe,
                           bool mixed_sign, uint16_t* rows, uint32_t* positions, uint32_t count) {
  const int64_t* keys = probe.i64();
  const T* stored = build.values.as<T>();
  const int64_t base = build.stored.base;
  if (!null_safe && !mixed_sign) {
    return KeepPairs(rows, positions, count, [=](uint16_t row, uint32_t position) {
      return keys[row] == static_cast<int64_t>(stored[position]) + base;
    });
  }
  const uint8_t *probe_nulls = probe.nulls, *build_nulls = build.nulls.as<uint8_t>();
  return KeepPairs(rows, positions, count, [=](uint16_t row, uint32_t position) {
    const bool a = probe_nulls != nullptr && probe_nulls[row],
               b = build_nulls != nullptr && build_nulls[position];
    if (a || b) return a && b;
    return keys[row] == static_cast<int64_t>(stored[position]) + base &&
           (!mixed_sign || keys[row] >= 0);
  });
}

uint32_t KeepEqual(const JoinKeyForm& form, bool null_matches, const Vector& probe,
                   const JoinColumn& build, uint16_t* rows, uint32_t* positions, uint32_t count) {
  switch (form.form) {
    case KeyForm::kInt64:
      switch (build.stored.width) {
        case 1:
          return KeepEqualIntegers<uint8_t>(probe, build, null_matches, form.mixed_sign, rows,
                                            positions, count);
        case 2:
          return KeepEqualIntegers<uint16_t>(probe, build, null_matches, form.mixed_sign, rows,
                                             positions, count);
        case 4:
          return KeepEqualIntegers<uint32_t>(probe, build, null_matches, form.mixed_sign, rows,
                                             positions, count);
        default:
          return KeepEqualIntegers<int64_t>(probe, build, null_matches, form.mixed_sign, rows,
                                            positions, count);
      }
    case KeyForm::kInt128:
    case KeyForm::kString:
      break;
  }
  const uint8_t *probe_nulls = null_matches ? probe.nulls : nullptr,
                *build_nulls = null_matches ? build.nulls.as<uint8_t>() : nullptr;
  return KeepPairs(rows, positions, count, [&](uint16_t row, uint32_t position) {
    const bool a = probe_nulls != nullptr && probe_nulls[row],
               b = build_nulls != nullptr && build_nulls[position];
    if (a || b) return a && b;
    if (form.form == KeyForm::kInt128)
      return probe.i128()[row] == build.values.as<int128>()[position];
    const std::string_view x = probe.str()[row].view(),
                           y = build.values.as<StringRef>()[position].view();
    return x == y || form.collation->Equal(x, y);
  });
}

}  // namespace

struct JoinProbe::Aside {
  Aside(const std::vector<StoredColumn>& columns, uint32_t num_partitions, QueryContext* context)
      : rows(columns, num_partitions, context) {}
  RowSpiller rows;
  std::vector<Vector> vectors;
  // Rows that meet the join's own table.
  Batch near;
  std::vector<Vector> near_keys;
  std::vector<VectorBuffer> buffers;
  uint32_t spread = 0;
};

struct JoinProbe::State final : LocalState {
  State(const JoinSpec& spec, const BatchLayout& layout)
      : reader(&spec.probe_keys()), builder(layout) {
    passed.vectors.resize(layout.columns.size());
    build_buffers.resize(layout.columns.size());
  }
  KeyReader reader;
  const Vector* keys = nullptr;  // of the batch at hand
  const JoinTable* table = nullptr;
  std::unique_ptr<Aside> aside;
  // Of the batch at hand if its rows meet several tables: what earlier ones found, and whether
  // there are further ones.
  uint8_t* matched_before = nullptr;
  bool more_tables = false;
  std::unique_ptr<ExpressionState> extra;
  BatchBuilder builder;
  Batch passed;
  std::vector<VectorBuffer>
      build_buffers;  // of a batch that is passed on without going through the builder
  Batch extra_batch;
  std::vector<VectorBuffer> extra_buffers;
  uint8_t null_keys[kVectorSize];  // rows that match nothing
  int64_t packed[kVectorSize];
  uint64_t hashes[kVectorSize];
  uint16_t hits[kVectorSize];
  uint32_t groups[kVectorSize], begins[kVectorSize], ends[kVectorSize];
  uint16_t pair_rows[kVectorSize], selected[kVectorSize];
  uint32_t pair_positions[kVectorSize];
  uint8_t matched[kVectorSize];
  uint16_t rows[kVectorSize];
};

BatchLayout JoinProbe::ExtraLayout(const JoinSpec& spec, const BatchLayout& input,
                                   const std::vector<uint32_t>& probe,
                                   const std::vector<uint32_t>& build) {
  BatchLayout layout;
  for (uint32_t position : probe) layout.columns.push_back(input.columns[position]);
  for (uint32_t position : build) layout.columns.push_back(spec.payload_columns[position]);
  return layout;
}

JoinProbe::JoinProbe(std::shared_ptr<const JoinSpec> spec, std::shared_ptr<JoinTable> table,
                     const BatchLayout& input, JoinProbeColumns columns, QueryContext* context)
    : spec_(std::move(spec)),
      table_(std::move(table)),
      columns_(std::move(columns)),
      input_(input),
      context_(context) {
  for (uint32_t position : columns_.probe) layout_.columns.push_back(input.columns[position]);
  for (uint32_t position : columns_.build) {
    layout_.columns.push_back(spec_->payload_columns[position]);
    if (spec_->kind == plan::JoinKind::kLeft) {
      layout_.columns.back().nullable = true;
      layout_.columns.back().type.nullable = true;
    }
  }
}

Result<void> JoinProbe::Prepare() {
  if (table_->spill == nullptr) return {};
  std::vector<StoredColumn> stored;
  for (const ColumnInfo& column : input_.columns) stored.push_back(PlanStorage(column));
  const JoinSideKeys& keys = spec_->probe_keys();
  std::vector<uint32_t> positions;
  // Keys are kept, not computed again: that could raise their warnings twice.
  for (uint32_t k = 0; k < spec_->keys.forms.size(); ++k) {
    if (keys.bare[k] >= 0 && keys.columns[k].lane == input_.columns[keys.bare[k]].lane) {
      positions.push_back(static_cast<uint32_t>(keys.bare[k]));
      continue;
    }
    positions.push_back(static_cast<uint32_t>(stored.size()));
    stored.push_back(PlanStorage(keys.columns[k]));
    stored_keys_.push_back(k);
  }
  table_->spill->set_probe_columns(std::move(stored));
  table_->spill->set_probe_keys(std::move(positions));
  return {};
}

std::unique_ptr<LocalState> JoinProbe::MakeState(uint32_t worker) {
  auto state = std::make_unique<State>(*spec_, layout_);
  state->table = table_.get();
  if (JoinSpill* spill = table_->spill.get(); spill != nullptr) {
    state->aside =
        std::make_unique<Aside>(spill->probe_columns(), spill->num_partitions(), context_);
    state->aside->vectors.resize(spill->probe_columns().size());
    state->aside->near.vectors.resize(input_.columns.size());
    state->aside->near_keys.resize(spec_->keys.forms.size());
    state->aside->buffers.resize(input_.columns.size() + spec_->keys.forms.size());
  }
  if (columns_.extra != nullptr) {
    state->extra = columns_.extra->MakeState();
    state->extra_batch.vectors.resize(columns_.extra_probe.size() + columns_.extra_build.size());
    state->extra_buffers.resize(state->extra_batch.vectors.size());
  }
  return state;
}

OperatorStatistics JoinProbe::Describe() const {
  static constexpr const char* kNames[] = {"empty", "all rows", "bitmap", "array", "hash"};
  OperatorStatistics out;
  out.name = "HashJoin " + spec_->text + " (" + kNames[static_cast<int>(table_->index)] + ")";
  out.detail = "build " + std::to_string(table_->rows_seen) + " rows";
  if (table_->spill != nullptr) out.detail += table_->spill->Text();
  return out;
}

Result<void> JoinProbe::Flush(LocalState* local, BatchConsumer* next) {
  auto* state = static_cast<State*>(local);
  if (state->aside != nullptr) {
    RETURN_IF_ERROR(table_->spill->AddProbe(&state->aside->rows));
    state->aside.reset();
    // Rows collected so far may refer to what is about to go.
  }
  return state->builder.Emit(next, true);
}

Result<void> JoinProbe::RunDeferred(LocalState* local, BatchConsumer* next) {
  JoinPairs pairs(spec_, table_->spill.get(), context_);
  while (true) {
    ASSIGN_OR_RETURN(const bool more, pairs.Next());
    if (!more) return {};
    RETURN_IF_ERROR(ProbePairs(&pairs, local, next));
  }
}

Result<void> JoinProbe::ProbePairs(JoinPairs* pairs, LocalState* local, BatchConsumer* next) {
  auto* state = static_cast<State*>(local);
  const JoinSpill& spill = *table_->spill;
  SpilledRowsReader reader(spill.probe_columns(), context_);
  reader.Open(&pairs->probe());
  state->table = &pairs->table();
  state->more_tables = !pairs->last_block();
  std::vector<Vector> vectors, keys(spec_->keys.forms.size());
  Batch batch;
  uint64_t row = 0;
  while (true) {
    ASSIGN_OR_RETURN(batch.count, reader.Next(&vectors));
    if (batch.count == 0) break;
    batch.vectors.assign(vectors.begin(), vectors.begin() + input_.columns.size());
    for (size_t k = 0; k < keys.size(); ++k) keys[k] = vectors[spill.probe_keys()[k]];
    state->keys = keys.data();
    state->matched_before = pairs->matched() == nullptr ? nullptr : pairs->matched() + row;
    RETURN_IF_ERROR(Probe(batch, state, next));
    row += batch.count;
  }
  state->table = table_.get();
  state->matched_before = nullptr;
  state->more_tables = false;
  return next == nullptr ? Result<void>{} : state->builder.Emit(next, true);
}

Result<void> JoinProbe::Push(const Batch& batch, LocalState* local, BatchConsumer* next) {
  auto* state = static_cast<State*>(local);
  if (state->aside != nullptr) return PushAside(batch, state, next);
  const bool decided = spec_->kind == plan::JoinKind::kNullAwareAnti
                           ? table_->rows_seen == 0 || NothingIsOut()
                           : table_->index == JoinIndex::kEmpty;
  if (!decided) {
    RETURN_IF_ERROR(state->reader.Read(batch));
    state->keys = state->reader.vectors().data();
  }
  return Probe(batch, state, next);
}

// Sends rows whose partners are on disk there, and the others on.
Result<void> JoinProbe::PushAside(const Batch& batch, State* state, BatchConsumer* next) {
  const JoinSpill& spill = *table_->spill;
  Aside& aside = *state->aside;
  if (NothingIsOut()) return {};
  RETURN_IF_ERROR(state->reader.Read(batch));
  const std::vector<Vector>& keys = state->reader.vectors();
  std::copy(batch.vectors.begin(), batch.vectors.end(), aside.vectors.begin());
  for (size_t i = 0; i < stored_keys_.size(); ++i)
    aside.vectors[batch.vectors.size() + i] = keys[stored_keys_[i]];
  if (spill.by_blocks()) {
    if (!spill.resident(0)) return aside.rows.Append(aside.vectors.data(), nullptr, batch.count, 0);
    state->keys = keys.data();
    return Probe(batch, state, next);
  }
  uint32_t partitions[kVectorSize];
  JoinSpill::Partition(spec_->keys.forms, keys.data(), batch.count, 0, &aside.spread, partitions);
  uint16_t near[kVectorSize], far[kVectorSize];
  uint32_t num_near = 0, num_far = 0;
  for (uint32_t i = 0; i < batch.count; ++i) {
    near[num_near] = far[num_far] = static_cast<uint16_t>(i);
    if (spill.resident(partitions[i])) {
      ++num_near;
    } else {
      partitions[num_far++] = partitions[i];
    }
  }
  if (num_far != 0)
    RETURN_IF_ERROR(aside.rows.AppendPartitioned(aside.vectors.data(), far, num_far, partitions));
  if (num_near == 0) return {};
  const auto gather = [&](const Vector& in, size_t number) {
    if (in.constant) return in;
    VectorBuffer& buffer = aside.buffers[number];
    buffer.Reset(in.lane);
    Vector out = buffer.Flat();
    out.dictionary = in.dictionary;
    if (in.nulls != nullptr) out.nulls = buffer.Nulls();
    GatherVector(in, near, num_near, out, 0);
    return out;
  };
  aside.near.count = num_near;
  for (size_t c = 0; c < batch.vectors.size(); ++c)
    aside.near.vectors[c] = gather(batch.vectors[c], c);
  for (size_t k = 0; k < keys.size(); ++k)
    aside.near_keys[k] = gather(keys[k], batch.vectors.size() + k);
  state->keys = aside.near_keys.data();
  return Probe(aside.near, state, next);
}

// Rows with their keys (state->keys) against state->table.
Result<void> JoinProbe::Probe(const Batch& batch, State* state, BatchConsumer* next) {
  if (spec_->kind == plan::JoinKind::kNullAwareAnti && !spec_->build_left)
    return PushNullAware(batch, state, next);
  if (state->table->index == JoinIndex::kEmpty && state->matched_before == nullptr) {
    if (spec_->build_left) return {};
    if (spec_->kind == plan::JoinKind::kAnti)
      return EmitRows(batch, state, nullptr, batch.count, false, next);
    if (spec_->kind == plan::JoinKind::kLeft)
      return EmitRows(batch, state, nullptr, batch.count, true, next);
    return {};
  }
  return PushMatches(batch, state, next);
}

// Which rows have found partners in earlier tables.
void JoinProbe::StartMatches(const Batch& batch, State* state) const {
  if (state->matched_before != nullptr) {
    std::memcpy(state->matched, state->matched_before, batch.count);
  } else {
    std::memset(state->matched, 0, batch.count);
  }
}

// Keeps them for later tables; whether there are any.
bool JoinProbe::KeepMatches(const Batch& batch, State* state) const {
  if (state->matched_before != nullptr)
    std::memcpy(state->matched_before, state->matched, batch.count);
  return state->more_tables;
}

// Finds the build rows of each probe row by the index, and does with them what the kind of join
// asks for.
Result<void> JoinProbe::PushMatches(const Batch& batch, State* state, BatchConsumer* next) {
  const JoinTable& table = *state->table;
  const Vector* keys = state->keys;

  // NULL keys match nothing, unless null-safe and there are NULLs to match.
  const uint8_t* nulls = nullptr;
  for (size_t k = 0; k < spec_->keys.forms.size(); ++k) {
    if (keys[k].nulls == nullptr || table.null_matches[k]) continue;
    if (nulls == nullptr) {
      nulls = keys[k].nulls;
    } else {
      for (uint32_t i = 0; i < batch.count; ++i) state->null_keys[i] = nulls[i] | keys[k].nulls[i];
      nulls = state->null_keys;
    }
  }

  const bool several = state->matched_before != nullptr;
  uint32_t num_hits = 0;
  switch (table.index) {
    case JoinIndex::kEmpty:
      break;
    case JoinIndex::kAll:
      for (uint32_t i = 0; i < batch.count; ++i) {
        state->hits[i] = static_cast<uint16_t>(i);
        state->begins[i] = 0;
        state->ends[i] = static_cast<uint32_t>(table.num_rows);
      }
      num_hits = batch.count;
      break;
    case JoinIndex::kBitmap:
    case JoinIndex::kDense: {
      const int64_t* numbers = table.PackKeys(keys, batch.count, state->packed);
      num_hits = table.dense.Find(numbers, nulls, batch.count, state->hits);
      if (table.index == JoinIndex::kBitmap) break;
      const bool decided = table.unique && table.verify.empty() && columns_.extra == nullptr;
      // Semi and anti joins on a unique index need no positions.
      if (decided && !spec_->build_left && !several &&
          (spec_->kind == plan::JoinKind::kSemi || spec_->kind == plan::JoinKind::kAnti))
        break;
      table.dense.Groups(numbers, num_hits == batch.count ? nullptr : state->hits, num_hits,
                         state->groups);
      if (table.unique) {
        if (decided && spec_->kind == plan::JoinKind::kInner)
          return EmitPairs(batch, state, state->hits, state->groups, num_hits, next);
        for (uint32_t i = 0; i < num_hits; ++i) {
          state->begins[i] = state->groups[i];
          state->ends[i] = state->groups[i] + 1;
        }
      } else {
        const uint32_t* offsets = table.offsets.as<uint32_t>();
        for (uint32_t i = 0; i < num_hits; ++i) {
          state->begins[i] = offsets[state->groups[i]];
          state->ends[i] = offsets[state->groups[i] + 1];
        }
      }
      break;
    }
    case JoinIndex::kHash:
      HashJoinKeys(spec_->keys.forms, keys, batch.count, state->hashes);
      num_hits = table.hash.Find(state->hashes, nulls, batch.count, state->hits, state->begins,
                                 state->ends);
      break;
  }

  const bool presence_decides =
      table.verify.empty() && columns_.extra == nullptr && !spec_->build_left &&
      (spec_->kind == plan::JoinKind::kSemi || spec_->kind == plan::JoinKind::kAnti);
  if (spec_->kind == plan::JoinKind::kSemi && presence_decides && !several)
    return EmitRows(batch, state, state->hits, num_hits, false, next);
  StartMatches(batch, state);
  if (presence_decides) {
    for (uint32_t i = 0; i < num_hits; ++i) state->matched[state->hits[i]] = 1;
  } else {
    RETURN_IF_ERROR(
        RunCandidates(batch, state, num_hits, state->hits, state->begins, state->ends, true, next));
  }
  if (spec_->build_left || spec_->kind == plan::JoinKind::kInner) return {};
  if (KeepMatches(batch, state)) return {};
  switch (spec_->kind) {
    case plan::JoinKind::kInner:
      return {};
    case plan::JoinKind::kSemi: {
      uint32_t m = 0;
      for (uint32_t i = 0; i < batch.count; ++i) {
        state->rows[m] = static_cast<uint16_t>(i);
        m += state->matched[i];
      }
      return EmitRows(batch, state, state->rows, m, false, next);
    }
    case plan::JoinKind::kLeft:
    case plan::JoinKind::kAnti:
      return EmitUnmatched(batch, state, next);
    case plan::JoinKind::kNullAwareAnti:
      break;
  }
  return {};
}

// Expands hits[i] x [begins[i], ends[i]) into pairs, tests them, and emits or marks. `verify`
// false: the keys need no comparison.
Result<void> JoinProbe::RunCandidates(const Batch& batch, State* state, uint32_t num_hits,
                                      const uint16_t* hits, const uint32_t* begins,
                                      const uint32_t* ends, bool verify, BatchConsumer* next) {
  const JoinTable& table = *state->table;
  const bool emits = !spec_->build_left ? spec_->kind == plan::JoinKind::kInner ||
                                              spec_->kind == plan::JoinKind::kLeft
                                        : spec_->kind == plan::JoinKind::kInner;
  const bool marks_rows = !spec_->build_left && spec_->kind != plan::JoinKind::kInner;
  const bool first_match_decides = marks_rows && !emits;
  uint8_t* build_matched = spec_->build_left && !emits ? table.matched.as<uint8_t>() : nullptr;
  uint32_t hit = 0, position = num_hits == 0 ? 0 : begins[0];
  uint64_t pairs_since_look = 0;
  while (hit < num_hits) {
    uint32_t n = 0;
    while (n < kVectorSize && hit < num_hits) {
      const uint16_t row = hits[hit];
      uint32_t end = ends[hit];
      if (first_match_decides && state->matched[row]) position = end;
      const uint32_t take = std::min(end - position, kVectorSize - n);
      for (uint32_t j = 0; j < take; ++j) {
        state->pair_rows[n + j] = row;
        state->pair_positions[n + j] = position + j;
      }
      n += take;
      position += take;
      if (position == end && ++hit < num_hits) position = begins[hit];
    }
    pairs_since_look += n;
    if (pairs_since_look > kCancelPairs) {
      pairs_since_look = 0;
      if (context_->cancelled()) return MakeError(ErrorCode::kCancelled, "query cancelled");
    }
    if (verify) {
      for (uint32_t k : table.verify) {
        n = KeepEqual(spec_->keys.forms[k], table.null_matches[k], state->keys[k],
                      table.key_columns[k], state->pair_rows, state->pair_positions, n);
      }
    }
    if (columns_.extra != nullptr && n != 0) {
      ASSIGN_OR_RETURN(n, TestPairs(batch, state, n));
    }
    if (n == 0) continue;
    if (marks_rows) {
      for (uint32_t i = 0; i < n; ++i) state->matched[state->pair_rows[i]] = 1;
    }
    if (build_matched != nullptr) {
      for (uint32_t i = 0; i < n; ++i)
        __atomic_store_n(&build_matched[state->pair_positions[i]], 1, __ATOMIC_RELAXED);
    }
    if (emits)
      RETURN_IF_ERROR(EmitPairs(batch, state, state->pair_rows, state->pair_positions, n, next));
  }
  return {};
}

namespace {

// Build column values of `positions` to out[offset ...], with null bytes if `out` has them.
void GatherBuild(const JoinColumn& column, const uint32_t* positions, uint32_t count,
                 const Vector& out, uint32_t offset) {
  GatherStored(column.stored, column.values.data(), positions, count, out, offset);
  if (out.nulls == nullptr) return;
  const uint8_t* nulls = column.nulls.as<uint8_t>();
  if (nulls == nullptr) {
    std::memset(out.nulls + offset, 0, count);
  } else {
    for (uint32_t i = 0; i < count; ++i) out.nulls[offset + i] = nulls[positions[i]];
  }
}

Vector GatherBuildVector(const JoinColumn& column, const uint32_t* positions, uint32_t count,
                         VectorBuffer* buffer) {
  buffer->Reset(column.stored.info.lane);
  Vector out = buffer->Flat();
  out.dictionary = column.stored.info.dictionary;
  if (column.nulls.data() != nullptr) out.nulls = buffer->Nulls();
  GatherBuild(column, positions, count, out, 0);
  return out;
}

}  // namespace

// Evaluates the extra condition over the pairs; keeps those for which it is true.
Result<uint32_t> JoinProbe::TestPairs(const Batch& batch, State* state, uint32_t count) const {
  Batch& pairs = state->extra_batch;
  pairs.count = count;
  const size_t num_probe = columns_.extra_probe.size();
  for (size_t c = 0; c < num_probe; ++c) {
    const Vector& in = batch.vectors[columns_.extra_probe[c]];
    if (in.constant) {
      pairs.vectors[c] = in;
      continue;
    }
    VectorBuffer& buffer = state->extra_buffers[c];
    buffer.Reset(in.lane);
    Vector out = buffer.Flat();
    out.dictionary = in.dictionary;
    if (in.nulls != nullptr) out.nulls = buffer.Nulls();
    GatherVector(in, state->pair_rows, count, out, 0);
    pairs.vectors[c] = out;
  }
  for (size_t c = 0; c < columns_.extra_build.size(); ++c) {
    pairs.vectors[num_probe + c] =
        GatherBuildVector(state->table->payload_columns[columns_.extra_build[c]],
                          state->pair_positions, count, &state->extra_buffers[num_probe + c]);
  }
  ASSIGN_OR_RETURN(const uint32_t n,
                   columns_.extra->Select(pairs, state->extra.get(), state->selected));
  if (n == count) return n;
  for (uint32_t i = 0; i < n; ++i) {
    state->pair_rows[i] = state->pair_rows[state->selected[i]];
    state->pair_positions[i] = state->pair_positions[state->selected[i]];
  }
  return n;
}

Result<void> JoinProbe::EmitPairs(const Batch& batch, State* state, const uint16_t* rows,
                                  const uint32_t* positions, uint32_t count,
                                  BatchConsumer* next) const {
  if (count == 0) return {};
  BatchBuilder& builder = state->builder;
  const size_t num_probe = columns_.probe.size();
  // Every probe row has exactly one partner: the probe side's vectors pass as they are.
  const bool all = count == batch.count && state->table->unique && rows == state->hits;
  if (all) {
    RETURN_IF_ERROR(builder.Emit(next, true));
    for (size_t c = 0; c < num_probe; ++c)
      state->passed.vectors[c] = batch.vectors[columns_.probe[c]];
    for (size_t c = 0; c < columns_.build.size(); ++c) {
      state->passed.vectors[num_probe + c] =
          GatherBuildVector(state->table->payload_columns[columns_.build[c]], positions, count,
                            &state->build_buffers[num_probe + c]);
    }
    state->passed.count = count;
    return next->Consume(state->passed);
  }
  if (count > builder.room()) RETURN_IF_ERROR(builder.Emit(next, true));
  for (size_t c = 0; c < num_probe; ++c)
    builder.Gather(c, batch.vectors[columns_.probe[c]], rows, count);
  for (size_t c = 0; c < columns_.build.size(); ++c) {
    const JoinColumn& column = state->table->payload_columns[columns_.build[c]];
    GatherBuild(column, positions, count,
                builder.Target(num_probe + c, column.nulls.data() != nullptr), builder.count());
  }
  builder.Advance(count);
  return builder.Emit(next, builder.must_flush());
}

// Probe rows alone (`rows` null: all); with `null_build` followed by NULLs for the build columns.
Result<void> JoinProbe::EmitRows(const Batch& batch, State* state, const uint16_t* rows,
                                 uint32_t count, bool null_build, BatchConsumer* next) const {
  if (count == 0) return {};
  BatchBuilder& builder = state->builder;
  const size_t num_probe = columns_.probe.size();
  if (count == batch.count && !(null_build && !columns_.build.empty())) {
    RETURN_IF_ERROR(builder.Emit(next, true));
    for (size_t c = 0; c < num_probe; ++c)
      state->passed.vectors[c] = batch.vectors[columns_.probe[c]];
    state->passed.count = count;
    return next->Consume(state->passed);
  }
  if (rows == nullptr) {
    for (uint32_t i = 0; i < count; ++i) state->rows[i] = static_cast<uint16_t>(i);
    rows = state->rows;
  }
  if (count > builder.room()) RETURN_IF_ERROR(builder.Emit(next, true));
  for (size_t c = 0; c < num_probe; ++c)
    builder.Gather(c, batch.vectors[columns_.probe[c]], rows, count);
  for (size_t c = 0; c < columns_.build.size(); ++c) {
    Vector out = builder.Target(num_probe + c, true);
    std::memset(out.nulls + builder.count(), 1, count);
    // Values of NULL rows must be readable: code 0, an empty string.
    const size_t width = LaneWidth(out.lane);
    std::memset(static_cast<char*>(out.data) + builder.count() * width, 0, count * width);
  }
  builder.Advance(count);
  return builder.Emit(next, builder.must_flush());
}

Result<void> JoinProbe::EmitUnmatched(const Batch& batch, State* state, BatchConsumer* next) const {
  uint32_t m = 0;
  for (uint32_t i = 0; i < batch.count; ++i) {
    state->rows[m] = static_cast<uint16_t>(i);
    m += state->matched[i] == 0;
  }
  return EmitRows(batch, state, state->rows, m, spec_->kind == plan::JoinKind::kLeft, next);
}

// NOT IN: a row is kept if no build row that passes the extra condition equals its key or might
// (NULL on either side).
Result<void> JoinProbe::PushNullAware(const Batch& batch, State* state, BatchConsumer* next) {
  const JoinTable& table = *state->table;
  if (table_->rows_seen == 0) return EmitRows(batch, state, nullptr, batch.count, false, next);
  if (NothingIsOut()) return {};
  const Vector& key = state->keys[0];
  StartMatches(batch, state);

  if (columns_.extra == nullptr) {
    if (key.nulls != nullptr) {
      for (uint32_t i = 0; i < batch.count; ++i) state->matched[i] |= key.nulls[i] != 0;
    }
  } else {
    // Rows with a NULL key might equal every build row, the others every build row with a NULL key.
    const auto num_positions = static_cast<uint32_t>(table.num_positions);
    const auto first_null = static_cast<uint32_t>(table.num_positions - table.num_null_rows);
    uint32_t m = 0;
    for (uint32_t i = 0; i < batch.count; ++i) {
      state->hits[m] = static_cast<uint16_t>(i);
      state->begins[m] = key.nulls != nullptr && key.nulls[i] ? 0 : first_null;
      state->ends[m] = num_positions;
      m += state->begins[m] != state->ends[m];
    }
    RETURN_IF_ERROR(
        RunCandidates(batch, state, m, state->hits, state->begins, state->ends, false, next));
  }

  uint32_t num_hits = 0;
  if (table.index == JoinIndex::kBitmap || table.index == JoinIndex::kDense) {
    const int64_t* numbers = table.PackKeys(&key, batch.count, state->packed);
    num_hits = table.dense.Find(numbers, key.nulls, batch.count, state->hits);
    if (columns_.extra != nullptr) {
      table.dense.Groups(numbers, state->hits, num_hits, state->groups);
      const uint32_t* offsets = table.offsets.as<uint32_t>();
      for (uint32_t i = 0; i < num_hits; ++i) {
        const uint32_t group = state->groups[i];
        state->begins[i] = table.unique ? group : offsets[group];
        state->ends[i] = table.unique ? group + 1 : offsets[group + 1];
      }
    }
  } else if (table.index == JoinIndex::kHash) {
    HashJoinKeys(spec_->keys.forms, &key, batch.count, state->hashes);
    num_hits = table.hash.Find(state->hashes, key.nulls, batch.count, state->hits, state->begins,
                               state->ends);
  }
  if (columns_.extra == nullptr && table.verify.empty()) {
    for (uint32_t i = 0; i < num_hits; ++i) state->matched[state->hits[i]] = 1;
  } else {
    RETURN_IF_ERROR(
        RunCandidates(batch, state, num_hits, state->hits, state->begins, state->ends, true, next));
  }
  if (KeepMatches(batch, state)) return {};
  return EmitUnmatched(batch, state, next);
}

// --- JoinMarkedSource ---

namespace {
constexpr uint32_t kMorselPositions = 65536;
}

struct JoinMarkedSource::State final : LocalState {
  std::vector<VectorBuffer> buffers;
  uint32_t position = 0, end = 0;
  uint32_t positions[kVectorSize];
  // Once the join's own table has been read.
  std::unique_ptr<JoinPairs> pairs;
  std::unique_ptr<LocalState> probe;
};

JoinMarkedSource::JoinMarkedSource(std::shared_ptr<const JoinSpec> spec,
                                   std::shared_ptr<JoinTable> table, JoinProbe* probe,
                                   std::vector<uint32_t> output, QueryContext* context)
    : spec_(std::move(spec)),
      table_(std::move(table)),
      probe_(probe),
      output_(std::move(output)),
      context_(context) {
  for (uint32_t position : output_) layout_.columns.push_back(spec_->payload_columns[position]);
}

Result<void> JoinMarkedSource::Prepare() {
  num_morsels_ =
      static_cast<uint32_t>((table_->num_positions + kMorselPositions - 1) / kMorselPositions);
  return {};
}

uint32_t JoinMarkedSource::num_morsels() const {
  return num_morsels_ + (table_->spill == nullptr ? 0 : table_->spill->num_partitions());
}

std::unique_ptr<LocalState> JoinMarkedSource::MakeState(uint32_t worker) {
  auto state = std::make_unique<State>();
  state->buffers.resize(output_.size());
  return state;
}

OperatorStatistics JoinMarkedSource::Describe() const {
  return {.name = "HashJoin " + spec_->text + " (result)"};
}

Result<bool> JoinMarkedSource::Next(LocalState* local, Batch* batch) {
  auto* state = static_cast<State*>(local);
  if (state->position == state->end && state->pairs == nullptr) {
    const uint32_t morsel = next_.fetch_add(1, std::memory_order_relaxed);
    if (morsel < num_morsels_) {
      state->position = morsel * kMorselPositions;
      state->end = static_cast<uint32_t>(
          std::min<uint64_t>(table_->num_positions, uint64_t{state->position} + kMorselPositions));
    } else if (table_->spill == nullptr) {
      return false;
    } else {
      state->pairs = std::make_unique<JoinPairs>(spec_, table_->spill.get(), context_);
      state->probe = probe_->MakeState(0);
    }
  }
  if (state->pairs == nullptr) {
    ReadMarked(*table_, state, batch);
    return true;
  }
  while (state->position == state->end) {
    ASSIGN_OR_RETURN(const bool more, state->pairs->Next());
    if (!more) return false;
    RETURN_IF_ERROR(probe_->ProbePairs(state->pairs.get(), state->probe.get(), nullptr));
    state->position = 0;
    state->end = static_cast<uint32_t>(state->pairs->table().num_positions);
  }
  ReadMarked(state->pairs->table(), state, batch);
  return true;
}

// The next rows of [position, end) that are wanted.
void JoinMarkedSource::ReadMarked(const JoinTable& table, State* state, Batch* batch) const {
  const uint8_t* matched = table.matched.as<uint8_t>();
  const uint8_t wanted = spec_->kind == plan::JoinKind::kSemi ? 1 : 0;
  uint32_t n = 0;
  for (; state->position < state->end && n < kVectorSize; ++state->position) {
    state->positions[n] = state->position;
    n += matched[state->position] == wanted;
  }
  batch->count = n;
  batch->vectors.resize(output_.size());
  if (n == 0) return;
  for (size_t c = 0; c < output_.size(); ++c) {
    batch->vectors[c] = GatherBuildVector(table.payload_columns[output_[c]], state->positions, n,
                                          &state->buffers[c]);
  }
}

}  // namespace sirocco::engine
