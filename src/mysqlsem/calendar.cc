// Calendar functions on dates, periods and seconds.
#include <algorithm>

#include "mysqlsem/server_time.h"
#include "mysqlsem/temporal.h"

namespace sirocco::mysqlsem {
namespace {

constexpr int64_t kSecondsPerDay = 86400;

// The server turns the user's mode into flags with the "first week has four days" bit inverted for
// Sunday weeks.
uint32_t WeekFlags(uint32_t mode) {
  mode &= 7;
  if ((mode & WEEK_MONDAY_FIRST) == 0) mode ^= WEEK_FIRST_WEEKDAY;
  return mode;
}

uint32_t WeekOf(PackedDate d, uint32_t flags, uint32_t* year) {
  return calc_week(ToServer(UnpackDate(d)), flags, year);
}

bool HasAllParts(PackedDate d) { return DateMonth(d) != 0 && DateDay(d) != 0; }

}  // namespace

int64_t DayNumber(uint32_t year, uint32_t month, uint32_t day) {
  return calc_daynr(year, month, day);
}

std::optional<int64_t> ToDays(PackedDate d) {
  if (!HasAllParts(d)) return std::nullopt;
  return DayNumber(d);
}

std::optional<int64_t> ToSeconds(PackedDatetime v) {
  const PackedDate date = DatetimeToDate(v);
  if (!IsValidDate(date)) return std::nullopt;
  return DayNumber(date) * kSecondsPerDay + DatetimeHour(v) * 3600 + DatetimeMinute(v) * 60 +
         DatetimeSecond(v);
}

std::optional<PackedDate> FromDays(int64_t day_number) {
  if (day_number <= 0 || day_number > MAX_DAY_NUMBER) return std::nullopt;
  const Date_val date(static_cast<uint32_t>(day_number));
  return PackDate(date.year(), date.month(), date.day());
}

bool IsValidDate(PackedDate d) {
  return HasAllParts(d) && DateMonth(d) <= 12 && DateYear(d) <= 9999 &&
         DateDay(d) <= DaysInMonth(DateYear(d), DateMonth(d));
}

uint32_t DaysInMonth(uint32_t year, uint32_t month) {
  if (month < 1 || month > 12) return 0;
  if (month == 2) return calc_days_in_year(year) == 366 ? 29 : 28;
  return days_in_month[month - 1];
}

int Weekday(PackedDate d, bool sunday_first) { return calc_weekday(DayNumber(d), sunday_first); }

int DayOfYear(PackedDate d) {
  return static_cast<int>(DayNumber(d) - DayNumber(DateYear(d), 1, 1) + 1);
}

uint32_t Week(PackedDate d, uint32_t mode, uint32_t* year) {
  uint32_t ignored;
  return WeekOf(d, WeekFlags(mode), year != nullptr ? year : &ignored);
}

uint32_t YearWeek(PackedDate d, uint32_t mode) {
  uint32_t year = 0;
  const uint32_t week = WeekOf(d, WeekFlags(mode | WEEK_YEAR), &year);
  return year * 100 + week;
}

std::optional<PackedDate> LastDay(PackedDate d) {
  if (DateMonth(d) == 0) return std::nullopt;
  return PackDate(DateYear(d), DateMonth(d), DaysInMonth(DateYear(d), DateMonth(d)));
}

std::optional<int64_t> DateDiff(PackedDate a, PackedDate b) {
  if (!HasAllParts(a) || !HasAllParts(b)) return std::nullopt;
  return DayNumber(a) - DayNumber(b);
}

std::optional<PackedDate> MakeDate(int64_t year, int64_t day_of_year) {
  if (year < 0 || year > 9999 || day_of_year <= 0 || day_of_year > MAX_DAY_NUMBER)
    return std::nullopt;
  if (year < 100) year = year_2000_handling(static_cast<unsigned>(year));
  const int64_t days = DayNumber(static_cast<uint32_t>(year), 1, 1) + day_of_year - 1;
  if (days < 0 || days > MAX_DAY_NUMBER) return std::nullopt;
  unsigned y, m, d;
  get_date_from_daynr(days, &y, &m, &d);
  return PackDate(y, m, d);
}

std::optional<int64_t> PeriodAdd(int64_t period, int64_t months) {
  if (!valid_period(period)) return std::nullopt;
  return static_cast<int64_t>(convert_month_to_period(
      convert_period_to_month(static_cast<uint64_t>(period)) + static_cast<uint64_t>(months)));
}

std::optional<int64_t> PeriodDiff(int64_t period1, int64_t period2) {
  if (!valid_period(period1) || !valid_period(period2)) return std::nullopt;
  return static_cast<int64_t>(convert_period_to_month(static_cast<uint64_t>(period1))) -
         static_cast<int64_t>(convert_period_to_month(static_cast<uint64_t>(period2)));
}

PackedTime SecondsToTime(int64_t seconds, uint32_t microseconds, bool negative, bool* clamped) {
  const bool below = seconds < 0;
  const uint64_t magnitude =
      below ? -static_cast<uint64_t>(seconds) : static_cast<uint64_t>(seconds);
  const bool too_big = magnitude > TIME_MAX_VALUE_SECONDS;
  if (clamped != nullptr) *clamped = too_big;
  const int64_t micros =
      too_big ? kMaxTimeMicroseconds : static_cast<int64_t>(magnitude) * 1000000 + microseconds;
  return TimeFromMicroseconds(below || negative ? -micros : micros);
}

int64_t TimeToSeconds(PackedTime t) {
  const Temporal time = UnpackTime(t);
  const int64_t seconds = time.hour * 3600 + time.minute * 60 + time.second;
  return time.negative ? -seconds : seconds;
}

std::optional<PackedTime> MakeTime(int64_t hour, int64_t minute, int64_t second,
                                   uint32_t microsecond, bool* clamped) {
  if (clamped != nullptr) *clamped = false;
  if (minute < 0 || minute > 59 || second < 0 || second > 59) return std::nullopt;
  const bool negative = hour < 0;
  const uint64_t hours = negative ? -static_cast<uint64_t>(hour) : static_cast<uint64_t>(hour);
  // The server refuses any fraction in the last hour of the range.
  if (hours > TIME_MAX_HOUR || (hours == TIME_MAX_HOUR && microsecond != 0)) {
    if (clamped != nullptr) *clamped = true;
    return PackTime(negative, TIME_MAX_HOUR, TIME_MAX_MINUTE, TIME_MAX_SECOND, 0);
  }
  return PackTime(negative, static_cast<uint32_t>(hours), static_cast<uint32_t>(minute),
                  static_cast<uint32_t>(second), microsecond);
}

}  // namespace sirocco::mysqlsem
