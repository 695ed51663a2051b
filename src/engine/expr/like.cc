// LIKE and NOT LIKE. A constant pattern is compiled once: for collations that compare bytes, and
// for ASCII text under the others, matching is byte matching (through a folding table); everything
// else goes to the collation's own matcher.
#include <array>
#include <cstring>
#include <map>
#include <mutex>

#include "engine/expr/compiler.h"
#include "engine/expr/steps.h"
#include "engine/simd/find.h"

namespace sirocco::engine {

using mysqlsem::Collation;
using plan::Expr;
using plan::ExprOp;
using plan::TypeKind;

namespace {

constexpr uint64_t kModeNoBackslashEscapes = uint64_t{1} << 20;

// Classes of ASCII characters that LIKE takes for equal under a collation: fold[c] is the smallest
// member of c's class.
using FoldTable = std::array<uint8_t, 128>;

const FoldTable& FoldTableOf(const Collation& collation) {
  static std::mutex mutex;
  static std::map<uint32_t, FoldTable> tables;
  std::lock_guard lock(mutex);
  auto it = tables.find(collation.id());
  if (it != tables.end()) return it->second;
  FoldTable table;
  for (int c = 0; c < 128; ++c) {
    table[static_cast<size_t>(c)] = static_cast<uint8_t>(c);
    const char value = static_cast<char>(c);
    for (int d = 0; d < c; ++d) {
      // The candidate is escaped so that % and _ stand for themselves.
      const char pattern[2] = {'\\', static_cast<char>(d)};
      if (table[static_cast<size_t>(d)] == d && collation.Like({&value, 1}, {pattern, 2}, '\\')) {
        table[static_cast<size_t>(c)] = static_cast<uint8_t>(d);
        break;
      }
    }
  }
  return tables.emplace(collation.id(), table).first->second;
}

bool IsAscii(std::string_view s) {
  size_t i = 0;
  uint64_t any = 0;
  for (; i + 8 <= s.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, s.data() + i, 8);
    any |= word;
  }
  for (; i < s.size(); ++i) any |= static_cast<uint64_t>(static_cast<uint8_t>(s[i]));
  return (any & 0x8080808080808080ull) == 0;
}

// A pattern of literals and %, without _.
struct Segments {
  bool anchored_start = false, anchored_end = false;  // no % at that end
  std::vector<std::string> parts;                     // not empty, in order

  bool Match(std::string_view s) const {
    if (parts.empty()) return anchored_start && anchored_end ? s.empty() : true;
    size_t first = 0, last = parts.size();
    if (anchored_start && anchored_end && last == 1) return s == parts[0];
    if (anchored_start) {
      if (!s.starts_with(parts[0])) return false;
      s.remove_prefix(parts[0].size());
      first = 1;
    }
    if (anchored_end && last > first) {
      const std::string& tail = parts[last - 1];
      if (!s.ends_with(tail)) return false;
      s.remove_suffix(tail.size());
      --last;
    }
    for (size_t i = first; i < last; ++i) {
      const void* found = memmem(s.data(), s.size(), parts[i].data(), parts[i].size());
      if (found == nullptr) return false;
      s.remove_prefix(static_cast<size_t>(static_cast<const char*>(found) - s.data()) +
                      parts[i].size());
    }
    return true;
  }
};

// False if the pattern holds _ or ends in a lone escape.
bool ParsePattern(std::string_view pattern, int32_t escape, Segments* out) {
  std::string part;
  bool start = true, last_percent = false;
  out->anchored_start = true;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const uint8_t c = static_cast<uint8_t>(pattern[i]);
    if (escape >= 0 && c == static_cast<uint32_t>(escape)) {
      if (i + 1 == pattern.size()) return false;
      part += pattern[++i];
      last_percent = false;
    } else if (c == '_') {
      return false;
    } else if (c == '%') {
      if (start) out->anchored_start = false;
      if (!part.empty()) out->parts.push_back(std::move(part));
      part.clear();
      last_percent = true;
    } else {
      part += static_cast<char>(c);
      last_percent = false;
    }
    start = false;
  }
  if (!part.empty()) out->parts.push_back(std::move(part));
  out->anchored_end = !last_percent;
  return true;
}

