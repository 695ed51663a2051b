#include "plugin/changes/row_events.h"

#include <array>
#include <utility>

namespace sirocco::plugin {
namespace {

// Field type codes of the binary log.
enum FieldType : uint8_t {
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
  kGeometry = 255,
};

constexpr uint8_t kWriteRows = 30, kUpdateRows = 31, kDeleteRows = 32;
constexpr uint16_t kStatementEnd = 1;
constexpr uint8_t kMaxDecimals = 6;
constexpr size_t kMaxColumns = 4096;

std::unexpected<Error> Corrupt(const char* what) {
  return MakeError(ErrorCode::kCorrupt, std::string("binary log event: ") + what);
}

// Takes bytes from the front of a span; every read is checked.
class Cursor {
 public:
  explicit Cursor(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  std::span<const uint8_t> rest() const { return bytes_; }

  Result<std::span<const uint8_t>> Take(size_t count) {
    if (count > bytes_.size()) return Corrupt("too short");
    const auto taken = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return taken;
  }

  // Little-endian.
  Result<uint64_t> Integer(size_t num_bytes) {
    const auto taken = Take(num_bytes);
    if (!taken) return std::unexpected(taken.error());
    uint64_t value = 0;
    for (size_t i = 0; i < num_bytes; ++i) value |= uint64_t{(*taken)[i]} << (8 * i);
    return value;
  }

  // The protocol's integer of 1, 3, 4 or 9 bytes.
  Result<uint64_t> PackedInteger() {
    const auto first = Integer(1);
    if (!first || *first < 251) return first;
    switch (*first) {
      case 252:
        return Integer(2);
      case 253:
        return Integer(3);
      case 254:
        return Integer(8);
      default:
        return Corrupt("packed integer");
    }
  }

  // One byte of length, the name, a zero.
  Result<std::string> Name() {
    const auto length = Integer(1);
    if (!length) return std::unexpected(length.error());
    const auto text = Take(*length + 1);
    if (!text) return std::unexpected(text.error());
    if (text->back() != 0) return Corrupt("name without its end");
    return std::string(reinterpret_cast<const char*>(text->data()), *length);
  }

 private:
  std::span<const uint8_t> bytes_;
};

Result<void> ReadDecimals(Cursor* metadata, LoggedColumn* column) {
  const auto decimals = metadata->Integer(1);
  if (!decimals) return std::unexpected(decimals.error());
  if (*decimals > kMaxDecimals) return Corrupt("fraction digits");
  column->decimals = static_cast<uint8_t>(*decimals);
  return {};
}

// CHAR, ENUM and SET: the first byte is the real type, unless a CHAR is longer than 255 bytes; then
// the two upper bits of its length are kept inverted in bits 4 and 5.
Result<void> ReadStringMetadata(Cursor* metadata, LoggedColumn* column) {
  const auto bytes = metadata->Take(2);
  if (!bytes) return std::unexpected(bytes.error());
  const uint8_t first = (*bytes)[0], second = (*bytes)[1];
  if ((first & 0x30) != 0x30) {
    column->type = first | 0x30;
    column->length = second | (uint32_t{(first & 0x30u) ^ 0x30u} << 4);
  } else {
    column->type = first;
    column->length = second;
  }
  switch (column->type) {
    case kString:
      column->length_bytes = column->length > 255 ? 2 : 1;
      return {};
    case kEnum:
      if (column->length != 1 && column->length != 2) return Corrupt("size of an ENUM");
      return {};
    case kSet:
      if (column->length == 0 || column->length > 8) return Corrupt("size of a SET");
      return {};
    default:
      return Corrupt("string type");
  }
}

// Takes what the metadata block says about a column of `column->type`.
Result<void> ReadMetadata(Cursor* metadata, LoggedColumn* column) {
  switch (column->type) {
    case kTiny:
    case kYear:
      column->length = 1;
      return {};
    case kShort:
      column->length = 2;
      return {};
    case kInt24:
    case kDate:
      column->length = 3;
      return {};
    case kLong:
      column->length = 4;
      return {};
    case kLongLong:
      column->length = 8;
      return {};
    case kFloat:
    case kDouble: {
      const auto size = metadata->Integer(1);
      if (!size) return std::unexpected(size.error());
      if (*size != (column->type == kFloat ? 4u : 8u)) return Corrupt("size of a float");
      column->length = static_cast<uint32_t>(*size);
      return {};
    }
    case kTimestamp2:
    case kDatetime2:
    case kTime2: {
      if (auto read = ReadDecimals(metadata, column); !read) return read;
      const uint32_t whole = column->type == kTimestamp2 ? 4 : column->type == kDatetime2 ? 5 : 3;
      column->length = whole + (column->decimals + 1u) / 2;
      return {};
    }
    case kNewDecimal: {
      const auto bytes = metadata->Take(2);
      if (!bytes) return std::unexpected(bytes.error());
      column->precision = (*bytes)[0];
      column->scale = (*bytes)[1];
      if (column->precision == 0 || column->precision > 65 || column->scale > 30 ||
          column->scale > column->precision) {
        return Corrupt("precision of a DECIMAL");
      }
      // Nine digits in four bytes; what is left over in as few as hold it.
      static constexpr std::array<uint8_t, 10> kDigitBytes = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
      const uint32_t whole = column->precision - column->scale;
      column->length = whole / 9 * 4 + kDigitBytes[whole % 9] + column->scale / 9u * 4 +
                       kDigitBytes[column->scale % 9u];
      return {};
    }
    case kVarchar: {
      const auto length = metadata->Integer(2);
      if (!length) return std::unexpected(length.error());
      column->length = static_cast<uint32_t>(*length);
      column->length_bytes = column->length > 255 ? 2 : 1;
      return {};
    }
    case kBit: {
      const auto bytes = metadata->Take(2);
      if (!bytes) return std::unexpected(bytes.error());
      const uint32_t bits = (*bytes)[1] * 8u + (*bytes)[0];
      if ((*bytes)[0] > 7 || bits == 0 || bits > 64) return Corrupt("size of a BIT");
      column->length = (bits + 7) / 8;
      return {};
    }
    case kBlob:
    case kJson:
    case kGeometry:
    case kVector: {
      const auto size = metadata->Integer(1);
      if (!size) return std::unexpected(size.error());
      if (*size == 0 || *size > 4) return Corrupt("length bytes of a BLOB");
      column->length_bytes = static_cast<uint8_t>(*size);
      column->length = UINT32_MAX;
      return {};
    }
    case kString:
      return ReadStringMetadata(metadata, column);
    default:
      return NotSupported("column type in the binary log: " + std::to_string(column->type));
  }
}

bool BitSet(std::span<const uint8_t> bits, size_t index) {
  return (bits[index / 8] >> (index % 8) & 1) != 0;
}

}  // namespace

Result<TableMap> TableMap::Parse(std::span<const uint8_t> body) {
  Cursor cursor(body);
  TableMap map;
  const auto table_id = cursor.Integer(6);
  if (!table_id) return std::unexpected(table_id.error());
  map.table_id = *table_id;
  if (auto flags = cursor.Integer(2); !flags) return std::unexpected(flags.error());
  auto schema = cursor.Name();
  if (!schema) return std::unexpected(schema.error());
  auto table = cursor.Name();
  if (!table) return std::unexpected(table.error());
  map.schema = std::move(*schema);
  map.table = std::move(*table);

  const auto num_columns = cursor.PackedInteger();
  if (!num_columns) return std::unexpected(num_columns.error());
  if (*num_columns == 0 || *num_columns > kMaxColumns) return Corrupt("number of columns");
  const auto types = cursor.Take(*num_columns);
  if (!types) return std::unexpected(types.error());
  const auto metadata_size = cursor.PackedInteger();
  if (!metadata_size) return std::unexpected(metadata_size.error());
  const auto metadata_bytes = cursor.Take(*metadata_size);
  if (!metadata_bytes) return std::unexpected(metadata_bytes.error());
  // NULL bits and optional metadata follow; row images need neither.
  if (auto nullable = cursor.Take((*num_columns + 7) / 8); !nullable) {
    return std::unexpected(nullable.error());
  }

  Cursor metadata(*metadata_bytes);
  map.columns.resize(*num_columns);
  for (size_t i = 0; i < map.columns.size(); ++i) {
    map.columns[i].type = (*types)[i];
    if (auto read = ReadMetadata(&metadata, &map.columns[i]); !read) {
      return std::unexpected(read.error());
    }
  }
  if (!metadata.rest().empty()) return Corrupt("metadata left over");
  return map;
}

Result<std::pair<std::string, std::string>> TableMap::Name(std::span<const uint8_t> body) {
  Cursor cursor(body);
  if (auto head = cursor.Take(8); !head) return std::unexpected(head.error());
  auto schema = cursor.Name();
  if (!schema) return std::unexpected(schema.error());
  auto table = cursor.Name();
  if (!table) return std::unexpected(table.error());
  return std::pair(std::move(*schema), std::move(*table));
}

Result<uint64_t> RowEventReader::TableId(std::span<const uint8_t> body) {
  return Cursor(body).Integer(6);
}

Result<RowEventReader> RowEventReader::Create(uint8_t event_type, std::span<const uint8_t> body,
                                              const TableMap& map) {
  RowEventReader reader(map);
  switch (event_type) {
    case kWriteRows:
      reader.change_ = RowChange::kInsert;
      break;
    case kUpdateRows:
      reader.change_ = RowChange::kUpdate;
      break;
    case kDeleteRows:
      reader.change_ = RowChange::kDelete;
      break;
    default:
      return NotSupported("row event of type " + std::to_string(event_type));
  }

  Cursor cursor(body);
  const auto table_id = cursor.Integer(6);
  if (!table_id) return std::unexpected(table_id.error());
  if (*table_id != map.table_id) return Corrupt("rows of another table");
  const auto flags = cursor.Integer(2);
  if (!flags) return std::unexpected(flags.error());
  reader.ends_statement_ = (*flags & kStatementEnd) != 0;
  // Extra data (partition ids and the like); its length counts its own two bytes.
  const auto extra = cursor.Integer(2);
  if (!extra) return std::unexpected(extra.error());
  if (*extra < 2) return Corrupt("length of the extra data");
  if (auto skipped = cursor.Take(*extra - 2); !skipped) return std::unexpected(skipped.error());

  const auto width = cursor.PackedInteger();
  if (!width) return std::unexpected(width.error());
  if (*width != map.columns.size()) return Corrupt("number of columns differs from the table map");
  const size_t bitmap_bytes = (*width + 7) / 8;
  const auto first = cursor.Take(bitmap_bytes);
  if (!first) return std::unexpected(first.error());
  if (reader.change_ != RowChange::kInsert) reader.columns_before_ = *first;
  if (reader.change_ == RowChange::kInsert) reader.columns_after_ = *first;
  if (reader.change_ == RowChange::kUpdate) {
    const auto second = cursor.Take(bitmap_bytes);
    if (!second) return std::unexpected(second.error());
    reader.columns_after_ = *second;
  }
  reader.rows_ = cursor.rest();
  return reader;
}

Result<bool> RowEventReader::Next(std::vector<LoggedValue>* before,
                                  std::vector<LoggedValue>* after) {
  before->clear();
  after->clear();
  if (rows_.empty()) return false;
  const size_t left = rows_.size();
  if (change_ != RowChange::kInsert) {
    if (auto read = ReadImage(columns_before_, before); !read) return std::unexpected(read.error());
  }
  if (change_ != RowChange::kDelete) {
    if (auto read = ReadImage(columns_after_, after); !read) return std::unexpected(read.error());
  }
  // Images without any column take no bytes: their number cannot be known.
  if (rows_.size() == left) return Corrupt("row images without columns");
  return true;
}

Result<void> RowEventReader::ReadImage(std::span<const uint8_t> present,
                                       std::vector<LoggedValue>* image) {
  const size_t num_columns = map_->columns.size();
  image->assign(num_columns, {});
  size_t num_present = 0;
  for (size_t i = 0; i < num_columns; ++i) num_present += BitSet(present, i);

  Cursor cursor(rows_);
  // One NULL bit per column that is present, not per column of the table.
  const auto nulls = cursor.Take((num_present + 7) / 8);
  if (!nulls) return std::unexpected(nulls.error());
  size_t bit = 0;
  for (size_t i = 0; i < num_columns; ++i) {
    if (!BitSet(present, i)) continue;
    LoggedValue& value = (*image)[i];
    if (BitSet(*nulls, bit++)) {
      value.state = LoggedValue::State::kNull;
      continue;
    }
    const LoggedColumn& column = map_->columns[i];
    size_t length = column.length;
    if (column.length_bytes != 0) {
      const auto read = cursor.Integer(column.length_bytes);
      if (!read) return std::unexpected(read.error());
      if (*read > column.length) return Corrupt("value longer than its column");
      length = *read;
    }
    const auto bytes = cursor.Take(length);
    if (!bytes) return std::unexpected(bytes.error());
    value.state = LoggedValue::State::kPresent;
    value.bytes = *bytes;
  }
  rows_ = cursor.rest();
  return {};
}

}  // namespace sirocco::plugin
