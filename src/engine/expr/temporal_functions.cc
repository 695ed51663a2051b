// Functions of dates and times. Arguments are kDate, kDatetime or kTime (the translator casts text
// and timestamps). A date with a zero part, or one that is not in the calendar, gives NULL where
// the server asks for valid dates.
#include <climits>
#include <cstdio>
#include <cstring>

#include "engine/expr/compiler.h"
#include "engine/expr/steps.h"
#include "mysqlsem/number_format.h"
#include "mysqlsem/temporal.h"

namespace sirocco::engine {

using mysqlsem::IntervalUnit;
using mysqlsem::IntervalValue;
using mysqlsem::PackedDate;
using plan::Expr;
using plan::ExprOp;
using plan::TypeKind;

namespace {

constexpr int64_t kMaxUnixSeconds =
    32536771199;  // 3001-01-18 23:59:59 UTC, the server's MYTIME_MAX_VALUE
constexpr uint32_t kNumUnits = 20;

std::unexpected<Error> Unsupported(const Expr& e, const SlotInfo& arg) {
  return NotSupported(std::string("function ") + plan::ExprOpName(e.op) + " of " +
                      plan::TypeName(arg.type) + " is not supported");
}

PackedDate DateOf(TypeKind kind, int64_t v) {
  return kind == TypeKind::kDate ? static_cast<PackedDate>(v) : mysqlsem::DatetimeToDate(v);
}
int64_t DatetimeOf(TypeKind kind, int64_t v) {
  return kind == TypeKind::kDate ? mysqlsem::DateToDatetime(static_cast<PackedDate>(v)) : v;
}

SlotInfo IntInfo(const Expr& e, bool nullable, int128 min, int128 max) {
  SlotInfo slot_info{
      .type = e.type, .rep = Rep::kI64, .range = MakeRange(min, max), .nullable = nullable};
  slot_info.num_distinct = static_cast<double>(max - min + 1);
  return slot_info;
}

SlotInfo TemporalInfo(const Expr& e, bool nullable) {
  SlotInfo slot_info{
      .type = e.type, .rep = Rep::kI64, .range = TypeRange(e.type), .nullable = nullable};
  slot_info.range =
      e.type.kind == TypeKind::kDate ? TypeRange(e.type) : MakeRange(kMinI64, kMaxI64);
  return slot_info;
}

Result<uint32_t> WeekMode(ExprCompiler& c, const Expr& e) {
  if (e.args.size() < 2) return 0;
  ASSIGN_OR_RETURN(Slot mode, c.Compile(e.args[1]));
  if (!c.info(mode).constant || c.IsNullConstant(mode) || c.info(mode).rep != Rep::kI64)
    return NotSupported("a varying week mode is not supported");
  return static_cast<uint32_t>(c.ConstantInt(mode) & 7);
}

// ---- EXTRACT
// ----------------------------------------------------------------------------------------------------------

ValueRange ExtractRange(IntervalUnit unit, TypeKind kind) {
  switch (unit) {
    case IntervalUnit::kYear:
      return MakeRange(0, 9999);
    case IntervalUnit::kQuarter:
      return MakeRange(0, 5);
    case IntervalUnit::kMonth:
      return MakeRange(0, 15);
    case IntervalUnit::kWeek:
      return MakeRange(0, 54);
    case IntervalUnit::kDay:
      return MakeRange(0, 31);
    case IntervalUnit::kHour:
      return kind == TypeKind::kTime ? MakeRange(-838, 838) : MakeRange(0, 31);
    case IntervalUnit::kMinute:
    case IntervalUnit::kSecond:
      return kind == TypeKind::kTime ? MakeRange(-63, 63) : MakeRange(0, 63);
    case IntervalUnit::kMicrosecond:
      return kind == TypeKind::kTime ? MakeRange(-999999, 999999) : MakeRange(0, 999999);
    case IntervalUnit::kYearMonth:
      return MakeRange(0, 999915);
    default:
      return MakeRange(kMinI64, kMaxI64);
  }
}

// The values that a column of known bounds can give: YEAR of a date column is as narrow as the
// column.
ValueRange NarrowYears(const SlotInfo& in, const ValueRange& range) {
  if (in.type.kind == TypeKind::kDate) return MakeRange(in.range.min >> 9, in.range.max >> 9);
  if (in.type.kind == TypeKind::kDatetime && in.range.min >= 0)
    return MakeRange((in.range.min >> 46) / 13,
                     std::min<int128>((in.range.max >> 46) / 13, range.max));
  return range;
}

Result<Slot> BuildExtract(ExprCompiler& c, const Expr& e, Slot a) {
  if (e.unit >= kNumUnits) return Malformed(e);
  const IntervalUnit unit = static_cast<IntervalUnit>(e.unit);
  const SlotInfo in = c.info(a);
  const TypeKind kind = in.type.kind;
  if (kind != TypeKind::kDate && kind != TypeKind::kDatetime && kind != TypeKind::kTime)
    return Unsupported(e, in);
  // EXTRACT(WEEK ...) comes with the session's week format as its second argument.
  uint32_t week_mode = 0;
  if (unit == IntervalUnit::kWeek) {
    ASSIGN_OR_RETURN(week_mode, WeekMode(c, e));
    if (kind == TypeKind::kTime) return Unsupported(e, in);
  }
  ValueRange range = ExtractRange(unit, kind);
  if (unit == IntervalUnit::kYear) range = NarrowYears(in, range);
  SlotInfo slot_info = IntInfo(e, in.nullable, range.min, range.max);
  if (!FitsI64(range)) slot_info.num_distinct = -1;
  const Slot out = c.AddSlot(slot_info);
  const KernelTable& k = Kernels();
  if (kind == TypeKind::kDate) {
    int shift = -1;
    int64_t mask = 0;
    if (unit == IntervalUnit::kYear) shift = 9, mask = 0x3FFF;
    if (unit == IntervalUnit::kMonth) shift = 5, mask = 15;
    if (unit == IntervalUnit::kDay) shift = 0, mask = 31;
    if (shift >= 0)
      return c.Finish(MakeUnaryStep(a, out,
                                    [=](const Vector& x, Vector& r, uint32_t n) {
                                      Kernels().shift_mask(x.i64(), shift, mask, r.i64(), n);
                                    }),
                      out, {a});
  }
  if (kind == TypeKind::kDatetime) {
    if (unit == IntervalUnit::kYear || unit == IntervalUnit::kMonth) {
      const auto kernel = unit == IntervalUnit::kYear ? k.datetime_year : k.datetime_month;
      return c.Finish(
          MakeUnaryStep(
              a, out, [=](const Vector& x, Vector& r, uint32_t n) { kernel(x.i64(), r.i64(), n); }),
          out, {a});
    }
    int shift = -1;
    int64_t mask = 0;
    if (unit == IntervalUnit::kDay) shift = 41, mask = 31;
    if (unit == IntervalUnit::kHour) shift = 36, mask = 31;
    if (unit == IntervalUnit::kMinute) shift = 30, mask = 63;
    if (unit == IntervalUnit::kSecond) shift = 24, mask = 63;
    if (unit == IntervalUnit::kMicrosecond) shift = 0, mask = 0xFFFFFF;
    if (shift >= 0)
      return c.Finish(MakeUnaryStep(a, out,
                                    [=](const Vector& x, Vector& r, uint32_t n) {
                                      Kernels().shift_mask(x.i64(), shift, mask, r.i64(), n);
                                    }),
                      out, {a});
  }
  return c.Finish(MakeUnaryStep(a, out,
                                [=](const Vector& x, Vector& r, uint32_t n) {
                                  for (uint32_t i = 0; i < n; ++i) {
                                    const int64_t v = x.i64()[i];
                                    r.i64()[i] = kind == TypeKind::kTime
                                                     ? mysqlsem::ExtractFromTime(unit, v)
                                                     : mysqlsem::ExtractFromDatetime(
                                                           unit, DatetimeOf(kind, v), week_mode);
                                  }
                                }),
                  out, {a}, {.expensive = true});
}

// ---- functions of one date
// ----------------------------------------------------------------------------------------------

// f(Row&, PackedDate) for kDate and kDatetime arguments; dates that are not in the calendar give
// NULL.
template <typename F>
Result<Slot> DateFunction(ExprCompiler& c, const Expr& e, Slot a, SlotInfo slot_info, F f) {
  const TypeKind kind = c.info(a).type.kind;
  if (kind != TypeKind::kDate && kind != TypeKind::kDatetime) return Unsupported(e, c.info(a));
  slot_info.nullable = true;
  const Slot out = c.AddSlot(slot_info);
  return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                              [=](Row& r) {
                                const PackedDate date = DateOf(kind, r.I64(0));
                                if (!mysqlsem::IsValidDate(date)) return false;
                                return f(r, date);
                              }),
                  out, {a}, {.expensive = true});
}

