// How a sub-command of `sirocco` plugs in. Each command lives in its own small file that offers
//
//   void RegisterUp(CLI::App& app, int& exit_code);
//
// which adds a sub-command to `app`; its callback does the work and stores the program's exit code. Both references outlive
// parsing. A callback does not throw. Standard output carries the answer, standard error everything else.
#pragma once

#include <string_view>

#include "common/error.h"

namespace sirocco::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;        // tried and failed
inline constexpr int kExitUsage = 2;         // wrong name, option or argument
inline constexpr int kExitNotUp = 3;         // the system exists but does not answer
inline constexpr int kExitNoSuchSystem = 4;  // no system of that name

// Prints "sirocco: message" on standard error; returns the exit code that fits the error's code.
int ReportError(const Error& error);

}  // namespace sirocco::cli
