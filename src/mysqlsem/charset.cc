// Character set operations of Collation: counting, cutting, case, searching, patterns, conversion.
#include <algorithm>
#include <cstring>

#include "mysql/strings/m_ctype.h"
#include "mysqlsem/collation.h"

namespace sirocco::mysqlsem {
namespace {

constexpr int kWildOne = '_';
constexpr int kWildMany = '%';
constexpr int64_t kMaxInt32 = INT32_MAX;

const char* End(std::string_view s) { return s.data() + s.size(); }

}  // namespace

bool Collation::Like(std::string_view str, std::string_view pattern, int32_t escape) const {
  return my_wildcmp(cs_, str.data(), End(str), pattern.data(), End(pattern), escape,
                    escape == kWildOne ? -1 : kWildOne, escape == kWildMany ? -1 : kWildMany) == 0;
}

size_t Collation::NumChars(std::string_view s) const {
  return cs_->cset->numchars(cs_, s.data(), End(s));
}

size_t Collation::CharOffset(std::string_view s, size_t n) const {
  if (n == 0) return 0;
  return std::min(s.size(), cs_->cset->charpos(cs_, s.data(), End(s), n));
}

size_t Collation::WellFormedLength(std::string_view s) const {
  int error = 0;
  return cs_->cset->well_formed_len(cs_, s.data(), End(s), s.size(), &error);
}

// The server's functions work in place when case never changes the length, else from one buffer
// into another.
void Collation::Upper(std::string_view s, std::string* out) const {
  out->assign(s);
  if (cs_->caseup_multiply <= 1) {
    out->resize(cs_->cset->caseup(cs_, out->data(), out->size(), out->data(), out->size()));
    return;
  }
  std::string source;
  source.swap(*out);
  out->resize(cs_->caseup_multiply * source.size());
  out->resize(cs_->cset->caseup(cs_, source.data(), source.size(), out->data(), out->size()));
}

void Collation::Lower(std::string_view s, std::string* out) const {
  out->assign(s);
  if (cs_->casedn_multiply <= 1) {
    out->resize(cs_->cset->casedn(cs_, out->data(), out->size(), out->data(), out->size()));
    return;
  }
  std::string source;
  source.swap(*out);
  out->resize(cs_->casedn_multiply * source.size());
  out->resize(cs_->cset->casedn(cs_, source.data(), source.size(), out->data(), out->size()));
}

int64_t Collation::Locate(std::string_view needle, std::string_view haystack, int64_t start) const {
  if (start <= 0) return 0;
  const int64_t first = start - 1;
  size_t offset = 0;
  if (first > 0) {
    if (first > static_cast<int64_t>(NumChars(haystack))) return 0;
    offset = CharOffset(haystack, static_cast<size_t>(first));
  }
  if (needle.empty()) return first + 1;
  my_match_t match;
  if (!cs_->coll->strstr(cs_, haystack.data() + offset, haystack.size() - offset, needle.data(),
                         needle.size(), &match)) {
    return 0;
  }
  return static_cast<int64_t>(match.mb_len) + first + 1;
}

std::string_view Collation::Substring(std::string_view s, int64_t pos, int64_t length) const {
  if (length <= 0 || pos == 0 || pos > kMaxInt32 || pos < INT32_MIN) return {};
  length = std::min(length, kMaxInt32);
  const int64_t first = pos < 0 ? static_cast<int64_t>(NumChars(s)) + pos : pos - 1;
  if (first < 0) return {};
  const size_t begin = CharOffset(s, static_cast<size_t>(first));
  if (begin >= s.size()) return {};
  const std::string_view rest = s.substr(begin);
  return rest.substr(0, CharOffset(rest, static_cast<size_t>(length)));
}

std::string_view Collation::Left(std::string_view s, int64_t num_chars) const {
  if (num_chars <= 0) return {};
  if (static_cast<uint64_t>(num_chars) >= s.size()) return s;
  return s.substr(0, CharOffset(s, static_cast<size_t>(num_chars)));
}

std::string_view Collation::Right(std::string_view s, int64_t num_chars) const {
  if (num_chars <= 0) return {};
  if (static_cast<uint64_t>(num_chars) >= s.size()) return s;
  const auto total = static_cast<int64_t>(NumChars(s));
  if (total <= num_chars) return s;
  return s.substr(CharOffset(s, static_cast<size_t>(total - num_chars)));
}

std::string_view Collation::TrimLeading(std::string_view s, std::string_view pad) const {
  if (pad.empty() || pad.size() > s.size()) return s;
  const char* ptr = s.data();
  const char* const end = End(s);
  while (ptr + pad.size() <= end) {
    if (use_mb(cs_)) {
      // A match must end at a character border.
      size_t num_bytes = 0;
      while (num_bytes < pad.size()) {
        const unsigned len = my_ismbchar(cs_, ptr + num_bytes, end);
        num_bytes += len != 0 ? len : 1;
      }
      if (num_bytes != pad.size()) break;
    }
    if (std::memcmp(ptr, pad.data(), pad.size()) != 0) break;
    ptr += pad.size();
  }
  return s.substr(static_cast<size_t>(ptr - s.data()));
}

std::string_view Collation::TrimTrailing(std::string_view s, std::string_view pad) const {
  if (pad.empty() || pad.size() > s.size()) return s;
  const char* const begin = s.data();
  const char* end = End(s);
  // A character set whose multi-byte characters never end in an ASCII byte needs no scan from the
  // front.
  const bool safe_backwards = !use_mb(cs_) || charset_ == "utf8mb4" || charset_ == "utf8mb3";
  if (safe_backwards &&
      (!use_mb(cs_) || (pad.size() == 1 && static_cast<uint8_t>(pad[0]) < 0x80))) {
    while (begin + pad.size() <= end && std::memcmp(end - pad.size(), pad.data(), pad.size()) == 0)
      end -= pad.size();
    return s.substr(0, static_cast<size_t>(end - begin));
  }
  while (true) {
    const char* ptr = begin;
    while (ptr + pad.size() < end) {
      const unsigned len = my_ismbchar(cs_, ptr, end);
      ptr += len != 0 ? len : 1;
    }
    if (ptr + pad.size() != end || std::memcmp(ptr, pad.data(), pad.size()) != 0) break;
    end -= pad.size();
  }
  return s.substr(0, static_cast<size_t>(end - begin));
}

std::string_view Collation::StripTrailingSpaces(std::string_view s) const {
  return s.substr(0, cs_->cset->lengthsp(cs_, s.data(), s.size()));
}

void Collation::Reverse(std::string_view s, std::string* out) const {
  out->resize(s.size());
  const char* ptr = s.data();
  const char* const end = End(s);
  char* to = out->data() + out->size();
  const bool multi_byte = use_mb(cs_);
  while (ptr < end) {
    unsigned len = multi_byte ? my_ismbchar(cs_, ptr, end) : 0;
    if (len == 0) len = 1;
    to -= len;
    std::memcpy(to, ptr, len);
    ptr += len;
  }
}

size_t Collation::DecodeChar(std::string_view s, uint32_t* code_point) const {
  my_wc_t wc = 0;
  const int len = cs_->cset->mb_wc(cs_, &wc, reinterpret_cast<const uint8_t*>(s.data()),
                                   reinterpret_cast<const uint8_t*>(End(s)));
  if (len <= 0) return 0;
  *code_point = static_cast<uint32_t>(wc);
  return static_cast<size_t>(len);
}

bool Collation::AppendChar(uint32_t code_point, std::string* out) const {
  uint8_t bytes[16];
  const int len = cs_->cset->wc_mb(cs_, code_point, bytes, bytes + sizeof(bytes));
  if (len <= 0) return false;
  out->append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(len));
  return true;
}

uint32_t ConvertCharset(const Collation& from, const Collation& to, std::string_view s,
                        std::string* out) {
  if (from.charset_name() == to.charset_name() || from.id() == my_charset_bin.number ||
      to.id() == my_charset_bin.number) {
    out->assign(s);
    return 0;
  }
  out->resize(s.size() / from.mbminlen() * to.mbmaxlen() + to.mbmaxlen());
  unsigned errors = 0;
  const size_t size = my_convert(out->data(), out->size(), to.charset_info(), s.data(), s.size(),
                                 from.charset_info(), &errors);
  out->resize(size);
  return errors;
}

}  // namespace sirocco::mysqlsem
