#include "engine/exec/block_source.h"

#include <algorithm>

namespace sirocco::engine {

struct BlockSource::State final : LocalState {
  std::vector<VectorBuffer> buffers;
  const Morsel* morsel = nullptr;
  uint32_t row = 0;
};

Result<void> BlockSource::Prepare() {
  morsels_.clear();
  for (const auto& rows : *rows_)
    for (const RowBlock& block : rows->blocks()) morsels_.push_back({rows.get(), &block});
  return {};
}

std::unique_ptr<LocalState> BlockSource::MakeState(uint32_t worker) {
  auto state = std::make_unique<State>();
  state->buffers.resize(layout_.columns.size());
  return state;
}

Result<bool> BlockSource::Next(LocalState* local, Batch* batch) {
  auto* state = static_cast<State*>(local);
  while (state->morsel == nullptr || state->row == state->morsel->block->count) {
    const uint32_t i = next_.fetch_add(1, std::memory_order_relaxed);
    if (i >= morsels_.size()) return false;
    state->morsel = &morsels_[i];
    state->row = 0;
  }
  const RowBlock& block = *state->morsel->block;
  batch->count = std::min(kVectorSize, block.count - state->row);
  batch->vectors.resize(layout_.columns.size());
  for (size_t c = 0; c < layout_.columns.size(); ++c) {
    batch->vectors[c] =
        ReadStored(state->morsel->rows->columns()[c], block.values[c].data(),
                   block.nulls[c].as<uint8_t>(), state->row, batch->count, &state->buffers[c]);
  }
  state->row += batch->count;
  return true;
}

// --- Rows on disk ---

struct SpilledRowsSource::State final : LocalState {
  State(const std::vector<StoredColumn>& columns, QueryContext* context)
      : reader(columns, context) {}
  SpilledRowsReader reader;
};

std::unique_ptr<LocalState> SpilledRowsSource::MakeState(uint32_t worker) {
  return std::make_unique<State>(columns_, context_);
}

Result<bool> SpilledRowsSource::Next(LocalState* local, Batch* batch) {
  auto* state = static_cast<State*>(local);
  while (true) {
    ASSIGN_OR_RETURN(batch->count, state->reader.Next(&batch->vectors));
    if (batch->count != 0) return true;
    const uint32_t page = next_.fetch_add(1, std::memory_order_relaxed);
    if (page >= rows_->pages.size()) return false;
    RETURN_IF_ERROR(state->reader.Load(rows_->pages[page]));
  }
}

}  // namespace sirocco::engine
