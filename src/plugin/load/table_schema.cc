#include "plugin/load/table_schema.h"

#include <map>

#include "plugin/load/column_comment.h"
#include "plugin/translate/types.h"
#include "sql/field.h"
#include "sql/key.h"
#include "sql/table.h"
#include "typelib.h"

namespace sirocco::plugin {
namespace {

// Names of an ENUM or SET column, in its character set.
std::vector<std::string> MemberNames(const Field* field) {
  const TYPELIB* names = static_cast<const Field_enum*>(field)->typelib;
  std::vector<std::string> members;
  for (size_t i = 0; i < names->count; ++i)
    members.emplace_back(names->type_names[i], names->type_lengths[i]);
  return members;
}

bool IsLoaded(const TABLE& table, const Field* field) {
  return !field->is_flag_set(NOT_SECONDARY_FLAG) &&
         !bitmap_is_set(&table.fields_for_functional_indexes, field->field_index());
}

// Placement keys are numbered from 1 without gaps, each once.
Result<void> CheckPlacement(const plan::TableSchema& schema) {
  std::map<int, std::string> by_number;
  for (const plan::ColumnSchema& column : schema.columns) {
    if (column.placement_index == 0) continue;
    if (!by_number.emplace(column.placement_index, column.name).second)
      return MakeError(ErrorCode::kInvalidArgument,
                       "RAPID_COLUMN=DATA_PLACEMENT_KEY=" + std::to_string(column.placement_index) +
                           " is given to two columns");
  }
  int expected = 1;
  for (const auto& [number, name] : by_number)
    if (number != expected++)
      return MakeError(
          ErrorCode::kInvalidArgument,
          "RAPID_COLUMN=DATA_PLACEMENT_KEY numbers must start at 1 and have no gaps; column " +
              name + " has " + std::to_string(number));
  return {};
}

}  // namespace

Result<plan::TableSchema> DescribeTable(const TABLE& table) {
  plan::TableSchema schema;
  schema.schema_name.assign(table.s->db.str, table.s->db.length);
  schema.table_name.assign(table.s->table_name.str, table.s->table_name.length);
  std::map<uint32_t, uint32_t> position;  // field index -> position in schema.columns
  for (Field** f = table.field; *f != nullptr; ++f) {
    const Field* field = *f;
    if (!IsLoaded(table, field)) continue;
    plan::ColumnSchema column;
    column.name = field->field_name;
    column.field_index = field->field_index();
    auto type = TypeOfField(field);
    if (!type)
      return NotSupported(
          "column " + column.name + " has type " +
          (field->type() == MYSQL_TYPE_GEOMETRY ? std::string("GEOMETRY") : "unknown to RAPID") +
          ", which cannot be loaded; declare it NOT SECONDARY");
    column.type = *type;
    if (column.type.kind == plan::TypeKind::kEnum || column.type.kind == plan::TypeKind::kSet)
      column.members = MemberNames(field);
    if (auto parsed = ParseColumnComment({field->comment.str, field->comment.length}, &column);
        !parsed)
      return MakeError(parsed.error().code,
                       "column " + column.name + ": " + parsed.error().message);
    position.emplace(column.field_index, static_cast<uint32_t>(schema.columns.size()));
    schema.columns.push_back(std::move(column));
  }
  RETURN_IF_ERROR(CheckPlacement(schema));

  if (table.s->primary_key < MAX_KEY) {
    const KEY& key = table.key_info[table.s->primary_key];
    for (uint i = 0; i < key.user_defined_key_parts; ++i) {
      const auto found = position.find(key.key_part[i].field->field_index());
      const bool is_prefix = (key.key_part[i].key_part_flag & HA_PART_KEY_SEG) != 0;
      if (found == position.end() || is_prefix) {
        schema.primary_key.clear();
        break;
      }
      schema.primary_key.push_back(found->second);
    }
  }
  return schema;
}

}  // namespace sirocco::plugin
