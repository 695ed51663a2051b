// File name patterns of URIs: '*' and '?' (not across '/'), '**', [abc], [a-z], [!x], [1-10]
// (numbers), {a,b}. Matching takes time proportional to pattern times name, whatever the pattern.
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace sirocco::lakehouse {

class Glob {
 public:
  // Errors: kInvalidArgument (unclosed bracket, more than 1000 alternatives).
  static Result<Glob> Parse(std::string_view pattern);
  // True if the pattern has no special character.
  static bool IsPlain(std::string_view pattern);

  bool Matches(std::string_view name) const;
  // What every match begins with.
  const std::string& literal_prefix() const { return literal_prefix_; }

 private:
  struct Token {
    enum class Kind : uint8_t { kChar, kAny, kStar, kDeepStar, kClass, kNumber } kind = Kind::kChar;
    char c = 0;
    std::string members;  // kClass, expanded
    bool negated = false;
    uint64_t low = 0, high = 0;  // kNumber
  };
  static Result<std::vector<Token>> ParseOne(std::string_view pattern);
  static bool MatchesOne(const std::vector<Token>& tokens, std::string_view name);

  std::vector<std::vector<Token>> alternatives_;
  std::string literal_prefix_;
};

}  // namespace sirocco::lakehouse
