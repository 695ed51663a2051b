#include "lakehouse/read/column_target.h"

namespace sirocco::lakehouse {

using plan::TypeKind;

std::string TargetTypeName(const ColumnTarget& target) {
  const plan::Type& type = target.schema.type;
  switch (type.kind) {
    case TypeKind::kInt:
    case TypeKind::kUInt: {
      std::string name;
      switch (target.integer_bytes) {
        case 1:
          name = "TINYINT";
          break;
        case 2:
          name = "SMALLINT";
          break;
        case 3:
          name = "MEDIUMINT";
          break;
        case 4:
          name = "INT";
          break;
        default:
          name = "BIGINT";
          break;
      }
      if (type.kind == TypeKind::kUInt) name += " UNSIGNED";
      return name;
    }
    case TypeKind::kYear:
      return "YEAR";
    case TypeKind::kBit:
      return "BIT";
    case TypeKind::kEnum:
      return "ENUM";
    case TypeKind::kSet:
      return "SET";
    case TypeKind::kDate:
      return "DATE";
    case TypeKind::kTime:
      return "TIME";
    case TypeKind::kDatetime:
      return "DATETIME";
    case TypeKind::kTimestamp:
      return "TIMESTAMP";
    case TypeKind::kDecimal:
      return "DECIMAL";
    case TypeKind::kDouble:
      return "DOUBLE";
    case TypeKind::kFloat:
      return "FLOAT";
    case TypeKind::kJson:
      return "JSON";
    case TypeKind::kVector:
      return "VECTOR";
    case TypeKind::kString: {
      const bool binary = type.collation == plan::kBinaryCollation;
      switch (target.form) {
        case StringForm::kVarchar:
          return binary ? "VARBINARY" : "VARCHAR";
        case StringForm::kChar:
          return binary ? "BINARY" : "CHAR";
        case StringForm::kBlob:
          return binary ? "BLOB" : "TEXT";
      }
      break;
    }
    case TypeKind::kNull:
      break;
  }
  return "NULL";
}

IntegerLimits LimitsOf(const ColumnTarget& target) {
  const int bits = target.integer_bytes >= 8 ? 64 : target.integer_bytes * 8;
  if (target.schema.type.kind == TypeKind::kUInt)
    return {0, bits == 64 ? UINT64_MAX : (uint64_t{1} << bits) - 1};
  const auto max = static_cast<uint64_t>(INT64_MAX) >> (64 - bits);
  return {-static_cast<int64_t>(max) - 1, max};
}

}  // namespace sirocco::lakehouse
