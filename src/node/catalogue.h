// The tables a node holds, and the loads under way.
//
// A load builds a table outside the catalogue; FinishLoad publishes it under a new TableId, so a
// reload never touches the version that running queries use. A table's memory is charged to a pool
// of its own below the node's pool and returns when the last snapshot dies.
//
// Changes of several tables become visible together: a query's snapshots and a commit exclude each
// other. Threads: every method from any thread.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "common/error.h"
#include "engine/memory/memory_pool.h"
#include "engine/storage/table_builder.h"
#include "engine/storage/table_store.h"
#include "wire/changes.h"
#include "wire/messages.h"

namespace sirocco::node {

// One load under way. The builder is used by several sessions (its writers), Finish by one.
class Load {
 public:
  Load(uint64_t id, plan::TableSchema schema, std::shared_ptr<engine::MemoryPool> pool);

  uint64_t id() const { return id_; }
  const plan::TableSchema& schema() const { return schema_; }
  const std::shared_ptr<engine::MemoryPool>& pool() const { return pool_; }
  std::unique_ptr<engine::TableBuilder::Writer> OpenWriter(uint32_t order);
  void WriterClosed() { --open_writers_; }
  // Fails while a writer is open, or when a writer was lost without Close.
  Result<engine::SnapshotPtr> Finish(uint32_t num_threads);

  const uint64_t start_us;

 private:
  uint64_t id_;
  plan::TableSchema schema_;
  std::shared_ptr<engine::MemoryPool> pool_;
  std::unique_ptr<engine::TableBuilder> builder_;
  std::mutex mutex_;
  bool finished_ = false;
  std::atomic<int> open_writers_{0};
};

class Catalogue {
 public:
  explicit Catalogue(engine::MemoryPool* node_pool) : node_pool_(node_pool) {}

  std::shared_ptr<Load> BeginLoad(plan::TableSchema schema);
  Result<std::shared_ptr<Load>> FindLoad(uint64_t load_id);
  // Forgets the load; its memory returns when the last session lets go of it.
  void AbortLoad(uint64_t load_id);
  // `position` and `origin`: see wire::LoadedTable.
  Result<wire::LoadedTable> FinishLoad(uint64_t load_id, uint64_t position, std::string origin,
                                       uint32_t num_threads);

  Result<void> DropTable(plan::TableId id);
  std::vector<wire::LoadedTable> List() const;

  // For background work. A table keeps its identity over restarts; `on_gone` is told it when the
  // table leaves (from any thread, before the caller that made it leave goes on).
  struct LiveTable {
    plan::TableId id = 0;
    uint64_t identity = 0;
    uint64_t position = 0;
    std::shared_ptr<engine::TableStore> store;
  };
  struct PinnedTable {
    wire::LoadedTable info;  // position as of the view
    std::shared_ptr<engine::TableStore> store;
    std::shared_ptr<const engine::TableStore::View> view;
    uint64_t version = 0;
  };
  std::vector<LiveTable> LiveTables() const;
  std::optional<PinnedTable> PinTable(plan::TableId id);
  std::shared_ptr<engine::MemoryPool> NewTablePool(const std::string& name);
  // Adds a table that came from elsewhere than a load, under a new id.
  void Restore(wire::LoadedTable info, engine::SnapshotPtr snapshot,
               std::shared_ptr<engine::MemoryPool> pool, uint64_t identity);
  void set_on_gone(std::function<void(uint64_t identity)> on_gone) {
    on_gone_ = std::move(on_gone);
  }
  // The current snapshots, of one moment, counted as a use by a query; a table that is not there
  // has none. kOutOfMemory: recent rows could not be encoded.
  Result<std::map<plan::TableId, engine::SnapshotPtr>> SnapshotsForQuery(
      const std::set<plan::TableId>& tables);
  // Applies a transaction (or several) in order; all of it becomes visible at once. All tables
  // stand at `position` afterwards. Those that already did, or are farther, skip their changes.
  // Tables that cannot follow, and those of `lost`, leave the catalogue.
  wire::Applied ApplyChanges(wire::Position position, std::span<const wire::ChangeBatch> batches,
                             const std::set<plan::TableId>& lost);
  uint64_t table_bytes() const;

 private:
  struct Entry {
    wire::LoadedTable info;
    uint64_t identity = 0;
    std::shared_ptr<engine::TableStore> table;
  };
  engine::MemoryPool* node_pool_;
  std::function<void(uint64_t)> on_gone_;
  std::mutex apply_mutex_;  // one ApplyChanges at a time; before mutex_
  mutable std::mutex mutex_;
  uint64_t next_id_ = 1;  // of tables and loads
  std::map<uint64_t, std::shared_ptr<Load>> loads_;
  std::map<plan::TableId, Entry> tables_;
};

}  // namespace sirocco::node
