// Functions between numbers and text: digits in other bases, characters from their codes, names of
// bits, SOUNDEX.
#include "engine/expr/text_function.h"
#include "mysqlsem/number_format.h"

namespace sirocco::engine {

using mysqlsem::Collation;
using plan::ExprOp;

namespace {

constexpr bool IsAsciiSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

constexpr int DigitOf(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'z' ? c - 'a' + 10
         : c >= 'A' && c <= 'Z' ? c - 'A' + 10
                                : 99;
}

// Text as an integer in `base`, as the server's strntoull and (is_signed) strntoll read it.
struct ParsedInteger {
  uint64_t bits = 0;
  bool negative = false;
  bool valid = true;      // there is a digit
  bool overflow = false;  // `bits` is the limit
};

ParsedInteger ParseInteger(std::string_view s, unsigned base, bool is_signed) {
  ParsedInteger out;
  size_t i = 0;
  while (i < s.size() && IsAsciiSpace(s[i])) ++i;
  if (i < s.size() && (s[i] == '-' || s[i] == '+')) out.negative = s[i++] == '-';
  const size_t begin = i;
  unsigned __int128 value = 0;
  for (; i < s.size(); ++i) {
    const int digit = DigitOf(s[i]);
    if (digit >= static_cast<int>(base)) break;
    if (!out.overflow) value = value * base + static_cast<unsigned>(digit);
    out.overflow |= value > UINT64_MAX;
  }
  if (i == begin) {
    out.valid = false;
    return out;
  }
  if (is_signed) out.overflow |= value > static_cast<unsigned __int128>(INT64_MAX) + out.negative;
  if (out.overflow) {
    const uint64_t limit = out.negative ? uint64_t{1} << 63 : static_cast<uint64_t>(INT64_MAX);
    out.bits = is_signed ? limit : UINT64_MAX;
    return out;
  }
  out.bits = out.negative ? -static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  return out;
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
    // Bases are 32-bit integers in the server.
    const auto from = static_cast<int32_t>(r.I64(1)), to = static_cast<int32_t>(r.I64(2));
    const int64_t from_base = std::abs(int64_t{from}), to_base = std::abs(int64_t{to});
    if (from_base < 2 || from_base > 36 || to_base < 2 || to_base > 36) return false;
    char digits[24];
    const std::string_view s =
        text ? r.Str(0)
             : std::string_view(digits, is_unsigned ? mysqlsem::FormatUint64(r.U64(0), digits)
                                                    : mysqlsem::FormatInt64(r.I64(0), digits));
    if (s.empty()) return false;
    ParsedInteger parsed = ParseInteger(s, static_cast<unsigned>(from_base), from < 0);
    if (!parsed.valid || parsed.overflow) {
      if (parsed.overflow && parsed.negative && from > 0) {
        // The sign counts only where the text is a decimal number, too.
        size_t i = s.find('-') + 1;
        if (i >= s.size() || DigitOf(s[i]) == 0)
          return FailUnsupported(r, "CONV of a negative number beyond 64 bits");
        if (DigitOf(s[i]) <= 9) parsed.bits = 0;
      }
      for (const char c : s)
        if (c < ' ' || c == 0x7F || static_cast<unsigned char>(c) >= 0x80)
          return FailUnsupported(r, "CONV of text without a number");
      if (s.size() > 128) return FailUnsupported(r, "CONV of a long text without a number");
      r.Warn(1292, "Truncated incorrect DECIMAL value: '" + std::string(s) + "'");
    }
    char buffer[72];
    if (to < 0 && static_cast<int64_t>(parsed.bits) < 0) {
      r.scratch() = "-";
      r.scratch() += Digits(-parsed.bits, static_cast<unsigned>(to_base), buffer);
      return r.ReturnCopy(r.scratch());
    }
    return r.ReturnCopy(Digits(parsed.bits, static_cast<unsigned>(to_base), buffer));
  });
}

// CHAR(code, ...): the bytes of each code, the highest first, without leading zero bytes.
Result<Slot> BuildChar(TextFunction& f) {
  ASSIGN_OR_RETURN(const Collation* collation, f.ResultCollation());
  // In other sets the server looks for bytes that are no character.
  if (collation->mbmaxlen() != 1 || collation->charset_name() == "ascii")
    return NotSupported("CHAR in this character set is not supported");
  const int num_codes = static_cast<int>(f.num_args());
  for (size_t i = 0; i < f.num_args(); ++i)
    if (!f.c_.IsNullConstant(f.arg(i))) RETURN_IF_ERROR(f.MakeInteger(i));
  return f.Text(
      true, kSlow,
      [=](Row& r) {
        std::string& out = r.scratch();
        out.clear();
        for (int i = 0; i < num_codes; ++i) {
          if (r.IsNull(i)) continue;
          const auto code = static_cast<uint32_t>(r.I64(i));
          int shift = 24;
          while (shift > 0 && code >> shift == 0) shift -= 8;
          for (; shift >= 0; shift -= 8) out += static_cast<char>(code >> shift);
        }
        return r.ReturnCopy(out);
      },
      Strictness::kHandles);
}

