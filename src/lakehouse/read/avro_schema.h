// The schema of an Avro file: the columns of its top-level record, and what is needed to step over
// the rest. Threads: immutable after parsing. Errors: kMysql 6071 (too deep), 6085 (names), 6103
// (no record, malformed).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace sirocco::lakehouse {

struct AvroType {
  enum class Kind : uint8_t {
    kNull,
    kBoolean,
    kInt,
    kLong,
    kFloat,
    kDouble,
    kBytes,
    kString,
    kFixed,
    kEnum,
    kArray,
    kMap,
    kRecord,
    kUnion
  };
  enum class Logical : uint8_t {
    kNone,
    kDecimal,
    kDate,
    kTimeMillis,
    kTimeMicros,
    kTimestampMillis,
    kTimestampMicros,
    kLocalMillis,
    kLocalMicros
  };
  Kind kind = Kind::kNull;
  Logical logical = Logical::kNone;
  int precision = 0, scale = 0;
  uint64_t fixed_size = 0;
  std::vector<std::string> symbols;  // kEnum
  std::vector<std::shared_ptr<const AvroType>>
      parts;               // of arrays and maps one, of records and unions all
  bool recursive = false;  // a name used inside its own definition
};

struct AvroField {
  std::string name;
  std::shared_ptr<const AvroType> type;
};

Result<std::vector<AvroField>> ParseAvroSchema(std::string_view json, std::string_view shown);

// "int", "bytes decimal": for messages.
std::string AvroTypeName(const AvroType& type);

}  // namespace sirocco::lakehouse
