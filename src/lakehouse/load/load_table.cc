#include "lakehouse/load/load_table.h"

#include <algorithm>
#include <mutex>
#include <thread>

#include "lakehouse/load/csv_tasks.h"
#include "lakehouse/load/parquet_tasks.h"
#include "lakehouse/read/avro_file.h"
#include "lakehouse/read/csv_detect.h"
#include "lakehouse/table/delta_log.h"

namespace sirocco::lakehouse {

using plan::TypeKind;

namespace {

constexpr uint32_t kRangesPerThread = 4;

std::string Lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

// Position in the file of each column of the table; -1: none.
Result<std::vector<int32_t>> MatchColumnsOf(const std::vector<ColumnTarget>& targets,
                                            const std::vector<std::string>& names, bool by_name,
                                            bool allow_missing, const std::string& shown) {
  std::vector<int32_t> positions;
  if (!by_name) {
    int32_t next = 0;
    for (const ColumnTarget& target : targets)
      positions.push_back(target.is_filename ? -1 : next++);
    return positions;
  }
  std::map<std::string, int32_t> by;
  for (size_t i = 0; i < names.size(); ++i)
    if (!by.emplace(Lower(names[i]), static_cast<int32_t>(i)).second)
      return LhFail(kLhColNameDuplicate, {.file = shown});
  for (size_t i = 0; i < targets.size(); ++i) {
    const auto at = by.find(Lower(targets[i].schema.name));
    if (targets[i].is_filename) {
      if (at != by.end()) return LhFail(kLhColNameDuplicate, {.file = shown});
      positions.push_back(-1);
    } else if (at != by.end()) {
      positions.push_back(at->second);
    } else if (allow_missing) {
      positions.push_back(-1);
    } else {
      return LhFail(kLhColNameMissing, {.column = static_cast<int32_t>(i), .file = shown});
    }
  }
  return positions;
}

class Planner {
 public:
  Planner(const ExternalLoad& load, const std::vector<ColumnTarget>& targets, uint64_t total_bytes,
          LoadReport* report)
      : load_(load), targets_(targets), total_bytes_(total_bytes), report_(report) {}

  Result<void> Plan(const LocatedFile& file) {
    switch (load_.definition.dialect.format) {
      case FileFormat::kCsv:
        return PlanCsv(file);
      case FileFormat::kJson:
        return PlanJson(file);
      case FileFormat::kParquet:
      case FileFormat::kDelta:
        return PlanParquet(file);
      case FileFormat::kAvro:
        return PlanAvro(file);
      default:
        return NotSupported("this file format");
    }
  }
  std::vector<std::unique_ptr<ReadTask>> Take() { return std::move(tasks_); }

 private:
  ConversionRules RulesFor(const LocatedFile& file) const {
    ConversionRules rules = load_.rules;
    rules.strict = file.strict;
    rules.encoding = mysqlsem::FindDefaultCollation(load_.definition.dialect.encoding);
    return rules;
  }
  uint32_t RangesOf(const LocatedFile& file) const {
    const double share = static_cast<double>(file.object.size) /
                         static_cast<double>(std::max<uint64_t>(1, total_bytes_));
    return static_cast<uint32_t>(share * load_.num_threads * kRangesPerThread) + 1;
  }

  // The first bytes, unpacked.
  Result<std::string> Beginning(const LocatedFile& file, Compression compression, bool* complete) {
    std::string text;
    std::unique_ptr<ByteSource> source;
    if (compression == Compression::kNone) {
      source = std::make_unique<RangeSource>(file.store, file.object, 0,
                                             std::min<uint64_t>(kDetectionBytes, file.object.size));
    } else {
      ASSIGN_OR_RETURN(source, Unpack(file.store, file.object, compression, file.shown));
    }
    *complete = false;
    while (text.size() < kDetectionBytes) {
      ASSIGN_OR_RETURN(const std::string_view block, source->Next());
      if (block.empty()) {
        *complete = true;
        break;
      }
      text += block.substr(0, kDetectionBytes - text.size());
    }
    return text;
  }

