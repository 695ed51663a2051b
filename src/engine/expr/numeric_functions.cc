// ROUND, TRUNCATE, CEILING, FLOOR, SIGN, logarithms and powers, trigonometry, bit operations,
// CRC32.
#include <algorithm>
#include <array>
#include <bit>
#include <climits>
#include <cmath>
#include <cstring>

#include "engine/expr/compiler.h"
#include "engine/expr/steps.h"
#include "mysqlsem/decimal.h"
#include "mysqlsem/number_format.h"

namespace sirocco::engine {

using mysqlsem::BigDecimal;
using mysqlsem::DecimalRounding;
using plan::Expr;
using plan::ExprOp;
using plan::TypeKind;

namespace {

Error OutOfRange(const char* type, const std::string& text) {
  return Error{ErrorCode::kMysql, 1690,
               std::string(type) + " value is out of range in '" + text + "'"};
}

// value / 10^from, kept to `digits` digits (negative: tens, hundreds), as an integer of scale
// max(digits, 0).
int128 RoundScaled(int128 value, int from, int digits, DecimalRounding rounding) {
  if (from <= digits) return value;
  const int shift = from - digits;
  if (shift > 38) {
    // All digits go; |value| < 10^38, so only a rounding direction can leave something.
    if (rounding == DecimalRounding::kCeiling) return value > 0 ? 1 : 0;
    if (rounding == DecimalRounding::kFloor) return value < 0 ? -1 : 0;
    return 0;
  }
  int128 result = 0;
  mysqlsem::RescaleInt128(value, shift, 0, rounding, &result);
  for (int i = digits; i < 0; ++i) result *= 10;
  return result;
}

// Decimals: to `digits` digits behind the point.
Result<Slot> RoundDecimal(ExprCompiler& c, const Expr& e, Slot a, int64_t wanted,
                          DecimalRounding rounding) {
  ASSIGN_OR_RETURN(a, c.ToNumber(a));
  const SlotInfo in = c.info(a);
  const int digits = static_cast<int>(std::min<int64_t>(
      std::max<int64_t>(wanted, -100), e.type.kind == TypeKind::kDecimal ? e.type.scale : 0));
  SlotInfo slot_info = in;
  slot_info.type = e.type;
  const int result_scale = std::max(digits, 0);
  if (in.rep == Rep::kBig || digits < -30) {
    ASSIGN_OR_RETURN(a, c.ToBig(a));
    slot_info.rep = Rep::kBig;
    slot_info.range = {};
    slot_info.scale = slot_info.min_scale = static_cast<uint8_t>(result_scale);
    const Slot out = c.AddSlot(slot_info);
    const std::string text = plan::QuotedText(e);
    return c.Finish(
        MakeRowStep({a}, out, Strictness::kStrict,
                    [=](Row& r) {
                      BigDecimal result;
                      if (r.Big(0).Round(digits, rounding, &result) & mysqlsem::kDecOverflow)
                        return false;
                      return r.Return(result);
                    }),
        out, {a}, {.expensive = true});
  }
  const int scale = in.scale;
  if (digits >= scale) {
    // Nothing to drop. Fewer carried digits stay so: the value is the same.
    return a;
  }
  slot_info.scale = slot_info.min_scale = static_cast<uint8_t>(result_scale);
  slot_info.range = MakeRange(RoundScaled(in.range.min, scale, digits, rounding),
                              RoundScaled(in.range.max, scale, digits, rounding));
  const bool wide = in.rep == Rep::kI128, wide_out = !FitsI64(slot_info.range);
  const bool is_unsigned = !wide && in.range.max > kMaxI64;
  slot_info.rep = wide_out ? Rep::kI128 : Rep::kI64;
  const Slot out = c.AddSlot(slot_info);
  return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                              [=](Row& r) {
                                const int128 v = wide          ? r.I128(0)
                                                 : is_unsigned ? static_cast<int128>(r.U64(0))
                                                               : static_cast<int128>(r.I64(0));
                                const int128 result = RoundScaled(v, scale, digits, rounding);
                                return wide_out ? r.Return(result)
                                                : r.Return(static_cast<int64_t>(result));
                              }),
                  out, {a});
}

