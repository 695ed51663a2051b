#include "plugin/routines/argument_completion.h"

#include <algorithm>
#include <vector>

namespace sirocco::plugin {
namespace {

struct Routine {
  std::string_view name;
  size_t num_arguments;
  // Position of the argument that may be left out.
  size_t optional_argument;
};

constexpr Routine kRoutines[] = {
    {"ml_train", 4, 2},         {"ml_explain", 4, 3},     {"ml_predict_row", 3, 2},
    {"ml_predict_table", 4, 3}, {"ml_explain_row", 3, 2}, {"ml_explain_table", 4, 3},
    {"ml_score", 6, 5},         {"ml_model_load", 2, 1},  {"train_test_split", 3, 2},
};

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool SameName(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i)
    if (Lower(text[i]) != lower[i]) return false;
  return true;
}

// Whether "sys" followed, somewhere, by a routine's name can be there at all.
bool MayCall(std::string_view statement) {
  for (size_t at = 0; at + 4 < statement.size(); ++at)
    if (Lower(statement[at]) == 's' && Lower(statement[at + 1]) == 'y' &&
        Lower(statement[at + 2]) == 's' &&
        (statement[at + 3] == '.' || statement[at + 3] == '`' || IsSpace(statement[at + 3])))
      return true;
  return false;
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool AtEnd() const { return at_ >= text_.size(); }
  size_t at() const { return at_; }
  char Peek() const { return text_[at_]; }
  void Advance() { ++at_; }

  // Passes a string, a quoted name, a comment or one other character.
  void SkipOne() {
    const char c = text_[at_];
    if (c == '\'' || c == '"' || c == '`') return SkipQuoted(c);
    if (c == '#' || IsDashComment()) return SkipTo("\n");
    if (text_.substr(at_).starts_with("/*")) {
      // The text of /*! and /*+ comments is part of the statement.
      if (at_ + 2 < text_.size() && text_[at_ + 2] == '!') {
        at_ += 3;
        return;
      }
      at_ += 2;
      return SkipTo("*/");
    }
    ++at_;
  }

  void SkipSpace() {
    while (!AtEnd() && (IsSpace(Peek()) || Peek() == '#' || IsDashComment() ||
                        text_.substr(at_).starts_with("/*")))
      SkipOne();
  }

  // A name, quoted or not; empty if there is none here.
  std::string_view TakeName() {
    const size_t begin = at_;
    if (!AtEnd() && Peek() == '`') {
      SkipQuoted('`');
      return at_ - begin >= 2 ? text_.substr(begin + 1, at_ - begin - 2) : std::string_view();
    }
    while (!AtEnd() && IsNameCharacter(Peek())) ++at_;
    return text_.substr(begin, at_ - begin);
  }

 private:
  bool IsDashComment() const {
    return text_.substr(at_).starts_with("--") &&
           (at_ + 2 == text_.size() || IsSpace(text_[at_ + 2]));
  }
  void SkipTo(std::string_view end) {
    const size_t found = text_.find(end, at_);
    at_ = found == std::string_view::npos ? text_.size() : found + end.size();
  }
  void SkipQuoted(char quote) {
    for (++at_; at_ < text_.size(); ++at_) {
      // With NO_BACKSLASH_ESCAPES a string may seem to go on: then nothing is completed in it.
      if (text_[at_] == '\\' && quote != '`') {
        ++at_;
      } else if (text_[at_] == quote) {
        ++at_;
        if (at_ < text_.size() && text_[at_] == quote) continue;
        return;
      }
    }
    at_ = text_.size();
  }

  std::string_view text_;
  size_t at_ = 0;
};

struct Insertion {
  size_t at;
  std::string_view text;
};

const Routine* FindRoutine(std::string_view name) {
  for (const Routine& routine : kRoutines)
    if (SameName(name, routine.name)) return &routine;
  return nullptr;
}

// Stands after the opening parenthesis of a call; looks at its arguments on a scanner of its own.
void CompleteCall(std::string_view text, Scanner scanner, const Routine& routine,
                  std::vector<Insertion>* insertions) {
  size_t depth = 0;
  std::vector<size_t> commas;
  bool has_text = false;
  while (!scanner.AtEnd()) {
    const char c = scanner.Peek();
    if (c == '(' || c == '[' || c == '{') ++depth;
    if (depth == 0 && c == ',') commas.push_back(scanner.at());
    if (c == ')' || c == ']' || c == '}') {
      if (depth == 0) break;
      --depth;
    }
    has_text = has_text || !IsSpace(c);
    scanner.SkipOne();
  }
  if (scanner.AtEnd() || !has_text || commas.size() + 2 != routine.num_arguments) return;
  if (routine.optional_argument == routine.num_arguments - 1)
    insertions->push_back({scanner.at(), ", NULL"});
  else
    insertions->push_back({commas[routine.optional_argument - 1], ", NULL"});
}

}  // namespace

std::optional<std::string> CompleteArguments(std::string_view statement) {
  if (!MayCall(statement)) return std::nullopt;
  std::vector<Insertion> insertions;
  Scanner scanner(statement);
  while (!scanner.AtEnd()) {
    const char c = scanner.Peek();
    if (c != '`' && !IsNameCharacter(c)) {
      scanner.SkipOne();
      continue;
    }
    if (!SameName(scanner.TakeName(), "sys")) continue;
    scanner.SkipSpace();
    if (scanner.AtEnd() || scanner.Peek() != '.') continue;
    scanner.Advance();
    scanner.SkipSpace();
    const Routine* routine = FindRoutine(scanner.TakeName());
    scanner.SkipSpace();
    if (routine == nullptr || scanner.AtEnd() || scanner.Peek() != '(') continue;
    scanner.Advance();
    CompleteCall(statement, scanner, *routine, &insertions);
  }
  if (insertions.empty()) return std::nullopt;
  // Calls nest, so an outer call's insertion may come before an inner one's and stand after it.
  std::string completed(statement);
  std::sort(insertions.begin(), insertions.end(),
            [](const Insertion& a, const Insertion& b) { return a.at > b.at; });
  for (const Insertion& insertion : insertions) completed.insert(insertion.at, insertion.text);
  return completed;
}

}  // namespace sirocco::plugin
