// What a reader must know about a column of the table it fills, beyond the engine's type: the
// declared width, the default, formats of dates; and the rules of the session that loads.
//
// Threads: immutable while a load runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mysqlsem/collation.h"
#include "plan/table_schema.h"

namespace sirocco::lakehouse {

enum class StringForm : uint8_t {
  kVarchar,  // VARCHAR, VARBINARY: limited in characters
  kChar,     // CHAR without its trailing spaces; BINARY padded with zero bytes
  kBlob,     // TEXT and BLOB: limited in bytes
};

struct ColumnTarget {
  plan::ColumnSchema schema;
  uint8_t integer_bytes = 8;  // kInt, kUInt: 1, 2, 3, 4, 8
  StringForm form = StringForm::kVarchar;
  uint32_t max_chars = UINT32_MAX;  // kVarchar, kChar: characters (bytes for `binary`)
  uint8_t real_digits = 0;          // FLOAT(M,D), DOUBLE(M,D): M; 0: none declared
  uint8_t real_decimals = 31;       // D
  uint32_t vector_dimensions = 0;   // kVector: the most entries
  // From the column's ENGINE_ATTRIBUTE or the dialect; empty: MySQL's own forms.
  std::string date_format, time_format, datetime_format;
  bool has_default = false;  // an explicit DEFAULT
  plan::Value default_value;
  bool is_filename = false;  // the metadata column _metadata_filename
};

struct ConversionRules {
  bool strict = true;
  uint32_t temporal_flags = 0x38;   // mysqlsem::TemporalFlags that the session's sql_mode asks for
  int32_t zone_offset_seconds = 0;  // of the session, for TIMESTAMP columns
  const mysqlsem::Collation* encoding = nullptr;  // of text in files; null: utf8mb4
};

// "INT UNSIGNED", "DECIMAL", "VARCHAR": as messages name a type.
std::string TargetTypeName(const ColumnTarget& target);

// Smallest and largest value of an integer column.
struct IntegerLimits {
  int64_t min = 0;
  uint64_t max = 0;
};
IntegerLimits LimitsOf(const ColumnTarget& target);

inline std::vector<std::string> ColumnNames(const std::vector<ColumnTarget>& targets) {
  std::vector<std::string> names;
  for (const ColumnTarget& target : targets) names.push_back(target.schema.name);
  return names;
}

}  // namespace sirocco::lakehouse
