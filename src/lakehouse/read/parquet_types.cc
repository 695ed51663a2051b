#include "lakehouse/read/parquet_types.h"

#include <parquet/types.h>

namespace sirocco::lakehouse {

using plan::TypeKind;

namespace {

void DescribeValue(const parquet::ColumnDescriptor& leaf, ParquetLeaf* out) {
  const auto& logical = leaf.logical_type();
  const parquet::Type::type physical = leaf.physical_type();
  const auto units = [](parquet::LogicalType::TimeUnit::unit unit) -> int64_t {
    switch (unit) {
      case parquet::LogicalType::TimeUnit::MILLIS:
        return 1000;
      case parquet::LogicalType::TimeUnit::MICROS:
        return 1000000;
      case parquet::LogicalType::TimeUnit::NANOS:
        return 1000000000;
      default:
        return 0;
    }
  };
  const bool is_bytes = physical == parquet::Type::BYTE_ARRAY;
  if (logical != nullptr && logical->is_valid()) {
    if (logical->is_string() || logical->is_enum() || logical->is_JSON()) {
      if (is_bytes) out->kind = ParquetKind::kText;
      return;
    }
    if (logical->is_decimal()) {
      out->kind = ParquetKind::kDecimal;
      const auto& decimal = static_cast<const parquet::DecimalLogicalType&>(*logical);
      out->precision = decimal.precision();
      out->scale = decimal.scale();
      return;
    }
    if (logical->is_date()) {
      if (physical == parquet::Type::INT32) out->kind = ParquetKind::kDate;
      return;
    }
    if (logical->is_time()) {
      out->kind = ParquetKind::kTime;
      out->units_per_second =
          units(static_cast<const parquet::TimeLogicalType&>(*logical).time_unit());
      if (out->units_per_second == 0) out->kind = ParquetKind::kUnknown;
      return;
    }
    if (logical->is_timestamp()) {
      const auto& stamp = static_cast<const parquet::TimestampLogicalType&>(*logical);
      out->kind = ParquetKind::kTimestamp;
      out->units_per_second = units(stamp.time_unit());
      out->utc = stamp.is_adjusted_to_utc() && !stamp.is_from_converted_type();
      if (out->units_per_second == 0) out->kind = ParquetKind::kUnknown;
      return;
    }
    if (logical->is_int()) {
      const auto& integer = static_cast<const parquet::IntLogicalType&>(*logical);
      if (integer.is_signed()) {
        out->kind = ParquetKind::kInt;
      } else {
        out->kind = physical == parquet::Type::INT64 ? ParquetKind::kUInt64 : ParquetKind::kUInt32;
      }
      return;
    }
    if (logical->is_UUID()) {
      if (physical == parquet::Type::FIXED_LEN_BYTE_ARRAY && leaf.type_length() == 16)
        out->kind = ParquetKind::kUuid;
      return;
    }
    if (logical->is_float16()) {
      if (physical == parquet::Type::FIXED_LEN_BYTE_ARRAY && leaf.type_length() == 2)
        out->kind = ParquetKind::kFloat16;
      return;
    }
    if (logical->is_BSON()) {
      out->kind = ParquetKind::kBinary;
      return;
    }
    if (!logical->is_none() && !logical->is_null()) return;  // INTERVAL, geometry, variant
  }
  switch (physical) {
    case parquet::Type::BOOLEAN:
      out->kind = ParquetKind::kBool;
      break;
    case parquet::Type::INT32:
    case parquet::Type::INT64:
      out->kind = ParquetKind::kInt;
      break;
    case parquet::Type::INT96:
      out->kind = ParquetKind::kInt96;
      break;
    case parquet::Type::FLOAT:
      out->kind = ParquetKind::kFloat;
      break;
    case parquet::Type::DOUBLE:
      out->kind = ParquetKind::kDouble;
      break;
    case parquet::Type::BYTE_ARRAY:
    case parquet::Type::FIXED_LEN_BYTE_ARRAY:
      out->kind = ParquetKind::kBinary;
      break;
    default:
      break;
  }
}

}  // namespace

ParquetLeaf DescribeLeaf(const parquet::ColumnDescriptor& leaf, const parquet::schema::Node& node,
                         std::string* reason) {
  ParquetLeaf out;
  out.physical = leaf.physical_type();
  out.fixed_size = leaf.type_length();
  out.max_definition = leaf.max_definition_level();
  out.max_repetition = leaf.max_repetition_level();
  if (node.is_primitive()) {
    if (node.is_repeated()) {
      // A list without its usual two levels: every element is there.
      out.is_list = true;
      out.list_level = 0;
      out.element_level = 1;
    }
  } else {
    const auto& group = static_cast<const parquet::schema::GroupNode&>(node);
    // LIST: group { repeated group list { element } }, or the older group { repeated element }.
    const parquet::schema::Node* middle =
        group.field_count() == 1 && node.logical_type() != nullptr && node.logical_type()->is_list()
            ? group.field(0).get()
            : nullptr;
    const parquet::schema::Node* element = middle;
    if (middle != nullptr && middle->is_repeated() && middle->is_group()) {
      const auto& inner = static_cast<const parquet::schema::GroupNode&>(*middle);
      element = inner.field_count() == 1 ? inner.field(0).get() : nullptr;
    }
    if (middle == nullptr || element == nullptr || !middle->is_repeated() ||
        !element->is_primitive() || out.max_repetition != 1) {
      *reason = "Nested columns other than lists of plain values are not supported";
      return out;
    }
    out.is_list = true;
    out.list_level = node.is_optional() ? 1 : 0;
    out.element_level = static_cast<int16_t>(out.list_level + 1);
  }
  DescribeValue(leaf, &out);
  if (out.kind == ParquetKind::kUnknown) *reason = "The type is not supported";
  if (out.kind == ParquetKind::kDecimal &&
      (out.precision < 1 || out.precision > 38 || out.scale < 0 || out.scale > out.precision)) {
    out.kind = ParquetKind::kUnknown;
    *reason = "Decimals of more than 38 digits are not supported";
  }
  return out;
}

bool FitsTarget(const ParquetLeaf& leaf, const ColumnTarget& target) {
  const plan::Type& type = target.schema.type;
  const bool to_text = type.kind == TypeKind::kString;
  if (leaf.is_list) {
    if (leaf.kind == ParquetKind::kBinary || leaf.kind == ParquetKind::kUnknown) return false;
    if (type.kind == TypeKind::kVector)
      return leaf.kind <= ParquetKind::kDouble && leaf.kind != ParquetKind::kBool;
    return type.kind == TypeKind::kJson || (to_text && type.collation != plan::kBinaryCollation);
  }
  switch (leaf.kind) {
    case ParquetKind::kBool:
    case ParquetKind::kInt:
    case ParquetKind::kUInt32:
    case ParquetKind::kUInt64:
    case ParquetKind::kFloat:
    case ParquetKind::kDouble:
    case ParquetKind::kFloat16:
    case ParquetKind::kDecimal:
      return type.IsInteger() || type.IsReal() || to_text || type.kind == TypeKind::kDecimal ||
             ((type.kind == TypeKind::kYear || type.kind == TypeKind::kBit) &&
              leaf.kind <= ParquetKind::kUInt64);
    case ParquetKind::kDate:
    case ParquetKind::kTimestamp:
    case ParquetKind::kInt96:
      return type.IsTemporal() || to_text;
    case ParquetKind::kTime:
      return type.kind == TypeKind::kTime || to_text;
    case ParquetKind::kText:
      return true;
    case ParquetKind::kBinary:
      return to_text || type.kind == TypeKind::kBit;
    case ParquetKind::kUuid:
      return to_text;
    case ParquetKind::kUnknown:
      break;
  }
  return false;
}

}  // namespace sirocco::lakehouse
