// Values that are constant for the statement: literals, parameters, user variables, NOW(), and
// functions of them. MySQL itself evaluates them, so their meaning is the server's.
#include "plugin/translate/translator.h"
#include "sql-common/my_decimal.h"
#include "sql/error_handler.h"

namespace sirocco::plugin {

using plan::Value;

bool Translator::IsConstant(Item* item) const {
  return item->const_for_execution() && !item->has_subquery() && !item->has_stored_program() &&
         !item->has_aggregation() && !item->has_wf() && item->type() != Item::ROW_ITEM;
}

Result<void> Translator::CheckEvaluation() const {
  if (thd_->is_error()) return NotSupported("evaluation of a constant expression failed");
  return {};
}

namespace {

// Keeps errors of evaluating an item from the statement.
class EvaluationErrors final : public Internal_error_handler {
 public:
  explicit EvaluationErrors(THD* thd) : thd_(thd) { thd_->push_internal_handler(this); }
  ~EvaluationErrors() override { thd_->pop_internal_handler(); }
  bool handle_condition(THD*, uint, const char*, Sql_condition::enum_severity_level* level,
                        const char*) override {
    if (*level != Sql_condition::SL_ERROR) return false;
    any_ = true;
    return true;
  }
  bool any() const { return any_; }

 private:
  THD* thd_;
  bool any_ = false;
};

Value DecimalConstant(const my_decimal& decimal, const Type& type) {
  my_decimal rounded;
  my_decimal_round(E_DEC_FATAL_ERROR, &decimal, type.scale, false, &rounded);
  if (plan::LaneOf(type) == plan::Lane::kStr) {
    std::string packed(static_cast<size_t>(my_decimal_get_binary_size(type.precision, type.scale)),
                       '\0');
    my_decimal2binary(E_DEC_FATAL_ERROR, &rounded, reinterpret_cast<uchar*>(packed.data()),
                      type.precision, type.scale);
    return Value::Bytes(std::move(packed));
  }
  // The digits of the text without the point are the scaled integer once the fraction is padded to
  // the scale.
  String text;
  my_decimal2string(E_DEC_FATAL_ERROR, &rounded, &text);
  plan::int128 value = 0;
  bool negative = false, fraction = false;
  int digits = 0;
  for (size_t i = 0; i < text.length(); ++i) {
    const char c = text[i];
    if (c == '-') {
      negative = true;
    } else if (c == '.') {
      fraction = true;
    } else {
      value = value * 10 + (c - '0');
      if (fraction) ++digits;
    }
  }
  for (; digits < type.scale; ++digits) value *= 10;
  return Value::Int(negative ? -value : value);
}

// The packed form of the storage format: signed around zero, hour << 36 | minute << 30 | second <<
// 24 | microsecond.
int64_t PackedTime(const Time_val& time) {
  const int64_t hms = (int64_t{time.hour()} << 12) | (int64_t{time.minute()} << 6) | time.second();
  const int64_t packed = (hms << 24) + time.microsecond();
  return time.is_negative() ? -packed : packed;
}

}  // namespace

// An expression whose evaluation fails must not fail the statement if no row asks for its value: it
// is left to the node.
Result<ExprPtr> Translator::FailingConstant(Item* item, const Type& wanted) {
  if (item->type() != Item::FUNC_ITEM) return NotSupported("a constant expression that fails");
  ASSIGN_OR_RETURN(ExprPtr value, FunctionValue(down_cast<Item_func*>(item)));
  return CastTo(plan::Labelled(std::move(value), PrintedText(item)), wanted);
}

Result<ExprPtr> Translator::ConstantValue(Item* item, const Type& wanted) {
  Type type = wanted;
  Value value;
  EvaluationErrors errors(thd_);
  switch (type.kind) {
    case TypeKind::kNull:
      break;
    case TypeKind::kInt:
    case TypeKind::kUInt:
    case TypeKind::kYear:
    case TypeKind::kBit:
    case TypeKind::kEnum:
    case TypeKind::kSet: {
      const longlong integer = item->val_int();
      value = type.IsUnsigned() ? Value::Int(static_cast<ulonglong>(integer)) : Value::Int(integer);
      break;
    }
    case TypeKind::kDouble:
    case TypeKind::kFloat:
      value = Value::Real(item->val_real());
      break;
    case TypeKind::kDecimal: {
      my_decimal buffer;
      const my_decimal* decimal = item->val_decimal(&buffer);
      if (decimal != nullptr && !item->null_value) value = DecimalConstant(*decimal, type);
      break;
    }
    case TypeKind::kDate: {
      Date_val date;
      if (!item->val_date(&date, TIME_NO_FLAGS)) value = Value::Int(date.for_comparison());
      break;
    }
    case TypeKind::kTime: {
      Time_val time;
      if (!item->val_time(&time)) value = Value::Int(PackedTime(time));
      break;
    }
    case TypeKind::kDatetime: {
      Datetime_val datetime;
      if (!item->val_datetime(&datetime, TIME_NO_FLAGS))
        value = Value::Int(TIME_to_longlong_datetime_packed(datetime));
      break;
    }
    case TypeKind::kString: {
      String buffer;
      const String* text = item->val_str(&buffer);
      if (text != nullptr && !item->null_value)
        value = Value::Bytes(std::string(text->ptr(), text->length()));
      break;
    }
    case TypeKind::kTimestamp:
    case TypeKind::kJson:
    case TypeKind::kVector:
      return NotSupported("constant of type JSON or VECTOR");
  }
  if (errors.any()) return FailingConstant(item, wanted);
  if (item->null_value) value = Value::Null();
  type.nullable = value.is_null;
  return plan::Constant(std::move(value), type);
}

}  // namespace sirocco::plugin
