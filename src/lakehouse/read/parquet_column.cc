#include "lakehouse/read/parquet_column.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "mysqlsem/number_format.h"

namespace sirocco::lakehouse {

using plan::int128;
using plan::Lane;
using plan::TypeKind;

namespace {

constexpr int64_t kEpochDayNumber = 719528;  // of 1970-01-01, as the server counts days
constexpr int64_t kMicrosPerDay = 86400000000;

int64_t FloorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0); }

// Dates of 1900 to 2100 by day since 1970: files are full of them.
class DateTable {
 public:
  static constexpr int64_t kFirst = -25567, kLast = 47482;
  DateTable() {
    for (int64_t day = kFirst; day <= kLast; ++day)
      dates_[day - kFirst] = *mysqlsem::FromDays(day + kEpochDayNumber);
  }
  // False: no date of MySQL.
  bool Find(int64_t day, mysqlsem::PackedDate* date) const {
    if (day >= kFirst && day <= kLast) [[likely]] {
      *date = dates_[day - kFirst];
      return true;
    }
    if (day < -kEpochDayNumber || day > 3652424) return false;
    const auto found = mysqlsem::FromDays(day + kEpochDayNumber);
    if (!found) return false;
    *date = *found;
    return true;
  }

 private:
  mysqlsem::PackedDate dates_[kLast - kFirst + 1];
};
const DateTable& Dates() {
  static const DateTable table;
  return table;
}

bool DatetimeOfMicros(int64_t micros, mysqlsem::PackedDatetime* value) {
  const int64_t day = FloorDivide(micros, kMicrosPerDay);
  const int64_t rest = micros - day * kMicrosPerDay;
  mysqlsem::PackedDate date;
  if (!Dates().Find(day, &date)) return false;
  const int64_t seconds = rest / 1000000;
  *value = mysqlsem::DateToDatetime(date) |
           ((seconds / 3600) << 12 | (seconds / 60 % 60) << 6 | seconds % 60) << 24 |
           rest % 1000000;
  return true;
}

double HalfToDouble(uint16_t half) {
  const int exponent = half >> 10 & 31;
  const int fraction = half & 1023;
  double value;
  if (exponent == 31)
    value = fraction == 0 ? INFINITY : NAN;
  else if (exponent == 0)
    value = std::ldexp(fraction, -24);
  else
    value = std::ldexp(1024 + fraction, exponent - 25);
  return (half & 0x8000) != 0 ? -value : value;
}

// Big-endian two's complement; false: wider than 128 bits.
bool BigEndian(const uint8_t* bytes, size_t size, int128* value) {
  if (size == 0) return *value = 0, true;
  const uint8_t fill = (bytes[0] & 0x80) != 0 ? 0xFF : 0;
  while (size > 16) {
    if (*bytes != fill) return false;
    ++bytes;
    --size;
  }
  unsigned __int128 sum = fill != 0 ? ~static_cast<unsigned __int128>(0) : 0;
  for (size_t i = 0; i < size; ++i) sum = sum << 8 | bytes[i];
  *value = static_cast<int128>(sum);
  return true;
}

std::string_view BytesOf(const parquet::ByteArray& value, int32_t) {
  return {reinterpret_cast<const char*>(value.ptr), value.len};
}
std::string_view BytesOf(const parquet::FixedLenByteArray& value, int32_t size) {
  return {reinterpret_cast<const char*>(value.ptr), static_cast<size_t>(size)};
}

std::string UuidText(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kHex[static_cast<uint8_t>(bytes[i]) >> 4];
    text += kHex[static_cast<uint8_t>(bytes[i]) & 15];
  }
  return text;
}

template <typename DType>
class TypedReader : public ParquetColumnReader {
 public:
  using T = typename DType::c_type;

  TypedReader(std::shared_ptr<parquet::ColumnReader> reader, const ParquetLeaf& leaf,
              TextConverter* converter, const ConversionRules& rules)
      : owner_(std::move(reader)),
        reader_(static_cast<parquet::TypedColumnReader<DType>*>(owner_.get())),
        leaf_(leaf),
        converter_(converter),
        rules_(rules),
        values_(std::make_unique<T[]>(kParquetBatchRows)),
        definition_(kParquetBatchRows),
        repetition_(leaf.is_list ? kParquetBatchRows : 0) {}

