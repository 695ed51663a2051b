#include "plan/type.h"

namespace sirocco::plan {

Lane LaneOf(const Type& type) {
  switch (type.kind) {
    case TypeKind::kDecimal:
      if (type.precision <= 18) return Lane::kI64;
      return type.precision <= 38 ? Lane::kI128 : Lane::kStr;
    case TypeKind::kDouble:
    case TypeKind::kFloat: return Lane::kF64;
    case TypeKind::kString:
    case TypeKind::kJson:
    case TypeKind::kVector: return Lane::kStr;
    default: return Lane::kI64;
  }
}

namespace {

std::string WithNumber(const char* name, uint32_t number) {
  return std::string(name) + "(" + std::to_string(number) + ")";
}

std::string WithFraction(const char* name, uint8_t digits) {
  return digits == 0 ? std::string(name) : WithNumber(name, digits);
}

std::string BaseName(const Type& type) {
  switch (type.kind) {
    case TypeKind::kNull: return "NULL";
    case TypeKind::kInt: return "BIGINT";
    case TypeKind::kUInt: return "BIGINT UNSIGNED";
    case TypeKind::kYear: return "YEAR";
    case TypeKind::kBit: return WithNumber("BIT", type.max_length);
    case TypeKind::kEnum: return "ENUM";
    case TypeKind::kSet: return "SET";
    case TypeKind::kDate: return "DATE";
    case TypeKind::kTime: return WithFraction("TIME", type.scale);
    case TypeKind::kDatetime: return WithFraction("DATETIME", type.scale);
    case TypeKind::kTimestamp: return WithFraction("TIMESTAMP", type.scale);
    case TypeKind::kDecimal:
      return "DECIMAL(" + std::to_string(type.precision) + "," + std::to_string(type.scale) + ")";
    case TypeKind::kDouble: return "DOUBLE";
    case TypeKind::kFloat: return "FLOAT";
    case TypeKind::kString:
      return WithNumber(type.collation == kBinaryCollation ? "VARBINARY" : "VARCHAR", type.max_length);
    case TypeKind::kJson: return "JSON";
    case TypeKind::kVector: return WithNumber("VECTOR", type.max_length / 4);
  }
  return "unknown type";
}

}  // namespace

std::string TypeName(const Type& type) {
  std::string name = BaseName(type);
  const bool has_collation =
      (type.kind == TypeKind::kString && type.collation != kBinaryCollation) ||
      type.kind == TypeKind::kEnum || type.kind == TypeKind::kSet;
  if (has_collation) name += " COLLATE " + std::to_string(type.collation);
  if (!type.nullable) name += " NOT NULL";
  return name;
}

}  // namespace sirocco::plan
