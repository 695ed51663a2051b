// For the tests of this folder: tables from lists of values, and whole scans into lists of values.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/storage/scan.h"
#include "engine/storage/table_builder.h"

namespace sirocco::engine {

// One column as plan values; Value::Null() is NULL.
struct TestColumn {
  plan::ColumnSchema schema;
  std::vector<plan::Value> values;
};

TestColumn MakeColumn(const plan::Type& type, uint32_t num_rows,
                      const std::function<plan::Value(uint32_t)>& value);

// Rows [begin, end) of a column in wire form. `view` points into the object, which must stay where
// it is.
struct WireColumn {
  std::vector<int64_t> i64;
  std::vector<int128> i128;
  std::vector<double> f64;
  std::vector<uint32_t> offsets;
  std::string bytes;
  std::vector<uint8_t> nulls;
  LoadColumn view;

  WireColumn(const TestColumn& column, size_t begin, size_t end);
};

// Appends in batches of `batch_rows` through `num_writers` writers that each take a consecutive
// share of the rows.
Result<SnapshotPtr> BuildTable(const std::vector<TestColumn>& columns,
                               std::shared_ptr<MemoryPool> pool, uint32_t batch_rows = 1000,
                               uint32_t num_writers = 1, std::vector<uint32_t> primary_key = {});

// All values a scan delivers, by output column, in order. Dictionary codes are resolved to strings.
std::vector<std::vector<plan::Value>> ScanAll(TableScan* scan, const Snapshot& snapshot,
                                              const std::vector<ScanOutput>& outputs);

// Value `row` of a vector, codes resolved.
plan::Value ValueAt(const Vector& vector, const plan::Type& type, uint32_t row);

}  // namespace sirocco::engine
