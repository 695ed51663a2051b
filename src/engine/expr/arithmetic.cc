// +, -, *, /, DIV, %, negation, ABS for integers, decimals and doubles.
#include <algorithm>
#include <cmath>

#include "engine/expr/compiler.h"
#include "engine/expr/steps.h"
#include "mysqlsem/decimal.h"

namespace sirocco::engine {

using mysqlsem::BigDecimal;
using plan::Expr;
using plan::ExprOp;
using plan::TypeKind;

namespace {

// sql_mode bit that asks for warning 1365 on a division by zero.
constexpr uint64_t kModeErrorForDivisionByZero = uint64_t{1} << 26;

std::string RangeText(const char* type, const Expr& e) {
  return std::string(type) + " value is out of range in '" + plan::QuotedText(e) + "'";
}
Error RangeError(const std::string& text) { return Error{ErrorCode::kMysql, 1690, text}; }

const char* IntegerTypeName(const plan::Type& type) {
  return type.IsUnsigned() ? "BIGINT UNSIGNED" : "BIGINT";
}

ValueRange Bounds(const plan::Type& type) {
  return type.IsUnsigned() ? MakeRange(0, kMaxU64) : MakeRange(kMinI64, kMaxI64);
}

ValueRange ResultRange(ArithmeticOp op, const ValueRange& a, const ValueRange& b) {
  switch (op) {
    case ArithmeticOp::kAdd:
      return AddRange(a, b);
    case ArithmeticOp::kSub:
      return SubRange(a, b);
    case ArithmeticOp::kMul:
      return MulRange(a, b);
  }
  return {};
}

// One kernel over two slots of the same representation. `text` is the error for rows where the
// kernel reports overflow.
Slot AddKernel(ExprCompiler& c, ArithmeticOp op, ArithmeticClass arithmetic_class, Slot a, Slot b,
               const SlotInfo& result, const std::string& text) {
  SlotInfo slot_info = result;
  slot_info.nullable = c.info(a).nullable || c.info(b).nullable;
  const Slot out = c.AddSlot(slot_info);
  const auto* kernels =
      Kernels().arithmetic[static_cast<int>(op)][static_cast<int>(arithmetic_class)];
  const auto vv = kernels[0], vc = kernels[1], cv = kernels[2];
  const bool checked = arithmetic_class == ArithmeticClass::kI64Checked ||
                       arithmetic_class == ArithmeticClass::kI128Checked ||
                       arithmetic_class == ArithmeticClass::kF64;
  const uint32_t width = RepWidth(slot_info.rep);
  return c.Finish(
      MakeStep([=](Frame& frame) -> Result<void> {
        const Vector& x = frame.in(a);
        const Vector& y = frame.in(b);
        if (IsConstantNull(x) || IsConstantNull(y)) {
          frame.SetNull(out);
          return {};
        }
        Vector& r = frame.Begin(out);
        r.constant = x.constant && y.constant;
        const uint32_t n = r.constant ? 1 : frame.count;
        const auto kernel = x.constant == y.constant ? vv : y.constant ? vc : cv;
        const uint64_t overflow = kernel(x.data, y.data, r.data, n);
        r.nulls = MergeNulls(frame, out, x, y, n);
        if (overflow == 0) [[likely]]
          return {};
        // NULL rows hold arbitrary values, which may have tripped the check.
        if (r.nulls == nullptr) return std::unexpected(RangeError(text));
        for (uint32_t i = 0; i < n; ++i) {
          if (r.nulls[i] != 0) continue;
          const char* u = static_cast<const char*>(x.data) + (x.constant ? 0 : size_t{i} * width);
          const char* v = static_cast<const char*>(y.data) + (y.constant ? 0 : size_t{i} * width);
          if (vv(u, v, static_cast<char*>(r.data) + size_t{i} * width, 1) != 0)
            return std::unexpected(RangeError(text));
        }
        return {};
      }),
      out, {a, b}, {.raises = checked});
}

// An integer in kI128 (or kI64) becomes kI64 of the result type; rows outside `bounds` are error
// 1690.
Slot CheckedNarrow(ExprCompiler& c, Slot slot, const plan::Type& type, const std::string& text) {
  const SlotInfo in = c.info(slot);
  const ValueRange bounds = Bounds(type);
  SlotInfo slot_info{.type = type, .rep = Rep::kI64, .nullable = in.nullable};
  slot_info.range = in.range.known ? MakeRange(std::max(in.range.min, bounds.min),
                                               std::min(in.range.max, bounds.max))
                                   : bounds;
  if (slot_info.range.min > slot_info.range.max) slot_info.range = bounds;
  const Slot out = c.AddSlot(slot_info);
  const bool wide = in.rep == Rep::kI128;
  const bool in_unsigned = in.range.known && in.range.max > kMaxI64 && !wide;
  return c.Finish(MakeRowStep({slot}, out, Strictness::kStrict,
                              [=](Row& r) {
                                const int128 v = wide          ? r.I128(0)
                                                 : in_unsigned ? static_cast<int128>(r.U64(0))
                                                               : static_cast<int128>(r.I64(0));
                                if (v < bounds.min || v > bounds.max)
                                  return r.Fail(RangeError(text));
                                return r.Return(static_cast<int64_t>(v));
                              }),
                  out, {slot}, {.raises = true});
}

Result<Slot> IntegerArithmetic(ExprCompiler& c, ArithmeticOp op, const Expr& e, Slot a, Slot b) {
  ASSIGN_OR_RETURN(a, c.ToNumber(a));
  ASSIGN_OR_RETURN(b, c.ToNumber(b));
  if (c.info(a).rep != Rep::kI64 || c.info(b).rep != Rep::kI64)
    return NotSupported("integer arithmetic on other than integers is not supported");
  const ValueRange ra = c.info(a).range, rb = c.info(b).range;
  const ValueRange bounds = Bounds(e.type);
  const ValueRange range = ResultRange(op, ra, rb);
  const std::string text = RangeText(IntegerTypeName(e.type), e);
  SlotInfo slot_info{.type = e.type, .rep = Rep::kI64, .range = range};
  const bool narrow = FitsI64(ra) && FitsI64(rb);
  if (narrow && FitsI64(range)) {
    // Before the check the value is signed, whatever the result will be.
    if (!Within(range, bounds.min, bounds.max)) slot_info.type = plan::IntType();
    const Slot slot = AddKernel(c, op, ArithmeticClass::kI64, a, b, slot_info, text);
    if (Within(range, bounds.min, bounds.max)) return slot;
    return CheckedNarrow(c, slot, e.type, text);
  }
  if (narrow && !e.type.IsUnsigned()) {
    slot_info.range =
        range.known ? MakeRange(std::max(range.min, bounds.min), std::min(range.max, bounds.max))
                    : bounds;
    return AddKernel(c, op, ArithmeticClass::kI64Checked, a, b, slot_info, text);
  }
  // Some operand or result needs the 64th bit: 128-bit arithmetic. Products of two such operands
  // may pass even that.
  slot_info.rep = Rep::kI128;
  slot_info.range = range;
  const Slot wide =
      AddKernel(c, op, range.known ? ArithmeticClass::kI128 : ArithmeticClass::kI128Checked,
                c.ToI128(a), c.ToI128(b), slot_info, text);
  return CheckedNarrow(c, wide, e.type, text);
}

Slot BigArithmetic(ExprCompiler& c, ExprOp op, const Expr& e, Slot a, Slot b, SlotInfo slot_info) {
  slot_info.rep = Rep::kBig;
  slot_info.range = {};
  slot_info.nullable =
      c.info(a).nullable || c.info(b).nullable || op == ExprOp::kDiv || op == ExprOp::kMod;
  const Slot out = c.AddSlot(slot_info);
  const std::string text = RangeText("DECIMAL", e);
  const int increment = static_cast<int>(c.plan().div_precision_increment);
  const bool warn = (c.plan().sql_mode & kModeErrorForDivisionByZero) != 0;
  const int scale = e.type.scale;
  return c.Finish(MakeRowStep({a, b}, out, Strictness::kStrict,
                              [=](Row& r) {
                                BigDecimal result;
                                mysqlsem::DecimalStatus status = mysqlsem::kDecOk;
                                switch (op) {
                                  case ExprOp::kAdd:
                                    status = mysqlsem::Add(r.Big(0), r.Big(1), &result);
                                    break;
                                  case ExprOp::kSub:
                                    status = mysqlsem::Subtract(r.Big(0), r.Big(1), &result);
                                    break;
                                  case ExprOp::kMul:
                                    status = mysqlsem::Multiply(r.Big(0), r.Big(1), &result);
                                    break;
                                  case ExprOp::kMod:
                                    status = mysqlsem::Modulo(r.Big(0), r.Big(1), &result);
                                    break;
                                  default:
                                    status =
                                        mysqlsem::Divide(r.Big(0), r.Big(1), increment, &result);
                                    break;
                                }
                                if (status & mysqlsem::kDecDivZero) {
                                  if (warn) r.Warn(1365, "Division by 0");
                                  return false;
                                }
                                if (status & mysqlsem::kDecOverflow)
                                  return r.Fail(RangeError(text));
                                // The server rounds each operation to its declared scale.
                                if (result.scale() > scale)
                                  result.Round(scale, mysqlsem::DecimalRounding::kHalfUp, &result);
                                return r.Return(result);
                              }),
                  out, {a, b}, {.raises = true, .expensive = true});
}

// Largest magnitude that decimals travel with in 128 bits: 38 digits.
bool FitsI128Decimal(const ValueRange& r) {
  const int128 limit = mysqlsem::PowerOfTen(38);
  return r.known && r.min > -limit && r.max < limit;
}

Result<Slot> DecimalArithmetic(ExprCompiler& c, ArithmeticOp op, const Expr& e, Slot a, Slot b) {
  ASSIGN_OR_RETURN(a, c.ToNumber(a));
  ASSIGN_OR_RETURN(b, c.ToNumber(b));
  const SlotInfo ia = c.info(a), ib = c.info(b);
  SlotInfo slot_info{.type = e.type};
  const bool multiply = op == ArithmeticOp::kMul;
  const int scale = multiply ? ia.scale + ib.scale : std::max(ia.scale, ib.scale);
  slot_info.scale = static_cast<uint8_t>(scale);
  slot_info.min_scale = static_cast<uint8_t>(multiply ? ia.min_scale + ib.min_scale
                                                      : std::max(ia.min_scale, ib.min_scale));
  if (!multiply && ia.rep != Rep::kBig && ib.rep != Rep::kBig) {
    ASSIGN_OR_RETURN(a, c.Rescale(a, scale));
    ASSIGN_OR_RETURN(b, c.Rescale(b, scale));
  }
  const ValueRange ra = c.info(a).range, rb = c.info(b).range;
  const bool big = c.info(a).rep == Rep::kBig || c.info(b).rep == Rep::kBig;
  slot_info.range = big ? ValueRange{} : ResultRange(op, ra, rb);
  const std::string text = RangeText("DECIMAL", e);
  if (!big && FitsI64(ra) && FitsI64(rb) && FitsI64(slot_info.range)) {
    slot_info.rep = Rep::kI64;
    const Slot slot = AddKernel(c, op, ArithmeticClass::kI64, c.NarrowToI64(a), c.NarrowToI64(b),
                                slot_info, text);
    return scale > e.type.scale ? c.FitScale(slot, e.type.scale) : Result<Slot>(slot);
  }
  // Past 30 digits behind the point the server cuts; only its own arithmetic knows where.
  if (!big && scale <= mysqlsem::kDecimalMaxScale && FitsI128Decimal(slot_info.range)) {
    slot_info.rep = Rep::kI128;
    const Slot slot =
        AddKernel(c, op, ArithmeticClass::kI128, c.ToI128(a), c.ToI128(b), slot_info, text);
    return scale > e.type.scale ? c.FitScale(slot, e.type.scale) : Result<Slot>(slot);
  }
  ASSIGN_OR_RETURN(a, c.ToBig(a));
  ASSIGN_OR_RETURN(b, c.ToBig(b));
  const ExprOp expr_op = op == ArithmeticOp::kAdd   ? ExprOp::kAdd
                         : op == ArithmeticOp::kSub ? ExprOp::kSub
                                                    : ExprOp::kMul;
  slot_info.scale = slot_info.min_scale = e.type.scale;
  return BigArithmetic(c, expr_op, e, a, b, slot_info);
}

// Divides by something that may be zero: computes rows, NULL and a warning where the divisor is 0.
Result<Slot> DecimalDivision(ExprCompiler& c, const Expr& e, Slot a, Slot b) {
  ASSIGN_OR_RETURN(a, c.ToNumber(a));
  ASSIGN_OR_RETURN(b, c.ToNumber(b));
  const SlotInfo ia = c.info(a), ib = c.info(b);
  const int increment = static_cast<int>(c.plan().div_precision_increment);
  const int digits = mysqlsem::DivisionDigits(ia.scale, ib.scale, increment);
  SlotInfo slot_info{.type = e.type};
  slot_info.scale = slot_info.min_scale = e.type.scale;
  if (((ia.rep != Rep::kBig || ia.padded) &&
       mysqlsem::DivisionDigits(ia.min_scale, ib.scale, increment) != digits) ||
      ((ib.rep != Rep::kBig || ib.padded) &&
       mysqlsem::DivisionDigits(ia.scale, ib.min_scale, increment) != digits))
    return NotSupported("dividing values of varying scale is not supported");
  // The quotient is truncated at `digits` and then rounded to the declared scale: one digit behind
  // that scale decides.
  const int computed = std::min(digits, e.type.scale + 1);
  const int shift = computed - ia.scale + ib.scale;
  const bool round = computed > e.type.scale;
  ValueRange numerator;
  if (ia.rep != Rep::kBig && ib.rep != Rep::kBig && shift >= 0 && shift <= 38)
    numerator =
        MulRange(ia.range, MakeRange(mysqlsem::PowerOfTen(shift), mysqlsem::PowerOfTen(shift)));
  if (!numerator.known || computed < e.type.scale) {
    ASSIGN_OR_RETURN(a, c.ToBig(a));
    ASSIGN_OR_RETURN(b, c.ToBig(b));
    return BigArithmetic(c, ExprOp::kDiv, e, a, b, slot_info);
  }
  int128 reach = std::max(numerator.max < 0 ? -numerator.max : numerator.max,
                          numerator.min < 0 ? -numerator.min : numerator.min);
  const bool narrow =
      reach <= kMaxI64 && FitsI64(ib.range) && ia.rep == Rep::kI64 && ib.rep == Rep::kI64;
  if (round) reach = reach / 10 + 1;
  slot_info.range = MakeRange(-reach, reach);
  if (ia.range.min >= 0 && ib.range.min >= 0) slot_info.range.min = 0;
  slot_info.rep = FitsI64(slot_info.range) ? Rep::kI64 : Rep::kI128;
  // A divisor that cannot be zero never warns.
  const bool may_be_zero = ib.range.min <= 0 && ib.range.max >= 0;
  slot_info.nullable = ia.nullable || ib.nullable || may_be_zero;
  const Slot out = c.AddSlot(slot_info);
  const bool warn = (c.plan().sql_mode & kModeErrorForDivisionByZero) != 0;
  const int128 factor = mysqlsem::PowerOfTen(shift);
  const bool wide_a = ia.rep == Rep::kI128, wide_b = ib.rep == Rep::kI128,
             wide_out = slot_info.rep == Rep::kI128;
  const bool unsigned_a = !wide_a && ia.range.max > kMaxI64,
             unsigned_b = !wide_b && ib.range.max > kMaxI64;
  return c.Finish(
      MakeRowStep({a, b}, out, Strictness::kStrict,
                  [=](Row& r) {
                    if (narrow) {
                      const int64_t divisor = r.I64(1);
                      if (divisor == 0) {
                        if (warn) r.Warn(1365, "Division by 0");
                        return false;
                      }
                      const int64_t quotient = r.I64(0) * static_cast<int64_t>(factor) / divisor;
                      return r.Return(round ? (quotient + (quotient < 0 ? -5 : 5)) / 10 : quotient);
                    }
                    const int128 x = wide_a       ? r.I128(0)
                                     : unsigned_a ? static_cast<int128>(r.U64(0))
                                                  : static_cast<int128>(r.I64(0));
                    const int128 y = wide_b       ? r.I128(1)
                                     : unsigned_b ? static_cast<int128>(r.U64(1))
                                                  : static_cast<int128>(r.I64(1));
                    if (y == 0) {
                      if (warn) r.Warn(1365, "Division by 0");
                      return false;
                    }
                    int128 quotient = x * factor / y;
                    if (round) quotient = (quotient + (quotient < 0 ? -5 : 5)) / 10;
                    return wide_out ? r.Return(quotient) : r.Return(static_cast<int64_t>(quotient));
                  }),
      out, {a, b}, {.raises = may_be_zero && warn});
}

Result<Slot> RealDivision(ExprCompiler& c, const Expr& e, Slot a, Slot b) {
  ASSIGN_OR_RETURN(a, c.ToF64(a));
  ASSIGN_OR_RETURN(b, c.ToF64(b));
  SlotInfo slot_info{.type = e.type, .rep = Rep::kF64, .nullable = true};
  const Slot out = c.AddSlot(slot_info);
  const bool warn = (c.plan().sql_mode & kModeErrorForDivisionByZero) != 0;
  const bool modulo = e.op == ExprOp::kMod;
  const std::string text = RangeText("DOUBLE", e);
  return c.Finish(MakeRowStep({a, b}, out, Strictness::kStrict,
                              [=](Row& r) {
                                const double divisor = r.F64(1);
                                if (divisor == 0) {
                                  if (warn) r.Warn(1365, "Division by 0");
                                  return false;
                                }
                                if (modulo) return r.Return(std::fmod(r.F64(0), divisor));
                                const double quotient = r.F64(0) / divisor;
                                if (!std::isfinite(quotient)) return r.Fail(RangeError(text));
                                return r.Return(quotient);
                              }),
                  out, {a, b}, {.raises = true});
}

// DIV and % on integers; DIV on decimals.
Result<Slot> IntegerDivision(ExprCompiler& c, const Expr& e, Slot a, Slot b) {
  const bool modulo = e.op == ExprOp::kMod;
  const bool warn = (c.plan().sql_mode & kModeErrorForDivisionByZero) != 0;
  const std::string text = RangeText(IntegerTypeName(e.type), e);
  SlotInfo slot_info{.type = e.type, .rep = Rep::kI64, .range = Bounds(e.type), .nullable = true};
  if (c.info(a).rep == Rep::kF64 || c.info(b).rep == Rep::kF64)
    return NotSupported("integer division of floating point values is not supported");
  ASSIGN_OR_RETURN(a, c.ToNumber(a));
  ASSIGN_OR_RETURN(b, c.ToNumber(b));
  const SlotInfo ia = c.info(a), ib = c.info(b);
  const bool integers = ia.rep == Rep::kI64 && ib.rep == Rep::kI64 &&
                        ia.type.kind != TypeKind::kDecimal && ib.type.kind != TypeKind::kDecimal;
  if (!integers) {
    ASSIGN_OR_RETURN(a, c.ToBig(a));
    ASSIGN_OR_RETURN(b, c.ToBig(b));
    const Slot out = c.AddSlot(slot_info);
    const bool is_unsigned = e.type.IsUnsigned();
    return c.Finish(
        MakeRowStep({a, b}, out, Strictness::kStrict,
                    [=](Row& r) {
                      BigDecimal quotient, whole;
                      const auto status = mysqlsem::Divide(r.Big(0), r.Big(1), 0, &quotient);
                      if (status & mysqlsem::kDecDivZero) {
                        if (warn) r.Warn(1365, "Division by 0");
                        return false;
                      }
                      quotient.Round(0, mysqlsem::DecimalRounding::kTruncate, &whole);
                      int64_t i = 0;
                      uint64_t u = 0;
                      const auto converted = is_unsigned ? whole.ToUint64(&u) : whole.ToInt64(&i);
                      if ((status | converted) & mysqlsem::kDecOverflow)
                        return r.Fail(RangeError(text));
                      return is_unsigned ? r.Return(u) : r.Return(i);
                    }),
        out, {a, b}, {.raises = true, .expensive = true});
  }
  const ValueRange bounds = Bounds(e.type);
  const bool fits =
      FitsI64(ia.range) && FitsI64(ib.range) && ia.range.min > kMinI64 && !e.type.IsUnsigned();
  const bool may_be_zero = ib.range.min <= 0 && ib.range.max >= 0;
  if (modulo) {
    const int128 reach = std::max(ib.range.max, -ib.range.min);
    slot_info.range = MakeRange(ia.range.min < 0 ? std::max(ia.range.min, -reach + (reach > 0)) : 0,
                                ia.range.max > 0 ? std::min(ia.range.max, reach - (reach > 0)) : 0);
  } else if (ib.range.min > 0) {
    slot_info.range =
        MakeRange(std::min<int128>(ia.range.min, 0), std::max<int128>(ia.range.max, 0));
  }
  if (!Within(slot_info.range, bounds.min, bounds.max)) slot_info.range = bounds;
  slot_info.nullable = ia.nullable || ib.nullable || may_be_zero;
  const Slot out = c.AddSlot(slot_info);
  const bool unsigned_a = ia.range.max > kMaxI64, unsigned_b = ib.range.max > kMaxI64;
  return c.Finish(
      MakeRowStep({a, b}, out, Strictness::kStrict,
                  [=](Row& r) {
                    if (r.I64(1) == 0) {
                      if (warn) r.Warn(1365, "Division by 0");
                      return false;
                    }
                    if (fits) return r.Return(modulo ? r.I64(0) % r.I64(1) : r.I64(0) / r.I64(1));
                    const int128 x =
                        unsigned_a ? static_cast<int128>(r.U64(0)) : static_cast<int128>(r.I64(0));
                    const int128 y =
                        unsigned_b ? static_cast<int128>(r.U64(1)) : static_cast<int128>(r.I64(1));
                    const int128 result = modulo ? x % y : x / y;
                    if (result < bounds.min || result > bounds.max) return r.Fail(RangeError(text));
                    return r.Return(static_cast<int64_t>(result));
                  }),
      out, {a, b}, {.raises = (may_be_zero && warn) || !fits});
}

Result<Slot> DecimalModulo(ExprCompiler& c, const Expr& e, Slot a, Slot b) {
  ASSIGN_OR_RETURN(a, c.ToNumber(a));
  ASSIGN_OR_RETURN(b, c.ToNumber(b));
  SlotInfo slot_info{.type = e.type};
  slot_info.scale = slot_info.min_scale = e.type.scale;
  ASSIGN_OR_RETURN(a, c.ToBig(a));
  ASSIGN_OR_RETURN(b, c.ToBig(b));
  return BigArithmetic(c, ExprOp::kMod, e, a, b, slot_info);
}

Result<Slot> NegateOrAbs(ExprCompiler& c, const Expr& e, Slot a) {
  const bool negate = e.op == ExprOp::kNeg;
  if (e.type.IsReal()) {
    ASSIGN_OR_RETURN(a, c.ToF64(a));
    SlotInfo slot_info = c.info(a);
    slot_info.type = e.type;
    slot_info.constant = false;
    const Slot out = c.AddSlot(slot_info);
    return c.Finish(MakeUnaryStep(a, out,
                                  [=](const Vector& x, Vector& r, uint32_t n) {
                                    (negate ? Kernels().negate_f64 : Kernels().abs_f64)(x.f64(),
                                                                                        r.f64(), n);
                                  }),
                    out, {a});
  }
  ASSIGN_OR_RETURN(a, c.ToNumber(a));
  const SlotInfo in = c.info(a);
  SlotInfo slot_info = in;
  slot_info.type = e.type;
  slot_info.constant = false;
  if (in.rep == Rep::kBig) {
    const Slot out = c.AddSlot(slot_info);
    return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                                [=](Row& r) {
                                  return r.Return(negate || r.Big(0).is_negative()
                                                      ? r.Big(0).Negated()
                                                      : r.Big(0));
                                }),
                    out, {a}, {.expensive = true});
  }
  const ValueRange negated = SubRange(MakeRange(0, 0), in.range);
  if (!negated.known) return NotSupported("negating a value without bounds is not supported");
  if (negate) {
    slot_info.range = negated;
  } else {
    const int128 high = std::max(in.range.max, negated.max);
    slot_info.range = MakeRange(in.range.min > 0   ? in.range.min
                                : in.range.max < 0 ? -in.range.max
                                                   : 0,
                                high);
  }
  const bool decimal = e.type.kind == TypeKind::kDecimal;
  if (in.rep == Rep::kI64 && FitsI64(in.range) && FitsI64(slot_info.range) &&
      (decimal || Within(slot_info.range, Bounds(e.type).min, Bounds(e.type).max))) {
    const Slot out = c.AddSlot(slot_info);
    return c.Finish(MakeUnaryStep(a, out,
                                  [=](const Vector& x, Vector& r, uint32_t n) {
                                    (negate ? Kernels().negate_i64 : Kernels().abs_i64)(x.i64(),
                                                                                        r.i64(), n);
                                  }),
                    out, {a});
  }
  const Slot wide = c.ToI128(a);
  slot_info.rep = Rep::kI128;
  const Slot out = c.AddSlot(slot_info);
  const Slot slot = c.Finish(MakeUnaryStep(wide, out,
                                           [=](const Vector& x, Vector& r, uint32_t n) {
                                             for (uint32_t i = 0; i < n; ++i) {
                                               const int128 v = x.i128()[i];
                                               r.i128()[i] = negate || v < 0 ? -v : v;
                                             }
                                           }),
                             out, {wide});
  if (decimal) return slot;
  return CheckedNarrow(c, slot, e.type, RangeText(IntegerTypeName(e.type), e));
}

}  // namespace

