// A DuckDB database and one connection to it, over the C interface.
#pragma once

#include <duckdb.h>

#include <string>

#include "common/error.h"

namespace sirocco::bench {

class DuckdbSession {
 public:
  // `path` may be ":memory:". Errors: kIo with DuckDB's text.
  static Result<DuckdbSession> Open(const std::string& path);
  DuckdbSession(DuckdbSession&& other) noexcept;
  DuckdbSession& operator=(DuckdbSession&&) = delete;
  ~DuckdbSession();

  // Runs a statement and materializes its result; returns the number of rows. Errors:
  // kInvalidArgument with DuckDB's text.
  Result<int64_t> Query(const std::string& sql);
  duckdb_connection connection() const { return connection_; }

 private:
  DuckdbSession() = default;
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
};

}  // namespace sirocco::bench
