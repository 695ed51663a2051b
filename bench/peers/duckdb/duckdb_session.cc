#include "duckdb_session.h"

#include <utility>

namespace sirocco::bench {

Result<DuckdbSession> DuckdbSession::Open(const std::string& path) {
  DuckdbSession session;
  char* text = nullptr;
  if (duckdb_open_ext(path.c_str(), &session.database_, nullptr, &text) != DuckDBSuccess) {
    auto error = MakeError(ErrorCode::kIo,
                           "DuckDB cannot open " + path + ": " + (text == nullptr ? "" : text));
    duckdb_free(text);
    return error;
  }
  if (duckdb_connect(session.database_, &session.connection_) != DuckDBSuccess) {
    return MakeError(ErrorCode::kIo, "DuckDB cannot connect to " + path);
  }
  return session;
}

DuckdbSession::DuckdbSession(DuckdbSession&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)),
      connection_(std::exchange(other.connection_, nullptr)) {}

DuckdbSession::~DuckdbSession() {
  if (connection_ != nullptr) duckdb_disconnect(&connection_);
  if (database_ != nullptr) duckdb_close(&database_);
}

Result<int64_t> DuckdbSession::Query(const std::string& sql) {
  duckdb_result result;
  if (duckdb_query(connection_, sql.c_str(), &result) != DuckDBSuccess) {
    const char* text = duckdb_result_error(&result);
    auto error = MakeError(ErrorCode::kInvalidArgument, text == nullptr ? "DuckDB failed" : text);
    duckdb_destroy_result(&result);
    return error;
  }
  const int64_t num_rows = static_cast<int64_t>(duckdb_row_count(&result));
  duckdb_destroy_result(&result);
  return num_rows;
}

}  // namespace sirocco::bench
