// Rows of one SQL table in columns, as the machine-learning library takes them: from batches of
// columns, or one by one from JSON objects.
// Shape: each column has one value and one NULL mark per row. Threads: none; const methods from
// any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace sirocco::automl {

// What a column's values mean to a model.
enum class ColumnKind : uint8_t {
  kFloat = 1,
  kInteger,
  kUnsigned,  // the bits of a uint64_t
  kString,    // short strings: categories
  kText,      // running text
  kDate,      // microseconds since 1970-01-01, no time zone
  kDateTime,  // same
  kTime,      // microseconds
  kYear,
};

// In which of a column's vectors the values are.
enum class Storage : uint8_t { kFloat, kInteger, kText };
Storage StorageOf(ColumnKind kind);

struct ColumnSpec {
  std::string name;
  ColumnKind kind = ColumnKind::kFloat;
  std::string type;  // the SQL type as text, for messages
};

// One column. Exactly one of the value vectors is in use, by the kind's storage; where a value is
// NULL it holds a placeholder.
struct Column {
  ColumnSpec spec;
  std::vector<double> f64;
  std::vector<int64_t> i64;
  std::vector<std::string> str;
  std::vector<uint8_t> is_null;  // one per row

  bool is_text() const { return StorageOf(spec.kind) == Storage::kText; }
  // Value of a row that is no text, as a number.
  double NumberAt(size_t row) const;
  // Value of a row as text: the name of a class, of an id.
  std::string TextAt(size_t row) const;
};

class Table {
 public:
  explicit Table(std::vector<ColumnSpec> columns);

  // Appends a row given as a JSON object; members that are no column are passed over. Strings that
  // stand for numbers and dates are read as such. kInvalidArgument: no JSON object, a member is
  // missing, or a value is not of the column's kind.
  Result<void> AppendJson(std::string_view object);
  void Clear();

  size_t num_rows() const { return num_rows_; }
  const std::vector<Column>& columns() const { return columns_; }
  // nullptr: no such column.
  const Column* Find(std::string_view name) const;

  // For bulk filling: push the same number of values to every column, then say how many.
  std::vector<Column>& mutable_columns() { return columns_; }
  void RowsAdded(size_t count) { num_rows_ += count; }

 private:
  std::vector<Column> columns_;
  size_t num_rows_ = 0;
};

// "YYYY-MM-DD[ hh:mm:ss[.ffffff]]" as microseconds since 1970, "[-]hh:mm:ss[.ffffff]" as
// microseconds. False: neither.
bool ParseDateTime(std::string_view text, int64_t* micros);
bool ParseTime(std::string_view text, int64_t* micros);

}  // namespace sirocco::automl
