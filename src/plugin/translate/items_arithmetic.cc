// Arithmetic and numeric functions. Each operation has the scale its item declares: MySQL rounds
// every step to it (see mysqlsem/decimal.h). Only AVG is seen with all its digits by the expression
// around it.
#include <algorithm>

#include "plugin/translate/translator.h"

namespace sirocco::plugin {

using plan::Call;
using plan::Value;

namespace {

// An expression whose value may be out of range: the error quotes what the server prints for it.
ExprPtr AsPrinted(Item* item, ExprPtr value) {
  return plan::Labelled(std::move(value), PrintedText(item));
}

ExprOp ArithmeticOp(std::string_view name) {
  switch (name[0]) {
    case '+':
      return ExprOp::kAdd;
    case '-':
      return ExprOp::kSub;
    case '*':
      return ExprOp::kMul;
    default:
      return ExprOp::kMod;
  }
}

}  // namespace

Result<ExprPtr> Translator::Arithmetic(Item_func* item) {
  // Unary and binary minus share the name.
  if (item->arg_count == 1) return Negate(item);
  Item** args = item->arguments();
  const ExprOp op = ArithmeticOp(item->func_name());
  ASSIGN_OR_RETURN(const Type type, TypeOfItem(item));
  switch (item->result_type()) {
    case INT_RESULT: {
      ASSIGN_OR_RETURN(ExprPtr left, AsInteger(args[0]));
      ASSIGN_OR_RETURN(ExprPtr right, AsInteger(args[1]));
      return AsPrinted(item, Call(op, type, {std::move(left), std::move(right)}));
    }
    case DECIMAL_RESULT: {
      ASSIGN_OR_RETURN(ExprPtr left, AsNumber(args[0]));
      ASSIGN_OR_RETURN(ExprPtr right, AsNumber(args[1]));
      return AsPrinted(item, Call(op, type, {std::move(left), std::move(right)}));
    }
    case REAL_RESULT: {
      ASSIGN_OR_RETURN(ExprPtr left, AsReal(args[0]));
      ASSIGN_OR_RETURN(ExprPtr right, AsReal(args[1]));
      return AsPrinted(item, Call(op, type, {std::move(left), std::move(right)}));
    }
    default:
      return NotSupported(std::string("arithmetic operator ") + item->func_name() +
                          " on these types");
  }
}

Result<ExprPtr> Translator::Division(Item_func* item) {
  Item** args = item->arguments();
  ASSIGN_OR_RETURN(Type type, TypeOfItem(item));
  type.nullable = true;
  if (item->result_type() == REAL_RESULT) {
    ASSIGN_OR_RETURN(ExprPtr left, AsReal(args[0]));
    ASSIGN_OR_RETURN(ExprPtr right, AsReal(args[1]));
    return AsPrinted(item, Call(ExprOp::kDiv, type, {std::move(left), std::move(right)}));
  }
  ASSIGN_OR_RETURN(ExprPtr left, AsNumber(args[0]));
  ASSIGN_OR_RETURN(ExprPtr right, AsNumber(args[1]));
  return Call(ExprOp::kDiv, type, {std::move(left), std::move(right)});
}

Result<ExprPtr> Translator::IntegerDivision(Item_func* item) {
  Item** args = item->arguments();
  ASSIGN_OR_RETURN(Type type, TypeOfItem(item));
  type.nullable = true;
  const bool integers =
      args[0]->result_type() == INT_RESULT && args[1]->result_type() == INT_RESULT;
  if (!integers &&
      (args[0]->result_type() == REAL_RESULT || args[1]->result_type() == REAL_RESULT ||
       args[0]->result_type() == STRING_RESULT || args[1]->result_type() == STRING_RESULT))
    return NotSupported("DIV of floating-point or string values");
  ASSIGN_OR_RETURN(ExprPtr left, AsNumber(args[0]));
  ASSIGN_OR_RETURN(ExprPtr right, AsNumber(args[1]));
  return AsPrinted(item, Call(ExprOp::kIntDiv, type, {std::move(left), std::move(right)}));
}

Result<ExprPtr> Translator::Negate(Item_func* item) {
  Item* argument = item->arguments()[0];
  ASSIGN_OR_RETURN(const Type type, TypeOfItem(item));
  Result<ExprPtr> value = item->result_type() == INT_RESULT    ? AsInteger(argument)
                          : item->result_type() == REAL_RESULT ? AsReal(argument)
                                                               : AsDecimal(argument);
  if (!value) return value;
  return AsPrinted(item, Call(ExprOp::kNeg, type, {std::move(*value)}));
}

Result<ExprPtr> Translator::Absolute(Item_func* item) {
  Item* argument = item->arguments()[0];
  ASSIGN_OR_RETURN(const Type type, TypeOfItem(item));
  Result<ExprPtr> value = item->result_type() == INT_RESULT    ? AsInteger(argument)
                          : item->result_type() == REAL_RESULT ? AsReal(argument)
                                                               : AsDecimal(argument);
  if (!value) return value;
  return AsPrinted(item, Call(ExprOp::kAbs, type, {std::move(*value)}));
}

Result<ExprPtr> Translator::Round(Item_func* item) {
  Item** args = item->arguments();
  ASSIGN_OR_RETURN(Type type, TypeOfItem(item));
  const ExprOp op =
      item->functype() == Item_func::TRUNCATE_FUNC ? ExprOp::kTruncate : ExprOp::kRound;
  Result<ExprPtr> value = item->result_type() == INT_RESULT    ? AsInteger(args[0])
                          : item->result_type() == REAL_RESULT ? AsReal(args[0])
                                                               : AsNumber(args[0]);
  if (!value) return value;
  std::vector<ExprPtr> arguments{std::move(*value)};
  if (item->arg_count > 1) {
    // The server prints as many digits of a decimal as each row asks for; a column of ours has one
    // scale.
    const bool constant = args[1]->const_for_execution();
    if (!constant && type.kind == TypeKind::kDecimal)
      return NotSupported("ROUND or TRUNCATE of a decimal to a variable number of digits");
    ASSIGN_OR_RETURN(ExprPtr digits, AsInteger(args[1]));
    if (constant && digits->constant.is_null) return plan::Constant(Value::Null(), type);
    if (type.kind == TypeKind::kDecimal) {
      // The digits asked for, but not more than the item declares (30, or the argument's when it
      // has fewer).
      const plan::int128 wanted = digits->constant.integer;
      if (wanted > type.scale)
        digits = plan::Constant(Value::Int(type.scale), plan::IntType(false));
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
  Result<ExprPtr> value =
      argument->result_type() == DECIMAL_RESULT ? AsDecimal(argument) : AsReal(argument);
  if (!value) return value;
  return Call(op, type, {std::move(*value)});
}

Result<ExprPtr> Translator::Sign(Item_func* item) {
  Item* argument = item->arguments()[0];
  Result<ExprPtr> value =
      argument->result_type() == INT_RESULT || argument->result_type() == DECIMAL_RESULT
          ? AsNumber(argument)
          : AsReal(argument);
  if (!value) return value;
  return Call(ExprOp::kSign, plan::IntType(item->is_nullable()), {std::move(*value)});
}

// LOG(x) is LN(x), LOG(base, x) is LN(x) / LN(base) with NULL for an illegal base.
Result<ExprPtr> Translator::Log(Item_func* item) {
  return GenericFunction(item, item->arg_count == 1 ? ExprOp::kLn : ExprOp::kLogBase, "r*");
}

// EXP, POW, ...: functions of doubles that may leave their range.
Result<ExprPtr> Translator::RealFunction(Item_func* item) {
  const std::string_view name = item->func_name();
  const ExprOp op = name == "exp"       ? ExprOp::kExp
                    : name == "pow"     ? ExprOp::kPow
                    : name == "tan"     ? ExprOp::kTan
                    : name == "cot"     ? ExprOp::kCot
                    : name == "degrees" ? ExprOp::kDegrees
                                        : ExprOp::kRadians;
  ASSIGN_OR_RETURN(ExprPtr value, GenericFunction(item, op, "r*"));
  return AsPrinted(item, std::move(value));
}

Result<ExprPtr> Translator::Atan(Item_func* item) {
  return GenericFunction(item, item->arg_count == 1 ? ExprOp::kAtan : ExprOp::kAtan2, "r*");
}

Result<ExprPtr> Translator::BitCount(Item_func* item) {
  Item* argument = item->arguments()[0];
  if (argument->result_type() == STRING_RESULT)
    return NotSupported("function BIT_COUNT of a string");
  ASSIGN_OR_RETURN(ExprPtr value, AsInteger(argument));
  return Call(ExprOp::kBitCount, plan::IntType(item->is_nullable()), {std::move(value)});
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
