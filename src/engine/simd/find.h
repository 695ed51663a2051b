// Search for a byte pattern in a text, with per-byte masks so that letters may match in either case
// and single bytes may be anything. Threads: pure functions, dispatched at run time.
#pragma once

#include <cstdint>
#include <string>

namespace sirocco::simd {

// Matches the text at p if (p[i] | mask[i]) == value[i] for every i < size(). A mask of 0xFF (value
// 0xFF) matches any byte, a mask of 0 exactly one, 0x20 a letter in both cases.
class MaskedPattern {
 public:
  void Append(char mask, char value) {
    mask_.insert(mask_.size() - kPadding, 1, mask);
    value_.insert(value_.size() - kPadding, 1, value);
  }
  size_t size() const { return value_.size() - kPadding; }
  // size() bytes, then kPadding bytes that match anything, so that kernels compare whole vectors.
  const char* mask() const { return mask_.data(); }
  const char* value() const { return value_.data(); }

 private:
  static constexpr size_t kPadding = 64;
  std::string mask_ = std::string(kPadding, static_cast<char>(0xFF)), value_ = mask_;
};

// True if the pattern matches at p; p[0 .. size) must be readable.
inline bool MatchesAt(const char* p, const MaskedPattern& pattern) {
  for (size_t i = 0; i < pattern.size(); ++i)
    if (static_cast<char>(p[i] | pattern.mask()[i]) != pattern.value()[i]) return false;
  return true;
}

// The first place in [begin, end) where the whole pattern matches inside the range, or nullptr. The
// text is readable 64 bytes past `end`. The pattern is not empty.
const char* FindMasked(const char* begin, const char* end, const MaskedPattern& pattern);

}  // namespace sirocco::simd
