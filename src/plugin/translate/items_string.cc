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
  ASSIGN_OR_RETURN(const CHARSET_INFO* collation,
                   ComparisonCollation(item->arguments(), 2, item->func_name()));
  ASSIGN_OR_RETURN(ExprPtr needle, AsStringIn(item->arguments()[0], collation));
  ASSIGN_OR_RETURN(ExprPtr list, AsStringIn(item->arguments()[1], collation));
  return Call(ExprOp::kFindInSet, plan::IntType(item->is_nullable()),
              {std::move(needle), std::move(list)}, collation->number);
}

Result<ExprPtr> Translator::Hex(Item_func* item) {
  Item* argument = item->arguments()[0];
  if (argument->is_temporal()) return NotSupported("function HEX of a temporal value");
  Result<ExprPtr> value =
      argument->result_type() == STRING_RESULT ? AsString(argument) : AsInteger(argument);
  if (argument->result_type() == REAL_RESULT || argument->result_type() == DECIMAL_RESULT)
    return NotSupported("function HEX of a value with fraction");
  if (!value) return value;
  return Call(ExprOp::kHex, StringTypeOf(item), {std::move(*value)});
}

}  // namespace sirocco::plugin
