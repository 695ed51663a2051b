// CASE, IF, COALESCE and their kin: every branch is brought into the type MySQL declares for the
// whole.
#include "plugin/translate/translator.h"

namespace sirocco::plugin {

using plan::Call;
using plan::Value;

// A decimal branch keeps the digits it has, as in the server, where a division by the choice
// depends on them; zero has any number of digits.
Result<ExprPtr> Translator::AsBranch(Item* item, const Type& type) {
  if (type.kind != TypeKind::kDecimal ||
      (item->result_type() != DECIMAL_RESULT && item->result_type() != INT_RESULT) ||
      item->type() == Item::NULL_ITEM)
    return AsType(item, type);
  ASSIGN_OR_RETURN(ExprPtr value,
                   item->result_type() == INT_RESULT ? AsInteger(item) : Output(item));
  if (value->op == ExprOp::kConstant && plan::LaneOf(value->type) != plan::Lane::kStr &&
      (value->constant.is_null || value->constant.integer == 0))
    return ConstantValue(item, type);
  return value;
}

// CASE value WHEN ... is spelled out as comparisons; the value is a column or constant expression
// evaluated per WHEN.
Result<ExprPtr> Translator::Case(Item_func* item) {
  auto* choice = down_cast<Item_func_case*>(item);
  Item** args = item->arguments();
  const int first = choice->get_first_expr_num(), otherwise = choice->get_else_expr_num();
  uint num_branches = item->arg_count;
  if (first >= 0)
    num_branches = static_cast<uint>(first);
  else if (otherwise >= 0)
    num_branches = static_cast<uint>(otherwise);
  ASSIGN_OR_RETURN(const Type type, TypeOfItem(item));

  const CHARSET_INFO* collation = choice->compare_collation();
  std::vector<ExprPtr> parts;
  for (uint i = 0; i + 1 < num_branches; i += 2) {
    ExprPtr when;
    if (first < 0) {
      ASSIGN_OR_RETURN(when, AsCondition(args[i]));
    } else {
      if (args[first]->is_temporal() || args[i]->is_temporal())
        return NotSupported("CASE over a temporal value");
      ASSIGN_OR_RETURN(const CompareClass compare_class, ClassOf(args[first], args[i]));
      if (compare_class == CompareClass::kString && collation == nullptr)
        return NotSupported("CASE with mixed types");
      ASSIGN_OR_RETURN(when,
                       CompareAs(ExprOp::kEq, args[first], args[i], compare_class, collation));
    }
    ASSIGN_OR_RETURN(ExprPtr then, AsBranch(args[i + 1], type));
    parts.push_back(std::move(when));
    parts.push_back(std::move(then));
  }
  if (otherwise >= 0) {
    ASSIGN_OR_RETURN(ExprPtr last, AsBranch(args[otherwise], type));
    parts.push_back(std::move(last));
  }
  return Call(ExprOp::kCase, type, std::move(parts));
}

Result<ExprPtr> Translator::If(Item_func* item) {
  Item** args = item->arguments();
  ASSIGN_OR_RETURN(const Type type, TypeOfItem(item));
  ASSIGN_OR_RETURN(ExprPtr condition, AsCondition(args[0]));
  ASSIGN_OR_RETURN(ExprPtr then, AsBranch(args[1], type));
  ASSIGN_OR_RETURN(ExprPtr otherwise, AsBranch(args[2], type));
  return Call(ExprOp::kIf, type, {std::move(condition), std::move(then), std::move(otherwise)});
}

Result<ExprPtr> Translator::Coalesce(Item_func* item) {
  ASSIGN_OR_RETURN(const Type type, TypeOfItem(item));
  std::vector<ExprPtr> args;
  for (uint i = 0; i < item->arg_count; ++i) {
    ASSIGN_OR_RETURN(ExprPtr value, AsBranch(item->arguments()[i], type));
    args.push_back(std::move(value));
  }
  if (args.size() == 1) return args[0];
  return Call(ExprOp::kCoalesce, type, std::move(args));
}

// NULLIF(a, b): compared in the class of a and b, but the result is a itself.
Result<ExprPtr> Translator::NullIf(Item_func* item) {
  Item** args = item->arguments();
  ASSIGN_OR_RETURN(const Type type, TypeOfItem(item));
  auto* comparison = down_cast<Item_bool_func2*>(item);
  ASSIGN_OR_RETURN(ExprPtr equal,
                   ComparePair(ExprOp::kEq, comparison->get_comparator(), args[0], args[1]));
  ASSIGN_OR_RETURN(ExprPtr value, AsType(args[0], type));
  Type nullable = type;
  nullable.nullable = true;
  ExprPtr null = plan::Constant(Value::Null(), nullable);
  return Call(ExprOp::kIf, nullable, {std::move(equal), std::move(null), std::move(value)});
}

Result<ExprPtr> Translator::MinMax(Item_func* item) {
  ASSIGN_OR_RETURN(const Type type, TypeOfItem(item));
  std::vector<ExprPtr> args;
  bool any_temporal = false, all_temporal = true;
  for (uint i = 0; i < item->arg_count; ++i) {
    const bool temporal = item->arguments()[i]->is_temporal();
    any_temporal |= temporal;
    all_temporal &= temporal;
    if (item->arguments()[i]->data_type() == MYSQL_TYPE_YEAR)
      return NotSupported("GREATEST or LEAST of YEAR values");
  }
  if (any_temporal && !all_temporal)
    return NotSupported("GREATEST or LEAST of temporal and other values");
  for (uint i = 0; i < item->arg_count; ++i) {
    ASSIGN_OR_RETURN(ExprPtr value, AsBranch(item->arguments()[i], type));
    args.push_back(std::move(value));
  }
  const bool least = std::string_view(item->func_name()) == "least";
  return Call(least ? ExprOp::kLeast : ExprOp::kGreatest, type, std::move(args),
              type.kind == TypeKind::kString ? type.collation : 0);
}

// FIELD(value, list...): all strings, all integers, or doubles.
Result<ExprPtr> Translator::FieldPosition(Item_func* item) {
  Item** args = item->arguments();
  bool strings = true, integers = true, decimals = true;
  for (uint i = 0; i < item->arg_count; ++i) {
    if (args[i]->is_temporal()) return NotSupported("function FIELD of temporal values");
    strings &= args[i]->result_type() == STRING_RESULT;
    integers &= args[i]->result_type() == INT_RESULT;
    decimals &= args[i]->result_type() == INT_RESULT || args[i]->result_type() == DECIMAL_RESULT;
  }
  const CHARSET_INFO* collation = &my_charset_bin;
  if (strings) {
    ASSIGN_OR_RETURN(collation, ComparisonCollation(args, item->arg_count, "field"));
  }
  const CompareClass compare_class = strings    ? CompareClass::kString
                                     : integers ? CompareClass::kInteger
                                     : decimals ? CompareClass::kDecimal
                                                : CompareClass::kReal;
  std::vector<ExprPtr> values;
  for (uint i = 0; i < item->arg_count; ++i) {
    ASSIGN_OR_RETURN(ExprPtr value, AsClass(args[i], compare_class, collation));
    values.push_back(std::move(value));
  }
  return Call(ExprOp::kField, plan::IntType(false), std::move(values),
              strings ? collation->number : 0);
}

Result<ExprPtr> Translator::Elt(Item_func* item) {
  ASSIGN_OR_RETURN(const Type type, TypeOfItem(item));
  std::vector<ExprPtr> args;
  for (uint i = 0; i < item->arg_count; ++i) {
    Item* argument = item->arguments()[i];
    Result<ExprPtr> value = i == 0 ? AsInteger(argument) : AsType(argument, type);
    if (!value) return value;
    args.push_back(std::move(*value));
  }
  return Call(ExprOp::kElt, type, std::move(args));
}

// INTERVAL(value, thresholds...): the server keeps them in one row argument.
Result<ExprPtr> Translator::Interval(Item_func* item) {
  std::vector<Item*> elements;
  for (uint i = 0; i < item->arg_count; ++i) {
    Item* argument = item->arguments()[i];
    if (argument->type() == Item::ROW_ITEM)
      for (uint k = 0; k < argument->cols(); ++k) elements.push_back(argument->element_index(k));
    else
      elements.push_back(argument);
  }
  bool integers = true;
  for (Item* element : elements) {
    integers &= element->result_type() == INT_RESULT;
    if (element->result_type() == DECIMAL_RESULT)
      return NotSupported("function INTERVAL of decimals");
  }
  std::vector<ExprPtr> args;
  for (Item* element : elements) {
    Result<ExprPtr> value = integers ? AsInteger(element) : AsReal(element);
    if (!value) return value;
    args.push_back(std::move(*value));
  }
  return Call(ExprOp::kInterval, plan::IntType(false), std::move(args));
}

Result<ExprPtr> Translator::FirstArgument(Item_func* item) { return ValueOf(item->arguments()[0]); }

}  // namespace sirocco::plugin
