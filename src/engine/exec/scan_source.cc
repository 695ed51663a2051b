#include "engine/exec/scan_source.h"

namespace sirocco::engine {

struct ScanSource::State final : LocalState {
  std::unique_ptr<ScanWorker> worker;
  bool in_morsel = false;
};

void ScanSource::AddFilter(std::unique_ptr<ScanFilter> filter, const std::string& text) {
  if (started_) return;
  filters_ += (filters_.empty() ? "" : ", ") + text;
  scan_->AddFilter(std::move(filter));
}

Result<void> ScanSource::Prepare() {
  started_ = true;
  return {};
}

std::unique_ptr<LocalState> ScanSource::MakeState(uint32_t worker) {
  auto state = std::make_unique<State>();
  state->worker = scan_->MakeWorker();
  return state;
}

Result<bool> ScanSource::Next(LocalState* local, Batch* batch) {
  auto* state = static_cast<State*>(local);
  while (true) {
    if (!state->in_morsel) {
      if (!state->worker->NextMorsel()) return false;
      state->in_morsel = true;
    }
    ASSIGN_OR_RETURN(const bool more, state->worker->Next(batch));
    if (more) return true;
    state->in_morsel = false;
    // Between morsels the driver gets a chance to see a cancellation even if no row survives.
    batch->count = 0;
    return true;
  }
}

OperatorStatistics ScanSource::Describe() const {
  const TableScan::Counters& counters = scan_->counters();
  OperatorStatistics out;
  out.name = "Scan " + table_name_;
  out.rows_out = counters.rows_out;
  out.detail = std::to_string(counters.rows_in) + " rows read, " + std::to_string(counters.chunks_skipped) + " chunks skipped";
  if (!filters_.empty()) out.detail += ", semijoin filters: " + filters_;
  return out;
}

}  // namespace sirocco::engine
