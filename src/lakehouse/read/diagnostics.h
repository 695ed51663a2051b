// Errors and warnings about single values of files, collected per reading task and put in file
// order afterwards.
//
// A task knows lines only from where it started; Diagnostic keeps them relative and the report adds
// what came before. Texts are made last: a load with a million warnings formats only those that are
// kept. Threads: a DiagnosticLog belongs to one task; a LoadReport is used by one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lakehouse/errors.h"

namespace sirocco::lakehouse {

struct Diagnostic {
  uint32_t number = 0;
  int32_t column = -1;  // of the table; -1: the row or the file
  uint64_t line = 0;    // from 1; 0: unknown (formats without lines)
  uint64_t row = 0;     // from 1; 0: unknown (formats with lines)
  uint64_t offset = 0;  // bytes from the start of the file (of its unpacked content)
  bool has_offset = false;
  std::string detail, extra;  // arguments of the server's text
  std::string value;          // the text that was not understood, shortened
};

// At most this much of a value is quoted in a message.
inline constexpr size_t kMaxQuotedValue = 64;
// A value as a message may show it: shortened, control characters and bytes above 126 as \xNN.
std::string QuoteValue(std::string_view value);

class DiagnosticLog {
 public:
  explicit DiagnosticLog(uint32_t max_kept = 64) : max_kept_(max_kept) {}

  // True if the next warning with this number would only be counted.
  bool CountsOnly() const { return kept_.size() >= max_kept_; }
  void Count(uint32_t number) { ++counts_[number]; }
  void Warn(Diagnostic diagnostic) {
    ++counts_[diagnostic.number];
    if (kept_.size() < max_kept_) kept_.push_back(std::move(diagnostic));
  }
  const std::vector<Diagnostic>& kept() const { return kept_; }
  const std::map<uint32_t, uint64_t>& counts() const { return counts_; }

 private:
  uint32_t max_kept_;
  std::vector<Diagnostic> kept_;
  std::map<uint32_t, uint64_t> counts_;
};

// "Column 3 of a.csv : Invalid INT value. (line 17, byte offset 1200, column `price`, value 'abc')"
std::string DiagnosticText(const Diagnostic& diagnostic, std::string_view file,
                           std::string_view column_name);

struct Warning {
  uint32_t number = 0;
  std::string text;
};

// What a load has to say at its end.
class LoadReport {
 public:
  // Keeps at most `max_warnings` texts, none of the numbers in `filtered`.
  explicit LoadReport(uint32_t max_warnings = 1024, std::set<uint32_t> filtered = {})
      : max_warnings_(max_warnings), filtered_(std::move(filtered)) {}

  // Adds the warnings of a task whose first line is line `lines_before` + 1 of the file.
  void Add(const DiagnosticLog& log, uint64_t lines_before, std::string_view file,
           const std::vector<std::string>& column_names);
  void Add(uint32_t number, std::string text);

  // What a client sees: the texts, preceded by the documented summary if some were not recorded.
  std::vector<Warning> Finish() const;
  uint64_t num_warnings() const;
  const std::map<uint32_t, uint64_t>& counts() const { return counts_; }

 private:
  uint32_t max_warnings_;
  std::set<uint32_t> filtered_;
  std::vector<Warning> warnings_;
  std::map<uint32_t, uint64_t> counts_;
};

}  // namespace sirocco::lakehouse
