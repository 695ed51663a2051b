// DATE_FORMAT, TIME_FORMAT and STR_TO_DATE with the names of locale en_US.
#include <mysql/strings/m_ctype.h>
#include <mysql/strings/my_strtoll10.h>

#include <algorithm>
#include <cstring>

#include "mysqlsem/server_time.h"
#include "mysqlsem/temporal.h"

namespace sirocco::mysqlsem {
namespace {

constexpr std::string_view kMonths[12] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
constexpr std::string_view kDays[7] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                       "Friday", "Saturday", "Sunday"};
constexpr size_t kShortName = 3;

void AppendPadded(int64_t value, int width, std::string* out) {
  char digits[24];
  char* const end = digits + sizeof(digits);
  char* p = end;
  uint64_t magnitude = value < 0 ? -static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  do {
    *--p = static_cast<char>('0' + magnitude % 10);
    magnitude /= 10;
  } while (magnitude != 0);
  if (value < 0) *--p = '-';
  for (auto size = end - p; size < width; ++size) out->push_back('0');
  out->append(p, static_cast<size_t>(end - p));
}

std::string_view OrdinalSuffix(uint32_t day) {
  if (day >= 10 && day <= 19) return "th";
  switch (day % 10) {
    case 1:
      return "st";
    case 2:
      return "nd";
    case 3:
      return "rd";
    default:
      return "th";
  }
}

uint32_t HalfDayHour(uint32_t hour) { return (hour % 24 + 11) % 12 + 1; }

void AppendClock(uint32_t hour, const Temporal& t, std::string* out) {
  AppendPadded(hour, 2, out);
  out->push_back(':');
  AppendPadded(t.minute, 2, out);
  out->push_back(':');
  AppendPadded(t.second, 2, out);
}

// One specifier. False: the value has no such part (NULL result).
bool AppendSpecifier(char specifier, const Temporal& t, std::string* out) {
  const bool is_time = t.kind == TemporalKind::kTime;
  const bool has_date = t.month != 0 || t.year != 0;
  const auto day_number = [&t] { return calc_daynr(t.year, t.month, t.day); };
  const auto week = [&t](unsigned flags, unsigned* year) {
    return calc_week(ToServer(t), flags, year);
  };
  unsigned year = 0;
  switch (specifier) {
    case 'M':
    case 'b':
      if (t.month == 0 || t.month > 12) return false;
      out->append(specifier == 'M' ? kMonths[t.month - 1]
                                   : kMonths[t.month - 1].substr(0, kShortName));
      return true;
    case 'W':
    case 'a': {
      if (is_time || !has_date) return false;
      const int weekday = calc_weekday(day_number(), false);
      out->append(specifier == 'W' ? kDays[weekday] : kDays[weekday].substr(0, kShortName));
      return true;
    }
    case 'w':
      if (is_time || !has_date) return false;
      AppendPadded(calc_weekday(day_number(), true), 1, out);
      return true;
    case 'D':
      if (is_time) return false;
      AppendPadded(t.day, 1, out);
      out->append(OrdinalSuffix(t.day));
      return true;
    case 'Y':
      AppendPadded(t.year, 4, out);
      return true;
    case 'y':
      AppendPadded(t.year % 100, 2, out);
      return true;
    case 'm':
      AppendPadded(t.month, 2, out);
      return true;
    case 'c':
      AppendPadded(t.month, 1, out);
      return true;
    case 'd':
      AppendPadded(t.day, 2, out);
      return true;
    case 'e':
      AppendPadded(t.day, 1, out);
      return true;
    case 'f':
      AppendPadded(t.microsecond, 6, out);
      return true;
    case 'H':
      AppendPadded(t.hour, 2, out);
      return true;
    case 'k':
      AppendPadded(t.hour, 1, out);
      return true;
    case 'h':
    case 'I':
      AppendPadded(HalfDayHour(t.hour), 2, out);
      return true;
    case 'l':
      AppendPadded(HalfDayHour(t.hour), 1, out);
      return true;
    case 'i':
      AppendPadded(t.minute, 2, out);
      return true;
    case 'S':
    case 's':
      AppendPadded(t.second, 2, out);
      return true;
    case 'p':
      out->append(t.hour % 24 < 12 ? "AM" : "PM");
      return true;
    case 'r':
      AppendClock((t.hour + 11) % 12 + 1, t, out);
      out->append(t.hour % 24 < 12 ? " AM" : " PM");
      return true;
    case 'T':
      AppendClock(t.hour, t, out);
      return true;
    case 'j':
      if (is_time) return false;
      AppendPadded(day_number() - calc_daynr(t.year, 1, 1) + 1, 3, out);
      return true;
    case 'U':
    case 'u':
      if (is_time) return false;
      AppendPadded(week(specifier == 'U' ? WEEK_FIRST_WEEKDAY : WEEK_MONDAY_FIRST, &year), 2, out);
      return true;
    case 'V':
    case 'v':
      if (is_time) return false;
      AppendPadded(
          week(WEEK_YEAR | (specifier == 'V' ? WEEK_FIRST_WEEKDAY : WEEK_MONDAY_FIRST), &year), 2,
          out);
      return true;
    case 'X':
    case 'x':
      if (is_time) return false;
      week(WEEK_YEAR | (specifier == 'X' ? WEEK_FIRST_WEEKDAY : WEEK_MONDAY_FIRST), &year);
      AppendPadded(year, 4, out);
      return true;
    default:
      out->push_back(specifier);
      return true;
  }
}

bool IsAlpha(char c) { return my_isalpha(&my_charset_latin1, c); }
bool IsSpace(char c) { return my_isspace(&my_charset_latin1, c); }
// The classes %. and %# are tested in the binary character set.
bool IsAsciiPunctuation(char c) { return my_ispunct(&my_charset_bin, c); }
bool IsAsciiSpace(char c) { return my_isspace(&my_charset_bin, c); }

// Reads the fields of a text under a format.
class PatternReader {
 public:
  explicit PatternReader(std::string_view text) : p_(text.data()), end_(p_ + text.size()) {}

