// A LIKE pattern prepared for many strings of one collation.
//
// LIKE compares character by character. For strings and patterns of ASCII only, that is byte by
// byte, and which ASCII characters are equal under the collation is found by asking the collation
// once for all pairs. Where every pattern byte equals itself only, or itself and one byte that
// differs in one bit (letters in both cases), a string is searched with SIMD; everything else
// (strings with other bytes, other patterns) goes through Collation::Like. Threads: const methods
// from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/simd/find.h"
#include "mysqlsem/collation.h"

namespace sirocco::engine {

class LikePattern {
 public:
  // `escape` as in Collation::Like.
  LikePattern(const mysqlsem::Collation* collation, std::string pattern, int32_t escape);

  bool Matches(std::string_view text) const;
  // Rows text[offsets[i] .. offsets[i + 1]), i < count: sets the mask (bits past `count` 0). `text`
  // is readable 64 bytes past the last row. `all_ascii`: known to hold no byte above 0x7F.
  void MatchRows(const char* text, const uint32_t* offsets, uint32_t count, bool all_ascii,
                 uint64_t* mask) const;

  // True if ASCII strings take the fast way.
  bool is_fast() const { return fast_; }

 private:
  bool Parse();
  bool MatchesAscii(std::string_view text) const;
  bool MatchesRest(size_t first_part, const char* begin, const char* end) const;
  void SearchRows(const char* text, const uint32_t* offsets, uint32_t count, uint64_t* mask) const;

  const mysqlsem::Collation* collation_;
  std::string pattern_;
  int32_t escape_;
  bool fast_ = false;
  // The pattern between its '%': parts_[0] begins the string if anchored_begin_, the last one ends
  // it if anchored_end_.
  std::vector<simd::MaskedPattern> parts_;
  bool anchored_begin_ = false, anchored_end_ = false;
};

}  // namespace sirocco::engine
