// LIKE and NOT LIKE. A constant pattern is compiled once: for collations that compare bytes, and for ASCII text under the others, matching
// is byte matching (through a folding table); everything else goes to the collation's own matcher.
#include <array>
#include <cstring>
#include <map>
#include <mutex>

#include "engine/expr/compiler.h"
#include "engine/expr/steps.h"

namespace sirocco::engine {

using mysqlsem::Collation;
using plan::Expr;
using plan::ExprOp;
using plan::TypeKind;

namespace {

constexpr uint64_t kModeNoBackslashEscapes = uint64_t{1} << 20;

// Classes of ASCII characters that LIKE takes for equal under a collation: fold[c] is the smallest member of c's class.
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
  bool anchored_start = false, anchored_end = false;   // no % at that end
  std::vector<std::string> parts;                      // not empty, in order

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
      s.remove_prefix(static_cast<size_t>(static_cast<const char*>(found) - s.data()) + parts[i].size());
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

// Character sets in which a byte below 0x80 is always that ASCII character, never part of a longer one.
bool SafeBytes(const Collation& collation) {
  return collation.charset_name().starts_with("utf8") || (collation.mbmaxlen() == 1 && collation.ascii_based());
}

struct CompiledLike {
  const Collation* collation = nullptr;
  std::string pattern;
  int32_t escape = '\\';
  bool bytes = false;    // byte matching is exact for every value
  bool folded = false;   // byte matching on folded ASCII values is exact
  const FoldTable* fold = nullptr;
  Segments segments;

  bool Match(std::string_view s, std::string* scratch) const {
    if (bytes) return segments.Match(s);
    if (folded && IsAscii(s)) {
      scratch->resize(s.size());
      for (size_t i = 0; i < s.size(); ++i)
        (*scratch)[i] = static_cast<char>((*fold)[static_cast<uint8_t>(s[i])]);
      return segments.Match(*scratch);
    }
    return collation->Like(s, pattern, escape);
  }
};

CompiledLike CompilePattern(const Collation* collation, std::string_view pattern, int32_t escape) {
  CompiledLike like{.collation = collation, .pattern = std::string(pattern), .escape = escape};
  if (!SafeBytes(*collation) || escape > 127 || !ParsePattern(pattern, escape, &like.segments)) return like;
  if (collation->is_binary() || collation->is_binary_padded()) {
    // Ill-formed text is matched by the server's rules.
    like.bytes = collation->mbmaxlen() == 1 || collation->IsWellFormed(pattern);
    return like;
  }
  if (!IsAscii(pattern)) return like;
  like.fold = &FoldTableOf(*collation);
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
  if (collation == nullptr) return NotSupported("collation " + std::to_string(e.collation) + " is not supported");
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
    auto like = std::make_shared<const CompiledLike>(CompilePattern(collation, c.ConstantString(pattern), escape));
    return c.Finish(MakeRowStep({value}, out, Strictness::kStrict,
                                [=](Row& r) { return r.Return(like->Match(r.Str(0), &r.scratch()) != negated); }),
                    out, {value}, {.expensive = true});
  }
  return c.Finish(MakeRowStep({value, pattern}, out, Strictness::kStrict,
                              [=](Row& r) { return r.Return(collation->Like(r.Str(0), r.Str(1), escape) != negated); }),
                  out, {value, pattern}, {.expensive = true});
}

}  // namespace sirocco::engine
