// What this machine (or container) gives us: memory and cores, with the limits of control groups and affinity applied.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.h"

namespace sirocco::cli {

// Bytes of memory this process tree may use: the smaller of the machine's memory and the control group's limit.
uint64_t MachineMemoryBytes();

// Cores this process may run on, at least 1.
unsigned MachineCores();

// Reads "512M", "4G", "1073741824". Errors: kInvalidArgument.
Result<uint64_t> ParseSize(std::string_view text);

// Writes bytes as MySQL reads them, in whole mebibytes rounded down ("6144M"), at least 1M.
std::string FormatSize(uint64_t bytes);

// Seconds as "3 d 4 h", "5 min 6 s", "7 s".
std::string FormatDuration(uint64_t seconds);

}  // namespace sirocco::cli