// Text of a name or format in the result's character set.
bool ReturnText(Row& r, std::string_view ascii, const mysqlsem::Collation* ascii_set,
                const mysqlsem::Collation* target) {
  if (target->ascii_based()) return r.ReturnCopy(ascii);
  mysqlsem::ConvertCharset(*ascii_set, *target, ascii, &r.scratch2());
  return r.ReturnCopy(r.scratch2());
}

struct TextTarget {
  const mysqlsem::Collation* source = nullptr;
  const mysqlsem::Collation* target = nullptr;
};

Result<TextTarget> TextTargetOf(ExprCompiler& c, const Expr& e) {
  TextTarget text;
  text.source = c.FindCollation(255);
  text.target = c.FindCollation(e.type.collation);
  if (e.type.kind != TypeKind::kString || text.target == nullptr || text.source == nullptr)
    return Malformed(e);
  return text;
}

SlotInfo TextInfo(const Expr& e, bool nullable) {
  return {.type = e.type, .rep = Rep::kStr, .nullable = nullable};
}

Result<Slot> BuildNames(ExprCompiler& c, const Expr& e, Slot a) {
  const TypeKind kind = c.info(a).type.kind;
  if (kind != TypeKind::kDate && kind != TypeKind::kDatetime) return Unsupported(e, c.info(a));
  ASSIGN_OR_RETURN(const TextTarget text, TextTargetOf(c, e));
  const bool month = e.op == ExprOp::kMonthName;
  const Slot out = c.AddSlot(TextInfo(e, true));
  return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                              [=](Row& r) {
                                const PackedDate date = DateOf(kind, r.I64(0));
                                if (month) {
                                  const uint32_t m = mysqlsem::DateMonth(date);
                                  return m >= 1 && m <= 12 &&
                                         ReturnText(r, mysqlsem::MonthName(m), text.source,
                                                    text.target);
                                }
                                return mysqlsem::IsValidDate(date) &&
                                       ReturnText(r, mysqlsem::WeekdayName(mysqlsem::Weekday(date)),
                                                  text.source, text.target);
                              }),
                  out, {a}, {.expensive = true});
}

// ---- intervals
// ----------------------------------------------------------------------------------------------------------

// Reads an interval amount of one row. False: NULL.
struct AmountReader {
  Rep rep = Rep::kI64;
  TypeKind kind = TypeKind::kInt;
  int scale = 0;
  bool is_unsigned = false;
  IntervalUnit unit = IntervalUnit::kDay;

