// Makes segments from plain values. Chooses the narrowest exact encoding of the class.
// Threads: pure functions; the pool is the only thing shared. Errors: kOutOfMemory.
#pragma once

#include <cstdint>
#include <span>

#include "common/error.h"
#include "engine/memory/memory_pool.h"
#include "engine/storage/segment.h"

namespace sirocco::engine {

// `nulls` below: one byte per row, 0 or 1; nullptr or all zero: none.

// Frame of reference over 64-bit values; `values` of NULL rows are overwritten. The stored numbers
// are divided by their common factor where that makes them narrower.
Result<Segment> EncodeIntegers(MemoryPool* pool, int64_t* values, const uint8_t* nulls,
                               uint32_t num_rows, bool is_unsigned);
// Dictionary codes; codes of NULL rows are overwritten.
Result<Segment> EncodeCodes(MemoryPool* pool, uint32_t* codes, const uint8_t* nulls,
                            uint32_t num_rows);
// kInteger if all values fit int64_t, else kInt128. Values of NULL rows are overwritten.
Result<Segment> EncodeInt128(MemoryPool* pool, int128* values, const uint8_t* nulls,
                             uint32_t num_rows);
Result<Segment> EncodeDoubles(MemoryPool* pool, double* values, const uint8_t* nulls,
                              uint32_t num_rows);
// offsets[num_rows + 1] into `bytes`, offsets[0] == 0. NULL rows must be empty.
Result<Segment> EncodeStrings(MemoryPool* pool, const uint32_t* offsets, const char* bytes,
                              const uint8_t* nulls, uint32_t num_rows);

}  // namespace sirocco::engine
