// Text to a column's value, as MySQL stores a string into that column, with the numbers and texts
// of external tables.
//
// Strict mode: what MySQL's strict mode refuses is an error, and so is a decimal with more digits
// after the point than the column has. Otherwise the value MySQL would store (clamped, cut, zero)
// with a warning. The fast forms of integers, decimals and dates are inline and exact; they give up
// on anything unusual. Threads: a converter keeps scratch buffers; one per task and column.
#pragma once

#include <cstring>
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

// 1 to 8 digits, all eight bytes at once. Reads 8 bytes.
inline bool DigitsOfWord(const char* p, size_t size, uint64_t* value) {
  uint64_t word;
  std::memcpy(&word, p, 8);
  const size_t unused = 64 - 8 * size;
  word = (word << unused) ^ (0x3030303030303030u << unused);
  if (((word + 0x7676767676767676u) | word) & 0x8080808080808080u) return false;
  // Pairs, then fours, then all eight.
  word = word * 10 + (word >> 8);
  *value = (((word & 0x000000FF000000FFu) * 0x000F424000000064u) +
            ((word >> 16 & 0x000000FF000000FFu) * 0x0000271000000001u)) >>
           32;
  return true;
}

// As FastInteger and FastDecimal, for text of which 16 bytes may be read.
inline bool FastIntegerPadded(const char* p, size_t size, int64_t* value) {
  const bool negative = *p == '-';
  const char* digits = p + negative;
  const size_t count = size - negative;
  uint64_t number, low;
  if (count - 1 < 8) [[likely]] {
    if (!DigitsOfWord(digits, count, &number)) return false;
  } else if (count - 9 < 8) {
    if (!DigitsOfWord(digits, count - 8, &number) || !DigitsOfWord(digits + count - 8, 8, &low))
      return false;
    number = number * 100000000 + low;
  } else {
    return FastInteger(p, size, value);
  }
  *value = negative ? -static_cast<int64_t>(number) : static_cast<int64_t>(number);
  return true;
}

inline bool FastDecimalPadded(const char* p, size_t size, uint32_t scale, int64_t* value) {
  const bool negative = *p == '-';
  const char* digits = p + negative;
  const size_t count = size - negative;
  // The usual form has all digits of the fraction.
  if (scale - 1 < 8 && count - scale - 2 < 8 && digits[count - scale - 1] == '.') [[likely]] {
    uint64_t whole, fraction;
    if (!DigitsOfWord(digits, count - scale - 1, &whole) ||
        !DigitsOfWord(digits + count - scale, scale, &fraction)) {
      return false;
    }
    const auto number = static_cast<int64_t>(whole * kPowersOfTen[scale] + fraction);
    *value = negative ? -number : number;
    return true;
  }
  return FastDecimal(p, size, scale, value);
}

// YYYY-MM-DD of a real date. Reads 10 bytes.
inline bool FastDate(const char* p, mysqlsem::PackedDate* date) {
  uint64_t word;
  std::memcpy(&word, p, 8);
  word ^= 0x2D30302D30303030u;  // "0000-00-"
  // Digits above 9 and anything else than the dashes reach the top bit of their byte.
  if (((word + 0x7F76767F76767676u) | word) & 0x8080808080808080u) return false;
  const uint32_t year =
      (word & 15) * 1000 + (word >> 8 & 15) * 100 + (word >> 16 & 15) * 10 + (word >> 24 & 15);
  const uint32_t month = (word >> 40 & 15) * 10 + (word >> 48 & 15), day = TwoDigits(p + 8);
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

// True if no byte is above 127. Overlapping loads: nothing outside of the text is read.
inline bool IsAscii(const char* data, size_t size) {
  uint64_t any = 0, word = 0;
  if (size >= 8) {
    for (size_t i = 0; i + 8 < size; i += 8) {
      std::memcpy(&word, data + i, 8);
      any |= word;
    }
    std::memcpy(&word, data + size - 8, 8);
    any |= word;
  } else if (size >= 4) {
    uint32_t first, last;
    std::memcpy(&first, data, 4);
    std::memcpy(&last, data + size - 4, 4);
    any = first | last;
    any |= any << 32;
  } else {
    for (size_t i = 0; i < size; ++i) any |= static_cast<uint8_t>(data[i]);
  }
  return (any & 0x8080808080808080u) == 0;
}

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

  // A value that the column's type cannot have: an error, or the zero value with a warning.
  bool StoreOutOfRange(std::string_view text, uint32_t row, ColumnBuffer* out, IssueSink* sink);

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
