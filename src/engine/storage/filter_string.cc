#include "engine/storage/filter_string.h"

#include "mysqlsem/collation.h"

namespace sirocco::engine {

namespace {

using plan::Expr;
using plan::ExprOp;

bool IsStringConstant(const Expr& expr) {
  return expr.op == ExprOp::kConstant && (expr.constant.is_null || expr.type.IsString());
}

ExprOp Flip(ExprOp op) {
  switch (op) {
    case ExprOp::kLt:
      return ExprOp::kGt;
    case ExprOp::kLe:
      return ExprOp::kGe;
    case ExprOp::kGt:
      return ExprOp::kLt;
    case ExprOp::kGe:
      return ExprOp::kLe;
    default:
      return op;
  }
}

// The escape character of a LIKE: '\' unless a third argument says otherwise.
std::optional<int32_t> EscapeOf(const Expr& term, const mysqlsem::Collation& collation) {
  if (term.args.size() == 2) return '\\';
  const Expr& escape = *term.args[2];
  if (escape.op != ExprOp::kConstant || escape.constant.is_null || !escape.type.IsString())
    return std::nullopt;
  if (escape.constant.bytes.empty()) return -1;
  uint32_t code_point = 0;
  const size_t size = collation.DecodeChar(escape.constant.bytes, &code_point);
  if (size != escape.constant.bytes.size()) return std::nullopt;
  return static_cast<int32_t>(code_point);
}

// The operation that is true exactly where `op` is false.
std::optional<ExprOp> Negate(ExprOp op) {
  switch (op) {
    case ExprOp::kEq:
      return ExprOp::kNe;
    case ExprOp::kNe:
      return ExprOp::kEq;
    case ExprOp::kLt:
      return ExprOp::kGe;
    case ExprOp::kLe:
      return ExprOp::kGt;
    case ExprOp::kGt:
      return ExprOp::kLe;
    case ExprOp::kGe:
      return ExprOp::kLt;
    case ExprOp::kIn:
      return ExprOp::kNotIn;
    case ExprOp::kNotIn:
      return ExprOp::kIn;
    case ExprOp::kLike:
      return ExprOp::kNotLike;
    case ExprOp::kNotLike:
      return ExprOp::kLike;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<StringTerm> ParseStringTerm(const Expr& term, const plan::Type& column) {
  if (!column.IsString()) return std::nullopt;
  if (term.op == ExprOp::kNot && term.args.size() == 1) {
    const std::optional<ExprOp> negated = Negate(term.args[0]->op);
    if (!negated) return std::nullopt;
    Expr inner = *term.args[0];
    inner.op = *negated;
    return ParseStringTerm(inner, column);
  }
  StringTerm result;
  const Expr* value = nullptr;
  const bool is_comparison =
      (term.op >= ExprOp::kEq && term.op <= ExprOp::kGe) || term.op == ExprOp::kNullSafeEq;
  result.is_in = term.op == ExprOp::kIn || term.op == ExprOp::kNotIn;
  result.is_like = term.op == ExprOp::kLike || term.op == ExprOp::kNotLike;
  result.negate = term.op == ExprOp::kNotIn || term.op == ExprOp::kNotLike;
  result.op = term.op == ExprOp::kNullSafeEq ? ExprOp::kEq : term.op;
  std::vector<const Expr*> constants;
  if (is_comparison && term.args.size() == 2) {
    const bool flipped = term.args[1]->op == ExprOp::kColumn;
    value = term.args[flipped ? 1 : 0].get();
    constants.push_back(term.args[flipped ? 0 : 1].get());
    if (flipped) result.op = Flip(result.op);
  } else if (result.is_in && term.args.size() >= 2) {
    value = term.args[0].get();
    for (size_t i = 1; i < term.args.size(); ++i) constants.push_back(term.args[i].get());
  } else if (result.is_like && (term.args.size() == 2 || term.args.size() == 3)) {
    value = term.args[0].get();
    constants.push_back(term.args[1].get());
  } else {
    return std::nullopt;
  }
  if (value->op != ExprOp::kColumn) return std::nullopt;

  const mysqlsem::Collation* of_column = mysqlsem::FindCollation(column.collation);
  result.collation = mysqlsem::FindCollation(term.collation);
  if (result.collation == nullptr || of_column == nullptr) return std::nullopt;
  if (result.collation->charset_name() != of_column->charset_name() &&
      result.collation->id() != plan::kBinaryCollation)
    return std::nullopt;
  if (result.is_like) {
    const std::optional<int32_t> escape = EscapeOf(term, *result.collation);
    if (!escape) return std::nullopt;
    result.escape = *escape;
  }
  bool any_null = false;
  for (const Expr* constant : constants) {
    if (!IsStringConstant(*constant)) return std::nullopt;
    any_null |= constant->constant.is_null;
    if (!constant->constant.is_null) result.constants.push_back(constant->constant.bytes);
  }
  // A NULL makes comparisons, LIKE and NOT IN never true; IN just cannot be true by it.
  if (any_null && (!result.is_in || result.negate)) result.never_true = true;
  if (result.constants.empty()) result.never_true = true;
  result.true_for_null = result.never_true && term.op == ExprOp::kNullSafeEq;
  return result;
}

std::unique_ptr<StringPredicate> MakePredicate(const StringTerm& term) {
  if (term.is_like)
    return MakeStringLike(term.negate, term.constants[0], term.escape, term.collation);
  if (term.is_in) return MakeStringIn(term.negate, term.constants, term.collation);
  return MakeStringComparison(term.op, term.constants[0], term.collation);
}

}  // namespace sirocco::engine
