#include "mysqlsem/collation.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "mysql/strings/collations.h"
#include "mysql/strings/m_ctype.h"

namespace sirocco::mysqlsem {
namespace {

constexpr uint32_t kMaxCollationId = 2047;  // the server's MY_ALL_CHARSETS_SIZE - 1
constexpr size_t kStackWeights = 1024;

std::once_flag g_initialized;
std::mutex g_mutex;
std::array<std::atomic<const Collation*>, kMaxCollationId + 1> g_collations;

const uint8_t* Bytes(std::string_view s) { return reinterpret_cast<const uint8_t*>(s.data()); }

// Weights of one string in a small buffer that grows only for long strings.
class WeightBuffer {
 public:
  uint8_t* Reserve(size_t size) {
    if (size <= sizeof(stack_)) return stack_;
    heap_ = std::make_unique_for_overwrite<uint8_t[]>(size);
    return heap_.get();
  }

 private:
  uint8_t stack_[kStackWeights];
  std::unique_ptr<uint8_t[]> heap_;
};

bool IsAscii(std::string_view s) {
  const char* p = s.data();
  size_t n = s.size();
  for (; n >= 8; n -= 8, p += 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    if (word & 0x8080808080808080ULL) return false;
  }
  for (; n > 0; --n, ++p)
    if (static_cast<uint8_t>(*p) & 0x80) return false;
  return true;
}

size_t WeightBound(const CHARSET_INFO* cs, size_t num_chars) {
  return (cs->coll->strnxfrmlen(cs, cs->mbmaxlen * std::max<size_t>(num_chars, 1)) + 9) &
         ~size_t{1};
}

// Server weights of `s` without padding. Returns their number of bytes; `*out` points into
// `buffer`.
size_t ServerWeights(const CHARSET_INFO* cs, std::string_view s, WeightBuffer* buffer,
                     const uint8_t** out) {
  // Every byte may count as a character in ill-formed text, so the byte count bounds both numbers
  // below.
  const size_t bound = WeightBound(cs, s.size());
  uint8_t* weights = buffer->Reserve(bound);
  const size_t num_chars = cs->pad_attribute == PAD_SPACE
                               ? cs->cset->numchars(cs, s.data(), s.data() + s.size())
                               : s.size();
  *out = weights;
  return cs->coll->strnxfrm(cs, weights, bound, static_cast<unsigned>(num_chars), Bytes(s),
                            s.size(), 0);
}

// Collations whose ASCII characters have independent weights at one level, so a table can replace
// the scanner. The pairwise check in the constructor guards the list.
bool MayUseAsciiTable(uint32_t id) {
  static constexpr uint32_t kIds[] = {
      8,    // latin1_swedish_ci
      11,   // ascii_general_ci
      33,   // utf8mb3_general_ci
      45,   // utf8mb4_general_ci
      48,   // latin1_general_ci
      192,  // utf8mb3_unicode_ci
      224,  // utf8mb4_unicode_ci
      246,  // utf8mb4_unicode_520_ci
      255,  // utf8mb4_0900_ai_ci
  };
  return std::find(std::begin(kIds), std::end(kIds), id) != std::end(kIds);
}

constexpr uint32_t kBig5ChineseCi = 1, kTis620ThaiCi = 18, kGb18030ChineseCi = 248;
// latin2_czech_cs, cp1250_czech_cs: several passes with rules their weights do not show.
constexpr bool IsCzech(uint32_t id) { return id == 2 || id == 34; }

}  // namespace

void InitializeCollations() {
  std::call_once(g_initialized, [] { mysql::collation::initialize(); });
}

Collation::Collation(const CHARSET_INFO* cs)
    : cs_(cs), name_(cs->m_coll_name), charset_(cs->csname) {
  id_ = cs->number;
  mbmaxlen_ = cs->mbmaxlen;
  mbminlen_ = cs->mbminlen;
  pad_space_ = cs->pad_attribute == PAD_SPACE;
  ascii_based_ = my_charset_is_ascii_based(cs);
  const bool byte_order = (cs->state & MY_CS_BINSORT) != 0 && cs->mbminlen == 1;
  is_binary_ = byte_order && !pad_space_;
  is_binary_padded_ = byte_order && pad_space_;
  // Their comparisons look at more than, or at something else than, the weights. The tests compare
  // keys with comparisons for every collation of the server.
  has_sort_key_ =
      !IsCzech(id_) && id_ != kBig5ChineseCi && id_ != kTis620ThaiCi && id_ != kGb18030ChineseCi;

  if (is_binary_padded_) {
    space_weight_size_ = 1;
    space_weight_[0] = ' ';
  } else if (pad_space_) {
    char space[8];
    cs->cset->fill(cs, space, cs->mbminlen, ' ');
    WeightBuffer buffer;
    const uint8_t* weights = nullptr;
    const size_t size = ServerWeights(cs, std::string_view(space, cs->mbminlen), &buffer, &weights);
    if (size >= 1 && size <= sizeof(space_weight_)) {
      space_weight_size_ = static_cast<uint8_t>(size);
      std::memcpy(space_weight_, weights, size);
    } else {
      has_sort_key_ = false;
    }
  }

  if (!MayUseAsciiTable(id_) || !has_sort_key_) return;
  for (int c = 0; c < 128; ++c) {
    const char text = static_cast<char>(c);
    WeightBuffer buffer;
    const uint8_t* weights = nullptr;
    const size_t size = ServerWeights(cs, std::string_view(&text, 1), &buffer, &weights);
    if (size > sizeof(ascii_weight_[c])) return;
    ascii_weight_size_[c] = static_cast<uint8_t>(size);
    std::memcpy(ascii_weight_[c], weights, size);
  }
  for (int c = 0; c < 128; ++c) {
    for (int d = 0; d < 128; ++d) {
      const char text[2] = {static_cast<char>(c), static_cast<char>(d)};
      WeightBuffer buffer;
      const uint8_t* weights = nullptr;
      const size_t size = ServerWeights(cs, std::string_view(text, 2), &buffer, &weights);
      const size_t first = ascii_weight_size_[c], second = ascii_weight_size_[d];
      // Padding after ignorable characters is the only difference a single-level collation may
      // show.
      if (size < first + second || std::memcmp(weights, ascii_weight_[c], first) != 0 ||
          std::memcmp(weights + first, ascii_weight_[d], second) != 0) {
        return;
      }
    }
  }
  ascii_table_ = true;
}

// Writes the table weights of ASCII text; `out` has room for 4 bytes per character plus 4.
size_t Collation::AsciiWeights(std::string_view s, uint8_t* out) const {
  uint8_t* p = out;
  for (const char c : s) {
    const auto index = static_cast<uint8_t>(c);
    std::memcpy(p, ascii_weight_[index], 4);
    p += ascii_weight_size_[index];
  }
  return static_cast<size_t>(p - out);
}

int Collation::Compare(std::string_view a, std::string_view b) const {
  if (is_binary_) {
    const size_t n = std::min(a.size(), b.size());
    const int order = n == 0 ? 0 : std::memcmp(a.data(), b.data(), n);
    if (order != 0) return order;
    return a.size() < b.size() ? -1 : a.size() > b.size();
  }
  if (ascii_table_) {
    // As long as both sides are ASCII, characters map to weights one by one. A following character
    // that is not ASCII might combine with the current one, so the table decides only if there is
    // none.
    const size_t n = std::min(a.size(), b.size());
    const auto ascii_at = [](std::string_view s, size_t i) {
      return i >= s.size() || (static_cast<uint8_t>(s[i]) & 0x80) == 0;
    };
    size_t i = 0;
    for (; i < n; ++i) {
      const auto x = static_cast<uint8_t>(a[i]), y = static_cast<uint8_t>(b[i]);
      if ((x | y) & 0x80) break;
      if (x == y) continue;
      const size_t size = ascii_weight_size_[x];
      if (size == 0 || size != ascii_weight_size_[y]) break;  // ignorable on one side
      const int order = std::memcmp(ascii_weight_[x], ascii_weight_[y], size);
      if (order == 0) continue;
      if (!ascii_at(a, i + 1) || !ascii_at(b, i + 1)) break;
      return order;
    }
    if (i == n && a.size() == b.size()) return 0;
  }
  return cs_->coll->strnncollsp(cs_, Bytes(a), a.size(), Bytes(b), b.size());
}

bool Collation::Equal(std::string_view a, std::string_view b) const {
  if (a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0))
    return true;
  if (is_binary_) return false;
  return Compare(a, b) == 0;
}

