// Packing, storage formats and the zero point of time zones.
#include "mysqlsem/temporal.h"

#include <cstring>

#include "mysqlsem/server_time.h"

namespace sirocco::mysqlsem {
namespace {

constexpr int64_t kTimeOffset = 0x800000;          // TIME: value of zero in the three leading bytes
constexpr int64_t kDatetimeOffset = 0x8000000000;  // DATETIME: the same in five bytes
constexpr int64_t kUnixEpochDay = 719528;          // 1970-01-01
constexpr int64_t kSecondsPerDay = 86400;
constexpr int64_t kMaxTimestampSecond = INT32_MAX;  // 2038-01-19 03:14:07 UTC

uint64_t LoadBigEndian(const uint8_t* p, int bytes) {
  uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8 | p[i];
  return value;
}

void StoreBigEndian(uint64_t value, uint8_t* p, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) {
    p[i] = static_cast<uint8_t>(value);
    value >>= 8;
  }
}

// Microseconds per unit of the last stored fraction byte: two decimal digits a byte.
constexpr uint32_t FractionUnit(int fraction_bytes) {
  return fraction_bytes == 1 ? 10000 : fraction_bytes == 2 ? 100 : 1;
}

// Values come from files and the wire: hours of a TIME beyond 838 would not fit its fields.
int64_t DayNumberOrZero(PackedDate d) {
  return DateMonth(d) == 0 || DateDay(d) == 0 ? 0 : DayNumber(d);
}

}  // namespace

Temporal UnpackDate(PackedDate v) {
  Temporal t;
  t.kind = TemporalKind::kDate;
  t.year = DateYear(v);
  t.month = DateMonth(v);
  t.day = DateDay(v);
  return t;
}

Temporal UnpackDatetime(PackedDatetime v) {
  Temporal t;
  t.kind = TemporalKind::kDatetime;
  t.year = DatetimeYear(v);
  t.month = DatetimeMonth(v);
  t.day = DatetimeDay(v);
  t.hour = DatetimeHour(v);
  t.minute = DatetimeMinute(v);
  t.second = DatetimeSecond(v);
  t.microsecond = DatetimeMicrosecond(v);
  return t;
}

Temporal UnpackTime(PackedTime v) {
  Temporal t;
  t.kind = TemporalKind::kTime;
  t.negative = v < 0;
  const uint64_t magnitude = v < 0 ? -static_cast<uint64_t>(v) : static_cast<uint64_t>(v);
  const uint64_t hms = magnitude >> 24;
  t.hour = static_cast<uint32_t>(hms >> 12 & 0x3FF);
  t.minute = static_cast<uint32_t>(hms >> 6 & 63);
  t.second = static_cast<uint32_t>(hms & 63);
  t.microsecond = static_cast<uint32_t>(magnitude & 0xFFFFFF);
  return t;
}

PackedDate PackDate(const Temporal& t) { return PackDate(t.year, t.month, t.day); }

PackedDatetime PackDatetime(const Temporal& t) {
  return PackDatetime(t.year, t.month, t.day, t.hour, t.minute, t.second, t.microsecond);
}

PackedTime PackTime(const Temporal& t) {
  return PackTime(t.negative, t.hour, t.minute, t.second, t.microsecond);
}

PackedDate DecodeDate(const uint8_t* field) {
  return static_cast<PackedDate>(field[0] | field[1] << 8 | field[2] << 16);
}

void EncodeDate(PackedDate value, uint8_t* field) {
  field[0] = static_cast<uint8_t>(value);
  field[1] = static_cast<uint8_t>(value >> 8);
  field[2] = static_cast<uint8_t>(value >> 16);
}

// TIME: hours to seconds in three bytes, biased so that byte order is time order; negative
// fractions are stored as the complement that makes the whole a floor.
PackedTime DecodeTime2(const uint8_t* field, int decimals) {
  const int bytes = FractionBytes(decimals);
  int64_t whole = static_cast<int64_t>(LoadBigEndian(field, 3)) - kTimeOffset;
  int64_t fraction = static_cast<int64_t>(LoadBigEndian(field + 3, bytes));
  if (bytes == 3) return whole * (int64_t{1} << 24) + fraction;
  if (whole < 0 && fraction != 0) {
    ++whole;
    fraction -= int64_t{1} << (8 * bytes);
  }
  return whole * (int64_t{1} << 24) + fraction * FractionUnit(bytes);
}

