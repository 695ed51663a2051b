// What a Parquet column holds, apart from how it is stored: decided once per column from physical
// and logical type.
#pragma once

#include <parquet/schema.h>

#include <cstdint>
#include <string>

#include "lakehouse/read/column_target.h"

namespace sirocco::lakehouse {

enum class ParquetKind : uint8_t {
  kBool,
  kInt,     // INT32 and INT64 of any signed width
  kUInt32,  // unsigned up to 32 bits, in INT32
  kUInt64,
  kFloat,
  kDouble,
  kFloat16,
  kDecimal,    // in INT32, INT64, BYTE_ARRAY or FIXED_LEN_BYTE_ARRAY
  kDate,       // days since 1970
  kTime,       // since midnight, in `units_per_second`
  kTimestamp,  // since 1970, in `units_per_second`
  kInt96,      // Julian day and nanoseconds
  kText,       // STRING, ENUM, JSON
  kBinary,     // no logical type, BSON
  kUuid,
  kUnknown,
};

struct ParquetLeaf {
  ParquetKind kind = ParquetKind::kUnknown;
  parquet::Type::type physical = parquet::Type::UNDEFINED;
  int32_t fixed_size = 0;            // FIXED_LEN_BYTE_ARRAY
  int32_t precision = 0, scale = 0;  // kDecimal
  int64_t units_per_second = 1;      // kTime, kTimestamp
  bool utc = false;                  // kTimestamp: isAdjustedToUTC
  int16_t max_definition = 0, max_repetition = 0;
  // Definition level from which an element of a list is there (it may be NULL), and from which the
  // list is there.
  int16_t element_level = 0, list_level = 0;
  bool is_list = false;
};

// `leaf` belongs to a top-level column `node`. kind is kUnknown for what cannot be loaded
// (`*reason` says why).
ParquetLeaf DescribeLeaf(const parquet::ColumnDescriptor& leaf, const parquet::schema::Node& node,
                         std::string* reason);

// Whether values of `leaf` can be stored in `target`.
bool FitsTarget(const ParquetLeaf& leaf, const ColumnTarget& target);

}  // namespace sirocco::lakehouse
