// Terms over columns of numbers and times: constants are brought to the column's scale once,
// exactly, and the term becomes a set of integers.
#include <cmath>
#include <limits>

#include "engine/storage/filter_term.h"
#include "engine/storage/segment.h"
#include "mysqlsem/decimal.h"

namespace sirocco::engine {

namespace {

using plan::Expr;
using plan::ExprOp;
using plan::Type;
using plan::TypeKind;

// Kinds whose values compare as exact numbers with each other.
bool IsExactNumber(const Type& type) {
  switch (type.kind) {
    case TypeKind::kInt:
    case TypeKind::kUInt:
    case TypeKind::kYear:
    case TypeKind::kBit:
    case TypeKind::kEnum:
    case TypeKind::kSet:
      return true;
    case TypeKind::kDecimal:
      return type.precision <= 38;
    default:
      return false;
  }
}

bool SameClass(const Type& column, const Type& constant) {
  if (IsExactNumber(column)) return IsExactNumber(constant);
  if (column.IsTemporal()) return constant.kind == column.kind;
  if (column.IsReal()) return constant.IsReal();
  return false;
}

// A constant between integers of the column's scale: floor <= constant, and exact if equal. Beyond
// all values it is clamped.
struct Bound {
  int128 floor = 0;
  bool exact = true;
};

Bound ToScale(int128 value, int from, int to) {
  if (from <= to) {
    int128 scaled;
    if (__builtin_mul_overflow(value, mysqlsem::PowerOfTen(to - from), &scaled)) {
      // Farther out than any column value; one step inside the limits, so that neighbours exist.
      return {value < 0 ? IntegerSet::kMin + 1 : IntegerSet::kMax - 1, false};
    }
    return {scaled, true};
  }
  const int128 divisor = mysqlsem::PowerOfTen(from - to);
  int128 quotient = value / divisor;
  const int128 rest = value % divisor;
  if (rest < 0) --quotient;
  return {quotient, rest == 0};
}

int ScaleOf(const Type& type) { return type.kind == TypeKind::kDecimal ? type.scale : 0; }

IntegerSet CompareExact(ExprOp op, const Bound& bound) {
  const int128 floor = bound.floor;
  switch (op) {
    case ExprOp::kEq:
    case ExprOp::kNullSafeEq:
      return bound.exact ? IntegerSet::Range(floor, floor) : IntegerSet();
    case ExprOp::kNe:
      return bound.exact ? IntegerSet::Range(floor, floor).Complement() : IntegerSet::All();
    case ExprOp::kLt:
      return IntegerSet::Range(IntegerSet::kMin, bound.exact ? floor - 1 : floor);
    case ExprOp::kLe:
      return IntegerSet::Range(IntegerSet::kMin, floor);
    case ExprOp::kGt:
      return IntegerSet::Range(floor + 1, IntegerSet::kMax);
    default:
      return IntegerSet::Range(bound.exact ? floor : floor + 1, IntegerSet::kMax);
  }
}

IntegerSet CompareDouble(ExprOp op, double constant) {
  // Both zeros are equal but have different bits.
  const int128 lo = OrderedBits(constant == 0 ? -0.0 : constant),
               hi = OrderedBits(constant == 0 ? 0.0 : constant);
  switch (op) {
    case ExprOp::kEq:
    case ExprOp::kNullSafeEq:
      return IntegerSet::Range(lo, hi);
    case ExprOp::kNe:
      return IntegerSet::Range(lo, hi).Complement();
    case ExprOp::kLt:
      return IntegerSet::Range(IntegerSet::kMin, lo - 1);
    case ExprOp::kLe:
      return IntegerSet::Range(IntegerSet::kMin, hi);
    case ExprOp::kGt:
      return IntegerSet::Range(hi + 1, IntegerSet::kMax);
    default:
      return IntegerSet::Range(lo, IntegerSet::kMax);
  }
}

// The values for which `column op constant` is true; constants that are NULL never make it so,
// except <=>.
std::optional<IntegerSet> CompareSet(ExprOp op, const Type& column, const Expr& constant) {
  if (constant.op != ExprOp::kConstant) return std::nullopt;
  if (constant.constant.is_null) {
    IntegerSet none;
    none.set_has_null(op == ExprOp::kNullSafeEq);
    return none;
  }
  if (!SameClass(column, constant.type)) return std::nullopt;
  if (column.IsReal()) {
    if (std::isnan(constant.constant.real)) return std::nullopt;
    return CompareDouble(op, constant.constant.real);
  }
  return CompareExact(op,
                      ToScale(constant.constant.integer, ScaleOf(constant.type), ScaleOf(column)));
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

// The term for which NOT is true exactly where `op` is false; nullopt if there is no such
// operation.
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
    case ExprOp::kIsNull:
      return ExprOp::kIsNotNull;
    case ExprOp::kIsNotNull:
      return ExprOp::kIsNull;
    default:
      return std::nullopt;
  }
}

bool IsColumn(const Expr& expr) { return expr.op == ExprOp::kColumn; }

}  // namespace

