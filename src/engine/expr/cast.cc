// Casts between types as the server converts values, with its warnings; ENUM and SET to text;
// TIMESTAMP to local time. A value whose conversion the server would clamp or complain about in a
// way not known here ends the query with kNotSupported.
#include <cmath>
#include <cstring>

#include "engine/expr/compiler.h"
#include "engine/expr/steps.h"
#include "mysqlsem/number_format.h"
#include "mysqlsem/temporal.h"
#include "plan/cast_flags.h"

namespace sirocco::engine {

using mysqlsem::BigDecimal;
using mysqlsem::PackedDate;
using plan::Expr;
using plan::ExprOp;
using plan::Type;
using plan::TypeKind;

namespace {

constexpr uint64_t kModeTimeTruncateFractional = uint64_t{1} << 32;
constexpr uint64_t kModeNoZeroInDate = uint64_t{1} << 23;
constexpr uint64_t kModeNoZeroDate = uint64_t{1} << 24;
constexpr uint64_t kModeInvalidDates = uint64_t{1} << 25;

std::unexpected<Error> CannotCast(const SlotInfo& in, const Type& to) {
  return NotSupported("casting " + plan::TypeName(in.type) + " to " + plan::TypeName(to) +
                      " is not supported");
}

bool Unrepresentable(Row& r, const char* what) {
  return r.Fail(
      Error{ErrorCode::kNotSupported, 0,
            std::string("a value out of range in a cast to ") + what + " is not supported"});
}

// "Truncated incorrect DOUBLE value: 'abc'"; the server shows at most 128 bytes of the value.
void WarnTruncated(Row& r, const char* type, std::string_view value) {
  r.Warn(1292, std::string("Truncated incorrect ") + type + " value: '" +
                   std::string(value.substr(0, 128)) + "'");
}

// The same values under another type.
Slot Relabel(ExprCompiler& c, Slot a, SlotInfo slot_info) {
  const Slot out = c.AddSlot(slot_info);
  return c.Finish(MakeStep([=](Frame& frame) -> Result<void> {
                    frame.Set(out, frame.in(a));
                    return {};
                  }),
                  out, {a});
}

bool IsText(const SlotInfo& in) { return in.rep == Rep::kStr && in.type.kind == TypeKind::kString; }
bool IsIntegral(const SlotInfo& in) {
  return in.rep == Rep::kI64 && !in.type.IsTemporal() && in.type.kind != TypeKind::kDecimal;
}

// Text whose digits can be parsed as bytes.
Result<void> CheckAsciiText(ExprCompiler& c, const SlotInfo& in) {
  const mysqlsem::Collation* collation = c.FindCollation(in.type.collation);
  if (collation == nullptr || !collation->ascii_based())
    return NotSupported(
        "reading numbers or dates from text in this character set is not supported");
  return {};
}

// The number that a TIME or DATETIME stands for, times 10^6. Years above 9223 do not fit 64 bits.
int128 WithMicros(TypeKind kind, int64_t v) {
  if (kind == TypeKind::kTime) {
    const int64_t micros = (v < 0 ? -v : v) & 0xFFFFFF;
    return static_cast<int128>(mysqlsem::TimeToInt(v)) * 1000000 + (v < 0 ? -micros : micros);
  }
  return static_cast<int128>(mysqlsem::DatetimeToInt(v)) * 1000000 + (v & 0xFFFFFF);
}

// ---- to integers
// --------------------------------------------------------------------------------------------------------

Result<Slot> ToInteger(ExprCompiler& c, const Expr& e, Slot a) {
  const SlotInfo in = c.info(a);
  const bool is_unsigned = e.type.IsUnsigned();
  const ValueRange bounds = TypeRange(e.type);
  SlotInfo slot_info{.type = e.type, .rep = Rep::kI64, .range = bounds, .nullable = in.nullable};
  slot_info.num_distinct = in.num_distinct;
  if (IsIntegral(in)) {
    // Bits stay: -1 becomes 18446744073709551615 and back.
    if (Within(in.range, bounds.min, bounds.max)) slot_info.range = in.range;
    return Relabel(c, a, slot_info);
  }
  if (in.type.IsTemporal()) {
    if (in.type.scale != 0 || in.type.kind == TypeKind::kTimestamp ||
        (is_unsigned && in.type.kind == TypeKind::kTime))
      return CannotCast(in, e.type);
    const TypeKind kind = in.type.kind;
    slot_info.range = kind == TypeKind::kDate   ? MakeRange(0, 99991531)
                      : kind == TypeKind::kTime ? MakeRange(-8385959, 8385959)
                                                : MakeRange(0, 99991531235959);
    const Slot out = c.AddSlot(slot_info);
    return c.Finish(
        MakeRowStep({a}, out, Strictness::kStrict,
                    [=](Row& r) {
                      const int64_t v = r.I64(0);
                      return r.Return(kind == TypeKind::kDate
                                          ? mysqlsem::DateToInt(static_cast<PackedDate>(v))
                                      : kind == TypeKind::kTime ? mysqlsem::TimeToInt(v)
                                                                : mysqlsem::DatetimeToInt(v));
                    }),
        out, {a});
  }
  if (IsText(in)) {
    RETURN_IF_ERROR(CheckAsciiText(c, in));
    const Slot out = c.AddSlot(slot_info);
    return c.Finish(
        MakeRowStep(
            {a}, out, Strictness::kStrict,
            [=](Row& r) {
              const std::string_view text = r.Str(0);
              bool truncated, complement;
              int64_t value;
              if (is_unsigned) {
                const auto parsed = mysqlsem::ParseUnsigned(text);
                value = static_cast<int64_t>(parsed.value), truncated = parsed.truncated,
                complement = parsed.complement;
              } else {
                const auto parsed = mysqlsem::ParseSigned(text);
                value = parsed.value, truncated = parsed.truncated, complement = parsed.complement;
              }
              if (complement)
                r.Warn(
                    1105,
                    is_unsigned
                        ? "Cast to unsigned converted negative integer to its positive complement"
                        : "Cast to signed converted positive out-of-range integer to its negative "
                          "complement");
              if (truncated) WarnTruncated(r, "INTEGER", text);
              return r.Return(value);
            }),
        out, {a}, {.raises = true, .expensive = true});
  }
  if (in.rep == Rep::kF64) {
    const Slot out = c.AddSlot(slot_info);
    return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                                [=](Row& r) {
                                  bool out_of_range = false;
                                  const int64_t value =
                                      mysqlsem::DoubleToInt64(r.F64(0), &out_of_range);
                                  if (out_of_range) return Unrepresentable(r, "an integer");
                                  return r.Return(value);
                                }),
                    out, {a}, {.raises = true});
  }
  if (in.type.kind != TypeKind::kDecimal) return CannotCast(in, e.type);
  ASSIGN_OR_RETURN(a, c.ToNumber(a));
  const SlotInfo number = c.info(a);
  const Rep rep = number.rep;
  const int scale = number.scale;
  bool fits = false;
  if (rep != Rep::kBig) {
    int128 low = 0, high = 0;
    mysqlsem::RescaleInt128(number.range.min, scale, 0, mysqlsem::DecimalRounding::kHalfUp, &low);
    mysqlsem::RescaleInt128(number.range.max, scale, 0, mysqlsem::DecimalRounding::kHalfUp, &high);
    fits = low >= (is_unsigned ? 0 : kMinI64) && high <= bounds.max;
    if (fits) slot_info.range = MakeRange(low, high);
  }
  const Slot out = c.AddSlot(slot_info);
  return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                              [=](Row& r) {
                                int128 v = 0;
                                if (rep == Rep::kBig) {
                                  if (r.Big(0).ToScaled(0, &v) & mysqlsem::kDecOverflow)
                                    return Unrepresentable(r, "an integer");
                                } else {
                                  mysqlsem::RescaleInt128(
                                      rep == Rep::kI128 ? r.I128(0) : static_cast<int128>(r.I64(0)),
                                      scale, 0, mysqlsem::DecimalRounding::kHalfUp, &v);
                                }
                                // Negative values keep their bits when cast to UNSIGNED.
                                if (v < kMinI64 || v > bounds.max)
                                  return Unrepresentable(r, "an integer");
                                return r.Return(static_cast<int64_t>(v));
                              }),
                  out, {a}, {.raises = !fits});
}

