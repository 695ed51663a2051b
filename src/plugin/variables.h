// System variables of the plugin (rapid_*). docs: the user guide; each changes something real.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "plugin/node/node_connection.h"

class THD;
struct SYS_VAR;

namespace sirocco::plugin {

// For the plugin's declaration.
extern SYS_VAR* kSystemVariables[];

// The settings of the node, from the variables and the server's data directory. Valid after the
// server has set the variables, that is from plugin init on.
NodeSettings NodeSettingsFromVariables();
// Bytes one query of the session may use; 0: the node's default.
uint64_t QueryMemoryLimit(THD* thd);
// Scanning threads of a load; 0: innodb_parallel_read_threads.
size_t LoadThreads(THD* thd);
// Join pairs the server may look at before it simplifies the join graph of an offloaded statement.
uint64_t MaxJoinPairs(THD* thd);
// How long a statement waits for changes that were committed before it.
int FreshnessTimeoutMs(THD* thd);
// rapid_unlogged_writes: changes of loaded tables that are not in the binary log fail.
bool UnloggedWritesFail();
// Bytes the worker process of one machine-learning operation may use; 0: no limit.
uint64_t MlMemoryLimit();
// rapid_ml_resource_mode: whether queries wait while a model is trained.
bool MlIsExclusive();
// Threads of a training that shares the cores with queries.
uint32_t MlSharedThreads();

}  // namespace sirocco::plugin