std::optional<IntegerSet> NumberTermSet(const Expr& term, const Type& column) {
  switch (term.op) {
    case ExprOp::kAnd:
    case ExprOp::kOr: {
      // Where the conjunction is true every part is; where the disjunction is true some part is.
      // NULL results count as not true either way.
      std::optional<IntegerSet> result;
      for (const auto& arg : term.args) {
        std::optional<IntegerSet> part = NumberTermSet(*arg, column);
        if (!part) return std::nullopt;
        result = !result                   ? *part
                 : term.op == ExprOp::kAnd ? result->Intersect(*part)
                                           : result->Union(*part);
      }
      return result;
    }
    case ExprOp::kNot: {
      if (term.args.size() != 1) return std::nullopt;
      const std::optional<ExprOp> negated = Negate(term.args[0]->op);
      if (!negated) return std::nullopt;
      Expr inner = *term.args[0];
      inner.op = *negated;
      return NumberTermSet(inner, column);
    }
    case ExprOp::kIsNull:
    case ExprOp::kIsNotNull: {
      if (term.args.size() != 1 || !IsColumn(*term.args[0])) return std::nullopt;
      if (term.op == ExprOp::kIsNotNull) return IntegerSet::All();
      IntegerSet null;
      null.set_has_null(true);
      return null;
    }
    case ExprOp::kEq:
    case ExprOp::kNe:
    case ExprOp::kLt:
    case ExprOp::kLe:
    case ExprOp::kGt:
    case ExprOp::kGe:
    case ExprOp::kNullSafeEq:
      if (term.args.size() != 2) return std::nullopt;
      if (IsColumn(*term.args[0])) return CompareSet(term.op, column, *term.args[1]);
      if (IsColumn(*term.args[1])) return CompareSet(Flip(term.op), column, *term.args[0]);
      return std::nullopt;
    case ExprOp::kIn:
    case ExprOp::kNotIn: {
      if (term.args.empty() || !IsColumn(*term.args[0])) return std::nullopt;
      std::vector<IntegerSet::Interval> members;
      bool any_null = false;
      for (size_t i = 1; i < term.args.size(); ++i) {
        std::optional<IntegerSet> one = CompareSet(ExprOp::kEq, column, *term.args[i]);
        if (!one) return std::nullopt;
        any_null |= term.args[i]->constant.is_null;
        members.insert(members.end(), one->intervals().begin(), one->intervals().end());
      }
      IntegerSet set = IntegerSet::Of(std::move(members));
      if (term.op == ExprOp::kIn) return set;
      return any_null ? IntegerSet() : set.Complement();
    }
    case ExprOp::kColumn:
      // A bare column is true where it is not zero.
      if (column.IsReal()) return CompareDouble(ExprOp::kNe, 0);
      if (!IsExactNumber(column)) return std::nullopt;
      return CompareExact(ExprOp::kNe, {0, true});
    default:
      return std::nullopt;
  }
}

}  // namespace sirocco::engine
