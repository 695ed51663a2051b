// A client connection that runs statements and keeps everything a user can see of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "sql/runner/test_file.h"

struct MYSQL;

namespace sirocco::sqltest {

struct Column {
  std::string name, org_name, table, org_table;
  int type = 0;  // enum_field_types
  uint32_t flags = 0;
  uint32_t decimals = 0;
  uint32_t charset = 0;
  uint64_t length = 0;
};

using Value = std::optional<std::string>;  // nullopt: NULL
using Row = std::vector<Value>;

// All a client sees of one execution.
struct Outcome {
  unsigned error = 0;
  std::string message;
  std::vector<Column> columns;
  std::vector<Row> rows;
  std::vector<std::string> warnings;  // "Level code text", in the server's order
  uint64_t affected_rows = 0;
  bool lost_connection = false;
  bool offloaded = false;  // the session's count of secondary engine executions went up
};

// Value of the session variable use_secondary_engine while a statement runs; OFF in between.
// kOffHypergraph: InnoDB executes what the optimizer of offloaded queries plans.
enum class Offload { kOff, kOffHypergraph, kOn, kForced };

struct ConnectOptions {
  std::string defaults_file;  // [client] group is read
  std::string socket;
  std::string host;
  unsigned port = 0;
  std::string user;
  std::string password;
  unsigned timeout_seconds = 120;
};

// Not thread safe. The connection uses utf8mb4; strings of results are bytes as sent.
class Session {
 public:
  static Result<std::unique_ptr<Session>> Connect(const ConnectOptions& options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Text protocol. Several results (CALL) are concatenated.
  Outcome Execute(const std::string& sql, Offload offload = Offload::kOff);
  // Binary protocol: prepared once, executed twice; both executions must agree (else an error 1
  // with a message).
  Outcome ExecutePrepared(const std::string& sql, const std::vector<Parameter>& parameters,
                          Offload offload);
  // First column of the first row; empty if there is none or on error.
  std::string Scalar(const std::string& sql);

 private:
  explicit Session(MYSQL* connection) : connection_(connection) {}
  void SetOffload(Offload offload);
  // Off again, and the session's own optimizer switches.
  void ResetOffload(Offload offload);
  void RunText(const std::string& sql, Outcome* outcome);
  void RunPrepared(const std::string& sql, const std::vector<Parameter>& parameters,
                   Outcome* outcome);
  void CollectWarnings(Outcome* outcome);
  void Fail(Outcome* outcome, unsigned error, const char* message) const;
  uint64_t OffloadCount();

  MYSQL* connection_;
};

}  // namespace sirocco::sqltest
