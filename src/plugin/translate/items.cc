// Items to expressions: dispatch by kind, columns, references.
#include "plugin/translate/translator.h"

namespace sirocco::plugin {

using plan::Call;
using plan::ColumnRef;
using plan::Value;

Item* WithoutCache(Item* item) {
  while (item->type() == Item::CACHE_ITEM &&
         (!item->const_for_execution() || item->has_subquery())) {
    Item* cached = down_cast<Item_cache*>(item)->get_example();
    if (cached == nullptr) break;
    item = cached;
  }
  return item;
}

Item* Unwrap(Item* item) {
  for (;;) {
    Item* inner = WithoutCache(item->real_item());
    if (inner == item) return item;
    item = inner;
  }
}

namespace {

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
      return SubqueryValue(down_cast<Item_subselect*>(item));
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
    const char* reason = RefusalOf(item->func_name());
    return NotSupported("function " + name + " is not supported" +
                        (reason == nullptr ? "" : std::string(": ") + reason));
  }
  if (entry->handler != nullptr) return (this->*entry->handler)(item);
  return GenericFunction(item, entry->op, entry->pattern);
}

}  // namespace sirocco::plugin