  Result<bool> Read(uint32_t num_rows, ColumnBuffer* out, IssueSink* sink) override {
    if (leaf_.is_list) return ReadLists(num_rows, out, sink);
    for (uint32_t row = 0; row < num_rows;) {
      int64_t num_values = 0;
      // Never more than one page: byte arrays point into it until the next call.
      const int64_t levels = reader_->ReadBatch(
          num_rows - row, leaf_.max_definition > 0 ? definition_.data() : nullptr, nullptr,
          values_.get(), &num_values);
      if (levels <= 0)
        return MakeError(ErrorCode::kCorrupt, "a column has fewer rows than its row group");
      if (leaf_.max_definition == 0 || num_values == levels) {
        if (!StoreRun(row, static_cast<uint32_t>(levels), out, sink)) return false;
      } else {
        int64_t next = 0;
        for (int64_t i = 0; i < levels; ++i) {
          const auto r = static_cast<uint32_t>(row + i);
          if (definition_[i] < leaf_.max_definition) {
            if (!converter_->ConvertNull(r, out, sink)) return false;
          } else if (next >= num_values) {
            return MakeError(ErrorCode::kCorrupt, "a page has fewer values than its levels tell");
          } else if (!Store(values_[next++], r, out, sink)) {
            return false;
          }
        }
      }
      row += static_cast<uint32_t>(levels);
    }
    return true;
  }

 private:
  // Values without NULLs; the common pairs of types in tight loops.
  bool StoreRun(uint32_t row, uint32_t count, ColumnBuffer* out, IssueSink* sink) {
    const ColumnTarget& target = converter_->target();
    const plan::Type& type = target.schema.type;
    const T* values = values_.get();
    if constexpr (std::is_same_v<T, int32_t> || std::is_same_v<T, int64_t>) {
      int64_t* to = out->i64() + row;
      if (leaf_.kind == ParquetKind::kInt && type.IsInteger()) {
        const IntegerLimits limits = LimitsOf(target);
        const auto max = static_cast<int64_t>(std::min<uint64_t>(limits.max, INT64_MAX));
        bool fits = true;
        for (uint32_t i = 0; i < count; ++i) {
          to[i] = values[i];
          fits &= values[i] >= limits.min && values[i] <= max;
        }
        if (fits) return true;
      } else if (leaf_.kind == ParquetKind::kDecimal && type.kind == TypeKind::kDecimal &&
                 leaf_.scale == type.scale && out->lane() == Lane::kI64) {
        const int64_t limit = kPowersOfTen[type.precision];
        bool fits = true;
        for (uint32_t i = 0; i < count; ++i) {
          to[i] = values[i];
          fits &= values[i] > -limit && values[i] < limit;
        }
        if (fits) return true;
      } else if (leaf_.kind == ParquetKind::kDate && type.kind == TypeKind::kDate) {
        const DateTable& dates = Dates();
        bool fits = true;
        for (uint32_t i = 0; i < count; ++i) {
          mysqlsem::PackedDate date = 0;
          fits &= dates.Find(values[i], &date);
          to[i] = date;
        }
        if (fits) return true;
      }
    }
    if constexpr (std::is_same_v<T, double>) {
      if (type.kind == TypeKind::kDouble && target.real_digits == 0) {
        double* to = out->f64() + row;
        bool finite = true;
        for (uint32_t i = 0; i < count; ++i) {
          to[i] = values[i];
          finite &= std::isfinite(values[i]);
        }
        if (finite) return true;
      }
    }
    if constexpr (std::is_same_v<T, parquet::ByteArray>) {
      if (leaf_.kind == ParquetKind::kText && type.kind == TypeKind::kString &&
          converter_->is_plain_string() &&
          !(target.form == StringForm::kChar && type.collation == plan::kBinaryCollation)) {
        const bool strip = target.form == StringForm::kChar;
        const uint32_t limit = std::min(converter_->max_chars(), converter_->max_bytes());
        for (uint32_t i = 0; i < count; ++i) {
          const auto* text = reinterpret_cast<const char*>(values[i].ptr);
          if (values[i].len <= limit && IsAscii(text, values[i].len)) [[likely]] {
            size_t size = values[i].len;
            if (strip)
              while (size > 0 && text[size - 1] == ' ') --size;
            out->SetBytes(row + i, text, size);
          } else if (!Store(values[i], row + i, out, sink)) {
            return false;
          }
        }
        return true;
      }
    }
    for (uint32_t i = 0; i < count; ++i)
      if (!Store(values[i], row + i, out, sink)) return false;
    return true;
  }

  bool StoreScaled(int128 value, uint32_t row, ColumnBuffer* out, IssueSink* sink) {
    return converter_->StoreDecimal(mysqlsem::BigDecimal::FromScaled(value, leaf_.scale), row, out,
                                    sink, {});
  }