  bool Read(std::string_view format) {
    bool half_day_clock = false;
    uint32_t half_day_offset = 0;
    for (size_t i = 0; i < format.size() && p_ != end_; ++i) {
      while (p_ < end_ && IsAsciiSpace(*p_)) ++p_;
      if (p_ >= end_) break;
      const char c = format[i];
      if (c == '%' && i + 1 < format.size()) {
        const char specifier = format[++i];
        if (specifier == 'p') {
          if (!half_day_clock || !ReadHalfDay(&half_day_offset)) return false;
        } else {
          if (specifier == 'h' || specifier == 'I' || specifier == 'l') half_day_clock = true;
          if (!ReadSpecifier(specifier)) return false;
        }
      } else if (!IsAsciiSpace(c)) {
        if (*p_ != c) return false;
        ++p_;
      }
    }
    if (half_day_clock) {
      if (time.hour > 12 || time.hour < 1) return false;
      time.hour = time.hour % 12 + half_day_offset;
    }
    return true;
  }

  // Applies day of year and week number, which need the year.
  bool Complete() {
    if (year_day_ > 0 && !SetDay(calc_daynr(time.year, 1, 1) + year_day_ - 1)) return false;
    if (week_ < 0 || weekday_ == 0) return true;
    if ((strict_week_ && (strict_year_ < 0 || strict_year_sunday_ != sunday_first_)) ||
        (!strict_week_ && strict_year_ >= 0)) {
      return false;
    }
    long days = calc_daynr(
        static_cast<unsigned>(strict_week_ ? strict_year_ : static_cast<int>(time.year)), 1, 1);
    const int first_weekday = calc_weekday(days, sunday_first_);
    if (sunday_first_) {
      days += (first_weekday == 0 ? 0 : 7) - first_weekday + (week_ - 1) * 7 + weekday_ % 7;
    } else {
      days += (first_weekday <= 3 ? 0 : 7) - first_weekday + (week_ - 1) * 7 + (weekday_ - 1);
    }
    return SetDay(days);
  }

