// The schema of a table to load, from the server's TABLE: which columns, their types, what their
// comments ask for.
#pragma once

#include "common/error.h"
#include "plan/table_schema.h"

struct TABLE;

namespace sirocco::plugin {

// Columns marked NOT SECONDARY and hidden columns of functional indexes are left out.
// Errors: kNotSupported naming the column for types that are not loaded (spatial); kInvalidArgument
// for a comment with an unknown RAPID_COLUMN directive or wrong placement keys.
Result<plan::TableSchema> DescribeTable(const TABLE& table);

}  // namespace sirocco::plugin
