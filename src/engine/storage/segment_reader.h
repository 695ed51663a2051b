// Delivers rows of one column of a chunk as vectors, in the lane of the snapshot.
//
// Two ways, for one batch at a time: Dense shows a whole range of rows, without copying where the
// encoding is the lane's own form; Append packs chosen rows behind those already appended. Not
// thread safe; one per worker and output column.
#pragma once

#include <cstdint>

#include "engine/storage/chunk.h"
#include "engine/storage/table.h"
#include "engine/vector/vector.h"

namespace sirocco::engine {

class SegmentReader {
 public:
  SegmentReader(Lane lane, const Dictionary* dictionary)
      : lane_(lane), dictionary_(dictionary), buffer_(lane) {}

  // Turns to another chunk's segment; nothing is appended yet.
  void Open(const Segment* segment);
  // Rows [first_row, first_row + count); first_row is a multiple of kVectorSize. Valid until the
  // next call.
  Vector Dense(uint32_t first_row, uint32_t count);
  // Appends rows first_row + rows[0..count) of the vector that begins at first_row.
  void Append(uint32_t first_row, const uint16_t* rows, uint32_t count);
  // Whether AppendMask can be used for the open segment: it packs without a list of rows, which is
  // faster where most rows stay.
  bool takes_mask() const { return takes_mask_; }
  // Appends the `alive` rows of [first_row, first_row + count) whose bits are set.
  void AppendMask(uint32_t first_row, const uint64_t* mask, uint32_t count, uint32_t alive);
  // The appended rows as a vector, valid until the next call; the next Append starts anew.
  Vector Take();

 private:
  Vector Constant();
  void AppendValues(uint32_t first_row, const uint16_t* rows, uint32_t count);

  Lane lane_;
  const Dictionary* dictionary_;
  const Segment* segment_ = nullptr;
  VectorBuffer buffer_;
  bool constant_ = false;  // one value (or NULL) for the whole segment
  uint8_t constant_null_ = 0;
  bool takes_mask_ = false;
  bool any_null_ = false;  // among the appended rows
  uint32_t count_ = 0;
};

// Values of single rows, for samples: writes the value of `row` to position `at` of `out` (flat, in
// `lane`, with null bytes).
void ReadRow(const Segment& segment, uint32_t row, const Vector& out, uint32_t at);

}  // namespace sirocco::engine
