// DATE, TIME, DATETIME and TIMESTAMP: packed forms, storage formats, text, calendar arithmetic, as
// the server does them.
//
// Packed forms used everywhere in the engine (all compare as plain integers):
//  - PackedDate, int32: day + 32 * month + 512 * year. Equal to the 3 bytes of a DATE column. May
//  be 0 (0000-00-00)
//    or partial (2020-00-00).
//  - PackedDatetime, int64: the server's packed DATETIME: ((year * 13 + month) << 5 | day) << 17 |
//  h << 12 | m << 6 | s,
//    then << 24 | microseconds. Zero date = 0. (A DATE widened to DATETIME has a time part of 0:
//    DateToDatetime.)
//  - PackedTime, int64: (hours << 12 | minutes << 6 | seconds) << 24 | microseconds, negated as a
//  whole for negative
//    times. Range -838:59:59 .. 838:59:59.
//  - TIMESTAMP values, int64: microseconds since 1970-01-01 00:00:00 UTC; 0 is the zero timestamp
//  0000-00-00 00:00:00.
// Threads: pure functions. Functions that can fail return std::optional (nullopt = SQL NULL) or a
// bool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sirocco::mysqlsem {

using PackedDate = int32_t;
using PackedDatetime = int64_t;
using PackedTime = int64_t;

enum class TemporalKind : int8_t { kDate = 0, kDatetime = 1, kTime = 2 };

// Broken-down value. For kTime only neg, hour (up to 838), minute, second, microsecond are used.
struct Temporal {
  uint32_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, microsecond = 0;
  bool negative = false;
  TemporalKind kind = TemporalKind::kDatetime;
};

// ---- packing
// -------------------------------------------------------------------------------------------------------

constexpr PackedDate PackDate(uint32_t year, uint32_t month, uint32_t day) {
  return static_cast<PackedDate>(day | month << 5 | year << 9);
}
constexpr uint32_t DateYear(PackedDate d) { return static_cast<uint32_t>(d) >> 9; }
constexpr uint32_t DateMonth(PackedDate d) { return static_cast<uint32_t>(d) >> 5 & 15; }
constexpr uint32_t DateDay(PackedDate d) { return static_cast<uint32_t>(d) & 31; }

constexpr PackedDatetime PackDatetime(uint32_t year, uint32_t month, uint32_t day, uint32_t hour,
                                      uint32_t minute, uint32_t second, uint32_t microsecond) {
  const int64_t ymd = static_cast<int64_t>(year * 13 + month) << 5 | day;
  const int64_t hms = static_cast<int64_t>(hour) << 12 | minute << 6 | second;
  return (ymd << 17 | hms) << 24 | microsecond;
}
constexpr uint32_t DatetimeYear(PackedDatetime v) { return static_cast<uint32_t>((v >> 46) / 13); }
constexpr uint32_t DatetimeMonth(PackedDatetime v) { return static_cast<uint32_t>((v >> 46) % 13); }
constexpr uint32_t DatetimeDay(PackedDatetime v) { return static_cast<uint32_t>(v >> 41) & 31; }
constexpr uint32_t DatetimeHour(PackedDatetime v) { return static_cast<uint32_t>(v >> 36) & 31; }
constexpr uint32_t DatetimeMinute(PackedDatetime v) { return static_cast<uint32_t>(v >> 30) & 63; }
constexpr uint32_t DatetimeSecond(PackedDatetime v) { return static_cast<uint32_t>(v >> 24) & 63; }
constexpr uint32_t DatetimeMicrosecond(PackedDatetime v) {
  return static_cast<uint32_t>(v) & 0xFFFFFF;
}
constexpr PackedDate DatetimeToDate(PackedDatetime v) {
  return PackDate(DatetimeYear(v), DatetimeMonth(v), DatetimeDay(v));
}
constexpr PackedDatetime DateToDatetime(PackedDate d) {
  return PackDatetime(DateYear(d), DateMonth(d), DateDay(d), 0, 0, 0, 0);
}
// The time-of-day part.
constexpr PackedTime DatetimeToTime(PackedDatetime v) { return v & ((int64_t{1} << 41) - 1); }

