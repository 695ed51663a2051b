#include "plugin/variables.h"

#include <filesystem>

#include "mysql/plugin.h"
#include "sql/mysqld.h"
#include "typelib.h"

namespace sirocco::plugin {
namespace {

char* node_command;
char* node_socket;
char* node_address;
char* node_secret_file;
char* node_log;
char* checkpoint_folder;
bool checkpoints;
unsigned long long node_memory_limit;
unsigned int node_threads;
unsigned int node_nice;
unsigned int node_max_restarts;
unsigned long ml_resource_mode;
unsigned long unlogged_writes;
unsigned long long ml_memory_limit;

constexpr unsigned long long kMinMemory = 64ULL << 20;

MYSQL_SYSVAR_STR(
    node_command, node_command, PLUGIN_VAR_READONLY | PLUGIN_VAR_MEMALLOC | PLUGIN_VAR_RQCMDARG,
    "The rapidd program that the plugin starts and looks after. Default: rapidd in plugin_dir.",
    nullptr, nullptr, nullptr);
MYSQL_SYSVAR_STR(node_socket, node_socket,
                 PLUGIN_VAR_READONLY | PLUGIN_VAR_MEMALLOC | PLUGIN_VAR_RQCMDARG,
                 "Path of the private Unix socket between server and node. Default: rapidd.sock in "
                 "the data directory.",
                 nullptr, nullptr, nullptr);
MYSQL_SYSVAR_STR(node_address, node_address,
                 PLUGIN_VAR_READONLY | PLUGIN_VAR_MEMALLOC | PLUGIN_VAR_RQCMDARG,
                 "Address (host:port or unix:/path) of a node that is run by somebody else; the "
                 "plugin then starts none. "
                 "Needs rapid_node_secret_file.",
                 nullptr, nullptr, nullptr);
MYSQL_SYSVAR_STR(node_secret_file, node_secret_file,
                 PLUGIN_VAR_READONLY | PLUGIN_VAR_MEMALLOC | PLUGIN_VAR_RQCMDARG,
                 "File with the secret shared with the node at rapid_node_address.", nullptr,
                 nullptr, nullptr);
MYSQL_SYSVAR_STR(node_log, node_log,
                 PLUGIN_VAR_READONLY | PLUGIN_VAR_MEMALLOC | PLUGIN_VAR_RQCMDARG,
                 "Log file of the node. Default: rapidd.log in the data directory.", nullptr,
                 nullptr, nullptr);
MYSQL_SYSVAR_STR(checkpoint_folder, checkpoint_folder,
                 PLUGIN_VAR_READONLY | PLUGIN_VAR_MEMALLOC | PLUGIN_VAR_RQCMDARG,
                 "Folder in which the node keeps copies of the loaded tables, so that they need not "
                 "be loaded again after a restart. Default: rapid_checkpoints in the data "
                 "directory.",
                 nullptr, nullptr, nullptr);
MYSQL_SYSVAR_BOOL(checkpoints, checkpoints, PLUGIN_VAR_READONLY | PLUGIN_VAR_RQCMDARG,
                  "Whether the node keeps copies of the loaded tables on disk.", nullptr, nullptr,
                  true);
MYSQL_SYSVAR_ULONGLONG(
    node_memory_limit, node_memory_limit, PLUGIN_VAR_READONLY | PLUGIN_VAR_RQCMDARG,
    "Bytes the node may use for tables and queries together; 0: half of the machine's memory.",
    nullptr, nullptr, 0, 0, ~0ULL, 0);
MYSQL_SYSVAR_UINT(node_threads, node_threads, PLUGIN_VAR_READONLY | PLUGIN_VAR_RQCMDARG,
                  "Threads the node uses for one query; 0: all cores.", nullptr, nullptr, 0, 0,
                  1024, 0);
MYSQL_SYSVAR_UINT(node_nice, node_nice, PLUGIN_VAR_READONLY | PLUGIN_VAR_RQCMDARG,
                  "How far the node steps back for other processes, as nice(1) does; queries in "
                  "RAPID then take processor time from transactions in InnoDB only to a small part.",
                  nullptr, nullptr, 5, 0, 19, 0);
MYSQL_SYSVAR_UINT(node_max_restarts, node_max_restarts, PLUGIN_VAR_READONLY | PLUGIN_VAR_RQCMDARG,
                  "How often within a minute the node is started again after it ended, before the "
                  "plugin pauses for a "
                  "minute.",
                  nullptr, nullptr, 5, 0, 1000, 0);
MYSQL_THDVAR_ULONGLONG(query_memory_limit, PLUGIN_VAR_RQCMDARG,
                       "Bytes one query may use in the node; 0: the node's limit. A query that "
                       "needs more fails with an "
                       "error.",
                       nullptr, nullptr, 0, 0, ~0ULL, 0);
MYSQL_THDVAR_UINT(
    load_threads, PLUGIN_VAR_RQCMDARG,
    "Threads that read the table during SECONDARY_LOAD; 0: innodb_parallel_read_threads.", nullptr,
    nullptr, 0, 0, 256, 0);
MYSQL_THDVAR_ULONGLONG(max_join_pairs, PLUGIN_VAR_RQCMDARG,
                       "How many pairs of table sets the server's optimizer looks at for an "
                       "offloaded statement before it "
                       "simplifies the join graph. The node orders joins itself, so a small value "
                       "saves planning time.",
                       nullptr, nullptr, 200, 10, 1000000000, 0);

MYSQL_THDVAR_ULONG(freshness_timeout, PLUGIN_VAR_RQCMDARG,
                   "Milliseconds that an offloaded statement waits until all changes committed "
                   "before it are in RAPID. After that it runs in InnoDB, or fails if RAPID was "
                   "forced.",
                   nullptr, nullptr, 5000, 0, 3600000, 0);

enum UnloggedWrites : unsigned long { kMarkStale, kError };
const char* unlogged_writes_names[] = {"MARK_STALE", "ERROR", nullptr};
TYPELIB unlogged_writes_modes = {2, "unlogged_writes_modes", unlogged_writes_names, nullptr};

MYSQL_SYSVAR_ENUM(unlogged_writes, unlogged_writes, PLUGIN_VAR_RQCMDARG,
                  "What happens when a loaded table is changed by a statement that does not log "
                  "rows in the binary log. MARK_STALE: the table is not queried in RAPID until it "
                  "has been loaded again in the background. ERROR: the statement fails.",
                  nullptr, nullptr, kMarkStale, &unlogged_writes_modes);

enum MlResourceMode : unsigned long { kExclusive, kShared };
const char* ml_resource_mode_names[] = {"EXCLUSIVE", "SHARED", nullptr};
TYPELIB ml_resource_modes = {2, "ml_resource_modes", ml_resource_mode_names, nullptr};

MYSQL_SYSVAR_ENUM(ml_resource_mode, ml_resource_mode, PLUGIN_VAR_RQCMDARG,
                  "EXCLUSIVE: queries wait while ML_TRAIN computes, and it has all cores. SHARED: "
                  "queries go on, and ML_TRAIN has half of the cores.",
                  nullptr, nullptr, kExclusive, &ml_resource_modes);
MYSQL_SYSVAR_ULONGLONG(ml_memory_limit, ml_memory_limit, PLUGIN_VAR_RQCMDARG,
                       "Bytes the process of one machine-learning operation may use; 0: half of "
                       "rapid_node_memory_limit, or of its default. An operation that needs more "
                       "fails with an error.",
                       nullptr, nullptr, 0, 0, ~0ULL, 0);

std::string TextOr(const char* value, const std::string& otherwise) {
  return value != nullptr && *value != '\0' ? std::string(value) : otherwise;
}

std::string InDataDirectory(const char* file) {
  std::error_code error;
  const std::filesystem::path directory = std::filesystem::absolute(mysql_real_data_home, error);
  return (directory / file).lexically_normal().string();
}

}  // namespace

SYS_VAR* kSystemVariables[] = {MYSQL_SYSVAR(node_command),       MYSQL_SYSVAR(node_socket),
                               MYSQL_SYSVAR(node_address),       MYSQL_SYSVAR(node_secret_file),
                               MYSQL_SYSVAR(node_log),           MYSQL_SYSVAR(node_memory_limit),
                               MYSQL_SYSVAR(node_nice),
                               MYSQL_SYSVAR(node_threads),       MYSQL_SYSVAR(node_max_restarts),
                               MYSQL_SYSVAR(query_memory_limit), MYSQL_SYSVAR(load_threads),
                               MYSQL_SYSVAR(max_join_pairs),     MYSQL_SYSVAR(ml_resource_mode),
                               MYSQL_SYSVAR(ml_memory_limit),    MYSQL_SYSVAR(freshness_timeout),
                               MYSQL_SYSVAR(unlogged_writes),    MYSQL_SYSVAR(checkpoint_folder),
                               MYSQL_SYSVAR(checkpoints),        nullptr};

NodeSettings NodeSettingsFromVariables() {
  NodeSettings settings;
  settings.local.command =
      TextOr(node_command, (std::filesystem::path(opt_plugin_dir) / "rapidd").string());
  settings.local.socket_path = TextOr(node_socket, InDataDirectory("rapidd.sock"));
  settings.local.log_file = TextOr(node_log, InDataDirectory("rapidd.log"));
  settings.local.checkpoint_folder =
      checkpoints ? TextOr(checkpoint_folder, InDataDirectory("rapid_checkpoints")) : "";
  settings.local.memory_limit_bytes =
      node_memory_limit == 0 ? 0 : std::max(node_memory_limit, kMinMemory);
  settings.local.num_threads = node_threads;
  settings.local.niceness = node_nice;
  settings.address = TextOr(node_address, "");
  settings.secret_file = TextOr(node_secret_file, "");
  settings.max_restarts = node_max_restarts;
  return settings;
}

uint64_t QueryMemoryLimit(THD* thd) { return THDVAR(thd, query_memory_limit); }
size_t LoadThreads(THD* thd) { return THDVAR(thd, load_threads); }
uint64_t MaxJoinPairs(THD* thd) { return THDVAR(thd, max_join_pairs); }

int FreshnessTimeoutMs(THD* thd) { return static_cast<int>(THDVAR(thd, freshness_timeout)); }
bool UnloggedWritesFail() { return unlogged_writes == kError; }

uint64_t MlMemoryLimit() {
  if (ml_memory_limit != 0) return ml_memory_limit;
  return Nodes().Info().value_or(wire::NodeInfo{}).memory_limit_bytes / 2;
}

bool MlIsExclusive() { return ml_resource_mode == kExclusive; }

uint32_t MlSharedThreads() {
  return std::max(1u, Nodes().Info().value_or(wire::NodeInfo{}).num_cores / 2);
}

}  // namespace sirocco::plugin
