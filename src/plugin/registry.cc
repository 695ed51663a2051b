#include "plugin/registry.h"

#include <algorithm>
#include <ctime>

namespace sirocco::plugin {

const char* TableStateName(TableState state) {
  switch (state) {
    case TableState::kLoading:
      return "LOADING_RPDGSTABSTATE";
    case TableState::kAvailable:
      return "AVAIL_RPDGSTABSTATE";
    case TableState::kStale:
      return "STALE_RPDGSTABSTATE";
    case TableState::kInRecovery:
      return "INRECOVERY_RPDGSTABSTATE";
    case TableState::kUnavailable:
      return "UNAVAIL_RPDGSTABSTATE";
  }
  return "NOLOAD_RPDGSTABSTATE";
}

std::string StaleReason(const TableName& name, const std::string& cause) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char when[32];
  std::strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &local);
  return "table " + name.Text() + " is stale: " + cause + " at " + when +
         " since it was loaded; reload it with ALTER TABLE " + name.Text() + " SECONDARY_LOAD";
}

Result<void> TableRegistry::BeginLoad(const TableName& name, bool by_user, bool recovery) {
  std::lock_guard lock(mutex_);
  Entry& entry = entries_[name];
  LoadedTable& table = entry.table;
  if (table.load_running)
    return MakeError(ErrorCode::kAlreadyExists, "a load of table " + name.Text() + " is running");
  if (table.id == 0) {
    table.id = next_id_++;
    table.name = name;
    table.state = TableState::kLoading;
    table.reason = "table " + name.Text() + " is being loaded";
  }
  table.load_running = true;
  table.loaded_by_user = by_user;
  table.load_progress = 0;
  table.load_start = std::chrono::system_clock::now();
  table.load_end = {};
  if (recovery) table.recovery_start = table.load_start;
  entry.tracking = false;
  entry.changed_by.clear();
  num_tables_.store(entries_.size(), std::memory_order_release);
  return {};
}

void TableRegistry::StartTracking(const TableName& name) {
  std::lock_guard lock(mutex_);
  if (auto it = entries_.find(name); it != entries_.end()) {
    it->second.tracking = true;
    it->second.tracking_since = std::chrono::system_clock::now();
    it->second.changed_by.clear();
  }
}

void TableRegistry::SetLoadProgress(const TableName& name, double percent) {
  std::lock_guard lock(mutex_);
  if (auto it = entries_.find(name); it != entries_.end()) it->second.table.load_progress = percent;
}

plan::TableId TableRegistry::FinishLoad(const TableName& name, plan::TableId node_table,
                                        uint64_t node_epoch,
                                        std::shared_ptr<const plan::TableSchema> schema,
                                        std::shared_ptr<const plan::TableStatistics> statistics,
                                        std::vector<LoadedPartition> partitions,
                                        bool is_followed) {
  std::lock_guard lock(mutex_);
  auto it = entries_.find(name);
  // Dropped while it was loading: what was loaded is of no use.
  if (it == entries_.end()) return node_table;
  LoadedTable& table = it->second.table;
  const plan::TableId old = table.node_epoch == node_epoch ? table.node_table : 0;
  table.node_table = node_table;
  table.node_epoch = node_epoch;
  table.snapshot_time = it->second.tracking_since;
  table.schema = std::move(schema);
  table.statistics = std::move(statistics);
  if (table.statistics) {
    table.num_rows = table.statistics->num_rows;
    table.size_bytes = table.statistics->size_bytes;
  }
  table.partitions = std::move(partitions);
  table.is_followed = is_followed;
  table.load_running = false;
  table.load_progress = 100;
  table.load_end = std::chrono::system_clock::now();
  if (table.recovery_start == table.load_start) table.recovery_end = table.load_end;
  if (it->second.changed_by.empty()) {
    table.state = TableState::kAvailable;
    table.reason.clear();
  } else {
    table.state = TableState::kStale;
    table.reason = it->second.changed_by;
  }
  it->second.tracking = false;
  return old;
}

void TableRegistry::AbortLoad(const TableName& name, const std::string& reason) {
  std::lock_guard lock(mutex_);
  auto it = entries_.find(name);
  if (it == entries_.end()) return;
  LoadedTable& table = it->second.table;
  table.load_running = false;
  it->second.tracking = false;
  if (table.state == TableState::kLoading) {
    entries_.erase(it);
    num_tables_.store(entries_.size(), std::memory_order_release);
    return;
  }
  if (table.node_table != 0) table.load_progress = 100;  // the data of the load before
  if (table.state == TableState::kInRecovery)
    table.reason = "table " + name.Text() + " could not be loaded again: " + reason;
}

