// Collects the output rows of one worker's operator until a batch is worth passing on.
//
// Operators that drop rows would otherwise hand tiny batches up and every later kernel would pay
// its fixed cost for a few rows. Rows are copied in; strings are not (only their references), so
// with a string column the collected rows must be emitted before the operator returns: `must_flush`
// says so.
#pragma once

#include <vector>

#include "common/error.h"
#include "engine/exec/pipeline.h"
#include "engine/vector/vector.h"

namespace sirocco::engine {

class BatchBuilder {
 public:
  explicit BatchBuilder(const BatchLayout& layout);

  uint32_t count() const { return count_; }
  uint32_t room() const { return kVectorSize - count_; }
  bool must_flush() const { return has_strings_; }

  // Copies rows rows[0..n) of `in` to column `column` behind the rows collected so far; n <=
  // room().
  void Gather(size_t column, const Vector& in, const uint16_t* rows, uint32_t n);
  // Where n values of `column` go: a flat vector and the offset of its first free row. With `nulls`
  // the null bytes are there and the caller writes all n of them.
  Vector Target(size_t column, bool nulls);
  // After all columns have got their n rows.
  void Advance(uint32_t n) { count_ += n; }

  // Emits if the batch is well filled, or in any case if `all`.
  Result<void> Emit(BatchConsumer* next, bool all);

 private:
  struct Column {
    VectorBuffer buffer;
    uint8_t* nulls = nullptr;  // null bytes in use for the current batch
  };
  BatchLayout layout_;
  std::vector<Column> columns_;
  Batch batch_;
  uint32_t count_ = 0;
  bool has_strings_ = false;
};

}  // namespace sirocco::engine
