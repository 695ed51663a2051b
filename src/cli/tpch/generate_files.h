// `sirocco tpch generate`: the tables as .tbl files, one per table, made by several threads.
#pragma once

#include <functional>
#include <string>

#include "cli/tpch/tables.h"
#include "common/error.h"

namespace sirocco::tpch {

// Writes DIR/<table>.tbl for every table; creates the folder. `progress` is called after each table
// with its rows, from the calling thread. Errors: kIo; the file in work is removed then.
Result<void> GenerateFiles(Scale scale, const std::string& folder, int num_threads,
                           const std::function<void(Table, int64_t num_rows)>& progress);

}  // namespace sirocco::tpch
