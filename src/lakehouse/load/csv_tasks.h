// Reading tasks for CSV files: a whole packed file, or ranges of a plain one.
//
// Threads: as ReadTask.
#pragma once

#include <memory>
#include <vector>

#include "lakehouse/load/read_tasks.h"
#include "lakehouse/read/csv_reader.h"
#include "lakehouse/read/decompress.h"

namespace sirocco::lakehouse {

// One file to be read. Shared by its tasks.
struct CsvFile {
  ObjectStore* store = nullptr;
  ObjectMeta object;
  Compression compression = Compression::kNone;
  CsvReadPlan plan;
};

// Below this a range costs more in half-filled chunks than another thread gains.
inline constexpr uint64_t kMinCsvRangeBytes = 8 << 20;

// Appends the tasks of `file`: about `num_ranges` for a plain file, but none below
// `min_range_bytes`.
void AddCsvTasks(std::shared_ptr<const CsvFile> file, uint32_t num_ranges,
                 std::vector<std::unique_ptr<ReadTask>>* tasks,
                 uint64_t min_range_bytes = kMinCsvRangeBytes);

}  // namespace sirocco::lakehouse