// ---- to DECIMAL
// ---------------------------------------------------------------------------------------------------------

// Any number as a decimal of exactly e.type: rounded, and refused at run time where it does not
// fit.
Result<Slot> FitDecimal(ExprCompiler& c, const Expr& e, Slot a) {
  ASSIGN_OR_RETURN(a, c.ToNumber(a));
  const SlotInfo in = c.info(a);
  const int scale = e.type.scale, precision = e.type.precision;
  if (precision == 0 || precision > 65 || scale > 30 || scale > precision) return Malformed(e);
  SlotInfo slot_info{.type = e.type, .nullable = in.nullable};
  slot_info.scale = slot_info.min_scale = e.type.scale;
  slot_info.num_distinct = in.num_distinct;
  if (in.rep != Rep::kBig) {
    int128 low = 0, high = 0;
    const bool known =
        mysqlsem::RescaleInt128(in.range.min, in.scale, scale, mysqlsem::DecimalRounding::kHalfUp,
                                &low) != mysqlsem::kDecOverflow &&
        mysqlsem::RescaleInt128(in.range.max, in.scale, scale, mysqlsem::DecimalRounding::kHalfUp,
                                &high) != mysqlsem::kDecOverflow;
    const bool fits = known && (precision > 38 || (low > -mysqlsem::PowerOfTen(precision) &&
                                                   high < mysqlsem::PowerOfTen(precision)));
    if (fits && in.scale <= scale) {
      ASSIGN_OR_RETURN(a, c.Rescale(a, scale));
      slot_info.rep = c.info(a).rep;
      slot_info.range = c.info(a).range;
      return slot_info.rep == Rep::kBig ? Result<Slot>(a) : Result<Slot>(Relabel(c, a, slot_info));
    }
    if (fits) {
      slot_info.range = MakeRange(low, high);
      slot_info.rep = FitsI64(slot_info.range) ? Rep::kI64 : Rep::kI128;
      const Slot out = c.AddSlot(slot_info);
      const bool wide = in.rep == Rep::kI128, wide_out = slot_info.rep == Rep::kI128;
      const int from = in.scale;
      return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                                  [=](Row& r) {
                                    int128 v = 0;
                                    mysqlsem::RescaleInt128(
                                        wide ? r.I128(0) : static_cast<int128>(r.I64(0)), from,
                                        scale, mysqlsem::DecimalRounding::kHalfUp, &v);
                                    return wide_out ? r.Return(v)
                                                    : r.Return(static_cast<int64_t>(v));
                                  }),
                      out, {a});
    }
  }
  ASSIGN_OR_RETURN(a, c.ToBig(a));
  const Lane lane = plan::LaneOf(e.type);
  slot_info.rep = lane == Lane::kI64 ? Rep::kI64 : lane == Lane::kI128 ? Rep::kI128 : Rep::kBig;
  slot_info.range = TypeRange(e.type);
  const Slot out = c.AddSlot(slot_info);
  // A CAST of the statement gives the largest value, with a warning that quotes the select item.
  const std::string warning =
      e.label.empty() ? "" : "Out of range value for column '" + e.label + "' at row 1";
  return c.Finish(
      MakeRowStep({a}, out, Strictness::kStrict,
                  [=](Row& r) {
                    BigDecimal fitted;
                    if (r.Big(0).Fit(precision, scale, &fitted) & mysqlsem::kDecOverflow) {
                      if (warning.empty()) return Unrepresentable(r, "DECIMAL");
                      r.Warn(1264, warning);
                    }
                    if (lane == Lane::kStr) return r.Return(fitted);
                    int128 v = 0;
                    fitted.ToScaled(scale, &v);
                    return lane == Lane::kI128 ? r.Return(v) : r.Return(static_cast<int64_t>(v));
                  }),
      out, {a}, {.raises = true, .expensive = true});
}