// A decimal slot of scale 0 as an integer of e.type.
Result<Slot> IntegerOf(ExprCompiler& c, const Expr& e, Slot a) {
  const SlotInfo in = c.info(a);
  const ValueRange bounds = TypeRange(e.type);
  SlotInfo slot_info{.type = e.type, .rep = Rep::kI64, .nullable = in.nullable};
  slot_info.range = in.range.known && Within(in.range, bounds.min, bounds.max) ? in.range : bounds;
  const Slot out = c.AddSlot(slot_info);
  const Rep rep = in.rep;
  const bool fits = in.range.known && Within(in.range, bounds.min, bounds.max);
  const bool is_unsigned = e.type.IsUnsigned();
  if (rep == Rep::kI64 && fits)
    return c.Finish(MakeStep([=](Frame& frame) -> Result<void> {
                      frame.Set(out, frame.in(a));
                      return {};
                    }),
                    out, {a});
  const std::string text = plan::QuotedText(e);
  return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                              [=](Row& r) {
                                if (rep == Rep::kBig) {
                                  int64_t i = 0;
                                  uint64_t u = 0;
                                  const auto status =
                                      is_unsigned ? r.Big(0).ToUint64(&u) : r.Big(0).ToInt64(&i);
                                  if (status & mysqlsem::kDecOverflow)
                                    return r.Fail(OutOfRange("BIGINT", text));
                                  return is_unsigned ? r.Return(u) : r.Return(i);
                                }
                                const int128 v =
                                    rep == Rep::kI128 ? r.I128(0) : static_cast<int128>(r.I64(0));
                                if (v < bounds.min || v > bounds.max)
                                  return r.Fail(OutOfRange("BIGINT", text));
                                return r.Return(static_cast<int64_t>(v));
                              }),
                  out, {a}, {.raises = !fits});
}

// Argument 0 rounded to a multiple of 10^power. The server's power table ends at 10^19; beyond it
// the result is 0.
bool RoundToPower(Row& r, int power, bool is_unsigned, bool truncate, const ValueRange& bounds,
                  const std::string& text) {
  if (power > 19) return r.Return(int64_t{0});
  const int128 v = is_unsigned ? static_cast<int128>(r.U64(0)) : static_cast<int128>(r.I64(0));
  const int128 to = mysqlsem::PowerOfTen(power);
  int128 result = v / to * to;
  const int128 rest = v < 0 ? result - v : v - result;
  if (!truncate && rest >= to / 2) result += v < 0 ? -to : to;
  if (result < bounds.min || result > bounds.max)
    return r.Fail(OutOfRange(is_unsigned ? "BIGINT UNSIGNED" : "BIGINT", text));
  return r.Return(static_cast<int64_t>(result));
}

// ROUND and TRUNCATE with a number of digits that varies from row to row.
Result<Slot> RoundIntegerVarying(ExprCompiler& c, const Expr& e, Slot a, Slot digits,
                                 bool truncate) {
  ASSIGN_OR_RETURN(a, c.ToNumber(a));
  const SlotInfo in = c.info(a);
  if (in.rep != Rep::kI64) return Malformed(e);
  const ValueRange bounds = TypeRange(e.type);
  const bool digits_unsigned = c.info(digits).type.IsUnsigned();
  const Slot out = c.AddSlot({.type = e.type,
                              .rep = Rep::kI64,
                              .range = bounds,
                              .nullable = in.nullable || c.info(digits).nullable});
  const bool is_unsigned = e.type.IsUnsigned();
  const std::string text = plan::QuotedText(e);
  return c.Finish(MakeRowStep({a, digits}, out, Strictness::kStrict,
                              [=](Row& r) {
                                const int64_t wanted = r.I64(1);
                                if (digits_unsigned || wanted >= 0) return r.Return(r.I64(0));
                                return RoundToPower(r,
                                                    wanted < -19 ? 20 : static_cast<int>(-wanted),
                                                    is_unsigned, truncate, bounds, text);
                              }),
                  out, {a, digits}, {.raises = true});
}

