// Arithmetic and numeric functions. A decimal operation gets the digits MySQL's decimal library really produces: + and -
// the larger scale, * the sum of scales, / a multiple of nine digits, truncated (see mysqlsem/decimal.h). The declared
// scale only comes into play where a value leaves the expression (Translator::Output).
#include <algorithm>

#include "plugin/translate/translator.h"

namespace sirocco::plugin {

using plan::Call;
using plan::Value;

namespace {

int IntegerDigits(const Type& type) { return type.kind == TypeKind::kDecimal ? type.precision - type.scale : 20; }
int Scale(const Type& type) { return type.kind == TypeKind::kDecimal ? type.scale : 0; }

// Digits before the point: constants know theirs.
int IntegerDigits(const Expr& expr) {
  if (expr.op == ExprOp::kConstant && expr.type.IsInteger()) {
    int digits = 1;
    for (plan::int128 v = expr.constant.integer < 0 ? -expr.constant.integer : expr.constant.integer; v >= 10; v /= 10)
      ++digits;
    return digits;
  }
  return IntegerDigits(expr.type);
}

// Past 30 digits after the point the server's arithmetic cuts, and the engine's with it.
Type DecimalResult(int integer_digits, int scale, bool nullable) {
  scale = std::min(scale, int{DECIMAL_MAX_SCALE});
  const int precision = std::clamp(integer_digits + scale, 1, int{DECIMAL_MAX_PRECISION});
  return plan::DecimalType(static_cast<uint8_t>(precision), static_cast<uint8_t>(scale), nullable);
}

ExprOp ArithmeticOp(std::string_view name) {
  switch (name[0]) {
    case '+': return ExprOp::kAdd;
    case '-': return ExprOp::kSub;
    case '*': return ExprOp::kMul;
    default: return ExprOp::kMod;
  }
}

}  // namespace

Result<ExprPtr> Translator::Arithmetic(Item_func* item) {
  // Unary and binary minus share the name.
  if (item->arg_count == 1) return Negate(item);
  Item** args = item->arguments();
  const ExprOp op = ArithmeticOp(item->func_name());
  ASSIGN_OR_RETURN(Type type, TypeOfItem(item));
  // x % 0 is NULL.
  switch (item->result_type()) {
    case INT_RESULT: {
      ASSIGN_OR_RETURN(ExprPtr left, AsInteger(args[0]));
      ASSIGN_OR_RETURN(ExprPtr right, AsInteger(args[1]));
      return Call(op, type, {std::move(left), std::move(right)});
    }
    case DECIMAL_RESULT: {
      ASSIGN_OR_RETURN(ExprPtr left, AsNumber(args[0]));
      ASSIGN_OR_RETURN(ExprPtr right, AsNumber(args[1]));
      const int scale1 = Scale(left->type), scale2 = Scale(right->type);
      const int digits1 = IntegerDigits(*left), digits2 = IntegerDigits(*right);
      const int scale = op == ExprOp::kMul ? scale1 + scale2 : std::max(scale1, scale2);
      const int digits = op == ExprOp::kMul   ? digits1 + digits2
                         : op == ExprOp::kMod ? std::max(digits1, digits2)
                                              : std::max(digits1, digits2) + 1;
      type = DecimalResult(digits, scale, type.nullable);
      return Call(op, type, {std::move(left), std::move(right)});
    }
    case REAL_RESULT: {
      ASSIGN_OR_RETURN(ExprPtr left, AsReal(args[0]));
      ASSIGN_OR_RETURN(ExprPtr right, AsReal(args[1]));
      return Call(op, type, {std::move(left), std::move(right)});
    }
    default:
      return NotSupported(std::string("arithmetic operator ") + item->func_name() + " on these types");
  }
}

Result<ExprPtr> Translator::Division(Item_func* item) {
  Item** args = item->arguments();
  ASSIGN_OR_RETURN(Type type, TypeOfItem(item));
  type.nullable = true;
  if (item->result_type() == REAL_RESULT) {
    ASSIGN_OR_RETURN(ExprPtr left, AsReal(args[0]));
    ASSIGN_OR_RETURN(ExprPtr right, AsReal(args[1]));
    return Call(ExprOp::kDiv, type, {std::move(left), std::move(right)});
  }
  ASSIGN_OR_RETURN(ExprPtr left, AsNumber(args[0]));
  ASSIGN_OR_RETURN(ExprPtr right, AsNumber(args[1]));
  const int scale = DivisionDigits(Scale(left->type), Scale(right->type), thd_->variables.div_precincrement);
  const int digits = IntegerDigits(*left) + Scale(right->type);
  type = DecimalResult(digits, scale, true);
  return Call(ExprOp::kDiv, type, {std::move(left), std::move(right)});
}

Result<ExprPtr> Translator::IntegerDivision(Item_func* item) {
  Item** args = item->arguments();
  ASSIGN_OR_RETURN(Type type, TypeOfItem(item));
  type.nullable = true;
  const bool integers = args[0]->result_type() == INT_RESULT && args[1]->result_type() == INT_RESULT;
  if (!integers && (args[0]->result_type() == REAL_RESULT || args[1]->result_type() == REAL_RESULT ||
                    args[0]->result_type() == STRING_RESULT || args[1]->result_type() == STRING_RESULT))
    return NotSupported("DIV of floating-point or string values");
  ASSIGN_OR_RETURN(ExprPtr left, AsNumber(args[0]));
  ASSIGN_OR_RETURN(ExprPtr right, AsNumber(args[1]));
  return Call(ExprOp::kIntDiv, type, {std::move(left), std::move(right)});
}

Result<ExprPtr> Translator::Negate(Item_func* item) {
  Item* argument = item->arguments()[0];
  ASSIGN_OR_RETURN(Type type, TypeOfItem(item));
  Result<ExprPtr> value = item->result_type() == INT_RESULT    ? AsInteger(argument)
                          : item->result_type() == REAL_RESULT ? AsReal(argument)
                                                               : AsDecimal(argument);
  if (!value) return value;
  if ((*value)->type.kind == TypeKind::kDecimal && type.kind == TypeKind::kDecimal) {
    const bool nullable = type.nullable;
    type = (*value)->type;
    type.nullable = nullable;
  }
  return Call(ExprOp::kNeg, type, {std::move(*value)});
}

Result<ExprPtr> Translator::Absolute(Item_func* item) {
  Item* argument = item->arguments()[0];
  ASSIGN_OR_RETURN(Type type, TypeOfItem(item));
  Result<ExprPtr> value = item->result_type() == INT_RESULT    ? AsInteger(argument)
                          : item->result_type() == REAL_RESULT ? AsReal(argument)
                                                               : AsDecimal(argument);
  if (!value) return value;
  if ((*value)->type.kind == TypeKind::kDecimal && type.kind == TypeKind::kDecimal) {
    const bool nullable = type.nullable;
    type = (*value)->type;
    type.nullable = nullable;
  }
  return Call(ExprOp::kAbs, type, {std::move(*value)});
}

Result<ExprPtr> Translator::Round(Item_func* item) {
  Item** args = item->arguments();
  ASSIGN_OR_RETURN(Type type, TypeOfItem(item));
  const ExprOp op = item->functype() == Item_func::TRUNCATE_FUNC ? ExprOp::kTruncate : ExprOp::kRound;
  Result<ExprPtr> value = item->result_type() == INT_RESULT    ? AsInteger(args[0])
                          : item->result_type() == REAL_RESULT ? AsReal(args[0])
                                                               : AsNumber(args[0]);
  if (!value) return value;
  std::vector<ExprPtr> arguments{std::move(*value)};
  if (item->arg_count > 1) {
    if (!args[1]->const_for_execution()) return NotSupported("ROUND or TRUNCATE to a variable number of digits");
    ASSIGN_OR_RETURN(ExprPtr digits, AsInteger(args[1]));
    if (digits->constant.is_null) return plan::Constant(Value::Null(), type);
    if (type.kind == TypeKind::kDecimal) {
      // The digits asked for, but not more than the item declares (30, or the argument's when it has fewer).
      const plan::int128 wanted = digits->constant.integer;
      if (wanted > type.scale) digits = plan::Constant(Value::Int(type.scale), plan::IntType(false));
    }
    arguments.push_back(std::move(digits));
  } else if (type.kind == TypeKind::kDecimal) {
    type.scale = 0;
  }
  return Call(op, type, std::move(arguments));
}

// CEILING and FLOOR: a decimal argument gives an integer when it fits, else a decimal of scale 0.
Result<ExprPtr> Translator::Integral(Item_func* item) {
  Item* argument = item->arguments()[0];
  ASSIGN_OR_RETURN(const Type type, TypeOfItem(item));
  const ExprOp op = item->functype() == Item_func::CEILING_FUNC ? ExprOp::kCeil : ExprOp::kFloor;
  if (argument->result_type() == INT_RESULT) return AsInteger(argument);
  Result<ExprPtr> value = argument->result_type() == DECIMAL_RESULT ? AsDecimal(argument) : AsReal(argument);
  if (!value) return value;
  return Call(op, type, {std::move(*value)});
}

Result<ExprPtr> Translator::Sign(Item_func* item) {
  Item* argument = item->arguments()[0];
  Result<ExprPtr> value = argument->result_type() == INT_RESULT || argument->result_type() == DECIMAL_RESULT
                              ? AsNumber(argument)
                              : AsReal(argument);
  if (!value) return value;
  return Call(ExprOp::kSign, plan::IntType(item->is_nullable()), {std::move(*value)});
}

// LOG(x) is LN(x), LOG(base, x) is LN(x) / LN(base) with NULL for an illegal base.
Result<ExprPtr> Translator::Log(Item_func* item) {
  if (item->arg_count != 1) return NotSupported("function LOG with a base is not supported");
  return GenericFunction(item, ExprOp::kLn, "r");
}

Result<ExprPtr> Translator::Atan(Item_func* item) {
  return GenericFunction(item, item->arg_count == 1 ? ExprOp::kAtan : ExprOp::kAtan2, "r*");
}

Result<ExprPtr> Translator::BitOperation(Item_func* item) {
  if (item->result_type() != INT_RESULT) return NotSupported("bit operation on binary strings");
  const std::string_view name = item->func_name();
  const ExprOp op = name == "&"    ? ExprOp::kBitAnd
                    : name == "|"  ? ExprOp::kBitOr
                    : name == "^"  ? ExprOp::kBitXor
                    : name == "<<" ? ExprOp::kShiftLeft
                    : name == ">>" ? ExprOp::kShiftRight
                                   : ExprOp::kBitNot;
  ASSIGN_OR_RETURN(const Type type, TypeOfItem(item));
  std::vector<ExprPtr> args;
  for (uint i = 0; i < item->arg_count; ++i) {
    ASSIGN_OR_RETURN(ExprPtr value, AsInteger(item->arguments()[i]));
    args.push_back(std::move(value));
  }
  return Call(op, type, std::move(args));
}

}  // namespace sirocco::plugin
