#include "sql/runner/session.h"

#include <mysql/errmsg.h>
#include <mysql/mysql.h>

#include <algorithm>
#include <cstring>

#include "sql/runner/metadata.h"

namespace sirocco::sqltest {
namespace {

constexpr unsigned kSelfInconsistent = 1;  // no MySQL error has this number

bool IsLost(unsigned error) {
  return error == CR_SERVER_GONE_ERROR || error == CR_SERVER_LOST ||
         error == CR_SERVER_LOST_EXTENDED;
}

void AppendRows(MYSQL_RES* result, Outcome* outcome) {
  if (outcome->columns.empty()) outcome->columns = ReadColumns(result);
  const unsigned count = mysql_num_fields(result);
  while (MYSQL_ROW row = mysql_fetch_row(result)) {
    const unsigned long* lengths = mysql_fetch_lengths(result);
    Row values(count);
    for (unsigned i = 0; i < count; ++i)
      if (row[i] != nullptr) values[i].emplace(row[i], lengths[i]);
    outcome->rows.push_back(std::move(values));
  }
}

// Text of a value fetched in its binary type.
std::string TimeText(const MYSQL_TIME& t) {
  char text[80];
  std::snprintf(text, sizeof(text), "%s%04u-%02u-%02u %02u:%02u:%02u.%06lu kind %d",
                t.neg ? "-" : "", t.year, t.month, t.day, t.hour, t.minute, t.second, t.second_part,
                static_cast<int>(t.time_type));
  return text;
}

// One bound result column: numbers and times natively, everything else as bytes.
struct BoundColumn {
  enum_field_types type = MYSQL_TYPE_STRING;
  int64_t integer = 0;
  double real = 0;
  float single = 0;
  MYSQL_TIME time = {};
  unsigned long length = 0;
  bool is_null = false, truncated = false;
  bool is_unsigned = false;
  std::string bytes;

  // `field` knows the longest value of the stored result.
  void Bind(const MYSQL_FIELD& field, MYSQL_BIND* bind) {
    std::memset(bind, 0, sizeof(*bind));
    is_unsigned = (field.flags & UNSIGNED_FLAG) != 0;
    switch (field.type) {
      case MYSQL_TYPE_TINY:
      case MYSQL_TYPE_SHORT:
      case MYSQL_TYPE_INT24:
      case MYSQL_TYPE_LONG:
      case MYSQL_TYPE_LONGLONG:
      case MYSQL_TYPE_YEAR:
        type = MYSQL_TYPE_LONGLONG;
        bind->buffer = &integer;
        bind->is_unsigned = is_unsigned;
        break;
      case MYSQL_TYPE_DOUBLE:
        type = MYSQL_TYPE_DOUBLE;
        bind->buffer = &real;
        break;
      case MYSQL_TYPE_FLOAT:
        type = MYSQL_TYPE_FLOAT;
        bind->buffer = &single;
        break;
      case MYSQL_TYPE_DATE:
      case MYSQL_TYPE_TIME:
      case MYSQL_TYPE_DATETIME:
      case MYSQL_TYPE_TIMESTAMP:
        type = field.type;
        bind->buffer = &time;
        break;
      default:
        type = MYSQL_TYPE_STRING;
        bytes.resize(std::max<size_t>(field.max_length, 1) + 1);
        bind->buffer = bytes.data();
        bind->buffer_length = bytes.size();
        break;
    }
    bind->buffer_type = type;
    bind->length = &length;
    bind->is_null = &is_null;
    bind->error = &truncated;
  }

  Value Text() const {
    if (is_null) return std::nullopt;
    char text[64];
    switch (type) {
      case MYSQL_TYPE_LONGLONG:
        return is_unsigned ? std::to_string(static_cast<uint64_t>(integer))
                           : std::to_string(integer);
      case MYSQL_TYPE_DOUBLE:
        std::snprintf(text, sizeof(text), "%.17g", real);
        return text;
      case MYSQL_TYPE_FLOAT:
        std::snprintf(text, sizeof(text), "%.9g", static_cast<double>(single));
        return text;
      case MYSQL_TYPE_STRING:
        return bytes.substr(0, length);
      default:
        return TimeText(time);
    }
  }
};

class BoundParameters {
 public:
  explicit BoundParameters(const std::vector<Parameter>& parameters)
      : binds_(parameters.size()),
        integers_(parameters.size()),
        reals_(parameters.size()),
        lengths_(parameters.size()) {
    for (size_t i = 0; i < parameters.size(); ++i) {
      MYSQL_BIND& bind = binds_[i];
      std::memset(&bind, 0, sizeof(bind));
      switch (parameters[i].type) {
        case Parameter::Type::kNull:
          bind.buffer_type = MYSQL_TYPE_NULL;
          break;
        case Parameter::Type::kInteger:
          integers_[i] = std::strtoll(parameters[i].text.c_str(), nullptr, 10);
          bind.buffer_type = MYSQL_TYPE_LONGLONG;
          bind.buffer = &integers_[i];
          break;
        case Parameter::Type::kDouble:
          reals_[i] = std::strtod(parameters[i].text.c_str(), nullptr);
          bind.buffer_type = MYSQL_TYPE_DOUBLE;
          bind.buffer = &reals_[i];
          break;
        case Parameter::Type::kString:
          lengths_[i] = parameters[i].text.size();
          bind.buffer_type = MYSQL_TYPE_STRING;
          bind.buffer = const_cast<char*>(parameters[i].text.data());
          bind.buffer_length = lengths_[i];
          bind.length = &lengths_[i];
          break;
      }
    }
  }
  MYSQL_BIND* data() { return binds_.data(); }

