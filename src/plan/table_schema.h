// What the engine must know about a table it holds: names, types, key. Made by the plugin from the server's TABLE and sent
// at load; kept with the data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plan/type.h"
#include "plan/value.h"

namespace sirocco::plan {

enum class EncodingHint : uint8_t { kAuto = 0, kVarlen, kSorted };   // RAPID_COLUMN=ENCODING=...

struct ColumnSchema {
  std::string name;
  Type type;
  uint32_t field_index = 0;               // position in the server's TABLE (columns marked NOT SECONDARY are left out here)
  EncodingHint encoding = EncodingHint::kAuto;
  uint8_t placement_index = 0;            // RAPID_COLUMN=DATA_PLACEMENT_KEY=N; 0: none
  std::vector<std::string> members;       // kEnum, kSet: names in the column's character set
};

struct TableSchema {
  std::string schema_name, table_name;
  std::vector<ColumnSchema> columns;
  std::vector<uint32_t> primary_key;      // positions in `columns`; empty: none, or not all of it is loaded
};

// Facts about one column of loaded data. Exact unless said otherwise.
struct ColumnStatistics {
  uint64_t num_nulls = 0;
  double num_distinct = 0;                // exact for dictionaries, else an estimate (within a few per cent)
  Value min, max;                         // kStr lanes: empty (null) unless dictionary encoded
  std::string encoding;                   // "DICT", "FOR8", ... as shown in rpd_columns
  uint64_t dictionary_bytes = 0;
  uint64_t size_bytes = 0;
};

struct TableStatistics {
  uint64_t num_rows = 0;
  uint64_t size_bytes = 0;
  std::vector<ColumnStatistics> columns;
};

}  // namespace sirocco::plan
