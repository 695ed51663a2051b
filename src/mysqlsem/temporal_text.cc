// Temporal values as text and as numbers.
#include <algorithm>
#include <cstring>

#include "mysqlsem/server_time.h"
#include "mysqlsem/temporal.h"

namespace sirocco::mysqlsem {
namespace {

constexpr uint32_t kMicrosecondUnit[7] = {1000000, 100000, 10000, 1000, 100, 10, 1};

char* WriteTwo(uint32_t value, char* p) {
  p[0] = static_cast<char>('0' + value / 10 % 10);
  p[1] = static_cast<char>('0' + value % 10);
  return p + 2;
}

char* WriteDate(uint32_t year, uint32_t month, uint32_t day, char* p) {
  p = WriteTwo(year / 100 % 100, p);
  p = WriteTwo(year % 100, p);
  *p++ = '-';
  p = WriteTwo(month, p);
  *p++ = '-';
  return WriteTwo(day, p);
}

char* WriteClock(uint32_t minute, uint32_t second, uint32_t microsecond, int decimals, char* p) {
  *p++ = ':';
  p = WriteTwo(minute, p);
  *p++ = ':';
  p = WriteTwo(second, p);
  if (decimals <= 0) return p;
  *p++ = '.';
  decimals = std::min(decimals, 6);
  uint32_t fraction = microsecond / kMicrosecondUnit[decimals];
  for (int i = decimals - 1; i >= 0; --i) {
    p[i] = static_cast<char>('0' + fraction % 10);
    fraction /= 10;
  }
  return p + decimals;
}

ParsedTemporal Finish(const MYSQL_TIME& time, bool failed, const MYSQL_TIME_STATUS& status) {
  ParsedTemporal result;
  result.ok = !failed;
  result.value = FromServer(time);
  result.warnings = status.warnings;
  result.fraction_digits = status.fractional_digits;
  result.deprecated_format = status.m_deprecation.m_kind != MYSQL_TIME_STATUS::DEPRECATION::DP_NONE;
  if (time.time_type == MYSQL_TIMESTAMP_DATETIME_TZ) {
    result.has_zone = true;
    result.zone_offset_seconds = time.time_zone_displacement;
  }
  return result;
}

MYSQL_TIME NoTime() {
  MYSQL_TIME time;
  set_zero_time(&time, MYSQL_TIMESTAMP_NONE);
  return time;
}

}  // namespace

size_t FormatDate(PackedDate value, char* out) {
  return static_cast<size_t>(WriteDate(DateYear(value), DateMonth(value), DateDay(value), out) -
                             out);
}

size_t FormatDatetime(PackedDatetime value, int decimals, char* out) {
  char* p = WriteDate(DatetimeYear(value), DatetimeMonth(value), DatetimeDay(value), out);
  *p++ = ' ';
  p = WriteTwo(DatetimeHour(value), p);
  p = WriteClock(DatetimeMinute(value), DatetimeSecond(value), DatetimeMicrosecond(value), decimals,
                 p);
  return static_cast<size_t>(p - out);
}

size_t FormatTime(PackedTime value, int decimals, char* out) {
  const Temporal t = UnpackTime(value);
  char* p = out;
  if (t.negative) *p++ = '-';
  if (t.hour >= 100) *p++ = static_cast<char>('0' + t.hour / 100 % 10);
  p = WriteTwo(t.hour % 100, p);
  p = WriteClock(t.minute, t.second, t.microsecond, decimals, p);
  return static_cast<size_t>(p - out);
}

std::string DateToString(PackedDate value) {
  char text[kMaxFormattedTemporal];
  return std::string(text, FormatDate(value, text));
}

std::string DatetimeToString(PackedDatetime value, int decimals) {
  char text[kMaxFormattedTemporal];
  return std::string(text, FormatDatetime(value, decimals, text));
}

std::string TimeToString(PackedTime value, int decimals) {
  char text[kMaxFormattedTemporal];
  return std::string(text, FormatTime(value, decimals, text));
}

int64_t DateToInt(PackedDate value) {
  return DateYear(value) * 10000 + DateMonth(value) * 100 + DateDay(value);
}

int64_t DatetimeToInt(PackedDatetime value) {
  return DateToInt(DatetimeToDate(value)) * 1000000 + DatetimeHour(value) * 10000 +
         DatetimeMinute(value) * 100 + DatetimeSecond(value);
}

int64_t TimeToInt(PackedTime value) {
  const Temporal t = UnpackTime(value);
  const int64_t number = t.hour * 10000 + t.minute * 100 + t.second;
  return t.negative ? -number : number;
}

int64_t DatetimeToScaled6(PackedDatetime value) {
  return DatetimeToInt(value) * 1000000 + DatetimeMicrosecond(value);
}

int64_t TimeToScaled6(PackedTime value) {
  const Temporal t = UnpackTime(value);
  const int64_t micros = t.microsecond;
  return TimeToInt(value) * 1000000 + (t.negative ? -micros : micros);
}

ParsedTemporal ParseDatetime(std::string_view text, uint32_t flags) {
  MYSQL_TIME time = NoTime();
  MYSQL_TIME_STATUS status;
  bool failed = str_to_datetime(text.data(), text.size(), &time, flags, &status);
  if (!failed) {
    failed = datetime_add_nanoseconds_adjust_frac(&time, status.nanoseconds, &status.warnings,
                                                  (flags & kFracTruncate) != 0);
  }
  return Finish(time, failed, status);
}

ParsedTemporal ParseTime(std::string_view text, uint32_t flags) {
  MYSQL_TIME time = NoTime();
  MYSQL_TIME_STATUS status;
  bool failed = str_to_time(text.data(), text.size(), &time, &status);
  if (!failed) {
    failed = time_add_nanoseconds_adjust_frac(&time, status.nanoseconds, &status.warnings,
                                              (flags & kFracTruncate) != 0);
  }
  ParsedTemporal result = Finish(time, failed, status);
  result.value.kind = TemporalKind::kTime;
  result.value.year = result.value.month = result.value.day = 0;
  return result;
}

ParsedTemporal DatetimeFromInt(int64_t number, uint32_t flags) {
  MYSQL_TIME time = NoTime();
  MYSQL_TIME_STATUS status;
  const bool failed = int_to_datetime(number, &time, flags, &status.warnings) == -1;
  if (failed && status.warnings == 0) status.warnings = MYSQL_TIME_WARN_TRUNCATED;
  return Finish(time, failed, status);
}

ParsedTemporal TimeFromInt(int64_t number) {
  MYSQL_TIME time = NoTime();
  MYSQL_TIME_STATUS status;
  const bool failed = int_to_time(number, &time, &status.warnings);
  ParsedTemporal result = Finish(time, failed, status);
  result.value.kind = TemporalKind::kTime;
  result.value.year = result.value.month = result.value.day = 0;
  return result;
}

std::optional<PackedDatetime> AdjustDatetime(PackedDatetime value, int decimals, bool truncate) {
  const auto dec = static_cast<unsigned>(std::clamp(decimals, 0, 6));
  if (DatetimeMicrosecond(value) % kMicrosecondUnit[dec] == 0) return value;
  MYSQL_TIME time = ToServer(UnpackDatetime(value));
  int warnings = 0;
  if (my_datetime_adjust_frac(&time, dec, &warnings, truncate)) return std::nullopt;
  return PackDatetime(FromServer(time));
}

std::optional<PackedTime> AdjustTime(PackedTime value, int decimals, bool truncate) {
  const auto dec = static_cast<unsigned>(std::clamp(decimals, 0, 6));
  const int64_t unit = kMicrosecondUnit[dec];
  int64_t micros = TimeMicroseconds(value);
  const int64_t rest = micros % unit;
  if (rest == 0) return value;
  micros -= rest;
  if (!truncate && (rest < 0 ? -rest : rest) * 2 >= unit) micros += rest < 0 ? -unit : unit;
  if (micros > kMaxTimeMicroseconds || micros < -kMaxTimeMicroseconds) return std::nullopt;
  return TimeFromMicroseconds(micros);
}

}  // namespace sirocco::mysqlsem
