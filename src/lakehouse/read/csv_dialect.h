// How a CSV file is written: delimiters, quotes, escapes, what stands for NULL. All keys of the
// dialect that concern CSV; "auto" ones are resolved by DetectCsvDialect (csv_detect.h) before
// reading.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sirocco::lakehouse {

struct CsvDialect {
  std::string field_delimiter = ",";    // 1 to 64 bytes; empty: detect
  std::string record_delimiter = "\n";  // 1 to 64 bytes; empty: detect
  char quote = '"';                     // '\0': fields are never quoted
  char escape = '\\';                   // '\0': no escapes
  uint32_t skip_rows = 0;               // records to skip, besides the header
  bool has_header = false;
  bool trim_spaces = false;                // spaces around fields (outside of quotes) do not count
  bool skip_blank_records = false;         // also in tables of one column
  std::string null_value = "\\N";          // unquoted field that is NULL
  std::optional<std::string> empty_value;  // unquoted field that is the empty string
};

}  // namespace sirocco::lakehouse
