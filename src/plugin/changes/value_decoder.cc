#include "plugin/changes/value_decoder.h"

#include <cstring>

#include "mysqlsem/temporal.h"

namespace sirocco::plugin {
namespace {

using plan::TypeKind;

// Field type codes of the binary log (row_events.h hands them on).
enum LoggedType : uint8_t {
  kTiny = 1,
  kShort = 2,
  kLong = 3,
  kFloat = 4,
  kDouble = 5,
  kLongLong = 8,
  kInt24 = 9,
  kDate = 10,
  kYear = 13,
  kVarchar = 15,
  kBit = 16,
  kTimestamp2 = 17,
  kDatetime2 = 18,
  kTime2 = 19,
  kVector = 242,
  kJson = 245,
  kNewDecimal = 246,
  kEnum = 247,
  kSet = 248,
  kBlob = 252,
  kString = 254,
};

bool IsIntegerType(uint8_t type) {
  return type == kTiny || type == kShort || type == kLong || type == kLongLong || type == kInt24;
}

uint64_t LittleEndian(std::span<const uint8_t> bytes) {
  uint64_t value = 0;
  std::memcpy(&value, bytes.data(), bytes.size());
  return value;
}

int64_t SignExtended(std::span<const uint8_t> bytes) {
  const unsigned unused = 64 - 8 * static_cast<unsigned>(bytes.size());
  return static_cast<int64_t>(LittleEndian(bytes) << unused) >> unused;
}

}  // namespace

Result<ValueDecoder> ValueDecoder::Create(const LoggedColumn& logged,
                                          const plan::ColumnSchema& column) {
  ValueDecoder decoder;
  decoder.length_ = logged.length;
  decoder.decimals_ = logged.decimals;
  const auto fits = [&](bool condition, Form form) -> Result<ValueDecoder> {
    if (!condition)
      return MakeError(ErrorCode::kStale, "the binary log has column " + column.name +
                                              " with another type than it was loaded with");
    decoder.form_ = form;
    return std::move(decoder);
  };
  const bool same_fraction = logged.decimals == column.type.scale;
  switch (column.type.kind) {
    case TypeKind::kInt:
      return fits(IsIntegerType(logged.type), Form::kSigned);
    case TypeKind::kUInt:
      return fits(IsIntegerType(logged.type), Form::kUnsigned);
    case TypeKind::kYear:
      return fits(logged.type == kYear, Form::kYear);
    case TypeKind::kBit:
      return fits(logged.type == kBit, Form::kBigEndian);
    case TypeKind::kEnum:
      return fits(logged.type == kEnum, Form::kUnsigned);
    case TypeKind::kSet:
      return fits(logged.type == kSet, Form::kUnsigned);
    case TypeKind::kDate:
      return fits(logged.type == kDate, Form::kUnsigned);
    case TypeKind::kDatetime:
      return fits(logged.type == kDatetime2 && same_fraction, Form::kDatetime);
    case TypeKind::kTimestamp:
      return fits(logged.type == kTimestamp2 && same_fraction, Form::kTimestamp);
    case TypeKind::kTime:
      return fits(logged.type == kTime2 && same_fraction, Form::kTime);
    case TypeKind::kFloat:
      return fits(logged.type == kFloat, Form::kFloat);
    case TypeKind::kDouble:
      return fits(logged.type == kDouble, Form::kDouble);
    case TypeKind::kDecimal: {
      const bool same = logged.type == kNewDecimal && logged.precision == column.type.precision &&
                        logged.scale == column.type.scale;
      // More than 38 digits travel in their packed form.
      if (!same || logged.precision > 38) return fits(same, Form::kBytes);
      decoder.decimal_.emplace(logged.precision, logged.scale);
      return fits(true, logged.precision > 18 ? Form::kDecimal128 : Form::kDecimal64);
    }
    case TypeKind::kString:
      if (logged.type == kString && column.type.collation == plan::kBinaryCollation) {
        decoder.length_ = column.type.max_length;
        return fits(true, Form::kPaddedBytes);
      }
      return fits(logged.type == kString || logged.type == kVarchar || logged.type == kBlob,
                  Form::kBytes);
    case TypeKind::kJson:
      return fits(logged.type == kJson, Form::kBytes);
    case TypeKind::kVector:
      return fits(logged.type == kVector, Form::kBytes);
    case TypeKind::kNull:
      break;
  }
  return fits(false, Form::kBytes);
}

Result<void> ValueDecoder::Append(const LoggedValue& value, uint32_t row,
                                  wire::ColumnBuffer* out) const {
  if (value.state == LoggedValue::State::kNull) {
    out->PushNull(row);
    return {};
  }
  const std::span<const uint8_t> bytes = value.bytes;
  if (form_ < Form::kBytes && bytes.size() != length_)
    return MakeError(ErrorCode::kCorrupt, "binary log event: size of a value");
  switch (form_) {
    case Form::kSigned:
      out->i64.push_back(SignExtended(bytes));
      break;
    case Form::kUnsigned:
      out->i64.push_back(static_cast<int64_t>(LittleEndian(bytes)));
      break;
    case Form::kBigEndian: {
      uint64_t bits = 0;
      for (const uint8_t byte : bytes) bits = bits << 8 | byte;
      out->i64.push_back(static_cast<int64_t>(bits));
      break;
    }
    case Form::kYear:
      out->i64.push_back(bytes[0] == 0 ? 0 : 1900 + bytes[0]);
      break;
    case Form::kFloat: {
      float real;
      std::memcpy(&real, bytes.data(), sizeof(real));
      out->f64.push_back(real);
      break;
    }
    case Form::kDouble: {
      double real;
      std::memcpy(&real, bytes.data(), sizeof(real));
      out->f64.push_back(real);
      break;
    }
    case Form::kDecimal64:
      out->i64.push_back(decimal_->DecodeInt64(bytes.data()));
      break;
    case Form::kDecimal128:
      out->i128.push_back(decimal_->DecodeInt128(bytes.data()));
      break;
    case Form::kDatetime:
      out->i64.push_back(mysqlsem::DecodeDatetime2(bytes.data(), decimals_));
      break;
    case Form::kTimestamp:
      out->i64.push_back(mysqlsem::DecodeTimestamp2(bytes.data(), decimals_));
      break;
    case Form::kTime:
      out->i64.push_back(mysqlsem::DecodeTime2(bytes.data(), decimals_));
      break;
    case Form::kBytes:
      out->PushString({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
      break;
    case Form::kPaddedBytes:
      if (bytes.size() > length_)
        return MakeError(ErrorCode::kCorrupt, "binary log event: size of a value");
      out->bytes.insert(out->bytes.end(), bytes.begin(), bytes.end());
      out->bytes.insert(out->bytes.end(), length_ - bytes.size(), '\0');
      out->offsets.push_back(static_cast<uint32_t>(out->bytes.size()));
      break;
  }
  out->MarkNotNull();
  return {};
}

void AppendDefault(const ColumnDefault& value, uint32_t row, wire::ColumnBuffer* out) {
  if (value.is_null) {
    out->PushNull(row);
    return;
  }
  switch (out->lane) {
    case plan::Lane::kI64:
      out->i64.push_back(value.i64);
      break;
    case plan::Lane::kI128:
      out->i128.push_back(value.i128);
      break;
    case plan::Lane::kF64:
      out->f64.push_back(value.f64);
      break;
    default:
      out->PushString(value.bytes);
      break;
  }
  out->MarkNotNull();
}

}  // namespace sirocco::plugin