Result<Slot> ToDecimal(ExprCompiler& c, const Expr& e, Slot a) {
  const SlotInfo in = c.info(a);
  SlotInfo big{
      .type = plan::DecimalType(65, 30, in.nullable), .rep = Rep::kBig, .nullable = in.nullable};
  big.scale = big.min_scale = 30;
  if (in.rep == Rep::kF64) {
    const Slot out = c.AddSlot(big);
    a = c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                             [](Row& r) {
                               BigDecimal result;
                               if (BigDecimal::FromDouble(r.F64(0), &result) &
                                   (mysqlsem::kDecOverflow | mysqlsem::kDecBadNumber))
                                 return Unrepresentable(r, "DECIMAL");
                               return r.Return(result);
                             }),
                 out, {a}, {.raises = true, .expensive = true});
    return FitDecimal(c, e, a);
  }
  if (IsText(in)) {
    RETURN_IF_ERROR(CheckAsciiText(c, in));
    const Slot out = c.AddSlot(big);
    // The server warns of text without digits in general, and of any other text when a column holds
    // it.
    const bool is_column = e.args[0]->op == ExprOp::kColumn;
    a = c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                             [=](Row& r) {
                               BigDecimal result;
                               const auto status = BigDecimal::FromString(r.Str(0), &result);
                               if (status & mysqlsem::kDecOverflow)
                                 return Unrepresentable(r, "DECIMAL");
                               if (status & mysqlsem::kDecBadNumber)
                                 r.Warn(1366,
                                        "Incorrect DECIMAL value: '0' for column '' at row -1");
                               if (status != mysqlsem::kDecOk && is_column)
                                 WarnTruncated(r, "DECIMAL", r.Str(0));
                               return r.Return(result);
                             }),
                 out, {a}, {.raises = true, .expensive = true});
    return FitDecimal(c, e, a);
  }
  if (in.type.IsTemporal()) {
    if (in.type.kind == TypeKind::kTimestamp) return CannotCast(in, e.type);
    const TypeKind kind = in.type.kind;
    SlotInfo number{.type = plan::DecimalType(18, kind == TypeKind::kDate ? 0 : 4, in.nullable),
                    .rep = Rep::kI128,
                    .nullable = in.nullable};
    number.type = plan::DecimalType(20, kind == TypeKind::kDate ? 0 : 6, in.nullable);
    number.scale = number.min_scale = number.type.scale;
    number.range = kind == TypeKind::kDate
                       ? MakeRange(0, 99991531)
                       : MakeRange(-int128{8385959} * 1000000, int128{99991531235960} * 1000000);
    const Slot out = c.AddSlot(number);
    a = c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                             [=](Row& r) {
                               const int64_t v = r.I64(0);
                               return r.Return(kind == TypeKind::kDate
                                                   ? static_cast<int128>(mysqlsem::DateToInt(
                                                         static_cast<PackedDate>(v)))
                                                   : WithMicros(kind, v));
                             }),
                 out, {a});
    return FitDecimal(c, e, a);
  }
  return FitDecimal(c, e, a);
}

