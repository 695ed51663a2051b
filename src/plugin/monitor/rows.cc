#include <algorithm>
#include <map>

#include "plugin/changes/tail.h"
#include "plugin/monitor/history.h"
#include "plugin/monitor/row_table.h"
#include "plugin/node/node_connection.h"
#include "plugin/registry.h"
#include "plugin/routines/ml_history.h"

namespace sirocco::plugin {
namespace {

MonitorValue Text(const std::string& text) {
  return text.empty() ? MonitorValue{} : MonitorValue{text};
}

// "host" and port of "host:port"; a Unix socket has neither a host nor a port.
std::pair<std::string, uint64_t> HostAndPort(const std::string& address) {
  if (address.starts_with("unix:")) return {"localhost", 0};
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return {address, 0};
  return {address.substr(0, colon), std::strtoull(address.c_str() + colon + 1, nullptr, 10)};
}

// "12:3456": number of the binary log file and offset.
std::string PositionText(wire::Position position) {
  return std::to_string(position >> wire::kPositionFileShift) + ":" +
         std::to_string(position & ((uint64_t{1} << wire::kPositionFileShift) - 1));
}

}  // namespace

std::vector<MonitorRow> NodeRows() {
  const auto info = Nodes().Info();
  const wire::NodeInfo node = info.value_or(wire::NodeInfo{});
  const auto [host, port] = HostAndPort(Nodes().address());
  const char* status = info                                         ? "AVAIL_RNSTATE"
                       : Nodes().state() == NodeSet::State::kFailed ? "DEAD_RNSTATE"
                       : Nodes().state() == NodeSet::State::kOnline ? "NOTAVAIL_RNSTATE"
                                                                    : "DOWN_RNSTATE";
  return {{uint64_t{0}, uint64_t{node.num_cores}, node.memory_used_bytes, node.memory_limit_bytes,
           node.table_bytes, std::string(status), host, port, Nodes().num_restarts(), uint64_t{0},
           uint64_t{0}, uint64_t{0},
           std::string(!info                ? "DOWN_MLSTATE"
                       : info->ml_available ? "AVAIL_MLSTATE"
                                            : "UNAVAIL_MLSTATE"),
           uint64_t{node.queries_running}, uint64_t{node.queries_queued},
           Text(info ? "" : Nodes().StateText())}};
}

std::vector<MonitorRow> TableRows() {
  std::map<std::pair<uint64_t, plan::TableId>, FollowedStatus> followed;
  for (const FollowedStatus& status : FollowedTables())
    followed[{status.node_epoch, status.node_table}] = status;
  const TailStatus tail = GetTailStatus();
  std::vector<MonitorRow> rows;
  for (const LoadedTable& table : Registry().Tables()) {
    const bool stale = table.state == TableState::kStale;
    const auto status = followed.find({table.node_epoch, table.node_table});
    const bool follows = status != followed.end();
    // A followed table stands where the stream stands.
    const wire::Position position =
        follows ? std::max(tail.applied, status->second.last_change) : 0;
    rows.push_back(
        {table.id,
         position,
         std::string(table.is_followed ? "TRANSACTIONAL" : "SNAPSHOT"),
         std::string(table.schema && !table.schema->primary_key.empty() ? "PrimaryKey" : "None"),
         table.num_rows,
         std::string(table.load_running && table.state != TableState::kInRecovery
                         ? TableStateName(TableState::kLoading)
                         : TableStateName(table.state)),
         table.load_progress,
         table.size_bytes,
         uint64_t{0},
         table.query_count,
         table.last_queried,
         table.load_start,
         table.load_end,
         std::string("MYSQL"),
         table.recovery_start,
         table.recovery_end,
         std::string(table.loaded_by_user ? "USER" : "SELF"),
         std::string(stale ? "RELOAD_REQUIRED" : "OK"),
         Text(table.reason),
         follows ? MonitorValue{PositionText(position)} : MonitorValue{},
         follows ? MonitorValue{tail.lag_seconds} : MonitorValue{},
         follows ? MonitorValue{status->second.last_change_time} : MonitorValue{}});
  }
  return rows;
}

std::vector<MonitorRow> TableIdRows() {
  std::vector<MonitorRow> rows;
  for (const LoadedTable& table : Registry().Tables())
    rows.push_back(
        {table.id, table.name.Text(), table.name.schema, table.name.table, MonitorValue{}});
  return rows;
}

std::vector<MonitorRow> ColumnRows() {
  std::vector<MonitorRow> rows;
  for (const LoadedTable& table : Registry().Tables()) {
    if (!table.schema || !table.statistics) continue;
    for (size_t i = 0; i < table.schema->columns.size() && i < table.statistics->columns.size();
         ++i) {
      const plan::ColumnSchema& column = table.schema->columns[i];
      const plan::ColumnStatistics& statistics = table.statistics->columns[i];
      rows.push_back({table.id, uint64_t{column.field_index},
                      static_cast<uint64_t>(statistics.num_distinct + 0.5), statistics.encoding,
                      column.placement_index == 0 ? MonitorValue{}
                                                  : MonitorValue{uint64_t{column.placement_index}},
                      statistics.dictionary_bytes, statistics.num_nulls, statistics.size_bytes});
    }
  }
  return rows;
}

std::vector<MonitorRow> ColumnIdRows() {
  std::vector<MonitorRow> rows;
  for (const LoadedTable& table : Registry().Tables()) {
    if (!table.schema) continue;
    for (const plan::ColumnSchema& column : table.schema->columns)
      rows.push_back({uint64_t{column.field_index}, table.id, column.name});
  }
  return rows;
}

std::vector<MonitorRow> QueryRows() {
  std::vector<MonitorRow> rows;
  for (const auto& record : History().Records())
    rows.push_back({record->connection_id, record->query_id, record->mysql_query_id, record->text,
                    ExecutionJson(*record), LogicalPlanJson(*record), PhysicalPlanJson(*record),
                    record->statement_id, Text(record->refusal)});
  for (const auto& record : TheMlHistory().Records())
    rows.push_back({record->connection_id(), record->query_id(), record->statement_id(),
                    record->text(), record->ExecutionJson(), std::string("{}"), std::string("{}"),
                    record->statement_id(), MonitorValue{}});
  return rows;
}

std::vector<MonitorRow> ExecutionRows() {
  std::vector<MonitorRow> rows;
  for (const auto& record : History().Records())
    if (record->refusal.empty())
      rows.push_back({record->query_id, uint64_t{0}, OperatorsJson(*record)});
  return rows;
}

}  // namespace sirocco::plugin
