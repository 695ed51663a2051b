// The table of SQL functions: the server's name, then either the handler that translates it or the
// plan operation with the pattern of its arguments (see Translator::GenericFunction). Adding a
// function is one line here where its arguments follow a pattern.
#include <algorithm>
#include <unordered_map>

#include "plugin/translate/translator.h"

namespace sirocco::plugin {

namespace {

using T = Translator;

const FunctionEntry kFunctions[] = {
    // Comparison and logic
    {"=", &T::Comparison, {}, nullptr},
    {"<=>", &T::Comparison, {}, nullptr},
    {"<>", &T::Comparison, {}, nullptr},
    {"<", &T::Comparison, {}, nullptr},
    {"<=", &T::Comparison, {}, nullptr},
    {">", &T::Comparison, {}, nullptr},
    {">=", &T::Comparison, {}, nullptr},
    {"between", &T::Between, {}, nullptr},
    {" IN ", &T::In, {}, nullptr},
    {"like", &T::Like, {}, nullptr},
    {"isnull", &T::IsNull, {}, nullptr},
    {"isnotnull", &T::IsNull, {}, nullptr},
    {"is true", &T::Truth, {}, nullptr},
    {"is false", &T::Truth, {}, nullptr},
    {"is not true", &T::Truth, {}, nullptr},
    {"is not false", &T::Truth, {}, nullptr},
    {"not", &T::Not, {}, nullptr},
    {"xor", &T::Xor, {}, nullptr},
    {"strcmp", &T::Strcmp, {}, nullptr},
    {"multiple equal", &T::MultiEquality, {}, nullptr},
    {"reject_if", &T::RejectIf, {}, nullptr},
    // Arithmetic
    {"+", &T::Arithmetic, {}, nullptr},
    {"-", &T::Arithmetic, {}, nullptr},
    {"*", &T::Arithmetic, {}, nullptr},
    {"%", &T::Arithmetic, {}, nullptr},
    {"/", &T::Division, {}, nullptr},
    {"DIV", &T::IntegerDivision, {}, nullptr},
    {"abs", &T::Absolute, {}, nullptr},
    {"round", &T::Round, {}, nullptr},
    {"truncate", &T::Round, {}, nullptr},
    {"ceiling", &T::Integral, {}, nullptr},
    {"floor", &T::Integral, {}, nullptr},
    {"sign", &T::Sign, {}, nullptr},
    {"sqrt", nullptr, ExprOp::kSqrt, "r"},
    {"pow", nullptr, ExprOp::kPow, "rr"},
    {"exp", nullptr, ExprOp::kExp, "r"},
    {"ln", nullptr, ExprOp::kLn, "r"},
    {"log2", nullptr, ExprOp::kLog2, "r"},
    {"log10", nullptr, ExprOp::kLog10, "r"},
    {"log", &T::Log, {}, nullptr},
    {"sin", nullptr, ExprOp::kSin, "r"},
    {"cos", nullptr, ExprOp::kCos, "r"},
    {"tan", nullptr, ExprOp::kTan, "r"},
    {"cot", nullptr, ExprOp::kCot, "r"},
    {"asin", nullptr, ExprOp::kAsin, "r"},
    {"acos", nullptr, ExprOp::kAcos, "r"},
    {"atan", &T::Atan, {}, nullptr},
    {"radians", nullptr, ExprOp::kRadians, "r"},
    {"degrees", nullptr, ExprOp::kDegrees, "r"},
    {"crc32", nullptr, ExprOp::kCrc32, "s"},
    {"&", &T::BitOperation, {}, nullptr},
    {"|", &T::BitOperation, {}, nullptr},
    {"^", &T::BitOperation, {}, nullptr},
    {"<<", &T::BitOperation, {}, nullptr},
    {">>", &T::BitOperation, {}, nullptr},
    {"~", &T::BitOperation, {}, nullptr},
    // Conditional
    {"case", &T::Case, {}, nullptr},
    {"if", &T::If, {}, nullptr},
    {"coalesce", &T::Coalesce, {}, nullptr},
    {"ifnull", &T::Coalesce, {}, nullptr},
    {"nullif", &T::NullIf, {}, nullptr},
    {"greatest", &T::MinMax, {}, nullptr},
    {"least", &T::MinMax, {}, nullptr},
    {"field", &T::FieldPosition, {}, nullptr},
    {"elt", &T::Elt, {}, nullptr},
    {"interval", &T::Interval, {}, nullptr},
    {"any_value", &T::FirstArgument, {}, nullptr},
    // Casts
    {"cast_as_signed", &T::CastSigned, {}, nullptr},
    {"cast_as_unsigned", &T::CastUnsigned, {}, nullptr},
    {"cast_as_decimal", &T::CastDecimal, {}, nullptr},
    {"cast_as_real", &T::CastReal, {}, nullptr},
    {"cast_as_date", &T::CastTemporal, {}, nullptr},
    {"cast_as_time", &T::CastTemporal, {}, nullptr},
    {"cast_as_datetime", &T::CastTemporal, {}, nullptr},
    {"cast_as_char", &T::CastChar, {}, nullptr},
    {"convert", &T::CastChar, {}, nullptr},
    {"collate", &T::Collate, {}, nullptr},
    // Strings
    {"concat", nullptr, ExprOp::kConcat, "S*"},
    {"concat_ws", nullptr, ExprOp::kConcatWs, "S*"},
    {"substr", nullptr, ExprOp::kSubstr, "Sii"},
    {"left", nullptr, ExprOp::kLeft, "Si"},
    {"right", nullptr, ExprOp::kRight, "Si"},
    {"upper", nullptr, ExprOp::kUpper, "S"},
    {"lower", nullptr, ExprOp::kLower, "S"},
    {"trim", &T::Trim, {}, nullptr},
    {"ltrim", &T::Trim, {}, nullptr},
    {"rtrim", &T::Trim, {}, nullptr},
    {"length", nullptr, ExprOp::kLength, "s"},
    {"char_length", nullptr, ExprOp::kCharLength, "s"},
    {"bit_length", nullptr, ExprOp::kBitLength, "s"},
    {"replace", nullptr, ExprOp::kReplace, "S*"},
    {"locate", &T::Locate, {}, nullptr},
    {"instr", &T::Locate, {}, nullptr},
    {"repeat", nullptr, ExprOp::kRepeat, "Si"},
    {"reverse", nullptr, ExprOp::kReverse, "S"},
    {"lpad", nullptr, ExprOp::kLpad, "SiS"},
    {"rpad", nullptr, ExprOp::kRpad, "SiS"},
    {"space", nullptr, ExprOp::kSpace, "i"},
    {"insert", nullptr, ExprOp::kInsert, "SiiS"},
    {"ascii", nullptr, ExprOp::kAscii, "s"},
    {"ord", nullptr, ExprOp::kOrd, "s"},
    {"hex", &T::Hex, {}, nullptr},
    {"unhex", nullptr, ExprOp::kUnhex, "s"},
    {"find_in_set", &T::FindInSet, {}, nullptr},
    {"substring_index", nullptr, ExprOp::kSubstringIndex, "SSi"},
    {"md5", nullptr, ExprOp::kMd5, "s"},
    {"sha", nullptr, ExprOp::kSha1, "s"},
    {"sha2", nullptr, ExprOp::kSha2, "si"},
    {"to_base64", nullptr, ExprOp::kToBase64, "s"},
    {"from_base64", nullptr, ExprOp::kFromBase64, "s"},
    {"quote", nullptr, ExprOp::kQuote, "S"},
    {"inet_aton", nullptr, ExprOp::kInetAton, "s"},
    {"inet_ntoa", nullptr, ExprOp::kInetNtoa, "i"},
    // Dates and times
    {"year", &T::ExtractPart, {}, nullptr},
    {"quarter", &T::ExtractPart, {}, nullptr},
    {"month", &T::ExtractPart, {}, nullptr},
    {"dayofmonth", &T::ExtractPart, {}, nullptr},
    {"hour", &T::ExtractPart, {}, nullptr},
    {"minute", &T::ExtractPart, {}, nullptr},
    {"second", &T::ExtractPart, {}, nullptr},
    {"microsecond", &T::ExtractPart, {}, nullptr},
    {"extract", &T::Extract, {}, nullptr},
    {"date_add_interval", &T::DateArithmetic, {}, nullptr},
    {"timestampdiff", &T::TimestampDiff, {}, nullptr},
    {"to_days", nullptr, ExprOp::kToDays, "d"},
    {"from_days", nullptr, ExprOp::kFromDays, "i"},
    {"to_seconds", nullptr, ExprOp::kToSeconds, "D"},
    {"dayname", &T::NameOfDate, {}, nullptr},
    {"monthname", &T::NameOfDate, {}, nullptr},
    {"last_day", nullptr, ExprOp::kLastDay, "d"},
    {"dayofweek", nullptr, ExprOp::kDayOfWeek, "d"},
    {"weekday", nullptr, ExprOp::kWeekDay, "d"},
    {"dayofyear", nullptr, ExprOp::kDayOfYear, "d"},
    {"week", &T::Week, {}, nullptr},
    {"yearweek", &T::Week, {}, nullptr},
    {"makedate", nullptr, ExprOp::kMakeDate, "ii"},
    {"maketime", &T::MakeTime, {}, nullptr},
    {"time_to_sec", nullptr, ExprOp::kTimeToSec, "t"},
    {"sec_to_time", nullptr, ExprOp::kSecToTime, "i"},
    {"date_format", &T::DateFormat, {}, nullptr},
    {"period_add", nullptr, ExprOp::kPeriodAdd, "ii"},
    {"period_diff", nullptr, ExprOp::kPeriodDiff, "ii"},
    {"from_unixtime", &T::FromUnixtime, {}, nullptr},
    {"unix_timestamp", &T::UnixTimestamp, {}, nullptr},
    {"add_time", &T::AddTime, {}, nullptr},
    {"timediff", &T::TimeDiff, {}, nullptr},
    // ROLLUP
    {"rollup_group_item", &T::RollupGroupItem, {}, nullptr},
    {"grouping", &T::Grouping, {}, nullptr},
};

}  // namespace

std::vector<std::string> TranslatedFunctions() {
  std::vector<std::string> names;
  for (const FunctionEntry& entry : kFunctions) names.emplace_back(entry.name);
  std::sort(names.begin(), names.end());
  return names;
}

const FunctionEntry* FindFunction(std::string_view name) {
  static const auto* index = [] {
    auto* map = new std::unordered_map<std::string_view, const FunctionEntry*>();
    for (const FunctionEntry& entry : kFunctions) map->emplace(entry.name, &entry);
    return map;
  }();
  const auto it = index->find(name);
  return it == index->end() ? nullptr : it->second;
}

}  // namespace sirocco::plugin
