// Reads a table's rows in the caller's session and hands them on as column batches.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/error.h"
#include "plugin/routines/invoker_session.h"
#include "wire/column_batch.h"
#include "wire/ml_messages.h"

namespace sirocco::plugin {

inline constexpr uint32_t kBatchRows = 8192;

// Takes rows as column batches of `columns`, kBatchRows rows or less each. Dates that are none
// ('0000-00-00', a zero month) become NULL.
class BatchSink : public RowSink {
 public:
  using OnBatch = std::function<Result<void>(const wire::ColumnBatchBuilder&)>;

  BatchSink(std::vector<wire::MlColumn> columns, OnBatch on_batch);
  Result<void> EndRow() override;
  void Null() override;
  void Integer(int64_t value, bool is_unsigned) override;
  void Double(double value) override;
  void Time(const MYSQL_TIME& value) override;
  void String(std::string_view value) override;
  // Hands on the rows since the last batch.
  Result<void> Flush();
  uint64_t num_rows() const { return num_rows_; }

 private:
  bool AtEnd() const { return at_ >= columns_.size(); }
  wire::ColumnBuffer& Next() { return batch_.columns()[at_++]; }

  const std::vector<wire::MlColumn> columns_;
  wire::ColumnBatchBuilder batch_;
  const OnBatch on_batch_;
  size_t at_ = 0;  // column of the next value
  uint64_t num_rows_ = 0;
};

// Runs `statement`, whose result columns are `columns` in order. Returns the number of rows.
Result<uint64_t> ReadRows(InvokerSession* session, const std::string& statement,
                          const std::vector<wire::MlColumn>& columns,
                          const BatchSink::OnBatch& on_batch);

}  // namespace sirocco::plugin
