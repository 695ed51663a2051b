// State shared by all sessions of one rapidd process.
#pragma once

#include <atomic>

#include "engine/memory/memory_pool.h"
#include "engine/spill/spill_space.h"
#include "node/admission.h"
#include "node/catalogue.h"
#include "node/disconnect_watch.h"
#include "node/maintenance.h"
#include "node/duration_model.h"
#include "node/ml_service.h"
#include "node/options.h"
#include "wire/messages.h"

namespace sirocco::node {

class Node {
 public:
  explicit Node(Options options);

  const Options& options() const { return options_; }
  engine::MemoryPool* pool() { return &pool_; }
  engine::SpillSpace* spill() { return &spill_; }
  Catalogue* catalogue() { return &catalogue_; }
  Maintenance* maintenance() { return &maintenance_; }
  Admission* admission() { return &admission_; }
  DurationModel* durations() { return &durations_; }
  DisconnectWatch* watch() { return &watch_; }
  MlService* ml() { return &ml_; }
  void CountQuery(uint64_t bytes_scanned) {
    ++queries_run_;
    bytes_scanned_ += bytes_scanned;
  }
  wire::NodeInfo Info() const;

 private:
  const Options options_;
  const uint64_t instance_;
  const uint64_t start_time_us_;
  engine::MemoryPool pool_;
  engine::SpillSpace spill_;
  Catalogue catalogue_;
  Maintenance maintenance_;
  Admission admission_;
  DurationModel durations_;
  DisconnectWatch watch_;
  MlService ml_;
  std::atomic<uint64_t> queries_run_{0}, bytes_scanned_{0};
};

}  // namespace sirocco::node
