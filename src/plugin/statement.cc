#include "plugin/statement.h"

#include <algorithm>
#include <atomic>

#include "my_sys.h"
#include "mysqld_error.h"
#include "plugin/variables.h"
#include "sql/opt_trace.h"
#include "sql/sql_const.h"

namespace sirocco::plugin {
namespace {

std::atomic<int> num_running{0};

// {"Rapid_Offload_Fails": [{"Reason": "..."}]}, the form DBAs query.
void TraceRefusal(THD* thd, const std::string& reason) {
  Opt_trace_context* trace = &thd->opt_trace;
  if (!trace->is_started()) return;
  const Opt_trace_object wrapper(trace);
  Opt_trace_array fails(trace, "Rapid_Offload_Fails");
  Opt_trace_object fail(trace);
  fail.add_utf8("Reason", reason.c_str(), reason.size());
}

void RecordRefusal(THD* thd, const std::string& reason) {
  QueryRecord record;
  record.connection_id = thd->thread_id();
  record.mysql_query_id = thd->query_id;
  record.statement_id = thd->query_id;  // what @@statement_id shows
  record.text = StatementText(thd);
  record.start = std::chrono::system_clock::now();
  record.end = record.start;
  record.refusal = reason;
  History().Add(std::move(record));
}

}  // namespace

StatementContext* FindStatement(const THD* thd) {
  return static_cast<StatementContext*>(
      const_cast<THD*>(thd)->secondary_engine_statement_context());
}

StatementContext* StatementOf(THD* thd) {
  if (FindStatement(thd) == nullptr)
    thd->set_secondary_engine_statement_context(std::make_unique<StatementContext>());
  return FindStatement(thd);
}

ExecutionContext::ExecutionContext(THD* thd)
    : thd_(thd),
      saved_switch_(thd->variables.optimizer_switch),
      saved_subgraph_pairs_(thd->variables.optimizer_max_subgraph_pairs) {
  num_running.fetch_add(1, std::memory_order_acq_rel);
  thd->variables.optimizer_switch |= OPTIMIZER_SWITCH_HYPERGRAPH_OPTIMIZER;
  thd->variables.optimizer_max_subgraph_pairs =
      std::min<uint64_t>(saved_subgraph_pairs_, MaxJoinPairs(thd));
}

ExecutionContext::~ExecutionContext() {
  constexpr uint64_t kBit = OPTIMIZER_SWITCH_HYPERGRAPH_OPTIMIZER;
  thd_->variables.optimizer_switch =
      (thd_->variables.optimizer_switch & ~kBit) | (saved_switch_ & kBit);
  thd_->variables.optimizer_max_subgraph_pairs = saved_subgraph_pairs_;
  // A query that was prepared but not run would keep its snapshots pinned in a pooled connection.
  if (client) (*client)->Disconnect();
  num_running.fetch_sub(1, std::memory_order_acq_rel);
}

ExecutionContext* ExecutionContext::Of(LEX* lex) {
  return static_cast<ExecutionContext*>(lex->secondary_engine_execution_context());
}

int NumRunningStatements() { return num_running.load(std::memory_order_acquire); }

void NoteRefusal(THD* thd, const std::string& reason) {
  StatementContext* statement = StatementOf(thd);
  // The first reason is the cause; later ones follow from it.
  if (!statement->reason.empty()) return;
  statement->reason = reason;
  statement->forced_reason = "Reason: \"" + reason + "\"";
  TraceRefusal(thd, reason);
  RecordRefusal(thd, reason);
}

void Refuse(THD* thd, const std::string& reason) {
  NoteRefusal(thd, reason);
  if (!thd->is_error()) my_error(ER_SECONDARY_ENGINE_PLUGIN, MYF(0), reason.c_str());
}

void RaiseError(const Error& error, uint32_t default_errno) {
  switch (error.code) {
    case ErrorCode::kMysql:
      my_message(static_cast<int>(error.mysql_errno), error.message.c_str(), MYF(0));
      return;
    case ErrorCode::kCancelled:
      my_error(ER_QUERY_INTERRUPTED, MYF(0));
      return;
    default:
      my_error(static_cast<int>(default_errno), MYF(0), error.message.c_str());
      return;
  }
}

std::string StatementText(const THD* thd, size_t max_bytes) {
  const LEX_CSTRING& text = thd->query();
  return {text.str, std::min(text.length, max_bytes)};
}

}  // namespace sirocco::plugin
