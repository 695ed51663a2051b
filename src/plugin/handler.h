// The handler of RAPID: what the server sees of a loaded table. It reads no rows (a query runs on
// the node as a whole); it opens only tables that may be queried, gives the optimizer row counts,
// and passes loads on to load/.
#pragma once

#include "sql/handler.h"
#include "sql/partitioning/partition_handler.h"
#include "thr_lock.h"

namespace sirocco::plugin {

// Partition facts come from the primary engine; RAPID keeps all partitions in one table.
class PrimaryPartitions : public Partition_handler {
 public:
  explicit PrimaryPartitions(const handler* owner) : owner_(owner) {}

  void get_dynamic_partition_info(ha_statistics* statistics, ha_checksum* checksum,
                                  uint part_id) override;
  void set_part_info(partition_info*, bool) override {}
  enum row_type get_partition_row_type(const dd::Table*, uint) override {
    return ROW_TYPE_NOT_USED;
  }

 private:
  const handler* owner_;
};

class RapidHandler : public handler {
 public:
  RapidHandler(handlerton* engine, TABLE_SHARE* share)
      : handler(engine, share), partitions_(this) {}

  const char* table_type() const override { return "RAPID"; }
  Table_flags table_flags() const override {
    return HA_NO_INDEX_ACCESS | HA_GENERATED_COLUMNS | HA_SUPPORTS_DEFAULT_EXPRESSION;
  }
  ulong index_flags(uint index, uint part, bool all_parts) const override;
  Partition_handler* get_partition_handler() override { return &partitions_; }

  int create(const char*, TABLE*, HA_CREATE_INFO*, dd::Table*) override {
    return HA_ERR_WRONG_COMMAND;
  }
  // Fails with the reason if the table may not be queried.
  int open(const char* name, int mode, uint test_if_locked, const dd::Table* definition) override;
  int close() override { return 0; }
  int rnd_init(bool) override { return 0; }
  int rnd_next(uchar*) override { return HA_ERR_END_OF_FILE; }
  int rnd_pos(uchar*, uchar*) override { return HA_ERR_WRONG_COMMAND; }
  void position(const uchar*) override {}
  int info(uint flags) override;
  ha_rows records_in_range(uint index, key_range* min_key, key_range* max_key) override;

  // Queries are protected by metadata locks; there is nothing for thr_lock to do.
  uint lock_count() const override { return 0; }
  THR_LOCK_DATA** store_lock(THD*, THR_LOCK_DATA** to, thr_lock_type) override { return to; }

  int load_table(const TABLE& table, bool* skip_metadata_update) override;
  int unload_table(const char* schema, const char* table, bool error_if_not_loaded) override;

 private:
  PrimaryPartitions partitions_;
};

}  // namespace sirocco::plugin
