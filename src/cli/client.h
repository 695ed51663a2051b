// A small MySQL client: connect as a system's root, ask, get text back.
// Threads: a connection belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/system.h"
#include "common/error.h"

struct MYSQL;

namespace sirocco::cli {

// The result of a statement; all values as text, NULL as nullopt.
struct TextResult {
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;
};

class Client {
 public:
  // Connects over the account's socket. `timeout_seconds` bounds connecting only.
  // Errors: kMysql with the client library's number.
  static Result<Client> Connect(const Account& account, unsigned timeout_seconds = 5);

  // Runs one statement and fetches all rows. Errors: kMysql.
  Result<TextResult> Query(const std::string& statement);

  // First value of the first row; nullopt if there is none or it is NULL. Errors: kMysql.
  Result<std::optional<std::string>> QueryValue(const std::string& statement);

  // "9.7.4-2".
  std::string ServerVersion() const;

 private:
  struct Closer {
    void operator()(MYSQL* connection) const;
  };
  explicit Client(MYSQL* connection) : connection_(connection) {}
  std::unique_ptr<MYSQL, Closer> connection_;
};

}  // namespace sirocco::cli