void EncodeTime2(PackedTime value, int decimals, uint8_t* field) {
  const int bytes = FractionBytes(decimals);
  StoreBigEndian(static_cast<uint64_t>((value >> 24) + kTimeOffset), field, 3);
  if (bytes == 3) {
    StoreBigEndian(static_cast<uint64_t>(value) & 0xFFFFFF, field + 3, 3);
    return;
  }
  const int64_t fraction = value % (int64_t{1} << 24);
  StoreBigEndian(static_cast<uint64_t>(fraction / FractionUnit(bytes)), field + 3, bytes);
}

PackedDatetime DecodeDatetime2(const uint8_t* field, int decimals) {
  const int bytes = FractionBytes(decimals);
  const int64_t whole = static_cast<int64_t>(LoadBigEndian(field, 5)) - kDatetimeOffset;
  const auto fraction = static_cast<int64_t>(LoadBigEndian(field + 5, bytes));
  return whole * (int64_t{1} << 24) + fraction * FractionUnit(bytes);
}

void EncodeDatetime2(PackedDatetime value, int decimals, uint8_t* field) {
  const int bytes = FractionBytes(decimals);
  StoreBigEndian(static_cast<uint64_t>((value >> 24) + kDatetimeOffset), field, 5);
  StoreBigEndian((static_cast<uint64_t>(value) & 0xFFFFFF) / FractionUnit(bytes), field + 5, bytes);
}

int64_t DecodeTimestamp2(const uint8_t* field, int decimals) {
  const int bytes = FractionBytes(decimals);
  const auto seconds = static_cast<int64_t>(LoadBigEndian(field, 4));
  const auto fraction = static_cast<int64_t>(LoadBigEndian(field + 4, bytes));
  return seconds * 1000000 + fraction * FractionUnit(bytes);
}

void EncodeTimestamp2(int64_t utc_micros, int decimals, uint8_t* field) {
  const int bytes = FractionBytes(decimals);
  StoreBigEndian(static_cast<uint64_t>(utc_micros / 1000000), field, 4);
  StoreBigEndian(static_cast<uint64_t>(utc_micros % 1000000) / FractionUnit(bytes), field + 4,
                 bytes);
}

PackedDatetime TimestampToDatetime(int64_t utc_micros, int32_t offset_seconds) {
  if (utc_micros == 0) return 0;
  int64_t seconds = utc_micros / 1000000 + offset_seconds;
  const auto micros = static_cast<uint32_t>(utc_micros % 1000000);
  int64_t days = seconds / kSecondsPerDay;
  seconds -= days * kSecondsPerDay;
  if (seconds < 0) {
    seconds += kSecondsPerDay;
    --days;
  }
  const PackedDate date = FromDays(days + kUnixEpochDay).value_or(0);
  const auto second = static_cast<uint32_t>(seconds);
  return PackDatetime(DateYear(date), DateMonth(date), DateDay(date), second / 3600,
                      second / 60 % 60, second % 60, micros);
}

std::optional<int64_t> DatetimeToTimestamp(PackedDatetime value, int32_t offset_seconds) {
  if (value == 0) return 0;
  const PackedDate date = DatetimeToDate(value);
  if (!IsValidDate(date)) return std::nullopt;
  const int64_t seconds = (DayNumberOrZero(date) - kUnixEpochDay) * kSecondsPerDay +
                          DatetimeHour(value) * 3600 + DatetimeMinute(value) * 60 +
                          DatetimeSecond(value) - offset_seconds;
  if (seconds < 1 || seconds > kMaxTimestampSecond) return std::nullopt;
  return seconds * 1000000 + DatetimeMicrosecond(value);
}

}  // namespace sirocco::mysqlsem
