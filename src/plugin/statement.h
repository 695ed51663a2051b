// What RAPID keeps per statement, in the two context objects the server hands out for it; never in
// thread-locals, since statements nest.
//  - StatementContext: made at the first sign of interest, lives until the statement ends, over
//  re-preparations; holds the
//    reason of a refusal.
//  - ExecutionContext: one attempt in RAPID, from prepare_secondary_engine to the end of execution;
//  holds the session's
//    optimizer switch to restore, the connection and the running query.
// Threads: the session's own thread only.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "my_inttypes.h"
#include "plugin/monitor/history.h"
#include "plugin/node/node_connection.h"
#include "plugin/registry.h"
#include "plugin/result/column_names.h"
#include "plugin/translate/translate.h"
#include "sql/sql_class.h"
#include "sql/sql_lex.h"

namespace sirocco::plugin {

class StatementContext : public Secondary_engine_statement_context {
 public:
  bool is_primary_engine_optimal() const override { return false; }

  std::string reason;         // why RAPID does not run it; empty: no refusal so far
  std::string forced_reason;  // the same in the form of error 3889
};

// The statement's context, made if missing.
StatementContext* StatementOf(THD* thd);
// nullptr if there is none.
StatementContext* FindStatement(const THD* thd);

class ExecutionContext : public Secondary_engine_execution_context {
 public:
  // Switches the hypergraph optimizer on for this attempt.
  explicit ExecutionContext(THD* thd);
  // Cancels a query that is still running and restores the session's optimizer switch.
  ~ExecutionContext() override;

  static ExecutionContext* Of(LEX* lex);

  std::optional<TranslatedQuery> query;  // after the optimize hook
  std::optional<PooledClient> client;    // holds the prepared query
  std::vector<TableName> tables;         // read by the query
  LoadedSchemas schemas;                 // of these tables
  QueryRecord record;                    // for rpd_query_stats
  // The select list, where the JOIN has another one that describes it; else null.
  const mem_root_deque<Item*>* select_items = nullptr;

 private:
  THD* thd_;
  uint64_t saved_switch_;
  uint64_t saved_subgraph_pairs_;
};

// Number of ExecutionContexts alive: while above 0 the plugin's code must stay loaded.
int NumRunningStatements();

// Refuses the statement: keeps the reason for FORCED, writes it to the optimizer trace and to
// rpd_query_stats, and raises error 3877 with it. The server then runs the statement in InnoDB, or
// fails it if RAPID was forced.
void Refuse(THD* thd, const std::string& reason);
// Keeps, traces and records the reason without raising an error: for hooks that may just say no.
void NoteRefusal(THD* thd, const std::string& reason);

// Raises `error` as a MySQL error: its own number for kMysql, the number of the matching server
// error for cancellation and memory, else `default_errno` (a message with one %s).
void RaiseError(const Error& error, uint32_t default_errno);

// The statement's text, at most `max_bytes`.
std::string StatementText(const THD* thd, size_t max_bytes = 64 << 10);

}  // namespace sirocco::plugin