// ROUND and TRUNCATE of an integer to tens, hundreds, ...
Result<Slot> RoundInteger(ExprCompiler& c, const Expr& e, Slot a, int64_t digits, bool truncate) {
  ASSIGN_OR_RETURN(a, c.ToNumber(a));
  if (digits >= 0) return a;
  const SlotInfo in = c.info(a);
  const ValueRange bounds = TypeRange(e.type);
  SlotInfo slot_info{.type = e.type, .rep = Rep::kI64, .range = bounds, .nullable = in.nullable};
  const Slot out = c.AddSlot(slot_info);
  const bool is_unsigned = e.type.IsUnsigned();
  const std::string text = plan::QuotedText(e);
  const int power = digits < -19 ? 20 : static_cast<int>(-digits);
  return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                              [=](Row& r) {
                                return RoundToPower(r, power, is_unsigned, truncate, bounds, text);
                              }),
                  out, {a}, {.raises = true});
}

Result<Slot> BuildRound(ExprCompiler& c, const Expr& e, Slot a) {
  const bool truncate = e.op == ExprOp::kTruncate;
  int64_t digits = 0;
  if (e.args.size() > 1) {
    ASSIGN_OR_RETURN(Slot d, c.Compile(e.args[1]));
    if (c.IsNullConstant(d)) return c.NullConstant({.type = e.type, .rep = Rep::kI64});
    if (!c.info(d).constant || (c.info(d).rep != Rep::kI64 && c.info(d).rep != Rep::kBool) ||
        c.info(d).type.kind == TypeKind::kDecimal) {
      // Integers and doubles have no scale to fix, so the digits may vary.
      if (!e.type.IsReal() && !e.type.IsInteger())
        return NotSupported("rounding to a varying number of digits is not supported");
      d = c.FromBool(d);
      if (c.info(d).rep != Rep::kI64 || c.info(d).type.kind == TypeKind::kDecimal)
        return NotSupported(
            "rounding to a number of digits that is not an integer is not supported");
      if (e.type.IsInteger()) return RoundIntegerVarying(c, e, a, d, truncate);
      ASSIGN_OR_RETURN(Slot x, c.ToF64(a));
      const Slot out = c.AddSlot(
          {.type = e.type, .rep = Rep::kF64, .nullable = c.info(x).nullable || c.info(d).nullable});
      return c.Finish(
          MakeRowStep({x, d}, out, Strictness::kStrict,
                      [=](Row& r) {
                        return r.Return(mysqlsem::RoundDouble(r.F64(0), r.I64(1), truncate));
                      }),
          out, {x, d}, {.expensive = true});
    }
    const int128 value = c.ConstantInt(d);
    digits = value > kMaxI64 ? INT64_MAX : static_cast<int64_t>(value);
  }
  if (e.type.IsReal()) {
    ASSIGN_OR_RETURN(Slot x, c.ToF64(a));
    const Slot out = c.AddSlot({.type = e.type, .rep = Rep::kF64, .nullable = c.info(x).nullable});
    return c.Finish(
        MakeRowStep(
            {x}, out, Strictness::kStrict,
            [=](Row& r) { return r.Return(mysqlsem::RoundDouble(r.F64(0), digits, truncate)); }),
        out, {x});
  }
  if (e.type.kind == TypeKind::kDecimal)
    return RoundDecimal(c, e, a, digits,
                        truncate ? DecimalRounding::kTruncate : DecimalRounding::kHalfUp);
  if (e.type.IsInteger()) return RoundInteger(c, e, a, digits, truncate);
  return NotSupported("rounding to " + plan::TypeName(e.type) + " is not supported");
}

Result<Slot> BuildCeilOrFloor(ExprCompiler& c, const Expr& e, Slot a) {
  const bool ceil = e.op == ExprOp::kCeil;
  if (e.type.IsReal() || c.info(a).rep == Rep::kF64) {
    if (!e.type.IsReal())
      return NotSupported("rounding to " + plan::TypeName(e.type) + " is not supported");
    ASSIGN_OR_RETURN(Slot x, c.ToF64(a));
    const Slot out = c.AddSlot({.type = e.type, .rep = Rep::kF64, .nullable = c.info(x).nullable});
    return c.Finish(
        MakeRowStep(
            {x}, out, Strictness::kStrict,
            [=](Row& r) { return r.Return(ceil ? std::ceil(r.F64(0)) : std::floor(r.F64(0))); }),
        out, {x});
  }
  ASSIGN_OR_RETURN(a, c.ToNumber(a));
  if (c.info(a).scale == 0 && c.info(a).rep == Rep::kI64) {
    if (e.type.IsInteger() && c.info(a).type.kind != TypeKind::kDecimal) return a;
  }
  ASSIGN_OR_RETURN(
      a, RoundDecimal(c, e, a, 0, ceil ? DecimalRounding::kCeiling : DecimalRounding::kFloor));
  if (e.type.kind == TypeKind::kDecimal) return a;
  return IntegerOf(c, e, a);
}

