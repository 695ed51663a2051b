#include "plugin/staleness.h"

#include <map>
#include <string_view>
#include <vector>

#include "mysqld_error.h"
#include "plugin/changes/adoption.h"
#include "plugin/changes/binlog_file.h"
#include "plugin/changes/run_record.h"
#include "plugin/changes/tail.h"
#include "plugin/load/guided_load.h"
#include "plugin/node/reload.h"
#include "plugin/registry.h"
#include "plugin/statement.h"
#include "plugin/variables.h"
#include "sql/current_thd.h"
#include "sql/dd/types/foreign_key.h"
#include "sql/handler.h"
#include "sql/mdl.h"
#include "sql/mysqld.h"
#include "sql/replication.h"
#include "sql/rpl_filter.h"
#include "sql/rpl_mi.h"
#include "sql/rpl_msr.h"
#include "sql/sql_alter.h"
#include "sql/sql_class.h"
#include "sql/sql_lex.h"
#include "sql/table.h"

namespace sirocco::plugin {
namespace {

// The loaded tables that the session holds a metadata lock for writing on. Writers keep that lock
// until after their commit, so nothing that is about to become visible escapes.
std::vector<TableName> TablesLockedForWrite(THD* thd) {
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
  return locked;
}

// Why row changes of the session in `schema` will not be in the binary log; nullptr: they will.
const char* WhyUnlogged(const THD* thd, const char* schema) {
  if (!opt_bin_log || !BinaryLogIsOpen()) return "changed while the binary log is off";
  if ((thd->variables.option_bits & OPTION_BIN_LOG) == 0) return "changed with sql_log_bin=0";
  if (thd->variables.binlog_format != BINLOG_FORMAT_ROW)
    return "changed with binlog_format not ROW";
  if (!binlog_filter->db_ok(schema)) return "changed in a schema that binlog filters leave out";
  return nullptr;
}

bool IsLoaded(const TableName& name) { return Registry().Find(name).has_value(); }

// Whether changes of rows of the table may change rows that refer to them.
bool HasCascade(const TABLE_SHARE* share) {
  const auto cascades = [](dd::Foreign_key::enum_rule rule) {
    return rule != dd::Foreign_key::RULE_NO_ACTION && rule != dd::Foreign_key::RULE_RESTRICT;
  };
  for (uint i = 0; i < share->foreign_key_parents; ++i)
    if (cascades(share->foreign_key_parent[i].delete_rule) ||
        cascades(share->foreign_key_parent[i].update_rule))
      return true;
  return false;
}

int BeforeDml(Trans_param*, int& veto) {
  if (Registry().Empty()) return 0;
  THD* thd = current_thd;
  std::map<TableName, const char*> unlogged;  // with the cause
  bool has_native_cascade = false;
  for (const TABLE* table = thd->open_tables; table != nullptr; table = table->next) {
    if (table->pos_in_table_list == nullptr || table->s->tmp_table != NO_TMP_TABLE) continue;
    if (table->pos_in_table_list->lock_descriptor().type < TL_WRITE_ALLOW_WRITE) continue;
    const TableName name{table->s->db.str, table->s->table_name.str};
    if (const char* why = WhyUnlogged(thd, name.schema.c_str()); why != nullptr && IsLoaded(name))
      unlogged.emplace(name, why);
    has_native_cascade |= innodb_native_foreign_keys && HasCascade(table->s);
  }
  // Cascades may go on from child to child; the session has locked all of them for writing.
  if (has_native_cascade)
    for (const TableName& name : TablesLockedForWrite(thd))
      unlogged.emplace(name, "may be changed by a foreign key's cascade inside InnoDB");
  if (unlogged.empty()) return 0;
  if (UnloggedWritesFail()) {
    veto = 1;
    return 0;
  }
  for (const auto& [name, why] : unlogged) GiveUpTable(name, why);
  return 0;
}

int BeforeCommit(Trans_param*) {
  if (Registry().Empty()) return 0;
  THD* thd = current_thd;
  if (thd == nullptr || (!thd->slave_thread && thd->rli_fake == nullptr)) return 0;
  // Row events are logged as rows whatever binlog_format says.
  const bool is_logged = opt_bin_log && (thd->variables.option_bits & OPTION_BIN_LOG) != 0;
  for (const TableName& name : TablesLockedForWrite(thd))
    if (!is_logged || !binlog_filter->db_ok(name.schema.c_str()))
      GiveUpTable(name, "changed by replication that is not logged");
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

// ALTER TABLE actions that leave the rows, and what RAPID knows of their columns, as they are. That
// the table's storage is the same afterwards is checked when it is opened again.
constexpr uint64_t kKeepsRows =
    Alter_info::ALTER_ADD_INDEX | Alter_info::ALTER_DROP_INDEX | Alter_info::ALTER_RENAME |
    Alter_info::ALTER_CHANGE_COLUMN_DEFAULT | Alter_info::ALTER_KEYS_ONOFF |
    Alter_info::ALTER_OPTIONS | Alter_info::ADD_FOREIGN_KEY | Alter_info::DROP_FOREIGN_KEY |
    Alter_info::ALTER_RENAME_INDEX | Alter_info::ALTER_INDEX_VISIBILITY |
    Alter_info::ALTER_COLUMN_VISIBILITY | Alter_info::ADD_CHECK_CONSTRAINT |
    Alter_info::DROP_CHECK_CONSTRAINT | Alter_info::ENFORCE_CHECK_CONSTRAINT |
    Alter_info::SUSPEND_CHECK_CONSTRAINT | Alter_info::DROP_ANY_CONSTRAINT |
    Alter_info::ENFORCE_ANY_CONSTRAINT | Alter_info::SUSPEND_ANY_CONSTRAINT;

// Whether the statement leaves the rows of the loaded tables it locks alone.
bool KeepsRows(const THD* thd) {
  const LEX* lex = thd->lex;
  switch (lex->sql_command) {
    case SQLCOM_ALTER_TABLE:
    case SQLCOM_CREATE_INDEX:
    case SQLCOM_DROP_INDEX:
      return lex->alter_info != nullptr && (lex->alter_info->flags & ~kKeepsRows) == 0;
    case SQLCOM_RENAME_TABLE:
    case SQLCOM_CREATE_TABLE:  // refers to the table by a foreign key
      return true;
    default:
      return false;
  }
}

// A structural change begins: queries go to InnoDB until the table has been looked at again.
void CloseTable(const THD* thd, const TableName& name, const char* cause) {
  if (!KeepsRows(thd)) {
    GiveUpTable(name, cause);
    return;
  }
  Registry().MarkStale(name, cause);
  RequestReload();
}

bool NotifyAlter(THD* thd, const MDL_key* key, ha_notification_type when) {
  if (when == HA_NOTIFY_PRE_EVENT && IsLoad(thd)) {
    if (auto guided = GuideLoad(thd, NameOf(key)); !guided) {
      if (!thd->is_error()) RaiseError(guided.error(), ER_SECONDARY_ENGINE_PLUGIN);
      return true;
    }
  }
  if (!Registry().Empty() && !IsLoadOrUnload(thd) && when == HA_NOTIFY_PRE_EVENT)
    CloseTable(thd, NameOf(key), "altered");
  return false;
}

bool NotifyTruncate(THD*, const MDL_key* key, ha_notification_type when) {
  if (when == HA_NOTIFY_PRE_EVENT) GiveUpTable(NameOf(key), "truncated");
  return false;
}

// Of the names that the server gives to tables while it alters them.
constexpr std::string_view kTemporaryPrefix = "#sql";

bool NotifyRename(THD* thd, const MDL_key* key, ha_notification_type when, const char* old_schema,
                  const char* old_table, const char* new_schema, const char* new_table) {
  if (Registry().Empty()) return false;
  if (when == HA_NOTIFY_PRE_EVENT) {
    CloseTable(thd, NameOf(key), "renamed");
    return false;
  }
  // Both names are locked: nobody writes the table now. It stays closed until the dictionary has
  // been asked what the name stands for, so that nothing is wrong if the statement fails.
  const TableName from{old_schema, old_table}, to{new_schema, new_table};
  if (to.table.starts_with(kTemporaryPrefix)) {
    // ALTER TABLE puts the old storage aside and another one in its place.
    GiveUpTable(from, "altered");
    return false;
  }
  if (BinaryLogIsOpen()) RenameFollowed(from, to);
  RenameUnlogged(from, to);
  RenameData(from, to);
  Registry().Rename(from, to);
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
  if (!IsLoadOrUnload(thd)) CloseTable(thd, NameOf(key), "locked for a structural change");
  return false;
}

// RESET BINARY LOGS AND GTIDS is about to delete the log.
int NotifyLog(handlerton*, THD*, enum_binlog_func what, void*) {
  if (what == BFN_RESET_LOGS) NoteLogReset();
  return 0;
}

}  // namespace

void GiveUpTable(const TableName& name, const std::string& cause) {
  const auto table = Registry().Find(name);
  if (!table) return;
  // On disk first: the change may be committed, and the server killed, at any time from now on.
  NoteUnlogged(name);
  ForgetData(name);
  Registry().MarkStale(name, cause);
  if (table->node_table != 0) Unfollow(table->node_table, table->node_epoch);
  RequestReload();
}

void NoteBinlogStatement(THD* thd) {
  if (opt_bin_log && (thd->variables.option_bits & OPTION_BIN_LOG) != 0) return;
  for (const LoadedTable& table : Registry().Tables())
    GiveUpTable(table.name, "may be changed by a BINLOG statement that is not logged");
}

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
  engine->binlog_func = NotifyLog;
  return register_trans_observer(&observer, plugin) == 0;
}

void RemoveStalenessGuard(void* plugin) { unregister_trans_observer(&observer, plugin); }

}  // namespace sirocco::plugin
