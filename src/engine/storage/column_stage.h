// Rows of one column that a loading thread has received but not yet sealed into a segment, and the
// thread's provisional dictionary.
//
// A string column starts as provisional codes in order of arrival. Once its distinct values turn
// out too many the stage gives the dictionary up: later chunks are string heaps, and the owner
// converts the earlier ones with CodesToHeap. Not thread safe. All memory is charged to the pool.
#pragma once

#include <cstdint>
#include <memory>

#include "common/error.h"
#include "engine/memory/aligned_buffer.h"
#include "engine/storage/segment.h"
#include "engine/storage/string_interner.h"
#include "engine/storage/table_builder.h"
#include "plan/table_schema.h"

namespace sirocco::engine {

// A dictionary is kept up to this many values and up to a quarter of the rows. Tables with few
// values always get one: sorting 16 k strings costs some milliseconds once, and joins, groups and
// filters on codes save more than that.
inline constexpr uint64_t kMaxDictionarySize = 1 << 20;
inline constexpr uint64_t kAlwaysDictionarySize = 16384;
// The most distinct values a column of `num_rows` rows may have to keep its dictionary.
uint64_t DictionaryLimit(plan::EncodingHint hint, uint64_t num_rows);

class ColumnStage {
 public:
  ColumnStage(const plan::ColumnSchema& schema, MemoryPool* pool);

  // Copies rows [from, from + count) of `column`.
  Result<void> Append(const LoadColumn& column, uint32_t from, uint32_t count);
  // Bytes the rows would add to a string heap; 0 for other lanes.
  size_t HeapBytes(const LoadColumn& column, uint32_t from, uint32_t count) const {
    return lane_ == Lane::kStr ? column.offsets[from + count] - column.offsets[from] : 0;
  }
  size_t staged_heap_bytes() const { return staged_bytes_; }

  // Encodes the staged rows and forgets them. Strings give provisional codes (EncodeCodes) while
  // interner() is set, else a heap.
  Result<Segment> Seal();
  // Whether the provisional dictionary should be given up after `num_rows` rows of this thread.
  bool ShouldGiveUpDictionary(uint64_t num_rows) const;
  void GiveUpDictionary() { interner_.reset(); }
  // Returns all memory but the dictionary's; nothing may be appended any more.
  void FreeStaging() {
    values_ = AlignedBuffer(), heap_ = AlignedBuffer(), nulls_ = AlignedBuffer();
  }

  // Null for other lanes and after giving up.
  const StringInterner* interner() const { return interner_.get(); }
  Lane lane() const { return lane_; }

 private:
  Result<void> AppendNulls(const uint8_t* nulls, uint32_t count);
  Result<void> AppendStrings(const LoadColumn& column, uint32_t from, uint32_t count);

  Lane lane_;
  bool is_unsigned_;
  plan::EncodingHint hint_;
  MemoryPool* pool_;
  uint32_t num_rows_ = 0;
  size_t staged_bytes_ = 0;  // strings received since the last seal, whatever the encoding
  bool has_nulls_ = false;
  AlignedBuffer values_;  // fixed lanes: values; dictionary: uint32_t codes; heap: uint32_t
                          // offsets, one more than rows
  AlignedBuffer heap_, nulls_;
  std::unique_ptr<StringInterner> interner_;
};

// The strings that the codes of `segment` stand for, as a heap. values[code] is the string.
Result<Segment> CodesToHeap(MemoryPool* pool, const Segment& segment, const StringRef* values);
// The segment with every code replaced by remap[code].
Result<Segment> RemapCodes(MemoryPool* pool, const Segment& segment, const uint32_t* remap);

}  // namespace sirocco::engine
