// Functions of text. Lengths and positions count characters of the collation's character set unless
// the name says bytes.
#include <openssl/evp.h>

#include <algorithm>
#include <climits>
#include <cstring>

#include "engine/expr/compiler.h"
#include "engine/expr/steps.h"
#include "mysqlsem/number_format.h"

namespace sirocco::engine {

using mysqlsem::Collation;
using plan::Expr;
using plan::ExprOp;
using plan::Type;
using plan::TypeKind;

namespace {

std::unexpected<Error> Unsupported(const Expr& e, const SlotInfo& arg) {
  return NotSupported(std::string("function ") + plan::ExprOpName(e.op) + " of " +
                      plan::TypeName(arg.type) + " is not supported");
}

bool IsText(const SlotInfo& in) { return in.rep == Rep::kStr && in.type.kind == TypeKind::kString; }

// Character sets in which a byte below 0x80 is always that ASCII character.
bool SafeBytes(const Collation& collation) {
  return collation.charset_name().starts_with("utf8") ||
         (collation.mbmaxlen() == 1 && collation.ascii_based());
}

// What the functions of this file have in common while they are compiled.
class TextFunction {
 public:
  TextFunction(ExprCompiler& c, const Expr& e) : c_(c), e_(e) {}

  // Compiles the arguments. False if one is a constant NULL, so that a strict function is NULL.
  Result<bool> CompileArguments() {
    for (const ExprPtr& arg : e_.args) {
      ASSIGN_OR_RETURN(Slot slot, c_.Compile(arg));
      slot = c_.DecodeCodes(c_.FromBool(slot));
      if (c_.IsNullConstant(slot)) any_null_ = true;
      args_.push_back(slot);
    }
    return !any_null_;
  }
  Slot arg(size_t i) const { return args_[i]; }
  size_t num_args() const { return args_.size(); }
  const SlotInfo& info(size_t i) const { return c_.info(args_[i]); }

  // Makes argument i text in the collation `id`'s character set.
  Result<void> MakeText(size_t i, uint32_t id) {
    if (c_.IsNullConstant(args_[i])) {
      args_[i] = c_.NullConstant({.type = plan::StringType(id, 0), .rep = Rep::kStr});
      return {};
    }
    Type type = plan::StringType(id, 0);
    ASSIGN_OR_RETURN(args_[i], c_.ToString(args_[i], type));
    return {};
  }
  // Argument i as a 64-bit integer.
  Result<void> MakeInteger(size_t i) {
    const SlotInfo& in = info(i);
    if (in.rep != Rep::kI64 || in.type.IsTemporal() || in.type.kind == TypeKind::kDecimal)
      return Unsupported(e_, in);
    return {};
  }
  // The collation that argument i's bytes are in.
  Result<const Collation*> ArgumentCollation(size_t i) {
    if (!IsText(info(i))) return Unsupported(e_, info(i));
    return Find(info(i).type.collation);
  }
  Result<const Collation*> ResultCollation() {
    if (e_.type.kind != TypeKind::kString) return Malformed(e_);
    return Find(e_.type.collation);
  }
  Result<const Collation*> Find(uint32_t id) {
    const Collation* collation = c_.FindCollation(id);
    if (collation == nullptr)
      return NotSupported("collation " + std::to_string(id) + " is not supported");
    return collation;
  }

  bool AnyNullable() const {
    for (Slot s : args_)
      if (c_.info(s).nullable) return true;
    return false;
  }

  template <typename F>
  Result<Slot> Text(bool may_be_null, StepTraits traits, F f,
                    Strictness strictness = Strictness::kStrict) {
    if (e_.type.kind != TypeKind::kString) return Malformed(e_);
    return Add({.type = e_.type, .rep = Rep::kStr, .nullable = may_be_null || AnyNullable()},
               traits, std::move(f), strictness);
  }
  template <typename F>
  Result<Slot> Integer(int128 low, int128 high, StepTraits traits, F f) {
    if (!e_.type.IsInteger()) return Malformed(e_);
    return Add({.type = e_.type,
                .rep = Rep::kI64,
                .range = MakeRange(low, high),
                .nullable = AnyNullable()},
               traits, std::move(f), Strictness::kStrict);
  }
  template <typename F>
  Result<Slot> Add(const SlotInfo& slot_info, StepTraits traits, F f, Strictness strictness) {
    const Slot out = c_.AddSlot(slot_info);
    return c_.Finish(MakeRowStep(args_, out, strictness, std::move(f)), out,
                     std::span<const Slot>(args_), traits);
  }
  // Of functions that check max_allowed_packet: nothing to raise if the declared result fits.
  StepTraits PacketTraits() const {
    return {.raises = e_.type.max_length == 0 || e_.type.max_length > c_.plan().max_allowed_packet,
            .expensive = true};
  }
  Slot Null() {
    return c_.NullConstant({.type = e_.type, .rep = RepOfLane(plan::LaneOf(e_.type))});
  }