  bool Read(const Row& r, int k, IntervalValue* interval) const {
    if (unit > IntervalUnit::kMicrosecond) return mysqlsem::ParseInterval(r.Str(k), unit, interval);
    if (rep == Rep::kStr) {
      if (unit == IntervalUnit::kSecond) {
        mysqlsem::BigDecimal big;
        int128 micros = 0;
        mysqlsem::BigDecimal::FromString(r.Str(k), &big);
        if (big.Round(6, mysqlsem::DecimalRounding::kTruncate, &big) & mysqlsem::kDecOverflow)
          return false;
        if (big.ToScaled(6, &micros) & mysqlsem::kDecOverflow) return false;
        return FromMicros(micros, interval);
      }
      return FromInt(mysqlsem::ParseSigned(r.Str(k)).value, interval);
    }
    int128 value = rep == Rep::kI128 ? r.I128(k)
                   : is_unsigned     ? static_cast<int128>(r.U64(k))
                                     : static_cast<int128>(r.I64(k));
    if (kind == TypeKind::kDecimal && scale > 0) {
      if (unit == IntervalUnit::kSecond) {
        mysqlsem::RescaleInt128(value, scale, 6, mysqlsem::DecimalRounding::kTruncate, &value);
        return FromMicros(value, interval);
      }
      mysqlsem::RescaleInt128(value, scale, 0, mysqlsem::DecimalRounding::kHalfUp, &value);
    }
    if (value > kMaxI64 || value <= kMinI64) return false;
    return FromInt(static_cast<int64_t>(value), interval);
  }

  bool FromInt(int64_t value, IntervalValue* interval) const {
    const uint64_t magnitude =
        value < 0 ? -static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
    if (value == INT64_MIN) return false;
    // The server's guards against wrapped months and days.
    if (unit == IntervalUnit::kQuarter && value >= static_cast<int64_t>(UINT_MAX / 3)) return false;
    if (unit == IntervalUnit::kWeek && value >= static_cast<int64_t>(UINT_MAX / 7)) return false;
    if (magnitude > uint64_t{1} << 62) return false;
    *interval = mysqlsem::MakeInterval(unit, value);
    return true;
  }
  bool FromMicros(int128 micros, IntervalValue* interval) const {
    const int128 seconds = micros / 1000000;
    if (seconds > kMaxI64 / 2 || seconds < kMinI64 / 2) return false;
    *interval = mysqlsem::MakeInterval(IntervalUnit::kSecond, static_cast<int64_t>(seconds),
                                       static_cast<int64_t>(micros % 1000000));
    return true;
  }
};

// NULL with the server's warning.
bool OverflowsToNull(Row& r, TypeKind kind, const std::string& label) {
  if (kind == TypeKind::kDatetime)
    r.Warn(1441, "Datetime function: datetime field overflow");
  else
    r.Warn(6527, (kind == TypeKind::kDate ? "DATE value is out of range in '"
                                          : "TIME value is out of range in '") +
                     label + "'");
  return false;
}

Result<Slot> BuildDateAdd(ExprCompiler& c, const Expr& e, Slot a) {
  if (e.unit >= kNumUnits) return Malformed(e);
  ASSIGN_OR_RETURN(Slot amount, c.Compile(e.args[1]));
  if (c.IsNullConstant(amount)) return c.NullConstant(TemporalInfo(e, true));
  amount = c.DecodeCodes(c.FromBool(amount));
  const SlotInfo amount_info = c.info(amount), in = c.info(a);
  AmountReader reader{
      .rep = amount_info.rep,
      .kind = amount_info.type.kind,
      .scale = amount_info.scale,
      .is_unsigned = amount_info.rep == Rep::kI64 && amount_info.range.max > kMaxI64,
      .unit = static_cast<IntervalUnit>(e.unit)};
  const bool compound = reader.unit > IntervalUnit::kMicrosecond;
  const bool text = amount_info.rep == Rep::kStr && amount_info.type.kind == TypeKind::kString;
  if (compound ? !text
               : !(text || amount_info.rep == Rep::kI64 || amount_info.rep == Rep::kI128) ||
                     amount_info.type.IsTemporal())
    return NotSupported("an interval of type " + plan::TypeName(amount_info.type) +
                        " is not supported");
  if (text && !compound && !amount_info.constant)
    return NotSupported("an interval given by a text column is not supported");
  const TypeKind from = in.type.kind, to = e.type.kind;
  const bool subtract = e.op == ExprOp::kDateSub;
  const bool supported =
      (from == TypeKind::kDate && to == TypeKind::kDate && !mysqlsem::HasTimePart(reader.unit)) ||
      ((from == TypeKind::kDate || from == TypeKind::kDatetime) && to == TypeKind::kDatetime) ||
      (from == TypeKind::kTime && to == TypeKind::kTime);
  if (!supported) return Unsupported(e, in);
  const Slot out = c.AddSlot(TemporalInfo(e, true));
  const IntervalUnit unit = reader.unit;
  const std::string label = plan::QuotedText(e);
  return c.Finish(
      MakeRowStep({a, amount}, out, Strictness::kStrict,
                  [=](Row& r) {
                    const int64_t v = r.I64(0);
                    // Zero and partial dates give NULL without a warning.
                    if (from != TypeKind::kTime) {
                      const PackedDate date = DateOf(from, v);
                      if (mysqlsem::DateMonth(date) == 0 || mysqlsem::DateDay(date) == 0)
                        return false;
                    }
                    IntervalValue interval;
                    if (!reader.Read(r, 1, &interval)) return false;
                    if (to == TypeKind::kDate) {
                      const auto result = mysqlsem::AddInterval(static_cast<PackedDate>(v), unit,
                                                                interval, subtract);
                      if (result) return r.Return(static_cast<int64_t>(*result));
                    } else if (to == TypeKind::kDatetime) {
                      const auto result = mysqlsem::AddIntervalToDatetime(DatetimeOf(from, v), unit,
                                                                          interval, subtract);
                      if (result) return r.Return(*result);
                    } else {
                      const auto result = mysqlsem::AddIntervalToTime(v, unit, interval, subtract);
                      if (result) return r.Return(*result);
                    }
                    return OverflowsToNull(r, to, label);
                  }),
      out, {a, amount}, {.raises = true, .expensive = true});
}