  Result<Compression> CompressionOf(const LocatedFile& file) {
    const Compression given = load_.definition.dialect.compression;
    if (given != Compression::kAuto) return given;
    char first[8];
    const size_t size = std::min<uint64_t>(sizeof(first), file.object.size);
    RETURN_IF_ERROR(file.store->Read(file.object, 0, {first, size}));
    return DetectCompression({first, size});
  }

  Result<void> PlanCsv(const LocatedFile& file) {
    auto csv = std::make_shared<CsvFile>();
    csv->store = file.store;
    csv->object = file.object;
    ASSIGN_OR_RETURN(csv->compression, CompressionOf(file));
    csv->plan.dialect = load_.definition.dialect.csv;
    csv->plan.targets = &targets_;
    csv->plan.rules = RulesFor(file);
    csv->plan.file_name = file.shown;
    const bool by_name = load_.definition.match_columns_by == MatchColumns::kName;
    CsvDialect& dialect = csv->plan.dialect;
    std::vector<std::string> names;
    uint32_t wanted = 0;
    for (const ColumnTarget& target : targets_) wanted += !target.is_filename;
    if (dialect.field_delimiter.empty() || dialect.record_delimiter.empty() || by_name) {
      bool complete = false;
      ASSIGN_OR_RETURN(const std::string text, Beginning(file, csv->compression, &complete));
      if (dialect.field_delimiter.empty() || dialect.record_delimiter.empty())
        DetectDelimiters(text, complete, by_name ? 0 : wanted, &dialect);
      if (by_name) names = ReadHeader(text, complete, dialect);
    }
    ASSIGN_OR_RETURN(csv->plan.field_of_column,
                     MatchColumnsOf(targets_, names, by_name,
                                    load_.definition.allow_missing_columns, file.shown));
    csv->plan.num_fields = by_name ? static_cast<uint32_t>(names.size()) : wanted;
    const uint32_t ranges = RangesOf(file);
    AddCsvTasks(std::move(csv), ranges, &tasks_);
    return {};
  }

  // Lines are records of one field; nothing is quoted at this level, so ranges need no guess.
  Result<void> PlanJson(const LocatedFile& file) {
    auto lines = std::make_shared<CsvFile>();
    lines->store = file.store;
    lines->object = file.object;
    ASSIGN_OR_RETURN(lines->compression, CompressionOf(file));
    CsvDialect& dialect = lines->plan.dialect;
    const std::string& given = load_.definition.dialect.csv.record_delimiter;
    dialect.record_delimiter = given.empty() ? "\n" : given;
    dialect.field_delimiter = dialect.record_delimiter;
    dialect.quote = dialect.escape = '\0';
    dialect.null_value = dialect.record_delimiter;  // no line can be it
    dialect.trim_spaces = true;
    dialect.skip_blank_records = true;
    dialect.skip_rows = load_.definition.dialect.csv.skip_rows;
    lines->plan.targets = &targets_;
    lines->plan.rules = RulesFor(file);
    lines->plan.file_name = file.shown;
    ASSIGN_OR_RETURN(lines->plan.field_of_column,
                     MatchColumnsOf(targets_, {}, false, false, file.shown));
    lines->plan.num_fields = 1;
    const uint32_t ranges = RangesOf(file);
    AddCsvTasks(std::move(lines), ranges, &tasks_);
    return {};
  }

  // By position the file must have as many columns as the table; not strict: what is missing gets
  // its default.
  Result<void> CheckCount(const LocatedFile& file, size_t num_found,
                          std::vector<int32_t>* positions) {
    const auto wanted = static_cast<size_t>(std::count_if(
        targets_.begin(), targets_.end(), [](const ColumnTarget& t) { return !t.is_filename; }));
    if (wanted == num_found) return {};
    const std::string expected = std::to_string(wanted), found = std::to_string(num_found);
    const LhSubject subject{.file = file.shown, .detail = expected, .extra = found};
    if (file.strict) return LhFail(kLhColumnMismatch, subject);
    report_->Add(kLhColumnMismatch, LhText(kLhColumnMismatch, subject));
    for (int32_t& position : *positions)
      if (position >= static_cast<int32_t>(num_found)) position = -1;
    return {};
  }