Result<Slot> BuildSign(ExprCompiler& c, const Expr& e, Slot a) {
  a = c.FromBool(a);
  const SlotInfo in = c.info(a);
  const Rep rep = in.rep;
  if (rep == Rep::kStr || rep == Rep::kCode) {
    ASSIGN_OR_RETURN(a, c.ToNumber(a));
    if (c.info(a).rep != Rep::kBig) return Malformed(e);
  }
  const Rep numeric = c.info(a).rep;
  SlotInfo slot_info{
      .type = e.type, .rep = Rep::kI64, .range = MakeRange(-1, 1), .nullable = in.nullable};
  const Slot out = c.AddSlot(slot_info);
  const bool is_unsigned = numeric == Rep::kI64 && in.range.max > kMaxI64;
  return c.Finish(
      MakeRowStep({a}, out, Strictness::kStrict,
                  [=](Row& r) {
                    int64_t sign = 0;
                    switch (numeric) {
                      case Rep::kF64:
                        sign = r.F64(0) < 0 ? -1 : r.F64(0) > 0;
                        break;
                      case Rep::kI128:
                        sign = r.I128(0) < 0 ? -1 : r.I128(0) > 0;
                        break;
                      case Rep::kBig:
                        sign = r.Big(0).is_zero() ? 0 : r.Big(0).is_negative() ? -1 : 1;
                        break;
                      default:
                        sign = is_unsigned ? r.U64(0) != 0 : r.I64(0) < 0 ? -1 : r.I64(0) > 0;
                        break;
                    }
                    return r.Return(sign);
                  }),
      out, {a});
}

// f(double, Row) -> bool for one argument; `checked` rows that are not finite raise error 1690.
template <typename F>
Result<Slot> RealFunction(ExprCompiler& c, const Expr& e, std::vector<Slot> args, bool nullable,
                          StepTraits traits, F f) {
  bool any_nullable = nullable;
  for (Slot& a : args) {
    ASSIGN_OR_RETURN(a, c.ToF64(a));
    any_nullable |= c.info(a).nullable;
  }
  const Slot out = c.AddSlot({.type = e.type, .rep = Rep::kF64, .nullable = any_nullable});
  const std::string text = plan::QuotedText(e);
  traits.expensive = true;
  auto step = MakeRowStep(args, out, Strictness::kStrict, [=](Row& r) { return f(r, text); });
  return c.Finish(std::move(step), out, std::span<const Slot>(args), traits);
}

bool ReturnFinite(Row& r, double v, const std::string& text) {
  if (!std::isfinite(v)) return r.Fail(OutOfRange("DOUBLE", text));
  return r.Return(v);
}

bool LogArgument(Row& r) {
  if (r.F64(0) > 0) return true;
  r.Warn(3020, "Invalid argument for logarithm");
  return false;
}

