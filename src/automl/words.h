// Words of running text: runs of letters and digits, ASCII letters in lower case; bytes above 0x7F
// count as letters, so that any language in UTF-8 splits at its spaces.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sirocco::automl {

inline bool IsWordByte(unsigned char c) {
  return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

template <typename OnWord>
void ForEachWord(std::string_view text, OnWord&& on_word) {
  std::string word;
  for (size_t i = 0; i <= text.size(); ++i) {
    const auto c = static_cast<unsigned char>(i < text.size() ? text[i] : ' ');
    if (IsWordByte(c)) {
      word.push_back(static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c));
    } else if (!word.empty()) {
      on_word(word);
      word.clear();
    }
  }
}

inline uint32_t HashWord(std::string_view word, uint32_t seed = 2166136261u) {
  uint32_t hash = seed;
  for (const char c : word) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash;
}

}  // namespace sirocco::automl
