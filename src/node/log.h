// The daemon's log: one line per event on standard error (main() points that at the log file).
#pragma once

#include <string_view>

namespace sirocco::node {

// "2026-01-31T12:00:00.123456Z [note] text". Threads: any; lines are not torn.
void LogNote(std::string_view text);
void LogWarning(std::string_view text);
void LogError(std::string_view text);

}  // namespace sirocco::node
