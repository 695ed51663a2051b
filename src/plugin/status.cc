#include "plugin/status.h"

#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "mysql/plugin.h"
#include "mysql/status_var.h"
#include "plugin/changes/tail.h"
#include "plugin/monitor/history.h"
#include "plugin/node/node_connection.h"
#include "plugin/registry.h"
#include "plugin/routines/routines.h"

namespace sirocco::plugin {
namespace {

int Text(SHOW_VAR* variable, char* buffer, const char* text) {
  variable->type = SHOW_CHAR;
  variable->value = buffer;
  std::snprintf(buffer, SHOW_VAR_FUNC_BUFF_SIZE, "%s", text);
  return 0;
}

int Number(SHOW_VAR* variable, char* buffer, uint64_t value) {
  variable->type = SHOW_LONGLONG;
  variable->value = buffer;
  const auto number = static_cast<long long>(value);
  std::memcpy(buffer, &number, sizeof(number));
  return 0;
}

wire::NodeInfo Info() { return Nodes().Info().value_or(wire::NodeInfo{}); }

int PluginBootstrapped(THD*, SHOW_VAR* variable, char* buffer) {
  return Text(variable, buffer, "YES");
}
int ClusterStatus(THD*, SHOW_VAR* variable, char* buffer) {
  return Text(variable, buffer, Nodes().Available() ? "ON" : "OFF");
}
int ServiceStatus(THD*, SHOW_VAR* variable, char* buffer) {
  return Text(variable, buffer, Nodes().Available() ? "ONLINE" : "OFFLINE");
}
int ChangePropagation(THD*, SHOW_VAR* variable, char* buffer) {
  return Text(variable, buffer, GetTailStatus().is_running ? "ON" : "OFF");
}
// The binary log has been followed without a gap since then (local time).
int NoGapsSince(THD*, SHOW_VAR* variable, char* buffer) {
  const TailStatus status = GetTailStatus();
  if (!status.is_running) return Text(variable, buffer, "");
  const std::time_t since = std::chrono::system_clock::to_time_t(status.no_gaps_since);
  std::tm local{};
  localtime_r(&since, &local);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
  return Text(variable, buffer, text);
}
int ChangeGaps(THD*, SHOW_VAR* variable, char* buffer) {
  return Number(variable, buffer, GetTailStatus().num_gaps);
}
int ChangeTransactions(THD*, SHOW_VAR* variable, char* buffer) {
  return Number(variable, buffer, GetTailStatus().num_transactions);
}
int ChangeRows(THD*, SHOW_VAR* variable, char* buffer) {
  return Number(variable, buffer, GetTailStatus().num_rows);
}
int ChangeBatches(THD*, SHOW_VAR* variable, char* buffer) {
  return Number(variable, buffer, GetTailStatus().num_batches);
}
int ChangeDelayMedian(THD*, SHOW_VAR* variable, char* buffer) {
  return Number(variable, buffer, GetTailStatus().median_delay_us);
}
int ChangeDelayHigh(THD*, SHOW_VAR* variable, char* buffer) {
  return Number(variable, buffer, GetTailStatus().high_delay_us);
}
int ChangeLag(THD*, SHOW_VAR* variable, char* buffer) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.6f", GetTailStatus().lag_seconds);
  return Text(variable, buffer, text);
}
int CoreCount(THD*, SHOW_VAR* variable, char* buffer) {
  return Number(variable, buffer, Info().num_cores);
}
int HeapUsage(THD*, SHOW_VAR* variable, char* buffer) {
  return Number(variable, buffer, Info().memory_used_bytes);
}
int LoadProgress(THD*, SHOW_VAR* variable, char* buffer) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.6f", Registry().CurrentLoadProgress());
  return Text(variable, buffer, text);
}
int OffloadCount(THD*, SHOW_VAR* variable, char* buffer) {
  return Number(variable, buffer, History().num_offloaded());
}
int NonOffloadCount(THD*, SHOW_VAR* variable, char* buffer) {
  return Number(variable, buffer, History().num_refused());
}
int DataScanned(THD*, SHOW_VAR* variable, char* buffer) {
  return Number(variable, buffer, History().bytes_scanned() >> 20);
}
int MlStatus(THD*, SHOW_VAR* variable, char* buffer) {
  return Text(variable, buffer, RoutinesInstalled() && Info().ml_available ? "ON" : "OFF");
}
int MlRunning(THD*, SHOW_VAR* variable, char* buffer) {
  return Number(variable, buffer, Info().ml_running);
}
int MlQueued(THD*, SHOW_VAR* variable, char* buffer) {
  return Number(variable, buffer, Info().ml_queued);
}
int NodeRestarts(THD*, SHOW_VAR* variable, char* buffer) {
  return Number(variable, buffer, Nodes().num_restarts());
}
int NodePid(THD*, SHOW_VAR* variable, char* buffer) {
  return Number(variable, buffer, static_cast<uint64_t>(Nodes().pid()));
}

}  // namespace

#define SIROCCO_STATUS(name, function) \
  { name, reinterpret_cast<char*>(&function), SHOW_FUNC, SHOW_SCOPE_GLOBAL }
SHOW_VAR kStatusVariables[] = {
    SIROCCO_STATUS("hw_data_scanned", DataScanned),
    SIROCCO_STATUS("rapid_change_batches", ChangeBatches),
    SIROCCO_STATUS("rapid_change_delay_p50_us", ChangeDelayMedian),
    SIROCCO_STATUS("rapid_change_delay_p99_us", ChangeDelayHigh),
    SIROCCO_STATUS("rapid_change_gaps", ChangeGaps),
    SIROCCO_STATUS("rapid_change_lag_seconds", ChangeLag),
    SIROCCO_STATUS("rapid_change_no_gaps_since", NoGapsSince),
    SIROCCO_STATUS("rapid_change_propagation_status", ChangePropagation),
    SIROCCO_STATUS("rapid_change_rows", ChangeRows),
    SIROCCO_STATUS("rapid_change_transactions", ChangeTransactions),
    SIROCCO_STATUS("rapid_cluster_status", ClusterStatus),
    SIROCCO_STATUS("rapid_core_count", CoreCount),
    SIROCCO_STATUS("rapid_heap_usage", HeapUsage),
    SIROCCO_STATUS("rapid_load_progress", LoadProgress),
    SIROCCO_STATUS("rapid_ml_operation_count", MlRunning),
    SIROCCO_STATUS("rapid_ml_operations_queued", MlQueued),
    SIROCCO_STATUS("rapid_ml_status", MlStatus),
    SIROCCO_STATUS("rapid_node_pid", NodePid),
    SIROCCO_STATUS("rapid_node_restarts", NodeRestarts),
    SIROCCO_STATUS("rapid_plugin_bootstrapped", PluginBootstrapped),
    SIROCCO_STATUS("rapid_query_nonoffload_count", NonOffloadCount),
    SIROCCO_STATUS("rapid_query_offload_count", OffloadCount),
    SIROCCO_STATUS("rapid_service_status", ServiceStatus),
    {nullptr, nullptr, SHOW_UNDEF, SHOW_SCOPE_UNDEF},
};
#undef SIROCCO_STATUS

}  // namespace sirocco::plugin