  Result<void> PlanAvro(const LocatedFile& file) {
    auto plan = std::make_shared<AvroReadPlan>();
    ASSIGN_OR_RETURN(plan->header, ReadAvroHeader(file.store, file.object, file.shown));
    plan->store = file.store;
    plan->object = file.object;
    plan->targets = &targets_;
    plan->rules = RulesFor(file);
    plan->rules.encoding = nullptr;
    plan->file_name = file.shown;
    std::vector<std::string> names;
    for (const AvroField& field : plan->header.fields) names.push_back(field.name);
    const bool by_name = load_.definition.match_columns_by == MatchColumns::kName;
    ASSIGN_OR_RETURN(plan->field_of_column,
                     MatchColumnsOf(targets_, names, by_name,
                                    load_.definition.allow_missing_columns, file.shown));
    if (!by_name) RETURN_IF_ERROR(CheckCount(file, names.size(), &plan->field_of_column));
    RETURN_IF_ERROR(CheckAvroTypes(*plan));
    tasks_.push_back(MakeAvroTask(std::move(plan)));
    return {};
  }

  Result<void> PlanParquet(const LocatedFile& file) {
    auto plan = std::make_shared<ParquetReadPlan>();
    ASSIGN_OR_RETURN(plan->file, ParquetFile::Open(file.store, file.object, file.shown));
    plan->targets = &targets_;
    plan->rules = RulesFor(file);
    plan->rules.encoding = nullptr;
    plan->file_name = file.shown;
    std::vector<std::string> names;
    for (const ParquetColumn& column : plan->file->columns()) names.push_back(column.name);
    // Files of a Delta table may have been written before later columns came.
    const bool delta = load_.definition.dialect.format == FileFormat::kDelta;
    const bool by_name = delta || load_.definition.match_columns_by == MatchColumns::kName;
    ASSIGN_OR_RETURN(plan->column_of_target,
                     MatchColumnsOf(targets_, names, by_name,
                                    delta || load_.definition.allow_missing_columns, file.shown));
    if (!by_name) RETURN_IF_ERROR(CheckCount(file, names.size(), &plan->column_of_target));
    RETURN_IF_ERROR(plan->file->CheckTypes(targets_, plan->column_of_target));
    std::vector<uint32_t> groups;
    for (uint32_t i = 0; i < plan->file->num_row_groups(); ++i) groups.push_back(i);
    const uint64_t rows = plan->file->num_rows() / RangesOf(file) + 1;
    AddParquetTasks(std::move(plan), groups, rows, &tasks_);
    return {};
  }

