// A server session with the privileges of the account that called a routine, for the routine's own
// statements. Threads: the one that opened it (see Caller::OpenSession).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

class Srv_session;
class THD;
struct MYSQL_TIME;

namespace sirocco::plugin {

class Caller;

using TextRow = std::vector<std::optional<std::string>>;

// Takes the rows of a statement value by value, in the server's own types.
class RowSink {
 public:
  virtual ~RowSink() = default;
  // Between the values of two rows. An error ends the statement.
  virtual Result<void> EndRow() = 0;
  virtual void Null() = 0;
  virtual void Integer(int64_t value, bool is_unsigned) = 0;
  virtual void Double(double value) = 0;
  virtual void Time(const MYSQL_TIME& value) = 0;
  // utf8mb4; binary strings as they are. DECIMAL comes as text too.
  virtual void String(std::string_view value) = 0;
};

class InvokerSession {
 public:
  InvokerSession(InvokerSession&& other) noexcept;
  InvokerSession(const InvokerSession&) = delete;
  ~InvokerSession();

  // kMysql with the server's number and text if the statement fails; kCancelled after KILL.
  Result<std::vector<TextRow>> Query(const std::string& statement);
  Result<void> Execute(const std::string& statement);
  Result<void> Read(const std::string& statement, RowSink* sink);

 private:
  friend class Caller;
  InvokerSession(Caller* caller, Srv_session* session) : caller_(caller), session_(session) {}
  THD* thd() const;

  Caller* caller_;
  Srv_session* session_;
};

// "'text'", for statements of these sessions (their sql_mode knows no backslash escapes).
std::string QuoteText(std::string_view text);

}  // namespace sirocco::plugin