Result<Slot> BuildReal(ExprCompiler& c, const Expr& e, std::vector<Slot> args) {
  const StepTraits raises{.raises = true}, pure{};
  if (!e.type.IsReal())
    return NotSupported(std::string("function ") + plan::ExprOpName(e.op) + " giving " +
                        plan::TypeName(e.type) + " is not supported");
  switch (e.op) {
    case ExprOp::kSqrt:
      return RealFunction(c, e, args, true, pure, [](Row& r, const std::string&) {
        return r.F64(0) < 0 ? false : r.Return(std::sqrt(r.F64(0)));
      });
    case ExprOp::kPow:
      return RealFunction(c, e, args, false, raises, [](Row& r, const std::string& t) {
        return ReturnFinite(r, std::pow(r.F64(0), r.F64(1)), t);
      });
    case ExprOp::kExp:
      return RealFunction(c, e, args, false, raises, [](Row& r, const std::string& t) {
        return ReturnFinite(r, std::exp(r.F64(0)), t);
      });
    case ExprOp::kLn:
      return RealFunction(c, e, args, true, raises, [](Row& r, const std::string&) {
        return LogArgument(r) && r.Return(std::log(r.F64(0)));
      });
    case ExprOp::kLog2:
      return RealFunction(c, e, args, true, raises, [](Row& r, const std::string&) {
        return LogArgument(r) && r.Return(std::log2(r.F64(0)));
      });
    case ExprOp::kLog10:
      return RealFunction(c, e, args, true, raises, [](Row& r, const std::string&) {
        return LogArgument(r) && r.Return(std::log10(r.F64(0)));
      });
    case ExprOp::kLogBase:
      return RealFunction(c, e, args, true, raises, [](Row& r, const std::string&) {
        if (!LogArgument(r)) return false;
        if (r.F64(1) <= 0 || r.F64(0) == 1) {
          r.Warn(3020, "Invalid argument for logarithm");
          return false;
        }
        return r.Return(std::log(r.F64(1)) / std::log(r.F64(0)));
      });
    case ExprOp::kSin:
      return RealFunction(c, e, args, false, pure,
                          [](Row& r, const std::string&) { return r.Return(std::sin(r.F64(0))); });
    case ExprOp::kCos:
      return RealFunction(c, e, args, false, pure,
                          [](Row& r, const std::string&) { return r.Return(std::cos(r.F64(0))); });
    case ExprOp::kTan:
      return RealFunction(c, e, args, false, raises, [](Row& r, const std::string& t) {
        return ReturnFinite(r, std::tan(r.F64(0)), t);
      });
    case ExprOp::kCot:
      return RealFunction(c, e, args, false, raises, [](Row& r, const std::string& t) {
        const double tangent = std::tan(r.F64(0));
        if (tangent == 0) return r.Fail(OutOfRange("DOUBLE", t));
        return ReturnFinite(r, 1.0 / tangent, t);
      });
    case ExprOp::kAsin:
      return RealFunction(c, e, args, true, pure, [](Row& r, const std::string&) {
        const double v = r.F64(0);
        return v < -1.0 || v > 1.0 ? false : r.Return(std::asin(v));
      });
    case ExprOp::kAcos:
      return RealFunction(c, e, args, true, pure, [](Row& r, const std::string&) {
        const double v = r.F64(0);
        return v < -1.0 || v > 1.0 ? false : r.Return(std::acos(v));
      });
    case ExprOp::kAtan:
      return RealFunction(c, e, args, false, pure,
                          [](Row& r, const std::string&) { return r.Return(std::atan(r.F64(0))); });
    case ExprOp::kAtan2:
      return RealFunction(c, e, args, false, raises, [](Row& r, const std::string& t) {
        return ReturnFinite(r, std::atan2(r.F64(0), r.F64(1)), t);
      });
    case ExprOp::kRadians:
      return RealFunction(c, e, args, false, raises, [](Row& r, const std::string& t) {
        return ReturnFinite(r, r.F64(0) * (M_PI / 180) + 0.0, t);
      });
    case ExprOp::kDegrees:
      return RealFunction(c, e, args, false, raises, [](Row& r, const std::string& t) {
        return ReturnFinite(r, r.F64(0) * (180 / M_PI) + 0.0, t);
      });
    default:
      return NotSupported(std::string("function ") + plan::ExprOpName(e.op) + " is not supported");
  }
}

