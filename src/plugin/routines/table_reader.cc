#include "plugin/routines/table_reader.h"

#include <cstdlib>

#include "my_time.h"

namespace sirocco::plugin {
namespace {

using wire::MlColumnKind;

constexpr size_t kBatchBytes = 8u << 20;
constexpr int64_t kMicrosPerSecond = 1000000;
constexpr int64_t kUnixEpochDay = 719528;  // calc_daynr(1970, 1, 1)

std::vector<plan::Lane> LanesOf(const std::vector<wire::MlColumn>& columns) {
  std::vector<plan::Lane> lanes;
  for (const wire::MlColumn& column : columns) lanes.push_back(wire::LaneOf(column.kind));
  return lanes;
}

}  // namespace

BatchSink::BatchSink(std::vector<wire::MlColumn> columns, OnBatch on_batch)
    : columns_(std::move(columns)), batch_(LanesOf(columns_)), on_batch_(std::move(on_batch)) {}

Result<void> BatchSink::EndRow() {
  if (at_ != columns_.size())
    return MakeError(ErrorCode::kInternal, "a row has a wrong number of values");
  at_ = 0;
  ++num_rows_;
  ++batch_.num_rows;
  // Sizes are looked at now and then only: strings make rows of very different sizes.
  if (batch_.num_rows >= kBatchRows ||
      (batch_.num_rows % 64 == 0 && batch_.size_bytes() >= kBatchBytes))
    return Flush();
  return {};
}

Result<void> BatchSink::Flush() {
  if (batch_.num_rows == 0) return {};
  RETURN_IF_ERROR(on_batch_(batch_));
  batch_.Clear();
  batch_.num_rows = 0;
  return {};
}

void BatchSink::Null() {
  if (!AtEnd()) Next().PushNull(batch_.num_rows);
}

void BatchSink::Integer(int64_t value, bool is_unsigned) {
  if (AtEnd()) return;
  wire::ColumnBuffer& column = Next();
  switch (column.lane) {
    case plan::Lane::kF64:
      column.f64.push_back(is_unsigned ? static_cast<double>(static_cast<uint64_t>(value))
                                       : static_cast<double>(value));
      break;
    case plan::Lane::kStr:
      column.PushString(is_unsigned ? std::to_string(static_cast<uint64_t>(value))
                                    : std::to_string(value));
      break;
    default:
      column.i64.push_back(value);
  }
  column.MarkNotNull();
}

void BatchSink::Double(double value) {
  if (AtEnd()) return;
  wire::ColumnBuffer& column = Next();
  if (column.lane == plan::Lane::kF64) {
    column.f64.push_back(value);
  } else {
    column.PushNull(batch_.num_rows);
    return;
  }
  column.MarkNotNull();
}

void BatchSink::Time(const MYSQL_TIME& value) {
  if (AtEnd()) return;
  const MlColumnKind kind = columns_[at_].kind;
  wire::ColumnBuffer& column = Next();
  const int64_t time_of_day =
      ((static_cast<int64_t>(value.hour) * 60 + value.minute) * 60 + value.second) *
          kMicrosPerSecond +
      static_cast<int64_t>(value.second_part);
  if (kind == MlColumnKind::kTime) {
    column.i64.push_back(value.neg ? -time_of_day : time_of_day);
  } else if (column.lane != plan::Lane::kI64 || value.month == 0 || value.day == 0) {
    column.PushNull(batch_.num_rows);
    return;
  } else {
    const int64_t days = calc_daynr(value.year, value.month, value.day) - kUnixEpochDay;
    column.i64.push_back(days * 86400 * kMicrosPerSecond + time_of_day);
  }
  column.MarkNotNull();
}

void BatchSink::String(std::string_view value) {
  if (AtEnd()) return;
  wire::ColumnBuffer& column = Next();
  if (column.lane == plan::Lane::kF64) {
    column.f64.push_back(std::strtod(std::string(value).c_str(), nullptr));
  } else if (column.lane == plan::Lane::kStr) {
    column.PushString(value);
  } else {
    column.i64.push_back(std::strtoll(std::string(value).c_str(), nullptr, 10));
  }
  column.MarkNotNull();
}

Result<uint64_t> ReadRows(InvokerSession* session, const std::string& statement,
                          const std::vector<wire::MlColumn>& columns,
                          const BatchSink::OnBatch& on_batch) {
  BatchSink sink(columns, on_batch);
  RETURN_IF_ERROR(session->Read(statement, &sink));
  RETURN_IF_ERROR(sink.Flush());
  return sink.num_rows();
}

}  // namespace sirocco::plugin
