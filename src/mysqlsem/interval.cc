// INTERVAL arithmetic and its relatives: TIMESTAMPDIFF, EXTRACT, TIMEDIFF, ADDTIME.
#include <array>
#include <climits>

#include "mysqlsem/server_time.h"
#include "mysqlsem/temporal.h"

namespace sirocco::mysqlsem {
namespace {

constexpr int64_t kSecondsPerDay = 86400;

static_assert(static_cast<int>(IntervalUnit::kYear) == INTERVAL_YEAR &&
              static_cast<int>(IntervalUnit::kMicrosecond) == INTERVAL_MICROSECOND &&
              static_cast<int>(IntervalUnit::kMinuteSecond) == INTERVAL_MINUTE_SECOND &&
              static_cast<int>(IntervalUnit::kSecondMicrosecond) == INTERVAL_SECOND_MICROSECOND);

Interval ToServerInterval(const IntervalValue& value, bool subtract) {
  Interval interval;
  interval.year = value.year;
  interval.month = value.month;
  interval.day = value.day;
  interval.hour = value.hour;
  interval.minute = value.minute;
  interval.second = value.second;
  interval.second_part = value.microsecond;
  interval.neg = value.negative != subtract;
  return interval;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The fields of a composite unit, largest first, as members of IntervalValue.
using Field = uint64_t IntervalValue::*;
struct Composite {
  std::array<Field, 5> fields{};
  int count = 0;
  bool microseconds = false;
};

Composite CompositeFields(IntervalUnit unit) {
  constexpr Field kYear = &IntervalValue::year, kMonth = &IntervalValue::month,
                  kDay = &IntervalValue::day, kHour = &IntervalValue::hour,
                  kMinute = &IntervalValue::minute, kSecond = &IntervalValue::second,
                  kMicro = &IntervalValue::microsecond;
  switch (unit) {
    case IntervalUnit::kYearMonth:
      return {{kYear, kMonth}, 2, false};
    case IntervalUnit::kDayHour:
      return {{kDay, kHour}, 2, false};
    case IntervalUnit::kDayMinute:
      return {{kDay, kHour, kMinute}, 3, false};
    case IntervalUnit::kDaySecond:
      return {{kDay, kHour, kMinute, kSecond}, 4, false};
    case IntervalUnit::kHourMinute:
      return {{kHour, kMinute}, 2, false};
    case IntervalUnit::kHourSecond:
      return {{kHour, kMinute, kSecond}, 3, false};
    case IntervalUnit::kMinuteSecond:
      return {{kMinute, kSecond}, 2, false};
    case IntervalUnit::kDayMicrosecond:
      return {{kDay, kHour, kMinute, kSecond, kMicro}, 5, true};
    case IntervalUnit::kHourMicrosecond:
      return {{kHour, kMinute, kSecond, kMicro}, 4, true};
    case IntervalUnit::kMinuteMicrosecond:
      return {{kMinute, kSecond, kMicro}, 3, true};
    case IntervalUnit::kSecondMicrosecond:
      return {{kSecond, kMicro}, 2, true};
    default:
      return {};
  }
}

}  // namespace

IntervalValue MakeInterval(IntervalUnit unit, int64_t amount, int64_t microseconds) {
  IntervalValue value;
  value.negative = amount < 0 || microseconds < 0;
  const uint64_t magnitude =
      amount < 0 ? -static_cast<uint64_t>(amount) : static_cast<uint64_t>(amount);
  switch (unit) {
    case IntervalUnit::kYear:
      value.year = magnitude;
      break;
    case IntervalUnit::kQuarter:
      // Beyond these limits the server has no interval; a month count this large overflows every
      // date alike.
      value.month = magnitude >= UINT_MAX / 3 ? UINT_MAX : magnitude * 3;
      break;
    case IntervalUnit::kMonth:
      value.month = magnitude;
      break;
    case IntervalUnit::kWeek:
      value.day = magnitude >= UINT_MAX / 7 ? UINT_MAX : magnitude * 7;
      break;
    case IntervalUnit::kDay:
      value.day = magnitude;
      break;
    case IntervalUnit::kHour:
      value.hour = magnitude;
      break;
    case IntervalUnit::kMinute:
      value.minute = magnitude;
      break;
    case IntervalUnit::kSecond:
      value.second = magnitude;
      value.microsecond = microseconds < 0 ? -static_cast<uint64_t>(microseconds)
                                           : static_cast<uint64_t>(microseconds);
      break;
    case IntervalUnit::kMicrosecond:
      value.microsecond = magnitude;
      break;
    default:
      break;
  }
  return value;
}

// Numbers separated by anything that is no digit; if there are too few, the leading fields are
// zero.
bool ParseInterval(std::string_view text, IntervalUnit unit, IntervalValue* interval) {
  const Composite composite = CompositeFields(unit);
  if (composite.count == 0) return false;
  *interval = IntervalValue();
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p < end && (*p == ' ' || (*p >= '\t' && *p <= '\r'))) ++p;
  if (p < end && *p == '-') {
    interval->negative = true;
    ++p;
  }
  while (p < end && !IsDigit(*p)) ++p;

