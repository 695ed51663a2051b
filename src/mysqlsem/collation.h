// Collations and character sets with the server's own weights, compiled from the MySQL source tree.
//
// A Collation names both a character set and an order, as in MySQL. Strings are byte ranges in that
// character set. Use: call InitializeCollations() once at process start, then FindCollation(id)
// with the id MySQL uses (for example 255 = utf8mb4_0900_ai_ci, 63 = binary). Objects live until
// the process ends. Threads: after InitializeCollations() everything here is immutable and callable
// from any thread, without locks (FindCollation takes a lock the first time a collation is asked
// for, so look up once per column, not per row).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

struct CHARSET_INFO;  // the server's; opaque outside src/mysqlsem

namespace sirocco::mysqlsem {

// Makes the compiled-in character sets available. Idempotent, thread safe.
void InitializeCollations();

class Collation {
 public:
  uint32_t id() const { return id_; }
  std::string_view name() const { return name_; }             // "utf8mb4_0900_ai_ci"
  std::string_view charset_name() const { return charset_; }  // "utf8mb4"
  uint32_t mbmaxlen() const { return mbmaxlen_; }             // bytes of the longest character
  uint32_t mbminlen() const { return mbminlen_; }
  // True if strings compare as if padded with spaces at the end ("a" = "a ").
  bool pad_space() const { return pad_space_; }
  // True if Compare is memcmp with the shorter string first (collations `binary` and
  // utf8mb4_0900_bin): equal means identical bytes and order is byte order.
  bool is_binary() const { return is_binary_; }
  // True if Compare is byte order after padding the shorter string with 0x20 (latin1_bin,
  // utf8mb4_bin, ...): equal means identical bytes after trailing spaces are removed.
  bool is_binary_padded() const { return is_binary_padded_; }
  // True if the bytes 0x00-0x7F mean ASCII in this character set (false for ucs2, utf16, utf32).
  bool ascii_based() const { return ascii_based_; }
  // True if SortKey is usable: memcmp on keys orders exactly as Compare. False for latin2_czech_cs,
  // cp1250_czech_cs, big5_chinese_ci, tis620_thai_ci and gb18030_chinese_ci; there compare with
  // Compare. (Hash works, though it is a constant for the two Czech ones.)
  bool has_sort_key() const { return has_sort_key_; }

  // The server's comparison (strnncollsp). Returns <0, 0, >0.
  int Compare(std::string_view a, std::string_view b) const;
  bool Equal(std::string_view a, std::string_view b) const;

  // Equal strings (Compare == 0) have equal hashes. Not the server's hash; stable within a build.
  uint64_t Hash(std::string_view s, uint64_t seed = 0) const;

  // Replaces `out` by a key: memcmp of two keys, the shorter one first when one is a prefix, gives
  // the sign of Compare; equal strings have identical keys. Cost: one pass. Not the bytes of the
  // server's WEIGHT_STRING.
  void SortKey(std::string_view s, std::string* out) const;
  // Same, appended, so several keys can share a buffer. Returns the number of bytes appended.
  size_t AppendSortKey(std::string_view s, std::string* out) const;
  // Upper bound of the key length for a string of `num_bytes` bytes.
  size_t MaxSortKeySize(size_t num_bytes) const;

  // str LIKE pattern ESCAPE escape. `escape` is a code point; use '\\' for the default, -1 for
  // ESCAPE ''. Both strings must be in this character set.
  bool Like(std::string_view str, std::string_view pattern, int32_t escape = '\\') const;

  // Number of characters (CHAR_LENGTH), ill-formed bytes counted as the server counts them.
  size_t NumChars(std::string_view s) const;
  // Byte offset at which character number `n` (from 0) begins; s.size() if the string has at most n
  // characters.
  size_t CharOffset(std::string_view s, size_t n) const;
  // Length in bytes of the longest well-formed prefix; equal to s.size() if all is well formed.
  size_t WellFormedLength(std::string_view s) const;
  bool IsWellFormed(std::string_view s) const { return WellFormedLength(s) == s.size(); }

