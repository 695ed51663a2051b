#include "engine/exec/scan_source.h"

namespace sirocco::engine {

struct ScanSource::State final : LocalState {
  std::unique_ptr<ScanWorker> worker;
  bool in_morsel = false;
};

void ScanSource::AddFilter(uint32_t table_column, std::shared_ptr<const SemijoinFilter> filter,
                           uint64_t num_keys) {
  if (started_) return;
  Candidate& best = filters_[table_column];
  if (best.filter == nullptr || num_keys < best.num_keys) best = {std::move(filter), num_keys};
}

Result<void> ScanSource::Prepare() {
  started_ = true;
  for (const auto& [column, candidate] : filters_)
    scan_->AddFilter(ScanFilter::FromSemijoin(column, candidate.filter));
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
  out.bytes_scanned = counters.bytes;
  out.detail = std::to_string(counters.rows_in) + " rows read, " +
               std::to_string(counters.chunks_skipped) + " chunks skipped";
  for (const auto& [column, candidate] : filters_)
    out.detail += ", semijoin filter on " + snapshot_->schema().columns[column].name + " (" +
                  std::to_string(candidate.num_keys) + " keys)";
  return out;
}

}  // namespace sirocco::engine
