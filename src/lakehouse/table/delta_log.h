// The files that make up a Delta Lake table now: its transaction log replayed from the newest
// checkpoint on.
//
// Refused with 6523: deletion vectors, column mapping, checkpoints of version 2, and reader
// features we do not know. Columns that partition the table are not in its files and cannot be
// loaded. Threads: pure functions over a store. Errors: kMysql 6522 (the log cannot be read or is
// not complete), 6523.
#pragma once

#include <string>
#include <vector>

#include "lakehouse/store/object_store.h"

namespace sirocco::lakehouse {

struct DeltaTable {
  uint64_t version = 0;
  std::vector<std::string> files;    // full names in the store, ascending
  std::vector<std::string> columns;  // of the schema, in order
  std::vector<std::string> partition_columns;
};

// `root`: the table's folder, without a slash at the end. `shown` names it in messages.
Result<DeltaTable> ReadDeltaLog(ObjectStore* store, const std::string& root,
                                const std::string& shown);

}  // namespace sirocco::lakehouse