Result<Slot> BuildBits(ExprCompiler& c, const Expr& e, std::vector<Slot> args) {
  bool nullable = false;
  for (Slot& a : args) {
    a = c.FromBool(a);
    if (c.info(a).rep != Rep::kI64 || c.info(a).type.kind == TypeKind::kDecimal ||
        c.info(a).type.IsTemporal())
      return NotSupported("bit operations on " + plan::TypeName(c.info(a).type) +
                          " are not supported");
    nullable |= c.info(a).nullable;
  }
  SlotInfo slot_info{
      .type = e.type, .rep = Rep::kI64, .range = MakeRange(0, kMaxU64), .nullable = nullable};
  if (e.op == ExprOp::kBitAnd) {
    // No bits beyond those of a non-negative side.
    for (Slot a : args)
      if (c.info(a).range.min >= 0)
        slot_info.range.max = std::min(slot_info.range.max, c.info(a).range.max);
  }
  if (!e.type.IsUnsigned()) slot_info.range = MakeRange(kMinI64, kMaxI64);
  const Slot out = c.AddSlot(slot_info);
  const ExprOp op = e.op;
  return c.Finish(MakeRowStep(args, out, Strictness::kStrict,
                              [=](Row& r) {
                                const uint64_t a = r.U64(0);
                                if (op == ExprOp::kBitCount)
                                  return r.Return(int64_t{std::popcount(a)});
                                if (op == ExprOp::kBitNot) return r.Return(~a);
                                const uint64_t b = r.U64(1);
                                switch (op) {
                                  case ExprOp::kBitAnd:
                                    return r.Return(a & b);
                                  case ExprOp::kBitOr:
                                    return r.Return(a | b);
                                  case ExprOp::kBitXor:
                                    return r.Return(a ^ b);
                                  case ExprOp::kShiftLeft:
                                    return r.Return(b < 64 ? a << b : uint64_t{0});
                                  default:
                                    return r.Return(b < 64 ? a >> b : uint64_t{0});
                                }
                              }),
                  out, std::span<const Slot>(args));
}

constexpr std::array<uint32_t, 256> CrcTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int k = 0; k < 8; ++k) crc = crc & 1 ? 0xEDB88320u ^ (crc >> 1) : crc >> 1;
    table[i] = crc;
  }
  return table;
}

Result<Slot> BuildCrc32(ExprCompiler& c, const Expr& e, Slot a) {
  static constexpr std::array<uint32_t, 256> kTable = CrcTable();
  a = c.DecodeCodes(a);
  if (c.info(a).rep != Rep::kStr || c.info(a).type.kind != TypeKind::kString)
    return NotSupported("CRC32 of " + plan::TypeName(c.info(a).type) + " is not supported");
  const Slot out = c.AddSlot({.type = e.type,
                              .rep = Rep::kI64,
                              .range = MakeRange(0, UINT32_MAX),
                              .nullable = c.info(a).nullable});
  return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                              [=](Row& r) {
                                uint32_t crc = 0xFFFFFFFFu;
                                for (unsigned char byte : r.Str(0))
                                  crc = kTable[(crc ^ byte) & 0xFF] ^ (crc >> 8);
                                return r.Return(static_cast<int64_t>(crc ^ 0xFFFFFFFFu));
                              }),
                  out, {a}, {.expensive = true});
}

}  // namespace

Result<Slot> BuildNumericFunction(ExprCompiler& c, const ExprPtr& expr) {
  const Expr& e = *expr;
  ASSIGN_OR_RETURN(Slot a, c.Compile(e.args[0]));
  if (c.IsNullConstant(a)) {
    SlotInfo like{.type = e.type, .rep = RepOfLane(plan::LaneOf(e.type))};
    if (e.type.kind == TypeKind::kDecimal && like.rep == Rep::kStr) like.rep = Rep::kBig;
    return c.NullConstant(like);
  }
  switch (e.op) {
    case ExprOp::kRound:
    case ExprOp::kTruncate:
      return BuildRound(c, e, a);
    case ExprOp::kCeil:
    case ExprOp::kFloor:
      return BuildCeilOrFloor(c, e, a);
    case ExprOp::kSign:
      return BuildSign(c, e, a);
    case ExprOp::kCrc32:
      return BuildCrc32(c, e, a);
    default:
      break;
  }
  std::vector<Slot> args = {a};
  if (e.args.size() > 1) {
    ASSIGN_OR_RETURN(Slot b, c.Compile(e.args[1]));
    if (c.IsNullConstant(b))
      return c.NullConstant({.type = e.type, .rep = RepOfLane(plan::LaneOf(e.type))});
    args.push_back(b);
  }
  if ((e.op >= ExprOp::kBitAnd && e.op <= ExprOp::kBitNot) || e.op == ExprOp::kBitCount)
    return BuildBits(c, e, args);
  return BuildReal(c, e, args);
}

}  // namespace sirocco::engine
