#include "plugin/changes/adoption.h"

#include <functional>
#include <map>
#include <mutex>

#include "plugin/changes/binlog_file.h"
#include "plugin/changes/run_record.h"
#include "plugin/changes/tail.h"
#include "plugin/node/node_connection.h"
#include "plugin/server_log.h"
#include "sql/sql_class.h"

namespace sirocco::plugin {
namespace {

// How long the stream may take to apply what is in the log when a table is opened again.
constexpr int kDrainMs = 10000;

std::mutex mutex;
std::map<TableName, LoadedData> known;
// Tables that the node had when it was connected to; those that were adopted are taken out.
uint64_t leftover_epoch = 0;
std::map<plan::TableId, wire::LoadedTable> leftovers;

std::optional<LoadedData> KnownData(const TableName& name) {
  std::lock_guard lock(mutex);
  const auto found = known.find(name);
  if (found == known.end()) return std::nullopt;
  return found->second;
}

// The table of the node with that origin, if there is one from before.
std::optional<wire::LoadedTable> FindLeftover(const std::string& origin, uint64_t* epoch) {
  std::lock_guard lock(mutex);
  *epoch = leftover_epoch;
  for (const auto& [id, table] : leftovers)
    if (table.origin == origin && table.position != 0) return table;
  return std::nullopt;
}

// Why the data that has been followed all the time cannot be used; empty: it can.
std::string WhyNotKept(const TableName& name, const LoadedData& data, const std::string& origin) {
  if (IsUnlogged(name)) return "it was marked stale";
  if (data.origin != origin) return "the table's storage or definition has changed";
  if (!IsFollowed(data.node_table, data.node_epoch)) return "it was not followed";
  return {};
}

struct Publication {
  plan::TableId node_table = 0;
  uint64_t node_epoch = 0;
  wire::Position start = 0;
  bool is_resumed = false;
  std::shared_ptr<const plan::TableStatistics> statistics;
};

Result<void> Publish(THD* thd, const TableName& name, const TableDefinition& definition,
                     Publication data, const std::function<void()>& release_lock) {
  const FileHold hold(FindLogFile(FileNumberOf(data.start)).value_or(LogFile{}));
  Registry().StartTracking(name);
  release_lock();
  FollowedTable followed{.names = {{name}},
                         .node_table = data.node_table,
                         .node_epoch = data.node_epoch,
                         .schema = definition.schema,
                         .layout = definition.layout,
                         .start = data.start,
                         .is_resumed = data.is_resumed};
  RETURN_IF_ERROR(
      Follow(std::move(followed), [thd] { return thd->killed.load() != THD::NOT_KILLED; }));
  RememberData(name, {data.node_table, data.node_epoch, definition.origin});
  Registry().FinishLoad(name, data.node_table, data.node_epoch, definition.schema,
                        std::move(data.statistics), definition.partitions, /*is_followed=*/true);
  return {};
}

}  // namespace

void RememberData(const TableName& name, LoadedData data) {
  std::lock_guard lock(mutex);
  known[name] = std::move(data);
}

void ForgetData(const TableName& name) {
  std::lock_guard lock(mutex);
  known.erase(name);
}

void RenameData(const TableName& from, const TableName& to) {
  std::lock_guard lock(mutex);
  auto node = known.extract(from);
  if (node.empty()) return;
  node.key() = to;
  known.erase(to);
  known.insert(std::move(node));
}

void NoteNodeTables(uint64_t epoch, const std::vector<wire::LoadedTable>& tables) {
  std::lock_guard lock(mutex);
  leftover_epoch = epoch;
  leftovers.clear();
  for (const wire::LoadedTable& table : tables) leftovers.emplace(table.id, table);
}

Result<bool> Adopt(THD* thd, const TableName& name, const TableDefinition& definition,
                   const std::function<void()>& release_lock) {
  if (!BinaryLogIsOpen()) return false;
  const auto killed = [thd] { return thd->killed.load() != THD::NOT_KILLED; };

  // Data of this table that has been followed all the time.
  const auto data = KnownData(name);
  const auto entry = Registry().Find(name);
  if (data && entry && entry->node_table == data->node_table) {
    const std::string doubt = WhyNotKept(name, *data, definition.origin);
    if (doubt.empty() && WaitUntilFresh(kDrainMs, killed)) {
      // Nobody writes the table now: it stands at the end of the log, and joins from there with
      // the names and defaults it has now.
      const wire::Position end = CurrentLogEnd().position;
      Unfollow(data->node_table, data->node_epoch);
      RETURN_IF_ERROR(Publish(thd, name, definition,
                              {.node_table = data->node_table,
                               .node_epoch = data->node_epoch,
                               .start = end,
                               .statistics = entry->statistics},
                              release_lock));
      LogNote("table " + name.Text() + " keeps its data in RAPID");
      return true;
    }
    LogNote("table " + name.Text() + " does not keep its data in RAPID: " + doubt);
  }

  uint64_t epoch = 0;
  const auto leftover = FindLeftover(definition.origin, &epoch);
  if (!leftover) return false;
  const auto refuse = [&](const std::string& reason) {
    LogNote("data of table " + name.Text() + " in RAPID is not used again: " + reason);
    return false;
  };
  if (const std::string doubt = WhyNotResume(name, leftover->position); !doubt.empty())
    return refuse(doubt);
  auto published =
      Publish(thd, name, definition,
              {.node_table = leftover->id,
               .node_epoch = epoch,
               .start = leftover->position,
               .is_resumed = true,
               .statistics = std::make_shared<const plan::TableStatistics>(leftover->statistics)},
              release_lock);
  if (!published) return refuse(published.error().message);
  {
    std::lock_guard lock(mutex);
    leftovers.erase(leftover->id);
  }
  LogNote("table " + name.Text() + " is used again from the node's data at " +
          std::to_string(FileNumberOf(leftover->position)) + ":" +
          std::to_string(OffsetOf(leftover->position)));
  return true;
}

void DropUnusedData() {
  std::map<plan::TableId, wire::LoadedTable> unused;
  uint64_t epoch = 0;
  {
    std::lock_guard lock(mutex);
    unused.swap(leftovers);
    epoch = leftover_epoch;
  }
  if (unused.empty()) return;
  auto client = Nodes().Acquire(epoch);
  if (!client) return;
  for (const auto& [id, table] : unused) (void)(*client)->DropTable(id);
}

}  // namespace sirocco::plugin
