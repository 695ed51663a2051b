// Aggregate functions and what ROLLUP does to expressions above it. An aggregate is added to the
// layer of its AGGREGATE path when an expression above first uses it; equal aggregates share one
// column.
#include "plugin/translate/translator.h"

namespace sirocco::plugin {

using plan::AggregateFunction;
using plan::Call;
using plan::ColumnRef;

namespace {

bool SameAggregate(const plan::Aggregate& a, const plan::Aggregate& b) {
  if (a.function != b.function || a.distinct != b.distinct || a.args.size() != b.args.size() ||
      a.type != b.type || a.separator != b.separator || a.order_by.size() != b.order_by.size())
    return false;
  for (size_t i = 0; i < a.args.size(); ++i)
    if (!plan::SameExpr(*a.args[i], *b.args[i])) return false;
  for (size_t i = 0; i < a.order_by.size(); ++i)
    if (a.order_by[i].descending != b.order_by[i].descending ||
        !plan::SameExpr(*a.order_by[i].expr, *b.order_by[i].expr))
      return false;
  return true;
}

}  // namespace

Result<ColumnId> Translator::AddAggregate(Layer* layer, plan::Aggregate aggregate) {
  for (const plan::Aggregate& known : layer->node->aggregates) {
    aggregate.id = known.id;
    if (SameAggregate(known, aggregate)) return known.id;
  }
  aggregate.id = NewColumn();
  layer->node->aggregates.push_back(std::move(aggregate));
  return layer->node->aggregates.back().id;
}

// The optimizer found that the block has no rows and left the aggregation or window out.
Result<ExprPtr> Translator::ValueOfNoRow(Item* item) {
  ASSIGN_OR_RETURN(Type type, TypeOfItem(item));
  type.nullable = true;
  return plan::Constant(plan::Value::Null(), type);
}

Result<ExprPtr> Translator::SumValue(Item_sum* item) {
  item = item->unwrap_sum();
  if (item->window() != nullptr) return WindowValue(item);
  if (block_->join != nullptr && item->aggr_query_block != nullptr &&
      item->aggr_query_block != block_->join->query_block)
    return NotSupported(std::string("aggregate function ") + item->func_name() +
                        " of an outer query block");
  for (size_t depth = block_->depth; depth-- > 0;) {
    Layer* layer = block_->layers[depth].get();
    if (layer->kind == Layer::Kind::kAggregate && !layer->distinct)
      return AggregateValue(item, layer, depth);
  }
  if (block_->zero_rows != nullptr) return ValueOfNoRow(item);
  return NotSupported(std::string("aggregate function ") + item->func_name() +
                      " of an outer query block");
}

Result<ExprPtr> Translator::AggregateValue(Item_sum* item, Layer* layer, size_t depth_below) {
  Restore<size_t> depth(&block_->depth);
  block_->depth = depth_below;
  // AVG of exact numbers is a quotient with more digits than it declares; an expression around it
  // sees them all.
  if ((item->sum_func() == Item_sum::AVG_FUNC || item->sum_func() == Item_sum::AVG_DISTINCT_FUNC) &&
      item->result_type() == DECIMAL_RESULT)
    return QuotientOfSum(item, layer, depth_below);
  ASSIGN_OR_RETURN(plan::Aggregate aggregate, MakeAggregate(item));
  const Type type = aggregate.type;
  ASSIGN_OR_RETURN(const ColumnId id, AddAggregate(layer, std::move(aggregate)));
  return ColumnRef(id, type);
}

Result<ExprPtr> Translator::QuotientOfSum(Item_sum* item, Layer* layer, size_t) {
  ASSIGN_OR_RETURN(ExprPtr argument, AsNumber(item->get_arg(0)));
  const int scale = argument->type.kind == TypeKind::kDecimal ? argument->type.scale : 0;
  const int argument_precision =
      argument->type.kind == TypeKind::kDecimal ? argument->type.precision : 20;
  const bool distinct = item->has_with_distinct();
  plan::Aggregate sum{
      .function = AggregateFunction::kSum,
      .distinct = distinct,
      .args = {argument},
      .type = plan::DecimalType(static_cast<uint8_t>(std::min(argument_precision + 22, 65)),
                                static_cast<uint8_t>(scale))};
  plan::Aggregate count{.function = AggregateFunction::kCount,
                        .distinct = distinct,
                        .args = {argument},
                        .type = plan::IntType(false)};
  if (!distinct && !argument->type.nullable) {
    count.function = AggregateFunction::kCountStar;
    count.args.clear();
  }
  const Type sum_type = sum.type;
  ASSIGN_OR_RETURN(const ColumnId sum_id, AddAggregate(layer, std::move(sum)));
  ASSIGN_OR_RETURN(const ColumnId count_id, AddAggregate(layer, std::move(count)));
  const int digits =
      std::min(DivisionDigits(scale, 0, thd_->variables.div_precincrement), int{DECIMAL_MAX_SCALE});
  const Type type =
      plan::DecimalType(static_cast<uint8_t>(std::min(sum_type.precision - scale + digits, 65)),
                        static_cast<uint8_t>(digits));
  // No row gives NULL / 0, which is NULL without a warning only because the sum is NULL.
  return Call(ExprOp::kDiv, type,
              {ColumnRef(sum_id, sum_type), ColumnRef(count_id, plan::IntType(false))});
}

Result<plan::Aggregate> Translator::MakeAggregate(Item_sum* item) {
  plan::Aggregate aggregate;
  aggregate.distinct = item->has_with_distinct();
  ASSIGN_OR_RETURN(aggregate.type, TypeOfItem(item));
  const auto number = [&](Item* argument) -> Result<ExprPtr> {
    if (aggregate.type.kind == TypeKind::kDecimal) return AsNumber(argument);
    return AsReal(argument);
  };
  const Item_sum::Sumfunctype function = item->sum_func();
  switch (function) {
    case Item_sum::COUNT_FUNC:
    case Item_sum::COUNT_DISTINCT_FUNC: {
      aggregate.function = AggregateFunction::kCount;
      aggregate.type = plan::IntType(false);
      bool never_null = true;
      for (uint i = 0; i < item->argument_count(); ++i) {
        Item* argument = item->get_arg(i);
        never_null &= argument->const_item() && !argument->is_nullable();
        ASSIGN_OR_RETURN(ExprPtr value, Output(argument));
        if (value->op == ExprOp::kTimestampToDatetime && !aggregate.distinct)
          value = value->args[0];
        never_null |= !value->type.nullable && item->argument_count() == 1;
        aggregate.args.push_back(std::move(value));
      }
      if (function == Item_sum::COUNT_FUNC && never_null) {
        aggregate.function = AggregateFunction::kCountStar;
        aggregate.args.clear();
      }
      return aggregate;
    }
    case Item_sum::SUM_FUNC:
    case Item_sum::SUM_DISTINCT_FUNC: {
      aggregate.function = AggregateFunction::kSum;
      ASSIGN_OR_RETURN(ExprPtr value, number(item->get_arg(0)));
      aggregate.type.nullable = true;
      aggregate.args.push_back(std::move(value));
      return aggregate;
    }
    case Item_sum::AVG_FUNC:
    case Item_sum::AVG_DISTINCT_FUNC: {
      aggregate.function = AggregateFunction::kAvg;
      aggregate.type.nullable = true;
      ASSIGN_OR_RETURN(ExprPtr value, number(item->get_arg(0)));
      aggregate.args.push_back(std::move(value));
      return aggregate;
    }
    case Item_sum::MIN_FUNC:
    case Item_sum::MAX_FUNC: {
      aggregate.function =
          function == Item_sum::MIN_FUNC ? AggregateFunction::kMin : AggregateFunction::kMax;
      aggregate.distinct = false;
      aggregate.type.nullable = true;
      Item* argument = item->get_arg(0);
      ASSIGN_OR_RETURN(ExprPtr value, ValueOf(argument));
      switch (value->type.kind) {
        case TypeKind::kEnum:
        case TypeKind::kSet: {
          ASSIGN_OR_RETURN(value, AsString(argument));
          break;
        }
        case TypeKind::kJson:
        case TypeKind::kVector:
          return NotSupported("MIN or MAX of JSON or VECTOR values");
        default:
          break;
      }
      aggregate.type = value->type;
      aggregate.type.nullable = true;
      aggregate.args.push_back(std::move(value));
      return aggregate;
    }
    case Item_sum::STD_FUNC:
    case Item_sum::VARIANCE_FUNC: {
      const bool sample = down_cast<Item_sum_variance*>(item)->sample != 0;
      const bool deviation = function == Item_sum::STD_FUNC;
      aggregate.function =
          deviation ? (sample ? AggregateFunction::kStddevSamp : AggregateFunction::kStddevPop)
                    : (sample ? AggregateFunction::kVarSamp : AggregateFunction::kVarPop);
      aggregate.type.nullable = true;
      ASSIGN_OR_RETURN(ExprPtr value, AsReal(item->get_arg(0)));
      aggregate.args.push_back(std::move(value));
      return aggregate;
    }
    case Item_sum::SUM_BIT_FUNC: {
      if (item->result_type() != INT_RESULT) return NotSupported("bit aggregate of binary strings");
      const std::string_view name = item->func_name();
      aggregate.function = name == "bit_and"  ? AggregateFunction::kBitAnd
                           : name == "bit_or" ? AggregateFunction::kBitOr
                                              : AggregateFunction::kBitXor;
      aggregate.distinct = false;
      aggregate.type = plan::UIntType(false);
      ASSIGN_OR_RETURN(ExprPtr value, AsInteger(item->get_arg(0)));
      aggregate.args.push_back(std::move(value));
      return aggregate;
    }
    case Item_sum::GROUP_CONCAT_FUNC: {
      auto* concat = down_cast<Item_func_group_concat*>(item);
      aggregate.function = AggregateFunction::kGroupConcat;
      aggregate.distinct = concat->has_distinct();
      aggregate.type = StringTypeOf(item);
      aggregate.type.nullable = true;
      const uint num_fields =
          item->argument_count() - static_cast<uint>(concat->get_order_array().size());
      for (uint i = 0; i < num_fields; ++i) {
        ASSIGN_OR_RETURN(ExprPtr value, AsStringIn(item->get_arg(i), item->collation.collation));
        aggregate.args.push_back(std::move(value));
      }
      for (const ORDER& order : concat->get_order_array()) {
        ASSIGN_OR_RETURN(plan::SortKey key,
                         MakeSortKey(*order.item, order.direction == ORDER_DESC));
        aggregate.order_by.push_back(std::move(key));
      }
      const String* separator = concat->get_separator_str();
      String converted;
      uint errors = 0;
      if (converted.copy(separator->ptr(), separator->length(), separator->charset(),
                         item->collation.collation, &errors) ||
          errors != 0)
        return NotSupported("GROUP_CONCAT separator of another character set");
      aggregate.separator.assign(converted.ptr(), converted.length());
      return aggregate;
    }
    default: {
      std::string name = item->func_name();
      for (char& c : name) c = static_cast<char>(toupper(static_cast<unsigned char>(c)));
      return NotSupported("aggregate function " + name + " is not supported");
    }
  }
}

Result<ExprPtr> Translator::RollupGroupItem(Item_func* item) {
  Item* inner = down_cast<Item_rollup_group_item*>(item)->inner_item();
  // Without rows there are no groups that would be found first: the server prints NULL in some
  // plans and the constant in others.
  if (IsConstant(inner)) return NotSupported("ROLLUP or CUBE on a constant");
  return ValueOf(inner);
}

// GROUPING(a, b): bits, the last argument lowest, 1 where the group expression is absent.
Result<ExprPtr> Translator::Grouping(Item_func* item) {
  Layer* layer = nullptr;
  for (size_t depth = block_->depth; depth-- > 0 && layer == nullptr;)
    if (block_->layers[depth]->kind == Layer::Kind::kAggregate && block_->layers[depth]->rollup)
      layer = block_->layers[depth].get();
  if (layer == nullptr) return NotSupported("function GROUPING without ROLLUP");
  plan::Node& node = *layer->node;
  node.grouping_ids.resize(node.groups.size(), 0);
  ExprPtr result;
  for (uint i = 0; i < item->arg_count; ++i) {
    bool found = false;
    Item* argument = item->arguments()[i];
    ASSIGN_OR_RETURN(ExprPtr group, GroupValue(argument, &found));
    if (!found) return NotSupported("function GROUPING of an expression that is not grouped");
    size_t position = 0;
    const GroupItem* match = nullptr;
    for (const GroupItem& candidate : layer->groups)
      if (candidate.value == group) match = &candidate;
    while (match != nullptr && position < node.groups.size() &&
           node.groups[position].id != match->id)
      ++position;
    if (match == nullptr || position == node.groups.size())
      return NotSupported("function GROUPING of this expression");
    if (node.grouping_ids[position] == 0) node.grouping_ids[position] = NewColumn();
    ExprPtr bit = ColumnRef(node.grouping_ids[position], plan::IntType(false));
    if (result == nullptr) {
      result = std::move(bit);
    } else {
      const Type type = plan::IntType(false);
      ExprPtr shifted =
          Call(ExprOp::kMul, type, {std::move(result), plan::Constant(plan::Value::Int(2), type)});
      result = Call(ExprOp::kAdd, type, {std::move(shifted), std::move(bit)});
    }
  }
  return result;
}

}  // namespace sirocco::plugin
