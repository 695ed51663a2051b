// How the binary log's row events have the columns of a loaded table, from the server's TABLE.
#pragma once

#include <string>
#include <vector>

#include "common/error.h"
#include "plan/table_schema.h"
#include "plugin/changes/followed_table.h"

class THD;
struct TABLE;

namespace sirocco::plugin {

// `schema` is DescribeTable's of the same table. Errors: those of RowDecoder::Create.
Result<LoggedLayout> DescribeLoggedColumns(const TABLE& table, const plan::TableSchema& schema);

// A text by which loaded data is known again: server, storage of the table or of each partition, the
// loaded partitions, and a hash of schema and layout. Two texts are equal only if the binary
// log between them can be applied. kInternal if the dictionary cannot be read.
Result<std::string> DescribeOrigin(THD* thd, const TABLE& table, const plan::TableSchema& schema,
                                   const LoggedLayout& layout,
                                   const std::vector<LoadedPartition>& partitions);

}  // namespace sirocco::plugin
