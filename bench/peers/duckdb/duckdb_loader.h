// Fills a DuckDB database with generated TPC-H tables, in key order, as one of its users would have
// them: DECIMAL(15,2), DATE, VARCHAR, everything NOT NULL; no keys (DuckDB's would only cost time).
#pragma once

#include "cli/tpch/tables.h"
#include "common/error.h"
#include "duckdb_session.h"

namespace sirocco::bench {

Result<void> LoadTpch(DuckdbSession& session, tpch::Scale scale);

}  // namespace sirocco::bench