  // UPPER/LOWER. For `binary` the bytes stay as they are.
  void Upper(std::string_view s, std::string* out) const;
  void Lower(std::string_view s, std::string* out) const;

  // LOCATE(needle, haystack, start): 1-based character position of the first match under this
  // collation at or after character number `start` (1-based), 0 if there is none or start < 1.
  // INSTR(haystack, needle) = Locate(.., 1).
  int64_t Locate(std::string_view needle, std::string_view haystack, int64_t start = 1) const;

  // SUBSTRING(s, pos, length) with MySQL's rules: pos counts characters from 1, negative from the
  // end, 0 gives "".
  std::string_view Substring(std::string_view s, int64_t pos, int64_t length = INT64_MAX) const;
  std::string_view Left(std::string_view s, int64_t num_chars) const;
  std::string_view Right(std::string_view s, int64_t num_chars) const;

  // TRIM with a (possibly multi-character) pad string, by bytes as the server does; `pad` must not
  // be empty.
  std::string_view TrimLeading(std::string_view s, std::string_view pad) const;
  std::string_view TrimTrailing(std::string_view s, std::string_view pad) const;
  // Removes trailing space characters (also for NO PAD collations; `binary` keeps all), as CHAR
  // columns do on read.
  std::string_view StripTrailingSpaces(std::string_view s) const;

  // REVERSE by characters.
  void Reverse(std::string_view s, std::string* out) const;
  // Code point of the first character into `*code_point`; returns its length in bytes, 0 if
  // ill-formed or empty.
  size_t DecodeChar(std::string_view s, uint32_t* code_point) const;
  // Appends the character with this code point; false if the character set does not have it.
  bool AppendChar(uint32_t code_point, std::string* out) const;

  // The server's object, for the .cc files of this folder only.
  const CHARSET_INFO* charset_info() const { return cs_; }

 private:
  friend const Collation* FindCollation(uint32_t mysql_id);
  Collation() = default;
  explicit Collation(const CHARSET_INFO* cs);
  void AppendPaddedKey(const uint8_t* weights, size_t size, std::string* out) const;
  size_t AsciiWeights(std::string_view s, uint8_t* out) const;
  size_t StripSpaceWeights(const uint8_t* weights, size_t size) const;

  const CHARSET_INFO* cs_ = nullptr;
  std::string_view name_, charset_;
  uint32_t id_ = 0, mbmaxlen_ = 1, mbminlen_ = 1;
  bool pad_space_ = false, is_binary_ = false, is_binary_padded_ = false, ascii_based_ = true;
  bool has_sort_key_ = true;
  // Collations without contractions and with one weight level: the weight of each ASCII byte, so
  // that ASCII strings are hashed, compared and keyed without the server's scanner.
  bool ascii_table_ = false;
  uint8_t ascii_weight_size_[128] = {};
  uint8_t ascii_weight_[128][4] = {};
  // PAD SPACE: the weight bytes of one space, at most 4.
  uint8_t space_weight_size_ = 0;
  uint8_t space_weight_[4] = {};
};

// Returns nullptr if the server has no such collation. InitializeCollations() must have been
// called.
const Collation* FindCollation(uint32_t mysql_id);
const Collation* FindCollationByName(std::string_view name);
// The default collation of a character set, e.g. "utf8mb4" -> utf8mb4_0900_ai_ci.
const Collation* FindDefaultCollation(std::string_view charset_name);

// Converts `s` from one character set to another, replacing `out`. Returns the number of characters
// that could not be converted (each became '?', as in the server). `binary` on either side copies
// bytes.
uint32_t ConvertCharset(const Collation& from, const Collation& to, std::string_view s,
                        std::string* out);

}  // namespace sirocco::mysqlsem
