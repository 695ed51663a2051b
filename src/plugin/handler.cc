#include "plugin/handler.h"

#include "my_sys.h"
#include "mysqld_error.h"
#include "plugin/load/loader.h"
#include "plugin/registry.h"
#include "plugin/statement.h"
#include "sql/current_thd.h"
#include "sql/sql_class.h"
#include "sql/table.h"

namespace sirocco::plugin {

void PrimaryPartitions::get_dynamic_partition_info(ha_statistics* statistics, ha_checksum* checksum,
                                                   uint part_id) {
  handler* primary = owner_->ha_get_primary_handler();
  if (primary == nullptr || primary->get_partition_handler() == nullptr) return;
  primary->get_partition_handler()->get_dynamic_partition_info(statistics, checksum, part_id);
}

ulong RapidHandler::index_flags(uint index, uint part, bool all_parts) const {
  // Indexes only serve the optimizer's range estimates.
  const handler* primary = ha_get_primary_handler();
  const ulong flags = primary == nullptr ? 0 : primary->index_flags(index, part, all_parts);
  return flags & (HA_READ_RANGE | HA_KEY_SCAN_NOT_ROR);
}

int RapidHandler::open(const char*, int, uint, const dd::Table*) {
  const TableName name{table_share->db.str, table_share->table_name.str};
  if (auto table = Registry().FindForQuery(name); !table) {
    Refuse(current_thd, table.error().message);
    return HA_ERR_GENERIC;
  }
  return 0;
}

int RapidHandler::info(uint flags) {
  handler* primary = ha_get_primary_handler();
  const int error = primary->info(flags);
  if (error == 0) {
    stats.records = primary->stats.records;
    stats.mean_rec_length = primary->stats.mean_rec_length;
    stats.data_file_length = primary->stats.data_file_length;
    stats.block_size = primary->stats.block_size;
  }
  return error;
}

ha_rows RapidHandler::records_in_range(uint index, key_range* min_key, key_range* max_key) {
  return ha_get_primary_handler()->records_in_range(index, min_key, max_key);
}

int RapidHandler::load_table(const TABLE& table, bool* skip_metadata_update) {
  THD* thd = current_thd;
  if (auto loaded = LoadTable(thd, const_cast<TABLE*>(&table), skip_metadata_update); !loaded) {
    if (!thd->is_error()) RaiseError(loaded.error(), ER_SECONDARY_ENGINE_PLUGIN);
    return HA_ERR_GENERIC;
  }
  return 0;
}

int RapidHandler::unload_table(const char* schema, const char* table, bool error_if_not_loaded) {
  if (auto unloaded = UnloadTable(current_thd, {schema, table}); !unloaded && error_if_not_loaded) {
    my_error(ER_SECONDARY_ENGINE_PLUGIN, MYF(0), unloaded.error().message.c_str());
    return HA_ERR_GENERIC;
  }
  return 0;
}

}  // namespace sirocco::plugin
