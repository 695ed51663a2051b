// A plain client connection for tests that care about time: no statement but the ones asked for.
#pragma once

#include <mysql/mysql.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sirocco::changes_test {

using Row = std::vector<std::optional<std::string>>;

struct Answer {
  unsigned error = 0;
  std::string message;
  std::vector<Row> rows;

  bool ok() const { return error == 0; }
  std::string Scalar() const { return rows.empty() ? "" : rows[0][0].value_or("NULL"); }
};

class Connection {
 public:
  explicit Connection(const std::string& defaults_file) : mysql_(mysql_init(nullptr)) {
    mysql_options(mysql_, MYSQL_READ_DEFAULT_FILE, defaults_file.c_str());
    mysql_options(mysql_, MYSQL_READ_DEFAULT_GROUP, "client");
    is_open_ = mysql_real_connect(mysql_, nullptr, nullptr, nullptr, nullptr, 0, nullptr,
                                  CLIENT_MULTI_STATEMENTS) != nullptr;
  }
  ~Connection() { mysql_close(mysql_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool is_open() const { return is_open_; }
  std::string Error() const { return mysql_error(mysql_); }

  // Runs one statement, or several; the rows of the last result are kept.
  Answer Run(const std::string& sql) {
    Answer answer;
    if (mysql_real_query(mysql_, sql.data(), sql.size()) != 0) return Failed();
    for (;;) {
      if (MYSQL_RES* result = mysql_store_result(mysql_); result != nullptr) {
        answer.rows.clear();
        const unsigned num_columns = mysql_num_fields(result);
        while (MYSQL_ROW row = mysql_fetch_row(result)) {
          const unsigned long* lengths = mysql_fetch_lengths(result);
          Row values;
          for (unsigned i = 0; i < num_columns; ++i)
            values.push_back(row[i] == nullptr ? std::nullopt
                                               : std::optional(std::string(row[i], lengths[i])));
          answer.rows.push_back(std::move(values));
        }
        mysql_free_result(result);
      } else if (mysql_errno(mysql_) != 0) {
        return Failed();
      }
      const int more = mysql_next_result(mysql_);
      if (more > 0) return Failed();
      if (more < 0) return answer;
    }
  }
  // The rows in an order that does not depend on the engine.
  Answer RunSorted(const std::string& sql) {
    Answer answer = Run(sql);
    std::sort(answer.rows.begin(), answer.rows.end());
    return answer;
  }

 private:
  Answer Failed() {
    Answer answer;
    answer.error = mysql_errno(mysql_);
    answer.message = mysql_error(mysql_);
    // Results of statements behind the failed one do not exist; those before it are discarded.
    return answer;
  }

  MYSQL* mysql_;
  bool is_open_ = false;
};

}  // namespace sirocco::changes_test
