// The definition of an external table: ENGINE_ATTRIBUTE of the table and of its columns, as the
// server makes it from FILE_FORMAT and FILES or as the user writes it. Parsed and checked once, at
// CREATE and again at load.
//
// Threads: pure functions, plain values. Errors: kMysql 6511 (table) and 6407 (column) naming key
// and reason; secrets in URIs (user:password@) are refused and never repeated in the message.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lakehouse/read/csv_dialect.h"
#include "lakehouse/read/decompress.h"
#include "lakehouse/read/diagnostics.h"

namespace sirocco::lakehouse {

enum class FileFormat : uint8_t { kCsv = 0, kParquet, kJson, kAvro, kDelta };
enum class MatchColumns : uint8_t { kPosition = 0, kName };

// One entry of "file": where objects are.
struct FileSpec {
  std::string uri;  // complete, may hold a glob
  std::string par;  // base URL of a pre-authenticated request, or of any URL
  std::string bucket, bucket_namespace, region;
  std::string name, prefix,
      pattern;          // at most one; pattern is a regular expression over whole names
  std::string profile;  // whose credentials; empty: the environment's
  std::optional<bool> is_strict_mode, allow_missing_files;
};

struct TableDialect {
  FileFormat format = FileFormat::kCsv;
  Compression compression = Compression::kAuto;
  std::string encoding = "utf8mb4";
  CsvDialect csv;  // empty delimiters: to be detected
  bool check_constraints = true;
  std::optional<bool> is_strict_mode;
  bool allow_missing_files = false;
  std::string date_format, time_format, datetime_format;  // empty: MySQL's own forms
};

struct ExternalTable {
  std::vector<FileSpec> files;
  TableDialect dialect;
  std::string auto_refresh_source;
  MatchColumns match_columns_by = MatchColumns::kPosition;
  bool allow_missing_columns = false;
  std::optional<bool> sampling;
  std::vector<Warning> warnings;  // 6525
};

Result<ExternalTable> ParseTableAttribute(std::string_view json);

struct ColumnFormats {
  std::string date_format, time_format, datetime_format;
  std::vector<Warning> warnings;
};
Result<ColumnFormats> ParseColumnAttribute(std::string_view json);

}  // namespace sirocco::lakehouse
