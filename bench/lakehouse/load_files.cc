// sirocco-bench-lakehouse: loads TPC-H's LINEITEM from CSV (.tbl) or Parquet files into segments
// and prints the seconds. usage: sirocco-bench-lakehouse [--threads N] [--repeat N] FILE...
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "engine/memory/memory_pool.h"
#include "engine/storage/table_builder.h"
#include "lakehouse/load/csv_tasks.h"
#include "lakehouse/load/parquet_tasks.h"
#include "lakehouse/store/local_store.h"
#include "mysqlsem/collation.h"

namespace {

using namespace sirocco;
using lakehouse::ColumnTarget;

ColumnTarget Column(const char* name, plan::Type type, uint8_t integer_bytes = 4) {
  ColumnTarget target;
  target.schema.name = name;
  target.schema.type = type;
  target.integer_bytes = integer_bytes;
  return target;
}
ColumnTarget Text(const char* name, uint32_t chars, lakehouse::StringForm form) {
  ColumnTarget target = Column(name, plan::StringType(255, chars * 4, false));
  target.form = form;
  target.max_chars = chars;
  return target;
}

std::vector<ColumnTarget> Lineitem() {
  const auto number = [](const char* name) {
    return Column(name, plan::DecimalType(15, 2, false));
  };
  using enum lakehouse::StringForm;
  return {Column("l_orderkey", plan::IntType(false), 8),
          Column("l_partkey", plan::IntType(false)),
          Column("l_suppkey", plan::IntType(false)),
          Column("l_linenumber", plan::IntType(false)),
          number("l_quantity"),
          number("l_extendedprice"),
          number("l_discount"),
          number("l_tax"),
          Text("l_returnflag", 1, kChar),
          Text("l_linestatus", 1, kChar),
          Column("l_shipdate", plan::DateType(false)),
          Column("l_commitdate", plan::DateType(false)),
          Column("l_receiptdate", plan::DateType(false)),
          Text("l_shipinstruct", 25, kChar),
          Text("l_shipmode", 10, kChar),
          Text("l_comment", 44, kVarchar)};
}

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int Load(const std::vector<std::string>& files, uint32_t num_threads) {
  const std::vector<ColumnTarget> targets = Lineitem();
  auto store = lakehouse::MakeLocalStore({"/"});
  auto pool = std::make_shared<engine::MemoryPool>("bench");
  plan::TableSchema schema;
  schema.table_name = "lineitem";
  for (const ColumnTarget& target : targets) schema.columns.push_back(target.schema);
  const double start = Seconds();
  auto builder = engine::TableBuilder::Create(schema, pool);
  std::vector<std::unique_ptr<lakehouse::ReadTask>> tasks;
  uint64_t num_bytes = 0;
  for (const std::string& name : files) {
    auto object = store->Head(name);
    if (!object) {
      std::fprintf(stderr, "%s\n", object.error().ToString().c_str());
      return 1;
    }
    num_bytes += object->size;
    std::vector<int32_t> positions;
    for (size_t i = 0; i < targets.size(); ++i) positions.push_back(static_cast<int32_t>(i));
    if (name.ends_with(".parquet")) {
      auto opened = lakehouse::ParquetFile::Open(store.get(), *object, store->DisplayName(name));
      if (!opened) {
        std::fprintf(stderr, "%s\n", opened.error().ToString().c_str());
        return 1;
      }
      auto plan = std::make_shared<lakehouse::ParquetReadPlan>();
      plan->file = *opened;
      plan->targets = &targets;
      plan->column_of_target = positions;
      plan->file_name = store->DisplayName(name);
      if (auto checked = plan->file->CheckTypes(targets, positions); !checked) {
        std::fprintf(stderr, "%s\n", checked.error().ToString().c_str());
        return 1;
      }
      std::vector<uint32_t> groups;
      for (uint32_t i = 0; i < plan->file->num_row_groups(); ++i) groups.push_back(i);
      lakehouse::AddParquetTasks(plan, groups, plan->file->num_rows() / num_threads / 4, &tasks);
      continue;
    }
    auto file = std::make_shared<lakehouse::CsvFile>();
    file->store = store.get();
    file->object = *object;
    char first[8] = {};
    (void)store->Read(*object, 0, {first, std::min<size_t>(sizeof(first), object->size)});
    file->compression = lakehouse::DetectCompression({first, sizeof(first)});
    file->plan.dialect.field_delimiter = "|";
    file->plan.dialect.record_delimiter = name.find(".tbl") != std::string::npos ? "|\n" : "\n";
    file->plan.targets = &targets;
    file->plan.dialect.has_header = name.ends_with(".csv");
    if (name.find(".csv") != std::string::npos) file->plan.dialect.field_delimiter = ",";
    file->plan.field_of_column = positions;
    file->plan.num_fields = static_cast<uint32_t>(targets.size());
    file->plan.file_name = store->DisplayName(name);
    lakehouse::AddCsvTasks(file, num_threads * 4, &tasks);
  }
  lakehouse::LoadReport report;
  auto totals = lakehouse::RunReadTasks(tasks, builder.get(), lakehouse::ColumnNames(targets),
                                        {.num_threads = num_threads}, &report);
  if (!totals) {
    std::fprintf(stderr, "%s\n", totals.error().ToString().c_str());
    return 1;
  }
  const double read = Seconds();
  auto snapshot = builder->Finish(num_threads);
  if (!snapshot) {
    std::fprintf(stderr, "%s\n", snapshot.error().ToString().c_str());
    return 1;
  }
  const double end = Seconds();
  std::printf(
      "%llu rows, %zu tasks, %.3f s (read %.3f s, finish %.3f s), %.0f MB/s, %zu MB in memory\n",
      static_cast<unsigned long long>((*snapshot)->num_rows()), tasks.size(), end - start,
      read - start, end - read, num_bytes / 1e6 / (end - start), pool->used_bytes() >> 20);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  uint32_t num_threads = 2;
  int repeat = 1;
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--threads") == 0 && i + 1 < argc) {
      num_threads = static_cast<uint32_t>(std::atoi(argv[++i]));
    } else if (std::strcmp(argv[i], "--repeat") == 0 && i + 1 < argc) {
      repeat = std::atoi(argv[++i]);
    } else {
      files.emplace_back(argv[i]);
    }
  }
  if (files.empty()) {
    std::fprintf(stderr, "usage: %s [--threads N] [--repeat N] FILE...\n", argv[0]);
    return 2;
  }
  sirocco::mysqlsem::InitializeCollations();
  for (int i = 0; i < repeat; ++i)
    if (const int failed = Load(files, num_threads)) return failed;
  return 0;
}
