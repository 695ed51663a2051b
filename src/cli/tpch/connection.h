// A session with a MySQL server, over libmysqlclient, as the loader and the benchmark need it.
//
// Login comes from an option file of MySQL clients (group [client]), such as a system's client.cnf.
// Threads: one thread at a time per connection. Results outlive the connection.
#pragma once

#include <mysql/mysql.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace sirocco::tpch {

// All rows of a query, fetched. Values are the server's text; no value is NULL.
class ResultSet {
 public:
  explicit ResultSet(MYSQL_RES* result) : result_(result, mysql_free_result) {}
  uint64_t num_rows() const { return result_ ? mysql_num_rows(result_.get()) : 0; }
  std::vector<std::vector<std::optional<std::string>>> Rows() const;

 private:
  std::unique_ptr<MYSQL_RES, void (*)(MYSQL_RES*)> result_;
};

class Connection {
 public:
  // Errors: kUnavailable (no server), kMysql (refused). `database` may be empty.
  static Result<Connection> Open(const std::filesystem::path& option_file,
                                 const std::string& database);

  // Runs one statement and fetches its rows, if it has any. Errors: kMysql with the server's number
  // and text, kUnavailable.
  Result<ResultSet> Query(std::string_view sql);
  Result<void> Execute(std::string_view sql);
  // The only value of the first row; "" for NULL. Errors: also kNotFound if there is no row.
  Result<std::string> QueryValue(std::string_view sql);

  // Runs a LOAD DATA LOCAL INFILE statement whose file is what `read` delivers: it fills the buffer
  // and returns the bytes, 0 at the end, -1 to give up (the statement then fails and is rolled
  // back). Returns the rows inserted. Errors: also kCorrupt if the server had warnings, which
  // loaded data must not have.
  Result<int64_t> Load(std::string_view sql, const std::function<int(std::span<char>)>& read);

  // The server's number for the session, for KILL.
  uint64_t id() const { return mysql_thread_id(mysql_.get()); }

 private:
  explicit Connection(MYSQL* mysql) : mysql_(mysql, mysql_close) {}
  Error LastError() const;
  std::unique_ptr<MYSQL, void (*)(MYSQL*)> mysql_;
};

}  // namespace sirocco::tpch
