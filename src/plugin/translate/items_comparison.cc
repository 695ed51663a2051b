// Comparison and logic. MySQL decides once per comparison how the two values meet (Arg_comparator);
// the class is made explicit here and both sides are brought into it.
#include <algorithm>
#include <cmath>

#include "plugin/translate/translator.h"

namespace sirocco::plugin {

using plan::Call;
using plan::Value;

namespace {

Type BoolType(const Item* item) { return plan::IntType(item->is_nullable()); }

ExprPtr Negated(ExprPtr value) {
  const Type type = plan::IntType(value->type.nullable);
  return Call(ExprOp::kNot, type, {std::move(value)});
}

ExprOp ComparisonOp(Item_func::Functype functype) {
  switch (functype) {
    case Item_func::EQ_FUNC:
      return ExprOp::kEq;
    case Item_func::EQUAL_FUNC:
      return ExprOp::kNullSafeEq;
    case Item_func::NE_FUNC:
      return ExprOp::kNe;
    case Item_func::LT_FUNC:
      return ExprOp::kLt;
    case Item_func::LE_FUNC:
      return ExprOp::kLe;
    case Item_func::GE_FUNC:
      return ExprOp::kGe;
    default:
      return ExprOp::kGt;
  }
}

bool IsYear(const Item* item) { return item->data_type() == MYSQL_TYPE_YEAR; }

// Time of day of a packed datetime.
constexpr int64_t kTimeOfDayMask = (int64_t{1} << 41) - 1;

}  // namespace

Result<CompareClass> Translator::ClassOf(Item* a, Item* b) {
  if (a->data_type() == MYSQL_TYPE_JSON || b->data_type() == MYSQL_TYPE_JSON)
    return NotSupported("comparison of JSON values");
  if (a->data_type() == MYSQL_TYPE_VECTOR || b->data_type() == MYSQL_TYPE_VECTOR ||
      a->data_type() == MYSQL_TYPE_GEOMETRY || b->data_type() == MYSQL_TYPE_GEOMETRY)
    return NotSupported("comparison of VECTOR or spatial values");
  const bool a_null = a->type() == Item::NULL_ITEM, b_null = b->type() == Item::NULL_ITEM;
  if (a_null && b_null) return CompareClass::kInteger;
  if (a_null) return ClassOf(b, b);
  if (b_null) return ClassOf(a, a);
  if (a->data_type() == MYSQL_TYPE_TIME && b->data_type() == MYSQL_TYPE_TIME)
    return CompareClass::kTime;
  if (a->data_type() == MYSQL_TYPE_DATE && b->data_type() == MYSQL_TYPE_DATE)
    return CompareClass::kDate;
  if (Arg_comparator::can_compare_as_dates(a, b)) {
    const Item* other = a->is_temporal_with_date() ? b : a;
    if (!other->is_temporal() && !other->const_for_execution())
      return NotSupported("comparison of a date with a string column");
    if (IsYear(a) || IsYear(b)) return NotSupported("comparison of YEAR with a date");
    return CompareClass::kDatetime;
  }
  if ((IsYear(a) && b->is_temporal_with_date()) || (IsYear(b) && a->is_temporal_with_date()))
    return NotSupported("comparison of YEAR with a date");
  const Item_result left = a->result_type(), right = b->result_type();
  if (left == STRING_RESULT && right == STRING_RESULT) {
    if (a->is_temporal() != b->is_temporal()) {
      // TIME against a string is compared as text; only a constant can be converted here.
      if (!a->const_for_execution() && !b->const_for_execution())
        return NotSupported("comparison of a time with a string column");
    }
    return CompareClass::kString;
  }
  if (left == ROW_RESULT || right == ROW_RESULT) return NotSupported("comparison of rows");
  if (left == INT_RESULT && right == INT_RESULT) return CompareClass::kInteger;
  if ((left == INT_RESULT || left == DECIMAL_RESULT) &&
      (right == INT_RESULT || right == DECIMAL_RESULT))
    return CompareClass::kDecimal;
  if ((left == DECIMAL_RESULT && !a->const_item() && right == STRING_RESULT && b->const_item()) ||
      (right == DECIMAL_RESULT && !b->const_item() && left == STRING_RESULT && a->const_item()))
    return CompareClass::kDecimal;
  return CompareClass::kReal;
}

Result<ExprPtr> Translator::AsClass(Item* item, CompareClass compare_class,
                                    const CHARSET_INFO* collation) {
  switch (compare_class) {
    case CompareClass::kInteger:
      return AsInteger(item);
    case CompareClass::kDecimal:
      return AsNumber(item);
    case CompareClass::kReal:
      return AsReal(item);
    case CompareClass::kString:
      return AsStringIn(item, collation);
    case CompareClass::kDate:
      return AsDate(item);
    case CompareClass::kTime:
      return AsTime(item);
    case CompareClass::kDatetime:
      return AsDatetime(item);
  }
  return NotSupported("comparison");
}

// DATE against a DATETIME constant at midnight is a comparison of dates.
void Translator::SimplifyDatetimePair(ExprPtr* a, ExprPtr* b, CompareClass* compare_class) {
  if (*compare_class != CompareClass::kDatetime) return;
  const auto is_date_cast = [](const Expr& expr) {
    return expr.op == ExprOp::kCast && expr.args[0]->type.kind == TypeKind::kDate;
  };
  const auto is_midnight = [](const Expr& expr) {
    return expr.op == ExprOp::kConstant && !expr.constant.is_null &&
           expr.type.kind == TypeKind::kDatetime &&
           (static_cast<int64_t>(expr.constant.integer) & kTimeOfDayMask) == 0;
  };
  const auto to_date = [](const Expr& expr) {
    // Packed: (year * 13 + month) << 5 | day, above 41 bits of time.
    const int64_t ymd = static_cast<int64_t>(expr.constant.integer) >> 41;
    const int64_t year_month = ymd >> 5;
    return plan::Constant(Value::Int((year_month / 13) << 9 | (year_month % 13) << 5 | (ymd & 31)),
                          plan::DateType(false));
  };
  for (int side = 0; side < 2; ++side) {
    ExprPtr* column = side == 0 ? a : b;
    ExprPtr* constant = side == 0 ? b : a;
    if (is_date_cast(**column) && is_midnight(**constant)) {
      *column = (*column)->args[0];
      *constant = to_date(**constant);
      *compare_class = CompareClass::kDate;
      return;
    }
  }
}

Result<ExprPtr> Translator::CompareAs(ExprOp op, Item* a, Item* b, CompareClass compare_class,
                                      const CHARSET_INFO* collation) {
  ASSIGN_OR_RETURN(ExprPtr left, AsClass(a, compare_class, collation));
  ASSIGN_OR_RETURN(ExprPtr right, AsClass(b, compare_class, collation));
  SimplifyDatetimePair(&left, &right, &compare_class);
  const bool nullable = op != ExprOp::kNullSafeEq && (left->type.nullable || right->type.nullable);
  const Type type = plan::IntType(nullable);
  if (compare_class == CompareClass::kReal && a->decimals < DECIMAL_NOT_SPECIFIED &&
      b->decimals < DECIMAL_NOT_SPECIFIED) {
    // Two values with a declared number of decimals are equal when they differ by less than half of
    // the last one.
    const double precision = 5 / std::pow(10.0, std::max(a->decimals, b->decimals) + 1);
    const Type real = plan::DoubleType(nullable);
    ExprPtr difference = Call(ExprOp::kAbs, real, {Call(ExprOp::kSub, real, {left, right})});
    ExprPtr equal = Call(
        ExprOp::kLt, type,
        {std::move(difference), plan::Constant(Value::Real(precision), plan::DoubleType(false))});
    switch (op) {
      case ExprOp::kEq:
        return equal;
      case ExprOp::kNe:
        return Negated(std::move(equal));
      case ExprOp::kLt:
      case ExprOp::kGt:
        return Call(ExprOp::kAnd, type, {Call(op, type, {left, right}), Negated(std::move(equal))});
      case ExprOp::kLe:
      case ExprOp::kGe:
        return Call(ExprOp::kOr, type, {Call(op, type, {left, right}), std::move(equal)});
      default:
        return NotSupported("<=> of floating-point values with fixed decimals");
    }
  }
  return Call(op, type, {std::move(left), std::move(right)},
              compare_class == CompareClass::kString ? collation->number : 0);
}

Result<const CHARSET_INFO*> Translator::ComparisonCollation(Item** args, uint count,
                                                            const char* function) {
  // As the server does it, but without its error: MySQL may well run the statement.
  constexpr uint kFlags =
      MY_COLL_ALLOW_SUPERSET_CONV | MY_COLL_ALLOW_COERCIBLE_CONV | MY_COLL_ALLOW_NUMERIC_CONV;
  Derivation strongest = DERIVATION_NONE;
  for (uint i = 0; i < count; ++i) strongest = std::min(strongest, args[i]->collation.derivation);
  DTCollation collation;
  bool any = false;
  for (uint i = 0; i < count; ++i) {
    if (args[i]->collation.derivation != strongest) continue;
    if (!any) {
      collation.set(args[i]->collation);
    } else if (collation.aggregate(args[i]->collation, kFlags) ||
               collation.derivation == DERIVATION_NONE) {
      return NotSupported(std::string("illegal mix of collations in ") + function);
    }
    any = true;
  }
  if (collation.derivation == DERIVATION_NUMERIC) return Item::default_charset();
  return collation.collation;
}

Result<ExprPtr> Translator::ComparePair(ExprOp op, const Arg_comparator* comparator, Item* a,
                                        Item* b) {
  if (comparator->compare_as_json()) return NotSupported("comparison of JSON values");
  ASSIGN_OR_RETURN(const CompareClass compare_class, ClassOf(a, b));
  const CHARSET_INFO* collation = comparator->cmp_collation.collation;
  if (compare_class == CompareClass::kDatetime) {
    // A string constant has been converted to a datetime when the comparison was resolved.
    a = *comparator->get_left_ptr();
    b = comparator->get_right();
  }
  return CompareAs(op, a, b, compare_class, collation);
}

Result<ExprPtr> Translator::CompareRows(ExprOp op, Item* a, Item* b) {
  if (op != ExprOp::kEq && op != ExprOp::kNe) return NotSupported("comparison of rows by order");
  std::vector<ExprPtr> terms;
  for (uint i = 0; i < a->cols(); ++i) {
    Item *left = a->element_index(i), *right = b->element_index(i);
    if (left->type() == Item::ROW_ITEM) return NotSupported("nested rows");
    ASSIGN_OR_RETURN(const CompareClass compare_class, ClassOf(left, right));
    const CHARSET_INFO* collation = &my_charset_bin;
    if (compare_class == CompareClass::kString) {
      Item* pair[2] = {left, right};
      ASSIGN_OR_RETURN(collation, ComparisonCollation(pair, 2, "="));
    }
    ASSIGN_OR_RETURN(ExprPtr term, CompareAs(ExprOp::kEq, left, right, compare_class, collation));
    terms.push_back(std::move(term));
  }
  ExprPtr all = plan::Conjunction(std::move(terms));
  return op == ExprOp::kEq ? all : Negated(std::move(all));
}

Result<ExprPtr> Translator::Comparison(Item_func* item) {
  auto* comparison = down_cast<Item_bool_func2*>(item);
  Item *a = item->arguments()[0], *b = item->arguments()[1];
  const ExprOp op = ComparisonOp(item->functype());
  if (a->type() == Item::ROW_ITEM || b->type() == Item::ROW_ITEM) return CompareRows(op, a, b);
  return ComparePair(op, comparison->get_comparator(), a, b);
}

Result<ExprPtr> Translator::Between(Item_func* item) {
  auto* between = down_cast<Item_func_between*>(item);
  Item** args = item->arguments();
  std::vector<ExprPtr> terms;
  for (uint bound = 1; bound <= 2; ++bound) {
    CompareClass compare_class = CompareClass::kInteger;
    if (between->compare_as_times) {
      compare_class = CompareClass::kTime;
    } else if (between->compare_as_dates) {
      compare_class = CompareClass::kDate;
    } else if (between->compare_as_datetimes || between->compare_as_datetimes_with_strings) {
      ASSIGN_OR_RETURN(compare_class, ClassOf(args[0], args[bound]));
      if (compare_class != CompareClass::kDate && compare_class != CompareClass::kDatetime &&
          !(args[0]->is_temporal() && args[bound]->is_temporal()))
        return NotSupported("BETWEEN of dates and other types");
      if (compare_class == CompareClass::kString || compare_class == CompareClass::kTime)
        compare_class = CompareClass::kDatetime;
    } else {
      switch (between->cmp_type) {
        case STRING_RESULT: {
          for (uint i = 0; i < 3; ++i)
            if (args[i]->is_temporal() || args[i]->data_type() == MYSQL_TYPE_JSON)
              return NotSupported("BETWEEN of a time or JSON value and strings");
          compare_class = CompareClass::kString;
          break;
        }
        case INT_RESULT:
          if (args[0]->is_temporal() && !IsYear(args[0]))
            compare_class = args[0]->data_type() == MYSQL_TYPE_TIME ? CompareClass::kTime
                                                                    : CompareClass::kDatetime;
          break;
        case DECIMAL_RESULT:
          compare_class = CompareClass::kDecimal;
          break;
        case REAL_RESULT:
          compare_class = CompareClass::kReal;
          break;
        default:
          return NotSupported("BETWEEN of rows");
      }
    }
    // BETWEEN compares doubles exactly, whatever their declared decimals.
    ASSIGN_OR_RETURN(ExprPtr left, AsClass(args[0], compare_class, between->compare_collation()));
    ASSIGN_OR_RETURN(ExprPtr right,
                     AsClass(args[bound], compare_class, between->compare_collation()));
    SimplifyDatetimePair(&left, &right, &compare_class);
    const Type type = plan::IntType(left->type.nullable || right->type.nullable);
    terms.push_back(
        Call(bound == 1 ? ExprOp::kGe : ExprOp::kLe, type, {std::move(left), std::move(right)},
             compare_class == CompareClass::kString ? between->compare_collation()->number : 0));
  }
  ExprPtr both = plan::Conjunction(std::move(terms));
  return between->negated ? Negated(std::move(both)) : both;
}

Result<ExprPtr> Translator::In(Item_func* item) {
  auto* in = down_cast<Item_func_in*>(item);
  Item** args = item->arguments();
  if (args[0]->type() == Item::ROW_ITEM || args[0]->cols() > 1) {
    std::vector<ExprPtr> choices;
    for (uint i = 1; i < item->arg_count; ++i) {
      ASSIGN_OR_RETURN(ExprPtr choice, CompareRows(ExprOp::kEq, args[0], args[i]));
      choices.push_back(std::move(choice));
    }
    ExprPtr any =
        choices.size() == 1 ? choices[0] : Call(ExprOp::kOr, BoolType(item), std::move(choices));
    return in->negated ? Negated(std::move(any)) : any;
  }
  // The classes may differ from one value to the next; MySQL then compares each in its own.
  bool any_temporal = false;
  for (uint i = 0; i < item->arg_count; ++i) any_temporal |= is_temporal_type(args[i]->data_type());
  std::vector<CompareClass> classes;
  for (uint i = 1; i < item->arg_count; ++i) {
    CompareClass compare_class = CompareClass::kString;
    if (any_temporal && args[i]->type() != Item::NULL_ITEM &&
        (!is_temporal_type(args[0]->data_type()) || IsYear(args[0])))
      return NotSupported("IN with temporal values in the list");
    if (is_temporal_type(args[0]->data_type()) && !IsYear(args[0])) {
      // Constants of another type are converted to the left argument's type.
      if (!args[i]->const_for_execution() && args[i]->data_type() != args[0]->data_type())
        return NotSupported("IN of different temporal types");
      if (args[i]->const_for_execution() && !args[i]->is_temporal() &&
          args[i]->result_type() != STRING_RESULT && args[i]->type() != Item::NULL_ITEM)
        return NotSupported("IN of a date and numbers");
      compare_class = args[0]->data_type() == MYSQL_TYPE_DATE   ? CompareClass::kDate
                      : args[0]->data_type() == MYSQL_TYPE_TIME ? CompareClass::kTime
                                                                : CompareClass::kDatetime;
      if (args[i]->is_temporal() && args[i]->data_type() != args[0]->data_type())
        compare_class = CompareClass::kDatetime;
    } else {
      ASSIGN_OR_RETURN(compare_class, ClassOf(args[0], args[i]));
    }
    classes.push_back(compare_class);
  }
  bool uniform = true;
  for (const CompareClass& compare_class : classes) uniform &= compare_class == classes[0];
  const CHARSET_INFO* collation = in->compare_collation();
  if (collation == nullptr || !uniform) {
    collation = &my_charset_bin;
    std::vector<Item*> strings;
    for (uint i = 0; i < item->arg_count; ++i)
      if (args[i]->result_type() == STRING_RESULT) strings.push_back(args[i]);
    if (!strings.empty() && args[0]->result_type() == STRING_RESULT) {
      ASSIGN_OR_RETURN(
          collation, ComparisonCollation(strings.data(), static_cast<uint>(strings.size()), "in"));
    }
  }
  if (!uniform || item->arg_count == 2) {
    std::vector<ExprPtr> choices;
    for (uint i = 1; i < item->arg_count; ++i) {
      ASSIGN_OR_RETURN(ExprPtr left, AsClass(args[0], classes[i - 1], collation));
      ASSIGN_OR_RETURN(ExprPtr right, AsClass(args[i], classes[i - 1], collation));
      const Type type = plan::IntType(left->type.nullable || right->type.nullable);
      choices.push_back(Call(ExprOp::kEq, type, {std::move(left), std::move(right)},
                             classes[i - 1] == CompareClass::kString ? collation->number : 0));
    }
    ExprPtr any =
        choices.size() == 1 ? choices[0] : Call(ExprOp::kOr, BoolType(item), std::move(choices));
    return in->negated ? Negated(std::move(any)) : any;
  }
  std::vector<ExprPtr> values;
  for (uint i = 0; i < item->arg_count; ++i) {
    ASSIGN_OR_RETURN(ExprPtr value, AsClass(args[i], classes[0], collation));
    values.push_back(std::move(value));
  }
  return Call(in->negated ? ExprOp::kNotIn : ExprOp::kIn, BoolType(item), std::move(values),
              classes[0] == CompareClass::kString ? collation->number : 0);
}

Result<ExprPtr> Translator::Like(Item_func* item) {
  const CHARSET_INFO* collation = item->compare_collation();
  std::vector<ExprPtr> args;
  for (uint i = 0; i < std::min(item->arg_count, 2U); ++i) {
    ASSIGN_OR_RETURN(ExprPtr value, AsStringIn(item->arguments()[i], collation));
    args.push_back(std::move(value));
  }
  if (item->arg_count > 2) {
    if (!item->arguments()[2]->const_for_execution())
      return NotSupported("LIKE with a variable escape character");
    // NULL means the backslash, the empty string none.
    ASSIGN_OR_RETURN(ExprPtr escape, AsStringIn(item->arguments()[2], collation));
    if (!escape->constant.is_null) args.push_back(std::move(escape));
  } else if ((thd_->variables.sql_mode & MODE_NO_BACKSLASH_ESCAPES) != 0) {
    args.push_back(plan::Constant(Value::Bytes(""), StringTypeIn(collation, 0, false)));
  }
  return Call(ExprOp::kLike, BoolType(item), std::move(args), collation->number);
}

Result<ExprPtr> Translator::IsNull(Item_func* item) {
  Item* argument = item->arguments()[0];
  ASSIGN_OR_RETURN(ExprPtr value, ValueOf(argument));
  // A conversion to local time does not change whether there is a value.
  if (value->op == ExprOp::kTimestampToDatetime) value = value->args[0];
  return Call(item->functype() == Item_func::ISNULL_FUNC ? ExprOp::kIsNull : ExprOp::kIsNotNull,
              plan::IntType(false), {std::move(value)});
}

Result<ExprPtr> Translator::Truth(Item_func* item) {
  ASSIGN_OR_RETURN(ExprPtr value, AsCondition(item->arguments()[0]));
  const std::string_view name = item->func_name();
  const ExprOp op = name == "is true"       ? ExprOp::kIsTrue
                    : name == "is not true" ? ExprOp::kIsNotTrue
                    : name == "is false"    ? ExprOp::kIsFalse
                                            : ExprOp::kIsNotFalse;
  return Call(op, plan::IntType(false), {std::move(value)});
}

Result<ExprPtr> Translator::Not(Item_func* item) {
  if (item->functype() == Item_func::NOT_ALL_FUNC)
    return NotSupported("ALL or ANY subquery left in the plan");
  ASSIGN_OR_RETURN(ExprPtr value, AsCondition(item->arguments()[0]));
  return Negated(std::move(value));
}

Result<ExprPtr> Translator::Xor(Item_func* item) {
  ASSIGN_OR_RETURN(ExprPtr left, AsCondition(item->arguments()[0]));
  ASSIGN_OR_RETURN(ExprPtr right, AsCondition(item->arguments()[1]));
  return Call(ExprOp::kXor, BoolType(item), {std::move(left), std::move(right)});
}

Result<ExprPtr> Translator::Strcmp(Item_func* item) {
  const CHARSET_INFO* collation = item->compare_collation();
  ASSIGN_OR_RETURN(ExprPtr left, AsStringIn(item->arguments()[0], collation));
  ASSIGN_OR_RETURN(ExprPtr right, AsStringIn(item->arguments()[1], collation));
  return Call(ExprOp::kStrcmp, BoolType(item), {std::move(left), std::move(right)},
              collation->number);
}

Result<ExprPtr> Translator::MultiEquality(Item_func* item) {
  auto* equality = down_cast<Item_multi_eq*>(item);
  Item* first = equality->const_arg();
  std::vector<ExprPtr> terms;
  for (Item_field& field : equality->get_fields()) {
    if (first != nullptr) {
      ASSIGN_OR_RETURN(const CompareClass compare_class, ClassOf(&field, first));
      const CHARSET_INFO* collation = &my_charset_bin;
      if (compare_class == CompareClass::kString) {
        Item* pair[2] = {&field, first};
        ASSIGN_OR_RETURN(collation, ComparisonCollation(pair, 2, "="));
      }
      ASSIGN_OR_RETURN(ExprPtr term,
                       CompareAs(ExprOp::kEq, &field, first, compare_class, collation));
      terms.push_back(std::move(term));
    }
    if (first == nullptr) first = &field;
  }
  if (terms.empty()) return NotSupported("multiple equality of one member");
  return plan::Conjunction(std::move(terms));
}

Result<ExprPtr> Translator::TriggerCondition(Item_func*) {
  return NotSupported("triggered join condition");
}

Result<ExprPtr> Translator::RejectIf(Item_func* item) {
  ASSIGN_OR_RETURN(ExprPtr condition, AsCondition(item->arguments()[0]));
  // The item itself gives NOT condition for rows it lets pass, that is 1.
  return Call(ExprOp::kRejectIf, plan::IntType(false),
              {std::move(condition), plan::Constant(Value::Int(1), plan::IntType(false))});
}

}  // namespace sirocco::plugin
