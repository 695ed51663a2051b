#include "engine/storage/table_fixture.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sirocco::engine {

TestColumn MakeColumn(const plan::Type& type, uint32_t num_rows,
                      const std::function<plan::Value(uint32_t)>& value) {
  TestColumn column;
  column.schema.name = "c";
  column.schema.type = type;
  for (uint32_t i = 0; i < num_rows; ++i) column.values.push_back(value(i));
  return column;
}

WireColumn::WireColumn(const TestColumn& column, size_t begin, size_t end) {
  view.lane = plan::LaneOf(column.schema.type);
  // Offsets need not begin at 0 on the wire.
  bytes.assign(3, 'x');
  offsets.push_back(3);
  bool any_null = false;
  for (size_t i = begin; i < end; ++i) {
    const plan::Value& value = column.values[i];
    nulls.push_back(value.is_null);
    any_null |= value.is_null;
    // What stands under a NULL must not matter.
    i64.push_back(value.is_null ? INT64_MIN + 5 : static_cast<int64_t>(value.integer));
    i128.push_back(value.is_null ? -77 : value.integer);
    f64.push_back(value.is_null ? 1e300 : value.real);
    if (value.is_null) {
      bytes.append("garbage");
    } else {
      bytes.append(value.bytes);
    }
    offsets.push_back(static_cast<uint32_t>(bytes.size()));
  }
  view.values = view.lane == Lane::kI64    ? static_cast<void*>(i64.data())
                : view.lane == Lane::kI128 ? static_cast<void*>(i128.data())
                                           : f64.data();
  view.offsets = offsets.data();
  view.bytes = bytes.data();
  view.nulls = any_null ? nulls.data() : nullptr;
}

Result<SnapshotPtr> BuildTable(const std::vector<TestColumn>& columns,
                               std::shared_ptr<MemoryPool> pool, uint32_t batch_rows,
                               uint32_t num_writers, std::vector<uint32_t> primary_key) {
  plan::TableSchema schema{.schema_name = "test",
                           .table_name = "t",
                           .columns = {},
                           .primary_key = std::move(primary_key)};
  for (const TestColumn& column : columns) schema.columns.push_back(column.schema);
  const size_t num_rows = columns[0].values.size();
  auto builder = TableBuilder::Create(std::move(schema), std::move(pool));
  std::vector<std::unique_ptr<TableBuilder::Writer>> writers;
  // Made and closed in another order than their numbers say.
  for (uint32_t w = 0; w < num_writers; ++w)
    writers.push_back(builder->MakeWriter(num_writers - 1 - w));
  for (uint32_t w = 0; w < num_writers; ++w) {
    const uint32_t order = num_writers - 1 - w;
    const size_t end = num_rows * (order + 1) / num_writers;
    for (size_t begin = num_rows * order / num_writers; begin < end; begin += batch_rows) {
      const size_t stop = std::min<size_t>(begin + batch_rows, end);
      std::vector<WireColumn> wire;
      wire.reserve(columns.size());
      std::vector<LoadColumn> views;
      for (const TestColumn& column : columns) {
        wire.emplace_back(column, begin, stop);
        views.push_back(wire.back().view);
      }
      RETURN_IF_ERROR(writers[w]->Append(static_cast<uint32_t>(stop - begin), views));
    }
    RETURN_IF_ERROR(writers[w]->Close());
  }
  writers.clear();
  return builder->Finish(2);
}

plan::Value ValueAt(const Vector& vector, const plan::Type& type, uint32_t row) {
  if (vector.constant) row = 0;
  if (vector.nulls != nullptr && vector.nulls[row]) return plan::Value::Null();
  switch (vector.lane) {
    case Lane::kI64:
      return plan::Value::Int(type.IsUnsigned() ? static_cast<int128>(vector.u64()[row])
                                                : static_cast<int128>(vector.i64()[row]));
    case Lane::kI128:
      return plan::Value::Int(vector.i128()[row]);
    case Lane::kF64:
      return plan::Value::Real(vector.f64()[row]);
    case Lane::kStr:
      return plan::Value::Bytes(std::string(vector.str()[row].view()));
    case Lane::kCode:
      return plan::Value::Bytes(std::string(vector.dictionary->value(vector.code()[row])));
  }
  return {};
}

std::vector<std::vector<plan::Value>> ScanAll(TableScan* scan, const Snapshot& snapshot,
                                              const std::vector<ScanOutput>& outputs) {
  std::vector<std::vector<plan::Value>> result(outputs.size());
  auto worker = scan->MakeWorker();
  Batch batch;
  while (worker->NextMorsel()) {
    for (;;) {
      auto more = worker->Next(&batch);
      EXPECT_TRUE(more.has_value());
      if (!more.has_value() || !*more) break;
      EXPECT_GT(batch.count, 0u);
      EXPECT_LE(batch.count, kVectorSize);
      for (size_t i = 0; i < outputs.size(); ++i) {
        EXPECT_EQ(batch.vectors[i].lane, snapshot.lane(outputs[i].column));
        for (uint32_t row = 0; row < batch.count; ++row)
          result[i].push_back(
              ValueAt(batch.vectors[i], snapshot.schema().columns[outputs[i].column].type, row));
      }
    }
  }
  return result;
}

}  // namespace sirocco::engine
