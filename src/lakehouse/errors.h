// MySQL's numbers and texts for what can go wrong with external tables (ER_LH_* of the server's
// message catalogue).
//
// Texts name a column by its position from 1 and a file by its name, as the server's do; what else
// is known (line, byte offset, column name, value) follows the server's text. Threads: pure
// functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.h"

namespace sirocco::lakehouse {

// The server's numbers, without its prefix ER_LH_.
enum LhError : uint32_t {
  kLhColNotNullable = 6041,
  kLhColMissingNotNullable = 6042,
  kLhColIsEmpty = 6043,
  kLhColIsEmptyWarn = 6044,
  kLhBadValue = 6045,
  kLhDecimalRounding = 6048,
  kLhDecimalPrecision = 6049,
  kLhExceedsMin = 6050,
  kLhExceedsMax = 6051,
  kLhExceedsMinTruncating = 6052,
  kLhExceedsMaxTruncating = 6053,
  kLhRealIsNan = 6054,
  kLhOutOfRange = 6055,
  kLhDatetimeFormat = 6056,
  kLhTruncated = 6057,
  kLhCannotConvertString = 6058,
  kLhStoreAuthorization = 6060,  // AWS_AUTH
  kLhCsvParsing = 6061,
  kLhColumnMismatch = 6062,
  kLhCharsetUnsupported = 6064,
  kLhParquetDecimal = 6065,
  kLhStringTooLong = 6066,
  kLhNoFilesFound = 6068,
  kLhEmptyFile = 6069,
  kLhDuplicateFile = 6070,
  kLhAvroDepth = 6071,
  kLhAvroHeaderMismatch = 6072,
  kLhAvroEnumCharset = 6073,
  kLhAvroEnumMismatch = 6074,
  kLhAvroCannotConvert = 6075,
  kLhAvroEndsUnexpectedly = 6076,
  kLhAvroCorrupt = 6077,
  kLhAvroInvalidUnion = 6078,
  kLhAvroBlockSize = 6079,
  kLhAvroBlockCount = 6080,
  kLhNoMagicBytes = 6081,
  kLhAvroHeaderMetadata = 6082,
  kLhAvroNoSchema = 6083,
  kLhAvroNoCodec = 6084,
  kLhAvroInvalidName = 6085,
  kLhAvroDecoding = 6086,
  kLhParquetNonUtf8 = 6087,
  kLhParquetSchemaMismatch = 6088,
  kLhParquetRowGroupSize = 6089,
  kLhParquetCannotConvert = 6091,
  kLhParquetNoSchema = 6092,
  kLhParquetHeader = 6101,
  kLhAvroCannotParseHeader = 6103,
  kLhParquetCannotOpen = 6104,
  kLhTooLargeValue = 6105,
  kLhTooLargeRow = 6106,
  kLhJsonParsing = 6121,
  kLhUserDataAccess = 6128,
  kLhJsonSchema = 6131,
  kLhColumnEngineAttribute = 6407,
  kLhWarnSummary = 6434,
  kLhDecompression = 6445,
  kLhInvalidOption = 6511,  // ER_EXTERNAL_TABLE_INVALID_OPTION
  kLhNoFilesSecureFilePriv = 6514,
  kLhColNameMissing = 6515,
  kLhColNameDuplicate = 6516,
  kLhDeltaSchemaMismatch = 6521,
  kLhDeltaMetadata = 6522,
  kLhDeltaUnsupported = 6523,
  kLhDatetimeMultipleParam = 6525,
  kLhExtraColumns = 6529,
  kLhParquetComplex = 6530,
  kLhAvroTypeMismatch = 6556,
};

// What a message is about. `column` counts from 0; -1 where none is.
struct LhSubject {
  int32_t column = -1;
  std::string_view file;
  std::string_view detail;  // the text's own argument: a type name, a reason, a number of columns
  std::string_view extra;   // a second argument where the text has one
  uint64_t offset = 0;      // bytes from the start of the file, where the text has one
};

// The server's text for a number. Unknown numbers give `detail`.
std::string LhText(uint32_t number, const LhSubject& subject);
// "ER_LH_BAD_VALUE", for the summary of warnings.
std::string_view LhSymbol(uint32_t number);

// An error with the server's number and text.
Error LhMakeError(uint32_t number, const LhSubject& subject);
inline std::unexpected<Error> LhFail(uint32_t number, const LhSubject& subject) {
  return std::unexpected(LhMakeError(number, subject));
}

}  // namespace sirocco::lakehouse
