#include "cli/log_tail.h"

#include <deque>
#include <fstream>
#include <system_error>

namespace sirocco::cli {
namespace {

constexpr size_t kMaxLines = 20;

void Keep(std::deque<std::string>& lines, const std::string& line) {
  lines.push_back("  " + line + "\n");
  if (lines.size() > kMaxLines) lines.pop_front();
}

}  // namespace

uint64_t FileSize(const std::filesystem::path& file) {
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(file, error);
  return error ? 0 : size;
}

std::string LogSince(const std::filesystem::path& file, uint64_t start) {
  if (start > FileSize(file)) start = 0;  // rotated meanwhile
  std::ifstream stream(file);
  stream.seekg(static_cast<std::streamoff>(start));
  std::deque<std::string> all;
  std::deque<std::string> errors;
  for (std::string line; std::getline(stream, line);) {
    Keep(all, line);
    if (line.find("[ERROR]") != std::string::npos) Keep(errors, line);
  }
  std::string text;
  for (const std::string& line : errors.empty() ? all : errors) text += line;
  if (!text.empty()) text.pop_back();
  return text;
}

}  // namespace sirocco::cli
