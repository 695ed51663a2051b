// Column and expression types of a plan: MySQL's types as far as execution needs them, and the few physical lanes
// that carry their values.
//
// Value representation by kind (lane in brackets), the same in plans, on the wire and in the engine:
//   kInt       signed integers of every width, booleans                                    [kI64]
//   kUInt      unsigned integers; the 64 bits are to be read as uint64_t                   [kI64]
//   kYear      0 or 1901..2155                                                             [kI64]
//   kBit       BIT(n) as uint64_t                                                          [kI64]
//   kEnum      index, 0 = the empty error value; names are in ColumnSchema::members        [kI64]
//   kSet       bitmap                                                                      [kI64]
//   kDate      day + 32*month + 512*year (the 3-byte storage form); ordered; may be a zero or partial date  [kI64]
//   kDatetime  MySQL's packed longlong (TIME_to_longlong_datetime_packed)                  [kI64]
//   kTime      MySQL's packed longlong (TIME_to_longlong_time_packed), signed              [kI64]
//   kTimestamp microseconds since 1970-01-01 00:00:00 UTC; 0 is the zero timestamp         [kI64]
//   kDecimal   value * 10^scale; precision <= 18                                           [kI64]
//              precision 19..38                                                            [kI128]
//              precision 39..65: MySQL's packed binary decimal of (precision, scale)       [kStr]
//   kDouble, kFloat (a float widened)                                                      [kF64]
//   kString    bytes in the type's collation; collation 63 is binary                       [kStr]
//   kJson      MySQL's binary JSON; kVector the packed floats                              [kStr]
//   kNull      the type of a bare NULL                                                     [kI64]
// CHAR(n) values are stored without their trailing pad spaces, as MySQL returns them.
#pragma once

#include <cstdint>
#include <string>

namespace sirocco::plan {

enum class TypeKind : uint8_t {
  kNull = 0,
  kInt,
  kUInt,
  kYear,
  kBit,
  kEnum,
  kSet,
  kDate,
  kTime,
  kDatetime,
  kTimestamp,
  kDecimal,
  kDouble,
  kFloat,
  kString,
  kJson,
  kVector,
};
inline constexpr uint8_t kNumTypeKinds = 17;

// How the values of one column are laid out in memory and on the wire.
enum class Lane : uint8_t {
  kI64 = 0,
  kI128,
  kF64,
  kStr,
  kCode,  // uint32_t codes of a dictionary; inside the engine only, never on the wire
};

inline constexpr uint32_t kBinaryCollation = 63;

struct Type {
  TypeKind kind = TypeKind::kNull;
  bool nullable = true;
  uint8_t precision = 0;        // kDecimal: total digits, 1..65
  uint8_t scale = 0;            // kDecimal: digits after the point; kTime, kDatetime, kTimestamp: fraction digits 0..6
  uint32_t collation = 0;       // kString, kEnum, kSet: MySQL collation id
  uint32_t max_length = 0;      // kString, kJson, kVector: bytes; kBit: bits; integers: unused

  bool operator==(const Type&) const = default;

  bool IsString() const { return kind == TypeKind::kString; }
  bool IsInteger() const { return kind == TypeKind::kInt || kind == TypeKind::kUInt; }
  bool IsUnsigned() const {
    return kind == TypeKind::kUInt || kind == TypeKind::kBit || kind == TypeKind::kSet ||
           kind == TypeKind::kEnum || kind == TypeKind::kYear;
  }
  bool IsTemporal() const { return kind >= TypeKind::kDate && kind <= TypeKind::kTimestamp; }
  bool IsReal() const { return kind == TypeKind::kDouble || kind == TypeKind::kFloat; }
};

// The lane that carries values of `type` on the wire and in storage.
Lane LaneOf(const Type& type);

// "DECIMAL(15,2) NOT NULL", "VARCHAR(25) COLLATE 255", for plan text and messages.
std::string TypeName(const Type& type);

// Constructors for the common cases.
inline Type IntType(bool nullable = true) { return {.kind = TypeKind::kInt, .nullable = nullable}; }
inline Type UIntType(bool nullable = true) { return {.kind = TypeKind::kUInt, .nullable = nullable}; }
inline Type DoubleType(bool nullable = true) { return {.kind = TypeKind::kDouble, .nullable = nullable}; }
inline Type DateType(bool nullable = true) { return {.kind = TypeKind::kDate, .nullable = nullable}; }
inline Type DatetimeType(uint8_t fraction = 0, bool nullable = true) {
  return {.kind = TypeKind::kDatetime, .nullable = nullable, .scale = fraction};
}
inline Type DecimalType(uint8_t precision, uint8_t scale, bool nullable = true) {
  return {.kind = TypeKind::kDecimal, .nullable = nullable, .precision = precision, .scale = scale};
}
inline Type StringType(uint32_t collation, uint32_t max_bytes, bool nullable = true) {
  return {.kind = TypeKind::kString, .nullable = nullable, .collation = collation, .max_length = max_bytes};
}

}  // namespace sirocco::plan
