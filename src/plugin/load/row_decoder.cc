#include "plugin/load/row_decoder.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "mysqlsem/temporal.h"
#include "sql/field.h"
#include "sql/table.h"

namespace sirocco::plugin {
namespace {

using plan::TypeKind;

// Rows per block: 256 rows of a 400-byte record are 100 KB, so all columns of a block are read from
// L2.
constexpr size_t kBlockRows = 256;

template <typename T>
T Load(const uint8_t* p) {
  T value;
  std::memcpy(&value, p, sizeof(T));
  return value;
}

// Calls `read(value pointer)` for the rows that are not NULL and stores what it returns; marks and
// zeroes the others.
template <typename T, typename Read>
inline void ForEachValue(const ColumnSource& source, const uint8_t* rows, size_t num_rows,
                         size_t stride, uint32_t first_row, ColumnBuffer* out, Read read) {
  T* values = reinterpret_cast<T*>(out->values.get()) + first_row;
  if (source.null_mask == 0) {
    const uint8_t* p = rows + source.offset;
    for (size_t i = 0; i < num_rows; ++i, p += stride) values[i] = read(p);
    return;
  }
  uint8_t* nulls = out->nulls.get() + first_row;
  uint8_t any = 0;
  for (size_t i = 0; i < num_rows; ++i) {
    const uint8_t* row = rows + i * stride;
    const bool is_null = (row[source.null_offset] & source.null_mask) != 0;
    nulls[i] = is_null;
    any |= is_null;
    values[i] = is_null ? T{0} : read(row + source.offset);
  }
  out->has_nulls |= any != 0;
}

template <typename T>
void DecodeInteger(const ColumnSource& source, const uint8_t* rows, size_t n, size_t stride,
                   uint32_t first, ColumnBuffer* out) {
  ForEachValue<int64_t>(source, rows, n, stride, first, out,
                        [](const uint8_t* p) { return static_cast<int64_t>(Load<T>(p)); });
}

void DecodeInt24(const ColumnSource& source, const uint8_t* rows, size_t n, size_t stride,
                 uint32_t first, ColumnBuffer* out) {
  ForEachValue<int64_t>(source, rows, n, stride, first, out, [](const uint8_t* p) {
    const uint32_t bits = p[0] | p[1] << 8 | p[2] << 16;
    return static_cast<int64_t>(static_cast<int32_t>(bits << 8) >> 8);
  });
}

// MEDIUMINT UNSIGNED and DATE, whose three bytes are the packed date.
void DecodeUint24(const ColumnSource& source, const uint8_t* rows, size_t n, size_t stride,
                  uint32_t first, ColumnBuffer* out) {
  ForEachValue<int64_t>(source, rows, n, stride, first, out,
                        [](const uint8_t* p) { return int64_t{p[0] | p[1] << 8 | p[2] << 16}; });
}

// SET of 1..8 bytes, little-endian.
void DecodeLittleEndian(const ColumnSource& source, const uint8_t* rows, size_t n, size_t stride,
                        uint32_t first, ColumnBuffer* out) {
  ForEachValue<int64_t>(source, rows, n, stride, first, out, [&](const uint8_t* p) {
    uint64_t value = 0;
    std::memcpy(&value, p, source.length);
    return static_cast<int64_t>(value);
  });
}

void DecodeYear(const ColumnSource& source, const uint8_t* rows, size_t n, size_t stride,
                uint32_t first, ColumnBuffer* out) {
  ForEachValue<int64_t>(source, rows, n, stride, first, out,
                        [](const uint8_t* p) { return int64_t{*p == 0 ? 0 : 1900 + *p}; });
}

template <typename T>
void DecodeReal(const ColumnSource& source, const uint8_t* rows, size_t n, size_t stride,
                uint32_t first, ColumnBuffer* out) {
  ForEachValue<double>(source, rows, n, stride, first, out,
                       [](const uint8_t* p) { return static_cast<double>(Load<T>(p)); });
}

void DecodeDecimal64(const ColumnSource& source, const uint8_t* rows, size_t n, size_t stride,
                     uint32_t first, ColumnBuffer* out) {
  const mysqlsem::PackedDecimalDecoder& decoder = source.decimal.front();
  ForEachValue<int64_t>(source, rows, n, stride, first, out,
                        [&](const uint8_t* p) { return decoder.DecodeInt64(p); });
}

void DecodeDecimal128(const ColumnSource& source, const uint8_t* rows, size_t n, size_t stride,
                      uint32_t first, ColumnBuffer* out) {
  const mysqlsem::PackedDecimalDecoder& decoder = source.decimal.front();
  ForEachValue<__int128>(source, rows, n, stride, first, out,
                         [&](const uint8_t* p) { return decoder.DecodeInt128(p); });
}

void DecodeDatetime(const ColumnSource& source, const uint8_t* rows, size_t n, size_t stride,
                    uint32_t first, ColumnBuffer* out) {
  ForEachValue<int64_t>(source, rows, n, stride, first, out, [&](const uint8_t* p) {
    return mysqlsem::DecodeDatetime2(p, source.decimals);
  });
}

void DecodeTimestamp(const ColumnSource& source, const uint8_t* rows, size_t n, size_t stride,
                     uint32_t first, ColumnBuffer* out) {
  ForEachValue<int64_t>(source, rows, n, stride, first, out, [&](const uint8_t* p) {
    return mysqlsem::DecodeTimestamp2(p, source.decimals);
  });
}

void DecodeTime(const ColumnSource& source, const uint8_t* rows, size_t n, size_t stride,
                uint32_t first, ColumnBuffer* out) {
  ForEachValue<int64_t>(source, rows, n, stride, first, out, [&](const uint8_t* p) {
    return mysqlsem::DecodeTime2(p, source.decimals);
  });
}

// BIT: whole bytes big-endian; with bit_count, the highest bits are among the record's null bits.
void DecodeBit(const ColumnSource& source, const uint8_t* rows, size_t n, size_t stride,
               uint32_t first, ColumnBuffer* out) {
  ForEachValue<int64_t>(source, rows, n, stride, first, out, [&](const uint8_t* p) {
    uint64_t value = 0;
    if (source.bit_count != 0) {
      const uint8_t* bits = p - source.offset + source.bit_offset;
      uint32_t word = bits[0];
      if (source.bit_shift + source.bit_count > 8) word |= bits[1] << 8;
      value = word >> source.bit_shift & ((1u << source.bit_count) - 1);
    }
    for (uint32_t i = 0; i < source.length; ++i) value = value << 8 | p[i];
    return static_cast<int64_t>(value);
  });
}

// Appends what `read(value pointer)` gives as (data, size) for the rows that are not NULL.
template <typename Read>
inline void ForEachString(const ColumnSource& source, const uint8_t* rows, size_t num_rows,
                          size_t stride, uint32_t first_row, ColumnBuffer* out, Read read) {
  uint32_t* offsets = out->offsets.data() + first_row + 1;
  uint8_t* nulls = out->nulls.get() + first_row;
  for (size_t i = 0; i < num_rows; ++i) {
    const uint8_t* row = rows + i * stride;
    if (source.null_mask != 0 && (row[source.null_offset] & source.null_mask) != 0) {
      nulls[i] = 1;
      out->has_nulls = true;
    } else {
      const auto [data, size] = read(row + source.offset);
      if (size != 0) {
        std::memcpy(out->Reserve(size), data, size);
        out->bytes_used += size;
      }
    }
    offsets[i] = static_cast<uint32_t>(out->bytes_used);
  }
}

using Bytes = std::pair<const uint8_t*, size_t>;

template <typename Length>
void DecodeVarchar(const ColumnSource& source, const uint8_t* rows, size_t n, size_t stride,
                   uint32_t first, ColumnBuffer* out) {
  ForEachString(source, rows, n, stride, first, out, [](const uint8_t* p) {
    return Bytes{p + sizeof(Length), Load<Length>(p)};
  });
}

void DecodeBinary(const ColumnSource& source, const uint8_t* rows, size_t n, size_t stride,
                  uint32_t first, ColumnBuffer* out) {
  ForEachString(source, rows, n, stride, first, out, [&](const uint8_t* p) {
    return Bytes{p, source.length};
  });
}

void DecodeChar(const ColumnSource& source, const uint8_t* rows, size_t n, size_t stride,
                uint32_t first, ColumnBuffer* out) {
  ForEachString(source, rows, n, stride, first, out, [&](const uint8_t* p) {
    size_t size = source.length;
    while (size != 0 && p[size - 1] == ' ') --size;
    return Bytes{p, size};
  });
}

void DecodeWideChar(const ColumnSource& source, const uint8_t* rows, size_t n, size_t stride,
                    uint32_t first, ColumnBuffer* out) {
  ForEachString(source, rows, n, stride, first, out, [&](const uint8_t* p) {
    return Bytes{p, source.charset->cset->lengthsp(source.charset, reinterpret_cast<const char*>(p),
                                                   source.length)};
  });
}

// BLOB, TEXT, JSON, VECTOR: a little-endian length and a pointer.
void DecodeBlob(const ColumnSource& source, const uint8_t* rows, size_t n, size_t stride,
                uint32_t first, ColumnBuffer* out) {
  ForEachString(source, rows, n, stride, first, out, [&](const uint8_t* p) {
    uint32_t size = 0;
    std::memcpy(&size, p, source.length_bytes);
    return Bytes{Load<const uint8_t*>(p + source.length_bytes), size};
  });
}

// DECIMAL of more than 38 digits travels in its packed form.
void DecodeWideDecimal(const ColumnSource& source, const uint8_t* rows, size_t n, size_t stride,
                       uint32_t first, ColumnBuffer* out) {
  DecodeBinary(source, rows, n, stride, first, out);
}

static_assert(std::endian::native == std::endian::little,
              "integers are copied from the record as they are");

ColumnSource::Decode IntegerDecoder(enum_field_types type, bool is_unsigned) {
  switch (type) {
    case MYSQL_TYPE_TINY:
      return is_unsigned ? DecodeInteger<uint8_t> : DecodeInteger<int8_t>;
    case MYSQL_TYPE_SHORT:
      return is_unsigned ? DecodeInteger<uint16_t> : DecodeInteger<int16_t>;
    case MYSQL_TYPE_INT24:
      return is_unsigned ? DecodeUint24 : DecodeInt24;
    case MYSQL_TYPE_LONG:
      return is_unsigned ? DecodeInteger<uint32_t> : DecodeInteger<int32_t>;
    default:
      return DecodeInteger<int64_t>;
  }
}

// Sets source->decode; false for a type that is not loaded.
bool ChooseDecoder(Field* field, const plan::Type& type, ColumnSource* source) {
  switch (field->real_type()) {
    case MYSQL_TYPE_TINY:
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_LONGLONG:
      source->decode = IntegerDecoder(field->real_type(), field->is_unsigned());
      return true;
    case MYSQL_TYPE_FLOAT:
      source->decode = DecodeReal<float>;
      return true;
    case MYSQL_TYPE_DOUBLE:
      source->decode = DecodeReal<double>;
      return true;
    case MYSQL_TYPE_NEWDECIMAL:
      source->length = mysqlsem::PackedDecimalSize(type.precision, type.scale);
      if (type.precision > 38) {
        source->decode = DecodeWideDecimal;
      } else {
        source->decimal.emplace_back(type.precision, type.scale);
        source->decode = type.precision > 18 ? DecodeDecimal128 : DecodeDecimal64;
      }
      return true;
    case MYSQL_TYPE_NEWDATE:
      source->decode = DecodeUint24;
      return true;
    case MYSQL_TYPE_TIME2:
      source->decode = DecodeTime;
      return true;
    case MYSQL_TYPE_DATETIME2:
      source->decode = DecodeDatetime;
      return true;
    case MYSQL_TYPE_TIMESTAMP2:
      source->decode = DecodeTimestamp;
      return true;
    case MYSQL_TYPE_YEAR:
      source->decode = DecodeYear;
      return true;
    case MYSQL_TYPE_BIT: {
      auto* bit = static_cast<Field_bit*>(field);
      source->length = bit->bytes_in_rec;
      // Field_bit_as_char, which InnoDB uses, keeps all bits in whole bytes.
      if (bit->bit_len != 0 && bit->bit_ptr != nullptr) {
        source->bit_offset = static_cast<uint32_t>(bit->bit_ptr - field->table->record[0]);
        source->bit_shift = bit->bit_ofs;
        source->bit_count = static_cast<uint8_t>(bit->bit_len);
      }
      source->decode = DecodeBit;
      return true;
    }
    case MYSQL_TYPE_ENUM:
      source->decode = field->pack_length() == 1 ? DecodeInteger<uint8_t> : DecodeInteger<uint16_t>;
      return true;
    case MYSQL_TYPE_SET:
      source->length = field->pack_length();
      source->decode = DecodeLittleEndian;
      return true;
    case MYSQL_TYPE_STRING:
      source->length = field->field_length;
      source->charset = field->charset();
      if (source->charset == &my_charset_bin)
        source->decode = DecodeBinary;
      else
        source->decode = source->charset->mbminlen == 1 ? DecodeChar : DecodeWideChar;
      return true;
    case MYSQL_TYPE_VARCHAR:
      source->decode =
          field->get_length_bytes() == 1 ? DecodeVarchar<uint8_t> : DecodeVarchar<uint16_t>;
      return true;
    case MYSQL_TYPE_TINY_BLOB:
    case MYSQL_TYPE_MEDIUM_BLOB:
    case MYSQL_TYPE_LONG_BLOB:
    case MYSQL_TYPE_BLOB:
    case MYSQL_TYPE_JSON:
    case MYSQL_TYPE_VECTOR:
      source->length_bytes = static_cast<uint8_t>(field->pack_length() - portable_sizeof_char_ptr);
      source->decode = DecodeBlob;
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<RowDecoder> RowDecoder::Create(const TABLE& table, const plan::TableSchema& schema) {
  RowDecoder decoder;
  for (const plan::ColumnSchema& column : schema.columns) {
    Field* field = table.field[column.field_index];
    ColumnSource source;
    source.offset = static_cast<uint32_t>(field->offset(table.record[0]));
    if (field->is_nullable()) {
      source.null_offset = static_cast<uint32_t>(field->null_offset(table.record[0]));
      source.null_mask = field->null_bit;
    }
    source.decimals = column.type.scale;
    if (!ChooseDecoder(field, column.type, &source))
      return NotSupported("column " + column.name + " has a type that RAPID does not load");
    decoder.has_strings_ |= plan::LaneOf(column.type) == plan::Lane::kStr;
    decoder.sources_.push_back(std::move(source));
  }
  return decoder;
}

size_t RowDecoder::Append(const uint8_t* rows, size_t num_rows, size_t stride,
                          LoadBatch* batch) const {
  size_t taken = 0;
  while (taken < num_rows && batch->num_rows < kLoadBatchRows) {
    if (has_strings_ && batch->StringBytes() >= kLoadBatchBytes) break;
    const size_t block =
        std::min({num_rows - taken, kBlockRows, size_t{kLoadBatchRows - batch->num_rows}});
    for (size_t c = 0; c < sources_.size(); ++c)
      sources_[c].decode(sources_[c], rows + taken * stride, block, stride, batch->num_rows,
                         &batch->columns[c]);
    batch->num_rows += static_cast<uint32_t>(block);
    taken += block;
  }
  return taken;
}

}  // namespace sirocco::plugin