uint64_t Collation::Hash(std::string_view s, uint64_t seed) const {
  if (is_binary_) return XXH3_64bits_withSeed(s.data(), s.size(), seed);
  WeightBuffer buffer;
  const uint8_t* weights = nullptr;
  size_t size;
  if (is_binary_padded_) {
    weights = Bytes(s);
    size = s.size();
  } else if (ascii_table_ && IsAscii(s)) {
    uint8_t* out = buffer.Reserve(s.size() * 4 + 4);
    size = AsciiWeights(s, out);
    weights = out;
  } else if (IsCzech(id_)) {
    return XXH3_64bits_withSeed(nullptr, 0, seed);
  } else {
    size = ServerWeights(cs_, s, &buffer, &weights);
  }
  return XXH3_64bits_withSeed(weights, StripSpaceWeights(weights, size), seed);
}

size_t Collation::StripSpaceWeights(const uint8_t* weights, size_t size) const {
  const size_t unit = space_weight_size_;
  if (unit == 0) return size;
  while (size >= unit && std::memcmp(weights + size - unit, space_weight_, unit) == 0) size -= unit;
  return size;
}

// A PAD SPACE string behaves as if followed by spaces without end. The key cuts the weights into
// segments; the byte after each segment tells whether what follows is less than (1), equal to (2,
// end of key) or greater than (3) spaces.
void Collation::AppendPaddedKey(const uint8_t* weights, size_t size, std::string* out) const {
  const size_t unit = space_weight_size_;
  const size_t segment = unit * (8 / unit);
  size = StripSpaceWeights(weights, size);
  const size_t num_segments = std::max<size_t>(1, (size + segment - 1) / segment);
  const size_t before = out->size();
  out->resize(before + num_segments * (segment + 1));
  auto* to = reinterpret_cast<uint8_t*>(out->data() + before);
  for (size_t offset = 0;;) {
    const size_t take = std::min(segment, size - offset);
    if (take != 0) std::memcpy(to, weights + offset, take);
    for (size_t i = take; i < segment; ++i) to[i] = space_weight_[i % unit];
    to += segment;
    offset += take;
    if (offset >= size) {
      *to = 2;
      return;
    }
    int order = 0;
    for (size_t i = offset; i < size && order == 0; ++i)
      order = weights[i] - space_weight_[(i - offset) % unit];
    *to++ = order < 0 ? 1 : 3;
  }
}

