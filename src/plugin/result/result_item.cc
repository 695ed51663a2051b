#include "plugin/result/result_item.h"

#include "my_sys.h"
#include "mysqld_error.h"
#include "mysqlsem/decimal.h"
#include "mysqlsem/temporal.h"
#include "sql-common/my_decimal.h"
#include "sql/field.h"
#include "sql/protocol.h"

namespace sirocco::plugin {

using plan::TypeKind;

namespace {

// Columns print with leading zeros if declared so; expressions never do.
uint32_t ZerofillWidth(const Item* source) {
  Item* item = const_cast<Item*>(source)->real_item();
  if (item->type() != Item::FIELD_ITEM) return 0;
  const Field* field = static_cast<Item_field*>(item)->field;
  if (!field->is_flag_set(ZEROFILL_FLAG)) return 0;
  return field->type() == MYSQL_TYPE_NEWDECIMAL
             ? static_cast<const Field_new_decimal*>(field)->precision
             : field->field_length;
}

}  // namespace

ResultItem::ResultItem(Field* field, const plan::Type& type, uint32_t column,
                       const RowCursor* cursor, const Item* source, bool text_protocol)
    : Item_field(field),
      writer_(field, type),
      cursor_(cursor),
      column_(column),
      decimals_(source->decimals),
      zerofill_(ZerofillWidth(source)),
      way_(ChooseWay(field, type, source, text_protocol)),
      is_unsigned_(source->unsigned_flag) {
  if (way_ == Way::kString) charset_ = get_charset(type.collation, MYF(0));
  if (charset_ == nullptr) charset_ = &my_charset_bin;
}

ResultItem::Way ResultItem::ChooseWay(const Field* field, const plan::Type& type,
                                      const Item* source, bool text_protocol) {
  const enum_field_types sent = source->data_type();
  switch (type.kind) {
    case TypeKind::kInt:
    case TypeKind::kUInt:
      switch (sent) {
        case MYSQL_TYPE_TINY:
          return Way::kTiny;
        // YEAR(x) may be any year; only stored years fit a YEAR field.
        case MYSQL_TYPE_YEAR:
        case MYSQL_TYPE_SHORT:
          return Way::kShort;
        case MYSQL_TYPE_INT24:
        case MYSQL_TYPE_LONG:
          return Way::kLong;
        case MYSQL_TYPE_LONGLONG:
          return Way::kLonglong;
        default:
          return Way::kField;
      }
    // A column prints as four digits, an aggregate as a number.
    case TypeKind::kYear: {
      const Item* inner = const_cast<Item*>(source)->real_item();
      return sent != MYSQL_TYPE_YEAR || inner->type() == Item::FIELD_ITEM ? Way::kField
                                                                          : Way::kShort;
    }
    case TypeKind::kDouble:
    case TypeKind::kFloat:
      if (sent == MYSQL_TYPE_DOUBLE) return Way::kDouble;
      return sent == MYSQL_TYPE_FLOAT ? Way::kFloat : Way::kField;
    case TypeKind::kDecimal:
      if (sent != MYSQL_TYPE_NEWDECIMAL || source->decimals != type.scale ||
          plan::LaneOf(type) == plan::Lane::kStr)
        return Way::kField;
      return Way::kDecimal;
    // The text protocol sends temporal values as ASCII text in every character set.
    case TypeKind::kDate:
      return text_protocol && sent == MYSQL_TYPE_DATE ? Way::kDate : Way::kField;
    case TypeKind::kDatetime:
      return text_protocol && (sent == MYSQL_TYPE_DATETIME || sent == MYSQL_TYPE_TIMESTAMP) &&
                     source->decimals == type.scale
                 ? Way::kDatetime
                 : Way::kField;
    case TypeKind::kTime:
      return text_protocol && sent == MYSQL_TYPE_TIME && source->decimals == type.scale
                 ? Way::kTime
                 : Way::kField;
    case TypeKind::kString:
      switch (sent) {
        case MYSQL_TYPE_VARCHAR:
        case MYSQL_TYPE_VAR_STRING:
        case MYSQL_TYPE_STRING:
        case MYSQL_TYPE_TINY_BLOB:
        case MYSQL_TYPE_MEDIUM_BLOB:
        case MYSQL_TYPE_LONG_BLOB:
        case MYSQL_TYPE_BLOB:
          return Way::kString;
        default:
          return Way::kField;
      }
    default:
      return Way::kField;
  }
}

bool ResultItem::send(Protocol* protocol, String* buffer) {
  const wire::ColumnBatchView::Column& column = cursor_->batch->columns()[column_];
  const uint32_t row = cursor_->row;
  if (way_ == Way::kField) {
    if (!cursor_->fill_fields && !FillField()) {
      my_error(ER_SECONDARY_ENGINE_PLUGIN, MYF(0),
               "a result value does not fit the type of its column");
      return true;
    }
    return Item_field::send(protocol, buffer);
  }
  if (column.is_null(row)) return protocol->store_null();
  char text[mysqlsem::kDecimalMaxText + mysqlsem::kMaxFormattedTemporal];
  size_t size = 0;
  switch (way_) {
    case Way::kTiny:
      return protocol->store_tiny(column.i64(row), zerofill_);
    case Way::kShort:
      return protocol->store_short(column.i64(row), zerofill_);
    case Way::kLong:
      return protocol->store_long(column.i64(row), zerofill_);
    case Way::kLonglong:
      return protocol->store_longlong(column.i64(row), is_unsigned_, zerofill_);
    case Way::kFloat:
      return protocol->store_float(static_cast<float>(column.f64(row)), decimals_, zerofill_);
    case Way::kDouble:
      return protocol->store_double(column.f64(row), decimals_, zerofill_);
    case Way::kString: {
      const std::string_view value = column.str(row);
      return protocol->store_string(value.data(), value.size(), charset_);
    }
    case Way::kDecimal:
      size = column.lane == plan::Lane::kI64
                 ? mysqlsem::FormatScaled(column.i64(row), writer_.type().scale, text)
                 : mysqlsem::FormatScaled(column.i128(row), writer_.type().scale, text);
      break;
    case Way::kDate:
      size = mysqlsem::FormatDate(static_cast<mysqlsem::PackedDate>(column.i64(row)), text);
      break;
    case Way::kDatetime:
      size = mysqlsem::FormatDatetime(column.i64(row), writer_.type().scale, text);
      break;
    case Way::kTime:
      size = mysqlsem::FormatTime(column.i64(row), writer_.type().scale, text);
      break;
    case Way::kField:
      break;
  }
  if (way_ == Way::kDecimal && zerofill_ != 0) return SendDecimal(protocol, text, size);
  return protocol->store_string(text, size, &my_charset_bin);
}

bool ResultItem::SendDecimal(Protocol* protocol, const char* text, size_t size) const {
  my_decimal value;
  str2my_decimal(E_DEC_FATAL_ERROR, text, size, &my_charset_latin1, &value);
  return protocol->store_decimal(&value, zerofill_, decimals_);
}

}  // namespace sirocco::plugin
