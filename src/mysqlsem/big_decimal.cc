// BigDecimal: the server's decimal_t arithmetic on values without pointers.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "mysqlsem/decimal.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

// Angle brackets: the server's header of the same name as ours.
#include <decimal.h>
#include <mysql/strings/m_ctype.h>

namespace sirocco::mysqlsem {

namespace {
constexpr int kGroups = 9;
constexpr int kGroupDigits = 9;
constexpr int kFatal = kDecOverflow | kDecDivZero | kDecBadNumber | E_DEC_OOM;

static_assert(kDecTruncated == E_DEC_TRUNCATED && kDecOverflow == E_DEC_OVERFLOW &&
              kDecDivZero == E_DEC_DIV_ZERO && kDecBadNumber == E_DEC_BAD_NUM);

decimal_round_mode Mode(DecimalRounding rounding) {
  switch (rounding) {
    case DecimalRounding::kHalfUp:
      return HALF_UP;
    case DecimalRounding::kTruncate:
      return TRUNCATE;
    case DecimalRounding::kCeiling:
      return CEILING;
    case DecimalRounding::kFloor:
      return FLOOR;
  }
  return HALF_UP;
}
}  // namespace

// A server decimal whose digits live in a BigDecimal; only valid while that BigDecimal stays where
// it is.
struct BigDecimalAccess {
  static decimal_t View(const BigDecimal& value) {
    decimal_t view;
    view.intg = value.integer_digits_;
    view.frac = value.frac_;
    view.len = kGroups;
    view.sign = value.negative_;
    view.buf = const_cast<decimal_digit_t*>(value.groups_);
    return view;
  }
  // An empty target for the server's functions to write to.
  static decimal_t Target(BigDecimal* value) {
    *value = BigDecimal();
    decimal_t view = View(*value);
    return view;
  }
  // Takes over what the server wrote; on overflow the largest value, as check_result_and_overflow
  // does.
  static DecimalStatus Finish(int status, decimal_t* view, BigDecimal* value) {
    if (status & E_DEC_OVERFLOW) {
      const bool sign = view->sign;
      max_decimal(kDecimalMaxPrecision, 0, view);
      view->sign = sign;
    } else if (status & (E_DEC_BAD_NUM | E_DEC_OOM | E_DEC_DIV_ZERO)) {
      decimal_make_zero(view);
    }
    if (view->sign && decimal_is_zero(view)) view->sign = false;
    value->integer_digits_ = static_cast<int8_t>(view->intg);
    value->frac_ = static_cast<int8_t>(view->frac);
    value->negative_ = view->sign;
    return static_cast<DecimalStatus>(status);
  }
};
using Access = BigDecimalAccess;

BigDecimal BigDecimal::FromInt64(int64_t value) {
  BigDecimal result;
  decimal_t target = Access::Target(&result);
  Access::Finish(longlong2decimal(value, &target), &target, &result);
  return result;
}

BigDecimal BigDecimal::FromUint64(uint64_t value) {
  BigDecimal result;
  decimal_t target = Access::Target(&result);
  Access::Finish(ulonglong2decimal(value, &target), &target, &result);
  return result;
}

BigDecimal BigDecimal::FromScaled(Int128 value, int scale) {
  char text[kDecimalMaxText];
  const size_t size = FormatScaled(value, scale, text);
  BigDecimal result;
  FromString(std::string_view(text, size), &result);
  return result;
}

DecimalStatus BigDecimal::FromDouble(double value, BigDecimal* result) {
  decimal_t target = Access::Target(result);
  if (!std::isfinite(value)) {
    target.sign = value < 0;
    return Access::Finish(std::isnan(value) ? E_DEC_BAD_NUM : E_DEC_OVERFLOW, &target, result);
  }
  return Access::Finish(double2decimal(value, &target), &target, result);
}

DecimalStatus BigDecimal::FromString(std::string_view text, BigDecimal* result) {
  decimal_t target = Access::Target(result);
  const char* const text_end = text.data() + text.size();
  const char* end = text_end;
  int status = string2decimal(text.data(), &target, &end);
  if (end != text_end && status == E_DEC_OK &&
      !std::all_of(end, text_end, [](char c) { return my_isspace(&my_charset_latin1, c); })) {
    status = E_DEC_TRUNCATED;
  }
  return Access::Finish(status, &target, result);
}

DecimalStatus BigDecimal::FromPacked(const uint8_t* packed, int precision, int scale,
                                     BigDecimal* result) {
  decimal_t target = Access::Target(result);
  return Access::Finish(bin2decimal(packed, &target, precision, scale), &target, result);
}

BigDecimal BigDecimal::Max(int precision, int scale, bool negative) {
  BigDecimal result;
  decimal_t target = Access::Target(&result);
  max_decimal(precision, scale, &target);
  target.sign = negative;
  Access::Finish(E_DEC_OK, &target, &result);
  return result;
}

DecimalStatus BigDecimal::ToInt64(int64_t* result) const {
  BigDecimal rounded;
  Round(0, DecimalRounding::kHalfUp, &rounded);
  const decimal_t view = Access::View(rounded);
  longlong value = 0;
  const int status = decimal2longlong(&view, &value);
  *result = value;
  return static_cast<DecimalStatus>(status);
}

DecimalStatus BigDecimal::ToUint64(uint64_t* result) const {
  BigDecimal rounded;
  Round(0, DecimalRounding::kHalfUp, &rounded);
  const decimal_t view = Access::View(rounded);
  ulonglong value = 0;
  const int status = decimal2ulonglong(&view, &value);
  *result = value;
  return static_cast<DecimalStatus>(status);
}

DecimalStatus BigDecimal::ToScaled(int scale, Int128* result) const {
  BigDecimal rounded;
  const DecimalStatus status = Round(scale, DecimalRounding::kHalfUp, &rounded);
  if (status & kFatal) return status;
  Uint128 value = 0;
  const Uint128 limit = ~Uint128{0} >> 1;
  const int integer_groups = (rounded.integer_digits_ + kGroupDigits - 1) / kGroupDigits;
  const int fraction_groups = (rounded.frac_ + kGroupDigits - 1) / kGroupDigits;
  int digits_left = scale;
  for (int i = 0; i < integer_groups + fraction_groups; ++i) {
    auto group = static_cast<uint32_t>(rounded.groups_[i]);
    uint32_t factor = 1000000000;
    if (i >= integer_groups) {
      if (digits_left <= 0) break;
      // The last group of the fraction is left-aligned in nine digits.
      for (int drop = kGroupDigits - digits_left; drop > 0; --drop) {
        group /= 10;
        factor /= 10;
      }
      digits_left -= kGroupDigits;
    }
    if (value > (limit - group) / factor) return kDecOverflow;
    value = value * factor + group;
  }
  for (; digits_left > 0; --digits_left) {
    if (value > limit / 10) return kDecOverflow;
    value *= 10;
  }
  *result = rounded.negative_ ? -static_cast<Int128>(value) : static_cast<Int128>(value);
  return status;
}

double BigDecimal::ToDouble() const {
  const decimal_t view = Access::View(*this);
  double value = 0;
  decimal2double(&view, &value);
  return value;
}

size_t BigDecimal::Format(char* out) const {
  const decimal_t view = Access::View(*this);
  int size = kDecimalMaxText;
  decimal2string(&view, out, &size);
  return static_cast<size_t>(size);
}

std::string BigDecimal::ToString() const {
  char text[kDecimalMaxText];
  return std::string(text, Format(text));
}

DecimalStatus BigDecimal::ToPacked(int precision, int scale, uint8_t* packed) const {
  BigDecimal copy = *this;
  decimal_t view = Access::View(copy);
  int status = E_DEC_OK;
  view.frac = decimal_actual_fraction(&view);
  if (scale < view.frac) {
    status = E_DEC_TRUNCATED;
    decimal_round(&view, &view, scale, HALF_UP);
  }
  const int stored = decimal2bin(&view, packed, precision, scale);
  return static_cast<DecimalStatus>(stored != E_DEC_OK ? stored : status);
}

int BigDecimal::integer_digits() const {
  const decimal_t view = Access::View(*this);
  return decimal_intg(&view);
}

bool BigDecimal::is_zero() const {
  const decimal_t view = Access::View(*this);
  return decimal_is_zero(&view) != 0;
}

int BigDecimal::Compare(const BigDecimal& other) const {
  const decimal_t a = Access::View(*this), b = Access::View(other);
  return decimal_cmp(&a, &b);
}

uint64_t BigDecimal::Hash(uint64_t seed) const {
  // Equal values differ only in leading zero groups, trailing zero groups and the sign of zero.
  const int integer_groups = (integer_digits_ + kGroupDigits - 1) / kGroupDigits;
  const int fraction_groups = (frac_ + kGroupDigits - 1) / kGroupDigits;
  int begin = 0, end = integer_groups + fraction_groups;
  while (begin < integer_groups && groups_[begin] == 0) ++begin;
  while (end > integer_groups && groups_[end - 1] == 0) --end;
  if (begin >= end) return XXH3_64bits_withSeed(nullptr, 0, seed);
  const auto salt = static_cast<uint64_t>((integer_groups - begin) * 2 + (negative_ ? 1 : 0));
  return XXH3_64bits_withSeed(groups_ + begin,
                              static_cast<size_t>(end - begin) * sizeof(groups_[0]),
                              seed ^ salt * 0x9E3779B97F4A7C15ULL);
}

BigDecimal BigDecimal::Negated() const {
  BigDecimal result = *this;
  result.negative_ = !is_zero() && !negative_;
  return result;
}

DecimalStatus BigDecimal::Round(int scale, DecimalRounding rounding, BigDecimal* result) const {
  const BigDecimal source = *this;  // `result` may be this object
  const decimal_t from = Access::View(source);
  decimal_t target = Access::Target(result);
  const int status = decimal_round(&from, &target, scale, Mode(rounding));
  const int integer_groups = (target.intg + kGroupDigits - 1) / kGroupDigits;
  const int room = (kGroups - integer_groups) * kGroupDigits;
  if ((status & kFatal) == 0 && target.frac < std::min(scale, room)) {
    // Groups behind the old fraction may hold nothing yet: they are zero because the target started
    // as zero.
    const int used = integer_groups + (target.frac + kGroupDigits - 1) / kGroupDigits;
    std::fill(target.buf + used, target.buf + kGroups, 0);
    target.frac = std::min(scale, room);
  }
  return Access::Finish(status, &target, result);
}

DecimalStatus BigDecimal::Fit(int precision, int scale, BigDecimal* result) const {
  BigDecimal rounded;
  const DecimalStatus status = Round(scale, DecimalRounding::kHalfUp, &rounded);
  if ((status & kFatal) != 0 || rounded.integer_digits() > precision - scale) {
    *result = Max(precision, scale, negative_);
    return kDecOverflow;
  }
  *result = rounded;
  return status;
}

namespace {
using Binary = int (*)(const decimal_t*, const decimal_t*, decimal_t*);

DecimalStatus Apply(Binary operation, const BigDecimal& a, const BigDecimal& b,
                    BigDecimal* result) {
  const BigDecimal left = a, right = b;  // `result` may be an operand
  const decimal_t x = Access::View(left), y = Access::View(right);
  decimal_t target = Access::Target(result);
  return Access::Finish(operation(&x, &y, &target), &target, result);
}
}  // namespace

DecimalStatus Add(const BigDecimal& a, const BigDecimal& b, BigDecimal* result) {
  return Apply(decimal_add, a, b, result);
}
DecimalStatus Subtract(const BigDecimal& a, const BigDecimal& b, BigDecimal* result) {
  return Apply(decimal_sub, a, b, result);
}
DecimalStatus Multiply(const BigDecimal& a, const BigDecimal& b, BigDecimal* result) {
  return Apply(decimal_mul, a, b, result);
}
DecimalStatus Modulo(const BigDecimal& a, const BigDecimal& b, BigDecimal* result) {
  return Apply(decimal_mod, a, b, result);
}
DecimalStatus Divide(const BigDecimal& a, const BigDecimal& b, int scale_increment,
                     BigDecimal* result) {
  const BigDecimal left = a, right = b;
  const decimal_t x = Access::View(left), y = Access::View(right);
  decimal_t target = Access::Target(result);
  return Access::Finish(decimal_div(&x, &y, &target, scale_increment), &target, result);
}

}  // namespace sirocco::mysqlsem