  Temporal time;

 private:
  bool SetDay(long day_number) {
    if (day_number <= 0 || day_number > MAX_DAY_NUMBER) return false;
    get_date_from_daynr(day_number, &time.year, &time.month, &time.day);
    return true;
  }

  // An integer of at most `max_digits` characters, leading spaces and a sign included.
  bool ReadNumber(int max_digits, int* value, int* length = nullptr) {
    const char* stop = p_ + std::min<ptrdiff_t>(max_digits, end_ - p_);
    int error = 0;
    *value = static_cast<int>(my_strtoll10(p_, &stop, &error));
    if (length != nullptr) *length = static_cast<int>(stop - p_);
    p_ = stop;
    return error == 0;
  }
  bool ReadField(int max_digits, uint32_t* field) {
    int value = 0;
    if (!ReadNumber(max_digits, &value)) return false;
    *field = static_cast<uint32_t>(value);
    return true;
  }

  // A name or the unambiguous beginning of one; returns its number from 1, 0 if none.
  template <size_t N>
  int ReadName(const std::string_view (&names)[N], bool short_names) {
    const char* stop = p_;
    while (stop < end_ && IsAlpha(*stop)) ++stop;
    const auto length = static_cast<size_t>(stop - p_);
    int found = 0, matches = 0;
    for (size_t i = 0; i < N; ++i) {
      const std::string_view name = short_names ? names[i].substr(0, kShortName) : names[i];
      if (length > name.size()) continue;
      const bool equal = std::equal(p_, stop, name.begin(), [](char a, char b) {
        return my_toupper(&my_charset_latin1, a) == my_toupper(&my_charset_latin1, b);
      });
      if (!equal) continue;
      if (length == name.size()) {
        p_ = stop;
        return static_cast<int>(i) + 1;
      }
      found = static_cast<int>(i) + 1;
      ++matches;
    }
    if (matches != 1) return 0;
    p_ = stop;
    return found;
  }

  bool ReadHalfDay(uint32_t* offset) {
    if (end_ - p_ < 2) return false;
    const char first = my_toupper(&my_charset_latin1, p_[0]),
               second = my_toupper(&my_charset_latin1, p_[1]);
    if (second != 'M' || (first != 'A' && first != 'P')) return false;
    if (first == 'P') *offset = 12;
    p_ += 2;
    return true;
  }

  bool ReadSpecifier(char specifier) {
    int number = 0, length = 0;
    switch (specifier) {
      case 'Y':
        if (!ReadNumber(4, &number, &length)) return false;
        time.year = static_cast<uint32_t>(number);
        if (length <= 2) time.year = year_2000_handling(time.year);
        return true;
      case 'y':
        if (!ReadField(2, &time.year)) return false;
        time.year = year_2000_handling(time.year);
        return true;
      case 'm':
      case 'c':
        return ReadField(2, &time.month);
      case 'M':
      case 'b':
        time.month = static_cast<uint32_t>(ReadName(kMonths, specifier == 'b'));
        return time.month != 0;
      case 'd':
      case 'e':
        return ReadField(2, &time.day);
      case 'D':
        if (!ReadField(2, &time.day)) return false;
        p_ += std::min<ptrdiff_t>(2, end_ - p_);
        return true;
      case 'h':
      case 'I':
      case 'l':
      case 'k':
      case 'H':
        return ReadField(2, &time.hour);
      case 'i':
        return ReadField(2, &time.minute);
      case 's':
      case 'S':
        return ReadField(2, &time.second);
      case 'f':
        if (!ReadNumber(6, &number, &length)) return false;
        for (; length < 6; ++length) number *= 10;
        time.microsecond = static_cast<uint32_t>(number);
        return true;
      case 'W':
      case 'a':
        weekday_ = ReadName(kDays, specifier == 'a');
        return weekday_ != 0;
      case 'w':
        if (!ReadNumber(1, &number) || number < 0 || number >= 7) return false;
        weekday_ = number == 0 ? 7 : number;
        return true;
      case 'j':
        return ReadNumber(3, &year_day_);
      case 'U':
      case 'u':
      case 'V':
      case 'v':
        sunday_first_ = specifier == 'U' || specifier == 'V';
        strict_week_ = specifier == 'V' || specifier == 'v';
        return ReadNumber(2, &week_) && week_ >= 0 && week_ <= 53 && !(strict_week_ && week_ == 0);
      case 'X':
      case 'x':
        strict_year_sunday_ = specifier == 'X';
        return ReadNumber(4, &strict_year_);
      case 'r':
        return ReadNested("%I:%i:%S %p");
      case 'T':
        return ReadNested("%H:%i:%S");
      case '.':
        while (p_ < end_ && IsAsciiPunctuation(*p_)) ++p_;
        return true;
      case '@':
        while (p_ < end_ && my_isalpha(&my_charset_bin, *p_)) ++p_;
        return true;
      case '#':
        while (p_ < end_ && my_isdigit(&my_charset_bin, *p_)) ++p_;
        return true;
      default:
        return false;
    }
  }

