#include "node/catalogue.h"

#include "node/clock.h"

namespace sirocco::node {

Load::Load(uint64_t id, plan::TableSchema schema, std::shared_ptr<engine::MemoryPool> pool)
    : start_us(NowMicros()),
      id_(id),
      schema_(schema),
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
  auto pool =
      std::make_shared<engine::MemoryPool>("table " + schema.schema_name + "." + schema.table_name,
                                           engine::MemoryPool::kUnlimited, node_pool_);
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
  entry.table = std::make_unique<engine::Table>(std::move(*snapshot));
  std::lock_guard lock(mutex_);
  if (loads_.erase(load_id) == 0) return MakeError(ErrorCode::kCancelled, "the load was aborted");
  entry.info.id = next_id_++;
  wire::LoadedTable info = entry.info;
  tables_.emplace(info.id, std::move(entry));
  return info;
}

Result<void> Catalogue::DropTable(plan::TableId id) {
  std::unique_ptr<engine::Table> gone;
  std::lock_guard lock(mutex_);
  auto found = tables_.find(id);
  if (found == tables_.end())
    return MakeError(ErrorCode::kNotFound, "no table " + std::to_string(id));
  gone = std::move(found->second.table);
  tables_.erase(found);
  return {};
}

std::vector<wire::LoadedTable> Catalogue::List() const {
  std::lock_guard lock(mutex_);
  std::vector<wire::LoadedTable> tables;
  for (const auto& [id, entry] : tables_) tables.push_back(entry.info);
  return tables;
}

engine::SnapshotPtr Catalogue::SnapshotForQuery(plan::TableId id) {
  std::lock_guard lock(mutex_);
  auto found = tables_.find(id);
  if (found == tables_.end()) return nullptr;
  ++found->second.info.query_count;
  found->second.info.last_queried_us = NowMicros();
  return found->second.table->CurrentSnapshot();
}

uint64_t Catalogue::table_bytes() const {
  std::lock_guard lock(mutex_);
  uint64_t bytes = 0;
  for (const auto& [id, entry] : tables_) bytes += entry.info.statistics.size_bytes;
  return bytes;
}

}  // namespace sirocco::node