Result<Slot> BuildSoundex(TextFunction& f) {
  RETURN_IF_ERROR(f.MakeText(0, f.e_.type.collation));
  ASSIGN_OR_RETURN(const Collation* collation, f.ResultCollation());
  // What is a letter in a single-byte set is known to the server's tables only.
  if (!collation->charset_name().starts_with("utf8"))
    return NotSupported("SOUNDEX in this character set is not supported");
  return f.Text(false, kSlow, [=](Row& r) {
    static constexpr char kCodes[] = "01230120022455012623010202";  // A to Z
    const auto upper = [](uint32_t c) { return c >= 'a' && c <= 'z' ? c - 32 : c; };
    const auto code_of = [&](uint32_t c) {
      c = upper(c);
      return c < 'A' || c > 'Z' ? '0' : kCodes[c - 'A'];
    };
    const auto is_letter = [&](uint32_t c) {
      return (upper(c) >= 'A' && upper(c) <= 'Z') || c >= 0xC0;
    };
    std::string_view s = r.Str(0);
    std::string& out = r.scratch();
    out.clear();
    char last = 0;
    size_t num_chars = 0;
    while (!s.empty()) {
      uint32_t c = 0;
      const int size = static_cast<int>(collation->DecodeChar(s, &c));
      if (size <= 0) break;
      const std::string_view bytes = s.substr(0, static_cast<size_t>(size));
      s.remove_prefix(static_cast<size_t>(size));
      if (!is_letter(c)) continue;
      if (num_chars == 0) {
        if (size == 1)
          out += static_cast<char>(upper(c));
        else
          out += bytes;
        last = code_of(c);
        num_chars = 1;
        continue;
      }
      const char code = code_of(c);
      if (code == '0' || code == last) continue;
      out += code;
      last = code;
      ++num_chars;
    }
    if (num_chars == 0) return r.ReturnView({});
    for (; num_chars < 4; ++num_chars) out += '0';
    return r.ReturnCopy(out);
  });
}

// MAKE_SET(bits, name, ...): names of the bits that are set, NULL names left out.
Result<Slot> BuildMakeSet(TextFunction& f) {
  RETURN_IF_ERROR(f.MakeInteger(0));
  for (size_t i = 1; i < f.num_args(); ++i) RETURN_IF_ERROR(f.MakeText(i, f.e_.type.collation));
  ASSIGN_OR_RETURN(const Collation* collation, f.ResultCollation());
  if (!collation->ascii_based())
    return NotSupported("MAKE_SET in this character set is not supported");
  const int num_args = static_cast<int>(f.num_args());
  return f.Text(
      true, kSlow,
      [=](Row& r) {
        if (r.IsNull(0)) return false;
        const uint64_t bits = r.U64(0);
        std::string& out = r.scratch();
        out.clear();
        bool first = true;
        for (int i = 1; i < num_args && i <= 64; ++i) {
          if ((bits >> (i - 1) & 1) == 0 || r.IsNull(i)) continue;
          if (!first) out += ',';
          out += r.Str(i);
          first = false;
        }
        return r.ReturnCopy(out);
      },
      Strictness::kHandles);
}

// EXPORT_SET(bits, on, off[, separator[, number of bits]]), the lowest bit first.
Result<Slot> BuildExportSet(TextFunction& f) {
  RETURN_IF_ERROR(f.MakeInteger(0));
  for (size_t i = 1; i < std::min<size_t>(f.num_args(), 4); ++i)
    RETURN_IF_ERROR(f.MakeText(i, f.e_.type.collation));
  if (f.num_args() == 5) RETURN_IF_ERROR(f.MakeInteger(4));
  ASSIGN_OR_RETURN(const Collation* collation, f.ResultCollation());
  if (!collation->ascii_based())
    return NotSupported("EXPORT_SET in this character set is not supported");
  const uint64_t limit = f.c_.plan().max_allowed_packet;
  return f.Text(true, kMayRaise, [=](Row& r) {
    const uint64_t bits = r.U64(0);
    const std::string_view on = r.Str(1), off = r.Str(2);
    const std::string_view separator = r.num_args() > 3 ? r.Str(3) : std::string_view(",");
    const uint64_t count = r.num_args() > 4 ? std::min<uint64_t>(r.U64(4), 64) : 64;
    const uint64_t num_separators = count > 0 ? count - 1 : 0;
    if (count * std::max(on.size(), off.size()) + num_separators * separator.size() > limit)
      return TooLong(r, "export_set", limit);
    std::string& out = r.scratch();
    out.clear();
    for (uint64_t i = 0; i < count; ++i) {
      out += (bits >> i & 1) != 0 ? on : off;
      if (i != num_separators) out += separator;
    }
    return r.ReturnCopy(out);
  });
}

}  // namespace

Result<Slot> BuildTextCode(TextFunction& f) {
  switch (f.e_.op) {
    case ExprOp::kConv:
      return BuildConv(f);
    case ExprOp::kChar:
      return BuildChar(f);
    case ExprOp::kSoundex:
      return BuildSoundex(f);
    case ExprOp::kMakeSet:
      return BuildMakeSet(f);
    default:
      return BuildExportSet(f);
  }
}

}  // namespace sirocco::engine