// ---- to DOUBLE and FLOAT
// ------------------------------------------------------------------------------------------------

Result<Slot> ToReal(ExprCompiler& c, const Expr& e, Slot a) {
  const SlotInfo in = c.info(a);
  SlotInfo slot_info{.type = e.type, .rep = Rep::kF64, .nullable = in.nullable};
  if (IsText(in)) {
    RETURN_IF_ERROR(CheckAsciiText(c, in));
    const Slot out = c.AddSlot(slot_info);
    const bool silent = e.unit == plan::kSilentCast;
    a = c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                             [=](Row& r) {
                               const auto parsed = mysqlsem::ParseDouble(r.Str(0));
                               if (parsed.truncated && !silent)
                                 WarnTruncated(r, "DOUBLE", r.Str(0));
                               return r.Return(parsed.value);
                             }),
                 out, {a}, {.raises = !silent, .expensive = true});
  } else if (in.type.IsTemporal()) {
    if (in.type.kind == TypeKind::kTimestamp) return CannotCast(in, e.type);
    const TypeKind kind = in.type.kind;
    const Slot out = c.AddSlot(slot_info);
    a = c.Finish(
        MakeRowStep({a}, out, Strictness::kStrict,
                    [=](Row& r) {
                      const int64_t v = r.I64(0);
                      if (kind == TypeKind::kDate)
                        return r.Return(
                            static_cast<double>(mysqlsem::DateToInt(static_cast<PackedDate>(v))));
                      const int128 scaled = WithMicros(kind, v);
                      // The server adds the whole part and the fraction as doubles.
                      return r.Return(static_cast<double>(static_cast<int64_t>(scaled / 1000000)) +
                                      static_cast<double>(static_cast<int64_t>(scaled % 1000000)) /
                                          1e6);
                    }),
        out, {a});
  } else {
    if (in.rep == Rep::kStr && in.type.kind != TypeKind::kDecimal) return CannotCast(in, e.type);
    ASSIGN_OR_RETURN(a, c.ToF64(a));
  }
  if (e.type.kind != TypeKind::kFloat || in.type.kind == TypeKind::kFloat) return a;
  const Slot out = c.AddSlot(slot_info);
  return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                              [](Row& r) {
                                const float value = static_cast<float>(r.F64(0));
                                if (!std::isfinite(value)) return Unrepresentable(r, "FLOAT");
                                return r.Return(static_cast<double>(value));
                              }),
                  out, {a}, {.raises = true});
}

// ---- to dates and times
// -------------------------------------------------------------------------------------------------

}  // namespace

uint32_t TemporalParseFlags(const plan::Plan& plan) {
  uint32_t flags = mysqlsem::kFuzzy;
  if ((plan.sql_mode & kModeInvalidDates) == 0) flags |= mysqlsem::kNoInvalidDates;
  if ((plan.sql_mode & kModeNoZeroDate) != 0) flags |= mysqlsem::kNoZeroDate;
  if ((plan.sql_mode & kModeNoZeroInDate) != 0) flags |= mysqlsem::kNoZeroInDate;
  if ((plan.sql_mode & kModeTimeTruncateFractional) != 0) flags |= mysqlsem::kFracTruncate;
  return flags;
}

