// `sirocco tpch load`: creates the eight tables in a MySQL server, fills InnoDB over several
// connections with rows generated on the fly (LOAD DATA LOCAL, ranges of the primary key, one
// transaction a range), and loads the tables into RAPID.
#pragma once

#include <filesystem>
#include <string>

#include "cli/tpch/tables.h"
#include "common/error.h"

namespace sirocco::tpch {

struct LoadOptions {
  std::filesystem::path option_file;  // login, group [client]
  std::string database = "tpch";
  double scale_factor = 1;
  int num_threads = 2;         // connections
  std::string collation;       // of the tables; empty: the server's default
  bool replace = false;        // drop TPC-H tables that are there
  bool secondary_load = true;  // load into RAPID at the end
};

// Reports progress on standard error. Stopped by Ctrl-C or by an error, it drops the tables it made
// (and the database, if it made it). Restores the server's local_infile in every case. Call from
// the program's only thread. Errors: kInvalidArgument (options), kAlreadyExists (tables there),
// kNotSupported (no RAPID engine), kCancelled, kMysql.
Result<void> LoadTables(const LoadOptions& options);

}  // namespace sirocco::tpch
