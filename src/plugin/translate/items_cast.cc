// CAST, CONVERT and COLLATE.
#include "plan/cast_flags.h"
#include "plugin/translate/translator.h"

namespace sirocco::plugin {

using plan::Call;

Result<ExprPtr> Translator::CastSigned(Item_func* item) {
  ASSIGN_OR_RETURN(ExprPtr value, ValueOf(item->arguments()[0]));
  const Type type = plan::IntType(item->is_nullable());
  if (value->type.kind == TypeKind::kInt) return value;
  return Call(ExprOp::kCast, type, {std::move(value)});
}

Result<ExprPtr> Translator::CastUnsigned(Item_func* item) {
  ASSIGN_OR_RETURN(ExprPtr value, ValueOf(item->arguments()[0]));
  const Type type = plan::UIntType(item->is_nullable());
  if (value->type.kind == TypeKind::kUInt) return value;
  return Call(ExprOp::kCast, type, {std::move(value)});
}

Result<ExprPtr> Translator::CastDecimal(Item_func* item) {
  ASSIGN_OR_RETURN(const Type type, TypeOfItem(item));
  RETURN_IF_ERROR(CheckTextAsNumber(item->arguments()[0]));
  ASSIGN_OR_RETURN(ExprPtr value, ValueOf(item->arguments()[0]));
  if (value->type.kind == TypeKind::kDecimal && value->type.scale <= type.scale &&
      value->type.precision - value->type.scale <= type.precision - type.scale)
    return CastTo(std::move(value), type);
  const char* name = item->item_name.ptr();
  return plan::Labelled(Call(ExprOp::kCast, type, {std::move(value)}),
                        name != nullptr ? name : "(null)");
}

Result<ExprPtr> Translator::CastReal(Item_func* item) {
  ASSIGN_OR_RETURN(const Type type, TypeOfItem(item));
  ASSIGN_OR_RETURN(ExprPtr value, ValueOf(item->arguments()[0]));
  if (value->type.kind == type.kind || (value->type.IsReal() && type.kind == TypeKind::kDouble))
    return value;
  if (!CheckTextAsNumber(item->arguments()[0]))
    return Call(ExprOp::kCast, type, {std::move(value)}, 0, plan::kSilentCast);
  return Call(ExprOp::kCast, type, {std::move(value)});
}

Result<ExprPtr> Translator::CastTemporal(Item_func* item) {
  ASSIGN_OR_RETURN(const Type type, TypeOfItem(item));
  Item* argument = item->arguments()[0];
  ASSIGN_OR_RETURN(ExprPtr value, ValueOf(argument));
  if (SameRepresentation(value->type, type)) return value;
  if (value->type.kind == TypeKind::kTime)
    return NotSupported("time used as a date (depends on the current date)");
  Type target = type;
  target.nullable = true;
  return Call(ExprOp::kCast, target, {std::move(value)});
}

Result<ExprPtr> Translator::CastChar(Item_func* item) {
  Item* argument = item->arguments()[0];
  const CHARSET_INFO* charset = item->collation.collation;
  if (charset == &my_charset_bin && argument->collation.collation != &my_charset_bin &&
      item->max_length < argument->max_length)
    return NotSupported("CAST to BINARY with a length");
  ASSIGN_OR_RETURN(ExprPtr value, AsStringIn(argument, charset));
  const Type type = StringTypeOf(item);
  // What the wanted set lacks becomes a question mark here, unlike in implicit conversions.
  if (value->op == ExprOp::kCast && value->args[0]->type.IsString() &&
      value->type.collation != plan::kBinaryCollation &&
      value->args[0]->type.collation != plan::kBinaryCollation)
    value = Call(ExprOp::kCast, value->type, value->args, 0, plan::kLossyCast);
  if (value->type.collation == type.collation &&
      item->max_char_length() >= argument->max_char_length())
    return value;
  // Cuts what is longer, with a warning.
  return Call(ExprOp::kCast, type, {std::move(value)});
}

// COLLATE only names the collation of the comparison above it; the bytes stay.
Result<ExprPtr> Translator::Collate(Item_func* item) {
  ASSIGN_OR_RETURN(ExprPtr value, AsStringIn(item->arguments()[0], item->collation.collation));
  return InCollation(std::move(value), item->collation.collation->number);
}

}  // namespace sirocco::plugin
