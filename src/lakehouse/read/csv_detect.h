// Finds out how a CSV file is written from its beginning: what "auto" means for delimiters, and the
// header's names. Threads: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lakehouse/read/csv_dialect.h"

namespace sirocco::lakehouse {

// Enough to see the delimiters of any file.
inline constexpr size_t kDetectionBytes = 64 << 10;

// Fills the delimiters of `dialect` that are empty. Field delimiters tried: | , tab ; and record
// delimiters: LF, CRLF, CR, also after a field delimiter that ends every record. The one whose
// records have `wanted_fields` fields (0: unknown), or else the same number of several fields,
// wins; "," and "\n" if none does. `complete`: the text is the whole file.
void DetectDelimiters(std::string_view text, bool complete, uint32_t wanted_fields,
                      CsvDialect* dialect);

// Fields of the record after skip_rows; empty if there is none.
std::vector<std::string> ReadHeader(std::string_view text, bool complete,
                                    const CsvDialect& dialect);

}  // namespace sirocco::lakehouse
