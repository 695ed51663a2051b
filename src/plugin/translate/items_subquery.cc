// Subqueries the server has left in expressions and that need only one execution: scalar
// subqueries, EXISTS and IN. Their rows are joined to the rows of the block where the expression is
// evaluated; what the subquery means there is an expression over the joined columns.
//
// A scalar subquery is a left join without keys to its row and the number of its rows. EXISTS is a
// cross join to a row count. x IN (S) is decided by three facts: how many rows S has, how many of
// them are not NULL, and whether x is among the distinct values of S (a left join).
#include <algorithm>

#include "plugin/translate/translator.h"

namespace sirocco::plugin {

using plan::AggregateFunction;
using plan::Call;
using plan::ColumnRef;
using plan::NodeKind;
using plan::Value;

namespace {

constexpr const char* kLeftDependent = "subquery that could not be turned into a join";
constexpr const char* kCorrelated = "correlated subquery that could not be turned into a join";

ExprPtr IntegerConstant(int64_t value) {
  return plan::Constant(Value::Int(value), plan::IntType(false));
}

ExprPtr Test(ExprOp op, ExprPtr value) {
  return Call(op, plan::IntType(false), {std::move(value)});
}

// What the server makes of the naked value of IN or EXISTS.
ExprPtr Transformed(ExprPtr value, Item::Bool_test test) {
  switch (test) {
    case Item::BOOL_NEGATED: {
      const Type type = plan::IntType(value->type.nullable);
      return Call(ExprOp::kNot, type, {std::move(value)});
    }
    case Item::BOOL_IS_TRUE:
      return Test(ExprOp::kIsTrue, std::move(value));
    case Item::BOOL_IS_FALSE:
      return Test(ExprOp::kIsFalse, std::move(value));
    case Item::BOOL_NOT_TRUE:
      return Test(ExprOp::kIsNotTrue, std::move(value));
    case Item::BOOL_NOT_FALSE:
      return Test(ExprOp::kIsNotFalse, std::move(value));
    default:
      return value;
  }
}

// The IN subquery of <in_optimizer>, or null.
Item_in_subselect* InSubquery(Item* item) {
  item = Unwrap(item);
  if (item->type() != Item::FUNC_ITEM ||
      std::string_view(down_cast<Item_func*>(item)->func_name()) != "<in_optimizer>")
    return nullptr;
  return dynamic_cast<Item_in_subselect*>(down_cast<Item_func*>(item)->arguments()[0]);
}

// At most one row, whatever the data.
bool IsSingleRow(Query_expression* unit) {
  if (!unit->is_simple()) return false;
  const class Query_block* block = unit->first_query_block();
  if (block->is_implicitly_grouped() && !block->is_non_primitive_grouped() && !block->has_windows())
    return true;
  return unit->select_limit_cnt - std::min(unit->offset_limit_cnt, unit->select_limit_cnt) <= 1;
}

}  // namespace

// Subqueries that the value of `item` needs and that are not in reach yet. Group expressions and
// aggregates below have their columns; their arguments are not looked into.
void Translator::CollectSubqueries(Item* item, bool in_aggregates, std::vector<Item*>* subqueries) {
  bool found = false;
  if (Result<ExprPtr> group = GroupValue(item, &found); !group || found) return;
  item = Unwrap(item);
  switch (item->type()) {
    case Item::SUBQUERY_ITEM:
      if (SubqueryValueInReach(item) == nullptr &&
          std::find(subqueries->begin(), subqueries->end(), item) == subqueries->end())
        subqueries->push_back(item);
      return;
    case Item::FUNC_ITEM: {
      auto* function = down_cast<Item_func*>(item);
      if (Item_in_subselect* in = InSubquery(item)) {
        CollectSubqueries(in->left_expr, in_aggregates, subqueries);
        if (SubqueryValueInReach(in) == nullptr &&
            std::find(subqueries->begin(), subqueries->end(), item) == subqueries->end())
          subqueries->push_back(item);
        return;
      }
      for (uint i = 0; i < function->arg_count; ++i)
        CollectSubqueries(function->arguments()[i], in_aggregates, subqueries);
      return;
    }
    case Item::COND_ITEM:
      for (Item& term : *down_cast<Item_cond*>(item)->argument_list())
        CollectSubqueries(&term, in_aggregates, subqueries);
      return;
    case Item::ROW_ITEM:
      for (uint i = 0; i < item->cols(); ++i)
        CollectSubqueries(item->element_index(i), in_aggregates, subqueries);
      return;
    case Item::SUM_FUNC_ITEM: {
      auto* sum = down_cast<Item_sum*>(item);
      if (!in_aggregates || sum->window() != nullptr) return;
      for (uint i = 0; i < sum->argument_count(); ++i)
        CollectSubqueries(sum->get_arg(i), in_aggregates, subqueries);
      return;
    }
    default:
      return;
  }
}

ExprPtr Translator::SubqueryValueInReach(const Item* subquery) const {
  for (auto value = block_->subqueries.rbegin(); value != block_->subqueries.rend(); ++value) {
    if (value->item != subquery || value->depth > block_->depth) continue;
    bool hidden = false;
    for (size_t depth = value->depth; depth < block_->depth; ++depth)
      hidden |= block_->layers[depth]->kind == Layer::Kind::kAggregate;
    if (!hidden) return value->value;
  }
  return nullptr;
}

Result<NodePtr> Translator::JoinSubqueries(NodePtr input, const std::vector<Item*>& items,
                                           bool in_aggregates) {
  std::vector<Item*> subqueries;
  for (Item* item : items) {
    // Arguments of aggregates are wanted from the outside, where the aggregate itself is no value.
    CollectSubqueries(item, in_aggregates, &subqueries);
  }
  for (Item* item : subqueries) {
    Item_in_subselect* in = InSubquery(item);
    if (in == nullptr && SubqueryValueInReach(item) != nullptr) continue;
    Result<NodePtr> joined = in != nullptr
                                 ? JoinIn(std::move(input), in)
                                 : JoinSubquery(std::move(input), down_cast<Item_subselect*>(item));
    if (!joined) return joined;
    input = std::move(*joined);
  }
  return input;
}

// A join with every row of `input` once: `single` has one row, or at most one if `outer`.
NodePtr Translator::WithRow(NodePtr input, NodePtr single, bool outer) {
  MutableNode join = NewNode(NodeKind::kJoin, nullptr);
  join->join_kind = outer ? plan::JoinKind::kLeft : plan::JoinKind::kInner;
  join->estimated_rows = input->estimated_rows;
  join->inputs = {std::move(input), std::move(single)};
  return join;
}

Result<NodePtr> Translator::JoinSubquery(NodePtr input, Item_subselect* subquery) {
  Query_expression* unit = subquery->query_expr();
  if ((unit->uncacheable & UNCACHEABLE_DEPENDENT) != 0) return NotSupported(kCorrelated);
  if (unit->root_access_path() == nullptr ||
      dynamic_cast<Item_maxmin_subselect*>(subquery) != nullptr)
    return NotSupported(kLeftDependent);
  const Type integer = plan::IntType(false);
  switch (subquery->subquery_type()) {
    case Item_subselect::SCALAR_SUBQUERY: {
      if (subquery->cols() != 1) return NotSupported("subquery of several columns");
      // An expression around it sees the value with all its digits.
      const SelectValue all_digits = [this](Item* item) { return ValueOf(item); };
      ASSIGN_OR_RETURN(BlockResult rows,
                       QueryBlock(JoinOf(unit), unit->root_access_path(), *unit->get_field_list(),
                                  nullptr, unit->is_simple() ? &all_digits : nullptr));
      if (rows.columns[0].type.kind == TypeKind::kTimestamp)
        return NotSupported("subquery of a TIMESTAMP column");
      if (IsSingleRow(unit)) {
        TypedColumn column = rows.columns[0];
        column.type.nullable = true;
        block_->subqueries.push_back(
            {.item = subquery, .value = ColumnRef(column.id, column.type), .depth = block_->depth});
        return WithRow(std::move(input), std::move(rows.node), true);
      }
      // More than one row is an error where the value is asked for.
      const ColumnId count = NewColumn();
      NodePtr single = CountAndAnyValue(std::move(rows.node), count, &rows.columns);
      TypedColumn column = rows.columns[0];
      column.type.nullable = true;
      const ExprPtr several = Call(ExprOp::kGt, plan::IntType(true),
                                   {ColumnRef(count, plan::IntType(true)), IntegerConstant(1)});
      block_->subqueries.push_back({.item = subquery,
                                    .value = Call(ExprOp::kRejectIf, column.type,
                                                  {several, ColumnRef(column.id, column.type)}),
                                    .depth = block_->depth});
      return WithRow(std::move(input), std::move(single), true);
    }
    case Item_subselect::EXISTS_SUBQUERY: {
      const SelectValue nothing = [](Item*) -> Result<ExprPtr> { return IntegerConstant(1); };
      ASSIGN_OR_RETURN(BlockResult rows,
                       QueryBlock(JoinOf(unit), unit->root_access_path(), *unit->get_field_list(),
                                  nullptr, unit->is_simple() ? &nothing : nullptr));
      MutableNode counted = NewNode(NodeKind::kAggregate, nullptr);
      counted->estimated_rows = 1;
      counted->inputs = {std::move(rows.node)};
      const ColumnId count = NewColumn();
      counted->aggregates.push_back(
          {.id = count, .function = AggregateFunction::kCountStar, .type = integer});
      ExprPtr value = Call(ExprOp::kGt, integer, {ColumnRef(count, integer), IntegerConstant(0)});
      auto* exists = down_cast<Item_exists_subselect*>(subquery);
      block_->subqueries.push_back({.item = subquery,
                                    .value = Transformed(std::move(value), exists->value_transform),
                                    .depth = block_->depth});
      return WithRow(std::move(input), counted, false);
    }
    default:
      return NotSupported(kLeftDependent);
  }
}

// The rows of an IN subquery with the conditions removed that the server put into it to run it once
// per row outside, its value as it is compared, and the compared value outside.
Result<Translator::InOperands> Translator::OperandsOfIn(Item_in_subselect* in) {
  if (in->subquery_type() != Item_subselect::IN_SUBQUERY)
    return NotSupported("ALL or ANY subquery left in the plan");
  if (in->dependent_before_in2exists()) return NotSupported(kCorrelated);
  Item* left = in->left_expr;
  Query_expression* unit = in->query_expr();
  if (left->cols() != 1 || unit->num_visible_fields() != 1)
    return NotSupported("IN over rows of values that could not be turned into a join");
  if (unit->root_access_path() == nullptr) return NotSupported(kLeftDependent);
  unit->change_to_access_path_without_in2exists(thd_);
  Item* right = nullptr;
  for (Item* item : VisibleFields(*unit->get_field_list())) right = item;
  ASSIGN_OR_RETURN(const CompareClass compare_class, ClassOf(left, right));
  // The condition that the server puts into each block changes what INTERSECT and EXCEPT give.
  if (!unit->is_simple() && unit->set_operation()->term_type() != QT_UNION)
    return NotSupported("IN over INTERSECT or EXCEPT");
  // The server compares with the value of each block of a UNION by itself.
  for (class Query_block* block = unit->first_query_block(); block != nullptr && !unit->is_simple();
       block = block->next_query_block())
    for (Item* item : block->visible_fields()) {
      ASSIGN_OR_RETURN(const CompareClass of_block, ClassOf(left, item));
      const auto exact = [](CompareClass c) {
        return c == CompareClass::kInteger || c == CompareClass::kDecimal;
      };
      if ((of_block != compare_class && !(exact(of_block) && exact(compare_class))) ||
          (of_block == CompareClass::kString &&
           item->collation.collation != right->collation.collation))
        return NotSupported("IN over a set operation of different types");
    }
  const CHARSET_INFO* collation = &my_charset_bin;
  switch (compare_class) {
    case CompareClass::kString: {
      Item* pair[2] = {left, right};
      ASSIGN_OR_RETURN(collation, ComparisonCollation(pair, 2, "="));
      break;
    }
    case CompareClass::kReal:
      if (left->decimals < DECIMAL_NOT_SPECIFIED && right->decimals < DECIMAL_NOT_SPECIFIED)
        return NotSupported("IN of floating-point values with fixed decimals");
      break;
    case CompareClass::kDate:
    case CompareClass::kTime:
    case CompareClass::kDatetime:
      if (!left->is_temporal() || !right->is_temporal())
        return NotSupported("IN of a temporal and another value");
      break;
    default:
      break;
  }
  InOperands operands;
  operands.collation = compare_class == CompareClass::kString ? collation->number : 0;
  const SelectValue compared = [&](Item* item) { return AsClass(item, compare_class, collation); };
  ASSIGN_OR_RETURN(BlockResult rows, QueryBlock(JoinOf(unit), unit->root_access_path(),
                                                *unit->get_field_list(), nullptr, &compared));
  operands.rows = std::move(rows.node);
  operands.right = ColumnRef(rows.columns[0].id, rows.columns[0].type);
  ASSIGN_OR_RETURN(operands.left, AsClass(left, compare_class, collation));
  // Integers and decimals of any number of digits are compared as they are; one side in the other's
  // form lets the engine use keys.
  if (compare_class == CompareClass::kDecimal &&
      !SameRepresentation(operands.left->type, operands.right->type)) {
    const auto digits = [](const Type& type) {
      return type.kind == TypeKind::kDecimal
                 ? std::pair<int, int>(type.precision - type.scale, type.scale)
                 : std::pair<int, int>(20, 0);
    };
    const auto [left_digits, left_scale] = digits(operands.left->type);
    const auto [right_digits, right_scale] = digits(operands.right->type);
    const int scale = std::max(left_scale, right_scale);
    const int precision = std::max(left_digits, right_digits) + scale;
    if (precision > DECIMAL_MAX_PRECISION)
      return NotSupported("IN of decimals of very different scales");
    operands.target =
        plan::DecimalType(static_cast<uint8_t>(precision), static_cast<uint8_t>(scale));
    ASSIGN_OR_RETURN(operands.left, CastTo(std::move(operands.left), operands.target));
    ASSIGN_OR_RETURN(operands.right, CastTo(std::move(operands.right), operands.target));
  }
  if (operands.collation != 0) {
    operands.left = InCollation(std::move(operands.left), operands.collation);
    operands.right = InCollation(std::move(operands.right), operands.collation);
  }
  return operands;
}

// The general form: the value of IN in every row.
Result<NodePtr> Translator::JoinIn(NodePtr input, Item_in_subselect* in) {
  ASSIGN_OR_RETURN(InOperands operands, OperandsOfIn(in));
  const Type integer = plan::IntType(false);
  // The rows are read twice.
  const auto shared = static_cast<uint32_t>(result_.plan.shared.size());
  MutableNode keyed = NewNode(NodeKind::kProject, nullptr);
  const ColumnId key = NewColumn();
  keyed->estimated_rows = operands.rows->estimated_rows;
  keyed->inputs = {std::move(operands.rows)};
  const Type key_type = operands.right->type;
  keyed->expressions.push_back({.id = key, .expr = std::move(operands.right)});
  result_.plan.shared.push_back(keyed);
  shared_columns_.push_back({{.id = key, .type = key_type}});
  const auto scan = [&](ColumnId* id) {
    MutableNode node = NewNode(NodeKind::kSharedScan, nullptr);
    node->shared = shared;
    node->estimated_rows = keyed->estimated_rows;
    *id = NewColumn();
    node->shared_columns.emplace_back(*id, key);
    return node;
  };

  ColumnId counted_key = 0, distinct_key = 0;
  MutableNode counts = NewNode(NodeKind::kAggregate, nullptr);
  counts->estimated_rows = 1;
  counts->inputs = {scan(&counted_key)};
  const ColumnId rows = NewColumn(), values = NewColumn();
  counts->aggregates.push_back(
      {.id = rows, .function = AggregateFunction::kCountStar, .type = integer});
  counts->aggregates.push_back({.id = values,
                                .function = AggregateFunction::kCount,
                                .args = {ColumnRef(counted_key, key_type)},
                                .type = integer});
  input = WithRow(std::move(input), counts, false);

  MutableNode distinct = NewNode(NodeKind::kAggregate, nullptr);
  distinct->inputs = {scan(&distinct_key)};
  distinct->estimated_rows = keyed->estimated_rows;
  const ColumnId match = NewColumn();
  distinct->groups.push_back({.id = match, .expr = ColumnRef(distinct_key, key_type)});
  MutableNode join = NewNode(NodeKind::kJoin, nullptr);
  join->join_kind = plan::JoinKind::kLeft;
  join->estimated_rows = input->estimated_rows;
  join->inputs = {std::move(input), distinct};
  join->join_keys.push_back({.left = operands.left,
                             .right = ColumnRef(match, key_type),
                             .collation = operands.collation,
                             .null_safe = false});

  Type nullable_key = key_type;
  nullable_key.nullable = true;
  const Type nullable = plan::IntType(true);
  const ExprPtr null = plan::Constant(Value::Null(), nullable);
  const ExprPtr row_count = ColumnRef(rows, integer), value_count = ColumnRef(values, integer);
  ExprPtr value =
      Call(ExprOp::kCase, nullable,
           {Call(ExprOp::kEq, integer, {row_count, IntegerConstant(0)}), IntegerConstant(0),
            Test(ExprOp::kIsNull, operands.left), null,
            Test(ExprOp::kIsNotNull, ColumnRef(match, nullable_key)), IntegerConstant(1),
            Call(ExprOp::kLt, integer, {value_count, row_count}), null, IntegerConstant(0)});
  block_->subqueries.push_back({.item = in,
                                .value = Transformed(std::move(value), in->value_transform),
                                .depth = block_->depth});
  return NodePtr(join);
}

// A term of a WHERE or HAVING that is IN or NOT IN itself is a join that keeps or drops rows.
Result<NodePtr> Translator::FilterByIn(NodePtr input, Item_in_subselect* in, bool negated) {
  ASSIGN_OR_RETURN(input, JoinSubqueries(std::move(input), {in->left_expr}, false));
  ASSIGN_OR_RETURN(InOperands operands, OperandsOfIn(in));
  MutableNode join = NewNode(NodeKind::kJoin, nullptr);
  join->join_kind = negated ? plan::JoinKind::kNullAwareAnti : plan::JoinKind::kSemi;
  join->estimated_rows = input->estimated_rows;
  join->inputs = {std::move(input), std::move(operands.rows)};
  join->join_keys.push_back({.left = std::move(operands.left),
                             .right = std::move(operands.right),
                             .collation = operands.collation,
                             .null_safe = false});
  return NodePtr(join);
}

Result<NodePtr> Translator::FilterBySubqueries(NodePtr input, Item* condition,
                                               std::vector<Item*>* rest) {
  std::vector<Item*> terms;
  WalkConjunction(condition, [&terms](Item* term) {
    terms.push_back(term);
    return false;
  });
  std::vector<std::pair<Item_in_subselect*, bool>> joins;
  for (Item* term : terms) {
    Item_in_subselect* in = InSubquery(term);
    if (in != nullptr && in->value_transform != Item::BOOL_NOT_TRUE &&
        in->value_transform != Item::BOOL_NOT_FALSE && SubqueryValueInReach(in) == nullptr) {
      joins.emplace_back(in, in->value_transform == Item::BOOL_NEGATED ||
                                 in->value_transform == Item::BOOL_IS_FALSE);
      continue;
    }
    rest->push_back(term);
  }
  ASSIGN_OR_RETURN(input, JoinSubqueries(std::move(input), *rest, false));
  for (const auto& [in, negated] : joins) {
    ASSIGN_OR_RETURN(input, FilterByIn(std::move(input), in, negated));
  }
  return input;
}

Result<ExprPtr> Translator::SubqueryValue(Item_subselect* subquery) {
  if (ExprPtr value = SubqueryValueInReach(subquery)) return value;
  return NotSupported(kLeftDependent);
}

Result<ExprPtr> Translator::InOptimizer(Item_func* item) {
  return SubqueryValue(down_cast<Item_subselect*>(item->arguments()[0]));
}

}  // namespace sirocco::plugin
