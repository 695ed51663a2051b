// The value of an item in the context it is used in: as an integer, a string of some character set,
// a condition, ...
#include <algorithm>

#include "plan/cast_flags.h"
#include "plugin/translate/translator.h"

namespace sirocco::plugin {

using plan::Call;
using plan::Lane;
using plan::Value;

std::string PrintedText(Item* item) {
  String text;
  text.set_charset(system_charset_info);
  item->print(current_thd, &text, QT_NO_DATA_EXPANSION);
  return std::string(text.ptr(), text.length());
}

Result<ExprPtr> Translator::CastTo(ExprPtr value, const Type& type) {
  if (SameRepresentation(value->type, type)) return value;
  if (value->type.kind == TypeKind::kNull) return plan::Constant(Value::Null(), type);
  Type target = type;
  target.nullable = value->type.nullable || type.nullable;
  // Widening a decimal constant is done now.
  if (value->op == ExprOp::kConstant && !value->constant.is_null &&
      type.kind == TypeKind::kDecimal && plan::LaneOf(type) != Lane::kStr &&
      plan::LaneOf(value->type) != Lane::kStr &&
      (value->type.kind == TypeKind::kDecimal || value->type.kind == TypeKind::kInt) &&
      type.scale >= (value->type.kind == TypeKind::kDecimal ? value->type.scale : 0)) {
    plan::int128 scaled = value->constant.integer;
    int digits = value->type.kind == TypeKind::kDecimal ? value->type.scale : 0;
    if (scaled > -1000000000000000000 && scaled < 1000000000000000000 &&
        type.scale - digits <= 18) {
      for (; digits < type.scale; ++digits) scaled *= 10;
      target.nullable = false;
      return plan::Constant(Value::Int(scaled), target);
    }
  }
  // A quotient is computed to the digits asked for; rounding it once is what the server's two steps
  // give.
  if (value->op == ExprOp::kDiv && value->type.kind == TypeKind::kDecimal &&
      type.kind == TypeKind::kDecimal && type.scale < value->type.scale) {
    return Call(ExprOp::kDiv, target, value->args);
  }
  return Call(ExprOp::kCast, target, {std::move(value)});
}

Result<ExprPtr> Translator::AsInteger(Item* item) {
  item = WithoutCache(item);
  const Type type = item->unsigned_flag ? plan::UIntType(item->is_nullable())
                                        : plan::IntType(item->is_nullable());
  if (IsConstant(item)) return ConstantValue(item, type);
  ASSIGN_OR_RETURN(ExprPtr value, ValueOf(item));
  if (value->type.IsInteger()) return value;
  if (value->type.IsString()) return NotSupported("string column used as an integer");
  return CastTo(std::move(value), type);
}

// The server says nothing of TEXT columns with other than digits in them, unlike of CHAR and
// VARCHAR columns.
Result<void> Translator::CheckTextAsNumber(Item* item) {
  const Item* inner = Unwrap(item);
  if (inner->type() == Item::FIELD_ITEM && inner->result_type() == STRING_RESULT &&
      down_cast<const Item_field*>(inner)->field->is_flag_set(BLOB_FLAG))
    return NotSupported("TEXT or BLOB column used as a number");
  return {};
}

Result<ExprPtr> Translator::AsReal(Item* item) {
  item = WithoutCache(item);
  const Type type = plan::DoubleType(item->is_nullable());
  if (IsConstant(item)) return ConstantValue(item, type);
  ASSIGN_OR_RETURN(ExprPtr value, ValueOf(item));
  if (value->type.IsReal()) return value;
  return RealOf(item, std::move(value), type);
}

// A value as a double; of a TEXT column without a word.
Result<ExprPtr> Translator::RealOf(Item* item, ExprPtr value, const Type& type) {
  if (!value->type.IsString() || CheckTextAsNumber(item)) return CastTo(std::move(value), type);
  return Call(ExprOp::kCast, type, {std::move(value)}, 0, plan::kSilentCast);
}

Result<ExprPtr> Translator::AsDecimal(Item* item) {
  item = WithoutCache(item);
  const int scale = std::min<int>(item->decimals, DECIMAL_MAX_SCALE);
  const int precision =
      std::clamp<int>(item->decimal_precision(), std::max(scale, 1), DECIMAL_MAX_PRECISION);
  const Type type = plan::DecimalType(static_cast<uint8_t>(precision), static_cast<uint8_t>(scale),
                                      item->is_nullable());
  if (IsConstant(item)) {
    if (item->result_type() != INT_RESULT && item->result_type() != DECIMAL_RESULT) {
      // The digits come from the value, not from the declaration.
      my_decimal buffer;
      const my_decimal* decimal = item->val_decimal(&buffer);
      RETURN_IF_ERROR(CheckEvaluation());
      if (decimal == nullptr || item->null_value) return plan::Constant(Value::Null(), type);
      const int digits = std::min<int>(decimal->frac, DECIMAL_MAX_SCALE);
      return ConstantValue(
          item,
          plan::DecimalType(static_cast<uint8_t>(std::clamp<int>(decimal->intg + digits, 1, 65)),
                            static_cast<uint8_t>(digits)));
    }
    return ConstantValue(item, type);
  }
  ASSIGN_OR_RETURN(ExprPtr value, ValueOf(item));
  if (value->type.kind == TypeKind::kDecimal) return value;
  if (item->result_type() != INT_RESULT && item->result_type() != DECIMAL_RESULT &&
      !item->is_temporal())
    return NotSupported(
        "conversion of a string or floating-point column to DECIMAL in an expression");
  return CastTo(std::move(value), type);
}

Result<ExprPtr> Translator::AsNumber(Item* item) {
  if (item->result_type() == INT_RESULT) return AsInteger(item);
  return AsDecimal(item);
}

Result<ExprPtr> Translator::EnumText(Item* item, const ExprPtr& value) {
  Item* inner = Unwrap(item);
  const TYPELIB* names = inner->get_typelib();
  if (names == nullptr) return NotSupported("ENUM or SET value without its names");
  const CHARSET_INFO* charset = inner->collation.collation;
  const Type name_type = StringTypeIn(charset, inner->max_length, false);
  std::vector<ExprPtr> args{value};
  for (size_t i = 0; i < names->count; ++i)
    args.push_back(plan::Constant(
        Value::Bytes(std::string(names->type_names[i], names->type_lengths[i])), name_type));
  return Call(value->type.kind == TypeKind::kEnum ? ExprOp::kEnumToString : ExprOp::kSetToString,
              StringTypeIn(charset, inner->max_length, value->type.nullable), std::move(args));
}

Result<ExprPtr> Translator::AsString(Item* item) {
  item = WithoutCache(item);
  const Type type = StringTypeOf(item);
  if (IsConstant(item)) return ConstantValue(item, type);
  ASSIGN_OR_RETURN(ExprPtr value, Output(item));
  switch (value->type.kind) {
    case TypeKind::kString:
      return value;
    case TypeKind::kEnum:
    case TypeKind::kSet:
      return EnumText(item, value);
    case TypeKind::kJson:
    case TypeKind::kVector:
    case TypeKind::kBit:
      return NotSupported("JSON, VECTOR or BIT value used as a string");
    default:
      if (item->type() == Item::FIELD_ITEM &&
          down_cast<Item_field*>(item)->field->is_flag_set(ZEROFILL_FLAG)) {
        ASSIGN_OR_RETURN(ExprPtr text, CastTo(std::move(value), type));
        return ZerofillText(item, std::move(text));
      }
      return CastTo(std::move(value), type);
  }
}

// Zeros before the digits up to the column's display width; longer numbers stay whole.
Result<ExprPtr> Translator::ZerofillText(Item* item, ExprPtr text) {
  const Field* field = down_cast<Item_field*>(item)->field;
  if (item->result_type() != INT_RESULT)
    return NotSupported("ZEROFILL column with fraction used as a string");
  const Type integer = plan::IntType(text->type.nullable);
  const ExprPtr width =
      plan::Constant(Value::Int(static_cast<int64_t>(field->field_length)), plan::IntType(false));
  const Type zero_type = StringTypeIn(get_charset(text->type.collation, MYF(0)), 1, false);
  ExprPtr padded =
      Call(ExprOp::kLpad, text->type, {text, width, plan::Constant(Value::Bytes("0"), zero_type)},
           text->type.collation);
  ExprPtr fits = Call(ExprOp::kLt, integer, {Call(ExprOp::kLength, integer, {text}), width});
  const Type type = text->type;
  return Call(ExprOp::kIf, type, {std::move(fits), std::move(padded), std::move(text)});
}

Result<ExprPtr> Translator::AsStringIn(Item* item, const CHARSET_INFO* charset) {
  item = WithoutCache(item);
  const CHARSET_INFO* own = item->collation.collation;
  if (item->type() == Item::NULL_ITEM)
    return plan::Constant(Value::Null(), StringTypeIn(charset, 0, true));
  if (IsConstant(item) && item->type() != Item::NULL_ITEM && !my_charset_same(own, charset) &&
      charset != &my_charset_bin) {
    String buffer, converted;
    uint errors = 0;
    const String* text = item->val_str(&buffer);
    RETURN_IF_ERROR(CheckEvaluation());
    if (text == nullptr || item->null_value)
      return plan::Constant(Value::Null(), StringTypeIn(charset, 0, true));
    if (converted.copy(text->ptr(), text->length(), text->charset(), charset, &errors) ||
        errors != 0)
      return NotSupported("string constant that cannot be converted to the column's character set");
    return plan::Constant(Value::Bytes(std::string(converted.ptr(), converted.length())),
                          StringTypeIn(charset, static_cast<uint32_t>(converted.length()), false));
  }
  ASSIGN_OR_RETURN(ExprPtr value, AsString(item));
  if (charset == &my_charset_bin || value->type.collation == charset->number) return value;
  const CHARSET_INFO* actual = get_charset(value->type.collation, MYF(0));
  if (actual != nullptr && my_charset_same(actual, charset)) return value;
  const Type type = StringTypeIn(
      charset, value->type.max_length / own->mbmaxlen * charset->mbmaxlen, value->type.nullable);
  // Numbers and dates are written in the wanted set at once.
  if (value->op == ExprOp::kCast && !value->args[0]->type.IsString())
    return Call(ExprOp::kCast, type, value->args);
  return Call(ExprOp::kCast, type, {std::move(value)});
}

Result<ExprPtr> Translator::AsDate(Item* item) {
  item = WithoutCache(item);
  const Type type = plan::DateType(true);
  if (IsConstant(item)) return ConstantValue(item, type);
  ASSIGN_OR_RETURN(ExprPtr value, ValueOf(item));
  if (value->type.kind == TypeKind::kTime)
    return NotSupported("time used as a date (depends on the current date)");
  return CastTo(std::move(value), type);
}

Result<ExprPtr> Translator::AsTime(Item* item) {
  item = WithoutCache(item);
  const uint8_t fraction = static_cast<uint8_t>(std::min<uint>(item->time_precision(), 6));
  const Type type{.kind = TypeKind::kTime, .nullable = true, .scale = fraction};
  if (IsConstant(item)) return ConstantValue(item, type);
  ASSIGN_OR_RETURN(ExprPtr value, ValueOf(item));
  if (value->type.kind == TypeKind::kTime) return value;
  return CastTo(std::move(value), type);
}

Result<ExprPtr> Translator::AsDatetime(Item* item) {
  item = WithoutCache(item);
  const uint8_t fraction = static_cast<uint8_t>(std::min<uint>(item->datetime_precision(), 6));
  const Type type = plan::DatetimeType(fraction, true);
  if (IsConstant(item)) return ConstantValue(item, type);
  ASSIGN_OR_RETURN(ExprPtr value, ValueOf(item));
  if (value->type.kind == TypeKind::kDatetime) return value;
  if (value->type.kind == TypeKind::kTime)
    return NotSupported("time used as a date (depends on the current date)");
  return CastTo(std::move(value), type);
}

Result<ExprPtr> Translator::AsCondition(Item* item) {
  ASSIGN_OR_RETURN(ExprPtr value, ValueOf(item));
  switch (value->type.kind) {
    case TypeKind::kNull:
      return plan::Constant(Value::Null(), plan::IntType(true));
    case TypeKind::kInt:
    case TypeKind::kUInt:
      return value;
    case TypeKind::kYear:
    case TypeKind::kBit:
    case TypeKind::kEnum:
    case TypeKind::kSet:
      return CastTo(std::move(value), plan::UIntType(value->type.nullable));
    case TypeKind::kDecimal: {
      const plan::Type zero = plan::DecimalType(1, 0, false);
      const bool nullable = value->type.nullable;
      return Call(ExprOp::kNe, plan::IntType(nullable),
                  {std::move(value), plan::Constant(Value::Int(0), zero)});
    }
    case TypeKind::kJson:
    case TypeKind::kVector:
      return NotSupported("JSON or VECTOR value used as a condition");
    default: {
      ASSIGN_OR_RETURN(ExprPtr real, RealOf(item, std::move(value), plan::DoubleType(true)));
      const bool nullable = real->type.nullable;
      return Call(ExprOp::kNe, plan::IntType(nullable),
                  {std::move(real), plan::Constant(Value::Real(0), plan::DoubleType(false))});
    }
  }
}

Result<ExprPtr> Translator::Output(Item* item) {
  ASSIGN_OR_RETURN(ExprPtr value, ValueOf(item));
  if (value->type.kind != TypeKind::kDecimal || item->result_type() != DECIMAL_RESULT) return value;
  ASSIGN_OR_RETURN(const Type declared, TypeOfItem(item));
  if (declared.kind != TypeKind::kDecimal || declared.scale >= value->type.scale) return value;
  return CastTo(std::move(value), declared);
}

Result<ExprPtr> Translator::AsType(Item* item, const Type& type) {
  switch (type.kind) {
    case TypeKind::kString: {
      const CHARSET_INFO* charset = get_charset(type.collation, MYF(0));
      if (charset == nullptr) return NotSupported("unknown collation");
      ASSIGN_OR_RETURN(ExprPtr value, AsStringIn(item, charset));
      return InCollation(std::move(value), type.collation);
    }
    case TypeKind::kTimestamp: {
      // The value is kept as local time.
      return AsDatetime(item);
    }
    default: {
      if (IsConstant(item) && type.kind != TypeKind::kJson && type.kind != TypeKind::kVector)
        return ConstantValue(item, type);
      ASSIGN_OR_RETURN(ExprPtr value, Output(item));
      if ((type.kind == TypeKind::kJson || type.kind == TypeKind::kVector ||
           type.kind == TypeKind::kEnum || type.kind == TypeKind::kSet) &&
          value->type.kind != type.kind && value->type.kind != TypeKind::kNull)
        return NotSupported("conversion to JSON, VECTOR, ENUM or SET");
      return CastTo(std::move(value), type);
    }
  }
}

// The same bytes under another collation of their character set (or as binary bytes).
ExprPtr Translator::InCollation(ExprPtr value, uint32_t collation) {
  if (value->type.collation == collation) return value;
  Type type = value->type;
  type.collation = collation;
  if (value->op == ExprOp::kConstant) return plan::Constant(value->constant, type);
  return Call(ExprOp::kCast, type, {std::move(value)});
}

// Functions whose arguments follow a simple pattern, one letter each; the last one repeats if
// followed by '*':
//   i integer   n number (integer or decimal)   r real   s string   S string in the result's
//   character set d date   t time   D datetime   v as it is
Result<ExprPtr> Translator::GenericFunction(Item_func* item, ExprOp op, std::string_view pattern) {
  ASSIGN_OR_RETURN(const Type type, TypeOfItem(item));
  std::vector<ExprPtr> args;
  for (uint i = 0; i < item->arg_count; ++i) {
    char letter = pattern[std::min<size_t>(i, pattern.size() - 1)];
    if (letter == '*') letter = pattern[pattern.size() - 2];
    Item* argument = item->arguments()[i];
    Result<ExprPtr> value = ExprPtr();
    switch (letter) {
      case 'i':
        value = AsInteger(argument);
        break;
      case 'n':
        value = AsNumber(argument);
        break;
      case 'r':
        value = AsReal(argument);
        break;
      case 's':
        value = AsString(argument);
        break;
      case 'S':
        value = AsStringIn(argument, item->collation.collation);
        break;
      case 'd':
        value = AsDate(argument);
        break;
      case 't':
        value = AsTime(argument);
        break;
      case 'D':
        value = AsDatetime(argument);
        break;
      default:
        value = ValueOf(argument);
        break;
    }
    if (!value) return value;
    args.push_back(std::move(*value));
  }
  return Call(op, type, std::move(args), type.kind == TypeKind::kString ? type.collation : 0);
}

}  // namespace sirocco::plugin