namespace {

const char* TemporalName(TypeKind kind) {
  return kind == TypeKind::kDate ? "date" : kind == TypeKind::kTime ? "time" : "datetime";
}

// Result of parsing one text or number; NULL with the server's warning if it is no such value.
bool ReturnParsed(Row& r, const mysqlsem::ParsedTemporal& parsed, TypeKind to, int scale,
                  bool truncate, std::string_view text) {
  if (parsed.deprecated_format || parsed.has_zone)
    return r.Fail(Error{ErrorCode::kNotSupported, 0,
                        "a date with a time zone or in a deprecated format is not supported"});
  if (!parsed.ok) {
    r.Warn(1292, std::string(to == TypeKind::kDatetime ? "Incorrect " : "Truncated incorrect ") +
                     TemporalName(to) + " value: '" + std::string(text.substr(0, 128)) + "'");
    return false;
  }
  if ((parsed.warnings & ~16) != 0) WarnTruncated(r, TemporalName(to), text);
  mysqlsem::Temporal value = parsed.value;
  if (to == TypeKind::kDate) return r.Return(static_cast<int64_t>(mysqlsem::PackDate(value)));
  std::optional<int64_t> adjusted;
  if (to == TypeKind::kTime) {
    adjusted = mysqlsem::AdjustTime(mysqlsem::PackTime(value), scale, truncate);
  } else {
    adjusted = mysqlsem::AdjustDatetime(mysqlsem::PackDatetime(value), scale, truncate);
  }
  return adjusted && r.Return(*adjusted);
}

Result<Slot> ToTemporal(ExprCompiler& c, const Expr& e, Slot a) {
  const SlotInfo in = c.info(a);
  const TypeKind from = in.type.kind, to = e.type.kind;
  const int scale = e.type.scale;
  const bool truncate = (c.plan().sql_mode & kModeTimeTruncateFractional) != 0;
  SlotInfo slot_info{.type = e.type, .rep = Rep::kI64, .nullable = in.nullable};
  slot_info.range = to == TypeKind::kDate ? TypeRange(e.type) : MakeRange(kMinI64, kMaxI64);
  slot_info.num_distinct = in.num_distinct;
  const bool keeps_fraction = from == TypeKind::kDate || in.type.scale <= scale;
  if (from == to && (to == TypeKind::kDate || keeps_fraction)) {
    slot_info.range = in.range;
    return Relabel(c, a, slot_info);
  }
  if ((from == TypeKind::kDatetime && to == TypeKind::kDatetime) ||
      (from == TypeKind::kTime && to == TypeKind::kTime)) {
    slot_info.nullable = true;
    const Slot out = c.AddSlot(slot_info);
    return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                                [=](Row& r) {
                                  const auto v =
                                      to == TypeKind::kTime
                                          ? mysqlsem::AdjustTime(r.I64(0), scale, truncate)
                                          : mysqlsem::AdjustDatetime(r.I64(0), scale, truncate);
                                  return v && r.Return(*v);
                                }),
                    out, {a});
  }
  if ((from == TypeKind::kDate && to == TypeKind::kDatetime) ||
      (from == TypeKind::kDatetime && to == TypeKind::kDate)) {
    const bool widen = to == TypeKind::kDatetime;
    const Slot out = c.AddSlot(slot_info);
    return c.Finish(MakeStep([=](Frame& frame) -> Result<void> {
                      const Vector& x = frame.in(a);
                      const uint32_t n = x.constant ? 1 : frame.count;
                      Vector& r = frame.Begin(out);
                      r.constant = x.constant;
                      r.nulls = x.nulls;
                      (widen ? Kernels().date_to_datetime : Kernels().datetime_to_date)(x.i64(),
                                                                                        r.i64(), n);
                      // An explicit cast of a zero or partial date is NULL under some sql_modes, an
                      // implicit one is not; the plan does not tell them apart.
                      const int64_t* dates = widen ? x.i64() : r.i64();
                      bool partial = false;
                      for (uint32_t i = 0; i < n; ++i)
                        partial |= (dates[i] & 31) == 0 || (dates[i] >> 5 & 15) == 0;
                      if (!partial) return {};
                      for (uint32_t i = 0; i < n; ++i)
                        if (!IsNullAt(x, i) && ((dates[i] & 31) == 0 || (dates[i] >> 5 & 15) == 0))
                          return NotSupported("casting a zero or partial date is not supported");
                      return {};
                    }),
                    out, {a}, {.raises = true});
  }
  if ((from == TypeKind::kDatetime || from == TypeKind::kDate) && to == TypeKind::kTime) {
    const bool is_date = from == TypeKind::kDate;
    slot_info.nullable = true;
    const Slot out = c.AddSlot(slot_info);
    return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                                [=](Row& r) {
                                  if (is_date) return r.Return(int64_t{0});
                                  const auto v = mysqlsem::AdjustTime(
                                      mysqlsem::DatetimeToTime(r.I64(0)), scale, truncate);
                                  return v && r.Return(*v);
                                }),
                    out, {a});
  }
  const uint32_t flags = TemporalParseFlags(c.plan());
  if (IsText(in)) {
    RETURN_IF_ERROR(CheckAsciiText(c, in));
    slot_info.nullable = true;
    const Slot out = c.AddSlot(slot_info);
    return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                                [=](Row& r) {
                                  const std::string_view text = r.Str(0);
                                  return ReturnParsed(r,
                                                      to == TypeKind::kTime
                                                          ? mysqlsem::ParseTime(text, flags)
                                                          : mysqlsem::ParseDatetime(text, flags),
                                                      to, scale, truncate, text);
                                }),
                    out, {a}, {.raises = true, .expensive = true});
  }
  if (IsIntegral(in)) {
    slot_info.nullable = true;
    const bool is_unsigned = in.range.max > kMaxI64;
    const Slot out = c.AddSlot(slot_info);
    return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                                [=](Row& r) {
                                  const int64_t v = r.I64(0);
                                  const std::string text =
                                      is_unsigned ? std::to_string(r.U64(0)) : std::to_string(v);
                                  if (is_unsigned && v < 0)
                                    return Unrepresentable(r, TemporalName(to));
                                  return ReturnParsed(r,
                                                      to == TypeKind::kTime
                                                          ? mysqlsem::TimeFromInt(v)
                                                          : mysqlsem::DatetimeFromInt(v, flags),
                                                      to, scale, truncate, text);
                                }),
                    out, {a}, {.raises = true, .expensive = true});
  }
  return CannotCast(in, e.type);
}

