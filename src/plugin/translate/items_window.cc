// Window functions: a call is added to the layer of its window when an expression above first uses
// it.
#include "plugin/translate/translator.h"
#include "sql/parse_tree_nodes.h"
#include "sql/parse_tree_window.h"

namespace sirocco::plugin {

using plan::Call;
using plan::ColumnRef;
using plan::FrameBound;
using plan::NodeKind;
using plan::WindowFunction;

namespace {

FrameBound BoundOf(const PT_border& border) {
  switch (border.m_border_type) {
    case WBT_UNBOUNDED_PRECEDING:
      return FrameBound::kUnboundedPreceding;
    case WBT_VALUE_PRECEDING:
      return FrameBound::kPreceding;
    case WBT_CURRENT_ROW:
      return FrameBound::kCurrentRow;
    case WBT_VALUE_FOLLOWING:
      return FrameBound::kFollowing;
    default:
      return FrameBound::kUnboundedFollowing;
  }
}

bool SameOffset(const ExprPtr& a, const ExprPtr& b) {
  return (a == nullptr) == (b == nullptr) && (a == nullptr || plan::SameExpr(*a, *b));
}

bool SameCall(const plan::WindowCall& a, const plan::WindowCall& b) {
  if (a.function != b.function || a.type != b.type || a.unit != b.unit || a.start != b.start ||
      a.end != b.end || !SameOffset(a.start_offset, b.start_offset) ||
      !SameOffset(a.end_offset, b.end_offset) || a.args.size() != b.args.size() ||
      a.aggregate.function != b.aggregate.function ||
      a.aggregate.distinct != b.aggregate.distinct ||
      a.aggregate.args.size() != b.aggregate.args.size())
    return false;
  for (size_t i = 0; i < a.args.size(); ++i)
    if (!plan::SameExpr(*a.args[i], *b.args[i])) return false;
  for (size_t i = 0; i < a.aggregate.args.size(); ++i)
    if (!plan::SameExpr(*a.aggregate.args[i], *b.aggregate.args[i])) return false;
  return true;
}

}  // namespace

Result<plan::WindowCall> Translator::MakeWindowCall(Item_sum* item) {
  plan::WindowCall call;
  ASSIGN_OR_RETURN(call.type, TypeOfItem(item));
  call.type.nullable = true;
  const auto value = [&](uint i) -> Result<ExprPtr> { return AsType(item->get_arg(i), call.type); };
  switch (item->sum_func()) {
    case Item_sum::ROW_NUMBER_FUNC:
      call.function = WindowFunction::kRowNumber;
      break;
    case Item_sum::RANK_FUNC:
      call.function = WindowFunction::kRank;
      break;
    case Item_sum::DENSE_RANK_FUNC:
      call.function = WindowFunction::kDenseRank;
      break;
    case Item_sum::PERCENT_RANK_FUNC:
      call.function = WindowFunction::kPercentRank;
      break;
    case Item_sum::CUME_DIST_FUNC:
      call.function = WindowFunction::kCumeDist;
      break;
    case Item_sum::NTILE_FUNC: {
      call.function = WindowFunction::kNtile;
      ASSIGN_OR_RETURN(ExprPtr buckets, AsInteger(item->get_arg(0)));
      call.args.push_back(std::move(buckets));
      break;
    }
    case Item_sum::LEAD_LAG_FUNC: {
      call.function = std::string_view(item->func_name()) == "lead" ? WindowFunction::kLead
                                                                    : WindowFunction::kLag;
      for (uint i = 0; i < item->argument_count(); ++i) {
        Result<ExprPtr> argument = i == 1 ? AsInteger(item->get_arg(i)) : value(i);
        if (!argument) return std::unexpected(argument.error());
        call.args.push_back(std::move(*argument));
      }
      break;
    }
    case Item_sum::FIRST_LAST_VALUE_FUNC: {
      const bool first = std::string_view(item->func_name()) == "first_value";
      call.function = first ? WindowFunction::kFirstValue : WindowFunction::kLastValue;
      ASSIGN_OR_RETURN(ExprPtr argument, value(0));
      call.args.push_back(std::move(argument));
      break;
    }
    case Item_sum::NTH_VALUE_FUNC: {
      call.function = WindowFunction::kNthValue;
      ASSIGN_OR_RETURN(ExprPtr argument, value(0));
      ASSIGN_OR_RETURN(ExprPtr position, AsInteger(item->get_arg(1)));
      call.args = {std::move(argument), std::move(position)};
      break;
    }
    default: {
      call.function = WindowFunction::kAggregate;
      ASSIGN_OR_RETURN(call.aggregate, MakeAggregate(item));
      // The server keeps window results in a temporary table, so they have their declared digits.
      if (item->sum_func() == Item_sum::AVG_FUNC) call.aggregate.type = call.type;
      call.type = call.aggregate.type;
      break;
    }
  }
  return call;
}

Result<void> Translator::SetFrame(const Window& window, plan::WindowCall* call) {
  const PT_frame* frame = window.frame();
  if (frame == nullptr) {
    // Without ORDER BY all rows of the partition are peers.
    call->unit = plan::FrameUnit::kRange;
    return {};
  }
  if (frame->m_query_expression == WFU_GROUPS) return NotSupported("window frame in GROUPS");
  call->unit =
      frame->m_query_expression == WFU_ROWS ? plan::FrameUnit::kRows : plan::FrameUnit::kRange;
  call->start = BoundOf(*frame->m_from);
  call->end = BoundOf(*frame->m_to);
  const auto offset = [&](const PT_border& border) -> Result<ExprPtr> {
    if (border.border() == nullptr) return ExprPtr();
    if (!IsConstant(border.border())) return NotSupported("window frame with a variable bound");
    if (border.m_date_time) return IntervalBound(window, border);
    return ValueOf(border.border());
  };
  ASSIGN_OR_RETURN(call->start_offset, offset(*frame->m_from));
  ASSIGN_OR_RETURN(call->end_offset, offset(*frame->m_to));
  return {};
}

// The ORDER BY key moved by the interval: what other rows' keys are compared with.
Result<ExprPtr> Translator::IntervalBound(const Window& window, const PT_border& border) {
  const PT_order_list* order = window.effective_order_by();
  if (order == nullptr || order->value.size() != 1)
    return NotSupported("window frame of this kind");
  Item* key_item = *order->value.first->item;
  ASSIGN_OR_RETURN(plan::SortKey key, MakeSortKey(key_item, false));
  const Type type = key.expr->type;
  const bool date = type.kind == TypeKind::kDate;
  if (!date && type.kind != TypeKind::kDatetime && type.kind != TypeKind::kTime)
    return NotSupported("window frame with an INTERVAL over a TIMESTAMP");
  const interval_type unit = border.m_int_type;
  const bool date_unit = unit <= INTERVAL_DAY || unit == INTERVAL_YEAR_MONTH;
  if (date_unit != date && (date || type.kind == TypeKind::kTime))
    return NotSupported("window frame with an INTERVAL that changes the type of its key");
  if (unit > INTERVAL_MICROSECOND || border.border()->result_type() != INT_RESULT ||
      (unit == INTERVAL_MICROSECOND && type.scale != 6))
    return NotSupported("window frame with an INTERVAL of this form");
  ASSIGN_OR_RETURN(ExprPtr amount, AsInteger(border.border()));
  if (amount->op != ExprOp::kConstant || amount->constant.is_null || amount->constant.integer < 0)
    return NotSupported("window frame with an INTERVAL of this form");
  const bool ascending = order->value.first->direction != ORDER_DESC;
  const bool subtract = (border.m_border_type == WBT_VALUE_PRECEDING) == ascending;
  Type moved = type;
  moved.nullable = true;
  return Call(subtract ? ExprOp::kDateSub : ExprOp::kDateAdd, moved,
              {std::move(key.expr), std::move(amount)}, 0, unit);
}

Result<ExprPtr> Translator::WindowValue(Item_sum* item) {
  for (size_t depth = block_->depth; depth-- > 0;) {
    Layer* layer = block_->layers[depth].get();
    if (layer->kind != Layer::Kind::kWindow || layer->window != item->window()) continue;
    Restore<size_t> restore(&block_->depth);
    block_->depth = depth;
    ASSIGN_OR_RETURN(plan::WindowCall call, MakeWindowCall(item));
    RETURN_IF_ERROR(SetFrame(*layer->window, &call));
    for (const plan::WindowCall& known : layer->node->windows)
      if (SameCall(known, call)) return ColumnRef(known.id, known.type);
    call.id = NewColumn();
    const ColumnId id = call.id;
    const Type type = call.type;
    layer->node->windows.push_back(std::move(call));
    return ColumnRef(id, type);
  }
  if (block_->zero_rows != nullptr) return ValueOfNoRow(item);
  return NotSupported(std::string("window function ") + item->func_name() +
                      " out of its window's reach");
}

Result<NodePtr> Translator::WindowPath(AccessPath* path) {
  // Sorts below only serve the window; an ORDER BY they would also satisfy is applied above.
  const bool pending = order_pending_;
  order_pending_ = false;
  Window* window = path->window().window;
  ASSIGN_OR_RETURN(NodePtr input, Path(path->window().child));
  MutableNode node = NewNode(NodeKind::kWindow, path);
  node->inputs = {std::move(input)};
  if (const PT_order_list* partition = window->effective_partition_by(); partition != nullptr) {
    for (const ORDER* key = partition->value.first; key != nullptr; key = key->next) {
      ASSIGN_OR_RETURN(plan::SortKey partition_key, MakeSortKey(*key->item, false));
      node->partition_by.push_back(std::move(partition_key.expr));
    }
  }
  if (const PT_order_list* order = window->effective_order_by(); order != nullptr) {
    for (const ORDER* key = order->value.first; key != nullptr; key = key->next) {
      ASSIGN_OR_RETURN(plan::SortKey sort_key,
                       MakeSortKey(*key->item, key->direction == ORDER_DESC));
      node->window_order.push_back(std::move(sort_key));
    }
  }
  auto layer = std::make_unique<Layer>();
  layer->kind = Layer::Kind::kWindow;
  layer->node = node;
  layer->window = window;
  block_->layers.push_back(std::move(layer));
  block_->depth = block_->layers.size();
  if (!pending) return NodePtr(node);
  std::vector<std::pair<Item*, bool>> order;
  std::vector<Item*> items;
  for (const ORDER* key = block_->join->order.order; key != nullptr; key = key->next) {
    order.emplace_back(*key->item, key->direction == ORDER_DESC);
    items.push_back(*key->item);
  }
  for (Item* item : block_->join->query_block->visible_fields()) items.push_back(item);
  ASSIGN_OR_RETURN(NodePtr joined, JoinSubqueries(NodePtr(node), items, false));
  return SortBy(std::move(joined), order, plan::kNoLimit, 0);
}

}  // namespace sirocco::plugin