  bool OutOfRange(const std::string& text, uint32_t row, ColumnBuffer* out, IssueSink* sink) {
    return converter_->StoreOutOfRange(text, row, out, sink);
  }

  bool StoreMicros(int64_t micros, bool utc, uint32_t row, ColumnBuffer* out, IssueSink* sink) {
    const plan::Type& type = converter_->target().schema.type;
    if (utc) {
      // The session's local time; TIMESTAMP columns turn it back.
      if (__builtin_add_overflow(micros, int64_t{rules_.zone_offset_seconds} * 1000000, &micros))
        return OutOfRange(std::to_string(micros), row, out, sink);
    }
    mysqlsem::PackedDatetime value;
    if (!DatetimeOfMicros(micros, &value))
      return OutOfRange(std::to_string(micros), row, out, sink);
    if (type.kind == TypeKind::kDatetime && type.scale == 6) {
      out->i64()[row] = value;
      return true;
    }
    return converter_->StoreDatetime(value, row, out, sink);
  }

  bool StoreTime(int64_t value, uint32_t row, ColumnBuffer* out, IssueSink* sink) {
    const int64_t micros = ToMicros(value);
    if (micros < 0 || micros > kMicrosPerDay)
      return OutOfRange(std::to_string(value), row, out, sink);
    const int64_t seconds = micros / 1000000;
    return converter_->StoreTime(mysqlsem::PackTime(false, static_cast<uint32_t>(seconds / 3600),
                                                    static_cast<uint32_t>(seconds / 60 % 60),
                                                    static_cast<uint32_t>(seconds % 60),
                                                    static_cast<uint32_t>(micros % 1000000)),
                                 row, out, sink);
  }

  // Nanoseconds are rounded half up, as MySQL rounds digits it cannot keep.
  int64_t ToMicros(int64_t value) const {
    switch (leaf_.units_per_second) {
      case 1000: {
        int64_t micros;
        return __builtin_mul_overflow(value, int64_t{1000}, &micros)
                   ? (value < 0 ? INT64_MIN : INT64_MAX)
                   : micros;
      }
      case 1000000000:
        return FloorDivide(value, 1000) + (value - FloorDivide(value, 1000) * 1000 >= 500);
      default:
        return value;
    }
  }

