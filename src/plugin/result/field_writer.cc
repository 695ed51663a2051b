#include "plugin/result/field_writer.h"

#include <cstring>

#include "my_sys.h"
#include "my_time.h"
#include "mysqlsem/decimal.h"
#include "mysqlsem/temporal.h"
#include "sql/current_thd.h"
#include "sql/field.h"
#include "sql/sql_class.h"
#include "sql/sql_time.h"
#include "sql/tztime.h"

namespace sirocco::plugin {
namespace {

using plan::TypeKind;

MYSQL_TIME ToMysqlTime(const mysqlsem::Temporal& value, enum_mysql_timestamp_type kind) {
  MYSQL_TIME time;
  set_zero_time(&time, kind);
  time.year = value.year;
  time.month = value.month;
  time.day = value.day;
  time.hour = value.hour;
  time.minute = value.minute;
  time.second = value.second;
  time.second_part = value.microsecond;
  time.neg = value.negative;
  return time;
}

}  // namespace

FieldWriter::FieldWriter(Field* field, const plan::Type& type) : field_(field), type_(type) {
  const enum_field_types real_type = field->real_type();
  switch (type.kind) {
    case TypeKind::kNull:
      break;
    case TypeKind::kInt:
    case TypeKind::kUInt:
    case TypeKind::kBit:
    case TypeKind::kSet:
      way_ = Way::kInteger;
      is_unsigned_ = type.IsUnsigned() || type.kind == TypeKind::kUInt;
      break;
    case TypeKind::kYear:
      way_ = Way::kYear;
      break;
    case TypeKind::kEnum:
      way_ = real_type == MYSQL_TYPE_ENUM ? Way::kEnum : Way::kInteger;
      is_unsigned_ = true;
      break;
    case TypeKind::kDouble:
    case TypeKind::kFloat:
      way_ = Way::kReal;
      break;
    case TypeKind::kDecimal: {
      way_ = Way::kDecimalText;
      if (real_type != MYSQL_TYPE_NEWDECIMAL || field->decimals() != type.scale) break;
      if (plan::LaneOf(type) == plan::Lane::kI64) way_ = Way::kPackedDecimal64;
      if (plan::LaneOf(type) == plan::Lane::kI128) way_ = Way::kPackedDecimal128;
      break;
    }
    case TypeKind::kDate:
      way_ = real_type == MYSQL_TYPE_NEWDATE ? Way::kDate : Way::kTemporalByConversion;
      break;
    case TypeKind::kDatetime:
      way_ = real_type == MYSQL_TYPE_DATETIME2 && field->decimals() == type.scale
                 ? Way::kDatetime
                 : Way::kTemporalByConversion;
      break;
    case TypeKind::kTime:
      way_ = real_type == MYSQL_TYPE_TIME2 && field->decimals() == type.scale
                 ? Way::kTime
                 : Way::kTemporalByConversion;
      break;
    case TypeKind::kTimestamp:
      way_ = Way::kTimestamp;
      break;
    case TypeKind::kString:
      charset_ = get_charset(type.collation, MYF(0));
      if (charset_ == nullptr) charset_ = &my_charset_bin;
      way_ = real_type == MYSQL_TYPE_VARCHAR && my_charset_same(field->charset(), charset_)
                 ? Way::kVarchar
                 : Way::kString;
      break;
    case TypeKind::kJson:
      way_ = real_type == MYSQL_TYPE_JSON ? Way::kJson : Way::kString;
      charset_ = &my_charset_utf8mb4_bin;
      break;
    case TypeKind::kVector:
      way_ = Way::kString;
      charset_ = &my_charset_bin;
      break;
  }
}

bool FieldWriter::WriteDecimalText(const wire::ColumnBatchView::Column& column,
                                   uint32_t row) const {
  char text[mysqlsem::kDecimalMaxText + 4];
  size_t size = 0;
  switch (column.lane) {
    case plan::Lane::kI64:
      size = mysqlsem::FormatScaled(column.i64(row), type_.scale, text);
      break;
    case plan::Lane::kI128:
      size = mysqlsem::FormatScaled(column.i128(row), type_.scale, text);
      break;
    default: {
      const std::string_view packed = column.str(row);
      if (packed.size() !=
          static_cast<size_t>(mysqlsem::PackedDecimalSize(type_.precision, type_.scale)))
        return false;
      mysqlsem::BigDecimal value;
      mysqlsem::BigDecimal::FromPacked(reinterpret_cast<const uint8_t*>(packed.data()),
                                       type_.precision, type_.scale, &value);
      size = value.Format(text);
      break;
    }
  }
  field_->store(text, size, &my_charset_latin1);
  return true;
}

bool FieldWriter::WriteTemporal(int64_t value) const {
  MYSQL_TIME time;
  switch (type_.kind) {
    case TypeKind::kDate:
      time = ToMysqlTime(mysqlsem::UnpackDate(static_cast<mysqlsem::PackedDate>(value)),
                         MYSQL_TIMESTAMP_DATE);
      break;
    case TypeKind::kTime:
      time = ToMysqlTime(mysqlsem::UnpackTime(value), MYSQL_TIMESTAMP_TIME);
      break;
    default:
      time = ToMysqlTime(mysqlsem::UnpackDatetime(value), MYSQL_TIMESTAMP_DATETIME);
      break;
  }
  field_->store_time(&time, type_.scale);
  return true;
}

bool FieldWriter::WriteVarchar(std::string_view value) const {
  const uint32_t length_bytes = field_->get_length_bytes();
  if (value.size() > field_->field_length) {  // cut as the server cuts, with its warning
    field_->store(value.data(), value.size(), charset_);
    return true;
  }
  uchar* out = field_->field_ptr();
  const auto size = static_cast<uint16_t>(value.size());
  if (length_bytes == 1)
    out[0] = static_cast<uchar>(size);
  else
    std::memcpy(out, &size, sizeof(size));
  if (!value.empty()) std::memcpy(out + length_bytes, value.data(), value.size());
  return true;
}

bool FieldWriter::Write(const wire::ColumnBatchView::Column& column, uint32_t row) const {
  if (column.is_null(row) || way_ == Way::kNull) {
    if (!field_->is_nullable()) return false;
    field_->set_null();
    return true;
  }
  field_->set_notnull();
  switch (way_) {
    case Way::kNull:
      return true;
    case Way::kInteger:
      field_->store(column.i64(row), is_unsigned_);
      return true;
    case Way::kYear: {
      const int64_t year = column.i64(row);
      // A stored year 0 is the value 0; store() would take it for the two-digit year 2000.
      if (field_->real_type() == MYSQL_TYPE_YEAR)
        *field_->field_ptr() = static_cast<uchar>(year == 0 ? 0 : year - 1900);
      else
        field_->store(year, true);
      return true;
    }
    case Way::kEnum:
      static_cast<Field_enum*>(field_)->store_type(static_cast<ulonglong>(column.i64(row)));
      return true;
    case Way::kReal:
      field_->store(column.f64(row));
      return true;
    case Way::kPackedDecimal64: {
      const auto* decimal = static_cast<const Field_new_decimal*>(field_);
      if (mysqlsem::EncodePackedFromInt64(column.i64(row), static_cast<int>(decimal->precision),
                                          type_.scale, field_->field_ptr()) == mysqlsem::kDecOk)
        return true;
      return WriteDecimalText(column, row);
    }
    case Way::kPackedDecimal128: {
      const auto* decimal = static_cast<const Field_new_decimal*>(field_);
      if (mysqlsem::EncodePackedFromInt128(column.i128(row), static_cast<int>(decimal->precision),
                                           type_.scale, field_->field_ptr()) == mysqlsem::kDecOk)
        return true;
      return WriteDecimalText(column, row);
    }
    case Way::kDecimalText:
      return WriteDecimalText(column, row);
    case Way::kDate:
      mysqlsem::EncodeDate(static_cast<mysqlsem::PackedDate>(column.i64(row)), field_->field_ptr());
      return true;
    case Way::kDatetime:
      mysqlsem::EncodeDatetime2(column.i64(row), type_.scale, field_->field_ptr());
      return true;
    case Way::kTime:
      mysqlsem::EncodeTime2(column.i64(row), type_.scale, field_->field_ptr());
      return true;
    case Way::kTimestamp: {
      if (field_->real_type() == MYSQL_TYPE_TIMESTAMP2 && field_->decimals() == type_.scale) {
        mysqlsem::EncodeTimestamp2(column.i64(row), type_.scale, field_->field_ptr());
        return true;
      }
      const int64_t micros = column.i64(row);
      MYSQL_TIME time;
      if (micros == 0) {
        set_zero_time(&time, MYSQL_TIMESTAMP_DATETIME);
      } else {
        current_thd->time_zone()->gmt_sec_to_TIME(&time, static_cast<my_time_t>(micros / 1000000));
        time.second_part = static_cast<ulong>(micros % 1000000);
      }
      field_->store_time(&time, type_.scale);
      return true;
    }
    case Way::kTemporalByConversion:
      return WriteTemporal(column.i64(row));
    case Way::kVarchar:
      return WriteVarchar(column.str(row));
    case Way::kString: {
      const std::string_view value = column.str(row);
      field_->store(value.data(), value.size(), charset_);
      return true;
    }
    case Way::kJson: {
      const std::string_view value = column.str(row);
      // The value is binary JSON already: what Field_json keeps as a blob.
      return static_cast<Field_json*>(field_)->Field_blob::store(value.data(), value.size(),
                                                                 &my_charset_bin) == TYPE_OK;
    }
  }
  return false;
}

}  // namespace sirocco::plugin
