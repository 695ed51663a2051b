// Rows of one table in columns, as a machine-learning process collects them: from batches of the
// node, or one by one from JSON objects.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "wire/column_batch.h"
#include "wire/ml_messages.h"

namespace sirocco::node {

// One column. Exactly one of the value vectors is in use, by the kind's lane; where a value is NULL
// it holds a placeholder.
struct MlValues {
  wire::MlColumn column;
  std::vector<double> f64;
  std::vector<int64_t> i64;
  std::vector<std::string> str;
  std::vector<uint8_t> is_null;  // one per row
};

class MlRows {
 public:
  explicit MlRows(std::vector<wire::MlColumn> columns);

  // kInvalidArgument: other lanes or another number of columns.
  Result<void> Append(const wire::ColumnBatchView& batch);
  // Appends a row given as a JSON object; members that are no column are passed over. Strings that
  // stand for numbers and dates are read as such. kInvalidArgument: no JSON object, a member is
  // missing, or a value is not of the column's kind.
  Result<void> AppendJson(std::string_view object);
  void Clear();

  size_t num_rows() const { return num_rows_; }
  const std::vector<MlValues>& columns() const { return columns_; }
  // nullptr: no such column.
  const MlValues* Find(std::string_view name) const;

 private:
  std::vector<MlValues> columns_;
  size_t num_rows_ = 0;
};

// "YYYY-MM-DD[ hh:mm:ss[.ffffff]]" as microseconds since 1970, "[-]hh:mm:ss[.ffffff]" as
// microseconds. False: neither.
bool ParseDateTime(std::string_view text, int64_t* micros);
bool ParseTime(std::string_view text, int64_t* micros);

}  // namespace sirocco::node