  bool Store(const T& value, uint32_t row, ColumnBuffer* out, IssueSink* sink) {
    if constexpr (std::is_same_v<T, bool>) {
      return converter_->StoreInteger(value ? 1 : 0, row, out, sink);
    } else if constexpr (std::is_same_v<T, int32_t> || std::is_same_v<T, int64_t>) {
      switch (leaf_.kind) {
        case ParquetKind::kUInt32:
          return converter_->StoreInteger(static_cast<uint32_t>(value), row, out, sink);
        case ParquetKind::kUInt64:
          return converter_->StoreInteger(static_cast<uint64_t>(value), row, out, sink);
        case ParquetKind::kDecimal:
          return StoreScaled(value, row, out, sink);
        case ParquetKind::kDate: {
          mysqlsem::PackedDate date;
          if (!Dates().Find(value, &date)) return OutOfRange(std::to_string(value), row, out, sink);
          return converter_->StoreDate(date, row, out, sink);
        }
        case ParquetKind::kTime:
          return StoreTime(value, row, out, sink);
        case ParquetKind::kTimestamp:
          return StoreMicros(ToMicros(value), leaf_.utc, row, out, sink);
        default:
          return converter_->StoreInteger(value, row, out, sink);
      }
    } else if constexpr (std::is_same_v<T, float>) {
      if (converter_->target().schema.type.kind == TypeKind::kFloat ||
          converter_->target().schema.type.kind == TypeKind::kDouble)
        return converter_->StoreDouble(value, row, out, sink);
      // As text or decimal a float has its own, fewer digits.
      if (!std::isfinite(value)) return converter_->StoreDouble(value, row, out, sink);
      return converter_->Convert(mysqlsem::FormatFloat(value), row, out, sink);
    } else if constexpr (std::is_same_v<T, double>) {
      return converter_->StoreDouble(value, row, out, sink);
    } else if constexpr (std::is_same_v<T, parquet::Int96>) {
      const auto low = static_cast<uint64_t>(value.value[0]) | static_cast<uint64_t>(value.value[1])
                                                                   << 32;
      const int64_t day = static_cast<int64_t>(value.value[2]) - 2440588;  // Julian day of 1970
      if (low >= 86400000000000u || day < -kEpochDayNumber || day > 3652424)
        return OutOfRange(std::to_string(day), row, out, sink);
      return StoreMicros(day * kMicrosPerDay + static_cast<int64_t>((low + 500) / 1000), false, row,
                         out, sink);
    } else {
      const std::string_view bytes = BytesOf(value, leaf_.fixed_size);
      switch (leaf_.kind) {
        case ParquetKind::kDecimal: {
          int128 scaled;
          if (!BigEndian(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), &scaled))
            return OutOfRange("decimal", row, out, sink);
          return StoreScaled(scaled, row, out, sink);
        }
        case ParquetKind::kFloat16: {
          uint16_t half;
          std::memcpy(&half, bytes.data(), 2);
          return converter_->StoreDouble(HalfToDouble(half), row, out, sink);
        }
        case ParquetKind::kUuid: {
          const plan::Type& type = converter_->target().schema.type;
          if (type.collation == plan::kBinaryCollation) break;
          return converter_->Convert(UuidText(bytes), row, out, sink);
        }
        default:
          break;
      }
      return converter_->Convert(bytes, row, out, sink);
    }
  }

  // ---- lists, as JSON text or VECTOR

  void AppendElement(const T& value, std::string* text) const {
    if constexpr (std::is_same_v<T, bool>) {
      *text += value ? "true" : "false";
    } else if constexpr (std::is_same_v<T, int32_t> || std::is_same_v<T, int64_t>) {
      if (leaf_.kind == ParquetKind::kUInt32)
        *text += std::to_string(static_cast<uint32_t>(value));
      else if (leaf_.kind == ParquetKind::kUInt64)
        *text += std::to_string(static_cast<uint64_t>(value));
      else if (leaf_.kind == ParquetKind::kDecimal)
        *text += mysqlsem::ScaledToString(value, leaf_.scale);
      else if (leaf_.kind == ParquetKind::kInt)
        *text += std::to_string(value);
      else
        AppendTemporal(value, text);
    } else if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) {
      if (!std::isfinite(value))
        *text += "null";
      else if constexpr (std::is_same_v<T, float>)
        *text += mysqlsem::FormatFloat(value);
      else
        *text += mysqlsem::FormatDouble(value);
    } else if constexpr (std::is_same_v<T, parquet::Int96>) {
      *text += "null";
    } else {
      const std::string_view bytes = BytesOf(value, leaf_.fixed_size);
      int128 scaled = 0;
      if (leaf_.kind == ParquetKind::kDecimal &&
          BigEndian(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), &scaled)) {
        *text += mysqlsem::ScaledToString(scaled, leaf_.scale);
        return;
      }
      *text += '"';
      static constexpr char kHex[] = "0123456789abcdef";
      for (const char c : leaf_.kind == ParquetKind::kUuid ? UuidText(bytes) : std::string(bytes)) {
        if (c == '"' || c == '\\') {
          *text += '\\';
          *text += c;
        } else if (static_cast<uint8_t>(c) < 32) {
          *text += "\\u00";
          *text += kHex[c >> 4];
          *text += kHex[c & 15];
        } else {
          *text += c;
        }
      }
      *text += '"';
    }
  }

  void AppendTemporal(int64_t value, std::string* text) const {
    *text += '"';
    mysqlsem::PackedDate date;
    mysqlsem::PackedDatetime datetime;
    if (leaf_.kind == ParquetKind::kDate && Dates().Find(value, &date))
      *text += mysqlsem::DateToString(date);
    else if (leaf_.kind == ParquetKind::kTimestamp && DatetimeOfMicros(ToMicros(value), &datetime))
      *text += mysqlsem::DatetimeToString(datetime, 6);
    else
      *text += std::to_string(value);
    *text += '"';
  }

  Result<bool> ReadLists(uint32_t num_rows, ColumnBuffer* out, IssueSink* sink) {
    uint32_t row = 0;
    while (row < num_rows) {
      if (level_ == num_levels_) {
        int64_t num_values = 0;
        num_levels_ = reader_->ReadBatch(kParquetBatchRows, definition_.data(), repetition_.data(),
                                         values_.get(), &num_values);
        num_values_ = num_values;
        level_ = next_value_ = 0;
        if (num_levels_ <= 0) {
          num_levels_ = level_ = 0;
          if (!open_)
            return MakeError(ErrorCode::kCorrupt, "a column has fewer rows than its row group");
          if (!CloseList(row++, out, sink)) return false;
          continue;
        }
        // Byte arrays die with the page, so elements are turned into text at once; a list may go on
        // in the next page.
      }
      const int64_t i = level_;
      if (repetition_[i] == 0 && open_) {
        if (!CloseList(row++, out, sink)) return false;
        continue;
      }
      ++level_;
      if (repetition_[i] == 0) {
        open_ = true;
        list_ = "[";
        is_null_ = definition_[i] < leaf_.list_level;
        if (definition_[i] < leaf_.element_level) continue;  // NULL or empty
      }
      if (list_.size() > 1) list_ += ", ";
      if (list_.size() > kMaxListText) return MakeError(ErrorCode::kCorrupt, "a list is too long");
      if (definition_[i] < leaf_.max_definition) {
        list_ += "null";
      } else if (next_value_ >= num_values_) {
        return MakeError(ErrorCode::kCorrupt, "a page has fewer values than its levels tell");
      } else {
        AppendElement(values_[next_value_++], &list_);
      }
    }
    return true;
  }

  bool CloseList(uint32_t row, ColumnBuffer* out, IssueSink* sink) {
    open_ = false;
    if (is_null_) return converter_->ConvertNull(row, out, sink);
    list_ += "]";
    return converter_->Convert(list_, row, out, sink);
  }

  static constexpr size_t kMaxListText = 64 << 20;

  std::shared_ptr<parquet::ColumnReader> owner_;
  parquet::TypedColumnReader<DType>* reader_;
  const ParquetLeaf leaf_;
  TextConverter* converter_;
  const ConversionRules& rules_;
  std::unique_ptr<T[]> values_;
  std::vector<int16_t> definition_, repetition_;
  // Lists: the levels read but not used yet, and the list being put together.
  int64_t num_levels_ = 0, level_ = 0, num_values_ = 0, next_value_ = 0;
  bool open_ = false, is_null_ = false;
  std::string list_;
};

}  // namespace