 private:
  std::vector<MYSQL_BIND> binds_;
  std::vector<long long> integers_;
  std::vector<double> reals_;
  std::vector<unsigned long> lengths_;
};

}  // namespace

Result<std::unique_ptr<Session>> Session::Connect(const ConnectOptions& options) {
  MYSQL* connection = mysql_init(nullptr);
  if (connection == nullptr)
    return MakeError(ErrorCode::kOutOfMemory, "no memory for a connection");
  if (!options.defaults_file.empty()) {
    mysql_options(connection, MYSQL_READ_DEFAULT_FILE, options.defaults_file.c_str());
    mysql_options(connection, MYSQL_READ_DEFAULT_GROUP, "client");
  }
  mysql_options(connection, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  mysql_options(connection, MYSQL_OPT_READ_TIMEOUT, &options.timeout_seconds);
  const unsigned connect_timeout = 10;
  mysql_options(connection, MYSQL_OPT_CONNECT_TIMEOUT, &connect_timeout);
  const bool local_infile = true;
  mysql_options(connection, MYSQL_OPT_LOCAL_INFILE, &local_infile);
  const auto or_null = [](const std::string& text) {
    return text.empty() ? nullptr : text.c_str();
  };
  if (mysql_real_connect(connection, or_null(options.host), or_null(options.user),
                         or_null(options.password), nullptr, options.port, or_null(options.socket),
                         CLIENT_MULTI_RESULTS) == nullptr) {
    const std::string message = mysql_error(connection);
    mysql_close(connection);
    return MakeError(ErrorCode::kUnavailable, "cannot connect: " + message);
  }
  // Every statement is worth offloading; no warning is dropped.
  std::unique_ptr<Session> session(new Session(connection));
  session->Execute(
      "SET SESSION secondary_engine_cost_threshold = 0, max_error_count = 65535, "
      "use_secondary_engine = OFF");
  return session;
}

Session::~Session() { mysql_close(connection_); }

void Session::Fail(Outcome* outcome, unsigned error, const char* message) const {
  outcome->error = error;
  outcome->message = message;
  outcome->lost_connection = IsLost(error);
}

uint64_t Session::OffloadCount() {
  static const std::string kQuery =
      "SELECT variable_value FROM performance_schema.session_status"
      " WHERE variable_name = 'Secondary_engine_execution_count'";
  return std::strtoull(Scalar(kQuery).c_str(), nullptr, 10);
}

std::string Session::Scalar(const std::string& sql) {
  if (mysql_real_query(connection_, sql.data(), sql.size()) != 0) return "";
  MYSQL_RES* result = mysql_store_result(connection_);
  if (result == nullptr) return "";
  const MYSQL_ROW row = mysql_fetch_row(result);
  std::string value = row != nullptr && row[0] != nullptr ? row[0] : "";
  mysql_free_result(result);
  return value;
}

void Session::CollectWarnings(Outcome* outcome) {
  if (outcome->lost_connection || mysql_query(connection_, "SHOW WARNINGS") != 0) return;
  MYSQL_RES* result = mysql_store_result(connection_);
  if (result == nullptr) return;
  while (const MYSQL_ROW row = mysql_fetch_row(result)) {
    outcome->warnings.push_back(std::string(row[0]) + " " + row[1] + " " + row[2]);
  }
  mysql_free_result(result);
}

void Session::SetOffload(Offload offload) {
  static constexpr const char* kStatements[] = {
      "SET SESSION use_secondary_engine = OFF",
      "SET @sqltest_switch = @@SESSION.optimizer_switch, SESSION use_secondary_engine = OFF,"
      " SESSION optimizer_switch = 'hypergraph_optimizer=on,subquery_to_derived=on'",
      "SET SESSION use_secondary_engine = ON", "SET SESSION use_secondary_engine = FORCED"};
  mysql_query(connection_, kStatements[static_cast<int>(offload)]);
}

void Session::ResetOffload(Offload offload) {
  SetOffload(Offload::kOff);
  if (offload == Offload::kOffHypergraph)
    mysql_query(connection_, "SET SESSION optimizer_switch = @sqltest_switch");
}

// The count is read with offload off: reading it must not be offloaded itself.
Outcome Session::Execute(const std::string& sql, Offload offload) {
  Outcome outcome;
  const uint64_t before = OffloadCount();
  if (offload != Offload::kOff) SetOffload(offload);
  RunText(sql, &outcome);
  if (outcome.lost_connection) return outcome;
  if (offload != Offload::kOff) ResetOffload(offload);
  outcome.offloaded = OffloadCount() > before;
  return outcome;
}

Outcome Session::ExecutePrepared(const std::string& sql, const std::vector<Parameter>& parameters,
                                 Offload offload) {
  Outcome outcome;
  const uint64_t before = OffloadCount();
  if (offload != Offload::kOff) SetOffload(offload);
  RunPrepared(sql, parameters, &outcome);
  if (outcome.lost_connection) return outcome;
  if (offload != Offload::kOff) ResetOffload(offload);
  outcome.offloaded = OffloadCount() >= before + 2;
  return outcome;
}

void Session::RunText(const std::string& sql, Outcome* outcome) {
  if (mysql_real_query(connection_, sql.data(), sql.size()) != 0) {
    Fail(outcome, mysql_errno(connection_), mysql_error(connection_));
  } else {
    int more = 0;
    while (more == 0) {
      if (MYSQL_RES* result = mysql_store_result(connection_)) {
        AppendRows(result, outcome);
        mysql_free_result(result);
      } else {
        outcome->affected_rows = mysql_affected_rows(connection_);
      }
      if (mysql_errno(connection_) != 0) break;
      more = mysql_next_result(connection_);
    }
    if (mysql_errno(connection_) != 0)
      Fail(outcome, mysql_errno(connection_), mysql_error(connection_));
  }
  CollectWarnings(outcome);
}

void Session::RunPrepared(const std::string& sql, const std::vector<Parameter>& parameters,
                          Outcome* outcome) {
  MYSQL_STMT* const statement = mysql_stmt_init(connection_);
  const auto failed = [&] {
    Fail(outcome, mysql_stmt_errno(statement), mysql_stmt_error(statement));
    CollectWarnings(outcome);
    mysql_stmt_close(statement);
  };
  const bool measure = true;
  mysql_stmt_attr_set(statement, STMT_ATTR_UPDATE_MAX_LENGTH, &measure);
  if (mysql_stmt_prepare(statement, sql.data(), sql.size()) != 0) return failed();
  if (mysql_stmt_param_count(statement) != parameters.size()) {
    Fail(outcome, kSelfInconsistent,
         "the number of parameters is not the number of question marks");
    mysql_stmt_close(statement);
    return;
  }
  BoundParameters bound(parameters);
  if (!parameters.empty() && mysql_stmt_bind_param(statement, bound.data())) return failed();

  for (int execution = 0; execution < 2; ++execution) {
    if (mysql_stmt_execute(statement) != 0) return failed();
    std::vector<Row> rows;
    if (mysql_stmt_store_result(statement) != 0) return failed();
    if (MYSQL_RES* metadata = mysql_stmt_result_metadata(statement)) {
      outcome->columns = ReadColumns(metadata);
      const unsigned count = mysql_num_fields(metadata);
      std::vector<MYSQL_BIND> binds(count);
      std::vector<BoundColumn> columns(count);
      for (unsigned i = 0; i < count; ++i)
        columns[i].Bind(*mysql_fetch_field_direct(metadata, i), &binds[i]);
      mysql_free_result(metadata);
      if (mysql_stmt_bind_result(statement, binds.data())) return failed();
      while (true) {
        const int fetched = mysql_stmt_fetch(statement);
        if (fetched == MYSQL_NO_DATA) break;
        if (fetched == 1) return failed();
        Row row(count);
        for (unsigned i = 0; i < count; ++i) row[i] = columns[i].Text();
        rows.push_back(std::move(row));
      }
      mysql_stmt_free_result(statement);
    }
    if (execution == 0) {
      CollectWarnings(outcome);
      outcome->rows = std::move(rows);
    } else if (rows.size() != outcome->rows.size()) {
      Fail(outcome, kSelfInconsistent, "the second execution gave another number of rows");
    }
  }
  mysql_stmt_close(statement);
}

}  // namespace sirocco::sqltest
