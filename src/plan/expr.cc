#include "plan/expr.h"

#include <array>
#include <cstdio>
#include <cstring>

namespace sirocco::plan {

namespace {

constexpr uint16_t kMany = 0xFFFF;

// One line per operation: how it is printed and how many arguments it takes.
struct OpEntry {
  ExprOp op;
  const char* name;
  uint16_t min_args, max_args;
  bool infix = false;   // printed "(a + b)", otherwise "NAME(a, b)"
};

constexpr OpEntry kOps[] = {
    {ExprOp::kColumn, "column", 0, 0},
    {ExprOp::kConstant, "constant", 0, 0},
    {ExprOp::kEq, "=", 2, 2, true},
    {ExprOp::kNe, "<>", 2, 2, true},
    {ExprOp::kLt, "<", 2, 2, true},
    {ExprOp::kLe, "<=", 2, 2, true},
    {ExprOp::kGt, ">", 2, 2, true},
    {ExprOp::kGe, ">=", 2, 2, true},
    {ExprOp::kNullSafeEq, "<=>", 2, 2, true},
    {ExprOp::kIn, "in", 2, kMany},
    {ExprOp::kNotIn, "not in", 2, kMany},
    {ExprOp::kAnd, "and", 2, kMany, true},
    {ExprOp::kOr, "or", 2, kMany, true},
    {ExprOp::kNot, "not", 1, 1},
    {ExprOp::kXor, "xor", 2, 2, true},
    {ExprOp::kIsNull, "is null", 1, 1},
    {ExprOp::kIsNotNull, "is not null", 1, 1},
    {ExprOp::kIsTrue, "is true", 1, 1},
    {ExprOp::kIsNotTrue, "is not true", 1, 1},
    {ExprOp::kIsFalse, "is false", 1, 1},
    {ExprOp::kIsNotFalse, "is not false", 1, 1},
    {ExprOp::kAdd, "+", 2, 2, true},
    {ExprOp::kSub, "-", 2, 2, true},
    {ExprOp::kMul, "*", 2, 2, true},
    {ExprOp::kDiv, "/", 2, 2, true},
    {ExprOp::kIntDiv, "DIV", 2, 2, true},
    {ExprOp::kMod, "%", 2, 2, true},
    {ExprOp::kNeg, "-", 1, 1},
    {ExprOp::kAbs, "abs", 1, 1},
    {ExprOp::kRound, "round", 1, 2},
    {ExprOp::kTruncate, "truncate", 2, 2},
    {ExprOp::kCeil, "ceiling", 1, 1},
    {ExprOp::kFloor, "floor", 1, 1},
    {ExprOp::kSign, "sign", 1, 1},
    {ExprOp::kSqrt, "sqrt", 1, 1},
    {ExprOp::kPow, "pow", 2, 2},
    {ExprOp::kExp, "exp", 1, 1},
    {ExprOp::kLn, "ln", 1, 1},
    {ExprOp::kLog2, "log2", 1, 1},
    {ExprOp::kLog10, "log10", 1, 1},
    {ExprOp::kBitAnd, "&", 2, 2, true},
    {ExprOp::kBitOr, "|", 2, 2, true},
    {ExprOp::kBitXor, "^", 2, 2, true},
    {ExprOp::kShiftLeft, "<<", 2, 2, true},
    {ExprOp::kShiftRight, ">>", 2, 2, true},
    {ExprOp::kBitNot, "~", 1, 1},
    {ExprOp::kSin, "sin", 1, 1},
    {ExprOp::kCos, "cos", 1, 1},
    {ExprOp::kTan, "tan", 1, 1},
    {ExprOp::kCot, "cot", 1, 1},
    {ExprOp::kAsin, "asin", 1, 1},
    {ExprOp::kAcos, "acos", 1, 1},
    {ExprOp::kAtan, "atan", 1, 1},
    {ExprOp::kAtan2, "atan2", 2, 2},
    {ExprOp::kRadians, "radians", 1, 1},
    {ExprOp::kDegrees, "degrees", 1, 1},
    {ExprOp::kCrc32, "crc32", 1, 1},
    {ExprOp::kBitCount, "bit_count", 1, 1},
    {ExprOp::kLogBase, "log", 2, 2},
    {ExprOp::kCase, "case", 2, kMany},
    {ExprOp::kIf, "if", 3, 3},
    {ExprOp::kCoalesce, "coalesce", 1, kMany},
    {ExprOp::kNullIf, "nullif", 2, 2},
    {ExprOp::kGreatest, "greatest", 2, kMany},
    {ExprOp::kLeast, "least", 2, kMany},
    {ExprOp::kRejectIf, "reject_if", 1, 2},
    {ExprOp::kField, "field", 2, kMany},
    {ExprOp::kElt, "elt", 2, kMany},
    {ExprOp::kInterval, "interval", 2, kMany},
    {ExprOp::kCast, "cast", 1, 1},
    {ExprOp::kEnumToString, "enum_to_string", 1, kMany},
    {ExprOp::kSetToString, "set_to_string", 1, kMany},
    {ExprOp::kTimestampToDatetime, "timestamp_to_datetime", 1, 1},
    {ExprOp::kLike, "like", 2, 3},
    {ExprOp::kNotLike, "not like", 2, 3},
    {ExprOp::kConcat, "concat", 1, kMany},
    {ExprOp::kConcatWs, "concat_ws", 2, kMany},
    {ExprOp::kSubstr, "substr", 2, 3},
    {ExprOp::kLeft, "left", 2, 2},
    {ExprOp::kRight, "right", 2, 2},
    {ExprOp::kUpper, "upper", 1, 1},
    {ExprOp::kLower, "lower", 1, 1},
    {ExprOp::kTrim, "trim", 1, 2},
    {ExprOp::kLtrim, "ltrim", 1, 2},
    {ExprOp::kRtrim, "rtrim", 1, 2},
    {ExprOp::kLength, "length", 1, 1},
    {ExprOp::kCharLength, "char_length", 1, 1},
    {ExprOp::kBitLength, "bit_length", 1, 1},
    {ExprOp::kReplace, "replace", 3, 3},
    {ExprOp::kLocate, "locate", 2, 3},
    {ExprOp::kRepeat, "repeat", 2, 2},
    {ExprOp::kReverse, "reverse", 1, 1},
    {ExprOp::kLpad, "lpad", 2, 3},
    {ExprOp::kRpad, "rpad", 2, 3},
    {ExprOp::kSpace, "space", 1, 1},
    {ExprOp::kInsert, "insert", 4, 4},
    {ExprOp::kAscii, "ascii", 1, 1},
    {ExprOp::kOrd, "ord", 1, 1},
    {ExprOp::kHex, "hex", 1, 1},
    {ExprOp::kUnhex, "unhex", 1, 1},
    {ExprOp::kStrcmp, "strcmp", 2, 2},
    {ExprOp::kFindInSet, "find_in_set", 2, 2},
    {ExprOp::kSubstringIndex, "substring_index", 3, 3},
    {ExprOp::kChar, "char", 1, kMany},
    {ExprOp::kMd5, "md5", 1, 1},
    {ExprOp::kSha1, "sha", 1, 1},
    {ExprOp::kSha2, "sha2", 2, 2},
    {ExprOp::kFormat, "format", 2, 3},
    {ExprOp::kToBase64, "to_base64", 1, 1},
    {ExprOp::kFromBase64, "from_base64", 1, 1},
    {ExprOp::kBin, "bin", 1, 1},
    {ExprOp::kOct, "oct", 1, 1},
    {ExprOp::kConv, "conv", 3, 3},
    {ExprOp::kSoundex, "soundex", 1, 1},
    {ExprOp::kQuote, "quote", 1, 1},
    {ExprOp::kInetAton, "inet_aton", 1, 1},
    {ExprOp::kInetNtoa, "inet_ntoa", 1, 1},
    {ExprOp::kMakeSet, "make_set", 2, kMany},
    {ExprOp::kExportSet, "export_set", 3, 5},
    {ExprOp::kExtract, "extract", 1, 2},
    {ExprOp::kDateAdd, "date_add", 2, 2},
    {ExprOp::kDateSub, "date_sub", 2, 2},
    {ExprOp::kDateDiff, "datediff", 2, 2},
    {ExprOp::kTimestampDiff, "timestampdiff", 2, 2},
    {ExprOp::kToDays, "to_days", 1, 1},
    {ExprOp::kFromDays, "from_days", 1, 1},
    {ExprOp::kLastDay, "last_day", 1, 1},
    {ExprOp::kDayOfWeek, "dayofweek", 1, 1},
    {ExprOp::kWeekDay, "weekday", 1, 1},
    {ExprOp::kDayOfYear, "dayofyear", 1, 1},
    {ExprOp::kWeek, "week", 1, 2},
    {ExprOp::kYearWeek, "yearweek", 1, 2},
    {ExprOp::kMakeDate, "makedate", 2, 2},
    {ExprOp::kMakeTime, "maketime", 3, 3},
    {ExprOp::kTimeToSec, "time_to_sec", 1, 1},
    {ExprOp::kSecToTime, "sec_to_time", 1, 1},
    {ExprOp::kDateFormat, "date_format", 2, 2},
    {ExprOp::kStrToDate, "str_to_date", 2, 2},
    {ExprOp::kMonthName, "monthname", 1, 1},
    {ExprOp::kDayName, "dayname", 1, 1},
    {ExprOp::kPeriodAdd, "period_add", 2, 2},
    {ExprOp::kPeriodDiff, "period_diff", 2, 2},
    {ExprOp::kUnixTimestamp, "unix_timestamp", 1, 1},
    {ExprOp::kFromUnixtime, "from_unixtime", 1, 1},
    {ExprOp::kTimeDiff, "timediff", 2, 2},
    {ExprOp::kAddTime, "addtime", 2, 2},
    {ExprOp::kSubTime, "subtime", 2, 2},
    {ExprOp::kToSeconds, "to_seconds", 1, 1},
    {ExprOp::kMicrosecond, "microsecond", 1, 1},
    {ExprOp::kQuarter, "quarter", 1, 1},
};

constexpr size_t kOpTableSize = 320;

constexpr std::array<const OpEntry*, kOpTableSize> IndexOps() {
  std::array<const OpEntry*, kOpTableSize> index{};
  for (const OpEntry& entry : kOps) index[static_cast<uint16_t>(entry.op)] = &entry;
  return index;
}

constexpr std::array<const OpEntry*, kOpTableSize> kOpIndex = IndexOps();

const OpEntry* FindOp(uint16_t op) { return op < kOpTableSize ? kOpIndex[op] : nullptr; }

std::string Scaled(int128 value, int scale) {
  const bool negative = value < 0;
  unsigned __int128 rest = negative ? -static_cast<unsigned __int128>(value) : static_cast<unsigned __int128>(value);
  std::string digits;
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
    rest /= 10;
  } while (rest != 0);
  if (scale > 0) {
    if (digits.size() <= static_cast<size_t>(scale)) digits.insert(0, static_cast<size_t>(scale) + 1 - digits.size(), '0');
    digits.insert(digits.size() - static_cast<size_t>(scale), ".");
  }
  return negative ? "-" + digits : digits;
}

std::string Quoted(const std::string& bytes) {
  std::string out = "'";
  for (char c : bytes) {
    const unsigned char u = static_cast<unsigned char>(c);
    if (c == '\'' || c == '\\') {
      out += '\\';
      out += c;
    } else if (u < 0x20 || u == 0x7F) {
      char buffer[8];
      std::snprintf(buffer, sizeof buffer, "\\x%02x", u);
      out += buffer;
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string TimeText(uint64_t hms, uint32_t micros, int fraction) {
  char buffer[48];
  int size = std::snprintf(buffer, sizeof buffer, "%02u:%02u:%02u", static_cast<uint32_t>(hms >> 12),
                           static_cast<uint32_t>(hms >> 6 & 63), static_cast<uint32_t>(hms & 63));
  if (fraction > 0) {
    char digits[16];
    std::snprintf(digits, sizeof digits, "%06u", micros);
    size += std::snprintf(buffer + size, sizeof buffer - static_cast<size_t>(size), ".%.*s", fraction > 6 ? 6 : fraction,
                          digits);
  }
  return std::string(buffer, static_cast<size_t>(size));
}

std::string DateText(uint64_t year, uint64_t month, uint64_t day) {
  char buffer[64];
  const int size = std::snprintf(buffer, sizeof buffer, "%04u-%02u-%02u", static_cast<uint32_t>(year),
                                 static_cast<uint32_t>(month), static_cast<uint32_t>(day));
  return std::string(buffer, static_cast<size_t>(size));
}

std::string ConstantText(const Value& value, const Type& type) {
  if (value.is_null) return "NULL";
  const uint64_t bits = static_cast<uint64_t>(value.integer);
  switch (type.kind) {
    case TypeKind::kDecimal:
      if (type.precision > 38) {
        std::string hex = "decimal 0x";
        for (unsigned char c : value.bytes) {
          char buffer[4];
          std::snprintf(buffer, sizeof buffer, "%02x", c);
          hex += buffer;
        }
        return hex;
      }
      return Scaled(value.integer, type.scale);
    case TypeKind::kDouble:
    case TypeKind::kFloat: {
      char buffer[40];
      std::snprintf(buffer, sizeof buffer, "%.17g", value.real);
      return buffer;
    }
    case TypeKind::kString: return Quoted(value.bytes);
    case TypeKind::kJson: return "json of " + std::to_string(value.bytes.size()) + " bytes";
    case TypeKind::kVector: return "vector of " + std::to_string(value.bytes.size() / 4);
    case TypeKind::kDate: return "DATE'" + DateText(bits >> 9, bits >> 5 & 15, bits & 31) + "'";
    case TypeKind::kDatetime:
      return "TIMESTAMP'" + DateText((bits >> 46) / 13, (bits >> 46) % 13, bits >> 41 & 31) + " " +
             TimeText(bits >> 24 & 0x1FFFF, static_cast<uint32_t>(bits & 0xFFFFFF), type.scale) + "'";
    case TypeKind::kTime: {
      const bool negative = value.integer < 0;
      const uint64_t magnitude = negative ? -bits : bits;
      return std::string("TIME'") + (negative ? "-" : "") +
             TimeText(magnitude >> 24, static_cast<uint32_t>(magnitude & 0xFFFFFF), type.scale) + "'";
    }
    default: return Scaled(value.integer, 0);
  }
}

uint64_t RealBits(double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

// Equal to the last bit: 0.0 and -0.0 differ.
bool SameValue(const Value& a, const Value& b) {
  return a.is_null == b.is_null && a.integer == b.integer && RealBits(a.real) == RealBits(b.real) && a.bytes == b.bytes;
}

constexpr const char* kUnitNames[] = {
    "YEAR",        "QUARTER",     "MONTH",         "WEEK",          "DAY",
    "HOUR",        "MINUTE",      "SECOND",        "MICROSECOND",   "YEAR_MONTH",
    "DAY_HOUR",    "DAY_MINUTE",  "DAY_SECOND",    "HOUR_MINUTE",   "HOUR_SECOND",
    "MINUTE_SECOND", "DAY_MICROSECOND", "HOUR_MICROSECOND", "MINUTE_MICROSECOND", "SECOND_MICROSECOND",
};

const char* UnitName(uint32_t unit) {
  return unit < std::size(kUnitNames) ? kUnitNames[unit] : "unknown unit";
}

std::string ArgsText(const Expr& expr, size_t first, const char* separator) {
  std::string out;
  for (size_t i = first; i < expr.args.size(); ++i) {
    if (i > first) out += separator;
    out += ExprText(*expr.args[i]);
  }
  return out;
}

std::string CaseText(const Expr& expr) {
  std::string out = "(case";
  size_t i = 0;
  for (; i + 1 < expr.args.size(); i += 2)
    out += " when " + ExprText(*expr.args[i]) + " then " + ExprText(*expr.args[i + 1]);
  if (i < expr.args.size()) out += " else " + ExprText(*expr.args[i]);
  return out + " end)";
}

}  // namespace

ExprPtr ColumnRef(ColumnId column, const Type& type) {
  auto expr = std::make_shared<Expr>();
  expr->op = ExprOp::kColumn;
  expr->type = type;
  expr->column = column;
  return expr;
}

ExprPtr Constant(Value value, const Type& type) {
  auto expr = std::make_shared<Expr>();
  expr->op = ExprOp::kConstant;
  expr->type = type;
  expr->constant = std::move(value);
  return expr;
}

ExprPtr Call(ExprOp op, const Type& type, std::vector<ExprPtr> args, uint32_t collation, uint32_t unit) {
  auto expr = std::make_shared<Expr>();
  expr->op = op;
  expr->type = type;
  expr->args = std::move(args);
  expr->collation = collation;
  expr->unit = unit;
  return expr;
}

ExprPtr Labelled(ExprPtr expr, std::string label) {
  auto copy = std::make_shared<Expr>(*expr);
  copy->label = std::move(label);
  return copy;
}

ExprPtr Conjunction(std::vector<ExprPtr> terms) {
  if (terms.empty()) return nullptr;
  if (terms.size() == 1) return terms[0];
  Type type = IntType(false);
  for (const ExprPtr& term : terms) type.nullable |= term->type.nullable;
  return Call(ExprOp::kAnd, type, std::move(terms));
}

void SplitConjunction(const ExprPtr& expr, std::vector<ExprPtr>* terms) {
  if (expr == nullptr) return;
  if (expr->op != ExprOp::kAnd) {
    terms->push_back(expr);
    return;
  }
  for (const ExprPtr& arg : expr->args) SplitConjunction(arg, terms);
}

void ForEachColumn(const Expr& expr, const std::function<void(ColumnId)>& visit) {
  if (expr.op == ExprOp::kColumn) visit(expr.column);
  for (const ExprPtr& arg : expr.args) ForEachColumn(*arg, visit);
}

ExprPtr ReplaceColumns(const ExprPtr& expr, const std::function<ExprPtr(ColumnId)>& replace) {
  if (expr->op == ExprOp::kColumn) {
    ExprPtr replacement = replace(expr->column);
    return replacement != nullptr ? replacement : expr;
  }
  std::vector<ExprPtr> args;
  args.reserve(expr->args.size());
  bool changed = false;
  for (const ExprPtr& arg : expr->args) {
    args.push_back(ReplaceColumns(arg, replace));
    changed |= args.back() != arg;
  }
  if (!changed) return expr;
  auto copy = std::make_shared<Expr>(*expr);
  copy->args = std::move(args);
  return copy;
}

bool SameExpr(const Expr& a, const Expr& b) {
  if (&a == &b) return true;
  if (a.op != b.op || a.type != b.type || a.column != b.column || a.collation != b.collation || a.unit != b.unit || a.label != b.label ||
      a.args.size() != b.args.size() || !SameValue(a.constant, b.constant))
    return false;
  for (size_t i = 0; i < a.args.size(); ++i)
    if (!SameExpr(*a.args[i], *b.args[i])) return false;
  return true;
}

const char* ExprOpName(ExprOp op) {
  const OpEntry* entry = FindOp(static_cast<uint16_t>(op));
  return entry != nullptr ? entry->name : "unknown operation";
}

bool IsKnownExprOp(uint16_t op) { return FindOp(op) != nullptr; }

bool HasValidArity(const Expr& expr) {
  const OpEntry* entry = FindOp(static_cast<uint16_t>(expr.op));
  return entry != nullptr && expr.args.size() >= entry->min_args && expr.args.size() <= entry->max_args;
}

std::string QuotedText(const Expr& expr) { return expr.label.empty() ? ExprText(expr) : expr.label; }

std::string ExprText(const Expr& expr) {
  switch (expr.op) {
    case ExprOp::kColumn: return "#" + std::to_string(expr.column);
    case ExprOp::kConstant: return ConstantText(expr.constant, expr.type);
    case ExprOp::kCase: return CaseText(expr);
    case ExprOp::kCast: return "cast(" + ArgsText(expr, 0, ", ") + " as " + TypeName(expr.type) + ")";
    case ExprOp::kExtract:
      return std::string("extract(") + UnitName(expr.unit) + " from " + ArgsText(expr, 0, ", ") + ")";
    case ExprOp::kTimestampDiff:
      return std::string("timestampdiff(") + UnitName(expr.unit) + ", " + ArgsText(expr, 0, ", ") + ")";
    case ExprOp::kDateAdd:
    case ExprOp::kDateSub:
      if (expr.args.size() == 2)
        return "(" + ExprText(*expr.args[0]) + (expr.op == ExprOp::kDateAdd ? " + interval " : " - interval ") +
               ExprText(*expr.args[1]) + " " + UnitName(expr.unit) + ")";
      break;
    case ExprOp::kIn:
    case ExprOp::kNotIn:
    case ExprOp::kLike:
    case ExprOp::kNotLike:
      if (!expr.args.empty()) {
        const bool in = expr.op == ExprOp::kIn || expr.op == ExprOp::kNotIn;
        return "(" + ExprText(*expr.args[0]) + " " + ExprOpName(expr.op) + " " + (in ? "(" : "") +
               ArgsText(expr, 1, in ? "," : " escape ") + (in ? ")" : "") + ")";
      }
      break;
    case ExprOp::kIsNull:
    case ExprOp::kIsNotNull:
    case ExprOp::kIsTrue:
    case ExprOp::kIsNotTrue:
    case ExprOp::kIsFalse:
    case ExprOp::kIsNotFalse: return "(" + ArgsText(expr, 0, ", ") + " " + ExprOpName(expr.op) + ")";
    default: break;
  }
  const OpEntry* entry = FindOp(static_cast<uint16_t>(expr.op));
  if (entry == nullptr) return "unknown operation";
  if (entry->infix) return "(" + ArgsText(expr, 0, (std::string(" ") + entry->name + " ").c_str()) + ")";
  return std::string(entry->name) + "(" + ArgsText(expr, 0, ",") + ")";
}

}  // namespace sirocco::plan
