#include "plugin/monitor/tables.h"

#include <array>
#include <cstring>
#include <utility>

#include "mysql/components/services/pfs_plugin_table_service.h"
#include "mysql/components/services/registry.h"
#include "mysql/plugin.h"
#include "mysql/service_plugin_registry.h"
#include "plugin/monitor/row_table.h"
#include "sql/field.h"

namespace sirocco::plugin {
namespace {

constexpr std::array kTables = {
    MonitorTable{
        "rpd_nodes",
        "ID BIGINT UNSIGNED NOT NULL, CORES BIGINT UNSIGNED NOT NULL, MEMORY_USAGE BIGINT UNSIGNED "
        "NOT NULL, "
        "MEMORY_TOTAL BIGINT UNSIGNED NOT NULL, BASEREL_MEMORY_USAGE BIGINT UNSIGNED NOT NULL, "
        "STATUS VARCHAR(32) NOT NULL, IP VARCHAR(255) NOT NULL, PORT BIGINT UNSIGNED NOT NULL, "
        "CLUSTER_EVENT_NUM BIGINT UNSIGNED NOT NULL, NUM_OBJSTORE_GETS BIGINT UNSIGNED NOT NULL, "
        "NUM_OBJSTORE_PUTS BIGINT UNSIGNED NOT NULL, NUM_OBJSTORE_DELETES BIGINT UNSIGNED NOT "
        "NULL, "
        "ML_STATUS VARCHAR(32) NOT NULL, QUERIES_RUNNING BIGINT UNSIGNED NOT NULL, "
        "QUERIES_QUEUED BIGINT UNSIGNED NOT NULL, REASON VARCHAR(1024)",
        NodeRows},
    MonitorTable{
        "rpd_tables",
        "ID BIGINT UNSIGNED NOT NULL, SNAPSHOT_SCN BIGINT UNSIGNED NOT NULL, POOL_TYPE "
        "VARCHAR(32) NOT NULL, DATA_PLACEMENT_TYPE "
        "VARCHAR(32) NOT NULL, "
        "NROWS BIGINT UNSIGNED NOT NULL, LOAD_STATUS VARCHAR(32) NOT NULL, LOAD_PROGRESS DOUBLE "
        "NOT NULL, "
        "SIZE_BYTES BIGINT UNSIGNED NOT NULL, TRANSFORMATION_BYTES BIGINT UNSIGNED NOT NULL, "
        "QUERY_COUNT BIGINT UNSIGNED NOT NULL, LAST_QUERIED TIMESTAMP(6) NULL, "
        "LOAD_START_TIMESTAMP TIMESTAMP(6) NULL, LOAD_END_TIMESTAMP TIMESTAMP(6) NULL, "
        "RECOVERY_SOURCE VARCHAR(32) NOT NULL, RECOVERY_START_TIMESTAMP TIMESTAMP(6) NULL, "
        "RECOVERY_END_TIMESTAMP TIMESTAMP(6) NULL, LOAD_TYPE VARCHAR(32) NOT NULL, "
        "STALE_REASON VARCHAR(64) NOT NULL, REASON VARCHAR(1024), CHANGE_POSITION VARCHAR(64), "
        "CHANGE_LAG_SECONDS DOUBLE, LAST_CHANGE TIMESTAMP(6) NULL",
        TableRows},
    MonitorTable{"rpd_table_id",
                 "ID BIGINT UNSIGNED NOT NULL, NAME VARCHAR(129) NOT NULL, SCHEMA_NAME VARCHAR(64) "
                 "NOT NULL, "
                 "TABLE_NAME VARCHAR(64) NOT NULL, MATERIALIZATION_QUERY LONGTEXT",
                 TableIdRows},
    MonitorTable{"rpd_columns",
                 "TABLE_ID BIGINT UNSIGNED NOT NULL, COLUMN_ID BIGINT UNSIGNED NOT NULL, NDV "
                 "BIGINT UNSIGNED NOT NULL, "
                 "ENCODING VARCHAR(64) NOT NULL, DATA_PLACEMENT_INDEX BIGINT UNSIGNED, "
                 "DICT_SIZE_BYTES BIGINT UNSIGNED NOT NULL, NULL_COUNT BIGINT UNSIGNED NOT NULL, "
                 "SIZE_BYTES BIGINT UNSIGNED NOT NULL",
                 ColumnRows},
    MonitorTable{"rpd_column_id",
                 "ID BIGINT UNSIGNED NOT NULL, TABLE_ID BIGINT UNSIGNED NOT NULL, COLUMN_NAME "
                 "VARCHAR(64) NOT NULL",
                 ColumnIdRows},
    MonitorTable{"rpd_query_stats",
                 "CONNECTION_ID BIGINT UNSIGNED NOT NULL, QUERY_ID BIGINT UNSIGNED NOT NULL, "
                 "MYSQL_QUERY_ID BIGINT UNSIGNED NOT NULL, QUERY_TEXT LONGTEXT NOT NULL, "
                 "QEXEC_TEXT LONGTEXT NOT NULL, "
                 "QKRN_TEXT LONGTEXT NOT NULL, QEP_TEXT LONGTEXT NOT NULL, STATEMENT_ID BIGINT "
                 "UNSIGNED NOT NULL, "
                 "INTERNAL_OFFLOAD_FAIL_TEXT LONGTEXT",
                 QueryRows},
    MonitorTable{"rpd_exec_stats",
                 "QUERY_ID BIGINT UNSIGNED NOT NULL, NODE_ID BIGINT UNSIGNED NOT NULL, EXEC_TEXT "
                 "LONGTEXT NOT NULL",
                 ExecutionRows},
};

// One open table: its rows as of the start of the scan. The server keeps a copy of `position` and
// puts it back before rnd_pos.
struct OpenTable {
  const MonitorTable* table;
  std::vector<MonitorRow> rows;
  uint32_t position = 0;  // of the current row
  uint32_t next = 0;
};

OpenTable* Of(PSI_table_handle* handle) { return reinterpret_cast<OpenTable*>(handle); }

template <size_t kIndex>
PSI_table_handle* Open(PSI_pos** position) {
  auto* open = new OpenTable{.table = &kTables[kIndex], .rows = {}};
  *position = reinterpret_cast<PSI_pos*>(&open->position);
  return reinterpret_cast<PSI_table_handle*>(open);
}

template <size_t kIndex>
unsigned long long RowCount() {
  return kTables[kIndex].rows().size();
}

void Close(PSI_table_handle* handle) { delete Of(handle); }

int StartScan(PSI_table_handle* handle, bool) {
  OpenTable* open = Of(handle);
  open->rows = open->table->rows();
  open->position = open->next = 0;
  return 0;
}

int NextRow(PSI_table_handle* handle) {
  OpenTable* open = Of(handle);
  if (open->next >= open->rows.size()) return PFS_HA_ERR_END_OF_FILE;
  open->position = open->next++;
  return 0;
}

int SeekRow(PSI_table_handle* handle) {
  const OpenTable* open = Of(handle);
  return open->position < open->rows.size() ? 0 : PFS_HA_ERR_RECORD_DELETED;
}

void ResetPosition(PSI_table_handle* handle) { Of(handle)->position = Of(handle)->next = 0; }

void StoreTime(Field* field, std::chrono::system_clock::time_point time) {
  const int64_t micros =
      std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
  if (micros <= 0) {
    field->set_null();
    return;
  }
  const my_timeval value{micros / 1000000, micros % 1000000};
  static_cast<Field_temporal_with_date_and_time*>(field)->store_timestamp(&value);
}

int ReadColumn(PSI_table_handle* handle, PSI_field* psi_field, unsigned index) {
  const OpenTable* open = Of(handle);
  auto* field = reinterpret_cast<Field*>(psi_field);
  if (open->position >= open->rows.size() || index >= open->rows[open->position].size())
    return PFS_HA_ERR_RECORD_DELETED;
  const MonitorValue& value = open->rows[open->position][index];
  if (!std::holds_alternative<std::monostate>(value)) field->set_notnull();
  if (const auto* number = std::get_if<uint64_t>(&value))
    field->store(static_cast<longlong>(*number), true);
  else if (const auto* real = std::get_if<double>(&value))
    field->store(*real);
  else if (const auto* text = std::get_if<std::string>(&value))
    field->store(text->data(), text->size(), &my_charset_utf8mb4_bin);
  else if (const auto* time = std::get_if<std::chrono::system_clock::time_point>(&value))
    StoreTime(field, *time);
  else
    field->set_null();
  return 0;
}

int NoIndex(PSI_table_handle*, unsigned, bool, PSI_index_handle**) {
  return PFS_HA_ERR_WRONG_COMMAND;
}
int NoIndexRead(PSI_index_handle*, PSI_key_reader*, unsigned, int) {
  return PFS_HA_ERR_WRONG_COMMAND;
}
int NoChange(PSI_table_handle*) { return PFS_HA_ERR_WRONG_COMMAND; }
int NoColumnChange(PSI_table_handle*, PSI_field*, unsigned) { return PFS_HA_ERR_WRONG_COMMAND; }

std::array<PFS_engine_table_share_proxy, kTables.size()> shares;
std::array<PFS_engine_table_share_proxy*, kTables.size()> share_pointers;
bool registered = false;

template <size_t kIndex>
void FillShare() {
  PFS_engine_table_share_proxy& share = shares[kIndex];
  share.m_table_name = kTables[kIndex].name;
  share.m_table_name_length = static_cast<unsigned>(std::strlen(kTables[kIndex].name));
  share.m_table_definition = kTables[kIndex].columns;
  share.m_ref_length = sizeof(uint32_t);
  share.m_acl = READONLY;
  share.delete_all_rows = nullptr;
  share.get_row_count = RowCount<kIndex>;
  PFS_engine_table_proxy& table = share.m_proxy_engine_table;
  table.open_table = Open<kIndex>;
  table.close_table = Close;
  table.rnd_init = StartScan;
  table.rnd_next = NextRow;
  table.rnd_pos = SeekRow;
  table.reset_position = ResetPosition;
  table.read_column_value = ReadColumn;
  table.index_init = NoIndex;
  table.index_read = NoIndexRead;
  table.index_next = NoChange;
  table.write_column_value = NoColumnChange;
  table.write_row_values = NoChange;
  table.update_column_value = NoColumnChange;
  table.update_row_values = NoChange;
  table.delete_row_values = NoChange;
  share_pointers[kIndex] = &share;
}

template <size_t... kIndex>
void FillShares(std::index_sequence<kIndex...>) {
  (FillShare<kIndex>(), ...);
}

// Calls `use` with the table service; false if the server has none.
template <typename Use>
bool WithService(Use use) {
  SERVICE_TYPE(registry)* services = mysql_plugin_registry_acquire();
  if (services == nullptr) return false;
  my_h_service handle = nullptr;
  bool done = false;
  if (!services->acquire("pfs_plugin_table_v1", &handle)) {
    done = use(reinterpret_cast<SERVICE_TYPE(pfs_plugin_table_v1)*>(handle));
    services->release(handle);
  }
  mysql_plugin_registry_release(services);
  return done;
}

}  // namespace

bool AddMonitoringTables() {
  FillShares(std::make_index_sequence<kTables.size()>());
  registered = WithService([](auto* service) {
    return service->add_tables(share_pointers.data(), share_pointers.size()) == 0;
  });
  return registered;
}

void RemoveMonitoringTables() {
  if (!registered) return;
  WithService([](auto* service) {
    return service->delete_tables(share_pointers.data(), share_pointers.size()) == 0;
  });
  registered = false;
}

}  // namespace sirocco::plugin
