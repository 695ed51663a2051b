// For tests: tables from texts, and whole tables as text.
#pragma once

#include <string>
#include <vector>

#include "lakehouse/load/csv_tasks.h"
#include "lakehouse/load/parquet_tasks.h"
#include "lakehouse/store/memory_store.h"

namespace sirocco::lakehouse {

ColumnTarget TestColumn(const char* name, plan::Type type, uint8_t integer_bytes = 4);
// VARCHAR(chars) of utf8mb4_0900_ai_ci.
ColumnTarget TestText(const char* name, uint32_t chars, StringForm form = StringForm::kVarchar);

struct TestLoad {
  std::vector<std::string> rows;  // "1|abc|NULL": MySQL's text of the values
  std::vector<Warning> warnings;
};

struct TestCsvOptions {
  bool strict = true;
  uint32_t num_threads = 2;
  uint64_t range_bytes = kMinCsvRangeBytes;
  size_t request_bytes = 1 << 20;
  Compression compression = Compression::kNone;
};

// `text` as the file "test.csv".
Result<TestLoad> LoadCsv(const std::vector<ColumnTarget>& targets, const CsvDialect& dialect,
                         std::string_view text, TestCsvOptions options = {});

// All rows of a table.
Result<std::vector<std::string>> PrintTable(const engine::SnapshotPtr& snapshot);

// Runs tasks and prints the table.
Result<TestLoad> LoadTasks(const std::vector<ColumnTarget>& targets,
                           std::vector<std::unique_ptr<ReadTask>> tasks, uint32_t num_threads,
                           LoadReport* report);

}  // namespace sirocco::lakehouse
