// The plugin's declaration, start and end.
#include "mysql/plugin.h"

#include <cstring>

#include "mysql/plugin_audit.h"
#include "mysql_version.h"
#include "mysqlsem/collation.h"
#include "plugin/changes/run_record.h"
#include "plugin/changes/tail.h"
#include "plugin/handler.h"
#include "plugin/monitor/tables.h"
#include "plugin/node/node_connection.h"
#include "plugin/node/reload.h"
#include "plugin/offload.h"
#include "plugin/routines/caller.h"
#include "plugin/routines/rewriter.h"
#include "plugin/routines/routines.h"
#include "plugin/server_log.h"
#include "plugin/staleness.h"
#include "plugin/statement.h"
#include "plugin/status.h"
#include "plugin/variables.h"
#include "sql/current_thd.h"
#include "sql/handler.h"
#include "sql/mysqld.h"
#include "sql/sql_base.h"
#include "sql/sql_plugin.h"

namespace sirocco::plugin {
namespace {

handler* CreateHandler(handlerton* engine, TABLE_SHARE* share, bool, MEM_ROOT* memory) {
  return new (memory) RapidHandler(engine, share);
}

uint PartitionFlags() { return HA_CANNOT_PARTITION_FK; }

// "9.7.4" of "9.7.4-debug" and the like: what decides the layout of the server's classes, with the
// build type.
bool IsServerVersion() {
  constexpr char kBuiltFor[] = MYSQL_SERVER_VERSION;
  const size_t size = sizeof(kBuiltFor) - 1;
  return std::strncmp(server_version, kBuiltFor, size) == 0 &&
         std::strstr(server_version, "debug") == nullptr &&
         (server_version[size] == '\0' || server_version[size] == '-');
}

void StopThreads() {
  StopRoutineInstaller();
  StopReloader();
  StopTail();
  Nodes().Stop();
}

// The server's own object for this plugin. A storage engine's init call gets its handlerton
// instead.
st_plugin_int* FindPlugin() {
  plugin_ref plugin =
      my_plugin_lock_by_name(nullptr, {STRING_WITH_LEN("RAPID")}, MYSQL_STORAGE_ENGINE_PLUGIN);
  if (plugin == nullptr) return nullptr;
  plugin_unlock(nullptr, plugin);
  return plugin;
}

st_plugin_int* this_plugin = nullptr;

// A clean shutdown: the server has ended all sessions.
void BeforeShutdown(handlerton*) {
  StopThreads();
  NoteCleanEnd();
}

int Init(void* handlerton_of_plugin) {
  this_plugin = FindPlugin();
  if (this_plugin == nullptr) {
    LogError("RAPID cannot find itself among the server's plugins");
    return 1;
  }
  SetLogPlugin(this_plugin);
  if (!IsServerVersion()) {
    LogError(std::string("RAPID was built for MySQL " MYSQL_SERVER_VERSION " and cannot run in ") +
             server_version + "; build Sirocco for this server");
    return 1;
  }
  mysqlsem::InitializeCollations();
  auto* engine = static_cast<handlerton*>(handlerton_of_plugin);
  engine->create = CreateHandler;
  engine->state = SHOW_OPTION_YES;
  engine->db_type = DB_TYPE_UNKNOWN;
  engine->flags = HTON_IS_SECONDARY_ENGINE | HTON_SECONDARY_ENGINE_SUPPORTS_DDL;
  engine->partition_flags = PartitionFlags;
  engine->pre_dd_shutdown = BeforeShutdown;
  InstallOffloadHooks(engine);
  if (!InstallStalenessGuard(engine, this_plugin)) {
    LogError("RAPID cannot observe changes of tables; it will not start");
    return 1;
  }
  if (!AddMonitoringTables()) LogWarning("performance_schema.rpd_* tables are not available");
  OpenRunRecord(/*server_is_starting=*/!mysqld_server_started);
  Nodes().Start(NodeSettingsFromVariables());
  StartTail();
  StartReloader(this_plugin);
  if (RegisterRoutines())
    StartRoutineInstaller(this_plugin);
  else
    LogWarning("the machine-learning routines are not available");
  return 0;
}

// UNINSTALL PLUGIN, before the plugin is taken away. Nonzero: it is in use.
int CheckUninstall(void*) {
  if (NumRunningStatements() != 0 || NumRunningRoutines() != 0) return 1;
  // Open tables of RAPID in the table cache would keep the plugin referenced.
  close_cached_tables(current_thd, nullptr, false, LONG_TIMEOUT);
  return 0;
}

int Deinit(void*) {
  StopThreads();
  ForgetRuns();
  if (!UnregisterRoutines()) LogWarning("a machine-learning function is still in use");
  RemoveMonitoringTables();
  RemoveStalenessGuard(this_plugin);
  SetLogPlugin(nullptr);
  return 0;
}

st_mysql_storage_engine kEngine = {MYSQL_HANDLERTON_INTERFACE_VERSION};

}  // namespace
}  // namespace sirocco::plugin

mysql_declare_plugin(rapid){
    MYSQL_STORAGE_ENGINE_PLUGIN,
    &sirocco::plugin::kEngine,
    "RAPID",
    "Sirocco",
    "In-memory query accelerator",
    PLUGIN_LICENSE_GPL,
    sirocco::plugin::Init,
    sirocco::plugin::CheckUninstall,
    sirocco::plugin::Deinit,
    0x0001,
    sirocco::plugin::kStatusVariables,
    sirocco::plugin::kSystemVariables,
    nullptr,
    0,
},
    {
        MYSQL_AUDIT_PLUGIN,
        &sirocco::plugin::kArgumentRewriter,
        "RAPID_ML_ARGUMENTS",
        "Sirocco",
        "Calls of machine-learning routines without the options argument",
        PLUGIN_LICENSE_GPL,
        nullptr,
        nullptr,
        nullptr,
        0x0001,
        nullptr,
        nullptr,
        nullptr,
        0,
    } mysql_declare_plugin_end;
