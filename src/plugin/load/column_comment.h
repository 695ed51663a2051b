// RAPID_COLUMN=... directives in column comments. No server headers.
#pragma once

#include <string_view>

#include "common/error.h"
#include "plan/table_schema.h"

namespace sirocco::plugin {

// Sets `column`'s encoding and placement index from the directives RAPID_COLUMN=ENCODING=VARLEN,
// RAPID_COLUMN=ENCODING=SORTED and RAPID_COLUMN=DATA_PLACEMENT_KEY=N (N = 1..16) anywhere in the
// comment; other text is ignored. kInvalidArgument for anything else after RAPID_COLUMN=.
Result<void> ParseColumnComment(std::string_view comment, plan::ColumnSchema* column);

}  // namespace sirocco::plugin