  ExprCompiler& c_;
  const Expr& e_;

 private:
  std::vector<Slot> args_;
  bool any_null_ = false;
};

constexpr StepTraits kSlow{.expensive = true};
constexpr StepTraits kMayRaise{.raises = true, .expensive = true};

// NULL with the server's warning for results beyond max_allowed_packet.
bool TooLong(Row& r, const char* name, uint64_t limit) {
  r.Warn(1301, std::string("Result of ") + name + "() was larger than max_allowed_packet (" +
                   std::to_string(limit) + ") - truncated");
  return false;
}

bool FailUnsupported(Row& r, const char* what) {
  return r.Fail(Error{ErrorCode::kNotSupported, 0, std::string(what) + " is not supported"});
}

// Positions and lengths: beyond 31 bits the server takes its own limit; unsigned values are never
// negative.
int64_t ReadCount(const Row& r, int k, bool is_unsigned) {
  const int64_t v = r.I64(k);
  return is_unsigned && v < 0 ? INT64_MAX : v;
}

Result<Slot> BuildConcat(TextFunction& f) {
  for (size_t i = 0; i < f.num_args(); ++i) RETURN_IF_ERROR(f.MakeText(i, f.e_.type.collation));
  const uint64_t limit = f.c_.plan().max_allowed_packet;
  const bool separated = f.e_.op == ExprOp::kConcatWs;
  return f.Text(
      !separated, f.PacketTraits(),
      [=](Row& r) {
        std::string& out = r.scratch();
        out.clear();
        const int n = r.num_args();
        if (separated && r.IsNull(0)) return false;
        int used = 0;
        for (int i = separated; i < n; ++i) {
          if (r.IsNull(i)) {
            if (!separated) return false;
            continue;
          }
          const std::string_view s = r.Str(i);
          const std::string_view separator =
              separated && used++ > 0 ? r.Str(0) : std::string_view();
          if (out.size() + (separated ? r.Str(0).size() : 0) + s.size() > limit)
            return TooLong(r, separated ? "concat_ws" : "concat", limit);
          out += separator;
          out += s;
        }
        return r.ReturnCopy(out);
      },
      Strictness::kHandles);
}

Result<Slot> BuildSubstring(TextFunction& f) {
  RETURN_IF_ERROR(f.MakeText(0, f.e_.type.collation));
  for (size_t i = 1; i < f.num_args(); ++i) RETURN_IF_ERROR(f.MakeInteger(i));
  ASSIGN_OR_RETURN(const Collation* collation, f.ResultCollation());
  const bool unsigned1 = f.info(1).type.IsUnsigned(),
             unsigned2 = f.num_args() > 2 && f.info(2).type.IsUnsigned();
  const ExprOp op = f.e_.op;
  // Single-byte text and ASCII in UTF-8 need no scan for characters.
  const bool single = collation->mbmaxlen() == 1;
  return f.Text(false, kSlow, [=](Row& r) {
    const std::string_view s = r.Str(0);
    const int64_t first = ReadCount(r, 1, unsigned1);
    if (op == ExprOp::kLeft)
      return r.ReturnView(first <= 0 ? std::string_view() : collation->Left(s, first));
    if (op == ExprOp::kRight)
      return r.ReturnView(first <= 0 ? std::string_view() : collation->Right(s, first));
    int64_t length = INT32_MAX;
    if (r.num_args() > 2) {
      length = std::min<int64_t>(ReadCount(r, 2, unsigned2), INT32_MAX);
      if (length <= 0) return r.ReturnView({});
    }
    if (first < INT32_MIN || first > INT32_MAX || first == 0) return r.ReturnView({});
    if (single) {
      const int64_t size = static_cast<int64_t>(s.size());
      const int64_t start = first < 0 ? size + first : first - 1;
      if (start < 0 || start >= size) return r.ReturnView({});
      return r.ReturnView(s.substr(static_cast<size_t>(start), static_cast<size_t>(length)));
    }
    return r.ReturnView(collation->Substring(s, first, length));
  });
}

Result<Slot> BuildCase(TextFunction& f) {
  RETURN_IF_ERROR(f.MakeText(0, f.e_.type.collation));
  ASSIGN_OR_RETURN(const Collation* collation, f.ResultCollation());
  const bool upper = f.e_.op == ExprOp::kUpper;
  return f.Text(false, kSlow, [=](Row& r) {
    if (upper) {
      collation->Upper(r.Str(0), &r.scratch());
    } else {
      collation->Lower(r.Str(0), &r.scratch());
    }
    return r.ReturnCopy(r.scratch());
  });
}

Result<Slot> BuildTrim(TextFunction& f) {
  for (size_t i = 0; i < f.num_args(); ++i) RETURN_IF_ERROR(f.MakeText(i, f.e_.type.collation));
  ASSIGN_OR_RETURN(const Collation* collation, f.ResultCollation());
  if (f.num_args() == 1 && !collation->ascii_based())
    return NotSupported("TRIM in this character set is not supported");
  const bool leading = f.e_.op != ExprOp::kRtrim, trailing = f.e_.op != ExprOp::kLtrim;
  return f.Text(false, kSlow, [=](Row& r) {
    std::string_view s = r.Str(0);
    const std::string_view pad = r.num_args() > 1 ? r.Str(1) : std::string_view(" ");
    if (pad.empty() || pad.size() > s.size()) return r.ReturnView(s);
    if (leading) s = collation->TrimLeading(s, pad);
    if (trailing) s = collation->TrimTrailing(s, pad);
    return r.ReturnView(s);
  });
}

Result<Slot> BuildLengths(TextFunction& f) {
  const ExprOp op = f.e_.op;
  if (op == ExprOp::kCharLength || !IsText(f.info(0))) {
    const uint32_t id = IsText(f.info(0)) ? f.info(0).type.collation : 255;
    RETURN_IF_ERROR(f.MakeText(0, id));
  }
  ASSIGN_OR_RETURN(const Collation* collation, f.ArgumentCollation(0));
  const bool by_bytes = op != ExprOp::kCharLength || collation->mbmaxlen() == 1;
  const int factor = op == ExprOp::kBitLength ? 8 : 1;
  return f.Integer(0, int128{UINT32_MAX} * 8, {.expensive = !by_bytes}, [=](Row& r) {
    const std::string_view s = r.Str(0);
    return r.Return(static_cast<int64_t>(by_bytes ? s.size() * factor : collation->NumChars(s)));
  });
}

Result<Slot> BuildReplace(TextFunction& f) {
  for (size_t i = 0; i < 3; ++i) RETURN_IF_ERROR(f.MakeText(i, f.e_.type.collation));
  ASSIGN_OR_RETURN(const Collation* collation, f.ResultCollation());
  if (!SafeBytes(*collation)) return NotSupported("REPLACE in this character set is not supported");
  const uint64_t limit = f.c_.plan().max_allowed_packet;
  return f.Text(true, f.PacketTraits(), [=](Row& r) {
    const std::string_view s = r.Str(0), from = r.Str(1), to = r.Str(2);
    if (s.empty() || from.empty()) return r.ReturnView(s);
    size_t found = s.find(from);
    if (found == std::string_view::npos) return r.ReturnView(s);
    std::string& out = r.scratch();
    out.clear();
    size_t position = 0;
    while (found != std::string_view::npos) {
      out.append(s, position, found - position);
      if (to.size() > from.size() &&
          out.size() + (to.size() - from.size()) + (s.size() - found) > limit)
        return TooLong(r, "replace", limit);
      out += to;
      position = found + from.size();
      found = s.find(from, position);
    }
    out.append(s, position);
    return r.ReturnCopy(out);
  });
}

Result<Slot> BuildLocate(TextFunction& f) {
  const uint32_t id = f.e_.collation != 0 ? f.e_.collation : f.info(1).type.collation;
  RETURN_IF_ERROR(f.MakeText(0, id));
  RETURN_IF_ERROR(f.MakeText(1, id));
  if (f.num_args() > 2) RETURN_IF_ERROR(f.MakeInteger(2));
  ASSIGN_OR_RETURN(const Collation* collation, f.Find(id));
  return f.Integer(0, UINT32_MAX, kSlow, [=](Row& r) {
    return r.Return(collation->Locate(r.Str(0), r.Str(1), r.num_args() > 2 ? r.I64(2) : 1));
  });
}

Result<Slot> BuildRepeat(TextFunction& f) {
  const bool space = f.e_.op == ExprOp::kSpace;
  if (!space) RETURN_IF_ERROR(f.MakeText(0, f.e_.type.collation));
  const size_t count_arg = space ? 0 : 1;
  RETURN_IF_ERROR(f.MakeInteger(count_arg));
  ASSIGN_OR_RETURN(const Collation* collation, f.ResultCollation());
  if (space && !collation->ascii_based())
    return NotSupported("SPACE in this character set is not supported");
  const bool is_unsigned = f.info(count_arg).type.IsUnsigned();
  const uint64_t limit = f.c_.plan().max_allowed_packet;
  return f.Text(true, f.PacketTraits(), [=](Row& r) {
    const int64_t count =
        std::min<int64_t>(ReadCount(r, static_cast<int>(count_arg), is_unsigned), INT32_MAX);
    if (count <= 0) return r.ReturnView({});
    const std::string_view s = space ? std::string_view(" ") : r.Str(0);
    if (count == 1) return r.ReturnView(s);
    if (s.size() > limit / static_cast<uint64_t>(count))
      return TooLong(r, space ? "space" : "repeat", limit);
    std::string& out = r.scratch();
    out.clear();
    out.reserve(s.size() * static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) out += s;
    return r.ReturnCopy(out);
  });
}

Result<Slot> BuildReverse(TextFunction& f) {
  RETURN_IF_ERROR(f.MakeText(0, f.e_.type.collation));
  ASSIGN_OR_RETURN(const Collation* collation, f.ResultCollation());
  return f.Text(false, kSlow, [=](Row& r) {
    collation->Reverse(r.Str(0), &r.scratch());
    return r.ReturnCopy(r.scratch());
  });
}

Result<Slot> BuildPad(TextFunction& f) {
  RETURN_IF_ERROR(f.MakeText(0, f.e_.type.collation));
  RETURN_IF_ERROR(f.MakeInteger(1));
  if (f.num_args() > 2) RETURN_IF_ERROR(f.MakeText(2, f.e_.type.collation));
  ASSIGN_OR_RETURN(const Collation* collation, f.ResultCollation());
  if (f.num_args() == 2 && !collation->ascii_based())
    return NotSupported("padding in this character set is not supported");
  const bool left = f.e_.op == ExprOp::kLpad, is_unsigned = f.info(1).type.IsUnsigned();
  const uint64_t limit = f.c_.plan().max_allowed_packet;
  return f.Text(true, f.PacketTraits(), [=](Row& r) {
    int64_t count = ReadCount(r, 1, is_unsigned);
    if (count < 0) return false;
    count = std::min<int64_t>(count, INT32_MAX);
    const std::string_view s = r.Str(0), pad = r.num_args() > 2 ? r.Str(2) : std::string_view(" ");
    const size_t chars = collation->NumChars(s);
    size_t missing = static_cast<size_t>(count);
    if (missing <= chars) return r.ReturnView(s.substr(0, collation->CharOffset(s, missing)));
    missing -= chars;
    const size_t pad_chars = std::max<size_t>(collation->NumChars(pad), 1);
    if (s.size() + uint64_t{missing} * collation->mbmaxlen() > limit)
      return TooLong(r, left ? "lpad" : "rpad", limit);
    std::string& out = r.scratch();
    out.clear();
    if (!left) out += s;
    for (; missing >= pad_chars; missing -= pad_chars) out += pad;
    if (missing > 0) out += pad.substr(0, collation->CharOffset(pad, missing));
    if (left) out += s;
    return r.ReturnCopy(out);
  });
}

Result<Slot> BuildInsert(TextFunction& f) {
  RETURN_IF_ERROR(f.MakeText(0, f.e_.type.collation));
  RETURN_IF_ERROR(f.MakeInteger(1));
  RETURN_IF_ERROR(f.MakeInteger(2));
  RETURN_IF_ERROR(f.MakeText(3, f.e_.type.collation));
  ASSIGN_OR_RETURN(const Collation* collation, f.ResultCollation());
  const uint64_t limit = f.c_.plan().max_allowed_packet;
  return f.Text(true, f.PacketTraits(), [=](Row& r) {
    const std::string_view s = r.Str(0), other = r.Str(3);
    const int64_t size = static_cast<int64_t>(s.size());
    int64_t start = r.I64(1), length = r.I64(2);
    if (start < 1 || start > size) return r.ReturnView(s);
    if (length < 0 || length > size) length = size;
    const size_t from = collation->CharOffset(s, static_cast<size_t>(start - 1));
    if (from >= s.size()) return r.ReturnView(s);
    const size_t cut = collation->CharOffset(s.substr(from), static_cast<size_t>(length));
    if (s.size() - cut + other.size() > limit) return TooLong(r, "insert", limit);
    std::string& out = r.scratch();
    out.assign(s.substr(0, from));
    out += other;
    out += s.substr(from + cut);
    return r.ReturnCopy(out);
  });
}

Result<Slot> BuildFirstChar(TextFunction& f) {
  if (!IsText(f.info(0))) RETURN_IF_ERROR(f.MakeText(0, 255));
  ASSIGN_OR_RETURN(const Collation* collation, f.ArgumentCollation(0));
  const bool whole = f.e_.op == ExprOp::kOrd && collation->mbmaxlen() > 1;
  return f.Integer(0, UINT32_MAX, {}, [=](Row& r) {
    const std::string_view s = r.Str(0);
    if (s.empty()) return r.Return(int64_t{0});
    uint32_t code_point = 0;
    size_t size = 1;
    if (whole) size = std::max<size_t>(collation->DecodeChar(s, &code_point), 1);
    int64_t value = 0;
    for (size_t i = 0; i < size; ++i) value = value << 8 | static_cast<uint8_t>(s[i]);
    return r.Return(value);
  });
}

constexpr char kHexDigits[] = "0123456789ABCDEF";

// Digits of `value` in `base` (2..36), upper case.
std::string_view Digits(uint64_t value, unsigned base, char (&buffer)[72]) {
  char* const end = buffer + sizeof buffer;
  char* p = end;
  do {
    const unsigned digit = static_cast<unsigned>(value % base);
    *--p = static_cast<char>(digit < 10 ? '0' + digit : 'A' + digit - 10);
    value /= base;
  } while (value != 0);
  return {p, static_cast<size_t>(end - p)};
}

// ASCII results: the result's character set must hold them as they are.
Result<void> CheckAsciiResult(TextFunction& f) {
  ASSIGN_OR_RETURN(const Collation* collation, f.ResultCollation());
  if (!collation->ascii_based())
    return NotSupported(std::string("function ") + plan::ExprOpName(f.e_.op) +
                        " in this character set is not supported");
  return {};
}

Result<Slot> BuildHex(TextFunction& f) {
  RETURN_IF_ERROR(CheckAsciiResult(f));
  const ExprOp op = f.e_.op;
  if (IsText(f.info(0)) && op == ExprOp::kHex)
    return f.Text(false, kSlow, [](Row& r) {
      std::string& out = r.scratch();
      out.clear();
      for (unsigned char c : r.Str(0)) {
        out += kHexDigits[c >> 4];
        out += kHexDigits[c & 15];
      }
      return r.ReturnCopy(out);
    });
  RETURN_IF_ERROR(f.MakeInteger(0));
  const unsigned base = op == ExprOp::kHex ? 16 : op == ExprOp::kBin ? 2 : 8;
  return f.Text(false, kSlow, [=](Row& r) {
    char buffer[72];
    return r.ReturnCopy(Digits(r.U64(0), base, buffer));
  });
}

Result<Slot> BuildUnhex(TextFunction& f) {
  if (!IsText(f.info(0))) RETURN_IF_ERROR(f.MakeText(0, 255));
  if (f.e_.type.collation != plan::kBinaryCollation)
    return NotSupported("UNHEX giving text is not supported");
  return f.Text(true, kMayRaise, [](Row& r) {
    const std::string_view s = r.Str(0);
    std::string& out = r.scratch();
    out.clear();
    auto digit = [](char c) {
      return c >= '0' && c <= '9'   ? c - '0'
             : c >= 'a' && c <= 'f' ? c - 'a' + 10
             : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                    : -1;
    };
    size_t i = 0;
    if (s.size() % 2 == 1) {
      if (digit(s[0]) < 0) return FailUnsupported(r, "UNHEX of text that is not hexadecimal");
      out += static_cast<char>(digit(s[0]));
      i = 1;
    }
    for (; i < s.size(); i += 2) {
      const int high = digit(s[i]), low = digit(s[i + 1]);
      if (high < 0 || low < 0) return FailUnsupported(r, "UNHEX of text that is not hexadecimal");
      out += static_cast<char>(high << 4 | low);
    }
    return r.ReturnCopy(out);
  });
}

Result<Slot> BuildConv(TextFunction& f) {
  RETURN_IF_ERROR(CheckAsciiResult(f));
  RETURN_IF_ERROR(f.MakeInteger(1));
  RETURN_IF_ERROR(f.MakeInteger(2));
  const bool text = IsText(f.info(0));
  if (text) {
    ASSIGN_OR_RETURN(const Collation* collation, f.ArgumentCollation(0));
    if (!collation->ascii_based()) return Unsupported(f.e_, f.info(0));
  } else {
    RETURN_IF_ERROR(f.MakeInteger(0));
  }
  const bool is_unsigned = f.info(0).type.IsUnsigned();
  return f.Text(true, kMayRaise, [=](Row& r) {
    const int64_t from = r.I64(1), to = r.I64(2);
    const int64_t from_base = from < 0 ? -from : from, to_base = to < 0 ? -to : to;
    if (from_base < 2 || from_base > 36 || to_base < 2 || to_base > 36) return false;
    char digits[24];
    std::string_view s;
    if (text) {
      s = r.Str(0);
    } else {
      s = {digits, is_unsigned ? mysqlsem::FormatUint64(r.U64(0), digits)
                               : mysqlsem::FormatInt64(r.I64(0), digits)};
    }
    if (s.empty()) return false;
    size_t i = 0;
    while (i < s.size() && (s[i] == ' ' || (s[i] >= '\t' && s[i] <= '\r'))) ++i;
    bool negative = false;
    if (i < s.size() && (s[i] == '-' || s[i] == '+')) negative = s[i++] == '-';
    unsigned __int128 value = 0;
    const size_t begin = i;
    for (; i < s.size(); ++i) {
      const char c = s[i];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'z' ? c - 'a' + 10
                        : c >= 'A' && c <= 'Z' ? c - 'A' + 10
                                               : 99;
      if (digit >= from_base) break;
      value = value * static_cast<unsigned>(from_base) + static_cast<unsigned>(digit);
      if (value > UINT64_MAX) return FailUnsupported(r, "CONV of a number beyond 64 bits");
    }
    if (i == begin) return FailUnsupported(r, "CONV of text without a number");
    if (from < 0 && value > static_cast<unsigned __int128>(INT64_MAX) + negative)
      return FailUnsupported(r, "CONV of a number beyond 64 bits");
    const uint64_t bits = negative ? -static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
    char buffer[72];
    if (to < 0 && static_cast<int64_t>(bits) < 0) {
      r.scratch() = "-";
      r.scratch() += Digits(-bits, static_cast<unsigned>(to_base), buffer);
      return r.ReturnCopy(r.scratch());
    }
    return r.ReturnCopy(Digits(bits, static_cast<unsigned>(to_base), buffer));
  });
}

Result<Slot> BuildStrcmp(TextFunction& f) {
  const uint32_t id = f.e_.collation;
  RETURN_IF_ERROR(f.MakeText(0, id));
  RETURN_IF_ERROR(f.MakeText(1, id));
  ASSIGN_OR_RETURN(const Collation* collation, f.Find(id));
  return f.Integer(-1, 1, kSlow, [=](Row& r) {
    const int order = collation->Compare(r.Str(0), r.Str(1));
    return r.Return(int64_t{order < 0 ? -1 : order > 0});
  });
}

Result<Slot> BuildFindInSet(TextFunction& f) {
  const uint32_t id = f.e_.collation != 0 ? f.e_.collation : f.info(1).type.collation;
  RETURN_IF_ERROR(f.MakeText(0, id));
  RETURN_IF_ERROR(f.MakeText(1, id));
  ASSIGN_OR_RETURN(const Collation* collation, f.Find(id));
  // The server compares the parts without padding; that is the collation's own order only for NO
  // PAD ones.
  if (!SafeBytes(*collation) || collation->pad_space())
    return NotSupported("FIND_IN_SET under a padding collation is not supported");
  return f.Integer(0, UINT32_MAX, kSlow, [=](Row& r) {
    const std::string_view needle = r.Str(0), set = r.Str(1);
    if (set.size() < needle.size() || set.empty()) return r.Return(int64_t{0});
    int64_t position = 0;
    size_t begin = 0;
    while (true) {
      const size_t comma = set.find(',', begin);
      ++position;
      const std::string_view part = set.substr(
          begin, comma == std::string_view::npos ? std::string_view::npos : comma - begin);
      const bool last = comma == std::string_view::npos;
      if (last && part.empty()) return r.Return(needle.empty() ? position : int64_t{0});
      if (part == needle || collation->Equal(part, needle)) return r.Return(position);
      if (last) return r.Return(int64_t{0});
      begin = comma + 1;
    }
  });
}

Result<Slot> BuildSubstringIndex(TextFunction& f) {
  RETURN_IF_ERROR(f.MakeText(0, f.e_.type.collation));
  RETURN_IF_ERROR(f.MakeText(1, f.e_.type.collation));
  RETURN_IF_ERROR(f.MakeInteger(2));
  ASSIGN_OR_RETURN(const Collation* collation, f.ResultCollation());
  if (!SafeBytes(*collation))
    return NotSupported("SUBSTRING_INDEX in this character set is not supported");
  const bool single = collation->mbmaxlen() == 1, is_unsigned = f.info(2).type.IsUnsigned();
  return f.Text(false, kSlow, [=](Row& r) {
    const std::string_view s = r.Str(0), delimiter = r.Str(1);
    int64_t count = ReadCount(r, 2, is_unsigned);
    if (s.empty() || delimiter.empty() || count == 0) return r.ReturnView({});
    if (count > INT32_MAX || count < INT32_MIN) return r.ReturnView(s);
    if (count < 0 && single) {
      // Single-byte sets search from the end.
      size_t end = s.size();
      for (; count < 0; ++count) {
        if (end < delimiter.size()) return r.ReturnView(s);
        const size_t found = s.rfind(delimiter, end - delimiter.size());
        if (found == std::string_view::npos) return r.ReturnView(s);
        end = found;
      }
      return r.ReturnView(s.substr(end + delimiter.size()));
    }
    int64_t wanted = count;
    if (count < 0) {
      int64_t total = 0;
      for (size_t p = s.find(delimiter); p != std::string_view::npos;
           p = s.find(delimiter, p + delimiter.size()))
        ++total;
      wanted = total + count + 1;
      if (wanted <= 0) return r.ReturnView(s);
    }
    size_t found = 0, from = 0;
    for (; wanted > 0; --wanted) {
      found = s.find(delimiter, from);
      if (found == std::string_view::npos) return r.ReturnView(s);
      from = found + delimiter.size();
    }
    return r.ReturnView(count < 0 ? s.substr(from) : s.substr(0, found));
  });
}

Result<Slot> BuildDigest(TextFunction& f) {
  RETURN_IF_ERROR(CheckAsciiResult(f));
  if (!IsText(f.info(0))) return Unsupported(f.e_, f.info(0));
  const EVP_MD* digest = f.e_.op == ExprOp::kMd5 ? EVP_md5() : EVP_sha1();
  if (f.e_.op == ExprOp::kSha2) {
    if (!f.info(1).constant || f.info(1).rep != Rep::kI64)
      return NotSupported("SHA2 of a varying length is not supported");
    switch (static_cast<int64_t>(f.c_.ConstantInt(f.arg(1)))) {
      case 224:
        digest = EVP_sha224();
        break;
      case 0:
      case 256:
        digest = EVP_sha256();
        break;
      case 384:
        digest = EVP_sha384();
        break;
      case 512:
        digest = EVP_sha512();
        break;
      default:
        return NotSupported("SHA2 of this length is not supported");
    }
  }
  return f.Text(false, kSlow, [=](Row& r) {
    static constexpr char kLower[] = "0123456789abcdef";
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    const std::string_view s = r.Str(0);
    if (EVP_Digest(s.data(), s.size(), hash, &size, digest, nullptr) != 1)
      return FailUnsupported(r, "this digest");
    std::string& out = r.scratch();
    out.clear();
    for (unsigned int i = 0; i < size; ++i) {
      out += kLower[hash[i] >> 4];
      out += kLower[hash[i] & 15];
    }
    return r.ReturnCopy(out);
  });
}

Result<Slot> BuildToBase64(TextFunction& f) {
  RETURN_IF_ERROR(CheckAsciiResult(f));
  if (!IsText(f.info(0))) RETURN_IF_ERROR(f.MakeText(0, 255));
  return f.Text(false, kSlow, [](Row& r) {
    static constexpr char kDigits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const std::string_view s = r.Str(0);
    std::string& out = r.scratch();
    out.clear();
    for (size_t i = 0; i < s.size(); i += 3) {
      // Lines of 76 characters.
      if (i > 0 && i % 57 == 0) out += '\n';
      uint32_t bits = 0;
      const size_t n = std::min<size_t>(3, s.size() - i);
      for (size_t k = 0; k < 3; ++k)
        bits = bits << 8 | (k < n ? static_cast<uint8_t>(s[i + k]) : 0);
      for (size_t k = 0; k < 4; ++k) out += k <= n ? kDigits[bits >> (18 - 6 * k) & 63] : '=';
    }
    return r.ReturnCopy(out);
  });
}

// "1234567.891" to "1,234,567.891".
void AppendGrouped(std::string_view digits, std::string* out) {
  size_t begin = 0;
  if (!digits.empty() && digits[0] == '-') {
    *out += '-';
    begin = 1;
  }
  const size_t point = std::min(digits.find('.'), digits.size());
  for (size_t i = begin; i < point; ++i) {
    if (i > begin && (point - i) % 3 == 0) *out += ',';
    *out += digits[i];
  }
  *out += digits.substr(point);
}

Result<Slot> BuildFormat(TextFunction& f) {
  RETURN_IF_ERROR(CheckAsciiResult(f));
  if (f.num_args() > 2) return NotSupported("FORMAT with a locale is not supported");
  RETURN_IF_ERROR(f.MakeInteger(1));
  auto places = [](const Row& r) { return static_cast<int>(std::clamp<int64_t>(r.I64(1), 0, 30)); };
  const SlotInfo in = f.info(0);
  if (in.rep == Rep::kF64)
    return f.Text(false, kSlow, [=](Row& r) {
      const int d = places(r);
      char text[mysqlsem::kMaxFormattedDouble + 64];
      const size_t size =
          mysqlsem::FormatDouble(mysqlsem::RoundDouble(r.F64(0), d, false),
                                 static_cast<uint32_t>(d), text, mysqlsem::FloatText::kString);
      r.scratch().clear();
      AppendGrouped({text, size}, &r.scratch());
      return r.ReturnCopy(r.scratch());
    });
  if (IsText(in) || in.type.IsTemporal()) return Unsupported(f.e_, in);
  ASSIGN_OR_RETURN(Slot number, f.c_.ToBig(f.arg(0)));
  const Slot digits = f.arg(1);
  const Slot out = f.c_.AddSlot({.type = f.e_.type, .rep = Rep::kStr, .nullable = f.AnyNullable()});
  return f.c_.Finish(MakeRowStep({number, digits}, out, Strictness::kStrict,
                                 [=](Row& r) {
                                   mysqlsem::BigDecimal rounded;
                                   r.Big(0).Round(places(r), mysqlsem::DecimalRounding::kHalfUp,
                                                  &rounded);
                                   r.scratch().clear();
                                   AppendGrouped(rounded.ToString(), &r.scratch());
                                   return r.ReturnCopy(r.scratch());
                                 }),
                     out, {number, digits}, kSlow);
}

Result<Slot> BuildInet(TextFunction& f) {
  if (f.e_.op == ExprOp::kInetNtoa) {
    RETURN_IF_ERROR(CheckAsciiResult(f));
    RETURN_IF_ERROR(f.MakeInteger(0));
    return f.Text(true, kSlow, [](Row& r) {
      const uint64_t v = r.U64(0);
      if (v > UINT32_MAX) return false;
      std::string& out = r.scratch();
      out = std::to_string(v >> 24) + "." + std::to_string(v >> 16 & 255) + "." +
            std::to_string(v >> 8 & 255) + "." + std::to_string(v & 255);
      return r.ReturnCopy(out);
    });
  }
  ASSIGN_OR_RETURN(const Collation* collation, f.ArgumentCollation(0));
  if (!collation->ascii_based()) return Unsupported(f.e_, f.info(0));
  return f.Integer(0, UINT32_MAX, kMayRaise, [](Row& r) {
    const std::string_view s = r.Str(0);
    uint64_t value = 0;
    int dots = 0;
    uint64_t part = 0;
    char last = '.';
    for (const char c : s) {
      if (c >= '0' && c <= '9') {
        part = part * 10 + static_cast<uint64_t>(c - '0');
        if (part > 255) return FailUnsupported(r, "INET_ATON of text that is no address");
      } else if (c == '.' && ++dots <= 3) {
        value = (value << 8) + part;
        part = 0;
      } else {
        return FailUnsupported(r, "INET_ATON of text that is no address");
      }
      last = c;
    }
    if (last == '.') return FailUnsupported(r, "INET_ATON of text that is no address");
    // Short forms: a.b and a.b.c leave the middle parts 0.
    if (dots == 1) value <<= 16;
    if (dots == 2) value <<= 8;
    return r.Return(static_cast<int64_t>((value << 8) + part));
  });
}

Result<Slot> BuildQuote(TextFunction& f) {
  RETURN_IF_ERROR(f.MakeText(0, f.e_.type.collation));
  ASSIGN_OR_RETURN(const Collation* collation, f.ResultCollation());
  if (!SafeBytes(*collation)) return NotSupported("QUOTE in this character set is not supported");
  return f.Text(
      false, kSlow,
      [](Row& r) {
        if (r.IsNull(0)) return r.ReturnView("NULL");
        std::string& out = r.scratch();
        out = "'";
        for (const char c : r.Str(0)) {
          switch (c) {
            case 0:
              out += "\\0";
              break;
            case 26:
              out += "\\Z";
              break;
            case '\'':
            case '\\':
              out += '\\';
              [[fallthrough]];
            default:
              out += c;
          }
        }
        out += '\'';
        return r.ReturnCopy(out);
      },
      Strictness::kHandles);
}

}  // namespace

Result<Slot> BuildStringFunction(ExprCompiler& c, const ExprPtr& expr) {
  TextFunction f(c, *expr);
  ASSIGN_OR_RETURN(const bool known, f.CompileArguments());
  const ExprOp op = expr->op;
  if (op == ExprOp::kConcatWs && !c.IsNullConstant(f.arg(0))) return BuildConcat(f);
  if (op == ExprOp::kQuote) return BuildQuote(f);
  if (!known) return f.Null();
  switch (op) {
    case ExprOp::kConcat:
      return BuildConcat(f);
    case ExprOp::kSubstr:
    case ExprOp::kLeft:
    case ExprOp::kRight:
      return BuildSubstring(f);
    case ExprOp::kUpper:
    case ExprOp::kLower:
      return BuildCase(f);
    case ExprOp::kTrim:
    case ExprOp::kLtrim:
    case ExprOp::kRtrim:
      return BuildTrim(f);
    case ExprOp::kLength:
    case ExprOp::kCharLength:
    case ExprOp::kBitLength:
      return BuildLengths(f);
    case ExprOp::kReplace:
      return BuildReplace(f);
    case ExprOp::kLocate:
      return BuildLocate(f);
    case ExprOp::kRepeat:
    case ExprOp::kSpace:
      return BuildRepeat(f);
    case ExprOp::kReverse:
      return BuildReverse(f);
    case ExprOp::kLpad:
    case ExprOp::kRpad:
      return BuildPad(f);
    case ExprOp::kInsert:
      return BuildInsert(f);
    case ExprOp::kAscii:
    case ExprOp::kOrd:
      return BuildFirstChar(f);
    case ExprOp::kHex:
    case ExprOp::kBin:
    case ExprOp::kOct:
      return BuildHex(f);
    case ExprOp::kUnhex:
      return BuildUnhex(f);
    case ExprOp::kConv:
      return BuildConv(f);
    case ExprOp::kStrcmp:
      return BuildStrcmp(f);
    case ExprOp::kFindInSet:
      return BuildFindInSet(f);
    case ExprOp::kSubstringIndex:
      return BuildSubstringIndex(f);
    case ExprOp::kMd5:
    case ExprOp::kSha1:
    case ExprOp::kSha2:
      return BuildDigest(f);
    case ExprOp::kToBase64:
      return BuildToBase64(f);
    case ExprOp::kFormat:
      return BuildFormat(f);
    case ExprOp::kInetAton:
    case ExprOp::kInetNtoa:
      return BuildInet(f);
    default:
      return NotSupported(std::string("function ") + plan::ExprOpName(op) + " is not supported");
  }
}

}  // namespace sirocco::engine
