#include "node/catalogue.h"

#include <algorithm>
#include <cstring>

#include "node/clock.h"
#include "node/log.h"
#include "node/table_changes.h"
#include "wire/auth.h"

namespace sirocco::node {

namespace {

uint64_t NewIdentity() {
  uint64_t identity;
  std::memcpy(&identity, wire::RandomBytes(sizeof(identity)).data(), sizeof(identity));
  return identity;
}

}  // namespace

Load::Load(uint64_t id, plan::TableSchema schema, std::shared_ptr<engine::MemoryPool> pool)
    : start_us(NowMicros()),
      id_(id),
      schema_(schema),
      pool_(pool),
      builder_(engine::TableBuilder::Create(std::move(schema), std::move(pool))) {}

std::unique_ptr<engine::TableBuilder::Writer> Load::OpenWriter(uint32_t order) {
  std::lock_guard lock(mutex_);
  if (finished_) return nullptr;
  ++open_writers_;
  return builder_->MakeWriter(order);
}

Result<engine::SnapshotPtr> Load::Finish(uint32_t num_threads) {
  std::lock_guard lock(mutex_);
  if (finished_) return MakeError(ErrorCode::kInvalidArgument, "the load is already finished");
  if (open_writers_ != 0)
    return MakeError(ErrorCode::kInvalidArgument,
                     std::to_string(open_writers_) + " writers of the load are not closed");
  finished_ = true;
  return builder_->Finish(num_threads);
}

std::shared_ptr<Load> Catalogue::BeginLoad(plan::TableSchema schema) {
  auto pool = NewTablePool(schema.schema_name + "." + schema.table_name);
  std::lock_guard lock(mutex_);
  const uint64_t id = next_id_++;
  return loads_[id] = std::make_shared<Load>(id, std::move(schema), std::move(pool));
}

Result<std::shared_ptr<Load>> Catalogue::FindLoad(uint64_t load_id) {
  std::lock_guard lock(mutex_);
  auto found = loads_.find(load_id);
  if (found == loads_.end())
    return MakeError(ErrorCode::kNotFound, "no load " + std::to_string(load_id));
  return found->second;
}

void Catalogue::AbortLoad(uint64_t load_id) {
  std::shared_ptr<Load> gone;  // destroyed outside the lock
  std::lock_guard lock(mutex_);
  if (auto found = loads_.find(load_id); found != loads_.end()) {
    gone = std::move(found->second);
    loads_.erase(found);
  }
}

Result<wire::LoadedTable> Catalogue::FinishLoad(uint64_t load_id, uint64_t position,
                                                std::string origin, uint32_t num_threads) {
  ASSIGN_OR_RETURN(std::shared_ptr<Load> load, FindLoad(load_id));
  Result<engine::SnapshotPtr> snapshot = load->Finish(num_threads);
  if (!snapshot) {
    AbortLoad(load_id);
    return std::unexpected(snapshot.error());
  }
  Entry entry;
  entry.info.schema = load->schema();
  entry.info.statistics = (*snapshot)->statistics();
  entry.info.position = position;
  entry.info.origin = std::move(origin);
  entry.info.load_start_us = load->start_us;
  entry.info.load_end_us = NowMicros();
  entry.identity = NewIdentity();
  entry.table = std::make_shared<engine::TableStore>(std::move(*snapshot), load->pool());
  std::lock_guard lock(mutex_);
  if (loads_.erase(load_id) == 0) return MakeError(ErrorCode::kCancelled, "the load was aborted");
  entry.info.id = next_id_++;
  wire::LoadedTable info = entry.info;
  tables_.emplace(info.id, std::move(entry));
  return info;
}

Result<void> Catalogue::DropTable(plan::TableId id) {
  Entry gone;  // destroyed outside the lock
  {
    std::lock_guard lock(mutex_);
    auto found = tables_.find(id);
    if (found == tables_.end())
      return MakeError(ErrorCode::kNotFound, "no table " + std::to_string(id));
    gone = std::move(found->second);
    tables_.erase(found);
  }
  if (on_gone_) on_gone_(gone.identity);
  return {};
}

std::shared_ptr<engine::MemoryPool> Catalogue::NewTablePool(const std::string& name) {
  return std::make_shared<engine::MemoryPool>("table " + name, engine::MemoryPool::kUnlimited,
                                              node_pool_);
}

void Catalogue::Restore(wire::LoadedTable info, engine::SnapshotPtr snapshot,
                        std::shared_ptr<engine::MemoryPool> pool, uint64_t identity) {
  Entry entry;
  entry.info = std::move(info);
  entry.info.query_count = entry.info.last_queried_us = 0;
  entry.identity = identity;
  entry.table = std::make_shared<engine::TableStore>(std::move(snapshot), std::move(pool));
  std::lock_guard lock(mutex_);
  entry.info.id = next_id_++;
  tables_.emplace(entry.info.id, std::move(entry));
}

std::vector<Catalogue::LiveTable> Catalogue::LiveTables() const {
  std::lock_guard lock(mutex_);
  std::vector<LiveTable> tables;
  for (const auto& [id, entry] : tables_)
    tables.push_back({id, entry.identity, entry.info.position, entry.table});
  return tables;
}

std::optional<Catalogue::PinnedTable> Catalogue::PinTable(plan::TableId id) {
  std::lock_guard lock(mutex_);
  auto found = tables_.find(id);
  if (found == tables_.end()) return std::nullopt;
  const Entry& entry = found->second;
  return PinnedTable{entry.info, entry.table, entry.table->Pin(), entry.table->version()};
}

std::vector<wire::LoadedTable> Catalogue::List() const {
  std::lock_guard lock(mutex_);
  std::vector<wire::LoadedTable> tables;
  for (const auto& [id, entry] : tables_) {
    tables.push_back(entry.info);
    tables.back().statistics = entry.table->Statistics();
  }
  return tables;
}

Result<std::map<plan::TableId, engine::SnapshotPtr>> Catalogue::SnapshotsForQuery(
    const std::set<plan::TableId>& tables) {
  struct Pinned {
    plan::TableId id;
    std::shared_ptr<engine::TableStore> table;
    std::shared_ptr<const engine::TableStore::View> view;
  };
  std::vector<Pinned> pinned;
  {
    std::lock_guard lock(mutex_);
    for (const plan::TableId id : tables) {
      auto found = tables_.find(id);
      if (found == tables_.end()) continue;
      ++found->second.info.query_count;
      found->second.info.last_queried_us = NowMicros();
      pinned.push_back({id, found->second.table, found->second.table->Pin()});
    }
  }
  std::map<plan::TableId, engine::SnapshotPtr> snapshots;
  for (const Pinned& one : pinned) {
    ASSIGN_OR_RETURN(snapshots[one.id], one.table->Open(*one.view));
  }
  return snapshots;
}

wire::Applied Catalogue::ApplyChanges(wire::Position position,
                                      std::span<const wire::ChangeBatch> batches,
                                      const std::set<plan::TableId>& lost) {
  std::lock_guard applying(apply_mutex_);
  struct Change {
    std::shared_ptr<engine::TableStore> table;  // null: nothing to do
    Result<void> result;
  };
  std::map<plan::TableId, Change> changes;
  auto change_of = [&](plan::TableId id) -> Change& {
    auto [found, is_new] = changes.try_emplace(id);
    if (!is_new) return found->second;
    std::lock_guard lock(mutex_);
    auto entry = tables_.find(id);
    if (entry == tables_.end()) {
      found->second.result = MakeError(ErrorCode::kNotFound, "the table is not loaded");
    } else if (entry->second.info.position < position) {
      found->second.table = entry->second.table;
    }
    return found->second;
  };
  for (const plan::TableId id : lost) {
    Change& change = change_of(id);
    if (change.table != nullptr)
      change.result = MakeError(ErrorCode::kOutOfMemory, "a transaction does not fit memory");
  }
  for (const wire::ChangeBatch& batch : batches) {
    for (const wire::ChangeSection& section : batch.sections) {
      Change& change = change_of(section.table);
      if (change.table == nullptr || !change.result) continue;
      change.result = ApplySection(section, change.table.get());
    }
  }
  for (auto& [id, change] : changes)
    if (change.table != nullptr && change.result) change.result = change.table->CheckKeys();

  wire::Applied applied;
  applied.position = position;
  std::vector<Entry> gone;  // destroyed outside the lock
  {
    std::lock_guard lock(mutex_);
    for (auto& [id, change] : changes)
      if (change.table != nullptr && change.result)
        change.result = CommitChanges(change.table.get());
    for (auto& [id, change] : changes) {
      if (change.result) continue;
      applied.failed.push_back({id, change.result.error().ToString()});
      if (auto found = tables_.find(id); found != tables_.end()) {
        gone.push_back(std::move(found->second));
        tables_.erase(found);
      }
    }
    // Only tables with changes in the batch: another one may have changes before this position that
    // are still to come (a load that has not caught up yet).
    for (const auto& [id, change] : changes)
      if (auto found = tables_.find(id); change.table != nullptr && found != tables_.end())
        found->second.info.position = position;
  }
  for (const Entry& entry : gone)
    if (on_gone_) on_gone_(entry.identity);
  for (const wire::FailedTable& failed : applied.failed)
    LogWarning("table " + std::to_string(failed.table) +
               " cannot follow its changes: " + failed.reason);
  return applied;
}

uint64_t Catalogue::table_bytes() const {
  std::lock_guard lock(mutex_);
  uint64_t bytes = 0;
  for (const auto& [id, entry] : tables_) bytes += entry.info.statistics.size_bytes;
  return bytes;
}

}  // namespace sirocco::node
