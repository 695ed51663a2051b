// One line of progress on standard error: rewritten in place on a terminal, else a new line every
// few seconds.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace sirocco::tpch {

class ProgressLine {
 public:
  ProgressLine();
  // Shows the text if the last one is old enough.
  void Update(std::string_view text);
  // Shows the text and ends the line.
  void Finish(std::string_view text);

 private:
  void Show(std::string_view text);
  const bool terminal_;
  std::chrono::steady_clock::time_point last_;
};

// "6,001,215".
std::string WithCommas(int64_t value);

}  // namespace sirocco::tpch
