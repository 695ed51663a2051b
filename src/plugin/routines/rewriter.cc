#include "plugin/routines/rewriter.h"

#include "mysql/plugin.h"
#include "mysql/plugin_audit.h"
#include "plugin/routines/argument_completion.h"
#include "plugin/staleness.h"
#include "sql/sql_class.h"
#include "sql/sql_lex.h"
#include "sql/sql_parse.h"

namespace sirocco::plugin {
namespace {

// Gives the server another text to parse. Not by way of the event's answer: the server would forget
// that a prepared statement may have parameters, and raise a note each time.
void Replace(THD* thd, const std::string& text) {
  Parser_state* parser = thd->m_parser_state;
  if (parser == nullptr) return;
  const bool may_have_parameters = parser->m_lip.stmt_prepare_mode;
  const bool may_be_several = parser->m_lip.multi_statements;
  if (alloc_query(thd, text.data(), text.size())) return;
  if (parser->init(thd, thd->query().str, thd->query().length)) return;
  parser->m_lip.stmt_prepare_mode = may_have_parameters;
  parser->m_lip.multi_statements = may_be_several;
}

int Notify(MYSQL_THD thd, mysql_event_class_t event_class, const void* event) {
  if (event_class != MYSQL_AUDIT_PARSE_CLASS) return 0;
  const auto* parse = static_cast<const mysql_event_parse*>(event);
  if (parse->event_subclass == MYSQL_AUDIT_PARSE_POSTPARSE) {
    if (thd->lex->sql_command == SQLCOM_BINLOG_BASE64_EVENT) NoteBinlogStatement(thd);
    return 0;
  }
  if (parse->event_subclass != MYSQL_AUDIT_PARSE_PREPARSE || parse->query.str == nullptr) return 0;
  if (const auto completed = CompleteArguments({parse->query.str, parse->query.length}))
    Replace(thd, *completed);
  return 0;
}

}  // namespace

st_mysql_audit kArgumentRewriter = {
    MYSQL_AUDIT_INTERFACE_VERSION, nullptr, Notify, {0, 0, MYSQL_AUDIT_PARSE_ALL}};

}  // namespace sirocco::plugin
