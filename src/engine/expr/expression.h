// Compiled expressions: a tree of plan::Expr over the columns of a BatchLayout becomes a program of
// typed kernel calls.
//
// Use: Compile once per pipeline (thread safe result, immutable); each worker makes an
// ExpressionState and calls Evaluate for every batch. Results live in the state until its next
// call. Lanes: the program picks for each node the narrowest exact lane from the ranges of its
// inputs (decimals that provably fit travel as int64_t) and reports it in `output()`. An expression
// over one dictionary column only is evaluated once per distinct value and then looked up by code.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/error.h"
#include "engine/exec/query_context.h"
#include "engine/vector/vector.h"
#include "plan/expr.h"

namespace sirocco::engine {

class ExpressionState;

class Expression {
 public:
  virtual ~Expression() = default;

  // Compiles `exprs` together, sharing equal subtrees. kNotSupported with the reason if MySQL's
  // result cannot be given exactly.
  static Result<std::unique_ptr<Expression>> Compile(std::span<const plan::ExprPtr> exprs,
                                                     const BatchLayout& input,
                                                     QueryContext* context);
  static Result<std::unique_ptr<Expression>> Compile(const plan::ExprPtr& expr,
                                                     const BatchLayout& input,
                                                     QueryContext* context);

  // One per compiled expression: type, lane, dictionary (lane kCode results keep theirs), range,
  // nullability. `id` is 0.
  virtual const std::vector<ColumnInfo>& outputs() const = 0;

  // A worker's buffers. The Expression and the context outlive it.
  virtual std::unique_ptr<ExpressionState> MakeState() const = 0;

  // Evaluates all expressions over the batch; results[i] (one vector per expression) stay valid
  // until the next call with the same state, as long as the batch does (a bare column is passed
  // through). Errors: kMysql for MySQL errors (overflow, ...), kOutOfMemory.
  virtual Result<void> Evaluate(const Batch& batch, ExpressionState* state,
                                std::span<Vector> results) const = 0;

  // For boolean expressions (compiled alone): writes the ascending rows that are true (not false,
  // not NULL) to `rows` (room for batch.count) and returns their number.
  virtual Result<uint32_t> Select(const Batch& batch, ExpressionState* state,
                                  uint16_t* rows) const = 0;
};

class ExpressionState {
 public:
  virtual ~ExpressionState() = default;
};

// Whether the engine can evaluate the expression for inputs of these types; kNotSupported with the
// reason if not. Called while planning, before any data is touched.
Result<void> CheckExpressionSupported(const plan::Expr& expr);

}  // namespace sirocco::engine
