#include "plugin/staleness.h"

#include <vector>

#include "mysqld_error.h"
#include "plugin/load/guided_load.h"
#include "plugin/registry.h"
#include "plugin/statement.h"
#include "sql/current_thd.h"
#include "sql/handler.h"
#include "sql/mdl.h"
#include "sql/mysqld.h"
#include "sql/replication.h"
#include "sql/rpl_mi.h"
#include "sql/rpl_msr.h"
#include "sql/sql_alter.h"
#include "sql/sql_class.h"
#include "sql/sql_lex.h"
#include "sql/table.h"

namespace sirocco::plugin {
namespace {

// Marks the loaded tables that the session holds a metadata lock for writing on. Writers keep that
// lock until after their commit, so nothing that is about to become visible escapes.
void MarkTablesLockedForWrite(THD* thd, const char* cause) {
  std::vector<TableName> locked;
  Registry().ForEachName([&](const TableName& name) {
    for (const enum_mdl_type type : {MDL_SHARED_WRITE, MDL_SHARED_WRITE_LOW_PRIO}) {
      if (!thd->mdl_context.owns_equal_or_stronger_lock(MDL_key::TABLE, name.schema.c_str(),
                                                        name.table.c_str(), type))
        continue;
      locked.push_back(name);
      break;
    }
  });
  for (const TableName& name : locked) Registry().MarkStale(name, cause);
}

int BeforeDml(Trans_param*, int& /*veto*/) {
  if (Registry().Empty()) return 0;
  THD* thd = current_thd;
  for (const TABLE* table = thd->open_tables; table != nullptr; table = table->next) {
    if (table->pos_in_table_list == nullptr || table->s->tmp_table != NO_TMP_TABLE) continue;
    if (table->pos_in_table_list->lock_descriptor().type < TL_WRITE_ALLOW_WRITE) continue;
    Registry().MarkStale({table->s->db.str, table->s->table_name.str}, "changed");
  }
  MarkTablesLockedForWrite(thd, "changed");
  return 0;
}

int BeforeCommit(Trans_param*) {
  if (Registry().Empty()) return 0;
  THD* thd = current_thd;
  if (thd != nullptr && (thd->slave_thread || thd->rli_fake != nullptr))
    MarkTablesLockedForWrite(thd, "changed by replication");
  return 0;
}

int Nothing(Trans_param*) { return 0; }
int BeginNothing(Trans_param*, int&) { return 0; }

Trans_observer observer = {
    sizeof(Trans_observer), BeforeDml, BeforeCommit, Nothing, Nothing, Nothing, BeginNothing};

// SECONDARY_LOAD and SECONDARY_UNLOAD are ALTER statements too, but change no data.
bool IsLoadOrUnload(const THD* thd) {
  const LEX* lex = thd->lex;
  return lex->sql_command == SQLCOM_ALTER_TABLE && lex->alter_info != nullptr &&
         (lex->alter_info->flags &
          (Alter_info::ALTER_SECONDARY_LOAD | Alter_info::ALTER_SECONDARY_UNLOAD)) != 0;
}

bool IsLoad(const THD* thd) {
  const LEX* lex = thd->lex;
  return IsLoadOrUnload(thd) && (lex->alter_info->flags & Alter_info::ALTER_SECONDARY_LOAD) != 0;
}

TableName NameOf(const MDL_key* key) { return {key->db_name(), key->name()}; }

bool NotifyAlter(THD* thd, const MDL_key* key, ha_notification_type when) {
  if (when == HA_NOTIFY_PRE_EVENT && IsLoad(thd)) {
    if (auto guided = GuideLoad(thd, NameOf(key)); !guided) {
      if (!thd->is_error()) RaiseError(guided.error(), ER_SECONDARY_ENGINE_PLUGIN);
      return true;
    }
  }
  if (!Registry().Empty() && !IsLoadOrUnload(thd) && when == HA_NOTIFY_PRE_EVENT)
    Registry().MarkStale(NameOf(key), "altered");
  return false;
}

bool NotifyTruncate(THD*, const MDL_key* key, ha_notification_type when) {
  if (when == HA_NOTIFY_PRE_EVENT) Registry().MarkStale(NameOf(key), "truncated");
  return false;
}

bool NotifyRename(THD*, const MDL_key* key, ha_notification_type when, const char* old_schema,
                  const char* old_table, const char* new_schema, const char* new_table) {
  if (when == HA_NOTIFY_PRE_EVENT)
    Registry().MarkStale(NameOf(key), "renamed");
  else
    Registry().Rename({old_schema, old_table}, {new_schema, new_table});
  return false;
}

// Whatever else locks a table exclusively may change it (partition operations, tablespace import).
// Creating a trigger does not.
bool NotifyExclusiveLock(THD* thd, const MDL_key* key, ha_notification_type when, bool*) {
  if (when != HA_NOTIFY_PRE_EVENT || Registry().Empty() || key->mdl_namespace() != MDL_key::TABLE)
    return false;
  switch (thd->lex->sql_command) {
    case SQLCOM_CREATE_TRIGGER:
    case SQLCOM_DROP_TRIGGER:
    case SQLCOM_ANALYZE:
    case SQLCOM_CHECK:
    case SQLCOM_FLUSH:
      return false;
    default:
      break;
  }
  if (!IsLoadOrUnload(thd)) Registry().MarkStale(NameOf(key), "locked for a structural change");
  return false;
}

}  // namespace

bool AppliesUnseenChanges() {
  if (opt_bin_log && opt_log_replica_updates) return false;
  bool is_replica = false;
  channel_map.rdlock();
  for (const auto& [name, channel] : channel_map) is_replica |= Master_info::is_configured(channel);
  channel_map.unlock();
  return is_replica;
}

bool InstallStalenessGuard(handlerton* engine, void* plugin) {
  engine->notify_alter_table = NotifyAlter;
  engine->notify_truncate_table = NotifyTruncate;
  engine->notify_rename_table = NotifyRename;
  engine->notify_exclusive_mdl = NotifyExclusiveLock;
  return register_trans_observer(&observer, plugin) == 0;
}

void RemoveStalenessGuard(void* plugin) { unregister_trans_observer(&observer, plugin); }

}  // namespace sirocco::plugin
