#include "cli/tpch/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace sirocco::tpch {

using std::chrono::steady_clock;

ProgressLine::ProgressLine() : terminal_(isatty(STDERR_FILENO) != 0), last_(steady_clock::now()) {}

void ProgressLine::Update(std::string_view text) {
  const auto interval =
      terminal_ ? std::chrono::milliseconds(200) : std::chrono::milliseconds(5000);
  if (steady_clock::now() - last_ < interval) return;
  Show(text);
}

void ProgressLine::Finish(std::string_view text) {
  Show(text);
  if (terminal_) fmt::print(stderr, "\n");
}

void ProgressLine::Show(std::string_view text) {
  last_ = steady_clock::now();
  if (terminal_) {
    fmt::print(stderr, "\r\033[K{}", text);
  } else {
    fmt::print(stderr, "{}\n", text);
  }
  std::fflush(stderr);
}

std::string WithCommas(int64_t value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > (value < 0 ? 1 : 0) && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

}  // namespace sirocco::tpch
