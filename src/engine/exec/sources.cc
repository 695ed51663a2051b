#include "engine/exec/sources.h"

#include <algorithm>

namespace sirocco::engine {

// --- Values ---

struct ValuesSource::State final : LocalState {
  std::vector<VectorBuffer> buffers;
  size_t next_row = 0;
  bool owner = false;
};

Result<std::unique_ptr<ValuesSource>> ValuesSource::Create(const plan::Node& node,
                                                           const std::vector<ColumnId>& needed,
                                                           QueryContext* context) {
  auto source = std::make_unique<ValuesSource>();
  source->node_ = &node;
  for (size_t i = 0; i < node.value_columns.size(); ++i) {
    const auto& [id, type] = node.value_columns[i];
    if (std::find(needed.begin(), needed.end(), id) == needed.end()) continue;
    source->positions_.push_back(static_cast<uint32_t>(i));
    ColumnInfo info{.id = id, .type = type, .lane = plan::LaneOf(type), .nullable = false};
    bool first = true;
    for (const auto& row : node.rows) {
      const plan::Value& value = row[i];
      if (value.is_null) {
        info.nullable = true;
        continue;
      }
      info.range.min = first ? value.integer : std::min(info.range.min, value.integer);
      info.range.max = first ? value.integer : std::max(info.range.max, value.integer);
      first = false;
    }
    // Unsigned values above the signed range travel as their bits; their range is left unknown.
    info.range.known = !first && (info.lane == Lane::kI64 || info.lane == Lane::kI128) &&
                       info.range.max <= INT64_MAX;
    info.num_distinct = static_cast<double>(node.rows.size());
    source->layout_.columns.push_back(info);
  }
  return source;
}

std::unique_ptr<LocalState> ValuesSource::MakeState(uint32_t worker) {
  auto state = std::make_unique<State>();
  state->buffers.resize(positions_.size());
  state->owner = !taken_.exchange(true);
  return state;
}

Result<bool> ValuesSource::Next(LocalState* local, Batch* batch) {
  auto* state = static_cast<State*>(local);
  if (!state->owner || state->next_row >= node_->rows.size()) return false;
  const auto n =
      static_cast<uint32_t>(std::min<size_t>(kVectorSize, node_->rows.size() - state->next_row));
  batch->count = n;
  batch->vectors.resize(positions_.size());
  for (size_t c = 0; c < positions_.size(); ++c) {
    VectorBuffer& buffer = state->buffers[c];
    buffer.Reset(layout_.columns[c].lane);
    Vector out = buffer.Flat();
    if (layout_.columns[c].nullable) out.nulls = buffer.Nulls();
    for (uint32_t i = 0; i < n; ++i) {
      const plan::Value& value = node_->rows[state->next_row + i][positions_[c]];
      if (out.nulls != nullptr) out.nulls[i] = value.is_null;
      switch (out.lane) {
        case Lane::kI64:
          out.i64()[i] = static_cast<int64_t>(value.integer);
          break;
        case Lane::kI128:
          out.i128()[i] = value.integer;
          break;
        case Lane::kF64:
          out.f64()[i] = value.real;
          break;
        case Lane::kStr:
        case Lane::kCode:
          out.str()[i] = {.data = value.bytes.data(),
                          .size = static_cast<uint32_t>(value.bytes.size())};
          break;
      }
    }
    batch->vectors[c] = out;
  }
  state->next_row += n;
  return true;
}

// --- Renaming ---

struct RenamingSource::State final : LocalState {
  std::unique_ptr<LocalState> inner;
  Batch batch;
};

RenamingSource::RenamingSource(std::unique_ptr<Source> inner, std::vector<uint32_t> positions,
                               const std::vector<ColumnId>& ids)
    : inner_(std::move(inner)), positions_(std::move(positions)) {
  for (size_t i = 0; i < positions_.size(); ++i) {
    layout_.columns.push_back(inner_->layout().columns[positions_[i]]);
    layout_.columns.back().id = ids[i];
  }
}

std::unique_ptr<LocalState> RenamingSource::MakeState(uint32_t worker) {
  auto state = std::make_unique<State>();
  state->inner = inner_->MakeState(worker);
  return state;
}

Result<bool> RenamingSource::Next(LocalState* local, Batch* batch) {
  auto* state = static_cast<State*>(local);
  ASSIGN_OR_RETURN(const bool more, inner_->Next(state->inner.get(), &state->batch));
  if (!more) return false;
  batch->count = state->batch.count;
  batch->vectors.resize(positions_.size());
  if (batch->count == 0) return true;
  for (size_t c = 0; c < positions_.size(); ++c)
    batch->vectors[c] = state->batch.vectors[positions_[c]];
  return true;
}

// --- Concatenation ---

struct ConcatSource::State final : LocalState {
  std::vector<std::unique_ptr<LocalState>> inner;
  size_t current = 0;
};

Result<void> ConcatSource::Prepare() {
  for (const auto& source : inner_) RETURN_IF_ERROR(source->Prepare());
  return {};
}

std::unique_ptr<LocalState> ConcatSource::MakeState(uint32_t worker) {
  auto state = std::make_unique<State>();
  for (const auto& source : inner_) state->inner.push_back(source->MakeState(worker));
  return state;
}

Result<bool> ConcatSource::Next(LocalState* local, Batch* batch) {
  auto* state = static_cast<State*>(local);
  for (; state->current < inner_.size(); ++state->current) {
    ASSIGN_OR_RETURN(const bool more,
                     inner_[state->current]->Next(state->inner[state->current].get(), batch));
    if (more) return true;
  }
  return false;
}

uint32_t ConcatSource::num_morsels() const {
  uint32_t total = 0;
  for (const auto& source : inner_) total += source->num_morsels();
  return total;
}

}  // namespace sirocco::engine
