// Parquet files into a table, row groups in parallel. Arrow's Parquet library decodes pages; types
// are converted here, so that values are MySQL's. Only the column chunks that the table has are
// fetched, all of a row group at once.
//
// Which types fit which columns: whole numbers, decimals, floating point and booleans fit any
// number column; strings fit any column and are read as text is; DATE, TIME, TIMESTAMP and INT96
// fit temporal and string columns; BYTE_ARRAY without a logical type fits string and binary
// columns; lists of plain values fit string and JSON columns as JSON text and, if of numbers,
// VECTOR columns. Other nested columns and what is left are refused (6091, 6530) before anything is
// read.
//
// Threads: a ParquetFile is immutable after Open; ReadRowGroups may run in several threads at once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lakehouse/load/read_tasks.h"
#include "lakehouse/read/column_target.h"
#include "lakehouse/store/object_store.h"

namespace sirocco::lakehouse {

// One column of the file as a table could have it, for inference and for matching by name.
struct ParquetColumn {
  std::string name;
  std::string type;  // as Parquet names it: "INT64", "BYTE_ARRAY String"
  bool nullable = true;
  bool loadable = true;  // a plain value or a list of plain values
};

// The values of a column that a reader wants; bounds in the representation of plan/type.h, both
// ends included.
struct ColumnRange {
  size_t column = 0;     // of the table
  plan::Value min, max;  // null: no bound
};

class ParquetFile : public std::enable_shared_from_this<ParquetFile> {
 public:
  // Reads the footer. `shown` names the file in messages. Errors: 6069 (empty), 6081 (not Parquet),
  // 6101 (bad footer), those of the store.
  static Result<std::shared_ptr<const ParquetFile>> Open(ObjectStore* store,
                                                         const ObjectMeta& object,
                                                         std::string shown);
  virtual ~ParquetFile() = default;

  virtual const std::vector<ParquetColumn>& columns() const = 0;
  virtual uint32_t num_row_groups() const = 0;
  virtual uint64_t num_rows() const = 0;
  virtual uint64_t num_rows(uint32_t row_group) const = 0;
  virtual uint64_t num_bytes(uint32_t row_group) const = 0;  // packed

  // How a table's columns are read from this file. `column_of_target[i]` is a position in
  // columns(), or -1. Errors: 6091, 6530 for columns that do not fit.
  virtual Result<void> CheckTypes(const std::vector<ColumnTarget>& targets,
                                  const std::vector<int32_t>& column_of_target) const = 0;

  // False if the statistics prove that no row of the group is within all ranges.
  virtual bool MayMatch(uint32_t row_group, const std::vector<ColumnTarget>& targets,
                        const std::vector<int32_t>& column_of_target,
                        const std::vector<ColumnRange>& ranges) const = 0;
};

struct ParquetReadPlan {
  std::shared_ptr<const ParquetFile> file;
  const std::vector<ColumnTarget>* targets = nullptr;
  ConversionRules rules;
  std::vector<int32_t> column_of_target;
  std::string file_name;
};

// Rows of the given row groups into `writer`. A CheckTypes of the plan has succeeded.
Result<ReadTask::Outcome> ReadParquetRowGroups(const ParquetReadPlan& plan, uint32_t first,
                                               uint32_t count, engine::TableBuilder::Writer* writer,
                                               DiagnosticLog* log, const StopToken* stop);

}  // namespace sirocco::lakehouse
