// The items handed to Query_result::send_data: one per result column.
#pragma once

#include <cstdint>

#include "plan/type.h"
#include "plugin/result/field_writer.h"
#include "sql/item.h"
#include "wire/column_batch.h"

namespace sirocco::plugin {

// The row being sent.
struct RowCursor {
  const wire::ColumnBatchView* batch = nullptr;
  uint32_t row = 0;
  // True: consumers other than the client protocol will read the items, so fields are filled for
  // every row.
  bool fill_fields = true;
};

// An Item_field over the record buffer whose send() takes the value straight from the batch: most
// results go to a client, and a detour through the record costs more than everything else in the
// plugin.
class ResultItem final : public Item_field {
 public:
  // `source` is the select item: its type is what the client was told, which may differ from the
  // field's.
  ResultItem(Field* field, const plan::Type& type, uint32_t column, const RowCursor* cursor,
             const Item* source, bool text_protocol);

  // False: an error (a NULL in a NOT NULL column, out of memory).
  bool FillField() const { return writer_.Write(cursor_->batch->columns()[column_], cursor_->row); }
  bool send(Protocol* protocol, String* buffer) override;

 private:
  enum class Way : uint8_t {
    kField,
    kTiny,
    kShort,
    kLong,
    kLonglong,
    kFloat,
    kDouble,
    kDecimal,
    kDate,
    kDatetime,
    kTime,
    kString
  };
  bool SendDecimal(Protocol* protocol, const char* text, size_t size) const;
  static Way ChooseWay(const Field* field, const plan::Type& type, const Item* source,
                       bool text_protocol);

  FieldWriter writer_;
  const RowCursor* cursor_;
  const CHARSET_INFO* charset_ = nullptr;
  uint32_t column_;
  uint32_t decimals_;
  uint32_t zerofill_;  // width to fill with leading zeros; 0: none
  Way way_;
  bool is_unsigned_;
};

}  // namespace sirocco::plugin