// ---- time zones
// ---------------------------------------------------------------------------------------------------------

// Finds the offset that holds at a point in time; remembers the last rule, as neighbours in a
// column mostly share it.
class ZoneRules {
 public:
  explicit ZoneRules(std::vector<plan::TimeZoneRule> rules) : rules_(std::move(rules)) {}
  int32_t OffsetAt(int64_t utc_seconds, size_t* last) const {
    if (rules_.empty()) return 0;
    if (*last < rules_.size() && Holds(*last, utc_seconds)) return rules_[*last].offset_seconds;
    size_t low = 0, high = rules_.size();
    while (high - low > 1) {
      const size_t middle = (low + high) / 2;
      if (rules_[middle].utc_seconds <= utc_seconds) {
        low = middle;
      } else {
        high = middle;
      }
    }
    *last = low;
    return rules_[low].offset_seconds;
  }

 private:
  bool Holds(size_t i, int64_t t) const {
    return (i == 0 || rules_[i].utc_seconds <= t) &&
           (i + 1 == rules_.size() || t < rules_[i + 1].utc_seconds);
  }
  std::vector<plan::TimeZoneRule> rules_;
};

int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0); }

}  // namespace

Result<Slot> BuildTimestampToDatetime(ExprCompiler& c, const ExprPtr& e, Slot a) {
  const SlotInfo in = c.info(a);
  if (in.type.kind != TypeKind::kTimestamp || e->type.kind != TypeKind::kDatetime)
    return Unsupported(*e, in);
  auto rules = std::make_shared<const ZoneRules>(c.plan().time_zone);
  const Slot out = c.AddSlot(TemporalInfo(*e, in.nullable));
  return c.Finish(MakeUnaryStep(a, out,
                                [=](const Vector& x, Vector& r, uint32_t n) {
                                  size_t last = SIZE_MAX;
                                  for (uint32_t i = 0; i < n; ++i) {
                                    const int64_t micros = x.i64()[i];
                                    // Values of NULL rows may be anything, so they are kept in
                                    // range.
                                    const bool readable = micros >= 0 && micros < int64_t{1} << 56;
                                    const int64_t seconds = FloorDiv(micros, 1000000);
                                    r.i64()[i] = readable
                                                     ? mysqlsem::TimestampToDatetime(
                                                           micros, rules->OffsetAt(seconds, &last))
                                                     : 0;
                                  }
                                }),
                  out, {a});
}

