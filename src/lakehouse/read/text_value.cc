#include "lakehouse/read/text_value.h"

#include <algorithm>
#include <cmath>

#include "lakehouse/read/json_binary.h"
#include "mysqlsem/number_format.h"

namespace sirocco::lakehouse {

using plan::Lane;
using plan::TypeKind;

namespace {

// Spaces as the server's number parsers skip them.
std::string_view TrimSpaces(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

double MaxReal(int digits, int decimals) {
  return std::pow(10.0, digits - decimals) - std::pow(10.0, -decimals);
}

}  // namespace

TextConverter::TextConverter(const ColumnTarget& target, const ConversionRules& rules,
                             int32_t column)
    : target_(target), rules_(rules), column_(column), type_name_(TargetTypeName(target)) {
  const plan::Type& type = target.schema.type;
  encoding_ =
      rules.encoding != nullptr ? rules.encoding : mysqlsem::FindDefaultCollation("utf8mb4");
  if (type.IsInteger()) limits_ = LimitsOf(target);
  if (type.kind == TypeKind::kString || type.kind == TypeKind::kEnum ||
      type.kind == TypeKind::kSet) {
    collation_ = mysqlsem::FindCollation(type.collation);
  }
  if (type.kind == TypeKind::kString && collation_ != nullptr) {
    max_bytes_ = type.max_length == 0 ? UINT32_MAX : type.max_length;
    if (target.form != StringForm::kBlob) {
      max_chars_ =
          target.max_chars != UINT32_MAX ? target.max_chars : max_bytes_ / collation_->mbmaxlen();
    }
    const std::string_view from = encoding_->charset_name(), to = collation_->charset_name();
    // utf8mb3 text is utf8mb4 text.
    needs_charset_conversion_ =
        from != to && to != "binary" && from != "binary" && !(from == "utf8mb3" && to == "utf8mb4");
    plain_string_ = !needs_charset_conversion_;
  }
}

bool TextConverter::ConvertNull(uint32_t row, ColumnBuffer* out, IssueSink* sink) {
  if (target_.schema.type.nullable) {
    out->SetNull(row);
    return true;
  }
  if (!sink->Report(kLhColNotNullable, kLhColNotNullable, column_, row, {}, "NULL")) return false;
  StoreImplicitDefault(row, out);
  return true;
}

bool TextConverter::ConvertEmpty(uint32_t row, ColumnBuffer* out, IssueSink* sink) {
  if (!sink->Report(kLhColIsEmpty, kLhColIsEmptyWarn, column_, row, {}, {})) return false;
  StoreDefault(row, out);
  return true;
}

bool TextConverter::ConvertMissing(uint32_t row, ColumnBuffer* out, IssueSink* sink) {
  if (!target_.schema.type.nullable && !target_.has_default) {
    if (!sink->Report(kLhColMissingNotNullable, kLhColMissingNotNullable, column_, row, {}, {}))
      return false;
  }
  StoreDefault(row, out);
  return true;
}

void TextConverter::StoreDefault(uint32_t row, ColumnBuffer* out) {
  if (target_.has_default) return out->SetValue(row, target_.default_value);
  if (target_.schema.type.nullable) return out->SetNull(row);
  StoreImplicitDefault(row, out);
}

void TextConverter::StoreImplicitDefault(uint32_t row, ColumnBuffer* out) {
  plan::Value zero = plan::Value::Int(0);
  const plan::Type& type = target_.schema.type;
  if (type.kind == TypeKind::kEnum) zero.integer = 1;  // the first member
  if (type.kind == TypeKind::kJson) {
    zero.bytes = std::string("\x04\x00", 2);  // the JSON literal null
  } else if (out->lane() == Lane::kStr && type.kind == TypeKind::kDecimal) {
    zero.bytes.resize(mysqlsem::PackedDecimalSize(type.precision, type.scale));
    mysqlsem::BigDecimal().ToPacked(type.precision, type.scale,
                                    reinterpret_cast<uint8_t*>(zero.bytes.data()));
  } else if (type.kind == TypeKind::kString && target_.form == StringForm::kChar &&
             type.collation == plan::kBinaryCollation) {
    zero.bytes.assign(max_chars_, '\0');
  }
  out->SetValue(row, zero);
}

bool TextConverter::StoreOutOfRange(std::string_view text, uint32_t row, ColumnBuffer* out,
                                    IssueSink* sink) {
  if (!sink->Report(kLhOutOfRange, kLhOutOfRange, column_, row, type_name_, text)) return false;
  StoreImplicitDefault(row, out);
  return true;
}

bool TextConverter::Convert(std::string_view text, uint32_t row, ColumnBuffer* out,
                            IssueSink* sink) {
  const TypeKind kind = target_.schema.type.kind;
  if (kind == TypeKind::kString) return ConvertString(text, row, out, sink);
  if (kind == TypeKind::kBit) return ConvertBitText(text, row, out, sink);
  // Numbers and dates of wide character sets are read as ASCII.
  if (!encoding_->ascii_based() || kind == TypeKind::kJson || kind == TypeKind::kEnum ||
      kind == TypeKind::kSet) {
    if (encoding_->charset_name() != "utf8mb4" && encoding_->charset_name() != "utf8mb3") {
      mysqlsem::ConvertCharset(*encoding_, *mysqlsem::FindDefaultCollation("utf8mb4"), text,
                               &ascii_);
      text = ascii_;
    }
  }
  switch (kind) {
    case TypeKind::kInt:
    case TypeKind::kUInt:
      return ConvertIntegerText(text, row, out, sink);
    case TypeKind::kDecimal:
      return ConvertDecimalText(text, row, out, sink);
    case TypeKind::kDouble:
    case TypeKind::kFloat:
      return ConvertRealText(text, row, out, sink);
    case TypeKind::kDate:
    case TypeKind::kTime:
    case TypeKind::kDatetime:
    case TypeKind::kTimestamp:
      return ConvertTemporalText(text, row, out, sink);
    case TypeKind::kYear:
      return ConvertYearText(text, row, out, sink);
    case TypeKind::kEnum:
      return ConvertEnumText(text, row, out, sink);
    case TypeKind::kSet:
      return ConvertSetText(text, row, out, sink);
    case TypeKind::kJson:
      return ConvertJson(text, row, out, sink);
    case TypeKind::kVector:
      return ConvertVector(text, row, out, sink);
    default:
      break;
  }
  return sink->Fail(kLhCannotConvertString, column_, row, "to " + type_name_, text);
}

// ---- numbers

bool TextConverter::ConvertIntegerText(std::string_view text, uint32_t row, ColumnBuffer* out,
                                       IssueSink* sink) {
  int64_t fast;
  if (FastInteger(text.data(), text.size(), &fast)) [[likely]]
    return StoreInteger(fast, row, out, sink, text);
  const std::string_view trimmed = TrimSpaces(text);
  if (trimmed.empty()) return ConvertEmpty(row, out, sink);
  mysqlsem::BigDecimal number;
  const auto status = mysqlsem::BigDecimal::FromString(trimmed, &number);
  if ((status & (mysqlsem::kDecBadNumber | mysqlsem::kDecTruncated)) != 0 &&
      !BadValue(row, sink, text)) {
    return false;
  }
  mysqlsem::Int128 value = 0;
  if ((status & mysqlsem::kDecOverflow) != 0 ||
      (number.ToScaled(0, &value) & mysqlsem::kDecOverflow) != 0) {
    value = number.is_negative() ? -(mysqlsem::Int128{1} << 100) : mysqlsem::Int128{1} << 100;
  }
  return StoreInteger(value, row, out, sink, text);
}

bool TextConverter::StoreInteger(plan::int128 value, uint32_t row, ColumnBuffer* out,
                                 IssueSink* sink, std::string_view text) {
  const plan::Type& type = target_.schema.type;
  if (type.IsInteger()) {
    if (value < limits_.min || value > static_cast<plan::int128>(limits_.max)) [[unlikely]] {
      const bool below = value < limits_.min;
      const std::string shown =
          text.empty() ? mysqlsem::ScaledToString(value, 0) : std::string(text);
      if (!sink->Report(below ? kLhExceedsMin : kLhExceedsMax,
                        below ? kLhExceedsMinTruncating : kLhExceedsMaxTruncating, column_, row,
                        type_name_, shown)) {
        return false;
      }
      value = below ? plan::int128{limits_.min} : static_cast<plan::int128>(limits_.max);
    }
    out->i64()[row] = static_cast<int64_t>(value);
    return true;
  }
  switch (type.kind) {
    case TypeKind::kDecimal: {
      if (type.precision <= 18 && value > -kPowersOfTen[18] && value < kPowersOfTen[18]) {
        const int room = type.precision - type.scale;
        if (value > -kPowersOfTen[room] && value < kPowersOfTen[room]) {
          out->i64()[row] = static_cast<int64_t>(value) * kPowersOfTen[type.scale];
          return true;
        }
      }
      return StoreDecimal(mysqlsem::BigDecimal::FromScaled(value, 0), row, out, sink, text);
    }
    case TypeKind::kDouble:
    case TypeKind::kFloat:
      return StoreDouble(static_cast<double>(value), row, out, sink);
    case TypeKind::kDatetime:
    case TypeKind::kTimestamp:
    case TypeKind::kDate: {
      const auto parsed =
          mysqlsem::DatetimeFromInt(static_cast<int64_t>(value), rules_.temporal_flags);
      if (!parsed.ok) break;
      return StoreDatetime(mysqlsem::PackDatetime(parsed.value), row, out, sink);
    }
    case TypeKind::kTime: {
      const auto parsed = mysqlsem::TimeFromInt(static_cast<int64_t>(value));
      if (!parsed.ok) break;
      return StoreTime(mysqlsem::PackTime(parsed.value), row, out, sink);
    }
    case TypeKind::kYear: {
      // A number 0 is the zero year, 1..99 a short one.
      plan::int128 year = value;
      if (year > 0 && year < 70)
        year += 2000;
      else if (year >= 70 && year < 100)
        year += 1900;
      if (year != 0 && (year < 1901 || year > 2155)) {
        if (!sink->Report(kLhOutOfRange, kLhOutOfRange, column_, row, type_name_,
                          mysqlsem::ScaledToString(value, 0)))
          return false;
        year = 0;
      }
      out->i64()[row] = static_cast<int64_t>(year);
      return true;
    }
    case TypeKind::kBit: {
      const uint32_t bits = type.max_length == 0 ? 64 : type.max_length;
      const plan::int128 max = (plan::int128{1} << bits) - 1;
      if (value < 0 || value > max) {
        if (!sink->Report(kLhOutOfRange, kLhOutOfRange, column_, row, type_name_,
                          mysqlsem::ScaledToString(value, 0)))
          return false;
        value = max;
      }
      out->i64()[row] = static_cast<int64_t>(static_cast<uint64_t>(value));
      return true;
    }
    default:
      break;
  }
  char buffer[mysqlsem::kDecimalMaxText];
  const size_t size = mysqlsem::FormatScaled(value, 0, buffer);
  return Convert({buffer, size}, row, out, sink);
}

bool TextConverter::ConvertDecimalText(std::string_view text, uint32_t row, ColumnBuffer* out,
                                       IssueSink* sink) {
  const std::string_view trimmed = TrimSpaces(text);
  if (trimmed.empty()) return ConvertEmpty(row, out, sink);
  mysqlsem::BigDecimal number;
  const auto status = mysqlsem::BigDecimal::FromString(trimmed, &number);
  if ((status & (mysqlsem::kDecBadNumber | mysqlsem::kDecTruncated)) != 0 &&
      !BadValue(row, sink, text)) {
    return false;
  }
  if ((status & mysqlsem::kDecOverflow) != 0)
    number = mysqlsem::BigDecimal::Max(mysqlsem::kDecimalMaxPrecision, 0, number.is_negative());
  return StoreDecimal(number, row, out, sink, text);
}

bool TextConverter::StoreDecimal(const mysqlsem::BigDecimal& value, uint32_t row, ColumnBuffer* out,
                                 IssueSink* sink, std::string_view text) {
  const plan::Type& type = target_.schema.type;
  if (type.kind != TypeKind::kDecimal) {
    if (type.IsInteger()) {
      mysqlsem::Int128 scaled = 0;
      if ((value.ToScaled(0, &scaled) & mysqlsem::kDecOverflow) != 0)
        scaled = value.is_negative() ? -(mysqlsem::Int128{1} << 100) : mysqlsem::Int128{1} << 100;
      return StoreInteger(scaled, row, out, sink, text);
    }
    if (type.IsReal()) return StoreDouble(value.ToDouble(), row, out, sink);
    char buffer[mysqlsem::kDecimalMaxText];
    return Convert({buffer, value.Format(buffer)}, row, out, sink);
  }
  mysqlsem::BigDecimal fitted;
  if (value.integer_digits() > type.precision - type.scale) {
    const bool below = value.is_negative();
    if (!sink->Report(below ? kLhExceedsMin : kLhExceedsMax,
                      below ? kLhExceedsMinTruncating : kLhExceedsMaxTruncating, column_, row,
                      type_name_, text.empty() ? value.ToString() : std::string(text))) {
      return false;
    }
    fitted = mysqlsem::BigDecimal::Max(type.precision, type.scale, below);
  } else {
    const auto status = value.Fit(type.precision, type.scale, &fitted);
    if ((status & mysqlsem::kDecOverflow) != 0) {
      // Rounding up made it one digit longer.
      const bool below = value.is_negative();
      if (!sink->Report(below ? kLhExceedsMin : kLhExceedsMax,
                        below ? kLhExceedsMinTruncating : kLhExceedsMaxTruncating, column_, row,
                        type_name_, text.empty() ? value.ToString() : std::string(text))) {
        return false;
      }
      fitted = mysqlsem::BigDecimal::Max(type.precision, type.scale, below);
    } else if (fitted.Compare(value) != 0 &&
               !sink->Report(kLhDecimalPrecision, kLhDecimalRounding, column_, row, {},
                             text.empty() ? value.ToString() : std::string(text))) {
      return false;
    }
  }
  if (out->lane() == Lane::kStr) {
    const int size = mysqlsem::PackedDecimalSize(type.precision, type.scale);
    char* packed = out->Reserve(size);
    fitted.ToPacked(type.precision, type.scale, reinterpret_cast<uint8_t*>(packed));
    out->Commit(row, size);
    return true;
  }
  mysqlsem::Int128 scaled = 0;
  fitted.ToScaled(type.scale, &scaled);
  if (out->lane() == Lane::kI128) {
    out->i128()[row] = scaled;
  } else {
    out->i64()[row] = static_cast<int64_t>(scaled);
  }
  return true;
}

bool TextConverter::ConvertRealText(std::string_view text, uint32_t row, ColumnBuffer* out,
                                    IssueSink* sink) {
  if (TrimSpaces(text).empty()) return ConvertEmpty(row, out, sink);
  const auto parsed = mysqlsem::ParseDouble(text);
  if (parsed.out_of_range) {
    if (!sink->Report(kLhOutOfRange, kLhOutOfRange, column_, row, type_name_, text)) return false;
  } else if ((parsed.truncated || parsed.consumed == 0) && !BadValue(row, sink, text)) {
    return false;
  }
  return StoreDouble(parsed.value, row, out, sink);
}

bool TextConverter::StoreDouble(double value, uint32_t row, ColumnBuffer* out, IssueSink* sink) {
  const plan::Type& type = target_.schema.type;
  if (std::isnan(value) || std::isinf(value)) {
    // MySQL has neither.
    if (std::isnan(value)) {
      if (!sink->Report(kLhRealIsNan, kLhRealIsNan, column_, row, {}, "NaN")) return false;
      StoreDefault(row, out);
      return true;
    }
    if (!sink->Report(kLhOutOfRange, kLhOutOfRange, column_, row, type_name_,
                      value < 0 ? "-Infinity" : "Infinity"))
      return false;
    value = value < 0 ? -1.7976931348623157e308 : 1.7976931348623157e308;
  }
  if (type.IsReal()) {
    double max = type.kind == TypeKind::kFloat ? 3.4028234663852886e38 : 1.7976931348623157e308;
    if (target_.real_digits != 0 && target_.real_decimals < 31) {
      max = std::min(max, MaxReal(target_.real_digits, target_.real_decimals));
      value = mysqlsem::RoundDouble(value, target_.real_decimals, false);
    }
    const double lowest =
        type.kind == TypeKind::kFloat || target_.real_digits != 0 ? -max : -1.7976931348623157e308;
    if (value > max || value < lowest) {
      const bool below = value < 0;
      if (!sink->Report(below ? kLhExceedsMin : kLhExceedsMax,
                        below ? kLhExceedsMinTruncating : kLhExceedsMaxTruncating, column_, row,
                        type_name_, mysqlsem::FormatDouble(value)))
        return false;
      value = below ? lowest : max;
    }
    if (type.kind == TypeKind::kFloat) value = static_cast<double>(static_cast<float>(value));
    out->f64()[row] = value;
    return true;
  }
  if (type.IsInteger()) {
    const double rounded = std::rint(value);
    plan::int128 integer;
    if (rounded >= 1e30)
      integer = plan::int128{1} << 100;
    else if (rounded <= -1e30)
      integer = -(plan::int128{1} << 100);
    else
      integer = static_cast<plan::int128>(rounded);
    return StoreInteger(integer, row, out, sink, mysqlsem::FormatDouble(value));
  }
  if (type.kind == TypeKind::kDecimal) {
    mysqlsem::BigDecimal decimal;
    if ((mysqlsem::BigDecimal::FromDouble(value, &decimal) & mysqlsem::kDecOverflow) != 0)
      decimal = mysqlsem::BigDecimal::Max(mysqlsem::kDecimalMaxPrecision, 0, value < 0);
    return StoreDecimal(decimal, row, out, sink, {});
  }
  return Convert(mysqlsem::FormatDouble(value), row, out, sink);
}

// ---- dates and times

bool TextConverter::ConvertTemporalText(std::string_view text, uint32_t row, ColumnBuffer* out,
                                        IssueSink* sink) {
  const plan::Type& type = target_.schema.type;
  const bool is_time = type.kind == TypeKind::kTime;
  const std::string& format = type.kind == TypeKind::kDate ? target_.date_format
                              : is_time                    ? target_.time_format
                                                           : target_.datetime_format;
  if (TrimSpaces(text).empty()) return ConvertEmpty(row, out, sink);
  if (!format.empty()) {
    int decimals = 0;
    const auto kind = mysqlsem::PatternKind(format, &decimals);
    bool truncated = false;
    const auto parsed =
        mysqlsem::ParseWithPattern(text, format, kind, rules_.temporal_flags, &truncated);
    if (!parsed || truncated) {
      if (!sink->Report(kLhDatetimeFormat, kLhTruncated, column_, row,
                        sink->strict() ? format : type_name_, text))
        return false;
      if (!parsed) {
        out->i64()[row] = 0;
        return true;
      }
    }
    if (kind == mysqlsem::TemporalKind::kTime) {
      if (is_time) return StoreTime(mysqlsem::PackTime(*parsed), row, out, sink);
      return BadValue(row, sink, text) && (out->i64()[row] = 0, true);
    }
    if (is_time)
      return StoreTime(mysqlsem::DatetimeToTime(mysqlsem::PackDatetime(*parsed)), row, out, sink);
    return StoreDatetime(mysqlsem::PackDatetime(*parsed), row, out, sink);
  }
  if (is_time) {
    const auto parsed = mysqlsem::ParseTime(text, rules_.temporal_flags);
    if (!parsed.ok || (parsed.warnings & 3) != 0) {
      if (!BadValue(row, sink, text)) return false;
      if (!parsed.ok) {
        out->i64()[row] = 0;
        return true;
      }
    }
    return StoreTime(parsed.value.kind == mysqlsem::TemporalKind::kTime
                         ? mysqlsem::PackTime(parsed.value)
                         : mysqlsem::DatetimeToTime(mysqlsem::PackDatetime(parsed.value)),
                     row, out, sink);
  }
  const auto parsed = mysqlsem::ParseDatetime(text, rules_.temporal_flags);
  // 1 truncated, 2 out of range, 8 zero date, 32 zero in date.
  if (!parsed.ok || (parsed.warnings & (1 | 2 | 8 | 32)) != 0) {
    if (!BadValue(row, sink, text)) return false;
    if (!parsed.ok) {
      out->i64()[row] = 0;
      return true;
    }
  }
  mysqlsem::PackedDatetime value = mysqlsem::PackDatetime(parsed.value);
  if (parsed.has_zone) {
    const auto utc = mysqlsem::DatetimeToTimestamp(value, parsed.zone_offset_seconds);
    if (utc) {
      value = mysqlsem::TimestampToDatetime(*utc, rules_.zone_offset_seconds);
    } else {
      // Outside the range of TIMESTAMP: shift by the offsets' difference.
      mysqlsem::IntervalValue shift;
      const int32_t seconds = rules_.zone_offset_seconds - parsed.zone_offset_seconds;
      shift.second = static_cast<uint64_t>(std::abs(seconds));
      const auto moved = mysqlsem::AddIntervalToDatetime(value, mysqlsem::IntervalUnit::kSecond,
                                                         shift, seconds < 0);
      if (moved) value = *moved;
    }
  }
  return StoreDatetime(value, row, out, sink);
}

bool TextConverter::StoreDate(mysqlsem::PackedDate value, uint32_t row, ColumnBuffer* out,
                              IssueSink* sink) {
  if (target_.schema.type.kind == TypeKind::kDate) {
    out->i64()[row] = value;
    return true;
  }
  if (target_.schema.type.kind == TypeKind::kDatetime ||
      target_.schema.type.kind == TypeKind::kTimestamp)
    return StoreDatetime(mysqlsem::DateToDatetime(value), row, out, sink);
  if (target_.schema.type.IsInteger())
    return StoreInteger(mysqlsem::DateToInt(value), row, out, sink);
  char text[mysqlsem::kMaxFormattedTemporal];
  return Convert({text, mysqlsem::FormatDate(value, text)}, row, out, sink);
}

bool TextConverter::StoreDatetime(mysqlsem::PackedDatetime value, uint32_t row, ColumnBuffer* out,
                                  IssueSink* sink) {
  const plan::Type& type = target_.schema.type;
  const auto text_of = [value] { return mysqlsem::DatetimeToString(value, 6); };
  switch (type.kind) {
    case TypeKind::kDate:
      out->i64()[row] = mysqlsem::DatetimeToDate(value);
      return true;
    case TypeKind::kTime:
      return StoreTime(mysqlsem::DatetimeToTime(value), row, out, sink);
    case TypeKind::kDatetime:
    case TypeKind::kTimestamp: {
      const bool cut = (rules_.temporal_flags & mysqlsem::kFracTruncate) != 0;
      const auto adjusted = mysqlsem::AdjustDatetime(value, type.scale, cut);
      if (!adjusted) {
        if (!sink->Report(kLhOutOfRange, kLhOutOfRange, column_, row, type_name_, text_of()))
          return false;
        out->i64()[row] = 0;
        return true;
      }
      if (type.kind == TypeKind::kDatetime) {
        out->i64()[row] = *adjusted;
        return true;
      }
      if (*adjusted == 0) {
        out->i64()[row] = 0;
        return true;
      }
      const auto utc = mysqlsem::DatetimeToTimestamp(*adjusted, rules_.zone_offset_seconds);
      if (!utc && !sink->Report(kLhOutOfRange, kLhOutOfRange, column_, row, type_name_, text_of()))
        return false;
      out->i64()[row] = utc.value_or(0);
      return true;
    }
    default:
      break;
  }
  if (type.IsInteger()) return StoreInteger(mysqlsem::DatetimeToInt(value), row, out, sink);
  char text[mysqlsem::kMaxFormattedTemporal];
  const int decimals = mysqlsem::DatetimeMicrosecond(value) == 0 ? 0 : 6;
  return Convert({text, mysqlsem::FormatDatetime(value, decimals, text)}, row, out, sink);
}

bool TextConverter::StoreTime(mysqlsem::PackedTime value, uint32_t row, ColumnBuffer* out,
                              IssueSink* sink) {
  const plan::Type& type = target_.schema.type;
  if (type.kind == TypeKind::kTime) {
    const bool cut = (rules_.temporal_flags & mysqlsem::kFracTruncate) != 0;
    const auto adjusted = mysqlsem::AdjustTime(value, type.scale, cut);
    if (!adjusted && !sink->Report(kLhOutOfRange, kLhOutOfRange, column_, row, type_name_,
                                   mysqlsem::TimeToString(value, 6)))
      return false;
    out->i64()[row] = adjusted.value_or(0);
    return true;
  }
  if (type.IsInteger()) return StoreInteger(mysqlsem::TimeToInt(value), row, out, sink);
  char text[mysqlsem::kMaxFormattedTemporal];
  const int decimals = (std::abs(value) & 0xFFFFFF) == 0 ? 0 : 6;
  return Convert({text, mysqlsem::FormatTime(value, decimals, text)}, row, out, sink);
}

bool TextConverter::ConvertYearText(std::string_view text, uint32_t row, ColumnBuffer* out,
                                    IssueSink* sink) {
  const std::string_view trimmed = TrimSpaces(text);
  if (trimmed.empty()) return ConvertEmpty(row, out, sink);
  int64_t year = 0;
  if (!FastInteger(trimmed.data(), trimmed.size(), &year)) {
    const auto parsed = mysqlsem::ParseSigned(trimmed);
    if (!BadValue(row, sink, text)) return false;
    year = parsed.value;
  }
  if (year < 0 || (year >= 100 && year <= 1900) || year > 2155) {
    if (!sink->Report(kLhOutOfRange, kLhOutOfRange, column_, row, type_name_, text)) return false;
    year = 0;
  } else if (year < 100 && !(year == 0 && trimmed.size() == 4)) {
    year += year < 70 ? 2000 : 1900;
  }
  out->i64()[row] = year;
  return true;
}

// ---- bits, members

bool TextConverter::ConvertBitText(std::string_view text, uint32_t row, ColumnBuffer* out,
                                   IssueSink* sink) {
  // The bytes are the value, most significant first, as in LOAD DATA.
  const uint32_t bits = target_.schema.type.max_length == 0 ? 64 : target_.schema.type.max_length;
  std::string_view bytes = text;
  while (!bytes.empty() && bytes.front() == '\0') bytes.remove_prefix(1);
  uint64_t value = 0;
  bool fits = bytes.size() <= 8;
  if (fits)
    for (const char c : bytes) value = value << 8 | static_cast<uint8_t>(c);
  const uint64_t max = bits >= 64 ? UINT64_MAX : (uint64_t{1} << bits) - 1;
  if (!fits || value > max) {
    if (!sink->Report(kLhOutOfRange, kLhOutOfRange, column_, row, type_name_, text)) return false;
    value = max;
  }
  out->i64()[row] = static_cast<int64_t>(value);
  return true;
}

uint32_t TextConverter::FindMember(std::string_view text) const {
  const auto& members = target_.schema.members;
  for (size_t i = 0; i < members.size(); ++i)
    if (collation_ == nullptr ? members[i] == text : collation_->Equal(members[i], text))
      return static_cast<uint32_t>(i + 1);
  return 0;
}

bool TextConverter::ConvertEnumText(std::string_view text, uint32_t row, ColumnBuffer* out,
                                    IssueSink* sink) {
  std::string_view name = text;
  if (collation_ != nullptr && collation_->charset_name() != "utf8mb4" &&
      collation_->charset_name() != "utf8mb3") {
    mysqlsem::ConvertCharset(*mysqlsem::FindDefaultCollation("utf8mb4"), *collation_, text,
                             &converted_);
    name = converted_;
  }
  while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
  uint32_t member = FindMember(name);
  if (member == 0 && !text.empty()) {
    // A number is the member's position.
    int64_t number;
    if (FastInteger(text.data(), text.size(), &number) && number > 0 &&
        static_cast<size_t>(number) <= target_.schema.members.size())
      member = static_cast<uint32_t>(number);
  }
  if (member == 0 && !BadValue(row, sink, text)) return false;
  out->i64()[row] = member;
  return true;
}

bool TextConverter::ConvertSetText(std::string_view text, uint32_t row, ColumnBuffer* out,
                                   IssueSink* sink) {
  if (collation_ != nullptr && collation_->charset_name() != "utf8mb4" &&
      collation_->charset_name() != "utf8mb3") {
    mysqlsem::ConvertCharset(*mysqlsem::FindDefaultCollation("utf8mb4"), *collation_, text,
                             &converted_);
  } else {
    converted_ = text;
  }
  std::string_view rest = converted_;
  while (!rest.empty() && rest.back() == ' ') rest.remove_suffix(1);
  uint64_t bits = 0;
  bool unknown = false;
  const std::string_view whole = rest;
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const uint32_t member = FindMember(rest.substr(0, comma));
    if (member == 0) {
      unknown = true;
    } else {
      bits |= uint64_t{1} << (member - 1);
    }
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  int64_t number;
  const size_t count = target_.schema.members.size();
  const uint64_t all = count >= 64 ? UINT64_MAX : (uint64_t{1} << count) - 1;
  if (unknown && FastInteger(whole.data(), whole.size(), &number) && number >= 0 &&
      static_cast<uint64_t>(number) <= all) {
    bits = static_cast<uint64_t>(number);
    unknown = false;
  }
  if (unknown && !BadValue(row, sink, text)) return false;
  out->i64()[row] = static_cast<int64_t>(bits);
  return true;
}

// ---- strings

bool TextConverter::ConvertString(std::string_view text, uint32_t row, ColumnBuffer* out,
                                  IssueSink* sink) {
  if (collation_ == nullptr) return sink->Fail(kLhCharsetUnsupported, column_, row, {}, text);
  if (needs_charset_conversion_) {
    if (!encoding_->IsWellFormed(text)) {
      if (!sink->Report(kLhBadValue, kLhTruncated, column_, row, type_name_, text)) return false;
      text = text.substr(0, encoding_->WellFormedLength(text));
    }
    if (mysqlsem::ConvertCharset(*encoding_, *collation_, text, &converted_) != 0 &&
        !sink->Report(kLhCannotConvertString, kLhTruncated, column_, row,
                      sink->strict() ? "to " + std::string(collation_->charset_name()) : type_name_,
                      text)) {
      return false;
    }
    text = converted_;
  } else if (collation_->id() != plan::kBinaryCollation && !IsAscii(text.data(), text.size()) &&
             !collation_->IsWellFormed(text)) {
    // MySQL stores what precedes the first ill-formed byte.
    if (!sink->Report(kLhBadValue, kLhTruncated, column_, row, type_name_, text)) return false;
    text = text.substr(0, collation_->WellFormedLength(text));
  }
  if (text.size() > max_chars_ || text.size() > max_bytes_) {
    size_t limit = text.size();
    if (text.size() > max_chars_) limit = collation_->CharOffset(text, max_chars_);
    limit = std::min<size_t>(limit, max_bytes_);
    limit = collation_->WellFormedLength(text.substr(0, limit));
    // Spaces beyond the end are dropped without a word, except in binary and TEXT columns, where
    // the server warns.
    const std::string_view lost = text.substr(limit);
    const bool only_spaces = lost.find_first_not_of(' ') == std::string_view::npos &&
                             collation_->id() != plan::kBinaryCollation;
    if (limit < text.size()) {
      if (!only_spaces &&
          !sink->Report(kLhStringTooLong, kLhTruncated, column_, row, type_name_, text))
        return false;
      text = text.substr(0, limit);
    }
  }
  if (target_.form == StringForm::kChar) {
    if (collation_->id() == plan::kBinaryCollation) {
      const size_t width = max_chars_ == UINT32_MAX ? text.size() : max_chars_;
      char* bytes = out->Reserve(std::max(width, text.size()));
      std::memcpy(bytes, text.data(), text.size());
      if (width > text.size()) std::memset(bytes + text.size(), 0, width - text.size());
      out->Commit(row, std::max(width, text.size()));
      return true;
    }
    text = collation_->StripTrailingSpaces(text);
  }
  out->SetBytes(row, text.data(), text.size());
  return true;
}

bool TextConverter::ConvertVector(std::string_view text, uint32_t row, ColumnBuffer* out,
                                  IssueSink* sink) {
  std::string_view rest = TrimSpaces(text);
  const auto bad = [&] { return sink->Fail(kLhBadValue, column_, row, type_name_, text); };
  if (rest.size() < 2 || rest.front() != '[' || rest.back() != ']') return bad();
  rest = TrimSpaces(rest.substr(1, rest.size() - 2));
  converted_.clear();
  uint32_t count = 0;
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const std::string_view entry = TrimSpaces(rest.substr(0, comma));
    const auto parsed = mysqlsem::ParseDouble(entry);
    const auto value = static_cast<float>(parsed.value);
    if (entry.empty() || parsed.truncated || std::isinf(value)) return bad();
    converted_.append(reinterpret_cast<const char*>(&value), sizeof(value));
    ++count;
    if (comma == std::string_view::npos) break;
    rest = rest.substr(comma + 1);
    if (TrimSpaces(rest).empty()) return bad();
  }
  if (count == 0) return bad();
  if (target_.vector_dimensions != 0 && count > target_.vector_dimensions)
    return sink->Fail(kLhStringTooLong, column_, row, type_name_, text);
  out->SetBytes(row, converted_.data(), converted_.size());
  return true;
}

bool TextConverter::ConvertJson(std::string_view text, uint32_t row, ColumnBuffer* out,
                                IssueSink* sink) {
  auto binary = JsonTextToBinary(text);
  if (!binary) {
    if (!sink->Report(kLhJsonParsing, kLhJsonParsing, column_, row, binary.error().message, text))
      return false;
    StoreDefault(row, out);
    return true;
  }
  out->SetBytes(row, binary->data(), binary->size());
  return true;
}

}  // namespace sirocco::lakehouse
