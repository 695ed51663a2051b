// What a DB system is doing right now, found by looking: pid file, process, socket, a login.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "cli/system.h"

namespace sirocco::cli {

enum class SystemState {
  kDown,      // stopped, or never started
  kStarting,  // the server's process lives but does not answer: starting, recovering or shutting down
  kUp,        // answers
  kCrashed,   // the process is gone but did not shut down
};

const char* SystemStateName(SystemState state);  // "down", "starting", "up", "crashed"

struct SystemStatus {
  SystemState state = SystemState::kDown;
  pid_t pid = 0;                // 0 when no process lives
  uint16_t port = 0;            // configured
  std::string server_version;   // the rest is known only when up and the login works
  uint64_t uptime_seconds = 0;
  std::string rapid_plugin;     // "ACTIVE", "DISABLED", or empty: not installed
  std::string rapid_service;    // "ONLINE", "OFFLINE", or empty: unknown
  std::string note;             // one line a DBA should know, e.g. why the login failed; may be empty
};

SystemStatus InspectSystem(const System& system);

// Pid of the system's mysqld, or 0. Trusts nothing but a live process that was started with the system's my.cnf.
pid_t FindServer(const System& system);

}  // namespace sirocco::cli