constexpr PackedTime PackTime(bool negative, uint32_t hour, uint32_t minute, uint32_t second,
                              uint32_t microsecond) {
  const int64_t v = (static_cast<int64_t>(hour) << 12 | minute << 6 | second) << 24 | microsecond;
  return negative ? -v : v;
}
Temporal UnpackDate(PackedDate v);
Temporal UnpackDatetime(PackedDatetime v);
Temporal UnpackTime(PackedTime v);
PackedDate PackDate(const Temporal& t);
PackedDatetime PackDatetime(const Temporal& t);
PackedTime PackTime(const Temporal& t);

// ---- storage formats (record buffer, binlog rows, field images)
// ---------------------------------------------------- `decimals` is the column's fractional
// digits, 0..6. Sizes: DATE 3, TIME 3+f, DATETIME 5+f, TIMESTAMP 4+f bytes with f = (decimals + 1)
// / 2. Preconditions: the buffer has that size. Any bytes are accepted; garbage gives garbage.

constexpr int FractionBytes(int decimals) { return (decimals + 1) / 2; }
PackedDate DecodeDate(const uint8_t* field);
void EncodeDate(PackedDate value, uint8_t* field);
PackedTime DecodeTime2(const uint8_t* field, int decimals);
void EncodeTime2(PackedTime value, int decimals, uint8_t* field);
PackedDatetime DecodeDatetime2(const uint8_t* field, int decimals);
void EncodeDatetime2(PackedDatetime value, int decimals, uint8_t* field);
int64_t DecodeTimestamp2(const uint8_t* field,
                         int decimals);  // microseconds since the epoch; 0 = zero timestamp
void EncodeTimestamp2(int64_t utc_micros, int decimals, uint8_t* field);

// TIMESTAMP to local time and back for a fixed offset from UTC in seconds. Zero timestamp <-> zero
// datetime.
PackedDatetime TimestampToDatetime(int64_t utc_micros, int32_t offset_seconds);
// nullopt outside 1970-01-01 00:00:01 .. 2038-01-19 03:14:07 UTC or for invalid dates.
std::optional<int64_t> DatetimeToTimestamp(PackedDatetime value, int32_t offset_seconds);

// ---- text and numbers
// ----------------------------------------------------------------------------------------------

inline constexpr size_t kMaxFormattedTemporal = 40;
// Write text ("2024-01-31", "-12:00:01.500", "2024-01-31 10:00:00.25") to `out`; return the length.
size_t FormatDate(PackedDate value, char* out);
size_t FormatDatetime(PackedDatetime value, int decimals, char* out);
size_t FormatTime(PackedTime value, int decimals, char* out);
std::string DateToString(PackedDate value);
std::string DatetimeToString(PackedDatetime value, int decimals);
std::string TimeToString(PackedTime value, int decimals);

// Numeric value in arithmetic: DATE 20240131, DATETIME 20240131100000, TIME -120001 (fraction
// dropped).
int64_t DateToInt(PackedDate value);
int64_t DatetimeToInt(PackedDatetime value);
int64_t TimeToInt(PackedTime value);
// With the fraction, scaled by 10^6: for DECIMAL context.
int64_t DatetimeToScaled6(PackedDatetime value);
int64_t TimeToScaled6(PackedTime value);

