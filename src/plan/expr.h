// Expressions of a plan, as data. An expression is a tree; each node says its operation, its result type and its
// arguments. Semantics are MySQL's, including three-valued logic; where MySQL's meaning depends on argument types, the
// translator has made it explicit: arguments are cast so that each operation below has one meaning.
//
// Columns are named by ColumnId, which is unique in the whole plan: the operator that first produces a value (a scan, a
// projection, an aggregate, ...) gives it its id, and everything above refers to it by that id.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "plan/type.h"
#include "plan/value.h"

namespace sirocco::plan {

using ColumnId = uint32_t;

// Adding an operation: enumerator here, name and arity in expr.cc, kernel in engine/expr, translation in plugin/translate.
enum class ExprOp : uint16_t {
  kColumn = 0,  // `column`
  kConstant,    // `constant`

  // Comparison; result kInt 0/1 or NULL. Both arguments are in one comparison class: integers (signed and unsigned may
  // mix and compare by value), decimals and integers (scales may differ), doubles, strings (collation in `collation`),
  // or the same temporal kind.
  kEq = 10, kNe, kLt, kLe, kGt, kGe,
  kNullSafeEq,   // <=>: never NULL
  kIn,           // args[0] IN (args[1..]); constants or expressions of args[0]'s class
  kNotIn,

  // Logic; arguments are integers used as booleans.
  kAnd = 30, kOr,  // n-ary; arguments are evaluated in order, a later one only where the earlier do not decide
  kNot, kXor,
  kIsNull, kIsNotNull, kIsTrue, kIsNotTrue, kIsFalse, kIsNotFalse,

  // Arithmetic. Integer results overflow to error 1690, decimals to error 1690 or truncation as MySQL. kDecimal results
  // have exactly the result type's scale. Arguments are of the result's class (ints for kInt/kUInt results; ints or
  // decimals for kDecimal; doubles for kDouble).
  kAdd = 50, kSub, kMul,
  kDiv,      // kDecimal or kDouble; division by zero gives NULL and warning 1365
  kIntDiv,   // DIV
  kMod,
  kNeg, kAbs,
  kRound,    // args: value[, digits constant]
  kTruncate, kCeil, kFloor, kSign,
  kSqrt, kPow, kExp, kLn, kLog2, kLog10,
  kBitAnd, kBitOr, kBitXor, kShiftLeft, kShiftRight, kBitNot,
  kSin = 75, kCos, kTan, kCot, kAsin, kAcos, kAtan, kAtan2, kRadians, kDegrees, kCrc32, kBitCount,
  kLogBase,  // base, value

  // Conditional. A branch is evaluated only for rows that reach it.
  kCase = 100,   // when1, then1, when2, then2, ..., [else]; whens are booleans
  kIf,           // condition, then, else
  kCoalesce,     // n-ary (IFNULL is a coalesce of two)
  kNullIf,       // NULL if args[0] = args[1]
  kGreatest, kLeast,
  kRejectIf,     // args[0] true: error 1242 "Subquery returns more than 1 row"; else args[1] if given, else 0
  kField, kElt, kInterval,

  // Casts: to this node's type, exactly as MySQL's implicit or CAST conversion (warnings as MySQL gives them).
  kCast = 120,
  kEnumToString,         // `members` in node.h ColumnSchema order: args[1..] are the names as constants
  kSetToString,
  kTimestampToDatetime,  // in the session's time zone (Plan::time_zone)

  // Strings; `collation` of the result type governs.
  kLike = 140,   // value, pattern, [escape constant]; collation in `collation`
  kNotLike,
  kConcat, kConcatWs,
  kSubstr,       // value, start (1-based, may be negative)[, length]
  kLeft, kRight, kUpper, kLower, kTrim, kLtrim, kRtrim,   // trims: value[, what]
  kLength, kCharLength, kBitLength,
  kReplace, kLocate /* needle, haystack[, start] */, kRepeat, kReverse, kLpad, kRpad, kSpace, kInsert,
  kAscii, kOrd, kHex, kUnhex, kStrcmp, kFindInSet, kSubstringIndex, kChar, kMd5, kSha1, kSha2, kFormat, kToBase64,
  kFromBase64, kBin, kOct, kConv, kSoundex, kQuote, kInetAton, kInetNtoa,
  kMakeSet, kExportSet,

  // Temporal. `unit` holds MySQL's interval_type where named.
  kExtract = 220,        // EXTRACT(unit FROM value), also YEAR(), MONTH(), ...
  kDateAdd,              // value, amount (integer, or string for compound units); `unit`
  kDateSub,
  kDateDiff, kTimestampDiff /* unit */, kToDays, kFromDays, kLastDay, kDayOfWeek, kWeekDay, kDayOfYear,
  kWeek /* value, mode */, kYearWeek, kMakeDate, kMakeTime, kTimeToSec, kSecToTime, kDateFormat, kStrToDate, kMonthName,
  kDayName, kPeriodAdd, kPeriodDiff, kUnixTimestamp, kFromUnixtime, kTimeDiff, kAddTime, kSubTime, kToSeconds,
  kMicrosecond, kQuarter,
};

struct Expr;
using ExprPtr = std::shared_ptr<const Expr>;

struct Expr {
  ExprOp op = ExprOp::kConstant;
  Type type;
  ColumnId column = 0;        // kColumn
  Value constant;             // kConstant
  std::vector<ExprPtr> args;
  uint32_t collation = 0;     // string comparison and search: MySQL collation id
  uint32_t unit = 0;          // temporal units: MySQL's interval_type
  std::string label;          // what MySQL's warnings about a value out of range quote; empty: ExprText
};

// Constructors.
ExprPtr ColumnRef(ColumnId column, const Type& type);
ExprPtr Constant(Value value, const Type& type);
ExprPtr Call(ExprOp op, const Type& type, std::vector<ExprPtr> args, uint32_t collation = 0,
             uint32_t unit = 0);
// A copy of `expr` with this label.
ExprPtr Labelled(ExprPtr expr, std::string label);
// kAnd of the terms; the term itself if there is one; null if there is none.
ExprPtr Conjunction(std::vector<ExprPtr> terms);
// Splits nested kAnd into its terms, in order.
void SplitConjunction(const ExprPtr& expr, std::vector<ExprPtr>* terms);

// Calls `visit` for each column the expression reads (with repeats).
void ForEachColumn(const Expr& expr, const std::function<void(ColumnId)>& visit);
// The same expression with columns replaced by what `replace` gives (null: keep).
ExprPtr ReplaceColumns(const ExprPtr& expr, const std::function<ExprPtr(ColumnId)>& replace);
// Structural equality (types, constants, order of arguments).
bool SameExpr(const Expr& a, const Expr& b);

const char* ExprOpName(ExprOp op);
// True for a known enumerator; the codec checks foreign bytes with it.
bool IsKnownExprOp(uint16_t op);
// True if the operation is known and takes this number of arguments.
bool HasValidArity(const Expr& expr);
std::string ExprText(const Expr& expr);
// What messages about a value out of range quote: the label, or the text.
std::string QuotedText(const Expr& expr);

}  // namespace sirocco::plan