std::unique_ptr<ParquetColumnReader> ParquetColumnReader::Create(
    std::shared_ptr<parquet::ColumnReader> reader, const ParquetLeaf& leaf,
    TextConverter* converter, const ConversionRules& rules) {
  const auto make = [&]<typename DType>(DType*) -> std::unique_ptr<ParquetColumnReader> {
    return std::make_unique<TypedReader<DType>>(std::move(reader), leaf, converter, rules);
  };
  switch (leaf.physical) {
    case parquet::Type::BOOLEAN:
      return make(static_cast<parquet::BooleanType*>(nullptr));
    case parquet::Type::INT32:
      return make(static_cast<parquet::Int32Type*>(nullptr));
    case parquet::Type::INT64:
      return make(static_cast<parquet::Int64Type*>(nullptr));
    case parquet::Type::INT96:
      return make(static_cast<parquet::Int96Type*>(nullptr));
    case parquet::Type::FLOAT:
      return make(static_cast<parquet::FloatType*>(nullptr));
    case parquet::Type::DOUBLE:
      return make(static_cast<parquet::DoubleType*>(nullptr));
    case parquet::Type::BYTE_ARRAY:
      return make(static_cast<parquet::ByteArrayType*>(nullptr));
    case parquet::Type::FIXED_LEN_BYTE_ARRAY:
      return make(static_cast<parquet::FLBAType*>(nullptr));
    default:
      break;
  }
  throw std::runtime_error("unknown physical type");
}

bool StatisticsMayMatch(const ParquetLeaf& leaf, const parquet::Statistics& statistics,
                        const plan::Type& type, const ColumnRange& range) {
  // Integers, dates and decimals of the same scale only: there the order of both sides is the same.
  int64_t min, max;
  if (statistics.physical_type() == parquet::Type::INT32) {
    const auto& typed =
        static_cast<const parquet::TypedStatistics<parquet::Int32Type>&>(statistics);
    min = typed.min(), max = typed.max();
  } else if (statistics.physical_type() == parquet::Type::INT64) {
    const auto& typed =
        static_cast<const parquet::TypedStatistics<parquet::Int64Type>&>(statistics);
    min = typed.min(), max = typed.max();
  } else {
    return true;
  }
  if (min > max) return true;
  if (leaf.kind == ParquetKind::kDate && type.kind == TypeKind::kDate) {
    mysqlsem::PackedDate first, last;
    if (!Dates().Find(min, &first) || !Dates().Find(max, &last)) return true;
    min = first, max = last;
  } else if (leaf.kind == ParquetKind::kDecimal) {
    if (type.kind != TypeKind::kDecimal || type.scale != leaf.scale || type.precision > 38)
      return true;
  } else if (leaf.kind != ParquetKind::kInt || !type.IsInteger()) {
    return true;
  }
  if (!range.min.is_null && max < range.min.integer) return false;
  return range.max.is_null || min <= range.max.integer;
}

}  // namespace sirocco::lakehouse