Result<LoadedTable> TableRegistry::FindForQuery(const TableName& name) const {
  std::lock_guard lock(mutex_);
  auto it = entries_.find(name);
  if (it == entries_.end())
    return MakeError(ErrorCode::kNotFound, "table " + name.Text() + " is not loaded in RAPID");
  const LoadedTable& table = it->second.table;
  switch (table.state) {
    case TableState::kAvailable:
      return table;
    case TableState::kStale:
      return MakeError(ErrorCode::kStale, table.reason);
    default:
      return MakeError(ErrorCode::kUnavailable, table.reason);
  }
}

std::optional<LoadedTable> TableRegistry::Find(const TableName& name) const {
  std::lock_guard lock(mutex_);
  auto it = entries_.find(name);
  if (it == entries_.end()) return std::nullopt;
  return it->second.table;
}

Result<RemovedTable> TableRegistry::Remove(const TableName& name) {
  std::lock_guard lock(mutex_);
  auto it = entries_.find(name);
  if (it == entries_.end())
    return MakeError(ErrorCode::kNotFound,
                     "Table " + name.Text() + " is not loaded in secondary engine.");
  const RemovedTable removed{it->second.table.node_table, it->second.table.node_epoch};
  entries_.erase(it);
  num_tables_.store(entries_.size(), std::memory_order_release);
  return removed;
}

Result<bool> TableRegistry::RemovePartitions(const TableName& name,
                                             const std::vector<std::string>& partitions) {
  std::lock_guard lock(mutex_);
  auto it = entries_.find(name);
  if (it == entries_.end())
    return MakeError(ErrorCode::kNotFound,
                     "Table " + name.Text() + " is not loaded in secondary engine.");
  std::vector<LoadedPartition>& loaded = it->second.table.partitions;
  std::erase_if(loaded, [&](const LoadedPartition& partition) {
    return std::any_of(partitions.begin(), partitions.end(), [&](const std::string& unloaded) {
      return unloaded == partition.name || unloaded == partition.parent;
    });
  });
  return !loaded.empty();
}

void TableRegistry::Rename(const TableName& from, const TableName& to) {
  std::lock_guard lock(mutex_);
  auto node = entries_.extract(from);
  if (node.empty()) return;
  node.key() = to;
  node.mapped().table.name = to;
  if (node.mapped().table.state == TableState::kStale)
    node.mapped().table.reason = StaleReason(to, "renamed");
  entries_.insert(std::move(node));
  num_tables_.store(entries_.size(), std::memory_order_release);
}

void TableRegistry::MarkStale(const TableName& name, const std::string& cause,
                              plan::TableId node_table) {
  std::lock_guard lock(mutex_);
  auto it = entries_.find(name);
  if (it == entries_.end()) return;
  Entry& entry = it->second;
  const bool is_published = node_table == entry.table.node_table;
  if ((node_table == 0 || !is_published) && entry.tracking && entry.changed_by.empty()) entry.changed_by = StaleReason(name, cause);
  if ((node_table == 0 || is_published) && entry.table.state == TableState::kAvailable) {
    entry.table.state = TableState::kStale;
    entry.table.reason = StaleReason(name, cause);
  }
}

void TableRegistry::MarkAllLost(const std::string& reason) {
  std::lock_guard lock(mutex_);
  for (auto& [name, entry] : entries_) {
    LoadedTable& table = entry.table;
    if (table.state == TableState::kLoading) continue;  // its load fails by itself
    table.node_table = 0;
    table.state = TableState::kInRecovery;
    table.reason = "table " + name.Text() + " is being recovered: " + reason;
  }
}

void TableRegistry::CountQuery(const TableName& name) {
  std::lock_guard lock(mutex_);
  if (auto it = entries_.find(name); it != entries_.end()) {
    ++it->second.table.query_count;
    it->second.table.last_queried = std::chrono::system_clock::now();
  }
}

std::vector<LoadedTable> TableRegistry::Tables() const {
  std::lock_guard lock(mutex_);
  std::vector<LoadedTable> tables;
  tables.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) tables.push_back(entry.table);
  return tables;
}

void TableRegistry::ForEachName(const std::function<void(const TableName&)>& visit) const {
  std::lock_guard lock(mutex_);
  for (const auto& [name, entry] : entries_) visit(name);
}

double TableRegistry::CurrentLoadProgress() const {
  std::lock_guard lock(mutex_);
  const LoadedTable* newest = nullptr;
  for (const auto& [name, entry] : entries_)
    if (entry.table.load_running && (!newest || entry.table.load_start > newest->load_start))
      newest = &entry.table;
  return newest ? newest->load_progress : 100;
}

TableRegistry& Registry() {
  static TableRegistry registry;
  return registry;
}

}  // namespace sirocco::plugin