size_t Collation::AppendSortKey(std::string_view s, std::string* out) const {
  const size_t before = out->size();
  if (is_binary_) {
    out->append(s);
    return s.size();
  }
  WeightBuffer buffer;
  const uint8_t* weights = nullptr;
  size_t size;
  if (is_binary_padded_) {
    weights = Bytes(s);
    size = s.size();
  } else if (ascii_table_ && IsAscii(s)) {
    uint8_t* ascii = buffer.Reserve(s.size() * 4 + 4);
    size = AsciiWeights(s, ascii);
    weights = ascii;
  } else {
    size = ServerWeights(cs_, s, &buffer, &weights);
  }
  if (space_weight_size_ != 0) {
    AppendPaddedKey(weights, size, out);
  } else {
    out->append(reinterpret_cast<const char*>(weights), size);
  }
  return out->size() - before;
}

void Collation::SortKey(std::string_view s, std::string* out) const {
  out->clear();
  AppendSortKey(s, out);
}

size_t Collation::MaxSortKeySize(size_t num_bytes) const {
  if (is_binary_) return num_bytes;
  const size_t weights = is_binary_padded_ ? num_bytes : WeightBound(cs_, num_bytes);
  if (space_weight_size_ == 0) return weights;
  return (weights / 6 + 1) * 9;
}

const Collation* FindCollation(uint32_t mysql_id) {
  if (mysql_id > kMaxCollationId) return nullptr;
  if (const Collation* found = g_collations[mysql_id].load(std::memory_order_acquire)) return found;
  std::lock_guard lock(g_mutex);
  if (const Collation* found = g_collations[mysql_id].load(std::memory_order_acquire)) return found;
  const CHARSET_INFO* cs = mysql::collation::find_by_id(mysql_id);
  if (cs == nullptr || cs->coll == nullptr || cs->cset == nullptr) return nullptr;
  const auto* collation = new Collation(cs);  // lives until the process ends
  g_collations[mysql_id].store(collation, std::memory_order_release);
  return collation;
}

const Collation* FindCollationByName(std::string_view name) {
  const CHARSET_INFO* cs =
      mysql::collation::find_by_name(mysql::collation::Name(name.data(), name.size()));
  return cs == nullptr ? nullptr : FindCollation(cs->number);
}

const Collation* FindDefaultCollation(std::string_view charset_name) {
  const CHARSET_INFO* cs = mysql::collation::find_primary(
      mysql::collation::Name(charset_name.data(), charset_name.size()));
  return cs == nullptr ? nullptr : FindCollation(cs->number);
}

}  // namespace sirocco::mysqlsem