// Character sets in which a byte below 0x80 is always that ASCII character, never part of a longer
// one.
bool SafeBytes(const Collation& collation) {
  return collation.charset_name().starts_with("utf8") ||
         (collation.mbmaxlen() == 1 && collation.ascii_based());
}

// The segments as byte masks, for the vectorized search. Only for patterns whose characters have no
// equals but the other case of an ASCII letter.
struct MaskedSegments {
  bool anchored_start = false, anchored_end = false;
  std::vector<simd::MaskedPattern> parts;

  // [p, end) is readable 64 bytes past its end.
  bool Match(const char* p, const char* end) const {
    size_t first = 0, last = parts.size();
    auto room = [&](const simd::MaskedPattern& part) {
      return static_cast<size_t>(end - p) >= part.size();
    };
    if (anchored_start) {
      if (!room(parts[0]) || !simd::MatchesAt(p, parts[0])) return false;
      p += parts[0].size();
      first = 1;
      if (anchored_end && last == 1) return p == end;
    }
    if (anchored_end) {
      const simd::MaskedPattern& tail = parts[last - 1];
      if (!room(tail) || !simd::MatchesAt(end - tail.size(), tail)) return false;
      end -= tail.size();
      --last;
    }
    for (size_t i = first; i < last; ++i) {
      const char* found = simd::FindMasked(p, end, parts[i]);
      if (found == nullptr) return false;
      p = found + parts[i].size();
    }
    return true;
  }
};

struct CompiledLike {
  const Collation* collation = nullptr;
  std::string pattern;
  int32_t escape = '\\';
  bool bytes = false;   // byte matching is exact for every value
  bool folded = false;  // byte matching on folded ASCII values is exact
  const FoldTable* fold = nullptr;
  Segments segments;
  bool masked = false;
  MaskedSegments masked_segments;

  bool Match(std::string_view s, std::string* scratch) const {
    if (!masked && bytes) return segments.Match(s);
    if (bytes || (folded && IsAscii(s))) {
      if (scratch->size() < s.size() + 64) scratch->resize(2 * s.size() + 128);
      char* copy = scratch->data();
      if (masked) {
        std::memcpy(copy, s.data(), s.size());
        return masked_segments.Match(copy, copy + s.size());
      }
      const FoldTable& table = *fold;
      const char* in = s.data();
      const size_t size = s.size();
      for (size_t i = 0; i < size; ++i)
        copy[i] = static_cast<char>(table[static_cast<uint8_t>(in[i])]);
      return segments.Match({copy, size});
    }
    return collation->Like(s, pattern, escape);
  }
};

