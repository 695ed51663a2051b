#include "engine/storage/table.h"

#include "engine/storage/chunk.h"

namespace sirocco::engine {

ColumnInfo Snapshot::column_info(uint32_t column) const {
  const plan::ColumnStatistics& statistics = statistics_->columns[column];
  ColumnInfo info;
  info.type = schema_->columns[column].type;
  info.lane = lanes_[column];
  info.dictionary = dictionaries_[column].get();
  info.nullable = statistics.num_nulls != 0;
  info.num_distinct = statistics.num_distinct;
  if ((info.lane == Lane::kI64 || info.lane == Lane::kI128) && !statistics.min.is_null) {
    info.range = {.known = true, .min = statistics.min.integer, .max = statistics.max.integer};
  }
  return info;
}

SnapshotPtr Snapshot::WithVisibility(std::vector<std::shared_ptr<const VisibilityMap>> maps) const {
  auto copy = std::make_shared<Snapshot>(*this);
  auto statistics = std::make_shared<plan::TableStatistics>(*statistics_);
  statistics->num_rows = 0;
  for (size_t i = 0; i < chunks_.size(); ++i)
    statistics->num_rows += maps[i] != nullptr ? maps[i]->num_visible : chunks_[i]->num_rows();
  copy->statistics_ = std::move(statistics);
  copy->visibility_ = std::move(maps);
  return copy;
}

}  // namespace sirocco::engine
