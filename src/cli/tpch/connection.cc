#include "cli/tpch/connection.h"

#include <fmt/format.h>
#include <mysql/errmsg.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

namespace sirocco::tpch {
namespace {

using ReadFunction = std::function<int(std::span<char>)>;

int InfileInit(void** state, const char*, void* read) {
  *state = read;
  return 0;
}
int InfileRead(void* state, char* buffer, unsigned int size) {
  return (*static_cast<const ReadFunction*>(state))({buffer, size});
}
void InfileEnd(void*) {}
int InfileError(void*, char* message, unsigned int size) {
  fmt::format_to_n(message, size, "generation was stopped{}", '\0');
  return CR_UNKNOWN_ERROR;
}

}  // namespace

std::vector<std::vector<std::optional<std::string>>> ResultSet::Rows() const {
  std::vector<std::vector<std::optional<std::string>>> rows;
  if (!result_) return rows;
  const unsigned num_columns = mysql_num_fields(result_.get());
  mysql_data_seek(result_.get(), 0);
  while (MYSQL_ROW values = mysql_fetch_row(result_.get())) {
    const unsigned long* lengths = mysql_fetch_lengths(result_.get());
    auto& row = rows.emplace_back(num_columns);
    for (unsigned i = 0; i < num_columns; ++i) {
      if (values[i] != nullptr) row[i].emplace(values[i], lengths[i]);
    }
  }
  return rows;
}

Result<Connection> Connection::Open(const std::filesystem::path& option_file,
                                    const std::string& database) {
  static std::once_flag library_once;
  std::call_once(library_once, [] { mysql_library_init(0, nullptr, nullptr); });
  if (!std::filesystem::exists(option_file)) {
    return MakeError(ErrorCode::kNotFound,
                     fmt::format("no such option file: {}", option_file.string()));
  }
  Connection connection(mysql_init(nullptr));
  MYSQL* mysql = connection.mysql_.get();
  if (mysql == nullptr) return MakeError(ErrorCode::kOutOfMemory, "no memory for a connection");
  const unsigned int on = 1;
  // A relative name would be looked up in the library's own folders.
  mysql_options(mysql, MYSQL_READ_DEFAULT_FILE, std::filesystem::absolute(option_file).c_str());
  mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &on);
  mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  if (mysql_real_connect(mysql, nullptr, nullptr, nullptr,
                         database.empty() ? nullptr : database.c_str(), 0, nullptr, 0) == nullptr) {
    return std::unexpected(connection.LastError());
  }
  return connection;
}

Error Connection::LastError() const {
  const unsigned number = mysql_errno(mysql_.get());
  const char* text = mysql_error(mysql_.get());
  if (number >= CR_MIN_ERROR && number <= CR_MAX_ERROR)
    return Error{ErrorCode::kUnavailable, 0, text};
  return Error{ErrorCode::kMysql, number, text};
}

Result<ResultSet> Connection::Query(std::string_view sql) {
  if (mysql_real_query(mysql_.get(), sql.data(), sql.size()) != 0)
    return std::unexpected(LastError());
  ResultSet result(mysql_store_result(mysql_.get()));
  if (mysql_errno(mysql_.get()) != 0) return std::unexpected(LastError());
  return result;
}

Result<void> Connection::Execute(std::string_view sql) {
  RETURN_IF_ERROR(Query(sql));
  return {};
}

Result<std::string> Connection::QueryValue(std::string_view sql) {
  ASSIGN_OR_RETURN(const ResultSet result, Query(sql));
  const auto rows = result.Rows();
  if (rows.empty() || rows[0].empty())
    return MakeError(ErrorCode::kNotFound, fmt::format("no row from: {}", sql));
  return rows[0][0].value_or("");
}

Result<int64_t> Connection::Load(std::string_view sql, const ReadFunction& read) {
  mysql_set_local_infile_handler(mysql_.get(), InfileInit, InfileRead, InfileEnd, InfileError,
                                 const_cast<ReadFunction*>(&read));
  const int failed = mysql_real_query(mysql_.get(), sql.data(), sql.size());
  mysql_set_local_infile_default(mysql_.get());
  if (failed != 0) return std::unexpected(LastError());
  const int64_t num_rows = static_cast<int64_t>(mysql_affected_rows(mysql_.get()));
  if (const unsigned warnings = mysql_warning_count(mysql_.get()); warnings != 0) {
    ASSIGN_OR_RETURN(const ResultSet shown, Query("SHOW WARNINGS LIMIT 1"));
    const auto rows = shown.Rows();
    return MakeError(ErrorCode::kCorrupt,
                     fmt::format("the server had {} warnings, the first: {}", warnings,
                                 rows.empty() ? "unknown" : rows[0].back().value_or("")));
  }
  return num_rows;
}

}  // namespace sirocco::tpch