  uint64_t numbers[5] = {};
  int found = 0;
  long last_digits = 0;
  for (int i = 0; i < composite.count; ++i) {
    const char* const start = p;
    int64_t number = 0;
    for (; p != end && IsDigit(*p); ++p) {
      if (number > (LLONG_MAX - 10) / 10) return false;
      number = number * 10 + (*p - '0');
    }
    last_digits = p - start;
    numbers[found++] = static_cast<uint64_t>(number);
    while (p != end && !IsDigit(*p)) ++p;
    if (p == end) break;
  }
  if (p != end) return false;
  const int skipped = composite.count - found;
  for (int i = 0; i < found; ++i)
    interval->*composite.fields[static_cast<size_t>(skipped + i)] = numbers[i];
  if (composite.microseconds) {
    for (long digits = last_digits; digits < 6; ++digits) interval->microsecond *= 10;
  }
  return true;
}

bool HasTimePart(IntervalUnit unit) {
  return unit > IntervalUnit::kDay && unit != IntervalUnit::kYearMonth;
}

std::optional<PackedDate> AddInterval(PackedDate value, IntervalUnit unit,
                                      const IntervalValue& interval, bool subtract) {
  if (!IsValidDate(value) || HasTimePart(unit)) return std::nullopt;
  Date_val date(DateYear(value), DateMonth(value), DateDay(value));
  Interval server = ToServerInterval(interval, subtract);
  if (date.add(server, false)) return std::nullopt;
  return PackDate(date.year(), date.month(), date.day());
}

std::optional<PackedDatetime> AddIntervalToDatetime(PackedDatetime value, IntervalUnit unit,
                                                    const IntervalValue& interval, bool subtract) {
  if (!IsValidDate(DatetimeToDate(value))) return std::nullopt;
  MYSQL_TIME time = ToServer(UnpackDatetime(value));
  int warnings = 0;
  if (date_add_interval(&time, static_cast<interval_type>(unit),
                        ToServerInterval(interval, subtract), &warnings)) {
    return std::nullopt;
  }
  const PackedDatetime result = PackDatetime(FromServer(time));
  if (!IsValidDate(DatetimeToDate(result))) return std::nullopt;
  return result;
}

std::optional<PackedTime> AddIntervalToTime(PackedTime value, IntervalUnit unit,
                                            const IntervalValue& interval, bool subtract) {
  if (interval.year != 0 || interval.month != 0 || interval.day != 0) return std::nullopt;
  const auto limit = static_cast<uint64_t>(kMaxTimeMicroseconds);
  if (interval.microsecond > limit || interval.second > limit / 1000000 ||
      interval.minute > limit / 60000000 || interval.hour > limit / 3600000000) {
    return std::nullopt;
  }
  const uint64_t amount = interval.microsecond + interval.second * 1000000 +
                          interval.minute * 60000000 + interval.hour * 3600000000;
  if (amount > limit) return std::nullopt;
  int64_t micros = TimeMicroseconds(value);
  micros += (interval.negative != subtract) ? -static_cast<int64_t>(amount)
                                            : static_cast<int64_t>(amount);
  if (micros > kMaxTimeMicroseconds || micros < -kMaxTimeMicroseconds) return std::nullopt;
  return TimeFromMicroseconds(micros);
}

std::optional<int64_t> TimestampDiff(IntervalUnit unit, PackedDatetime a, PackedDatetime b) {
  if (!IsValidDate(DatetimeToDate(a)) || !IsValidDate(DatetimeToDate(b))) return std::nullopt;
  if (unit > IntervalUnit::kMicrosecond) return std::nullopt;
  const bool negative = b < a;
  const PackedDatetime from = negative ? b : a, to = negative ? a : b;

  if (unit == IntervalUnit::kYear || unit == IntervalUnit::kQuarter ||
      unit == IntervalUnit::kMonth) {
    int64_t months = static_cast<int64_t>(DatetimeYear(to)) * 12 + DatetimeMonth(to) -
                     (static_cast<int64_t>(DatetimeYear(from)) * 12 + DatetimeMonth(from));
    // A month is complete once the day and time of day are reached.
    constexpr PackedDatetime kDayAndTime = (int64_t{1} << 46) - 1;
    if ((to & kDayAndTime) < (from & kDayAndTime)) --months;
    if (unit == IntervalUnit::kYear) months /= 12;
    if (unit == IntervalUnit::kQuarter) months /= 3;
    return negative ? -months : months;
  }

  const auto seconds_of = [](PackedDatetime v) {
    return DayNumber(DatetimeToDate(v)) * kSecondsPerDay + DatetimeHour(v) * 3600 +
           DatetimeMinute(v) * 60 + DatetimeSecond(v);
  };
  const int64_t micros = (seconds_of(to) - seconds_of(from)) * 1000000 + DatetimeMicrosecond(to) -
                         static_cast<int64_t>(DatetimeMicrosecond(from));
  int64_t amount = micros;
  switch (unit) {
    case IntervalUnit::kWeek:
      amount = micros / (1000000 * kSecondsPerDay * 7);
      break;
    case IntervalUnit::kDay:
      amount = micros / (1000000 * kSecondsPerDay);
      break;
    case IntervalUnit::kHour:
      amount = micros / 3600000000;
      break;
    case IntervalUnit::kMinute:
      amount = micros / 60000000;
      break;
    case IntervalUnit::kSecond:
      amount = micros / 1000000;
      break;
    default:
      break;
  }
  return negative ? -amount : amount;
}

namespace {

int64_t Extract(IntervalUnit unit, const Temporal& t) {
  const int64_t sign = t.negative ? -1 : 1;
  const int64_t day = t.day, hour = t.hour, minute = t.minute, second = t.second,
                micro = t.microsecond;
  switch (unit) {
    case IntervalUnit::kYear:
      return t.year;
    case IntervalUnit::kYearMonth:
      return t.year * 100 + t.month;
    case IntervalUnit::kQuarter:
      return (t.month + 2) / 3;
    case IntervalUnit::kMonth:
      return t.month;
    case IntervalUnit::kDay:
      return day;
    case IntervalUnit::kDayHour:
      return (day * 100 + hour) * sign;
    case IntervalUnit::kDayMinute:
      return (day * 10000 + hour * 100 + minute) * sign;
    case IntervalUnit::kDaySecond:
      return (day * 1000000 + hour * 10000 + minute * 100 + second) * sign;
    case IntervalUnit::kHour:
      return hour * sign;
    case IntervalUnit::kHourMinute:
      return (hour * 100 + minute) * sign;
    case IntervalUnit::kHourSecond:
      return (hour * 10000 + minute * 100 + second) * sign;
    case IntervalUnit::kMinute:
      return minute * sign;
    case IntervalUnit::kMinuteSecond:
      return (minute * 100 + second) * sign;
    case IntervalUnit::kSecond:
      return second * sign;
    case IntervalUnit::kMicrosecond:
      return micro * sign;
    case IntervalUnit::kDayMicrosecond:
      return ((day * 1000000 + hour * 10000 + minute * 100 + second) * 1000000 + micro) * sign;
    case IntervalUnit::kHourMicrosecond:
      return ((hour * 10000 + minute * 100 + second) * 1000000 + micro) * sign;
    case IntervalUnit::kMinuteMicrosecond:
      return ((minute * 100 + second) * 1000000 + micro) * sign;
    case IntervalUnit::kSecondMicrosecond:
      return (second * 1000000 + micro) * sign;
    case IntervalUnit::kWeek:
      break;
  }
  return 0;
}

}  // namespace

int64_t ExtractFromDatetime(IntervalUnit unit, PackedDatetime value, uint32_t week_mode) {
  if (unit == IntervalUnit::kWeek) return Week(DatetimeToDate(value), week_mode);
  return Extract(unit, UnpackDatetime(value));
}

int64_t ExtractFromTime(IntervalUnit unit, PackedTime value) {
  return Extract(unit, UnpackTime(value));
}

std::optional<PackedTime> AddTimes(PackedTime a, PackedTime b, bool subtract) {
  const int64_t x = TimeMicroseconds(a), y = TimeMicroseconds(b);
  const int64_t micros = subtract ? x - y : x + y;
  if (micros > kMaxTimeMicroseconds || micros < -kMaxTimeMicroseconds) return std::nullopt;
  return TimeFromMicroseconds(micros);
}

std::optional<PackedDatetime> AddTimeToDatetime(PackedDatetime a, PackedTime b, bool subtract) {
  const PackedDate date = DatetimeToDate(a);
  if (!IsValidDate(date)) return std::nullopt;
  const int64_t y = TimeMicroseconds(b);
  int64_t micros = TimeMicroseconds(DatetimeToTime(a)) + (subtract ? -y : y);
  constexpr int64_t kDay = kSecondsPerDay * 1000000;
  int64_t days = DayNumber(date) + micros / kDay;
  micros %= kDay;
  if (micros < 0) {
    micros += kDay;
    --days;
  }
  unsigned year, month, day;
  get_date_from_daynr(days, &year, &month, &day);
  if (day == 0 || year > 9999) return std::nullopt;
  const PackedDatetime midnight = PackDatetime(year, month, day, 0, 0, 0, 0);
  return midnight + TimeFromMicroseconds(micros);
}

PackedTime TimeDiff(PackedDatetime a, PackedDatetime b, bool* clamped) {
  const MYSQL_TIME x = ToServer(UnpackDatetime(a)), y = ToServer(UnpackDatetime(b));
  long long seconds = 0;
  long microseconds = 0;
  const bool negative = calc_time_diff(x, y, 1, &seconds, &microseconds);
  int64_t micros = seconds * 1000000 + microseconds;
  const bool too_big = micros > kMaxTimeMicroseconds;
  if (clamped != nullptr) *clamped = too_big;
  if (too_big) micros = kMaxTimeMicroseconds;
  return TimeFromMicroseconds(negative ? -micros : micros);
}

}  // namespace sirocco::mysqlsem