// ---- to text
// ------------------------------------------------------------------------------------------------------------

// Writes a number or temporal value as ASCII text. `column`: the value is a column's, which matters
// for doubles.
class TextWriter {
 public:
  TextWriter(const SlotInfo& in, bool column)
      : rep_(in.rep), type_(in.type), scale_(in.scale), column_(column) {
    is_unsigned_ = in.rep == Rep::kI64 && in.range.max > kMaxI64;
  }
  size_t Write(const Row& r, char* out) const {
    switch (type_.kind) {
      case TypeKind::kDate:
        return mysqlsem::FormatDate(static_cast<PackedDate>(r.I64(0)), out);
      case TypeKind::kDatetime:
        return mysqlsem::FormatDatetime(r.I64(0), type_.scale, out);
      case TypeKind::kTime:
        return mysqlsem::FormatTime(r.I64(0), type_.scale, out);
      case TypeKind::kYear: {
        char digits[24];
        const size_t size = mysqlsem::FormatInt64(r.I64(0), digits);
        // YEAR prints four digits: 0 is 0000.
        const size_t pad = size < 4 ? 4 - size : 0;
        std::memset(out, '0', pad);
        std::memcpy(out + pad, digits, size);
        return pad + size;
      }
      case TypeKind::kFloat:
        return mysqlsem::FormatFloat(
            static_cast<float>(r.F64(0)), mysqlsem::kNotFixedDecimals, out,
            column_ ? mysqlsem::FloatText::kColumn : mysqlsem::FloatText::kString);
      case TypeKind::kDouble:
        return mysqlsem::FormatDouble(
            r.F64(0), mysqlsem::kNotFixedDecimals, out,
            column_ ? mysqlsem::FloatText::kColumn : mysqlsem::FloatText::kString);
      default:
        break;
    }
    switch (rep_) {
      case Rep::kBig:
        return r.Big(0).Format(out);
      case Rep::kI128:
        return mysqlsem::FormatScaled(r.I128(0), scale_, out);
      default:
        if (type_.kind == TypeKind::kDecimal) return mysqlsem::FormatScaled(r.I64(0), scale_, out);
        return is_unsigned_ ? mysqlsem::FormatUint64(r.U64(0), out)
                            : mysqlsem::FormatInt64(r.I64(0), out);
    }
  }

 private:
  Rep rep_;
  Type type_;
  int scale_;
  bool column_, is_unsigned_;
};

}  // namespace