  const ExternalLoad& load_;
  const std::vector<ColumnTarget>& targets_;
  const uint64_t total_bytes_;
  LoadReport* report_;
  std::vector<std::unique_ptr<ReadTask>> tasks_;
};

// The data files of Delta tables; the table's columns must be in the schema and not partition it.
Result<std::vector<LocatedFile>> LocateDelta(const ExternalLoad& load, StoreSet* stores) {
  std::vector<LocatedFile> files;
  for (const FileSpec& spec : load.definition.files) {
    ASSIGN_OR_RETURN(Location location, ResolveSpec(spec, stores));
    std::string root = location.name.empty() ? location.prefix : location.name;
    while (root.ends_with('/')) root.pop_back();
    if (root.empty())
      return LhFail(kLhDeltaMetadata, {.detail = "a table cannot be the whole bucket"});
    ASSIGN_OR_RETURN(const DeltaTable table, ReadDeltaLog(location.store, root, location.shown));
    for (const ColumnTarget& target : load.targets) {
      const auto is_it = [&](const std::string& name) {
        return Lower(name) == Lower(target.schema.name);
      };
      if (!target.is_filename && std::none_of(table.columns.begin(), table.columns.end(), is_it)) {
        return LhFail(kLhDeltaSchemaMismatch,
                      {.file = location.shown,
                       .detail = "Column '" + target.schema.name + "' is not in its schema."});
      }
      if (std::any_of(table.partition_columns.begin(), table.partition_columns.end(), is_it)) {
        return LhFail(kLhDeltaSchemaMismatch,
                      {.file = location.shown,
                       .detail = "Column '" + target.schema.name +
                                 "' partitions the table and cannot be loaded."});
      }
    }
    for (const std::string& name : table.files) {
      LocatedFile file;
      file.store = location.store;
      ASSIGN_OR_RETURN(file.object, location.store->Head(name));
      file.shown = location.store->DisplayName(name);
      file.strict = spec.is_strict_mode.value_or(
          load.definition.dialect.is_strict_mode.value_or(load.session_strict));
      files.push_back(std::move(file));
    }
  }
  return files;
}

Result<void> CheckJsonSchema(const std::vector<ColumnTarget>& targets) {
  int columns = 0;
  bool json = false;
  for (const ColumnTarget& target : targets) {
    if (target.is_filename) continue;
    ++columns;
    json = target.schema.type.kind == TypeKind::kJson;
  }
  if (columns != 1 || !json)
    return LhFail(kLhJsonSchema, {.detail = "the table must have one column, of the type JSON"});
  return {};
}

}  // namespace

Result<ExternalLoadResult> LoadExternalTable(const ExternalLoad& load, StoreSet* stores,
                                             std::shared_ptr<engine::MemoryPool> pool) {
  mysqlsem::InitializeCollations();
  LoadReport report(load.max_warnings, load.filtered_warnings);
  for (const Warning& warning : load.definition.warnings) report.Add(warning.number, warning.text);
  std::vector<ColumnTarget> targets = load.targets;
  const TableDialect& dialect = load.definition.dialect;
  for (ColumnTarget& target : targets) {
    if (target.date_format.empty()) target.date_format = dialect.date_format;
    if (target.time_format.empty()) target.time_format = dialect.time_format;
    if (target.datetime_format.empty()) target.datetime_format = dialect.datetime_format;
  }
  if (dialect.format == FileFormat::kJson) RETURN_IF_ERROR(CheckJsonSchema(targets));
  ExternalLoadResult result;
  if (dialect.format == FileFormat::kDelta) {
    ASSIGN_OR_RETURN(result.files, LocateDelta(load, stores));
  } else {
    ASSIGN_OR_RETURN(result.files,
                     LocateFiles(load.definition, load.session_strict, stores, &report));
  }
  uint64_t total_bytes = 0;
  for (const LocatedFile& file : result.files) total_bytes += file.object.size;

  Planner planner(load, targets, total_bytes, &report);
  for (const LocatedFile& file : result.files) {
    if (load.cancelled != nullptr && *load.cancelled)
      return MakeError(ErrorCode::kCancelled, "the load was cancelled");
    RETURN_IF_ERROR(planner.Plan(file));
  }
  const std::vector<std::unique_ptr<ReadTask>> tasks = planner.Take();
  auto builder = engine::TableBuilder::Create(load.schema, std::move(pool));
  ReadTasksOptions options;
  options.num_threads = load.num_threads;
  options.cancelled = load.cancelled;
  if (load.progress)
    options.progress = [&](const ReadTotals& totals) {
      load.progress(totals.num_rows, totals.num_bytes, total_bytes);
    };
  ASSIGN_OR_RETURN(const ReadTotals totals,
                   RunReadTasks(tasks, builder.get(), ColumnNames(targets), options, &report));
  ASSIGN_OR_RETURN(result.snapshot, builder->Finish(load.num_threads));
  result.num_rows = totals.num_rows;
  result.num_bytes = totals.num_bytes;
  result.warnings = report.Finish();
  return result;
}

}  // namespace sirocco::lakehouse
