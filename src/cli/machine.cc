#include "cli/machine.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "cli/option_file.h"

namespace sirocco::cli {
namespace {

constexpr uint64_t kMebibyte = 1024 * 1024;

// First number of a control group file; `missing` for "max" or no such file.
uint64_t ReadLimit(const char* file, uint64_t missing) {
  auto text = ReadFile(file);
  if (!text) return missing;
  uint64_t value = 0;
  const auto parsed = std::from_chars(text->data(), text->data() + text->size(), value);
  return parsed.ec == std::errc() && value > 0 ? value : missing;
}

}  // namespace

uint64_t MachineMemoryBytes() {
  const auto pages = static_cast<uint64_t>(std::max(1L, sysconf(_SC_PHYS_PAGES)));
  const auto page_size = static_cast<uint64_t>(std::max(1L, sysconf(_SC_PAGESIZE)));
  uint64_t bytes = pages * page_size;
  bytes = std::min(bytes, ReadLimit("/sys/fs/cgroup/memory.max", bytes));
  return std::min(bytes, ReadLimit("/sys/fs/cgroup/memory/memory.limit_in_bytes", bytes));
}

unsigned MachineCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  unsigned cores = 1;
  if (sched_getaffinity(0, sizeof set, &set) == 0) cores = std::max(1, CPU_COUNT(&set));
  // cpu.max is "<quota> <period>" in microseconds, or "max <period>".
  if (auto text = ReadFile("/sys/fs/cgroup/cpu.max")) {
    uint64_t quota = 0;
    uint64_t period = 0;
    const char* end = text->data() + text->size();
    auto parsed = std::from_chars(text->data(), end, quota);
    if (parsed.ec == std::errc() && parsed.ptr < end) parsed = std::from_chars(parsed.ptr + 1, end, period);
    if (parsed.ec == std::errc() && quota > 0 && period > 0) {
      cores = std::min(cores, static_cast<unsigned>(std::max<uint64_t>(1, (quota + period - 1) / period)));
    }
  }
  return cores;
}

Result<uint64_t> ParseSize(std::string_view text) {
  uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit = text.substr(static_cast<size_t>(parsed.ptr - text.data()));
  uint64_t factor = 0;
  if (unit.empty()) factor = 1;
  else if (unit == "K" || unit == "k") factor = 1024;
  else if (unit == "M" || unit == "m") factor = kMebibyte;
  else if (unit == "G" || unit == "g") factor = 1024 * kMebibyte;
  else if (unit == "T" || unit == "t") factor = 1024 * 1024 * kMebibyte;
  if (parsed.ec != std::errc() || factor == 0 || value > std::numeric_limits<uint64_t>::max() / factor) {
    return MakeError(ErrorCode::kInvalidArgument,
                     fmt::format("not a size (a number with K, M, G or T behind it): '{}'", text));
  }
  return value * factor;
}

std::string FormatSize(uint64_t bytes) {
  return fmt::format("{}M", std::max<uint64_t>(1, bytes / kMebibyte));
}

std::string FormatDuration(uint64_t seconds) {
  if (seconds >= 86400) return fmt::format("{} d {} h", seconds / 86400, seconds % 86400 / 3600);
  if (seconds >= 3600) return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
  if (seconds >= 60) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  return fmt::format("{} s", seconds);
}

}  // namespace sirocco::cli
