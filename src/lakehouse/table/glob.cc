#include "lakehouse/table/glob.h"

#include <algorithm>
#include <charconv>

namespace sirocco::lakehouse {

namespace {

constexpr size_t kMaxAlternatives = 1000;

bool Number(std::string_view text, uint64_t* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

// {a,b}c -> ac, bc.
Result<std::vector<std::string>> Expand(std::string_view pattern) {
  std::vector<std::string> open = {std::string(pattern)}, done;
  while (!open.empty()) {
    if (open.size() + done.size() > kMaxAlternatives)
      return MakeError(ErrorCode::kInvalidArgument, "a file pattern has too many alternatives");
    const std::string one = std::move(open.back());
    open.pop_back();
    const size_t begin = one.find('{');
    if (begin == std::string::npos) {
      done.push_back(one);
      continue;
    }
    const size_t end = one.find('}', begin);
    if (end == std::string::npos)
      return MakeError(ErrorCode::kInvalidArgument, "a brace in a file pattern is not closed");
    std::string_view inside = std::string_view(one).substr(begin + 1, end - begin - 1);
    for (;;) {
      const size_t comma = inside.find(',');
      open.push_back(one.substr(0, begin) + std::string(inside.substr(0, comma)) +
                     one.substr(end + 1));
      if (comma == std::string_view::npos) break;
      inside.remove_prefix(comma + 1);
    }
  }
  return done;
}

}  // namespace

bool Glob::IsPlain(std::string_view pattern) {
  return pattern.find_first_of("*?[{") == std::string_view::npos;
}

Result<std::vector<Glob::Token>> Glob::ParseOne(std::string_view pattern) {
  std::vector<Token> tokens;
  for (size_t i = 0; i < pattern.size(); ++i) {
    Token token;
    switch (pattern[i]) {
      case '?':
        token.kind = Token::Kind::kAny;
        break;
      case '*':
        token.kind = Token::Kind::kStar;
        if (i + 1 < pattern.size() && pattern[i + 1] == '*') {
          token.kind = Token::Kind::kDeepStar;
          ++i;
        }
        break;
      case '[': {
        const size_t end = pattern.find(']', i + 2);
        if (end == std::string_view::npos)
          return MakeError(ErrorCode::kInvalidArgument,
                           "a bracket in a file pattern is not closed");
        std::string_view inside = pattern.substr(i + 1, end - i - 1);
        i = end;
        const size_t dash = inside.find('-');
        if (inside.size() > 3 && dash != std::string_view::npos &&
            Number(inside.substr(0, dash), &token.low) &&
            Number(inside.substr(dash + 1), &token.high)) {
          token.kind = Token::Kind::kNumber;
          break;
        }
        token.kind = Token::Kind::kClass;
        token.negated = inside[0] == '!' || inside[0] == '^';
        if (token.negated) inside.remove_prefix(1);
        for (size_t k = 0; k < inside.size(); ++k) {
          if (k + 2 < inside.size() && inside[k + 1] == '-') {
            for (int c = static_cast<uint8_t>(inside[k]); c <= static_cast<uint8_t>(inside[k + 2]);
                 ++c)
              token.members += static_cast<char>(c);
            k += 2;
          } else {
            token.members += inside[k];
          }
        }
        break;
      }
      default:
        token.c = pattern[i];
        break;
    }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

Result<Glob> Glob::Parse(std::string_view pattern) {
  Glob glob;
  ASSIGN_OR_RETURN(const auto patterns, Expand(pattern));
  for (const std::string& one : patterns) {
    ASSIGN_OR_RETURN(auto tokens, ParseOne(one));
    glob.alternatives_.push_back(std::move(tokens));
  }
  glob.literal_prefix_ = pattern.substr(0, std::min(pattern.find_first_of("*?[{"), pattern.size()));
  return glob;
}

// The positions in the name that the tokens so far can have reached.
bool Glob::MatchesOne(const std::vector<Token>& tokens, std::string_view name) {
  std::vector<bool> at(name.size() + 1), next(name.size() + 1);
  at[0] = true;
  for (const Token& token : tokens) {
    std::fill(next.begin(), next.end(), false);
    bool any = false;
    for (size_t i = 0; i <= name.size(); ++i) {
      if (token.kind == Token::Kind::kStar || token.kind == Token::Kind::kDeepStar) {
        const bool crosses = i > 0 && (token.kind == Token::Kind::kDeepStar || name[i - 1] != '/');
        next[i] = at[i] || (i > 0 && next[i - 1] && crosses);
        any |= next[i];
        continue;
      }
      if (!at[i]) continue;
      if (token.kind == Token::Kind::kNumber) {
        uint64_t value;
        for (size_t end = i + 1;
             end <= name.size() && end - i <= 18 && name[end - 1] >= '0' && name[end - 1] <= '9';
             ++end)
          if (Number(name.substr(i, end - i), &value) && value >= token.low && value <= token.high)
            next[end] = any = true;
        continue;
      }
      if (i == name.size()) continue;
      const char c = name[i];
      const bool hit =
          token.kind == Token::Kind::kChar ? c == token.c
          : token.kind == Token::Kind::kAny
              ? c != '/'
              : (token.members.find(c) != std::string::npos) != token.negated && c != '/';
      if (hit) next[i + 1] = any = true;
    }
    if (!any) return false;
    at.swap(next);
  }
  return at[name.size()];
}

bool Glob::Matches(std::string_view name) const {
  return std::any_of(alternatives_.begin(), alternatives_.end(),
                     [&](const std::vector<Token>& tokens) { return MatchesOne(tokens, name); });
}

}  // namespace sirocco::lakehouse