Result<Slot> ExprCompiler::ToString(Slot slot, const Type& type) {
  slot = DecodeCodes(FromBool(slot));
  SlotInfo in = info(slot);
  const mysqlsem::Collation* target = FindCollation(type.collation);
  if (target == nullptr)
    return NotSupported("collation " + std::to_string(type.collation) + " is not supported");
  SlotInfo slot_info{.type = type, .rep = Rep::kStr, .nullable = in.nullable};
  slot_info.num_distinct = in.num_distinct;
  if (in.rep == Rep::kStr && in.type.kind == TypeKind::kString) {
    const mysqlsem::Collation* source = FindCollation(in.type.collation);
    if (source == nullptr)
      return NotSupported("collation " + std::to_string(in.type.collation) + " is not supported");
    const bool same = source->charset_name() == target->charset_name();
    const bool to_binary = type.collation == plan::kBinaryCollation;
    if (same || to_binary) return slot;
    if (in.type.collation == plan::kBinaryCollation) {
      // Bytes become characters only if they are some.
      const Slot out = AddSlot(slot_info);
      return Finish(MakeRowStep({slot}, out, Strictness::kStrict,
                                [=](Row& r) {
                                  const std::string_view s = r.Str(0);
                                  if (!target->IsWellFormed(s))
                                    return r.Fail(Error{
                                        ErrorCode::kNotSupported, 0,
                                        "binary text that is not well formed is not supported"});
                                  return r.ReturnView(s);
                                }),
                    out, {slot}, {.raises = true, .expensive = true});
    }
    const Slot out = AddSlot(slot_info);
    return Finish(
        MakeRowStep({slot}, out, Strictness::kStrict,
                    [=](Row& r) {
                      if (mysqlsem::ConvertCharset(*source, *target, r.Str(0), &r.scratch()) != 0)
                        return r.Fail(
                            Error{ErrorCode::kNotSupported, 0,
                                  "a character that the target set lacks is not supported"});
                      return r.ReturnCopy(r.scratch());
                    }),
        out, {slot}, {.raises = true, .expensive = true});
  }
  if (in.type.kind == TypeKind::kDecimal) {
    ASSIGN_OR_RETURN(slot, ToNumber(slot));
    in = info(slot);
    // The text has the declared digits; what an expression carries beyond is rounded.
    const int scale = in.type.scale;
    if (in.rep == Rep::kBig || in.scale != scale) {
      ASSIGN_OR_RETURN(slot, ToBig(slot));
      SlotInfo rounded = info(slot);
      rounded.scale = rounded.min_scale = static_cast<uint8_t>(scale);
      const Slot out = AddSlot(rounded);
      slot =
          Finish(MakeRowStep({slot}, out, Strictness::kStrict,
                             [=](Row& r) {
                               BigDecimal result;
                               r.Big(0).Round(scale, mysqlsem::DecimalRounding::kHalfUp, &result);
                               return r.Return(result);
                             }),
                 out, {slot}, {.expensive = true});
      in = info(slot);
    }
  } else if (in.type.kind == TypeKind::kBit || in.type.kind == TypeKind::kEnum ||
             in.type.kind == TypeKind::kSet || in.type.kind == TypeKind::kTimestamp ||
             in.rep == Rep::kStr || in.rep == Rep::kI128) {
    return CannotCast(in, type);
  }
  bool is_column = false;
  for (const auto& [position, column_slot] : root_->columns)
    is_column |= column_slot == slot && scope_ == root_.get();
  // In a branch the slot may be an import of a column; the digits of doubles depend on it, so these
  // are refused.
  if (in.type.IsReal() && scope_ != root_.get())
    return NotSupported("floating point text inside a conditional is not supported");
  const TextWriter writer(in, is_column);
  const mysqlsem::Collation* ascii = FindCollation(255);
  const bool direct = target->ascii_based();
  const Slot out = AddSlot(slot_info);
  return Finish(MakeRowStep({slot}, out, Strictness::kStrict,
                            [=](Row& r) {
                              char text[mysqlsem::kMaxFormattedDouble + 64];
                              const std::string_view written(text, writer.Write(r, text));
                              if (direct) return r.ReturnCopy(written);
                              mysqlsem::ConvertCharset(*ascii, *target, written, &r.scratch());
                              return r.ReturnCopy(r.scratch());
                            }),
                out, {slot}, {.expensive = true});
}

namespace {

Result<Slot> CastToString(ExprCompiler& c, const Expr& e, Slot a) {
  ASSIGN_OR_RETURN(a, c.ToString(a, e.type));
  const mysqlsem::Collation* collation = c.FindCollation(e.type.collation);
  SlotInfo slot_info = c.info(a);
  const uint32_t max_chars = e.type.max_length / collation->mbmaxlen();
  const bool fits = slot_info.type.kind == TypeKind::kString && slot_info.type.max_length != 0 &&
                    slot_info.type.max_length /
                            std::max(1u, c.FindCollation(slot_info.type.collation)->mbmaxlen()) <=
                        max_chars &&
                    slot_info.type.collation == e.type.collation;
  slot_info.type = e.type;
  if (max_chars == 0 || fits) return Relabel(c, a, slot_info);
  // Longer values are cut, with a warning.
  const bool binary = e.type.collation == plan::kBinaryCollation;
  const Slot out = c.AddSlot(slot_info);
  return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                              [=](Row& r) {
                                const std::string_view s = r.Str(0);
                                if (s.size() <= max_chars) return r.ReturnView(s);
                                const size_t end = collation->CharOffset(s, max_chars);
                                if (end >= s.size()) return r.ReturnView(s);
                                // The server names the bytes that are left.
                                const std::string type_name =
                                    (binary ? "BINARY(" : "CHAR(") + std::to_string(end) + ")";
                                WarnTruncated(r, type_name.c_str(), s);
                                return r.ReturnView(s.substr(0, end));
                              }),
                  out, {a}, {.raises = true});
}