namespace {

Result<Slot> BuildFromUnixtime(ExprCompiler& c, const Expr& e, Slot a) {
  ASSIGN_OR_RETURN(a, c.ToNumber(a));
  const SlotInfo in = c.info(a);
  if (e.type.kind != TypeKind::kDatetime) return Unsupported(e, in);
  if (in.rep == Rep::kBig || in.scale > 6)
    return NotSupported("FROM_UNIXTIME of more than 6 fraction digits is not supported");
  auto rules = std::make_shared<const ZoneRules>(c.plan().time_zone);
  const Slot out = c.AddSlot(TemporalInfo(e, true));
  const bool wide = in.rep == Rep::kI128, is_unsigned = !wide && in.range.max > kMaxI64;
  const int128 factor = mysqlsem::PowerOfTen(6 - in.scale);
  return c.Finish(
      MakeRowStep({a}, out, Strictness::kStrict,
                  [=](Row& r) {
                    const int128 v = wide          ? r.I128(0)
                                     : is_unsigned ? static_cast<int128>(r.U64(0))
                                                   : static_cast<int128>(r.I64(0));
                    if (v < 0 || v > (static_cast<int128>(kMaxUnixSeconds) + 1) * 1000000)
                      return false;
                    const int128 micros = v * factor;
                    if (micros >= (static_cast<int128>(kMaxUnixSeconds) + 1) * 1000000)
                      return false;
                    const int64_t m = static_cast<int64_t>(micros);
                    size_t last = SIZE_MAX;
                    const int32_t offset = rules->OffsetAt(m / 1000000, &last);
                    // 0 means the zero timestamp there, but the epoch here.
                    int64_t packed = m == 0 ? mysqlsem::TimestampToDatetime(1000000, offset - 1)
                                            : mysqlsem::TimestampToDatetime(m, offset);
                    return r.Return(packed);
                  }),
      out, {a}, {.expensive = true});
}

// ---- two temporal arguments
// ---------------------------------------------------------------------------------------------

Result<Slot> BuildDateDiff(ExprCompiler& c, const Expr& e, Slot a, Slot b) {
  const TypeKind ka = c.info(a).type.kind, kb = c.info(b).type.kind;
  for (Slot s : {a, b})
    if (c.info(s).type.kind != TypeKind::kDate && c.info(s).type.kind != TypeKind::kDatetime)
      return Unsupported(e, c.info(s));
  const Slot out = c.AddSlot(IntInfo(e, true, -3652424, 3652424));
  return c.Finish(MakeRowStep({a, b}, out, Strictness::kStrict,
                              [=](Row& r) {
                                const PackedDate x = DateOf(ka, r.I64(0)), y = DateOf(kb, r.I64(1));
                                const auto days = mysqlsem::DateDiff(x, y);
                                return days && r.Return(*days);
                              }),
                  out, {a, b}, {.expensive = true});
}

Result<Slot> BuildTimestampDiff(ExprCompiler& c, const Expr& e, Slot a, Slot b) {
  const TypeKind ka = c.info(a).type.kind, kb = c.info(b).type.kind;
  if (e.unit > static_cast<uint32_t>(IntervalUnit::kMicrosecond)) return Malformed(e);
  for (Slot s : {a, b})
    if (c.info(s).type.kind != TypeKind::kDate && c.info(s).type.kind != TypeKind::kDatetime)
      return Unsupported(e, c.info(s));
  const IntervalUnit unit = static_cast<IntervalUnit>(e.unit);
  const Slot out = c.AddSlot(
      {.type = e.type, .rep = Rep::kI64, .range = MakeRange(kMinI64, kMaxI64), .nullable = true});
  return c.Finish(MakeRowStep({a, b}, out, Strictness::kStrict,
                              [=](Row& r) {
                                const auto result = mysqlsem::TimestampDiff(
                                    unit, DatetimeOf(ka, r.I64(0)), DatetimeOf(kb, r.I64(1)));
                                return result && r.Return(*result);
                              }),
                  out, {a, b}, {.expensive = true});
}

Result<Slot> BuildTimeDiff(ExprCompiler& c, const Expr& e, Slot a, Slot b) {
  const TypeKind ka = c.info(a).type.kind, kb = c.info(b).type.kind;
  if (e.type.kind != TypeKind::kTime) return Malformed(e);
  const bool times = ka == TypeKind::kTime && kb == TypeKind::kTime;
  const bool dates = (ka == TypeKind::kDate || ka == TypeKind::kDatetime) &&
                     (kb == TypeKind::kDate || kb == TypeKind::kDatetime);
  if (!times && !dates) return Unsupported(e, c.info(a));
  const Slot out = c.AddSlot(TemporalInfo(e, true));
  return c.Finish(
      MakeRowStep({a, b}, out, Strictness::kStrict,
                  [=](Row& r) {
                    if (dates) {
                      bool clamped = false;
                      const int64_t result = mysqlsem::TimeDiff(DatetimeOf(ka, r.I64(0)),
                                                                DatetimeOf(kb, r.I64(1)), &clamped);
                      if (clamped)
                        return r.Fail(Error{ErrorCode::kNotSupported, 0,
                                            "TIMEDIFF out of the range of TIME is not supported"});
                      return r.Return(result);
                    }
                    const auto result = mysqlsem::AddTimes(r.I64(0), r.I64(1), true);
                    if (!result)
                      return r.Fail(Error{ErrorCode::kNotSupported, 0,
                                          "TIMEDIFF out of the range of TIME is not supported"});
                    return r.Return(*result);
                  }),
      out, {a, b}, {.raises = true, .expensive = true});
}

Result<Slot> BuildAddTime(ExprCompiler& c, const Expr& e, Slot a, Slot b) {
  const TypeKind ka = c.info(a).type.kind;
  const bool subtract = e.op == ExprOp::kSubTime;
  if (c.info(b).type.kind != TypeKind::kTime) return Unsupported(e, c.info(b));
  const bool time = ka == TypeKind::kTime && e.type.kind == TypeKind::kTime;
  const bool date =
      (ka == TypeKind::kDate || ka == TypeKind::kDatetime) && e.type.kind == TypeKind::kDatetime;
  if (!time && !date) return Unsupported(e, c.info(a));
  const std::string label = plan::QuotedText(e);
  const Slot out = c.AddSlot(TemporalInfo(e, true));
  return c.Finish(MakeRowStep({a, b}, out, Strictness::kStrict,
                              [=](Row& r) {
                                if (time) {
                                  const auto result =
                                      mysqlsem::AddTimes(r.I64(0), r.I64(1), subtract);
                                  if (!result) return OverflowsToNull(r, TypeKind::kTime, label);
                                  return r.Return(*result);
                                }
                                const auto result = mysqlsem::AddTimeToDatetime(
                                    DatetimeOf(ka, r.I64(0)), r.I64(1), subtract);
                                return result && r.Return(*result);
                              }),
                  out, {a, b}, {.raises = true, .expensive = true});
}

// ---- text
// ----------------------------------------------------------------------------------------------------------------

Result<Slot> BuildDateFormat(ExprCompiler& c, const Expr& e, Slot a, Slot b) {
  const TypeKind kind = c.info(a).type.kind;
  b = c.DecodeCodes(b);
  const bool time = kind == TypeKind::kTime;  // TIME_FORMAT
  if ((kind != TypeKind::kDate && kind != TypeKind::kDatetime && !time) ||
      c.info(b).rep != Rep::kStr)
    return Unsupported(e, c.info(a));
  const mysqlsem::Collation* format_set = c.FindCollation(c.info(b).type.collation);
  ASSIGN_OR_RETURN(const TextTarget text, TextTargetOf(c, e));
  if (format_set == nullptr || !format_set->ascii_based() || !text.target->ascii_based())
    return NotSupported("DATE_FORMAT in this character set is not supported");
  const Slot out = c.AddSlot(TextInfo(e, true));
  return c.Finish(MakeRowStep({a, b}, out, Strictness::kStrict,
                              [=](Row& r) {
                                const std::string_view format = r.Str(1);
                                if (format.empty()) return false;
                                mysqlsem::Temporal value =
                                    time ? mysqlsem::UnpackTime(r.I64(0))
                                         : mysqlsem::UnpackDatetime(DatetimeOf(kind, r.I64(0)));
                                value.kind = time ? mysqlsem::TemporalKind::kTime
                                             : kind == TypeKind::kDate
                                                 ? mysqlsem::TemporalKind::kDate
                                                 : mysqlsem::TemporalKind::kDatetime;
                                r.scratch().clear();
                                return mysqlsem::FormatWithPattern(value, format, &r.scratch()) &&
                                       r.ReturnCopy(r.scratch());
                              }),
                  out, {a, b}, {.expensive = true});
}

Result<Slot> BuildLastDay(ExprCompiler& c, const Expr& e, Slot a) {
  const TypeKind kind = c.info(a).type.kind;
  if (kind != TypeKind::kDate && kind != TypeKind::kDatetime) return Unsupported(e, c.info(a));
  const Slot out = c.AddSlot(TemporalInfo(e, true));
  return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                              [=](Row& r) {
                                const PackedDate date = DateOf(kind, r.I64(0));
                                const auto last = mysqlsem::LastDay(date);
                                if (last) return r.Return(static_cast<int64_t>(*last));
                                r.Warn(1292, "Truncated incorrect date value: '" +
                                                 mysqlsem::DateToString(date) + "'");
                                return false;
                              }),
                  out, {a}, {.raises = true, .expensive = true});
}

