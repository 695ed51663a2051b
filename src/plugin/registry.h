// The tables RAPID holds or is loading, and whether a query may use them. The one place that
// decides "this answer would be stale": a table is queried only in state kAvailable, and a change
// that does not reach the node by way of the binary log (changes/tail.h) takes it out of that state
// before the change can be seen by anybody.
//
// Life of an entry: BeginLoad (kLoading) -> FinishLoad (kAvailable, or kStale if something came in
// meanwhile) -> MarkStale (an unlogged write, a DDL statement, a failure) or MarkLost (the node went
// away) -> BeginLoad again, or Remove. A reload keeps the entry and its number; until it ends the old data stays as it
// was. Threads: every method from any thread. Entries handed out are copies.
#pragma once

#include <atomic>
#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "plan/node.h"
#include "plan/table_schema.h"

namespace sirocco::plugin {

struct TableName {
  std::string schema, table;

  auto operator<=>(const TableName&) const = default;
  std::string Text() const { return schema + "." + table; }
};

enum class TableState : uint8_t {
  kLoading = 1,  // first load running
  kAvailable,
  kStale,        // changed in InnoDB since it was loaded
  kInRecovery,   // the node was lost; waiting for its reload
  kUnavailable,  // the last load failed
};

// "AVAIL_RPDGSTABSTATE", as rpd_tables shows it.
const char* TableStateName(TableState state);

// A leaf partition of a partitioned table; `number` is the server's partition id.
struct LoadedPartition {
  uint32_t number = 0;
  std::string name;
  std::string parent;  // with subpartitions: the partition it belongs to
};

// What Remove took away; node_table 0: nothing on the node.
struct RemovedTable {
  plan::TableId node_table = 0;
  uint64_t node_epoch = 0;
};

using WallTime = std::chrono::system_clock::time_point;

struct LoadedTable {
  TableName name;
  uint64_t id = 0;               // ID of the rpd_* tables; stays over reloads
  plan::TableId node_table = 0;  // 0: nothing on the node
  uint64_t node_epoch = 0;       // the life of the node that `node_table` belongs to
  std::shared_ptr<const plan::TableSchema> schema;
  std::shared_ptr<const plan::TableStatistics> statistics;  // as of the load; may be null
  TableState state = TableState::kLoading;
  bool load_running = false;  // a load or reload
  std::string reason;         // why it cannot be queried
  uint64_t num_rows = 0, size_bytes = 0;
  double load_progress = 0;                 // per cent of the current or last load
  std::vector<LoadedPartition> partitions;  // loaded ones; empty if the table is not partitioned
  bool loaded_by_user = true;               // false: reloaded by the plugin
  bool is_followed = false;  // changes come by way of the binary log
  WallTime snapshot_time{};  // when writes began to be watched for the data of `node_table`
  WallTime load_start{}, load_end{}, recovery_start{}, recovery_end{}, last_queried{};
  uint64_t query_count = 0;
};

// Why a table went stale, with the time.
std::string StaleReason(const TableName& name, const std::string& cause);

class TableRegistry {
 public:
  // Registers a load. Error kAlreadyExists if one is running for the table.
  Result<void> BeginLoad(const TableName& name, bool by_user, bool recovery);
  // The load has its snapshot: from here on a write makes its result stale. Called before the lock
  // against writers is given up.
  void StartTracking(const TableName& name);
  void SetLoadProgress(const TableName& name, double percent);
  // Publishes the loaded data; returns the table on the node that it replaces (0: none). If a write
  // came in since StartTracking, the table is stale from the start.
  plan::TableId FinishLoad(const TableName& name, plan::TableId node_table, uint64_t node_epoch,
                           std::shared_ptr<const plan::TableSchema> schema,
                           std::shared_ptr<const plan::TableStatistics> statistics,
                           std::vector<LoadedPartition> partitions, bool is_followed);
  // Forgets a failed load: a first load leaves no entry, a reload leaves the old state.
  void AbortLoad(const TableName& name, const std::string& reason);

  // The table if a query may use it; else kNotFound, kStale or kUnavailable with the reason as
  // message.
  Result<LoadedTable> FindForQuery(const TableName& name) const;
  // The entry in whatever state; nullopt if there is none.
  std::optional<LoadedTable> Find(const TableName& name) const;
  // Removes the entry; kNotFound if there is none.
  Result<RemovedTable> Remove(const TableName& name);
  // Takes partitions (or all subpartitions of a partition) away from queries. False: none is left,
  // remove the table.
  Result<bool> RemovePartitions(const TableName& name, const std::vector<std::string>& partitions);
  void Rename(const TableName& from, const TableName& to);

  // Takes the table away from queries. A stale table stays stale with its first cause. A running
  // load will end stale. If `node_table` is not 0, only that data is stale: the published one, or
  // that of a load that is running.
  void MarkStale(const TableName& name, const std::string& cause, plan::TableId node_table = 0);
  // The node lost everything: all loaded tables become kInRecovery with no data.
  void MarkAllLost(const std::string& reason);
  void CountQuery(const TableName& name);

  std::vector<LoadedTable> Tables() const;  // ordered by name
  // Calls `visit` with each name, under the lock: no calls back.
  void ForEachName(const std::function<void(const TableName&)>& visit) const;
  // True if no table is loaded or loading; no lock.
  bool Empty() const { return num_tables_.load(std::memory_order_acquire) == 0; }
  // Progress of the load that started last, 100 if none is running.
  double CurrentLoadProgress() const;

 private:
  struct Entry {
    LoadedTable table;
    bool tracking = false;  // a running load has its snapshot
    WallTime tracking_since{};
    std::string changed_by;  // cause of the first write since then
  };

  mutable std::mutex mutex_;
  std::map<TableName, Entry> entries_;
  uint64_t next_id_ = 1;
  std::atomic<size_t> num_tables_{0};
};

// The plugin's registry.
TableRegistry& Registry();

}  // namespace sirocco::plugin
