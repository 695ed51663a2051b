// Text to a column's value, as MySQL stores a string into that column, with the numbers and texts
// of external tables.
//
// Strict mode: what MySQL's strict mode refuses is an error, and so is a decimal with more digits
// after the point than the column has. Otherwise the value MySQL would store (clamped, cut, zero)
// with a warning. The fast forms of integers, decimals and dates are inline and exact; they give up
// on anything unusual. Threads: a converter keeps scratch buffers; one per task and column.
#pragma once

#include <string>
#include <string_view>

#include "lakehouse/read/column_target.h"
#include "lakehouse/read/issue_sink.h"
#include "lakehouse/read/row_batch.h"
#include "mysqlsem/decimal.h"
#include "mysqlsem/temporal.h"

namespace sirocco::lakehouse {

// [-]digits, at most 18 of them.
inline bool FastInteger(const char* p, size_t size, int64_t* value) {
  const bool negative = size != 0 && *p == '-';
  const char* end = p + size;
  p += negative;
  if (p == end || end - p > 18) return false;
  uint64_t sum = 0;
  for (; p != end; ++p) {
    const auto digit = static_cast<uint8_t>(*p - '0');
    if (digit > 9) return false;
    sum = sum * 10 + digit;
  }
  *value = negative ? -static_cast<int64_t>(sum) : static_cast<int64_t>(sum);
  return true;
}

inline constexpr int64_t kPowersOfTen[19] = {1,
                                             10,
                                             100,
                                             1000,
                                             10000,
                                             100000,
                                             1000000,
                                             10000000,
                                             100000000,
                                             1000000000,
                                             10000000000,
                                             100000000000,
                                             1000000000000,
                                             10000000000000,
                                             100000000000000,
                                             1000000000000000,
                                             10000000000000000,
                                             100000000000000000,
                                             1000000000000000000};

// [-]digits[.digits] with at most 18 digits, of which at most `scale` after the point; *value is
// scaled by 10^scale.
inline bool FastDecimal(const char* p, size_t size, uint32_t scale, int64_t* value) {
  const bool negative = size != 0 && *p == '-';
  const char* end = p + size;
  p += negative;
  if (p == end || end - p > 19) return false;
  uint64_t sum = 0;
  const char* point = nullptr;
  for (; p != end; ++p) {
    const auto digit = static_cast<uint8_t>(*p - '0');
    if (digit > 9) {
      if (*p != '.' || point != nullptr) return false;
      point = p;
      continue;
    }
    sum = sum * 10 + digit;
  }
  const size_t digits = size - negative - (point != nullptr);
  const size_t fraction = point == nullptr ? 0 : end - point - 1;
  if (digits == 0 || fraction > scale || digits - fraction + scale > 18) return false;
  sum *= kPowersOfTen[scale - fraction];
  *value = negative ? -static_cast<int64_t>(sum) : static_cast<int64_t>(sum);
  return true;
}

// Two ASCII digits; above 99 if they are none.
inline uint32_t TwoDigits(const char* p) {
  const auto high = static_cast<uint8_t>(p[0] - '0'), low = static_cast<uint8_t>(p[1] - '0');
  return high > 9 || low > 9 ? 1000 : high * 10u + low;
}

// YYYY-MM-DD of a real date. Reads 10 bytes.
inline bool FastDate(const char* p, mysqlsem::PackedDate* date) {
  if (p[4] != '-' || p[7] != '-') return false;
  const uint32_t year = TwoDigits(p) * 100 + TwoDigits(p + 2);
  const uint32_t month = TwoDigits(p + 5), day = TwoDigits(p + 8);
  if (year - 1 > 9998 || month - 1 > 11 || day - 1 > 30) return false;
  if (day > 28 && day > mysqlsem::DaysInMonth(year, month)) return false;
  *date = mysqlsem::PackDate(year, month, day);
  return true;
}

// YYYY-MM-DD hh:mm:ss. Reads 19 bytes.
inline bool FastDatetime(const char* p, mysqlsem::PackedDatetime* datetime) {
  mysqlsem::PackedDate date;
  if ((p[10] != ' ' && p[10] != 'T') || p[13] != ':' || p[16] != ':' || !FastDate(p, &date))
    return false;
  const uint32_t hour = TwoDigits(p + 11), minute = TwoDigits(p + 14), second = TwoDigits(p + 17);
  if (hour > 23 || minute > 59 || second > 59) return false;
  *datetime = mysqlsem::DateToDatetime(date) |
              (static_cast<int64_t>(hour) << 12 | minute << 6 | second) << 24;
  return true;
}

// True if no byte is above 127. May read kTextPadding bytes beyond the end.
bool IsAscii(const char* data, size_t size);

class TextConverter {
 public:
  // `column` is the position in the table, for messages. Target and rules must outlive the
  // converter.
  TextConverter(const ColumnTarget& target, const ConversionRules& rules, int32_t column);