// STR_TO_DATE with a constant format; the type is what the server derives from the format.
Result<Slot> BuildStrToDate(ExprCompiler& c, const Expr& e, Slot a, Slot b) {
  a = c.DecodeCodes(a);
  b = c.DecodeCodes(b);
  if (c.info(a).rep != Rep::kStr || c.info(a).type.kind != TypeKind::kString)
    return Unsupported(e, c.info(a));
  if (c.info(b).rep != Rep::kStr || !c.info(b).constant)
    return NotSupported("STR_TO_DATE with a varying format is not supported");
  const mysqlsem::Collation* text_set = c.FindCollation(c.info(a).type.collation);
  if (text_set == nullptr || !text_set->ascii_based())
    return NotSupported("STR_TO_DATE in this character set is not supported");
  const std::string format(c.ConstantString(b));
  int decimals = 0;
  const mysqlsem::TemporalKind kind = mysqlsem::PatternKind(format, &decimals);
  const TypeKind to = e.type.kind;
  const bool matches = (kind == mysqlsem::TemporalKind::kDate && to == TypeKind::kDate) ||
                       (kind == mysqlsem::TemporalKind::kTime && to == TypeKind::kTime) ||
                       (kind == mysqlsem::TemporalKind::kDatetime && to == TypeKind::kDatetime);
  if (!matches)
    return NotSupported("STR_TO_DATE giving " + plan::TypeName(e.type) + " is not supported");
  const uint32_t flags = TemporalParseFlags(c.plan());
  const char* type_name = to == TypeKind::kDate   ? "date"
                          : to == TypeKind::kTime ? "time"
                                                  : "datetime";
  const Slot out = c.AddSlot(TemporalInfo(e, true));
  return c.Finish(
      MakeRowStep(
          {a}, out, Strictness::kStrict,
          [=](Row& r) {
            const std::string_view text = r.Str(0);
            bool truncated = false;
            const auto value = mysqlsem::ParseWithPattern(text, format, kind, flags, &truncated);
            if (!value) {
              r.Warn(1411, "Incorrect datetime value: '" + std::string(text.substr(0, 128)) +
                               "' for function str_to_date");
              return false;
            }
            if (truncated)
              r.Warn(1292, std::string("Truncated incorrect ") + type_name + " value: '" +
                               std::string(text.substr(0, 128)) + "'");
            if (to == TypeKind::kDate)
              return r.Return(static_cast<int64_t>(mysqlsem::PackDate(*value)));
            return r.Return(to == TypeKind::kTime ? mysqlsem::PackTime(*value)
                                                  : mysqlsem::PackDatetime(*value));
          }),
      out, {a}, {.raises = true, .expensive = true});
}

Result<Slot> BuildOneNumber(ExprCompiler& c, const Expr& e, Slot a) {
  ASSIGN_OR_RETURN(a, c.ToNumber(a));
  const SlotInfo in = c.info(a);
  if (in.rep == Rep::kBig || in.scale != 0 || !FitsI64(in.range))
    return NotSupported(std::string("function ") + plan::ExprOpName(e.op) + " of " +
                        plan::TypeName(in.type) + " is not supported");
  a = c.NarrowToI64(a);
  const Slot out = c.AddSlot(TemporalInfo(e, true));
  if (e.op == ExprOp::kFromDays) {
    if (e.type.kind != TypeKind::kDate) return Malformed(e);
    return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                                [label = plan::QuotedText(e)](Row& r) {
                                  const auto date = mysqlsem::FromDays(r.I64(0));
                                  if (!date) return OverflowsToNull(r, TypeKind::kDate, label);
                                  return r.Return(static_cast<int64_t>(*date));
                                }),
                    out, {a}, {.raises = true, .expensive = true});
  }
  if (e.type.kind != TypeKind::kTime) return Malformed(e);
  return c.Finish(
      MakeRowStep({a}, out, Strictness::kStrict,
                  [](Row& r) {
                    const int64_t v = r.I64(0);
                    bool clamped = false;
                    const int64_t time =
                        mysqlsem::SecondsToTime(v < 0 ? -v : v, 0, v < 0, &clamped);
                    if (clamped)
                      r.Warn(1292, "Truncated incorrect time value: '" + std::to_string(v) + "'");
                    return r.Return(time);
                  }),
      out, {a}, {.raises = true, .expensive = true});
}

