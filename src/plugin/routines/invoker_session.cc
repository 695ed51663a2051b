#include "plugin/routines/invoker_session.h"

#include "my_sys.h"
#include "mysql/plugin.h"
#include "mysql/service_command.h"
#include "mysql/service_srv_session.h"
#include "mysql/service_srv_session_info.h"
#include "mysqld_error.h"
#include "plugin/routines/caller.h"
#include "sql-common/my_decimal.h"
#include "sql/sql_class.h"
#include "sql_string.h"

namespace sirocco::plugin {
namespace {

// What a statement's answer goes to, and how it ended.
struct Answer {
  RowSink* sink = nullptr;
  Error error;
  bool failed = false;
  ::String converted;

  int Keep(Result<void> result) {
    if (result) return 0;
    if (!failed) error = std::move(result.error());
    failed = true;
    return 1;
  }
};

Answer* Of(void* context) { return static_cast<Answer*>(context); }

int GetString(void* context, const char* value, size_t length, const CHARSET_INFO* charset) {
  Answer* answer = Of(context);
  const bool is_plain = charset == &my_charset_bin ||
                        my_charset_same(charset, &my_charset_utf8mb4_bin) ||
                        my_charset_same(charset, &my_charset_utf8mb3_bin);
  if (is_plain || length == 0) {
    answer->sink->String({value, length});
    return 0;
  }
  uint errors = 0;
  if (answer->converted.copy(value, length, charset, &my_charset_utf8mb4_bin, &errors)) return 1;
  answer->sink->String({answer->converted.ptr(), answer->converted.length()});
  return 0;
}

int GetDecimal(void* context, const decimal_t* value) {
  char text[DECIMAL_MAX_STR_LENGTH + 1];
  int size = sizeof(text);
  if (decimal2string(value, text, &size) != 0) return 1;
  Of(context)->sink->String({text, static_cast<size_t>(size)});
  return 0;
}

int GetTime(void* context, const MYSQL_TIME* value) {
  Of(context)->sink->Time(*value);
  return 0;
}
int GetTimeWithDecimals(void* context, const MYSQL_TIME* value, uint) {
  return GetTime(context, value);
}

const st_command_service_cbs kCallbacks = {
    [](void*, uint, uint, const CHARSET_INFO*) { return 0; },
    [](void*, st_send_field*, const CHARSET_INFO*) { return 0; },
    [](void*, uint, uint) { return 0; },
    [](void*) { return 0; },
    [](void* context) { return Of(context)->Keep(Of(context)->sink->EndRow()); },
    [](void*) {},
    [](void*) { return ulong{0}; },
    [](void* context) {
      Of(context)->sink->Null();
      return 0;
    },
    [](void* context, longlong value) {
      Of(context)->sink->Integer(value, false);
      return 0;
    },
    [](void* context, longlong value, uint is_unsigned) {
      Of(context)->sink->Integer(value, is_unsigned != 0);
      return 0;
    },
    GetDecimal,
    [](void* context, double value, uint32_t) {
      Of(context)->sink->Double(value);
      return 0;
    },
    GetTime,
    GetTimeWithDecimals,
    GetTimeWithDecimals,
    GetString,
    [](void*, uint, uint, ulonglong, ulonglong, const char*) {},
    [](void* context, uint number, const char* text, const char*) {
      Answer* answer = Of(context);
      // An error of the sink made the server end the statement: that one is the cause.
      if (!answer->failed) answer->error = Error{ErrorCode::kMysql, number, text};
      answer->failed = true;
    },
    [](void*, int) {},
    [](void*) { return true; },
};

class NoRows : public RowSink {
 public:
  Result<void> EndRow() override { return {}; }
  void Null() override {}
  void Integer(int64_t, bool) override {}
  void Double(double) override {}
  void Time(const MYSQL_TIME&) override {}
  void String(std::string_view) override {}
};

class TextRows : public RowSink {
 public:
  std::vector<TextRow> rows;

  Result<void> EndRow() override {
    rows.push_back(std::move(row_));
    row_.clear();
    return {};
  }
  void Null() override { row_.emplace_back(); }
  void Integer(int64_t value, bool is_unsigned) override {
    row_.emplace_back(is_unsigned ? std::to_string(static_cast<uint64_t>(value))
                                  : std::to_string(value));
  }
  void Double(double value) override {
    char text[32];
    std::snprintf(text, sizeof(text), "%.17g", value);
    row_.emplace_back(text);
  }
  void Time(const MYSQL_TIME& value) override {
    char text[MAX_DATE_STRING_REP_LENGTH];
    my_TIME_to_str(value, text, 6);
    row_.emplace_back(text);
  }
  void String(std::string_view value) override { row_.emplace_back(std::string(value)); }

 private:
  TextRow row_;
};

}  // namespace

InvokerSession::InvokerSession(InvokerSession&& other) noexcept
    : caller_(other.caller_), session_(std::exchange(other.session_, nullptr)) {}

THD* InvokerSession::thd() const { return srv_session_info_get_thd(session_); }

InvokerSession::~InvokerSession() {
  if (session_ == nullptr) return;
  {
    std::lock_guard lock(caller_->mutex_);
    caller_->sessions_.erase(thd());
  }
  srv_session_close(session_);
}

Result<void> InvokerSession::Read(const std::string& statement, RowSink* sink) {
  if (caller_->killed()) return MakeError(ErrorCode::kCancelled, "cancelled");
  Answer answer;
  answer.sink = sink;
  COM_DATA command{};
  command.com_query.query = statement.c_str();
  command.com_query.length = static_cast<unsigned>(statement.size());
  const int failed =
      command_service_run_command(session_, COM_QUERY, &command, &my_charset_utf8mb4_general_ci,
                                  &kCallbacks, CS_BINARY_REPRESENTATION, &answer);
  if (caller_->killed()) return MakeError(ErrorCode::kCancelled, "cancelled");
  if (answer.failed) return std::unexpected(std::move(answer.error));
  if (failed != 0)
    return MakeError(ErrorCode::kUnavailable, "the server did not run the statement");
  return {};
}

Result<void> InvokerSession::Execute(const std::string& statement) {
  NoRows sink;
  return Read(statement, &sink);
}

Result<std::vector<TextRow>> InvokerSession::Query(const std::string& statement) {
  TextRows sink;
  RETURN_IF_ERROR(Read(statement, &sink));
  return std::move(sink.rows);
}

std::string QuoteText(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted.push_back('\'');
    quoted.push_back(c);
  }
  quoted.push_back('\'');
  return quoted;
}

}  // namespace sirocco::plugin
