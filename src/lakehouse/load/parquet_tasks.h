// Reading tasks for Parquet files: runs of row groups. Threads: as ReadTask.
#pragma once

#include <memory>
#include <vector>

#include "lakehouse/load/read_tasks.h"
#include "lakehouse/read/parquet_file.h"

namespace sirocco::lakehouse {

// Appends tasks of about `rows_per_task` rows (at least one row group) for the row groups listed.
void AddParquetTasks(std::shared_ptr<const ParquetReadPlan> plan,
                     const std::vector<uint32_t>& row_groups, uint64_t rows_per_task,
                     std::vector<std::unique_ptr<ReadTask>>* tasks);

}  // namespace sirocco::lakehouse
