// One column chunk of a Parquet row group into a column of the table, batch by batch. For the .cc
// files of the Parquet reader only: includes Parquet's headers. Functions may throw Parquet's
// exceptions; ReadRows catches them.
#pragma once

#include <parquet/column_reader.h>
#include <parquet/statistics.h>

#include <memory>

#include "lakehouse/read/issue_sink.h"
#include "lakehouse/read/parquet_file.h"
#include "lakehouse/read/parquet_types.h"
#include "lakehouse/read/row_batch.h"
#include "lakehouse/read/text_value.h"

namespace sirocco::lakehouse {

inline constexpr uint32_t kParquetBatchRows = 4096;

// Locates values by the row's number, counted from the first row of the task; there are no lines in
// Parquet.
class ParquetIssues final : public IssueSink {
 public:
  using IssueSink::IssueSink;
  void set_first_row(uint64_t row) { first_row_ = row; }

 protected:
  void Locate(uint32_t row, Diagnostic* diagnostic) const override {
    diagnostic->row = first_row_ + row + 1;
  }

 private:
  uint64_t first_row_ = 0;
};

class ParquetColumnReader {
 public:
  virtual ~ParquetColumnReader() = default;
  // The next `num_rows` rows into rows [0, num_rows) of `out`. False: the load ends (`sink` knows
  // why). Errors: kCorrupt.
  virtual Result<bool> Read(uint32_t num_rows, ColumnBuffer* out, IssueSink* sink) = 0;

  static std::unique_ptr<ParquetColumnReader> Create(std::shared_ptr<parquet::ColumnReader> reader,
                                                     const ParquetLeaf& leaf,
                                                     TextConverter* converter,
                                                     const ConversionRules& rules);
};

// False if minimum and maximum of a chunk prove that no value is in the range.
bool StatisticsMayMatch(const ParquetLeaf& leaf, const parquet::Statistics& statistics,
                        const plan::Type& type, const ColumnRange& range);

}  // namespace sirocco::lakehouse
