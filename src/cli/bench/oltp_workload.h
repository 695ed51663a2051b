// A read/write transaction mix on a few tables of one shape: point reads, short ranges, updates,
// a delete and an insert of the same key, as in sysbench's well-known mix.
#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "cli/tpch/connection.h"
#include "common/error.h"

namespace sirocco::bench {

struct OltpScale {
  int num_tables = 4;
  int rows_per_table = 25000;
};

// Drops what is there; fills and indexes the tables of the connection's database.
Result<void> CreateOltpTables(tpch::Connection& connection, const OltpScale& scale);

// One client's transactions. Not thread safe.
class OltpClient {
 public:
  OltpClient(tpch::Connection connection, const OltpScale& scale, uint64_t seed)
      : connection_(std::move(connection)), scale_(scale), random_(seed) {}

  // One transaction, from BEGIN to COMMIT. False: the server chose it as victim of a deadlock and
  // rolled it back.
  Result<bool> RunTransaction();

 private:
  std::string Table();
  int Key();
  Result<void> Reads();
  Result<void> Writes();

  tpch::Connection connection_;
  const OltpScale scale_;
  std::mt19937_64 random_;
};

// Analytic statements over the same tables, in turn.
std::string AnalyticStatement(const OltpScale& scale, uint64_t number);

}  // namespace sirocco::bench