Result<Slot> BuildArithmetic(ExprCompiler& c, const ExprPtr& expr) {
  const Expr& e = *expr;
  std::vector<Slot> args;
  for (const ExprPtr& arg : e.args) {
    ASSIGN_OR_RETURN(Slot slot, c.Compile(arg));
    args.push_back(slot);
  }
  for (Slot slot : args) {
    if (!c.IsNullConstant(slot)) continue;
    SlotInfo like{.type = e.type, .rep = RepOfLane(plan::LaneOf(e.type))};
    if (e.type.kind == TypeKind::kDecimal) {
      like.scale = like.min_scale = e.type.scale;
      if (like.rep == Rep::kStr) like.rep = Rep::kBig;
    }
    return c.NullConstant(like);
  }
  const bool real = e.type.IsReal(), decimal = e.type.kind == TypeKind::kDecimal,
             integer = e.type.IsInteger();
  if (!real && !decimal && !integer)
    return NotSupported("arithmetic giving " + plan::TypeName(e.type) + " is not supported");
  if (e.op == ExprOp::kNeg || e.op == ExprOp::kAbs) return NegateOrAbs(c, e, args[0]);
  const Slot a = args[0], b = args[1];
  switch (e.op) {
    case ExprOp::kAdd:
    case ExprOp::kSub:
    case ExprOp::kMul: {
      const ArithmeticOp op =
          static_cast<ArithmeticOp>(static_cast<int>(e.op) - static_cast<int>(ExprOp::kAdd));
      if (integer) return IntegerArithmetic(c, op, e, a, b);
      if (decimal) return DecimalArithmetic(c, op, e, a, b);
      ASSIGN_OR_RETURN(Slot x, c.ToF64(a));
      ASSIGN_OR_RETURN(Slot y, c.ToF64(b));
      return AddKernel(c, op, ArithmeticClass::kF64, x, y, {.type = e.type, .rep = Rep::kF64},
                       RangeText("DOUBLE", e));
    }
    case ExprOp::kDiv:
      if (integer) return NotSupported("division giving an integer is not supported");
      return real ? RealDivision(c, e, a, b) : DecimalDivision(c, e, a, b);
    case ExprOp::kIntDiv:
      if (!integer) return NotSupported("DIV giving other than an integer is not supported");
      return IntegerDivision(c, e, a, b);
    default:
      if (real) return RealDivision(c, e, a, b);
      return decimal ? DecimalModulo(c, e, a, b) : IntegerDivision(c, e, a, b);
  }
}

}  // namespace sirocco::engine
