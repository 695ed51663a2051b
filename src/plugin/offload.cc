#include "plugin/offload.h"

#include <algorithm>
#include <ctime>
#include <map>

#include "my_sys.h"
#include "mysqld_error.h"
#include "plugin/changes/tail.h"
#include "plugin/monitor/history.h"
#include "plugin/node/node_connection.h"
#include "plugin/registry.h"
#include "plugin/result/column_description.h"
#include "plugin/result/sender.h"
#include "plugin/staleness.h"
#include "plugin/statement.h"
#include "plugin/translate/translate.h"
#include "plugin/variables.h"
#include "sql/field.h"
#include "sql/handler.h"
#include "sql/opt_trace.h"
#include "sql/partition_info.h"
#include "sql/sql_class.h"
#include "sql/sql_lex.h"
#include "sql/sql_optimizer.h"
#include "sql/table.h"

namespace sirocco::plugin {
namespace {

using Clock = std::chrono::steady_clock;

TableName NameOf(const TABLE* table) { return {table->s->db.str, table->s->table_name.str}; }

// Calls `visit` with each base table the statement reads, until it returns an error. The target of
// INSERT ... SELECT and CREATE TABLE ... SELECT, views, derived tables and tables of prelocking are
// passed over.
template <typename Visit>
Result<void> ForEachReadTable(LEX* lex, Visit visit) {
  const bool has_target =
      lex->sql_command == SQLCOM_INSERT_SELECT || lex->sql_command == SQLCOM_CREATE_TABLE;
  for (Table_ref* ref = lex->query_tables; ref != nullptr; ref = ref->next_global) {
    if (lex->query_tables_own_last != nullptr && ref == *lex->query_tables_own_last) break;
    if (has_target && ref == lex->query_tables) continue;
    if (ref->is_view_or_derived() || ref->is_placeholder() || ref->table == nullptr) continue;
    if (ref->table->s->tmp_table != NO_TMP_TABLE) continue;
    RETURN_IF_ERROR(visit(ref));
  }
  return {};
}

// What can be told about the statement before it is optimized: tables, locks, settings.
Result<void> CheckStatement(THD* thd, LEX* lex) {
  if (!Nodes().Available()) return MakeError(ErrorCode::kUnavailable, Nodes().StateText());
  if (AppliesUnseenChanges())
    return MakeError(
        ErrorCode::kStale,
        "this replica applies changes that it does not log (log_replica_updates is OFF)");
  if ((thd->variables.sql_mode & MODE_PAD_CHAR_TO_FULL_LENGTH) != 0)
    return NotSupported("sql_mode PAD_CHAR_TO_FULL_LENGTH is not supported");
  for (Query_block* block = lex->all_query_blocks_list; block != nullptr;
       block = block->next_select_in_list())
    if (block->master_query_expression()->m_lateral_deps != 0)
      return NotSupported("LATERAL derived tables are not supported");
  return ForEachReadTable(lex, [](Table_ref* ref) -> Result<void> {
    const thr_lock_type lock = ref->lock_descriptor().type;
    if (lock >= TL_WRITE_ALLOW_WRITE || lock == TL_READ_WITH_SHARED_LOCKS)
      return NotSupported("locking reads (FOR UPDATE, FOR SHARE) are not supported");
    // Unlike a WHERE clause, a PARTITION clause leaves no condition in the plan.
    if (ref->partition_names != nullptr && ref->partition_names->elements != 0)
      return NotSupported("PARTITION (...) in the FROM clause is not supported");
    if (auto table = Registry().FindForQuery(NameOf(ref->table)); !table)
      return std::unexpected(table.error());
    return {};
  });
}

// True: the server prepares the statement for RAPID.
bool PrePrepare(THD* thd) {
  LEX* lex = thd->lex;
  if (lex->has_external_tables()) {
    StatementOf(thd);
    return true;
  }
  const double threshold = thd->variables.secondary_engine_cost_threshold;
  if (thd->m_current_query_cost <= threshold) {
    Opt_trace_context* trace = &thd->opt_trace;
    if (trace->is_started()) {
      const Opt_trace_object wrapper(trace);
      Opt_trace_object object(trace, "secondary_engine_not_used");
      object.add_alnum("reason",
                       "The estimated query cost does not exceed secondary_engine_cost_threshold.");
      object.add("cost", thd->m_current_query_cost);
      object.add("threshold", threshold);
    }
    return false;
  }
  if (auto checked = CheckStatement(thd, lex); !checked) {
    NoteRefusal(thd, checked.error().message);
    return false;
  }
  StatementOf(thd);
  return true;
}

bool Prepare(THD* thd, LEX* lex) {
  // A re-prepared statement gets a new chance.
  StatementContext* statement = StatementOf(thd);
  statement->reason.clear();
  statement->forced_reason.clear();
  if (auto checked = CheckStatement(thd, lex); !checked) {
    Refuse(thd, checked.error().message);
    return true;
  }
  auto* context = new (thd->mem_root) ExecutionContext(thd);
  if (context == nullptr) return true;
  lex->set_secondary_engine_execution_context(context);
  // Loaded tables are not read row by row while planning.
  lex->add_statement_options(OPTION_NO_CONST_TABLES | OPTION_NO_SUBQUERY_DURING_OPTIMIZATION);
  return false;
}

// A table of which only some partitions are loaded answers statements that the server has pruned to
// these.
Result<void> CheckPartitions(const TABLE* table, const LoadedTable& loaded) {
  if (table->part_info == nullptr) return {};
  MY_BITMAP* read = &table->part_info->read_partitions;
  for (uint number = bitmap_get_first_set(read); number != MY_BIT_NONE;
       number = bitmap_get_next_set(read, number)) {
    const bool is_loaded =
        std::any_of(loaded.partitions.begin(), loaded.partitions.end(),
                    [&](const LoadedPartition& partition) { return partition.number == number; });
    if (!is_loaded)
      return NotSupported("the statement reads partitions of table " + loaded.name.Text() +
                          " that are not loaded");
  }
  return {};
}

// A second look for changes of a table that does not follow the binary log: InnoDB remembers the second of a table's last commit while the table is in its cache.
Result<void> CheckUpdateTime(const TABLE* table, const LoadedTable& loaded) {
  if (loaded.is_followed) return {};
  handler* primary = table->file->ha_get_primary_handler();
  if (primary == nullptr || primary->info(HA_STATUS_TIME | HA_STATUS_NO_LOCK) != 0) return {};
  if (static_cast<std::time_t>(primary->stats.update_time) <=
      std::chrono::system_clock::to_time_t(loaded.snapshot_time))
    return {};
  GiveUpTable(loaded.name, "changed");
  return MakeError(ErrorCode::kStale, StaleReason(loaded.name, "changed"));
}

// Gives the translator the tables as they are now, all of one life of the node.
class RegistryResolver : public TableResolver {
 public:
  Result<ResolvedTable> Resolve(const TABLE* table) const override {
    const TableName name = NameOf(table);
    auto found = tables_.find(name);
    if (found == tables_.end()) {
      ASSIGN_OR_RETURN(LoadedTable loaded, Registry().FindForQuery(name));
      found = tables_.emplace(name, std::move(loaded)).first;
    }
    RETURN_IF_ERROR(CheckPartitions(table, found->second));
    RETURN_IF_ERROR(CheckUpdateTime(table, found->second));
    return ResolvedTable{found->second.node_table, found->second.schema.get()};
  }

