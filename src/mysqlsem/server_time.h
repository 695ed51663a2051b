// Between our temporal values and the server's MYSQL_TIME. For the .cc files of this folder only.
#pragma once

#include <my_temporal.h>
#include <my_time.h>

#include "mysqlsem/temporal.h"

namespace sirocco::mysqlsem {

inline enum_mysql_timestamp_type ServerKind(TemporalKind kind) {
  switch (kind) {
    case TemporalKind::kDate:
      return MYSQL_TIMESTAMP_DATE;
    case TemporalKind::kDatetime:
      return MYSQL_TIMESTAMP_DATETIME;
    case TemporalKind::kTime:
      return MYSQL_TIMESTAMP_TIME;
  }
  return MYSQL_TIMESTAMP_DATETIME;
}

inline MYSQL_TIME ToServer(const Temporal& t) {
  return MYSQL_TIME{t.year,
                    t.month,
                    t.day,
                    t.hour,
                    t.minute,
                    t.second,
                    t.microsecond,
                    t.negative,
                    ServerKind(t.kind),
                    0};
}

inline Temporal FromServer(const MYSQL_TIME& t) {
  Temporal result;
  result.year = t.year;
  result.month = t.month;
  result.day = t.day;
  result.hour = t.hour;
  result.minute = t.minute;
  result.second = t.second;
  result.microsecond = static_cast<uint32_t>(t.second_part);
  result.negative = t.neg;
  result.kind = t.time_type == MYSQL_TIMESTAMP_TIME   ? TemporalKind::kTime
                : t.time_type == MYSQL_TIMESTAMP_DATE ? TemporalKind::kDate
                                                      : TemporalKind::kDatetime;
  return result;
}

// Microseconds of a TIME value, and back. The range of TIME is checked by the callers.
inline int64_t TimeMicroseconds(PackedTime value) {
  const bool negative = value < 0;
  const uint64_t v = negative ? -static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  const uint64_t hms = v >> 24;
  const auto seconds =
      static_cast<int64_t>((hms >> 12 & 0x3FF) * 3600 + (hms >> 6 & 63) * 60 + (hms & 63));
  const int64_t micros = seconds * 1000000 + static_cast<int64_t>(v & 0xFFFFFF);
  return negative ? -micros : micros;
}

inline PackedTime TimeFromMicroseconds(int64_t micros) {
  const bool negative = micros < 0;
  const uint64_t v = negative ? -static_cast<uint64_t>(micros) : static_cast<uint64_t>(micros);
  const uint64_t seconds = v / 1000000;
  return PackTime(negative, static_cast<uint32_t>(seconds / 3600),
                  static_cast<uint32_t>(seconds / 60 % 60), static_cast<uint32_t>(seconds % 60),
                  static_cast<uint32_t>(v % 1000000));
}

inline constexpr int64_t kMaxTimeMicroseconds = int64_t{TIME_MAX_VALUE_SECONDS} * 1000000;

}  // namespace sirocco::mysqlsem
