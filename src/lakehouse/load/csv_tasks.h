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

// Appends the tasks of `file`: about `num_ranges` for a plain file, but none below a few MB.
void AddCsvTasks(std::shared_ptr<const CsvFile> file, uint32_t num_ranges,
                 std::vector<std::unique_ptr<ReadTask>>* tasks);

}  // namespace sirocco::lakehouse
