#include "engine/expr/expression.h"

#include <new>

#include "common/check.h"
#include "engine/expr/compiler.h"

namespace sirocco::engine {

namespace {

class State final : public ExpressionState {
 public:
  State(const Scope* scope, QueryContext* context)
      : arena(context->pool(), 64 << 10), frame(scope, context, &arena) {}

  Arena arena;
  Frame frame;
};

class Program final : public Expression {
 public:
  explicit Program(QueryContext* context) : context_(context) {}

  Result<void> Build(std::span<const plan::ExprPtr> exprs, const BatchLayout& input) {
    ExprCompiler compiler(input, context_, &memory_);
    for (const plan::ExprPtr& expr : exprs) {
      ASSIGN_OR_RETURN(Slot slot, compiler.Compile(expr));
      // A lone condition also serves Select, which wants booleans as bytes.
      if (exprs.size() == 1) {
        const SlotInfo& info = compiler.info(slot);
        if (info.rep == Rep::kBool) {
          select_slot_ = slot;
        } else if (info.rep != Rep::kStr && info.rep != Rep::kCode) {
          // Converted by its own step, which costs Evaluate one pass over bytes at most.
          ASSIGN_OR_RETURN(select_slot_, compiler.ToBool(slot));
        }
      }
      const bool is_decimal = compiler.info(slot).type.kind == plan::TypeKind::kDecimal;
      const uint8_t min_scale = compiler.info(slot).min_scale;
      ASSIGN_OR_RETURN(Slot delivered, compiler.Deliver(slot, expr->type, *expr));
      const SlotInfo& info = compiler.info(delivered);
      ColumnInfo column{
          .id = 0, .type = expr->type, .lane = LaneOfRep(info.rep), .dictionary = info.dictionary};
      if (column.type.kind == plan::TypeKind::kNull) column.type = info.type;
      column.nullable = info.nullable;
      column.type.nullable = expr->type.nullable;
      column.num_distinct = info.num_distinct;
      if (info.rep == Rep::kI64 || info.rep == Rep::kI128) column.range = info.range;
      if (info.rep != Rep::kCode) column.dictionary = nullptr;
      if (is_decimal && min_scale < column.type.scale) column.min_scale = min_scale;
      outputs_.push_back(column);
      slots_.push_back(delivered);
    }
    root_ = compiler.TakeRoot();
    return {};
  }

  const std::vector<ColumnInfo>& outputs() const override { return outputs_; }

  std::unique_ptr<ExpressionState> MakeState() const override {
    return std::make_unique<State>(root_.get(), context_);
  }

  Result<void> Evaluate(const Batch& batch, ExpressionState* state,
                        std::span<Vector> results) const override {
    State* s = static_cast<State*>(state);
    DCHECK(results.size() == slots_.size());
    try {
      RETURN_IF_ERROR(Run(batch, s));
      for (size_t i = 0; i < slots_.size(); ++i) {
        if (batch.count == 0 && !root_->slots[static_cast<size_t>(slots_[i])].constant)
          s->frame.Begin(slots_[i]);
        results[i] = s->frame.in(slots_[i]);
      }
    } catch (const std::bad_alloc&) {
      return std::unexpected(OutOfMemoryError());
    }
    return {};
  }

  Result<uint32_t> Select(const Batch& batch, ExpressionState* state,
                          uint16_t* rows) const override {
    State* s = static_cast<State*>(state);
    if (select_slot_ < 0) return NotSupported("a condition that is not a number is not supported");
    if (batch.count == 0) return 0;
    try {
      RETURN_IF_ERROR(Run(batch, s));
    } catch (const std::bad_alloc&) {
      return std::unexpected(OutOfMemoryError());
    }
    const Vector& v = s->frame.in(select_slot_);
    const uint8_t* bytes = static_cast<const uint8_t*>(v.data);
    if (v.constant) {
      if (bytes[0] == 0 || IsConstantNull(v)) return 0;
      for (uint32_t i = 0; i < batch.count; ++i) rows[i] = static_cast<uint16_t>(i);
      return batch.count;
    }
    return Kernels().select(bytes, batch.count, rows);
  }

 private:
  Result<void> Run(const Batch& batch, State* s) const {
    s->arena.Clear();
    s->frame.count = batch.count;
    for (const auto& [position, slot] : root_->columns)
      s->frame.Set(slot, batch.vectors[static_cast<size_t>(position)]);
    if (batch.count == 0) return {};
    return s->frame.Run();
  }

  QueryContext* context_;
  ProgramMemory memory_;
  std::unique_ptr<Scope> root_;
  std::vector<ColumnInfo> outputs_;
  std::vector<Slot> slots_;
  Slot select_slot_ = -1;
};

}  // namespace

Result<std::unique_ptr<Expression>> Expression::Compile(std::span<const plan::ExprPtr> exprs,
                                                        const BatchLayout& input,
                                                        QueryContext* context) {
  try {
    auto program = std::make_unique<Program>(context);
    RETURN_IF_ERROR(program->Build(exprs, input));
    return program;
  } catch (const std::bad_alloc&) {
    return std::unexpected(OutOfMemoryError());
  }
}

Result<std::unique_ptr<Expression>> Expression::Compile(const plan::ExprPtr& expr,
                                                        const BatchLayout& input,
                                                        QueryContext* context) {
  return Compile(std::span<const plan::ExprPtr>(&expr, 1), input, context);
}

namespace {

void CollectColumns(const plan::Expr& e, BatchLayout* layout) {
  if (e.op == plan::ExprOp::kColumn && layout->Find(e.column) < 0)
    layout->columns.push_back({.id = e.column,
                               .type = e.type,
                               .lane = plan::LaneOf(e.type),
                               .nullable = e.type.nullable});
  for (const plan::ExprPtr& arg : e.args)
    if (arg != nullptr) CollectColumns(*arg, layout);
}

}  // namespace

Result<void> CheckExpressionSupported(const plan::Expr& expr) {
  // What compiles for columns in their plain lanes compiles for dictionary codes and narrowed
  // decimals, too.
  static const plan::Plan kDefaults;
  MemoryPool pool("expression check");
  QueryContext context(&kDefaults, &pool, 1);
  BatchLayout layout;
  CollectColumns(expr, &layout);
  const plan::ExprPtr copy = std::make_shared<plan::Expr>(expr);
  RETURN_IF_ERROR(Expression::Compile(copy, layout, &context));
  return {};
}

}  // namespace sirocco::engine
