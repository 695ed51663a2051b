// Date and time functions.
#include "plugin/translate/translator.h"

namespace sirocco::plugin {

using plan::Call;

namespace {

struct PartEntry {
  std::string_view name;
  interval_type unit;
};
constexpr PartEntry kParts[] = {
    {"year", INTERVAL_YEAR},     {"quarter", INTERVAL_QUARTER},
    {"month", INTERVAL_MONTH},   {"dayofmonth", INTERVAL_DAY},
    {"hour", INTERVAL_HOUR},     {"minute", INTERVAL_MINUTE},
    {"second", INTERVAL_SECOND}, {"microsecond", INTERVAL_MICROSECOND},
};

bool IsDateUnit(interval_type unit) {
  return unit == INTERVAL_YEAR || unit == INTERVAL_QUARTER || unit == INTERVAL_MONTH ||
         unit == INTERVAL_WEEK || unit == INTERVAL_DAY || unit == INTERVAL_YEAR_MONTH;
}

}  // namespace

// YEAR(), MONTH(), HOUR(), ...
Result<ExprPtr> Translator::ExtractPart(Item_func* item) {
  const std::string_view name = item->func_name();
  interval_type unit = INTERVAL_YEAR;
  for (const PartEntry& part : kParts)
    if (part.name == name) unit = part.unit;
  Item* argument = item->arguments()[0];
  if (IsDateUnit(unit) && argument->data_type() == MYSQL_TYPE_TIME)
    return NotSupported("date part of a time value (depends on the current date)");
  Result<ExprPtr> value = argument->is_temporal_with_date() ? ValueOf(argument)
                          : IsDateUnit(unit)                ? AsDate(argument)
                                                            : AsTime(argument);
  if (!value) return value;
  const bool signed_time = (*value)->type.kind == TypeKind::kTime;
  const Type type = plan::IntType(item->is_nullable());
  ExprPtr part = Call(ExprOp::kExtract, type, {std::move(*value)}, 0, unit);
  // HOUR(TIME'-01:00:00') is 1, EXTRACT(HOUR FROM ...) of it is -1.
  return signed_time ? Call(ExprOp::kAbs, type, {std::move(part)}) : part;
}

Result<ExprPtr> Translator::Extract(Item_func* item) {
  const interval_type unit = down_cast<Item_extract*>(item)->int_type;
  Item* argument = item->arguments()[0];
  if (IsDateUnit(unit) && argument->data_type() == MYSQL_TYPE_TIME)
    return NotSupported("date part of a time value (depends on the current date)");
  Result<ExprPtr> value = argument->is_temporal() && argument->data_type() != MYSQL_TYPE_YEAR
                              ? ValueOf(argument)
                          : IsDateUnit(unit) ? AsDate(argument)
                                             : AsDatetime(argument);
  if (!value) return value;
  std::vector<ExprPtr> args{std::move(*value)};
  if (unit == INTERVAL_WEEK) {
    // The bits mean the same as in WEEK(date, mode).
    args.push_back(plan::Constant(
        plan::Value::Int(static_cast<int64_t>(thd_->variables.default_week_format & 7)),
        plan::IntType(false)));
  }
  return Call(ExprOp::kExtract, plan::IntType(item->is_nullable()), std::move(args), 0, unit);
}

// DATE_ADD, DATE_SUB and date + INTERVAL.
Result<ExprPtr> Translator::DateArithmetic(Item_func* item) {
  auto* arithmetic = down_cast<Item_func_add_interval*>(item);
  Item *base = item->arguments()[0], *amount = item->arguments()[1];
  const interval_type unit = arithmetic->get_interval_type();
  ASSIGN_OR_RETURN(Type type, TypeOfItem(item));
  if (!base->is_temporal() || base->data_type() == MYSQL_TYPE_YEAR) {
    if (!base->const_for_execution())
      return NotSupported("interval added to a value that is no date or time");
  }
  Result<ExprPtr> value = type.kind == TypeKind::kTime   ? AsTime(base)
                          : type.kind == TypeKind::kDate ? AsDate(base)
                                                         : AsDatetime(base);
  if (!value) return value;
  if (type.kind == TypeKind::kString) return NotSupported("interval added to a string");
  const bool compound = unit > INTERVAL_MICROSECOND;
  const bool fraction = unit == INTERVAL_SECOND && amount->result_type() == DECIMAL_RESULT;
  if (unit == INTERVAL_SECOND && amount->decimals != 0 && amount->result_type() == REAL_RESULT)
    return NotSupported("INTERVAL of floating-point seconds");
  if (compound && !amount->const_for_execution())
    return NotSupported("compound INTERVAL with a variable amount");
  if (!compound && amount->result_type() == STRING_RESULT && !amount->const_for_execution())
    return NotSupported("INTERVAL with a string column");
  const bool text_seconds = unit == INTERVAL_SECOND && amount->result_type() == STRING_RESULT;
  Result<ExprPtr> count = compound || text_seconds ? AsString(amount)
                          : fraction               ? AsDecimal(amount)
                                                   : AsInteger(amount);
  if (!count) return count;
  type.nullable = true;
  return plan::Labelled(Call(arithmetic->is_subtract() ? ExprOp::kDateSub : ExprOp::kDateAdd, type,
                             {std::move(*value), std::move(*count)}, 0, unit),
                        PrintedText(item));
}

Result<ExprPtr> Translator::TimestampDiff(Item_func* item) {
  ASSIGN_OR_RETURN(ExprPtr from, AsDatetime(item->arguments()[0]));
  ASSIGN_OR_RETURN(ExprPtr to, AsDatetime(item->arguments()[1]));
  return Call(ExprOp::kTimestampDiff, plan::IntType(true), {std::move(from), std::move(to)}, 0,
              down_cast<Item_func_timestamp_diff*>(item)->intervaltype());
}

Result<ExprPtr> Translator::Week(Item_func* item) {
  const bool year_week = item->functype() == Item_func::YEARWEEK_FUNC;
  ASSIGN_OR_RETURN(ExprPtr date, AsDate(item->arguments()[0]));
  ASSIGN_OR_RETURN(ExprPtr mode, AsInteger(item->arguments()[1]));
  return Call(year_week ? ExprOp::kYearWeek : ExprOp::kWeek, plan::IntType(true),
              {std::move(date), std::move(mode)});
}

Result<ExprPtr> Translator::FromUnixtime(Item_func* item) {
  Item* argument = item->arguments()[0];
  ASSIGN_OR_RETURN(const Type type, TypeOfItem(item));
  if (argument->result_type() != INT_RESULT && argument->result_type() != DECIMAL_RESULT)
    return NotSupported("function FROM_UNIXTIME of a string or floating-point value");
  needs_time_zone_ = true;
  ASSIGN_OR_RETURN(ExprPtr value, AsNumber(argument));
  return Call(ExprOp::kFromUnixtime, type, {std::move(value)});
}

Result<ExprPtr> Translator::UnixTimestamp(Item_func* item) {
  ASSIGN_OR_RETURN(const Type type, TypeOfItem(item));
  Item* argument = item->arguments()[0];
  if (argument->data_type() != MYSQL_TYPE_TIMESTAMP)
    return NotSupported("function UNIX_TIMESTAMP of a local time (ambiguous when clocks go back)");
  ASSIGN_OR_RETURN(ExprPtr value, ValueOf(argument));
  if (value->op != ExprOp::kTimestampToDatetime)
    return NotSupported("function UNIX_TIMESTAMP of an expression");
  return Call(ExprOp::kUnixTimestamp, type, {value->args[0]});
}

Result<ExprPtr> Translator::DateFormat(Item_func* item) {
  ASSIGN_OR_RETURN(const Type type, TypeOfItem(item));
  Item *value_item = item->arguments()[0], *format_item = item->arguments()[1];
  const bool time = std::string_view(item->func_name()) == "time_format";
  if (!format_item->const_for_execution())
    return NotSupported("DATE_FORMAT or TIME_FORMAT with a variable format");
  if (thd_->variables.lc_time_names->number != 0)
    return NotSupported("DATE_FORMAT with lc_time_names other than en_US");
  if (time && value_item->data_type() != MYSQL_TYPE_TIME &&
      !value_item->is_temporal_with_date_and_time())
    return NotSupported("function TIME_FORMAT of a value that is no time");
  Result<ExprPtr> value = time ? AsTime(value_item) : AsDatetime(value_item);
  if (!value) return value;
  ASSIGN_OR_RETURN(ExprPtr format, AsStringIn(format_item, item->collation.collation));
  return Call(ExprOp::kDateFormat, type, {std::move(*value), std::move(format)}, type.collation);
}

Result<ExprPtr> Translator::StrToDate(Item_func* item) {
  ASSIGN_OR_RETURN(Type type, TypeOfItem(item));
  Item *text_item = item->arguments()[0], *format_item = item->arguments()[1];
  if (!format_item->const_for_execution())
    return NotSupported("STR_TO_DATE with a variable format");
  if (text_item->result_type() != STRING_RESULT || text_item->is_temporal())
    return NotSupported("STR_TO_DATE of a value that is no text");
  type.nullable = true;
  ASSIGN_OR_RETURN(ExprPtr text, AsString(text_item));
  ASSIGN_OR_RETURN(ExprPtr format, AsString(format_item));
  if (format->constant.is_null) return plan::Constant(plan::Value::Null(), type);
  return Call(ExprOp::kStrToDate, type, {std::move(text), std::move(format)});
}

// DAYNAME and MONTHNAME: the engine knows the English names.
Result<ExprPtr> Translator::NameOfDate(Item_func* item) {
  if (thd_->variables.lc_time_names->number != 0)
    return NotSupported("names of days and months in lc_time_names other than en_US");
  const bool day = item->functype() == Item_func::DAYNAME_FUNC;
  return GenericFunction(item, day ? ExprOp::kDayName : ExprOp::kMonthName, "d");
}

Result<ExprPtr> Translator::AddTime(Item_func* item) {
  ASSIGN_OR_RETURN(const Type type, TypeOfItem(item));
  if (!type.IsTemporal()) return NotSupported("ADDTIME or SUBTIME of strings");
  Result<ExprPtr> value = type.kind == TypeKind::kTime ? AsTime(item->arguments()[0])
                                                       : AsDatetime(item->arguments()[0]);
  if (!value) return value;
  ASSIGN_OR_RETURN(ExprPtr amount, AsTime(item->arguments()[1]));
  const bool subtract = down_cast<Item_func_add_time*>(item)->is_subtract();
  return plan::Labelled(Call(subtract ? ExprOp::kSubTime : ExprOp::kAddTime, type,
                             {std::move(*value), std::move(amount)}),
                        PrintedText(item));
}

Result<ExprPtr> Translator::TimeDiff(Item_func* item) {
  ASSIGN_OR_RETURN(const Type type, TypeOfItem(item));
  Item *a = item->arguments()[0], *b = item->arguments()[1];
  const bool times = a->data_type() == MYSQL_TYPE_TIME && b->data_type() == MYSQL_TYPE_TIME;
  const bool datetimes = a->is_temporal_with_date_and_time() && b->is_temporal_with_date_and_time();
  if (!times && !datetimes) return NotSupported("function TIMEDIFF of different types");
  Result<ExprPtr> left = times ? AsTime(a) : AsDatetime(a);
  if (!left) return left;
  Result<ExprPtr> right = times ? AsTime(b) : AsDatetime(b);
  if (!right) return right;
  return Call(ExprOp::kTimeDiff, type, {std::move(*left), std::move(*right)});
}

Result<ExprPtr> Translator::MakeTime(Item_func* item) {
  if (item->arguments()[2]->result_type() != INT_RESULT)
    return NotSupported("function MAKETIME with fractional seconds");
  return GenericFunction(item, ExprOp::kMakeTime, "iii");
}

}  // namespace sirocco::plugin