  // Stores the value of `text`, in the encoding of the file, into row `row`. False: the load ends
  // (the sink has the error); the row must not be used then.
  bool Convert(std::string_view text, uint32_t row, ColumnBuffer* out, IssueSink* sink);
  // An empty field of a column that is not a string.
  bool ConvertEmpty(uint32_t row, ColumnBuffer* out, IssueSink* sink);
  // A NULL field: NULL, or in non-strict mode the type's default for NOT NULL columns.
  bool ConvertNull(uint32_t row, ColumnBuffer* out, IssueSink* sink);
  // A field the record does not have: the column's default.
  bool ConvertMissing(uint32_t row, ColumnBuffer* out, IssueSink* sink);

  // For other readers: values that are numbers already.
  bool StoreInteger(plan::int128 value, uint32_t row, ColumnBuffer* out, IssueSink* sink,
                    std::string_view text = {});
  bool StoreDouble(double value, uint32_t row, ColumnBuffer* out, IssueSink* sink);
  bool StoreDecimal(const mysqlsem::BigDecimal& value, uint32_t row, ColumnBuffer* out,
                    IssueSink* sink, std::string_view text);
  bool StoreDate(mysqlsem::PackedDate value, uint32_t row, ColumnBuffer* out, IssueSink* sink);
  bool StoreDatetime(mysqlsem::PackedDatetime value, uint32_t row, ColumnBuffer* out,
                     IssueSink* sink);
  bool StoreTime(mysqlsem::PackedTime value, uint32_t row, ColumnBuffer* out, IssueSink* sink);

  const ColumnTarget& target() const { return target_; }
  // True for columns whose bytes are the field's bytes (after the check of length and
  // well-formedness).
  bool is_plain_string() const { return plain_string_; }
  uint32_t max_chars() const { return max_chars_; }
  uint32_t max_bytes() const { return max_bytes_; }

 private:
  bool ConvertIntegerText(std::string_view text, uint32_t row, ColumnBuffer* out, IssueSink* sink);
  bool ConvertDecimalText(std::string_view text, uint32_t row, ColumnBuffer* out, IssueSink* sink);
  bool ConvertRealText(std::string_view text, uint32_t row, ColumnBuffer* out, IssueSink* sink);
  bool ConvertTemporalText(std::string_view text, uint32_t row, ColumnBuffer* out, IssueSink* sink);
  bool ConvertYearText(std::string_view text, uint32_t row, ColumnBuffer* out, IssueSink* sink);
  bool ConvertBitText(std::string_view text, uint32_t row, ColumnBuffer* out, IssueSink* sink);
  bool ConvertEnumText(std::string_view text, uint32_t row, ColumnBuffer* out, IssueSink* sink);
  bool ConvertSetText(std::string_view text, uint32_t row, ColumnBuffer* out, IssueSink* sink);
  bool ConvertString(std::string_view text, uint32_t row, ColumnBuffer* out, IssueSink* sink);
  bool ConvertVector(std::string_view text, uint32_t row, ColumnBuffer* out, IssueSink* sink);
  bool ConvertJson(std::string_view text, uint32_t row, ColumnBuffer* out, IssueSink* sink);
  void StoreDefault(uint32_t row, ColumnBuffer* out);
  void StoreImplicitDefault(uint32_t row, ColumnBuffer* out);
  // The warning or error for text that is not a value of the type.
  bool BadValue(uint32_t row, IssueSink* sink, std::string_view text) {
    return sink->Report(kLhBadValue, kLhTruncated, column_, row, type_name_, text);
  }
  // Member number from 1; 0: none.
  uint32_t FindMember(std::string_view text) const;

  const ColumnTarget& target_;
  const ConversionRules& rules_;
  const int32_t column_;
  const std::string type_name_;
  const mysqlsem::Collation* collation_ = nullptr;  // of string, ENUM and SET columns
  const mysqlsem::Collation* encoding_ = nullptr;
  bool plain_string_ = false;
  bool needs_charset_conversion_ = false;
  uint32_t max_chars_ = UINT32_MAX, max_bytes_ = UINT32_MAX;
  IntegerLimits limits_;
  std::string converted_, ascii_;
};

}  // namespace sirocco::lakehouse