// Flags for parsing, meaning as the server's TIME_* flags; the strict default sql_mode of the
// server asks for kNoZeroInDate | kNoZeroDate when storing, and queries compare with kFuzzy.
enum TemporalFlags : uint32_t {
  kFuzzy = 0,
  kFracTruncate = 0x02,  // cut the fraction instead of rounding (sql_mode TIME_TRUNCATE_FRACTIONAL)
  kNoZeroInDate = 0x08,
  kNoZeroDate = 0x10,
  kNoInvalidDates = 0x20,  // refuse 2000-02-31 even if the sql_mode allows it
};
// Result of parsing: the value, and the server's warning bits (0 = the text is exactly a value of
// this type).
struct ParsedTemporal {
  Temporal value;
  bool ok = false;   // false: SQL NULL
  int warnings = 0;  // MYSQL_TIME_WARN_* bits: 1 truncated, 2 out of range, 8 zero date, 16 note,
                     // 32 zero in date
  uint32_t fraction_digits = 0;
  bool has_zone =
      false;  // the text ended in an offset (+02:00): `value` is local to zone_offset_seconds
  int32_t zone_offset_seconds = 0;
  bool deprecated_format = false;  // the server adds a deprecation warning (odd delimiters)
};
// Text to DATE / DATETIME (str_to_datetime; two-digit years, any punctuation, "20240131", rounding
// to 6 digits). Text must be ASCII compatible. value.kind tells which of the two the text was.
ParsedTemporal ParseDatetime(std::string_view text, uint32_t flags);
// Text to TIME ("1 10:00:00", "101112", "10:11", "-00:00:01.5"); a full datetime text gives its
// time part.
ParsedTemporal ParseTime(std::string_view text, uint32_t flags);
// Numbers such as 20240131, 240131, 20240131101500.
ParsedTemporal DatetimeFromInt(int64_t number, uint32_t flags);
ParsedTemporal TimeFromInt(int64_t number);
// Rounds (or cuts) the fraction to `decimals` digits; nullopt if that passes the type's range.
std::optional<PackedDatetime> AdjustDatetime(PackedDatetime value, int decimals, bool truncate);
std::optional<PackedTime> AdjustTime(PackedTime value, int decimals, bool truncate);

// ---- calendar
// ------------------------------------------------------------------------------------------------------

// Day number as the server counts them (0001-01-01 is 366). Precondition: month and day are not
// zero.
int64_t DayNumber(uint32_t year, uint32_t month, uint32_t day);
inline int64_t DayNumber(PackedDate d) { return DayNumber(DateYear(d), DateMonth(d), DateDay(d)); }
// TO_DAYS: nullopt for zero and partial dates. TO_SECONDS: nullopt for invalid dates too.
std::optional<int64_t> ToDays(PackedDate d);
std::optional<int64_t> ToSeconds(PackedDatetime v);
// FROM_DAYS: nullopt outside 1 .. 3652424.
std::optional<PackedDate> FromDays(int64_t day_number);
// True if the date exists in the calendar (no zero parts).
bool IsValidDate(PackedDate d);
// The next functions want a valid date (IsValidDate); SQL's answer for others is NULL.
// WEEKDAY(): 0 = Monday. DAYOFWEEK() = Weekday(d, true) + 1.
int Weekday(PackedDate d, bool sunday_first = false);
int DayOfYear(PackedDate d);
uint32_t DaysInMonth(uint32_t year, uint32_t month);
// WEEK(d, mode), mode 0..7. `*year` (if given) is the year the week belongs to; YEARWEEK = *year *
// 100 + week with mode | 2.
uint32_t Week(PackedDate d, uint32_t mode, uint32_t* year = nullptr);
uint32_t YearWeek(PackedDate d, uint32_t mode);
// LAST_DAY: nullopt if the month is zero.
std::optional<PackedDate> LastDay(PackedDate d);
// DATEDIFF(a, b) in days; nullopt as ToDays.
std::optional<int64_t> DateDiff(PackedDate a, PackedDate b);
// MAKEDATE(year, day_of_year).
std::optional<PackedDate> MakeDate(int64_t year, int64_t day_of_year);
// PERIOD_ADD / PERIOD_DIFF on YYMM or YYYYMM; nullopt if a period is invalid (the server raises an
// error).
std::optional<int64_t> PeriodAdd(int64_t period, int64_t months);
std::optional<int64_t> PeriodDiff(int64_t period1, int64_t period2);
// SEC_TO_TIME / TIME_TO_SEC; clamps at the range of TIME (*clamped set).
PackedTime SecondsToTime(int64_t seconds, uint32_t microseconds, bool negative,
                         bool* clamped = nullptr);
int64_t TimeToSeconds(PackedTime t);
// MAKETIME(h, m, s) with whole seconds; nullopt for minute or second out of range.
std::optional<PackedTime> MakeTime(int64_t hour, int64_t minute, int64_t second,
                                   uint32_t microsecond, bool* clamped = nullptr);

// ---- intervals
// -----------------------------------------------------------------------------------------------------

