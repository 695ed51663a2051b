#include "lakehouse/load/load_fixture.h"

#include "engine/exec/query_context.h"
#include "engine/storage/table_fixture.h"
#include "mysqlsem/collation.h"
#include "mysqlsem/decimal.h"
#include "mysqlsem/number_format.h"
#include "mysqlsem/temporal.h"
#include "plan/node.h"

namespace sirocco::lakehouse {

using plan::TypeKind;

namespace {

std::string TextOf(const plan::Value& value, const plan::ColumnSchema& column) {
  if (value.is_null) return "NULL";
  const plan::Type& type = column.type;
  switch (type.kind) {
    case TypeKind::kDate:
      return mysqlsem::DateToString(static_cast<int32_t>(value.integer));
    case TypeKind::kDatetime:
      return mysqlsem::DatetimeToString(static_cast<int64_t>(value.integer), type.scale);
    case TypeKind::kTime:
      return mysqlsem::TimeToString(static_cast<int64_t>(value.integer), type.scale);
    case TypeKind::kDecimal:
      if (plan::LaneOf(type) == plan::Lane::kStr) {
        mysqlsem::BigDecimal decimal;
        mysqlsem::BigDecimal::FromPacked(reinterpret_cast<const uint8_t*>(value.bytes.data()),
                                         type.precision, type.scale, &decimal);
        return decimal.ToString();
      }
      return mysqlsem::ScaledToString(value.integer, type.scale);
    case TypeKind::kDouble:
      return mysqlsem::FormatDouble(value.real);
    case TypeKind::kFloat:
      return mysqlsem::FormatFloat(static_cast<float>(value.real));
    case TypeKind::kString:
      return value.bytes;
    case TypeKind::kJson:
    case TypeKind::kVector:
      return QuoteValue(value.bytes);
    default:
      return type.IsUnsigned() ? std::to_string(static_cast<uint64_t>(value.integer))
                               : std::to_string(static_cast<int64_t>(value.integer));
  }
}

}  // namespace

ColumnTarget TestColumn(const char* name, plan::Type type, uint8_t integer_bytes) {
  ColumnTarget target;
  target.schema.name = name;
  target.schema.type = type;
  target.integer_bytes = integer_bytes;
  return target;
}

ColumnTarget TestText(const char* name, uint32_t chars, StringForm form) {
  ColumnTarget target = TestColumn(name, plan::StringType(255, chars * 4));
  target.form = form;
  target.max_chars = chars;
  return target;
}

Result<TestLoad> LoadTasks(const std::vector<ColumnTarget>& targets,
                           std::vector<std::unique_ptr<ReadTask>> tasks, uint32_t num_threads,
                           LoadReport* report) {
  plan::TableSchema schema;
  schema.table_name = "t";
  for (const ColumnTarget& target : targets) schema.columns.push_back(target.schema);
  auto pool = std::make_shared<engine::MemoryPool>("test");
  auto builder = engine::TableBuilder::Create(schema, pool);
  ASSIGN_OR_RETURN(const ReadTotals totals, RunReadTasks(tasks, builder.get(), ColumnNames(targets),
                                                         {.num_threads = num_threads}, report));
  tasks.clear();
  ASSIGN_OR_RETURN(const engine::SnapshotPtr snapshot, builder->Finish(1));
  if (snapshot->num_rows() != totals.num_rows)
    return MakeError(ErrorCode::kInternal, "rows were counted wrong");
  TestLoad load;
  load.warnings = report->Finish();
  ASSIGN_OR_RETURN(load.rows, PrintTable(snapshot));
  return load;
}

Result<std::vector<std::string>> PrintTable(const engine::SnapshotPtr& snapshot) {
  std::vector<std::string> rows;
  if (snapshot->num_rows() == 0) return rows;
  const plan::TableSchema& schema = snapshot->schema();
  std::vector<engine::ScanOutput> outputs;
  for (uint32_t i = 0; i < schema.columns.size(); ++i) outputs.push_back({i});
  const plan::Plan plan;
  engine::MemoryPool pool("test");
  engine::QueryContext context(&plan, &pool, 1);
  auto scan = engine::TableScan::Create(snapshot, outputs, {}, &context);
  const auto columns = engine::ScanAll(scan.get(), *snapshot, outputs);
  for (size_t row = 0; row < columns[0].size(); ++row) {
    std::string line;
    for (size_t i = 0; i < columns.size(); ++i) {
      if (i != 0) line += '|';
      line += TextOf(columns[i][row], schema.columns[i]);
    }
    rows.push_back(std::move(line));
  }
  return rows;
}

Result<TestLoad> LoadCsv(const std::vector<ColumnTarget>& targets, const CsvDialect& dialect,
                         std::string_view text, TestCsvOptions options) {
  mysqlsem::InitializeCollations();
  MemoryStore store;
  store.set_read_shape({options.request_bytes, 2});
  RETURN_IF_ERROR(store.Put("test.csv", text));
  auto file = std::make_shared<CsvFile>();
  file->store = &store;
  ASSIGN_OR_RETURN(file->object, store.Head("test.csv"));
  file->compression = options.compression;
  file->plan.dialect = dialect;
  file->plan.targets = &targets;
  file->plan.rules.strict = options.strict;
  for (size_t i = 0; i < targets.size(); ++i)
    file->plan.field_of_column.push_back(
        targets[i].is_filename ? -1 : static_cast<int32_t>(file->plan.num_fields++));
  file->plan.file_name = "test.csv";
  std::vector<std::unique_ptr<ReadTask>> tasks;
  AddCsvTasks(file, 1000000, &tasks, options.range_bytes);
  LoadReport report;
  return LoadTasks(targets, std::move(tasks), options.num_threads, &report);
}

}  // namespace sirocco::lakehouse
