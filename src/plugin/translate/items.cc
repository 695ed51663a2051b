// Items to expressions: dispatch by kind, columns, references, and conversion to the context an
// item is used in.
#include "plugin/translate/translator.h"

namespace sirocco::plugin {

using plan::Call;
using plan::ColumnRef;
using plan::Lane;
using plan::Value;

namespace {

// What a cache that is not constant stands for.
Item* WithoutCache(Item* item) {
  while (item->type() == Item::CACHE_ITEM && !item->const_for_execution()) {
    Item* cached = down_cast<Item_cache*>(item)->get_example();
    if (cached == nullptr) break;
    item = cached;
  }
  return item;
}

// References and other wrappers that only pass a value on.
Item* Unwrap(Item* item) {
  for (;;) {
    Item* inner = WithoutCache(item->real_item());
    if (inner == item) return item;
    item = inner;
  }
}

// A column of a merged derived table or view on the inner side of an outer join is NULL in rows
// without a match, whatever its expression says. Gives that reference, or null; a plain column
// needs no such care.
Item_view_ref* NullComplementedReference(Item* item) {
  for (item = WithoutCache(item); item->type() == Item::REF_ITEM;
       item = WithoutCache(down_cast<Item_ref*>(item)->ref_item())) {
    if (down_cast<Item_ref*>(item)->ref_type() != Item_ref::VIEW_REF) continue;
    auto* reference = down_cast<Item_view_ref*>(item);
    if (reference->get_first_inner_table() != nullptr &&
        item->real_item()->type() != Item::FIELD_ITEM)
      return reference;
  }
  return nullptr;
}

}  // namespace

Result<ExprPtr> Translator::ValueOf(Item* item) {
  bool found = false;
  ASSIGN_OR_RETURN(ExprPtr group, GroupValue(item, &found));
  if (found) return group;
  if (Item_view_ref* reference = NullComplementedReference(item))
    return NullComplemented(reference);

  item = Unwrap(item);
  if (IsConstant(item)) {
    ASSIGN_OR_RETURN(const Type type, TypeOfItem(item));
    return ConstantValue(item, type);
  }
  switch (item->type()) {
    case Item::FIELD_ITEM:
      return FieldValue(down_cast<Item_field*>(item));
    case Item::FUNC_ITEM:
      return FunctionValue(down_cast<Item_func*>(item));
    case Item::COND_ITEM:
      return CondValue(down_cast<Item_cond*>(item));
    case Item::SUM_FUNC_ITEM:
      return SumValue(down_cast<Item_sum*>(item));
    case Item::SUBQUERY_ITEM:
      for (const auto& [known, column] : block_->value_columns)
        if (known == item) return ColumnRef(column.id, column.type);
      return NotSupported("subquery that the optimizer could not turn into a join");
    case Item::ROW_ITEM:
      return NotSupported("row value in an expression");
    case Item::DEFAULT_VALUE_ITEM:
      return NotSupported("function DEFAULT is not supported");
    case Item::INSERT_VALUE_ITEM:
      return NotSupported("function VALUES is not supported");
    case Item::VALUES_COLUMN_ITEM:
      for (const auto& [known, column] : block_->value_columns)
        if (known == item) return ColumnRef(column.id, column.type);
      return NotSupported("column of a VALUES clause out of its reach");
    case Item::ROUTINE_FIELD_ITEM:
      return NotSupported("variable of a stored program");
    default:
      return NotSupported("expression kind " + std::to_string(item->type()) + " is not supported");
  }
}

// What ROLLUP wraps around a group item.
Item* WithoutRollup(Item* item) {
  Item* inner = WithoutCache(item);
  while (inner->type() == Item::REF_ITEM && NullComplementedReference(inner) == nullptr)
    inner = WithoutCache(down_cast<Item_ref*>(inner)->ref_item());
  if (inner->type() == Item::FUNC_ITEM &&
      down_cast<Item_func*>(inner)->functype() == Item_func::ROLLUP_GROUP_ITEM_FUNC)
    return WithoutRollup(down_cast<Item_rollup_group_item*>(inner)->inner_item());
  return inner;
}

Result<ExprPtr> Translator::GroupValue(Item* item, bool* found) {
  *found = false;
  Item* wanted = WithoutRollup(item);
  for (size_t depth = block_ == nullptr ? 0 : block_->depth; depth-- > 0;) {
    const Layer& layer = *block_->layers[depth];
    if (layer.kind != Layer::Kind::kAggregate) continue;
    for (const GroupItem& group : layer.groups) {
      // A literal is itself; only the very group item means the group's column.
      if (group.item == wanted ||
          (!wanted->basic_const_item() && ItemsAreEqual(group.item, wanted))) {
        *found = true;
        return group.value;
      }
    }
    // What is below an aggregation is out of reach above it.
    break;
  }
  return ExprPtr();
}

Result<TypedColumn> Translator::ResolveField(const Field* field) {
  const TABLE* table = field->table;
  auto it = sources_.find(table);
  if (it == sources_.end() || it->second.owner != block_) {
    if (block_->zero_rows != nullptr && it == sources_.end()) {
      Source* source = AddSource(const_cast<TABLE*>(table), Source::Kind::kZeroRows);
      source->node = block_->zero_rows;
      it = sources_.find(table);
    } else {
      return NotSupported(std::string("reference to an outer query block (") +
                          (table->alias ? table->alias : "") + "." + field->field_name + ")");
    }
  }
  Source& source = it->second;
  const uint32_t index = field->field_index();
  if (source.kind == Source::Kind::kColumns || source.kind == Source::Kind::kShared) {
    if (index < table->hidden_field_count ||
        index - table->hidden_field_count >= source.columns.size())
      return NotSupported("hidden column of a derived table");
  }
  if (source.kind == Source::Kind::kColumns)
    return source.columns[index - table->hidden_field_count];
  if (const auto used = source.used.find(index); used != source.used.end()) return used->second;

  TypedColumn column{.id = NewColumn(), .type = {}};
  switch (source.kind) {
    case Source::Kind::kScan: {
      uint32_t position = 0;
      while (position < source.schema->columns.size() &&
             source.schema->columns[position].field_index != index)
        ++position;
      if (position == source.schema->columns.size())
        return NotSupported(std::string("column ") + field->field_name +
                            " is marked as NOT SECONDARY");
      column.type = source.schema->columns[position].type;
      source.node->scan_columns.push_back(
          {.id = column.id, .column = position, .type = column.type});
      break;
    }
    case Source::Kind::kShared: {
      const TypedColumn& original = source.columns[index - table->hidden_field_count];
      column.type = original.type;
      source.node->shared_columns.emplace_back(column.id, original.id);
      break;
    }
    default: {
      ASSIGN_OR_RETURN(column.type, TypeOfField(field));
      column.type.nullable = true;
      source.node->value_columns.emplace_back(column.id, column.type);
      break;
    }
  }
  source.used.emplace(index, column);
  return column;
}

Result<ExprPtr> Translator::FieldValue(Item_field* item) {
  // Above an aggregation a column that is no group expression is determined by the groups.
  for (size_t depth = block_->depth; depth-- > 0;) {
    if (block_->layers[depth]->kind == Layer::Kind::kAggregate)
      return AnyValueAbove(item, block_->layers[depth].get());
  }
  ASSIGN_OR_RETURN(TypedColumn column, ResolveField(item->field));
  // An outer join below may have added NULLs.
  if (item->is_nullable() || item->field->is_nullable()) column.type.nullable = true;
  ExprPtr value = ColumnRef(column.id, column.type);
  if (column.type.kind != TypeKind::kTimestamp) return value;
  needs_time_zone_ = true;
  return Call(ExprOp::kTimestampToDatetime,
              plan::DatetimeType(column.type.scale, column.type.nullable), {value});
}

Result<ExprPtr> Translator::AnyValueAbove(Item_field* item, Layer* layer) {
  for (const GroupItem& known : layer->groups)
    if (known.item == item) return known.value;
  if (layer->rollup) return NotSupported("column that is not grouped, above WITH ROLLUP");
  Restore<size_t> depth(&block_->depth);
  for (block_->depth = 0; block_->layers[block_->depth].get() != layer;) ++block_->depth;
  ASSIGN_OR_RETURN(ExprPtr argument, FieldValue(item));
  plan::Aggregate aggregate{
      .function = plan::AggregateFunction::kAnyValue, .args = {argument}, .type = argument->type};
  // Without groups the aggregation of no rows still gives one row.
  if (layer->node->groups.empty()) aggregate.type.nullable = true;
  const Type type = aggregate.type;
  ASSIGN_OR_RETURN(const ColumnId id, AddAggregate(layer, std::move(aggregate)));
  return ColumnRef(id, type);
}

Result<ExprPtr> Translator::NullComplemented(Item_view_ref* reference) {
  for (size_t depth = block_->depth; depth-- > 0;) {
    Layer* layer = block_->layers[depth].get();
    if (layer->kind != Layer::Kind::kAggregate) continue;
    if (layer->rollup) return NotSupported("column that is not grouped, above WITH ROLLUP");
    Restore<size_t> restore(&block_->depth);
    block_->depth = depth;
    ASSIGN_OR_RETURN(ExprPtr below, NullComplemented(reference));
    const Type type = below->type;
    ASSIGN_OR_RETURN(const ColumnId id,
                     AddAggregate(layer, {.function = plan::AggregateFunction::kAnyValue,
                                          .args = {std::move(below)},
                                          .type = type}));
    return ColumnRef(id, type);
  }
  ASSIGN_OR_RETURN(ExprPtr value, ValueOf(reference->ref_item()));
  // Any column that is never NULL in the table tells whether there is a row.
  const TABLE* table = reference->get_first_inner_table()->table;
  const auto source = sources_.find(table);
  if (table == nullptr || source == sources_.end())
    return NotSupported("expression of an outer-joined derived table");
  for (uint i = table->hidden_field_count; i < table->s->fields; ++i) {
    if (!table->field[i]->is_flag_set(NOT_NULL_FLAG)) continue;
    Result<TypedColumn> marker = ResolveField(table->field[i]);
    if (!marker || marker->type.nullable) continue;
    marker->type.nullable = true;
    Type type = value->type;
    type.nullable = true;
    ExprPtr absent =
        Call(ExprOp::kIsNull, plan::IntType(false), {ColumnRef(marker->id, marker->type)});
    return Call(ExprOp::kIf, type,
                {std::move(absent), plan::Constant(Value::Null(), type), std::move(value)});
  }
  return NotSupported("expression of an outer-joined derived table without a NOT NULL column");
}

Result<ExprPtr> Translator::CondValue(Item_cond* item) {
  std::vector<ExprPtr> terms;
  for (Item& term : *item->argument_list()) {
    ASSIGN_OR_RETURN(ExprPtr condition, AsCondition(&term));
    terms.push_back(std::move(condition));
  }
  if (terms.size() == 1) return terms[0];
  const bool is_and = item->functype() == Item_func::COND_AND_FUNC;
  return Call(is_and ? ExprOp::kAnd : ExprOp::kOr, plan::IntType(item->is_nullable()),
              std::move(terms));
}

Result<ExprPtr> Translator::FunctionValue(Item_func* item) {
  const FunctionEntry* entry = FindFunction(item->func_name());
  if (entry == nullptr || item->functype() == Item_func::UDF_FUNC ||
      item->functype() == Item_func::FUNC_SP) {
    if (item->functype() == Item_func::SUSERVAR_FUNC)
      return NotSupported("assignment to a user variable");
    if (item->functype() == Item_func::FUNC_SP)
      return NotSupported("stored function that cannot be inlined");
    if (item->functype() == Item_func::UDF_FUNC) return NotSupported("loadable function");
    std::string name = item->func_name();
    for (char& c : name) c = static_cast<char>(toupper(static_cast<unsigned char>(c)));
    return NotSupported("function " + name + " is not supported");
  }
  if (entry->handler != nullptr) return (this->*entry->handler)(item);
  return GenericFunction(item, entry->op, entry->pattern);
}

// ---- Contexts ----

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

Result<ExprPtr> Translator::AsReal(Item* item) {
  item = WithoutCache(item);
  const Type type = plan::DoubleType(item->is_nullable());
  if (IsConstant(item)) return ConstantValue(item, type);
  ASSIGN_OR_RETURN(ExprPtr value, ValueOf(item));
  if (value->type.IsReal()) return value;
  return CastTo(std::move(value), type);
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
          down_cast<Item_field*>(item)->field->is_flag_set(ZEROFILL_FLAG))
        return NotSupported("ZEROFILL column used as a string");
      return CastTo(std::move(value), type);
  }
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
      ASSIGN_OR_RETURN(ExprPtr real, CastTo(std::move(value), plan::DoubleType(true)));
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