  const std::map<TableName, LoadedTable>& tables() const { return tables_; }
  // The life of the node all tables belong to; 0: no tables.
  Result<uint64_t> Epoch() const {
    uint64_t epoch = 0;
    for (const auto& [name, table] : tables_) {
      if (epoch != 0 && table.node_epoch != epoch)
        return MakeError(ErrorCode::kUnavailable, "the node was restarted");
      epoch = table.node_epoch;
    }
    return epoch;
  }

 private:
  mutable std::map<TableName, LoadedTable> tables_;
};

// Translates the statement and has the node prepare it.
Result<void> StartQuery(THD* thd, LEX* lex, ExecutionContext* context) {
  const auto begin = Clock::now();
  if (!lex->using_hypergraph_optimizer())
    return NotSupported("the hypergraph optimizer is not in use");
  // What was committed before now is in the tables that are looked up after this.
  if (!lex->is_explain())
    RETURN_IF_ERROR(WaitUntilFresh(FreshnessTimeoutMs(thd), [thd] {
      return thd->killed.load() != THD::NOT_KILLED;
    }));
  RegistryResolver resolver;
  ASSIGN_OR_RETURN(TranslatedQuery query, TranslateQuery(thd, lex, resolver));
  if (lex->is_explain()) return {};

  QueryRecord& record = context->record;
  record.connection_id = thd->thread_id();
  record.mysql_query_id = thd->query_id;
  record.statement_id = thd->query_id;
  record.text = StatementText(thd);
  record.start = std::chrono::system_clock::now();
  record.logical_plan = plan::PlanText(query.plan);

  ASSIGN_OR_RETURN(const uint64_t epoch, resolver.Epoch());
  ASSIGN_OR_RETURN(PooledClient client, Nodes().Acquire(epoch));
  wire::QueryRequest request;
  request.plan = query.plan;
  request.memory_limit_bytes = QueryMemoryLimit(thd);
  request.num_workers = 0;
  ASSIGN_OR_RETURN(record.physical_plan, client->Prepare(request, [thd] {
    return thd->killed.load() != THD::NOT_KILLED;
  }));
  for (const auto& [name, table] : resolver.tables()) {
    context->tables.push_back(name);
    context->schemas.emplace(table.node_table, table.schema);
  }
  context->query = std::move(query);
  context->client = std::move(client);
  record.prepare_ns = static_cast<uint64_t>(std::chrono::nanoseconds(Clock::now() - begin).count());
  return {};
}

bool Optimize(THD* thd, LEX* lex) {
  ExecutionContext* context = ExecutionContext::Of(lex);
  if (context == nullptr) {
    Refuse(thd, "statement was not prepared for RAPID");
    return true;
  }
  if (auto started = StartQuery(thd, lex, context); !started) {
    if (thd->killed) {
      thd->send_kill_message();
      return true;
    }
    if (thd->is_error()) return true;  // a MySQL error from evaluating a constant
    Refuse(thd, started.error().message);
    return true;
  }
  if (lex->is_explain()) return false;
  auto select_items = DescribeWindowColumns(thd, lex->unit->first_query_block()->join);
  if (!select_items) {
    Refuse(thd, select_items.error().message);
    return true;
  }
  context->select_items = *select_items;
  for (Query_block* block = lex->unit->first_query_block(); block != nullptr;
       block = block->next_query_block())
    block->join->override_executor_func = SendResult;
  return false;
}

// The texts end in a zero byte: the server prints them as C strings.
std::string_view GetFailReason(const THD* thd) {
  const StatementContext* statement = FindStatement(thd);
  return statement == nullptr ? std::string_view{} : statement->forced_reason;
}

// The first column the statement reads that was not loaded; empty: none.
std::string FindUnloadedColumn(LEX* lex) {
  std::string name;
  (void)ForEachReadTable(lex, [&](Table_ref* ref) -> Result<void> {
    for (Field** field = ref->table->field; *field != nullptr && name.empty(); ++field)
      if ((*field)->is_flag_set(NOT_SECONDARY_FLAG) &&
          bitmap_is_set(ref->table->read_set, (*field)->field_index()))
        name = NameOf(ref->table).Text() + "." + (*field)->field_name;
    return {};
  });
  return name;
}

std::string_view FindFailReason(THD* thd) {
  StatementContext* statement = StatementOf(thd);
  if (statement->reason.empty())
    if (const std::string column = FindUnloadedColumn(thd->lex); !column.empty())
      NoteRefusal(thd, "Column " + column + " is marked as NOT SECONDARY.");
  if (!statement->reason.empty()) return statement->reason;
  return "All plans were rejected by the secondary storage engine";
}

bool SetFailReason(const THD* thd, std::string_view reason) {
  THD* session = const_cast<THD*>(thd);
  StatementContext* statement = StatementOf(session);
  if (statement->reason.empty()) NoteRefusal(session, std::string(reason));
  return true;
}

}  // namespace

void InstallOffloadHooks(handlerton* engine) {
  engine->secondary_engine_flags = MakeSecondaryEngineFlags(
      SecondaryEngineFlag::SUPPORTS_HASH_JOIN, SecondaryEngineFlag::AGGREGATION_IS_UNORDERED,
      SecondaryEngineFlag::USE_EXTERNAL_EXECUTOR);
  engine->secondary_engine_pre_prepare_hook = PrePrepare;
  engine->prepare_secondary_engine = Prepare;
  engine->optimize_secondary_engine = Optimize;
  engine->get_secondary_engine_offload_or_exec_fail_reason = GetFailReason;
  engine->find_secondary_engine_offload_fail_reason = FindFailReason;
  engine->set_secondary_engine_offload_fail_reason = SetFailReason;
}

}  // namespace sirocco::plugin