bool IsLetter(int c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Fills `masked` if the pattern allows it; `fold` null: bytes match exactly.
void MaskSegments(const Segments& segments, const FoldTable* fold, CompiledLike* like) {
  if (segments.parts.empty()) return;
  MaskedSegments masked{.anchored_start = segments.anchored_start,
                        .anchored_end = segments.anchored_end};
  for (const std::string& part : segments.parts) {
    simd::MaskedPattern pattern;
    for (const char byte : part) {
      bool both_cases = false;
      if (fold != nullptr) {
        const uint8_t c = static_cast<uint8_t>(byte);
        for (uint8_t d = 0; d < 128; ++d) {
          if (d == c || (*fold)[d] != (*fold)[c]) continue;
          if (!IsLetter(c) || d != (c ^ 0x20)) return;
          both_cases = true;
        }
      }
      pattern.Append(both_cases ? 0x20 : 0, static_cast<char>(both_cases ? byte | 0x20 : byte));
    }
    masked.parts.push_back(std::move(pattern));
  }
  like->masked_segments = std::move(masked);
  like->masked = true;
}

CompiledLike CompilePattern(const Collation* collation, std::string_view pattern, int32_t escape) {
  CompiledLike like{.collation = collation, .pattern = std::string(pattern), .escape = escape};
  if (!SafeBytes(*collation) || escape > 127 || !ParsePattern(pattern, escape, &like.segments))
    return like;
  if (collation->is_binary() || collation->is_binary_padded()) {
    // Ill-formed text is matched by the server's rules.
    like.bytes = collation->mbmaxlen() == 1 || collation->IsWellFormed(pattern);
    if (like.bytes) MaskSegments(like.segments, nullptr, &like);
    return like;
  }
  if (!IsAscii(pattern)) return like;
  like.fold = &FoldTableOf(*collation);
  MaskSegments(like.segments, like.fold, &like);
  for (std::string& part : like.segments.parts)
    for (char& c : part) c = static_cast<char>((*like.fold)[static_cast<uint8_t>(c)]);
  like.folded = true;
  return like;
}

}  // namespace

Result<Slot> BuildLike(ExprCompiler& c, const ExprPtr& expr) {
  const Expr& e = *expr;
  const bool negated = e.op == ExprOp::kNotLike;
  const Collation* collation = c.FindCollation(e.collation);
  if (collation == nullptr)
    return NotSupported("collation " + std::to_string(e.collation) + " is not supported");
  ASSIGN_OR_RETURN(Slot value, c.Compile(e.args[0]));
  ASSIGN_OR_RETURN(Slot pattern, c.Compile(e.args[1]));
  if (c.IsNullConstant(value) || c.IsNullConstant(pattern)) return c.NullConstant(BoolInfo(true));
  int32_t escape = (c.plan().sql_mode & kModeNoBackslashEscapes) != 0 ? -1 : '\\';
  if (e.args.size() > 2) {
    ASSIGN_OR_RETURN(Slot escape_slot, c.Compile(e.args[2]));
    if (!c.info(escape_slot).constant || c.info(escape_slot).rep != Rep::kStr)
      return NotSupported("LIKE with a varying ESCAPE is not supported");
    if (!c.IsNullConstant(escape_slot)) {
      const std::string_view text = c.ConstantString(escape_slot);
      uint32_t code_point = 0;
      if (text.empty()) {
        escape = -1;
      } else if (collation->DecodeChar(text, &code_point) == text.size()) {
        escape = static_cast<int32_t>(code_point);
      } else {
        return NotSupported("LIKE with more than one ESCAPE character is not supported");
      }
    } else {
      escape = '\\';
    }
  }
  value = c.DecodeCodes(value);
  pattern = c.DecodeCodes(pattern);
  for (Slot s : {value, pattern})
    if (c.info(s).rep != Rep::kStr || c.info(s).type.kind != TypeKind::kString)
      return NotSupported("LIKE on " + plan::TypeName(c.info(s).type) + " is not supported");
  const Slot out = c.AddSlot(BoolInfo(c.info(value).nullable || c.info(pattern).nullable));
  if (c.info(pattern).constant) {
    auto like = std::make_shared<const CompiledLike>(
        CompilePattern(collation, c.ConstantString(pattern), escape));
    return c.Finish(MakeRowStep({value}, out, Strictness::kStrict,
                                [=](Row& r) {
                                  return r.Return(like->Match(r.Str(0), &r.scratch()) != negated);
                                }),
                    out, {value}, {.expensive = true});
  }
  return c.Finish(
      MakeRowStep(
          {value, pattern}, out, Strictness::kStrict,
          [=](Row& r) { return r.Return(collation->Like(r.Str(0), r.Str(1), escape) != negated); }),
      out, {value, pattern}, {.expensive = true});
}

}  // namespace sirocco::engine
