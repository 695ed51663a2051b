#include "plugin/result/column_description.h"

#include <typeinfo>

#include "sql/create_field.h"
#include "sql/field.h"
#include "sql/item.h"
#include "sql/query_result.h"
#include "sql/sql_class.h"
#include "sql/sql_lex.h"
#include "sql/sql_list.h"
#include "sql/sql_optimizer.h"
#include "sql/sql_tmp_table.h"
#include "sql/table.h"

namespace sirocco::plugin {

Result<const mem_root_deque<Item*>*> DescribeWindowColumns(THD* thd, JOIN* join) {
  Query_expression* unit = join->query_expression();
  if (!unit->is_simple() || join->query_block->m_windows.elements == 0 ||
      unit->query_result() == nullptr || typeid(*unit->query_result()) != typeid(Query_result_send))
    return nullptr;
  TABLE dummy;
  TABLE_SHARE share;
  dummy.s = &share;
  init_tmp_table_share(thd, &share, "", 0, "", "", nullptr);
  share.db_create_options = 0;
  share.db_low_byte_first = false;
  dummy.set_not_started();
  List<Create_field> columns;
  for (Item* item : VisibleFields(*join->fields)) {
    Create_field* column = generate_create_field(thd, item, &dummy);
    if (column == nullptr)
      return MakeError(ErrorCode::kInternal, "cannot describe a result column");
    columns.push_back(column);
  }
  TABLE* table = create_tmp_table_from_fields(thd, columns);
  if (table == nullptr)
    return MakeError(ErrorCode::kOutOfMemory, "no memory for the result's columns");
  auto* described = new (thd->mem_root) mem_root_deque<Item*>(thd->mem_root);
  if (described == nullptr)
    return MakeError(ErrorCode::kOutOfMemory, "no memory for the result's columns");
  uint32_t number = 0;
  for (Item* item : VisibleFields(*join->fields)) {
    Field* field = table->field[number++];
    // A column of a table is described by itself.
    if (item->real_item()->type() == Item::FIELD_ITEM) {
      described->push_back(item);
      continue;
    }
    auto* column = new (thd->mem_root) Item_field(field);
    if (column == nullptr)
      return MakeError(ErrorCode::kOutOfMemory, "no memory for the result's columns");
    column->item_name = item->item_name;
    described->push_back(column);
  }
  const mem_root_deque<Item*>* former = join->fields;
  join->fields = described;
  return former;
}

}  // namespace sirocco::plugin
