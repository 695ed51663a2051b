// Puts one value of a result batch into a Field of the server's record buffer, as if the server had
// computed it.
#pragma once

#include "plan/type.h"
#include "wire/column_batch.h"

class Field;
struct CHARSET_INFO;

namespace sirocco::plugin {

// Writes the values of one result column into one Field. Chooses the way once: the record's bytes
// directly where the types agree, the Field's own conversion otherwise.
class FieldWriter {
 public:
  FieldWriter(Field* field, const plan::Type& type);

  // False if the server raised an error (out of memory) or a NULL meets a NOT NULL field.
  bool Write(const wire::ColumnBatchView::Column& column, uint32_t row) const;

  Field* field() const { return field_; }
  const plan::Type& type() const { return type_; }

 private:
  enum class Way : uint8_t {
    kNull,
    kInteger,
    kReal,
    kYear,
    kEnum,
    kPackedDecimal64,
    kPackedDecimal128,
    kDecimalText,
    kDate,
    kDatetime,
    kTime,
    kTimestamp,
    kTemporalByConversion,
    kVarchar,
    kString,
    kJson,
  };
  bool WriteDecimalText(const wire::ColumnBatchView::Column& column, uint32_t row) const;
  bool WriteTemporal(int64_t value) const;
  bool WriteVarchar(std::string_view value) const;

  Field* field_;
  plan::Type type_;
  Way way_ = Way::kNull;
  bool is_unsigned_ = false;
  const CHARSET_INFO* charset_ = nullptr;  // of string values
};

}  // namespace sirocco::plugin
