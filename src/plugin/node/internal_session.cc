#include "plugin/node/internal_session.h"

#include "my_sys.h"
#include "mysql/plugin.h"
#include "mysql/service_command.h"
#include "mysql/service_srv_session.h"
#include "mysql/service_srv_session_info.h"
#include "sql/auth/sql_security_ctx.h"
#include "sql/sql_class.h"

namespace sirocco::plugin {
namespace {

// Collects what the server answers.
struct Answer {
  std::vector<SqlRow> rows;
  uint32_t error_number = 0;
  std::string error_text;
};

Answer* Of(void* context) { return static_cast<Answer*>(context); }

int Add(void* context, std::optional<std::string> value) {
  Of(context)->rows.back().push_back(std::move(value));
  return 0;
}

const st_command_service_cbs kCallbacks = {
    [](void*, uint, uint, const CHARSET_INFO*) { return 0; },
    [](void*, st_send_field*, const CHARSET_INFO*) { return 0; },
    [](void*, uint, uint) { return 0; },
    [](void* context) {
      Of(context)->rows.emplace_back();
      return 0;
    },
    [](void*) { return 0; },
    [](void* context) { Of(context)->rows.pop_back(); },
    [](void*) { return ulong{0}; },
    [](void* context) { return Add(context, std::nullopt); },
    [](void* context, longlong value) { return Add(context, std::to_string(value)); },
    [](void* context, longlong value, uint) { return Add(context, std::to_string(value)); },
    [](void* context, const decimal_t*) { return Add(context, std::nullopt); },
    [](void* context, double value, uint32_t) { return Add(context, std::to_string(value)); },
    [](void* context, const MYSQL_TIME*) { return Add(context, std::nullopt); },
    [](void* context, const MYSQL_TIME*, uint) { return Add(context, std::nullopt); },
    [](void* context, const MYSQL_TIME*, uint) { return Add(context, std::nullopt); },
    [](void* context, const char* value, size_t length, const CHARSET_INFO*) {
      return Add(context, std::string(value, length));
    },
    [](void*, uint, uint, ulonglong, ulonglong, const char*) {},
    [](void* context, uint number, const char* text, const char*) {
      Of(context)->error_number = number;
      Of(context)->error_text = text;
    },
    [](void*, int) {},
    [](void*) { return true; },
};

}  // namespace

Result<InternalSession> InternalSession::Open() {
  if (!ServerAcceptsSessions())
    return MakeError(ErrorCode::kUnavailable, "the server does not accept sessions");
  MYSQL_SESSION session = srv_session_open([](void*, uint, const char*) {}, nullptr);
  if (session == nullptr)
    return MakeError(ErrorCode::kUnavailable, "the server did not open a session");
  THD* thd = srv_session_info_get_thd(session);
  thd->security_context()->skip_grants("rapid", "localhost");
  thd->set_skip_readonly_check();
  return InternalSession(session);
}

InternalSession::~InternalSession() {
  if (session_ != nullptr) srv_session_close(session_);
}

THD* InternalSession::thd() const { return srv_session_info_get_thd(session_); }

Result<std::vector<SqlRow>> InternalSession::Run(const std::string& statement) {
  Answer answer;
  COM_DATA command{};
  command.com_query.query = statement.c_str();
  command.com_query.length = static_cast<unsigned>(statement.size());
  const int failed =
      command_service_run_command(session_, COM_QUERY, &command, &my_charset_utf8mb4_general_ci,
                                  &kCallbacks, CS_TEXT_REPRESENTATION, &answer);
  if (answer.error_number != 0) return MakeMysqlError(answer.error_number, answer.error_text);
  if (failed != 0)
    return MakeError(ErrorCode::kUnavailable, "the server did not run the statement");
  return std::move(answer.rows);
}

bool InitSessionThread(const void* plugin) { return srv_session_init_thread(plugin) == 0; }
void EndSessionThread() { srv_session_deinit_thread(); }
bool ServerAcceptsSessions() { return srv_session_server_is_available() != 0; }

std::string QuoteName(const std::string& name) {
  std::string quoted = "`";
  for (const char c : name) {
    if (c == '`') quoted.push_back('`');
    quoted.push_back(c);
  }
  quoted.push_back('`');
  return quoted;
}

}  // namespace sirocco::plugin