// ENUM: name by index. SET: names of the bits, joined by commas.
Result<Slot> BuildMembers(ExprCompiler& c, const Expr& e, Slot a) {
  const bool is_enum = e.op == ExprOp::kEnumToString;
  if (c.info(a).rep != Rep::kI64 || e.type.kind != TypeKind::kString) return Malformed(e);
  auto names = std::make_shared<std::vector<std::string>>();
  for (size_t i = 1; i < e.args.size(); ++i) {
    if (e.args[i]->op != ExprOp::kConstant || e.args[i]->constant.is_null) return Malformed(e);
    names->push_back(e.args[i]->constant.bytes);
  }
  SlotInfo slot_info{.type = e.type, .rep = Rep::kStr, .nullable = c.info(a).nullable};
  if (is_enum) slot_info.num_distinct = static_cast<double>(names->size() + 1);
  const Slot out = c.AddSlot(slot_info);
  if (is_enum)
    return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                                [=](Row& r) {
                                  const uint64_t index = r.U64(0);
                                  return r.ReturnView(index == 0 || index > names->size()
                                                          ? std::string_view("")
                                                          : std::string_view((*names)[index - 1]));
                                }),
                    out, {a});
  const mysqlsem::Collation* collation = c.FindCollation(e.type.collation);
  if (collation == nullptr || !collation->ascii_based())
    return NotSupported("SET in this character set is not supported");
  return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                              [=](Row& r) {
                                const uint64_t bits = r.U64(0);
                                r.scratch().clear();
                                bool first = true;
                                for (size_t i = 0; i < names->size() && i < 64; ++i) {
                                  if ((bits >> i & 1) == 0) continue;
                                  if (!first) r.scratch() += ',';
                                  r.scratch() += (*names)[i];
                                  first = false;
                                }
                                return r.ReturnCopy(r.scratch());
                              }),
                  out, {a}, {.expensive = true});
}

}  // namespace

namespace {

// Text in the target's character set, with question marks for what it lacks.
Result<Slot> ToLossyText(ExprCompiler& c, const Expr& e, Slot a) {
  const SlotInfo in = c.info(a);
  if (!IsText(in)) return a;
  const mysqlsem::Collation* source = c.FindCollation(in.type.collation);
  const mysqlsem::Collation* target = c.FindCollation(e.type.collation);
  if (source == nullptr || target == nullptr) return CannotCast(in, e.type);
  if (source->charset_name() == target->charset_name()) return a;
  const Slot out = c.AddSlot({.type = e.type, .rep = Rep::kStr, .nullable = in.nullable});
  return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                              [=](Row& r) {
                                mysqlsem::ConvertCharset(*source, *target, r.Str(0), &r.scratch());
                                return r.ReturnCopy(r.scratch());
                              }),
                  out, {a}, {.expensive = true});
}

}  // namespace

Result<Slot> BuildCast(ExprCompiler& c, const ExprPtr& expr) {
  const Expr& e = *expr;
  ASSIGN_OR_RETURN(Slot a, c.Compile(e.args[0]));
  if (c.IsNullConstant(a)) {
    SlotInfo like{.type = e.type, .rep = RepOfLane(plan::LaneOf(e.type))};
    if (e.type.kind == TypeKind::kDecimal) {
      like.scale = like.min_scale = e.type.scale;
      if (like.rep == Rep::kStr) like.rep = Rep::kBig;
    }
    return c.NullConstant(like);
  }
  if (e.op == ExprOp::kTimestampToDatetime) return BuildTimestampToDatetime(c, expr, a);
  if (e.op == ExprOp::kEnumToString || e.op == ExprOp::kSetToString) return BuildMembers(c, e, a);
  // Codes keep their meaning when only the length of the text type changes.
  const SlotInfo in = c.info(a);
  if (in.rep == Rep::kCode && e.type.kind == TypeKind::kString &&
      in.type.collation == e.type.collation && in.type.max_length != 0 &&
      in.type.max_length <= e.type.max_length) {
    SlotInfo slot_info = in;
    slot_info.type = e.type;
    return Relabel(c, a, slot_info);
  }
  a = c.DecodeCodes(c.FromBool(a));
  switch (e.type.kind) {
    case TypeKind::kInt:
    case TypeKind::kUInt:
      return ToInteger(c, e, a);
    case TypeKind::kDecimal:
      return ToDecimal(c, e, a);
    case TypeKind::kDouble:
    case TypeKind::kFloat:
      return ToReal(c, e, a);
    case TypeKind::kString:
      if (e.unit == plan::kLossyCast) {
        ASSIGN_OR_RETURN(a, ToLossyText(c, e, a));
      }
      return CastToString(c, e, a);
    case TypeKind::kDate:
    case TypeKind::kDatetime:
    case TypeKind::kTime:
      return ToTemporal(c, e, a);
    default:
      if (c.info(a).type.kind == e.type.kind) return a;
      return CannotCast(c.info(a), e.type);
  }
}

}  // namespace sirocco::engine