// Two or three integers: MAKEDATE, MAKETIME, PERIOD_ADD, PERIOD_DIFF.
Result<Slot> BuildIntegers(ExprCompiler& c, const Expr& e, std::vector<Slot> args) {
  for (Slot& a : args) {
    ASSIGN_OR_RETURN(a, c.ToNumber(a));
    if (c.info(a).rep != Rep::kI64 || c.info(a).scale != 0 || !FitsI64(c.info(a).range))
      return NotSupported(std::string("function ") + plan::ExprOpName(e.op) + " of " +
                          plan::TypeName(c.info(a).type) + " is not supported");
  }
  const bool temporal = e.op == ExprOp::kMakeDate || e.op == ExprOp::kMakeTime;
  if (e.op == ExprOp::kMakeDate && e.type.kind != TypeKind::kDate) return Malformed(e);
  if (e.op == ExprOp::kMakeTime && e.type.kind != TypeKind::kTime) return Malformed(e);
  const Slot out = c.AddSlot(temporal ? TemporalInfo(e, true)
                                      : SlotInfo{.type = e.type,
                                                 .rep = Rep::kI64,
                                                 .range = MakeRange(kMinI64, kMaxI64),
                                                 .nullable = true});
  const ExprOp op = e.op;
  const std::string name = op == ExprOp::kPeriodAdd ? "period_add" : "period_diff";
  return c.Finish(
      MakeRowStep(
          args, out, Strictness::kStrict,
          [=](Row& r) {
            switch (op) {
              case ExprOp::kMakeDate: {
                const auto date = mysqlsem::MakeDate(r.I64(0), r.I64(1));
                return date && r.Return(static_cast<int64_t>(*date));
              }
              case ExprOp::kMakeTime: {
                bool clamped = false;
                const int64_t hour = r.I64(0);
                const auto time = mysqlsem::MakeTime(hour, r.I64(1), r.I64(2), 0, &clamped);
                if (!time) return false;
                if (clamped) {
                  // The server has dropped the sign by now, unless the hours pass 32 bits.
                  const int64_t shown = hour < 0 && hour >= -int64_t{UINT_MAX} ? -hour : hour;
                  char text[64];
                  std::snprintf(text, sizeof text, "%lld:%02lld:%02lld",
                                static_cast<long long>(shown), static_cast<long long>(r.I64(1)),
                                static_cast<long long>(r.I64(2)));
                  r.Warn(1292, std::string("Truncated incorrect time value: '") + text + "'");
                }
                return r.Return(*time);
              }
              default: {
                const auto period = op == ExprOp::kPeriodAdd
                                        ? mysqlsem::PeriodAdd(r.I64(0), r.I64(1))
                                        : mysqlsem::PeriodDiff(r.I64(0), r.I64(1));
                if (!period)
                  return r.Fail(Error{ErrorCode::kMysql, 1210, "Incorrect arguments to " + name});
                return r.Return(*period);
              }
            }
          }),
      out, std::span<const Slot>(args), {.raises = true, .expensive = true});
}

Result<Slot> BuildTimeToSec(ExprCompiler& c, const Expr& e, Slot a) {
  const TypeKind kind = c.info(a).type.kind;
  if (kind != TypeKind::kTime && kind != TypeKind::kDatetime && kind != TypeKind::kDate)
    return Unsupported(e, c.info(a));
  const bool micro = e.op == ExprOp::kMicrosecond;
  const Slot out =
      c.AddSlot(IntInfo(e, c.info(a).nullable, micro ? 0 : -3020399, micro ? 999999 : 3020399));
  return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                              [=](Row& r) {
                                const int64_t v = r.I64(0);
                                const int64_t time = kind == TypeKind::kTime ? v
                                                     : kind == TypeKind::kDate
                                                         ? 0
                                                         : mysqlsem::DatetimeToTime(v);
                                if (micro) return r.Return((time < 0 ? -time : time) & 0xFFFFFF);
                                return r.Return(mysqlsem::TimeToSeconds(time));
                              }),
                  out, {a}, {.expensive = true});
}

}  // namespace

