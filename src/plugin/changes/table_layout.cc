#include "plugin/changes/table_layout.h"

#include "common/bytes.h"
#include "plan/codec.h"
#include "plugin/load/column_buffer.h"
#include "plugin/load/row_decoder.h"
#include "sql/dd/cache/dictionary_client.h"
#include "sql/dd/types/partition.h"
#include "sql/dd/types/table.h"
#include "sql/field.h"
#include "sql/mysqld.h"
#include "sql/sql_class.h"
#include "sql/table.h"

namespace sirocco::plugin {
namespace {

// Whether a row whose image leaves the column out has the value of the table's default record.
bool HasPlainDefault(const Field* field) {
  return !field->is_gcol() && field->m_default_val_expr == nullptr &&
         !field->has_insert_default_datetime_value_expression() &&
         !field->is_flag_set(AUTO_INCREMENT_FLAG);
}

ColumnDefault DefaultOf(ColumnBuffer& column) {
  ColumnDefault value;
  value.is_null = column.nulls[0] != 0;
  if (value.is_null) return value;
  switch (column.lane) {
    case plan::Lane::kI64:
      value.i64 = column.i64()[0];
      break;
    case plan::Lane::kI128:
      value.i128 = column.i128()[0];
      break;
    case plan::Lane::kF64:
      value.f64 = column.f64()[0];
      break;
    default:
      value.bytes.assign(column.bytes.get(), column.offsets[1]);
      break;
  }
  return value;
}

// FNV-1a of 64 bits: tells definitions apart, no adversary involved.
uint64_t Hash(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : bytes) hash = (hash ^ static_cast<uint8_t>(byte)) * 0x100000001b3;
  return hash;
}

uint64_t HashDefinition(const plan::TableSchema& schema, const LoggedLayout& layout) {
  // The name may change.
  plan::TableSchema unnamed = schema;
  unnamed.schema_name.clear();
  unnamed.table_name.clear();
  ByteWriter out;
  plan::EncodeTableSchema(unnamed, &out);
  out.Put(layout.num_logged);
  for (const FollowedColumn& column : layout.columns) {
    out.Put(column.logged);
    out.Put(static_cast<uint8_t>(column.is_generated));
    out.Put(static_cast<uint8_t>(column.has_default));
  }
  return Hash(out.bytes());
}

}  // namespace

Result<LoggedLayout> DescribeLoggedColumns(const TABLE& table, const plan::TableSchema& schema) {
  LoggedLayout layout;
  // Hidden columns of functional indexes are not logged.
  std::vector<uint32_t> logged_of(table.s->fields, 0);
  for (uint i = 0; i < table.s->fields; ++i) {
    logged_of[i] = layout.num_logged;
    if (!bitmap_is_set(&table.fields_for_functional_indexes, i)) ++layout.num_logged;
  }
  ASSIGN_OR_RETURN(const RowDecoder decoder, RowDecoder::Create(table, schema));
  LoadBatch defaults(schema);
  decoder.Append(table.s->default_values, 1, table.s->reclength, &defaults);
  for (size_t i = 0; i < schema.columns.size(); ++i) {
    const Field* field = table.field[schema.columns[i].field_index];
    FollowedColumn column;
    column.logged = logged_of[schema.columns[i].field_index];
    column.is_generated = field->is_gcol();
    column.has_default = HasPlainDefault(field);
    if (column.has_default) column.default_value = DefaultOf(defaults.columns[i]);
    layout.columns.push_back(std::move(column));
  }
  return layout;
}

Result<std::string> DescribeOrigin(THD* thd, const TABLE& table, const plan::TableSchema& schema,
                                   const LoggedLayout& layout,
                                   const std::vector<LoadedPartition>& partitions) {
  const dd::cache::Dictionary_client::Auto_releaser releaser(thd->dd_client());
  const dd::Table* definition = nullptr;
  if (thd->dd_client()->acquire(
          dd::String_type(table.s->db.str, table.s->db.length),
          dd::String_type(table.s->table_name.str, table.s->table_name.length), &definition) ||
      definition == nullptr)
    return MakeError(ErrorCode::kInternal, "cannot read the dictionary entry of the table");
  // Not the number of the dictionary entry, which every ALTER TABLE makes anew.
  std::string origin =
      "1;" + std::string(server_uuid) + ";" + std::to_string(definition->se_private_id());
  for (const dd::Partition* leaf : definition->leaf_partitions())
    origin += "," + std::to_string(leaf->se_private_id());
  origin += ";";
  for (const LoadedPartition& partition : partitions)
    origin += std::to_string(partition.number) + ",";
  return origin + ";" + std::to_string(HashDefinition(schema, layout));
}

}  // namespace sirocco::plugin