// Same order and values as the server's interval_type.
enum class IntervalUnit : uint8_t {
  kYear,
  kQuarter,
  kMonth,
  kWeek,
  kDay,
  kHour,
  kMinute,
  kSecond,
  kMicrosecond,
  kYearMonth,
  kDayHour,
  kDayMinute,
  kDaySecond,
  kHourMinute,
  kHourSecond,
  kMinuteSecond,
  kDayMicrosecond,
  kHourMicrosecond,
  kMinuteMicrosecond,
  kSecondMicrosecond,
};
// Amounts are magnitudes; `negative` applies to all of them.
struct IntervalValue {
  uint64_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, microsecond = 0;
  bool negative = false;
};
// INTERVAL <number> <unit> for the simple units (kYear..kMicrosecond); fractions only matter for
// kSecond: pass them in `microseconds` with the same sign. Composite units: use ParseInterval.
IntervalValue MakeInterval(IntervalUnit unit, int64_t amount, int64_t microseconds = 0);
// INTERVAL '1 10:00' DAY_MINUTE and so on: the text form of composite units. False: NULL interval.
bool ParseInterval(std::string_view text, IntervalUnit unit, IntervalValue* interval);
// True if the unit has a time part, so that DATE + INTERVAL gives a DATETIME.
bool HasTimePart(IntervalUnit unit);

// DATE_ADD / DATE_SUB (`subtract`). nullopt: the result leaves the range or the input is a partial
// date. AddInterval is for units without a time part; otherwise widen the date and use
// AddIntervalToDatetime. AddIntervalToTime is for units from hours down; for others SQL makes a
// DATETIME of the current day.
std::optional<PackedDate> AddInterval(PackedDate value, IntervalUnit unit,
                                      const IntervalValue& interval, bool subtract);
std::optional<PackedDatetime> AddIntervalToDatetime(PackedDatetime value, IntervalUnit unit,
                                                    const IntervalValue& interval, bool subtract);
std::optional<PackedTime> AddIntervalToTime(PackedTime value, IntervalUnit unit,
                                            const IntervalValue& interval, bool subtract);
// TIMESTAMPDIFF(unit, a, b) = b - a in whole units; kYear..kMicrosecond only. nullopt: an argument
// is not a valid date.
std::optional<int64_t> TimestampDiff(IntervalUnit unit, PackedDatetime a, PackedDatetime b);
// EXTRACT(unit FROM value). Week uses `week_mode` (default_week_format). Units with a time part of
// a DATETIME include its day only in the kDay... composites.
int64_t ExtractFromDatetime(IntervalUnit unit, PackedDatetime value, uint32_t week_mode = 0);
int64_t ExtractFromTime(IntervalUnit unit, PackedTime value);
// ADDTIME / SUBTIME; nullopt: out of range.
std::optional<PackedTime> AddTimes(PackedTime a, PackedTime b, bool subtract);
std::optional<PackedDatetime> AddTimeToDatetime(PackedDatetime a, PackedTime b, bool subtract);
// TIMEDIFF(a, b) of two datetimes; clamped to the range of TIME (*clamped).
PackedTime TimeDiff(PackedDatetime a, PackedDatetime b, bool* clamped = nullptr);

// ---- formats (locale en_US only)
// -----------------------------------------------------------------------------------

// DATE_FORMAT(value, format) / TIME_FORMAT. False: SQL NULL (for example a month name of month 0).
// `format` must be ASCII compatible text; bytes other than % sequences are copied.
bool FormatWithPattern(const Temporal& value, std::string_view format, std::string* out);
// STR_TO_DATE(text, format): kind of the result as the server derives it from a constant format.
TemporalKind PatternKind(std::string_view format, int* decimals);
// nullopt: NULL with a warning (ER_WRONG_VALUE_FOR_TYPE); `*truncated`: text was left over (a
// warning, not NULL). `kind` is PatternKind(format); flags of the default sql_mode: kNoZeroInDate |
// kNoZeroDate | kNoInvalidDates.
std::optional<Temporal> ParseWithPattern(std::string_view text, std::string_view format,
                                         TemporalKind kind, uint32_t flags,
                                         bool* truncated = nullptr);
// "January" .. / "Monday" .. (0 = Monday).
std::string_view MonthName(uint32_t month);
std::string_view WeekdayName(int weekday);

}  // namespace sirocco::mysqlsem
