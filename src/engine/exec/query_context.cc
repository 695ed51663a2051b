#include "engine/exec/query_context.h"

namespace sirocco::engine {

namespace {
std::atomic<bool> force_spill{false};
}

void QueryContext::ForceSpill(bool force) { force_spill = force; }
bool QueryContext::SpillIsForced() { return force_spill; }

void QueryContext::AddWarning(uint32_t mysql_errno, const std::string& message, uint64_t count) {
  std::lock_guard lock(mutex_);
  warnings_[{mysql_errno, message}] += count;
}

std::vector<Warning> QueryContext::warnings() const {
  std::lock_guard lock(mutex_);
  std::vector<Warning> all;
  for (const auto& [key, count] : warnings_) all.push_back({key.first, key.second, count});
  return all;
}

}  // namespace sirocco::engine
