// String functions whose arguments need more than the pattern of functions.cc.
#include "plugin/translate/translator.h"

namespace sirocco::plugin {

using plan::Call;

// LOCATE(needle, haystack[, start]) and INSTR(haystack, needle): searched under the comparison's
// collation.
Result<ExprPtr> Translator::Locate(Item_func* item) {
  Item** args = item->arguments();
  // The server keeps (haystack, needle) for both functions.
  Item* haystack = args[0];
  Item* needle = args[1];
  Item* pair[2] = {haystack, needle};
  ASSIGN_OR_RETURN(const CHARSET_INFO* collation, ComparisonCollation(pair, 2, item->func_name()));
  ASSIGN_OR_RETURN(ExprPtr needle_value, AsStringIn(needle, collation));
  ASSIGN_OR_RETURN(ExprPtr haystack_value, AsStringIn(haystack, collation));
  std::vector<ExprPtr> values{std::move(needle_value), std::move(haystack_value)};
  if (item->arg_count == 3) {
    ASSIGN_OR_RETURN(ExprPtr start, AsInteger(args[2]));
    values.push_back(std::move(start));
  }
  return Call(ExprOp::kLocate, plan::IntType(item->is_nullable()), std::move(values),
              collation->number);
}

Result<ExprPtr> Translator::Trim(Item_func* item) {
  auto* trim = down_cast<Item_func_trim*>(item);
  const ExprOp op = trim->trim_leading() ? (trim->trim_trailing() ? ExprOp::kTrim : ExprOp::kLtrim)
                                         : ExprOp::kRtrim;
  return GenericFunction(item, op, "S*");
}

Result<ExprPtr> Translator::FindInSet(Item_func* item) {
  // A constant in a SET column is looked up in the column's definition: the answer is the member's
  // number there.
  Item *constant = item->arguments()[0], *list_item = item->arguments()[1];
  if (constant->const_item() && list_item->type() == Item::FIELD_ITEM) {
    const Field* field = down_cast<const Item_field*>(list_item)->field;
    if (field->real_type() == MYSQL_TYPE_SET) {
      String buffer;
      const String* text = constant->val_str(&buffer);
      RETURN_IF_ERROR(CheckEvaluation());
      const uint member = text == nullptr ? 0
                                          : find_type(down_cast<const Field_enum*>(field)->typelib,
                                                      text->ptr(), text->length(), false);
      if (member != 0) {
        ASSIGN_OR_RETURN(ExprPtr set, ValueOf(list_item));
        const Type bits = plan::UIntType(set->type.nullable);
        ASSIGN_OR_RETURN(set, CastTo(std::move(set), bits));
        const Type result = plan::IntType(item->is_nullable());
        const ExprPtr bit =
            plan::Constant(plan::Value::Int(static_cast<int64_t>(uint64_t{1} << (member - 1))),
                           plan::UIntType(false));
        ExprPtr has = Call(ExprOp::kNe, result,
                           {Call(ExprOp::kBitAnd, bits, {std::move(set), bit}),
                            plan::Constant(plan::Value::Int(0), plan::UIntType(false))});
        return Call(
            ExprOp::kMul, result,
            {std::move(has), plan::Constant(plan::Value::Int(member), plan::IntType(false))});
      }
    }
  }
  ASSIGN_OR_RETURN(const CHARSET_INFO* collation,
                   ComparisonCollation(item->arguments(), 2, item->func_name()));
  ASSIGN_OR_RETURN(ExprPtr needle, AsStringIn(item->arguments()[0], collation));
  ASSIGN_OR_RETURN(ExprPtr list, AsStringIn(item->arguments()[1], collation));
  return Call(ExprOp::kFindInSet, plan::IntType(item->is_nullable()),
              {std::move(needle), std::move(list)}, collation->number);
}

Result<ExprPtr> Translator::Hex(Item_func* item) {
  Item* argument = item->arguments()[0];
  Result<ExprPtr> value =
      argument->result_type() == STRING_RESULT ? AsString(argument) : AsInteger(argument);
  if (!value) return value;
  return Call(ExprOp::kHex, StringTypeOf(item), {std::move(*value)});
}

// The warning about text that is no value quotes the argument.
Result<ExprPtr> Translator::Unhex(Item_func* item) {
  ASSIGN_OR_RETURN(ExprPtr value, GenericFunction(item, ExprOp::kUnhex, "s"));
  return plan::Labelled(std::move(value), PrintedText(item->arguments()[0]));
}

Result<ExprPtr> Translator::InetAton(Item_func* item) {
  ASSIGN_OR_RETURN(ExprPtr value, GenericFunction(item, ExprOp::kInetAton, "s"));
  return plan::Labelled(std::move(value), PrintedText(item->arguments()[0]));
}

// CONV(value, from, to), also what BIN and OCT are: of the value's text.
Result<ExprPtr> Translator::Conv(Item_func* item) {
  Item* argument = item->arguments()[0];
  if (argument->data_type() == MYSQL_TYPE_BIT) return NotSupported("function CONV of a BIT value");
  Result<ExprPtr> value =
      argument->result_type() == INT_RESULT && argument->data_type() != MYSQL_TYPE_YEAR
          ? AsInteger(argument)
          : AsString(argument);
  if (!value) return value;
  ASSIGN_OR_RETURN(ExprPtr from, AsInteger(item->arguments()[1]));
  ASSIGN_OR_RETURN(ExprPtr to, AsInteger(item->arguments()[2]));
  return Call(ExprOp::kConv, StringTypeOf(item),
              {std::move(*value), std::move(from), std::move(to)});
}

Result<ExprPtr> Translator::Format(Item_func* item) {
  if (item->arg_count > 2) return NotSupported("function FORMAT with a locale");
  Item* argument = item->arguments()[0];
  const bool exact =
      argument->result_type() == INT_RESULT || argument->result_type() == DECIMAL_RESULT;
  Result<ExprPtr> value = exact ? AsNumber(argument) : AsReal(argument);
  if (!value) return value;
  ASSIGN_OR_RETURN(ExprPtr digits, AsInteger(item->arguments()[1]));
  return Call(ExprOp::kFormat, StringTypeOf(item), {std::move(*value), std::move(digits)});
}

}  // namespace sirocco::plugin
