// Loads an external table: finds its files, resolves what is to be detected, reads all of them in
// parallel into segments.
//
// Threads: LoadExternalTable runs its own threads and returns when they have ended; calls may
// overlap. Errors: those of locating and reading, with MySQL's numbers; kCancelled; kOutOfMemory.
// Nothing of a failed load is visible.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/storage/table_builder.h"
#include "lakehouse/load/read_tasks.h"
#include "lakehouse/read/column_target.h"
#include "lakehouse/table/attribute.h"
#include "lakehouse/table/locate.h"

namespace sirocco::lakehouse {

struct ExternalLoad {
  ExternalTable definition;
  plan::TableSchema schema;  // columns are those of `targets`
  std::vector<ColumnTarget>
      targets;                 // formats of the dialect are filled in here where a column has none
  bool session_strict = true;  // sql_mode of the session
  ConversionRules rules;       // `strict` and `encoding` are set from the definition
  uint32_t num_threads = 2;
  uint32_t max_warnings = 1024;  // max_error_count
  std::set<uint32_t> filtered_warnings;
  const std::atomic<bool>* cancelled = nullptr;
  std::function<void(uint64_t rows, uint64_t bytes, uint64_t total_bytes)> progress;
};

struct ExternalLoadResult {
  engine::SnapshotPtr snapshot;
  std::vector<Warning> warnings;
  uint64_t num_rows = 0, num_bytes = 0;
  std::vector<LocatedFile> files;  // what was loaded, for refresh
};

Result<ExternalLoadResult> LoadExternalTable(const ExternalLoad& load, StoreSet* stores,
                                             std::shared_ptr<engine::MemoryPool> pool);

}  // namespace sirocco::lakehouse
