// The end of a log file, for error messages.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace sirocco::cli {

// Size of a file in bytes, 0 if there is none.
uint64_t FileSize(const std::filesystem::path& file);

// At most the last 20 lines that were written behind byte `start`, indented by two blanks; errors only, if there are any.
std::string LogSince(const std::filesystem::path& file, uint64_t start);

}  // namespace sirocco::cli
