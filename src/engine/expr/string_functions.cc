// Functions of text. Lengths and positions count characters of the collation's character set unless
// the name says bytes.
#include <openssl/evp.h>

#include <algorithm>
#include <climits>
#include <cstring>

#include "engine/expr/text_function.h"
#include "mysqlsem/number_format.h"

namespace sirocco::engine {

using mysqlsem::Collation;
using plan::Expr;
using plan::ExprOp;
using plan::TypeKind;

namespace {

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
  return f.Text(true, kMayRaise, [label = f.e_.label](Row& r) {
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
      if (digit(s[0]) < 0) return WrongText(r, label, "unhex");
      out += static_cast<char>(digit(s[0]));
      i = 1;
    }
    for (; i < s.size(); i += 2) {
      const int high = digit(s[i]), low = digit(s[i + 1]);
      if (high < 0 || low < 0) return WrongText(r, label, "unhex");
      out += static_cast<char>(high << 4 | low);
    }
    return r.ReturnCopy(out);
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

// FROM_BASE64: white space is skipped anywhere; NULL for anything else that is no code, without a
// warning.
Result<Slot> BuildFromBase64(TextFunction& f) {
  if (f.e_.type.collation != plan::kBinaryCollation) return Malformed(f.e_);
  ASSIGN_OR_RETURN(const Collation* collation, f.ArgumentCollation(0));
  if (!collation->ascii_based()) return Unsupported(f.e_, f.info(0));
  const uint64_t limit = f.c_.plan().max_allowed_packet;
  return f.Text(true, kMayRaise, [=](Row& r) {
    const auto value_of = [](char c) {
      return c >= 'A' && c <= 'Z'   ? c - 'A'
             : c >= 'a' && c <= 'z' ? c - 'a' + 26
             : c >= '0' && c <= '9' ? c - '0' + 52
             : c == '+'             ? 62
             : c == '/'             ? 63
                                    : -1;
    };
    const std::string_view s = r.Str(0);
    if (s.size() * 3 / 4 > limit) return TooLong(r, "from_base64", limit);
    std::string& out = r.scratch();
    out.clear();
    uint32_t bits = 0;
    int digits = 0, padding = 0;  // of the current group of four
    bool ended = false;           // a padded group is the last one
    for (const char c : s) {
      if (c == ' ' || (c >= '\t' && c <= '\r')) continue;
      if (ended) return false;
      const int value = value_of(c);
      if (value >= 0 && padding > 0) return false;
      if (value < 0 && (c != '=' || digits < 2)) return false;
      padding += value < 0;
      bits = bits << 6 | static_cast<uint32_t>(std::max(value, 0));
      if (++digits < 4) continue;
      for (int i = 0; i < 3 - padding; ++i) out += static_cast<char>(bits >> (16 - 8 * i));
      ended = padding > 0;
      bits = 0;
      digits = padding = 0;
    }
    return digits == 0 && r.ReturnCopy(out);
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
  if (!f.e_.type.IsInteger()) return Malformed(f.e_);
  const SlotInfo result{
      .type = f.e_.type, .rep = Rep::kI64, .range = MakeRange(0, UINT32_MAX), .nullable = true};
  const auto parse = [label = f.e_.label](Row& r) {
    const std::string_view s = r.Str(0);
    uint64_t value = 0;
    int dots = 0;
    uint64_t part = 0;
    char last = '.';
    for (const char c : s) {
      if (c >= '0' && c <= '9') {
        part = part * 10 + static_cast<uint64_t>(c - '0');
        if (part > 255) return WrongText(r, label, "inet_aton");
      } else if (c == '.' && ++dots <= 3) {
        value = (value << 8) + part;
        part = 0;
      } else {
        return WrongText(r, label, "inet_aton");
      }
      last = c;
    }
    if (last == '.') return WrongText(r, label, "inet_aton");
    // Short forms: a.b and a.b.c leave the middle parts 0.
    if (dots == 1) value <<= 16;
    if (dots == 2) value <<= 8;
    return r.Return(static_cast<int64_t>((value << 8) + part));
  };
  return f.Add(result, kMayRaise, parse, Strictness::kStrict);
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
  if (op == ExprOp::kChar || (op == ExprOp::kMakeSet && !c.IsNullConstant(f.arg(0))))
    return BuildTextCode(f);
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
    case ExprOp::kSoundex:
    case ExprOp::kExportSet:
      return BuildTextCode(f);
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
    case ExprOp::kFromBase64:
      return BuildFromBase64(f);
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
