#include "plugin/routines/rewriter.h"

#include <cstring>

#include "my_sys.h"
#include "mysql/plugin.h"
#include "mysql/plugin_audit.h"
#include "mysql/service_mysql_alloc.h"
#include "plugin/routines/argument_completion.h"

namespace sirocco::plugin {
namespace {

int Notify(MYSQL_THD, mysql_event_class_t event_class, const void* event) {
  if (event_class != MYSQL_AUDIT_PARSE_CLASS) return 0;
  const auto* parse = static_cast<const mysql_event_parse*>(event);
  if (parse->event_subclass != MYSQL_AUDIT_PARSE_PREPARSE || parse->query.str == nullptr) return 0;
  const auto completed = CompleteArguments({parse->query.str, parse->query.length});
  if (!completed) return 0;
  // The server frees it.
  auto* text = static_cast<char*>(my_malloc(PSI_NOT_INSTRUMENTED, completed->size() + 1, MYF(0)));
  if (text == nullptr) return 0;
  std::memcpy(text, completed->c_str(), completed->size() + 1);
  parse->rewritten_query->str = text;
  parse->rewritten_query->length = completed->size();
  *reinterpret_cast<int*>(parse->flags) |= MYSQL_AUDIT_PARSE_REWRITE_PLUGIN_QUERY_REWRITTEN;
  return 0;
}

}  // namespace

st_mysql_audit kArgumentRewriter = {
    MYSQL_AUDIT_INTERFACE_VERSION, nullptr, Notify, {0, 0, MYSQL_AUDIT_PARSE_PREPARSE}};

}  // namespace sirocco::plugin