  bool ReadNested(std::string_view format) { return Read(format); }

 public:
  bool OnlySpacesLeft() const { return std::all_of(p_, end_, IsSpace); }

 private:
  const char* p_;
  const char* const end_;
  int weekday_ = 0, year_day_ = 0, week_ = -1, strict_year_ = -1;
  bool sunday_first_ = false, strict_week_ = false, strict_year_sunday_ = false;
};

}  // namespace

bool FormatWithPattern(const Temporal& value, std::string_view format, std::string* out) {
  out->clear();
  if (format.empty()) return false;
  if (value.negative) out->push_back('-');
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out->push_back(format[i]);
    } else if (!AppendSpecifier(format[++i], value, out)) {
      return false;
    }
  }
  return true;
}

TemporalKind PatternKind(std::string_view format, int* decimals) {
  bool date = false, time = false, fraction = false;
  for (size_t i = 0; i + 1 < format.size(); ++i) {
    if (format[i] != '%') continue;
    const char c = format[++i];
    if (c == 'f') {
      fraction = time = true;
    } else if (std::strchr("HISThiklrs", c) != nullptr) {
      time = true;
    } else if (std::strchr("MVUXYWabcjmvuxyw", c) != nullptr) {
      date = true;
    }
  }
  *decimals = fraction ? 6 : 0;
  if (date && time) return TemporalKind::kDatetime;
  if (time) return TemporalKind::kTime;
  return TemporalKind::kDate;
}

std::optional<Temporal> ParseWithPattern(std::string_view text, std::string_view format,
                                         TemporalKind kind, uint32_t flags, bool* truncated) {
  PatternReader reader(text);
  if (!reader.Read(format) || !reader.Complete()) return std::nullopt;
  Temporal time = reader.time;
  time.kind = TemporalKind::kDate;  // for the range check: hours below 24
  MYSQL_TIME server = ToServer(time);
  uint32_t date_flags = flags;
  if (kind == TemporalKind::kTime) date_flags &= ~uint32_t{kNoZeroDate};
  int warnings = 0;
  if (check_datetime_range(server) ||
      check_date(server, non_zero_date(server), date_flags, &warnings)) {
    return std::nullopt;
  }
  if (truncated != nullptr) *truncated = !reader.OnlySpacesLeft();
  if ((flags & kNoZeroDate) != 0 && kind != TemporalKind::kTime &&
      (time.year == 0 || time.month == 0 || time.day == 0)) {
    return std::nullopt;
  }
  time.kind = kind;
  if (kind == TemporalKind::kTime && time.day != 0) {
    time.hour += time.day * 24;
    time.day = 0;
  }
  return time;
}

std::string_view MonthName(uint32_t month) {
  return month >= 1 && month <= 12 ? kMonths[month - 1] : "";
}
std::string_view WeekdayName(int weekday) {
  return weekday >= 0 && weekday < 7 ? kDays[weekday] : "";
}

}  // namespace sirocco::mysqlsem
