#include "mysqlsem/temporal.h"

#include <gtest/gtest.h>

#include <cstring>

#include "mysqlsem/recorded.h"

namespace sirocco::mysqlsem {
namespace {

constexpr uint32_t kDefaultMode = kNoZeroInDate | kNoZeroDate | kNoInvalidDates;
constexpr const char* kNull = "\\N";

constexpr const char* kUnits[] = {"YEAR",
                                  "QUARTER",
                                  "MONTH",
                                  "WEEK",
                                  "DAY",
                                  "HOUR",
                                  "MINUTE",
                                  "SECOND",
                                  "MICROSECOND",
                                  "YEAR_MONTH",
                                  "DAY_HOUR",
                                  "DAY_MINUTE",
                                  "DAY_SECOND",
                                  "HOUR_MINUTE",
                                  "HOUR_SECOND",
                                  "MINUTE_SECOND",
                                  "DAY_MICROSECOND",
                                  "HOUR_MICROSECOND",
                                  "MINUTE_MICROSECOND",
                                  "SECOND_MICROSECOND"};

IntervalUnit Unit(const std::string& name) {
  for (size_t i = 0; i < std::size(kUnits); ++i)
    if (name == kUnits[i]) return static_cast<IntervalUnit>(i);
  ADD_FAILURE() << name;
  return IntervalUnit::kYear;
}

PackedDate Date(const std::string& text) { return PackDate(ParseDatetime(text, kFuzzy).value); }
PackedDatetime Datetime(const std::string& text) {
  return PackDatetime(ParseDatetime(text, kFuzzy).value);
}
PackedTime Time(const std::string& text) { return PackTime(ParseTime(text, kFuzzy).value); }

std::string Text(std::optional<int64_t> value) { return value ? std::to_string(*value) : kNull; }
std::string DateText(std::optional<PackedDate> value) {
  return value ? DateToString(*value) : kNull;
}
std::string DatetimeText(std::optional<PackedDatetime> value, int decimals = 6) {
  return value ? DatetimeToString(*value, decimals) : kNull;
}
std::string TimeText(std::optional<PackedTime> value, int decimals = 0) {
  return value ? TimeToString(*value, decimals) : kNull;
}

std::string OnDates(const std::string& operation, const RecordedArgs& args) {
  const PackedDate d = Date(args[0]);
  if (operation == "to_days") return Text(ToDays(d));
  if (operation == "weekday") return std::to_string(Weekday(d));
  if (operation == "dayofweek") return std::to_string(Weekday(d, true) + 1);
  if (operation == "dayofyear") return std::to_string(DayOfYear(d));
  if (operation == "last_day") return DateText(LastDay(d));
  if (operation == "dayname") return std::string(WeekdayName(Weekday(d)));
  if (operation == "monthname") return std::string(MonthName(DateMonth(d)));
  if (operation == "date_int") return std::to_string(DateToInt(d));
  if (operation == "week")
    return std::to_string(Week(d, static_cast<uint32_t>(std::stoi(args[1]))));
  if (operation == "yearweek")
    return std::to_string(YearWeek(d, static_cast<uint32_t>(std::stoi(args[1]))));
  if (operation == "datediff") return Text(DateDiff(d, Date(args[1])));
  return "";
}

std::string OnNumbers(const std::string& operation, const RecordedArgs& args) {
  const int64_t n = std::stoll(args[0]), m = args.size() > 1 ? std::stoll(args[1]) : 0;
  if (operation == "from_days") return DateText(FromDays(n));
  if (operation == "makedate") return DateText(MakeDate(n, m));
  if (operation == "sec_to_time") return TimeText(SecondsToTime(n, 0, false));
  if (operation == "maketime") return TimeText(MakeTime(n, m, std::stoll(args[2]), 0));
  const auto or_error = [](std::optional<int64_t> v) {
    return v ? std::to_string(*v) : std::string("ERROR");
  };
  if (operation == "period_add") return or_error(PeriodAdd(n, m));
  if (operation == "period_diff") return or_error(PeriodDiff(n, m));
  if (operation == "datetime_from_int") {
    const ParsedTemporal parsed = DatetimeFromInt(n, kDefaultMode);
    return parsed.ok ? DatetimeToString(PackDatetime(parsed.value), 0) : kNull;
  }
  if (operation == "time_from_int") {
    const ParsedTemporal parsed = TimeFromInt(n);
    return parsed.ok ? TimeToString(PackTime(parsed.value), 0) : kNull;
  }
  return "";
}

std::string OnText(const std::string& operation, const std::string& text) {
  if (operation == "parse_time") {
    const ParsedTemporal parsed = ParseTime(text, kFuzzy);
    return parsed.ok ? TimeToString(PackTime(parsed.value), 6) : kNull;
  }
  const ParsedTemporal parsed = ParseDatetime(text, kDefaultMode);
  if (!parsed.ok) return kNull;
  PackedDatetime value = PackDatetime(parsed.value);
  // The session that recorded the answers ran in UTC.
  if (parsed.has_zone) {
    value = *AddTimeToDatetime(value, SecondsToTime(-parsed.zone_offset_seconds, 0, false), false);
  }
  return operation == "parse_date" ? DateToString(DatetimeToDate(value))
                                   : DatetimeToString(value, 6);
}

std::string StrToDate(const std::string& text, const std::string& format) {
  int decimals = 0;
  const TemporalKind kind = PatternKind(format, &decimals);
  const std::optional<Temporal> value = ParseWithPattern(text, format, kind, kDefaultMode);
  if (!value) return kNull;
  switch (kind) {
    case TemporalKind::kDate:
      return DateToString(PackDate(*value));
    case TemporalKind::kDatetime:
      return DatetimeToString(PackDatetime(*value), decimals);
    case TemporalKind::kTime:
      return TimeToString(PackTime(*value), decimals);
  }
  return "";
}

std::string Recorded(const std::string& operation, const RecordedArgs& args) {
  if (std::string answer = OnDates(operation, args); !answer.empty()) return answer;
  if (operation == "parse_date" || operation == "parse_datetime" || operation == "parse_time") {
    return OnText(operation, FromHex(args[0]));
  }
  if (operation == "str_to_date") return StrToDate(FromHex(args[0]), FromHex(args[1]));
  if (operation == "add_date" || operation == "add_datetime" || operation == "add_time") {
    const IntervalUnit unit = Unit(args[1]);
    const IntervalValue interval = MakeInterval(unit, std::stoll(args[2]));
    const bool subtract = args[3] == "1";
    if (operation == "add_date")
      return DateText(AddInterval(Date(args[0]), unit, interval, subtract));
    if (operation == "add_time")
      return TimeText(AddIntervalToTime(Time(args[0]), unit, interval, subtract), 6);
    return DatetimeText(AddIntervalToDatetime(Datetime(args[0]), unit, interval, subtract));
  }
  if (operation == "add_composite") {
    IntervalValue interval;
    if (!ParseInterval(FromHex(args[2]), Unit(args[1]), &interval)) return kNull;
    return DatetimeText(AddIntervalToDatetime(Datetime(args[0]), Unit(args[1]), interval, false));
  }
  if (operation == "timestampdiff")
    return Text(TimestampDiff(Unit(args[0]), Datetime(args[1]), Datetime(args[2])));
  if (operation == "extract")
    return std::to_string(ExtractFromDatetime(Unit(args[0]), Datetime(args[1])));
  if (operation == "extract_time")
    return std::to_string(ExtractFromTime(Unit(args[0]), Time(args[1])));
  if (operation == "time_to_sec") return std::to_string(TimeToSeconds(Time(args[0])));
  if (operation == "timediff") return TimeText(TimeDiff(Datetime(args[0]), Datetime(args[1])), 6);
  if (operation == "addtime")
    return DatetimeText(AddTimeToDatetime(Datetime(args[0]), Time(args[1]), false));
  if (operation == "subtime_time") return TimeText(AddTimes(Time(args[0]), Time(args[1]), true), 6);
  if (operation == "cast_datetime") {
    const int decimals = std::stoi(args[1]);
    return DatetimeText(AdjustDatetime(Datetime(args[0]), decimals, false), decimals);
  }
  if (operation == "cast_time") {
    const int decimals = std::stoi(args[1]);
    return TimeText(AdjustTime(Time(args[0]), decimals, false), decimals);
  }
  if (operation == "datetime_int") return std::to_string(DatetimeToInt(Datetime(args[0])));
  if (operation == "date_format" || operation == "time_format") {
    std::string out;
    const Temporal value =
        operation == "date_format" ? UnpackDatetime(Datetime(args[0])) : UnpackTime(Time(args[0]));
    return FormatWithPattern(value, FromHex(args[1]), &out) ? ToHex(out) : kNull;
  }
  const std::string answer = OnNumbers(operation, args);
  return answer.empty() ? "unknown operation" : answer;
}

TEST(TemporalTest, AnswersAsTheServer) { EXPECT_GT(RunRecorded("temporal", Recorded), 3000u); }

// Images of columns as the server stores them, written down by hand from its documented formats.
TEST(TemporalTest, StorageFormats) {
  const uint8_t date[] = {0x3F, 0xD0, 0x0F};  // 31 + 32 * 1 + 512 * 2024
  EXPECT_EQ(DateToString(DecodeDate(date)), "2024-01-31");
  uint8_t out[8] = {};
  EncodeDate(DecodeDate(date), out);
  EXPECT_EQ(std::memcmp(out, date, 3), 0);

  const uint8_t datetime[] = {0x99, 0xB2, 0x7E, 0xA5,
                              0x1E, 0x01, 0xE2, 0x40};  // 2024-01-31 10:20:30.123456
  EXPECT_EQ(DatetimeToString(DecodeDatetime2(datetime, 6), 6), "2024-01-31 10:20:30.123456");
  const uint8_t time[] = {0x7F, 0xFF, 0xFF, 0xF6};  // -00:00:00.10
  EXPECT_EQ(TimeToString(DecodeTime2(time, 2), 2), "-00:00:00.10");
  const uint8_t timestamp[] = {0x65, 0xBA, 0x1B, 0x1E, 0x32};  // 1706695454.50
  EXPECT_EQ(DecodeTimestamp2(timestamp, 2), 1706695454500000);
  EXPECT_EQ(DatetimeToString(TimestampToDatetime(1706695454500000, 3600), 1),
            "2024-01-31 11:04:14.5");
}

TEST(TemporalTest, StorageRoundTripKeepsByteOrder) {
  const char* times[] = {"-838:59:59",  "-100:00:00.5",     "-00:00:01.999999", "-00:00:01",
                         "-00:00:00.9", "-00:00:00.000001", "00:00:00",         "00:00:00.1",
                         "00:00:01",    "10:20:30.123456",  "838:59:59"};
  for (int decimals = 0; decimals <= 6; ++decimals) {
    uint8_t before[8] = {}, image[8];
    for (const char* text : times) {
      const PackedTime value = *AdjustTime(Time(text), decimals, true);
      EncodeTime2(value, decimals, image);
      EXPECT_EQ(DecodeTime2(image, decimals), value) << text << " " << decimals;
      EXPECT_LE(std::memcmp(before, image, static_cast<size_t>(3 + FractionBytes(decimals))), 0)
          << text;
      std::memcpy(before, image, sizeof(image));
    }
    const PackedDatetime datetime =
        *AdjustDatetime(Datetime("9999-12-31 23:59:59.999999"), decimals, true);
    EncodeDatetime2(datetime, decimals, image);
    EXPECT_EQ(DecodeDatetime2(image, decimals), datetime);
    EncodeDatetime2(0, decimals, image);
    EXPECT_EQ(DecodeDatetime2(image, decimals), 0);
    const int64_t unit = decimals == 0 ? 1000000 : decimals <= 2 ? 10000 : decimals <= 4 ? 100 : 1;
    const int64_t micros = 2147483647999999 / unit * unit;
    EncodeTimestamp2(micros, decimals, image);
    EXPECT_EQ(DecodeTimestamp2(image, decimals), micros);
  }
}

TEST(TemporalTest, TimestampsAndOffsets) {
  EXPECT_EQ(TimestampToDatetime(0, 7200), 0);
  EXPECT_EQ(DatetimeToString(TimestampToDatetime(1000000, -3600), 0), "1969-12-31 23:00:01");
  EXPECT_EQ(DatetimeToTimestamp(Datetime("1970-01-01 00:00:00"), 0), std::nullopt);
  EXPECT_EQ(DatetimeToTimestamp(Datetime("1970-01-01 00:00:01"), 0), 1000000);
  EXPECT_EQ(DatetimeToTimestamp(Datetime("2038-01-19 03:14:07"), 0), int64_t{2147483647} * 1000000);
  EXPECT_EQ(DatetimeToTimestamp(Datetime("2038-01-19 03:14:08"), 0), std::nullopt);
  EXPECT_EQ(DatetimeToTimestamp(0, 3600), 0);
}

TEST(TemporalTest, ZeroAndPartialDates) {
  const PackedDate partial = PackDate(2020, 0, 15);
  EXPECT_EQ(DateToString(0), "0000-00-00");
  EXPECT_FALSE(IsValidDate(0));
  EXPECT_FALSE(IsValidDate(partial));
  EXPECT_FALSE(IsValidDate(PackDate(2023, 2, 29)));
  EXPECT_TRUE(IsValidDate(PackDate(2024, 2, 29)));
  EXPECT_EQ(LastDay(partial), std::nullopt);
  EXPECT_EQ(ToDays(partial), std::nullopt);
  EXPECT_EQ(AddInterval(partial, IntervalUnit::kDay, MakeInterval(IntervalUnit::kDay, 1), false),
            std::nullopt);
  std::string out;
  EXPECT_FALSE(FormatWithPattern(UnpackDate(partial), "%M", &out));
}

TEST(TemporalTest, ParsingReportsWarnings) {
  EXPECT_EQ(ParseDatetime("2024-01-31", kDefaultMode).warnings, 0);
  EXPECT_EQ(ParseDatetime("2024-01-31", kDefaultMode).value.kind, TemporalKind::kDate);
  EXPECT_NE(ParseDatetime("2024-01-31 x", kDefaultMode).warnings, 0);
  EXPECT_FALSE(ParseDatetime("2024-02-30", kDefaultMode).ok);
  EXPECT_TRUE(ParseDatetime("2024-01-31 10:20:30+02:00", kDefaultMode).has_zone);
  EXPECT_EQ(ParseDatetime("2024-01-31 10:20:30+02:00", kDefaultMode).zone_offset_seconds, 7200);
  EXPECT_TRUE(ParseDatetime("2024/01/31", kDefaultMode).deprecated_format);
}

}  // namespace
}  // namespace sirocco::mysqlsem