Result<Slot> BuildTemporal(ExprCompiler& c, const ExprPtr& expr) {
  const Expr& e = *expr;
  std::vector<Slot> args;
  for (const ExprPtr& arg : e.args) {
    ASSIGN_OR_RETURN(Slot slot, c.Compile(arg));
    if (c.IsNullConstant(slot))
      return c.NullConstant({.type = e.type, .rep = RepOfLane(plan::LaneOf(e.type))});
    args.push_back(slot);
  }
  const Slot a = args[0];
  switch (e.op) {
    case ExprOp::kExtract:
      return BuildExtract(c, e, a);
    case ExprOp::kQuarter: {
      const TypeKind kind = c.info(a).type.kind;
      if (kind != TypeKind::kDate && kind != TypeKind::kDatetime) return Unsupported(e, c.info(a));
      const Slot out = c.AddSlot(IntInfo(e, c.info(a).nullable, 0, 5));
      return c.Finish(
          MakeRowStep(
              {a}, out, Strictness::kStrict,
              [=](Row& r) {
                return r.Return(
                    (static_cast<int64_t>(mysqlsem::DateMonth(DateOf(kind, r.I64(0)))) + 2) / 3);
              }),
          out, {a});
    }
    case ExprOp::kMicrosecond:
    case ExprOp::kTimeToSec:
      return BuildTimeToSec(c, e, a);
    case ExprOp::kDateAdd:
    case ExprOp::kDateSub:
      return BuildDateAdd(c, e, a);
    case ExprOp::kDateDiff:
      return BuildDateDiff(c, e, a, args[1]);
    case ExprOp::kTimestampDiff:
      return BuildTimestampDiff(c, e, a, args[1]);
    case ExprOp::kTimeDiff:
      return BuildTimeDiff(c, e, a, args[1]);
    case ExprOp::kAddTime:
    case ExprOp::kSubTime:
      return BuildAddTime(c, e, a, args[1]);
    case ExprOp::kToDays: {
      const TypeKind kind = c.info(a).type.kind;
      if (kind != TypeKind::kDate && kind != TypeKind::kDatetime) return Unsupported(e, c.info(a));
      const Slot out = c.AddSlot(IntInfo(e, true, 0, 3652424));
      return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                                  [=](Row& r) {
                                    const auto days = mysqlsem::ToDays(DateOf(kind, r.I64(0)));
                                    return days && r.Return(*days);
                                  }),
                      out, {a});
    }
    case ExprOp::kToSeconds: {
      const TypeKind kind = c.info(a).type.kind;
      if (kind != TypeKind::kDate && kind != TypeKind::kDatetime) return Unsupported(e, c.info(a));
      const Slot out = c.AddSlot({.type = e.type,
                                  .rep = Rep::kI64,
                                  .range = MakeRange(0, int128{3652425} * 86400),
                                  .nullable = true});
      return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                                  [=](Row& r) {
                                    const auto seconds =
                                        mysqlsem::ToSeconds(DatetimeOf(kind, r.I64(0)));
                                    return seconds && r.Return(*seconds);
                                  }),
                      out, {a});
    }
    case ExprOp::kLastDay:
      if (e.type.kind != TypeKind::kDate) return Malformed(e);
      return BuildLastDay(c, e, a);
    case ExprOp::kDayOfWeek:
      return DateFunction(c, e, a, IntInfo(e, true, 1, 7), [](Row& r, PackedDate d) {
        return r.Return(static_cast<int64_t>(mysqlsem::Weekday(d, true)) + 1);
      });
    case ExprOp::kWeekDay:
      return DateFunction(c, e, a, IntInfo(e, true, 0, 6), [](Row& r, PackedDate d) {
        return r.Return(static_cast<int64_t>(mysqlsem::Weekday(d)));
      });
    case ExprOp::kDayOfYear:
      return DateFunction(c, e, a, IntInfo(e, true, 1, 366), [](Row& r, PackedDate d) {
        return r.Return(static_cast<int64_t>(mysqlsem::DayOfYear(d)));
      });
    case ExprOp::kWeek: {
      ASSIGN_OR_RETURN(const uint32_t mode, WeekMode(c, e));
      return DateFunction(c, e, a, IntInfo(e, true, 0, 54), [mode](Row& r, PackedDate d) {
        return r.Return(static_cast<int64_t>(mysqlsem::Week(d, mode)));
      });
    }
    case ExprOp::kYearWeek: {
      ASSIGN_OR_RETURN(const uint32_t mode, WeekMode(c, e));
      return DateFunction(c, e, a, IntInfo(e, true, 0, 999954), [mode](Row& r, PackedDate d) {
        return r.Return(static_cast<int64_t>(mysqlsem::YearWeek(d, mode)));
      });
    }
    case ExprOp::kMonthName:
    case ExprOp::kDayName:
      return BuildNames(c, e, a);
    case ExprOp::kDateFormat:
      return BuildDateFormat(c, e, a, args[1]);
    case ExprOp::kStrToDate:
      return BuildStrToDate(c, e, a, args[1]);
    case ExprOp::kFromDays:
    case ExprOp::kSecToTime:
      return BuildOneNumber(c, e, a);
    case ExprOp::kFromUnixtime:
      return BuildFromUnixtime(c, e, a);
    case ExprOp::kMakeDate:
    case ExprOp::kMakeTime:
    case ExprOp::kPeriodAdd:
    case ExprOp::kPeriodDiff:
      return BuildIntegers(c, e, args);
    case ExprOp::kUnixTimestamp: {
      // Of TIMESTAMP columns only: local times are ambiguous when clocks go back.
      const bool fraction = e.type.kind == TypeKind::kDecimal;
      if (c.info(a).type.kind != TypeKind::kTimestamp ||
          (fraction && (e.type.scale != c.info(a).type.scale || e.type.scale > 6)))
        return NotSupported("UNIX_TIMESTAMP of " + plan::TypeName(c.info(a).type) +
                            " is not supported");
      if (fraction) {
        const int64_t unit = static_cast<int64_t>(mysqlsem::PowerOfTen(6 - e.type.scale));
        const Slot out =
            c.AddSlot({.type = e.type,
                       .rep = Rep::kI64,
                       .range = MakeRange(0, kMaxUnixSeconds * mysqlsem::PowerOfTen(e.type.scale)),
                       .nullable = c.info(a).nullable,
                       .scale = e.type.scale,
                       .min_scale = e.type.scale});
        return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                                    [=](Row& r) { return r.Return(r.I64(0) / unit); }),
                        out, {a});
      }
      const Slot out = c.AddSlot(IntInfo(e, c.info(a).nullable, 0, kMaxUnixSeconds));
      return c.Finish(MakeRowStep({a}, out, Strictness::kStrict,
                                  [](Row& r) { return r.Return(r.I64(0) / 1000000); }),
                      out, {a});
    }
    default:
      return NotSupported(std::string("function ") + plan::ExprOpName(e.op) + " is not supported");
  }
}

}  // namespace sirocco::engine
