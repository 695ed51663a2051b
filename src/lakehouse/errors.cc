#include "lakehouse/errors.h"

#include <algorithm>
#include <iterator>

namespace sirocco::lakehouse {

namespace {

// In a text: {c} column from 1, {f} file, {d} detail, {e} second detail, {o} byte offset.
struct Message {
  uint32_t number;
  std::string_view symbol;
  std::string_view text;
};

// Ascending numbers.
constexpr Message kMessages[] = {
    {6041, "ER_LH_COL_NOT_NULLABLE",
     "Column {c} of {f} : Column contains null but it is not nullable."},
    {6042, "ER_LH_WARN_COL_MISSING_NOT_NULLABLE",
     "Column {c} of {f} : Column is missing, but it is not nullable and no explicit default value "
     "is provided."},
    {6043, "ER_LH_COL_IS_EMPTY", "Column {c} of {f} : Column is empty."},
    {6044, "ER_LH_COL_IS_EMPTY_WARN",
     "Column {c} of {f} : Column is empty, setting default value."},
    {6045, "ER_LH_BAD_VALUE", "Column {c} of {f} : Invalid {d} value."},
    {6048, "ER_LH_WARN_DECIMAL_ROUNDING",
     "Column {c} of {f} : Fraction exceeds schema, rounding value."},
    {6049, "ER_LH_DECIMAL_PRECISION_EXCEEDS_SCHEMA",
     "Column {c} of {f} : decimal precision exceeds schema."},
    {6050, "ER_LH_EXCEEDS_MIN", "Column {c} of {f} : {d} exceeds min."},
    {6051, "ER_LH_EXCEEDS_MAX", "Column {c} of {f} : {d} exceeds max."},
    {6052, "ER_LH_WARN_EXCEEDS_MIN_TRUNCATING",
     "Column {c} of {f} : {d} exceeds min, setting to min value possible."},
    {6053, "ER_LH_WARN_EXCEEDS_MAX_TRUNCATING",
     "Column {c} of {f} : {d} exceeds max, setting to max value possible."},
    {6054, "ER_LH_REAL_IS_NAN", "Column {c} of {f} : Real value is NaN."},
    {6055, "ER_LH_OUT_OF_RANGE", "Column {c} of {f} : {d} value is out of range."},
    {6056, "ER_LH_DATETIME_FORMAT", "Column {c} of {f} : Error while applying {d}."},
    {6057, "ER_LH_WARN_TRUNCATED", "Column {c} of {f} : {d} value was truncated."},
    {6058, "ER_LH_CANNOT_CONVERT_STRING", "Column {c} of {f} : Cannot convert string {d}."},
    {6060, "ER_LH_AWS_AUTH_ERR", "AWS authentication error."},
    {6061, "ER_LH_CSV_PARSING_ERR", "{f} at byte offset {o}: Parsing error. {d}"},
    {6062, "ER_LH_COLUMN_MISMATCH_ERR",
     "{f}: Mismatch in the number of columns. Expected {d}, found {e}."},
    {6064, "ER_LH_CHARSET_UNSUPPORTED", "Column {c} in {f}: Charset is not supported."},
    {6065, "ER_LH_PARQUET_DECIMAL_CONVERSION_ERR", "Column {c} in {f}: Decimal conversion error."},
    {6066, "ER_LH_STRING_TOO_LONG", "Column {c} in {f}: String is too long."},
    {6068, "ER_LH_NO_FILES_FOUND",
     "No files found corresponding to the following data locations: {d}."},
    {6069, "ER_LH_EMPTY_FILE", "File {f} is empty."},
    {6070, "ER_LH_DUPLICATE_FILE", "File {f} was not processed (duplicate)."},
    {6071, "ER_LH_AVRO_SCHEMA_DEPTH_EXCEEDS_MAX",
     "File {f}: Avro schema depth exceeds max allowed depth."},
    {6072, "ER_LH_AVRO_HEADER_MISMATCH", "File {f}: Header does not match other files."},
    {6073, "ER_LH_AVRO_ENUM_CANNOT_CONVERT_CHARSET",
     "File {f}: Enum symbol can't convert to column charset."},
    {6074, "ER_LH_AVRO_ENUM_MISMATCH",
     "File {f}: Enum symbols are not the same, or are not in the same order."},
    {6075, "ER_LH_AVRO_TYPE_CANNOT_CONVERT",
     "Column {c} in {f}: Avro value of physical type {d} cannot be converted to mysql type {e}."},
    {6076, "ER_LH_AVRO_FILE_ENDS_UNEXPECTEDLY", "File {f}: Ends unexpectedly."},
    {6077, "ER_LH_AVRO_FILE_DATA_CORRUPT", "File {f}: File data might be corrupt."},
    {6078, "ER_LH_AVRO_INVALID_UNION",
     "Column {c} in {f}: Invalid Avro union encountered. Unions are only supported to represent "
     "nullable columns. One of the two types of the union must be null."},
    {6079, "ER_LH_AVRO_INVALID_BLOCK_SIZE", "File {f}: Invalid avro block size."},
    {6080, "ER_LH_AVRO_INVALID_BLOCK_RECORD_COUNT", "File {f}: Invalid Avro block record count."},
    {6081, "ER_LH_FORMAT_HEADER_NO_MAGIC_BYTES",
     "File {f}: Cannot locate {d} specific metadata. Either the file is corrupted or this is not "
     "an {d} file."},
    {6082, "ER_LH_AVRO_HEADER_METADATA_ERR",
     "File {f}: Could not process Avro header metadata. The metadata is corrupted or invalid."},
    {6083, "ER_LH_AVRO_HEADER_NO_SCHEMA", "File {f}: No schema in Avro header metadata."},
    {6084, "ER_LH_AVRO_NO_CODEC_IN_HEADER", "File {f}: No codec in Avro header metadata."},
    {6085, "ER_LH_AVRO_INVALID_NAME_IN_SCHEMA", "File {f}: Invalid name in Avro schema."},
    {6086, "ER_LH_AVRO_DECODING_ERR", "File {f}: Error decoding Avro {d}. {e}"},
    {6087, "ER_LH_PARQUET_NON_UTF8_FILE_ENC",
     "Column {c} in {f}: String with non-utf8 file encoding."},
    {6088, "ER_LH_PARQUET_SCHEMA_MISMATCH",
     "Column {c} in {f}: Difference in column type among Parquet files."},
    {6089, "ER_LH_PARQUET_ROW_GROUP_SIZE_EXCEEDS_MAX",
     "File {f}: Size of row group {d} is larger than maximum allowed size ({e})."},
    {6091, "ER_LH_PARQUET_TYPE_CANNOT_CONVERT",
     "Column {c} in {f}: Parquet type cannot be converted to mysql {d}."},
    {6092, "ER_LH_PARQUET_CANNOT_LOCATE_SCHEMA", "Cannot locate schema in {f}."},
    {6101, "ER_LH_PARQUET_CANNOT_READ_HEADER", "File {f}: Unable to read Parquet header."},
    {6103, "ER_LH_AVRO_CANNOT_PARSE_HEADER",
     "File {f}: Could not parse avro header. Probably corrupted avro file."},
    {6104, "ER_LH_PARQUET_CANT_OPEN_FILE", "Parquet reader cannot open {f}. {d}"},
    {6105, "ER_LH_TOO_LARGE_VALUE_ERR", "File {f}: {d}"},
    {6106, "ER_LH_TOO_LARGE_ROW_ERR", "File {f}: {d}"},
    {6121, "ER_LH_JSON_PARSING", "Column {c} of {f} : {d}"},
    {6128, "ER_LH_USER_DATA_ACCESS_FAILED", "Unable to access the following data locations: {d}"},
    {6131, "ER_LH_INVALID_JSON_FILE_FORMAT_SCHEMA", "Invalid json file format schema: {d}"},
    {6407, "ER_LH_COLUMN_ENGINE_ATTR_ERR", "Invalid column engine attribute: {d}."},
    {6434, "ER_LH_WARN_SUMMARY", "{d}"},
    {6445, "ER_LH_DECOMPRESSION_ERR",
     "Failed to extract from {f}: corrupted file, wrong compression format, or multiple files in "
     "archive."},
    {6511, "ER_EXTERNAL_TABLE_INVALID_OPTION",
     "Invalid option specified for {d} of external table: {e}"},
    {6514, "ER_LH_NO_FILES_FOUND_NO_SECURE_FILE_PRIV",
     "No files found or files provided not under secure-file-priv."},
    {6515, "ER_LH_COL_NAME_MISSING",
     "Column {c} of {f}: Column name is not present in the file header or metadata."},
    {6516, "ER_LH_COL_NAME_DUPLICATE",
     "File {f}: Duplicate column name in the file header or metadata."},
    {6521, "ER_LH_DELTA_SCHEMA_MISMATCH", "Detected schema mismatch for delta table {f}. {d}"},
    {6522, "ER_LH_DELTA_METADATA_READ_ERROR", "Error while reading metadata for delta table: {d}"},
    {6523, "ER_LH_DELTA_UNSUPPORTED_ERROR", "Feature {d} of delta tables is unsupported"},
    {6525, "ER_LH_WARN_DATETIME_MULTIPLE_PARAM_USE",
     "Both 'datetime_format' and 'timestamp_format' are specified{d}. Only 'datetime_format' will "
     "be considered."},
    {6529, "ER_LH_EXTRA_COLUMNS_IN_FILE",
     "{f}: {d} column(s) in file are not present in the table."},
    {6530, "ER_LH_PARQUET_COMPLEX_CONVERSION", "Column {c} in {f}: Cannot load column. {d}."},
    {6556, "ER_LH_AVRO_FILES_DATA_TYPE_MISMATCH",
     "File {f}: Col '{d}' has different data type compared to other Avro files."},
};

const Message* Find(uint32_t number) {
  const auto* at = std::lower_bound(
      std::begin(kMessages), std::end(kMessages), number,
      [](const Message& message, uint32_t wanted) { return message.number < wanted; });
  return at != std::end(kMessages) && at->number == number ? at : nullptr;
}

}  // namespace

std::string LhText(uint32_t number, const LhSubject& subject) {
  const Message* message = Find(number);
  if (message == nullptr) return std::string(subject.detail);
  std::string text;
  const std::string_view pattern = message->text;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '{' || i + 2 >= pattern.size() || pattern[i + 2] != '}') {
      text += pattern[i];
      continue;
    }
    switch (pattern[i + 1]) {
      case 'c':
        text += std::to_string(subject.column + 1);
        break;
      case 'f':
        text += subject.file;
        break;
      case 'd':
        text += subject.detail;
        break;
      case 'e':
        text += subject.extra;
        break;
      case 'o':
        text += std::to_string(subject.offset);
        break;
    }
    i += 2;
  }
  return text;
}

std::string_view LhSymbol(uint32_t number) {
  const Message* message = Find(number);
  return message == nullptr ? std::string_view("ER_UNKNOWN_ERROR") : message->symbol;
}

Error LhMakeError(uint32_t number, const LhSubject& subject) {
  return {ErrorCode::kMysql, number, LhText(number, subject)};
}

}  // namespace sirocco::lakehouse
