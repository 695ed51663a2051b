#include "plugin/translate/types.h"

#include <algorithm>

#include "plugin/translate/mysql_headers.h"

namespace sirocco::plugin {

using plan::Type;
using plan::TypeKind;

namespace {

Type IntegerType(bool is_unsigned, bool nullable) {
  return is_unsigned ? plan::UIntType(nullable) : plan::IntType(nullable);
}

Type Temporal(TypeKind kind, uint8_t fraction, bool nullable) {
  return {.kind = kind, .nullable = nullable, .scale = std::min<uint8_t>(fraction, 6)};
}

}  // namespace

Type StringTypeIn(const CHARSET_INFO* charset, uint32_t max_length, bool nullable) {
  return plan::StringType(charset->number, max_length, nullable);
}

Result<Type> TypeOfField(const Field* field) {
  const bool nullable = field->is_nullable();
  const bool is_unsigned = field->is_unsigned();
  switch (field->real_type()) {
    case MYSQL_TYPE_TINY:
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_LONGLONG:
      return IntegerType(is_unsigned, nullable);
    case MYSQL_TYPE_YEAR:
      return Type{.kind = TypeKind::kYear, .nullable = nullable};
    case MYSQL_TYPE_BIT:
      return Type{.kind = TypeKind::kBit, .nullable = nullable, .max_length = field->field_length};
    case MYSQL_TYPE_ENUM:
    case MYSQL_TYPE_SET:
      return Type{.kind = field->real_type() == MYSQL_TYPE_ENUM ? TypeKind::kEnum : TypeKind::kSet,
                  .nullable = nullable,
                  .collation = field->charset()->number,
                  .max_length = 0};
    case MYSQL_TYPE_FLOAT:
      return Type{.kind = TypeKind::kFloat, .nullable = nullable};
    case MYSQL_TYPE_DOUBLE:
      return plan::DoubleType(nullable);
    case MYSQL_TYPE_NEWDECIMAL: {
      const auto* decimal = static_cast<const Field_new_decimal*>(field);
      return plan::DecimalType(static_cast<uint8_t>(decimal->precision),
                               static_cast<uint8_t>(decimal->decimals()), nullable);
    }
    case MYSQL_TYPE_NEWDATE:
    case MYSQL_TYPE_DATE:
      return plan::DateType(nullable);
    case MYSQL_TYPE_TIME:
    case MYSQL_TYPE_TIME2:
      return Temporal(TypeKind::kTime, field->decimals(), nullable);
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_DATETIME2:
      return Temporal(TypeKind::kDatetime, field->decimals(), nullable);
    case MYSQL_TYPE_TIMESTAMP:
    case MYSQL_TYPE_TIMESTAMP2:
      return Temporal(TypeKind::kTimestamp, field->decimals(), nullable);
    case MYSQL_TYPE_STRING:
    case MYSQL_TYPE_VARCHAR:
    case MYSQL_TYPE_VAR_STRING:
    case MYSQL_TYPE_TINY_BLOB:
    case MYSQL_TYPE_MEDIUM_BLOB:
    case MYSQL_TYPE_LONG_BLOB:
    case MYSQL_TYPE_BLOB:
      return StringTypeIn(field->charset(), field->field_length, nullable);
    case MYSQL_TYPE_JSON:
      return Type{.kind = TypeKind::kJson, .nullable = nullable, .max_length = field->field_length};
    case MYSQL_TYPE_VECTOR:
      return Type{
          .kind = TypeKind::kVector, .nullable = nullable, .max_length = field->field_length};
    case MYSQL_TYPE_NULL:
      return Type{};
    default:
      return NotSupported(std::string("type of column ") + field->field_name + " is not supported");
  }
}

Type StringTypeOf(const Item* item) {
  return StringTypeIn(item->collation.collation, item->max_length, item->is_nullable());
}

Result<Type> TypeOfItem(const Item* item) {
  const bool nullable = item->is_nullable();
  switch (item->data_type()) {
    case MYSQL_TYPE_TINY:
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_LONGLONG:
    case MYSQL_TYPE_BOOL:
      return IntegerType(item->unsigned_flag, nullable);
    case MYSQL_TYPE_YEAR:
      return plan::IntType(nullable);
    case MYSQL_TYPE_BIT:
      return Type{.kind = TypeKind::kBit, .nullable = nullable, .max_length = item->max_length};
    case MYSQL_TYPE_FLOAT:
      return Type{.kind = TypeKind::kFloat, .nullable = nullable};
    case MYSQL_TYPE_DOUBLE:
      return plan::DoubleType(nullable);
    case MYSQL_TYPE_DECIMAL:
    case MYSQL_TYPE_NEWDECIMAL: {
      const int scale = std::min<int>(item->decimals, DECIMAL_MAX_SCALE);
      const int precision =
          std::clamp<int>(item->decimal_precision(), std::max(scale, 1), DECIMAL_MAX_PRECISION);
      return plan::DecimalType(static_cast<uint8_t>(precision), static_cast<uint8_t>(scale),
                               nullable);
    }
    case MYSQL_TYPE_NEWDATE:
    case MYSQL_TYPE_DATE:
      return plan::DateType(nullable);
    case MYSQL_TYPE_TIME:
    case MYSQL_TYPE_TIME2:
      return Temporal(TypeKind::kTime, item->decimals, nullable);
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_DATETIME2:
    case MYSQL_TYPE_TIMESTAMP:
    case MYSQL_TYPE_TIMESTAMP2:
      return Temporal(TypeKind::kDatetime, item->decimals, nullable);
    case MYSQL_TYPE_STRING:
    case MYSQL_TYPE_VARCHAR:
    case MYSQL_TYPE_VAR_STRING:
    case MYSQL_TYPE_TINY_BLOB:
    case MYSQL_TYPE_MEDIUM_BLOB:
    case MYSQL_TYPE_LONG_BLOB:
    case MYSQL_TYPE_BLOB:
    case MYSQL_TYPE_ENUM:
    case MYSQL_TYPE_SET:
      return StringTypeOf(item);
    case MYSQL_TYPE_JSON:
      return Type{.kind = TypeKind::kJson, .nullable = nullable, .max_length = item->max_length};
    case MYSQL_TYPE_VECTOR:
      return Type{.kind = TypeKind::kVector, .nullable = nullable, .max_length = item->max_length};
    case MYSQL_TYPE_NULL:
      return Type{};
    default:
      return NotSupported("expression of a spatial or unknown type");
  }
}

int DivisionDigits(int scale1, int scale2, int increment) {
  constexpr int kGroup = 9;  // decimal digits the server keeps in one word
  const auto round_up = [](int digits) { return (digits + kGroup - 1) / kGroup * kGroup; };
  const int group1 = round_up(scale1), group2 = round_up(scale2);
  const int extra = std::max(0, increment - (group1 - scale1) - (group2 - scale2));
  return round_up(group1 + group2 + extra);
}

bool SameRepresentation(const Type& a, const Type& b) {
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case TypeKind::kDecimal:
      return a.scale == b.scale && plan::LaneOf(a) == plan::LaneOf(b) &&
             (plan::LaneOf(a) != plan::Lane::kStr || a.precision == b.precision);
    case TypeKind::kTime:
    case TypeKind::kDatetime:
    case TypeKind::kTimestamp:
      return a.scale == b.scale;
    case TypeKind::kString:
    case TypeKind::kEnum:
    case TypeKind::kSet:
      return a.collation == b.collation;
    default:
      return true;
  }
}

}  // namespace sirocco::plugin
