#include "engine/storage/like_pattern.h"

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <memory>
#include <mutex>

#include "engine/simd/mask.h"

namespace sirocco::engine {

namespace {

// Per ASCII character the ASCII characters that LIKE takes for equal.
struct AsciiClasses {
  bool usable = false;
  std::array<std::string, 128> equal;
};

AsciiClasses AskCollation(const mysqlsem::Collation& collation) {
  AsciiClasses classes;
  if (!collation.ascii_based()) return classes;
  for (int p = 0; p < 128; ++p) {
    const char pattern[2] = {'\\', static_cast<char>(p)};
    for (int t = 0; t < 128; ++t) {
      const char text = static_cast<char>(t);
      if (collation.Like({&text, 1}, {pattern, 2}, '\\')) classes.equal[p].push_back(text);
    }
  }
  // '%' and '_' must stand for any run of ASCII characters and any one of them.
  classes.usable = true;
  for (int t = 0; t < 128; ++t) {
    const char text[3] = {'a', static_cast<char>(t), 'b'};
    classes.usable &= collation.Like({text + 1, 1}, "_", '\\') &&
                      collation.Like({text, 3}, "a%b", '\\') &&
                      !collation.Like({text, 3}, "__", '\\');
  }
  return classes;
}

const AsciiClasses& ClassesOf(const mysqlsem::Collation* collation) {
  static std::mutex mutex;
  static std::map<const mysqlsem::Collation*, std::unique_ptr<AsciiClasses>> known;
  std::lock_guard lock(mutex);
  auto& classes = known[collation];
  if (classes == nullptr) classes = std::make_unique<AsciiClasses>(AskCollation(*collation));
  return *classes;
}

constexpr char kAnyByte = static_cast<char>(0xFF);

}  // namespace

LikePattern::LikePattern(const mysqlsem::Collation* collation, std::string pattern, int32_t escape)
    : collation_(collation), pattern_(std::move(pattern)), escape_(escape) {
  fast_ = Parse();
}

// Splits the pattern at its '%' signs; false if ASCII strings cannot be matched byte by byte.
bool LikePattern::Parse() {
  const AsciiClasses& classes = ClassesOf(collation_);
  if (!classes.usable || escape_ == '%' || escape_ == '_' || escape_ > 127) return false;
  parts_.emplace_back();
  anchored_begin_ = true;
  anchored_end_ = true;
  for (size_t i = 0; i < pattern_.size(); ++i) {
    char c = pattern_[i];
    if (static_cast<unsigned char>(c) > 127) return false;
    if (c == '%') {
      if (parts_.size() == 1 && parts_[0].size() == 0) anchored_begin_ = false;
      if (parts_.back().size() != 0) parts_.emplace_back();
      anchored_end_ = false;
      continue;
    }
    anchored_end_ = true;
    simd::MaskedPattern& part = parts_.back();
    if (c == '_') {
      part.Append(kAnyByte, kAnyByte);
      continue;
    }
    // An escape at the end of the pattern stands for itself.
    if (escape_ >= 0 && c == escape_ && i + 1 < pattern_.size()) {
      c = pattern_[++i];
      if (static_cast<unsigned char>(c) > 127) return false;
    }
    const std::string& equal = classes.equal[static_cast<unsigned char>(c)];
    if (equal.size() == 1) {
      part.Append(0, equal[0]);
    } else if (equal.size() == 2 &&
               std::has_single_bit(static_cast<uint8_t>(equal[0] ^ equal[1]))) {
      part.Append(static_cast<char>(equal[0] ^ equal[1]), static_cast<char>(equal[0] | equal[1]));
    } else {
      return false;
    }
  }
  if (parts_.back().size() == 0) parts_.pop_back();
  return true;
}

// Finds parts_[first_part ...] in order in [begin, end); the last one at the very end if the
// pattern is anchored there.
bool LikePattern::MatchesRest(size_t first_part, const char* begin, const char* end) const {
  size_t num_free = parts_.size();
  if (anchored_end_ && num_free > first_part) {
    const simd::MaskedPattern& last = parts_.back();
    if (static_cast<size_t>(end - begin) < last.size()) return false;
    if (!simd::MatchesAt(end - last.size(), last)) return false;
    end -= last.size();
    --num_free;
  }
  // The leftmost match of each part leaves the most room for the next.
  for (size_t i = first_part; i < num_free; ++i) {
    const char* hit = simd::FindMasked(begin, end, parts_[i]);
    if (hit == nullptr) return false;
    begin = hit + parts_[i].size();
  }
  return true;
}

bool LikePattern::MatchesAscii(std::string_view text) const {
  const char* begin = text.data();
  const char* end = begin + text.size();
  // Without '%' there is at most one part, and it is the whole string.
  if (parts_.empty()) return !anchored_begin_ || text.empty();
  if (parts_.size() == 1 && anchored_begin_ && anchored_end_)
    return text.size() == parts_[0].size() && simd::MatchesAt(begin, parts_[0]);
  if (!anchored_begin_) return MatchesRest(0, begin, end);
  if (text.size() < parts_[0].size() || !simd::MatchesAt(begin, parts_[0])) return false;
  return MatchesRest(1, begin + parts_[0].size(), end);
}

bool LikePattern::Matches(std::string_view text) const {
  if (fast_ && !simd::AnyHighByte(text.data(), text.size())) {
    // FindMasked reads whole vectors, and nothing is known about the memory behind `text`.
    std::string padded(text);
    padded.resize(text.size() + 64);
    return MatchesAscii({padded.data(), text.size()});
  }
  return collation_->Like(text, pattern_, escape_);
}

// One search for the first part through the bytes of all rows; hits are mapped to their rows on the
// way.
void LikePattern::SearchRows(const char* text, const uint32_t* offsets, uint32_t count,
                             uint64_t* mask) const {
  const simd::MaskedPattern& first = parts_[0];
  const char* const end = text + offsets[count];
  uint32_t row = 0;
  for (const char* p = text + offsets[0]; p < end;) {
    const char* hit = simd::FindMasked(p, end, first);
    if (hit == nullptr) return;
    while (text + offsets[row + 1] <= hit) ++row;
    const char* row_end = text + offsets[row + 1];
    if (hit + first.size() > row_end) {
      p = hit + 1;  // reaches into the next row
      continue;
    }
    if (MatchesRest(1, hit + first.size(), row_end)) mask[row / 64] |= uint64_t{1} << (row & 63);
    p = row_end;
  }
}

void LikePattern::MatchRows(const char* text, const uint32_t* offsets, uint32_t count,
                            bool all_ascii, uint64_t* mask) const {
  std::fill(mask, mask + (count + 63) / 64, 0);
  auto view = [&](uint32_t row) {
    return std::string_view(text + offsets[row], offsets[row + 1] - offsets[row]);
  };
  auto set = [&](uint32_t row, bool matches) {
    const uint64_t bit = uint64_t{1} << (row & 63);
    mask[row / 64] = matches ? mask[row / 64] | bit : mask[row / 64] & ~bit;
  };
  if (!fast_) {
    for (uint32_t row = 0; row < count; ++row)
      set(row, collation_->Like(view(row), pattern_, escape_));
    return;
  }
  const bool search = !anchored_begin_ && !parts_.empty() && !(parts_.size() == 1 && anchored_end_);
  if (search) {
    SearchRows(text, offsets, count, mask);
  } else {
    for (uint32_t row = 0; row < count; ++row) set(row, MatchesAscii(view(row)));
  }
  if (all_ascii || !simd::AnyHighByte(text + offsets[0], offsets[count] - offsets[0])) return;
  for (uint32_t row = 0; row < count; ++row) {
    const std::string_view value = view(row);
    if (simd::AnyHighByte(value.data(), value.size()))
      set(row, collation_->Like(value, pattern_, escape_));
  }
}

}  // namespace sirocco::engine
