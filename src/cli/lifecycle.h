// Starting and stopping DB systems. Each call takes the system's lock, so that two at once do not get in each other's way.
// Progress goes to standard error.
#pragma once

#include <cstdint>
#include <optional>

#include "cli/status.h"
#include "cli/system.h"
#include "common/error.h"

namespace sirocco::cli {

struct UpOptions {
  std::optional<uint16_t> port;
  uint64_t memory_bytes = 0;       // used when the system is made
  unsigned timeout_seconds = 600;  // for the server to answer; crash recovery may take long
  bool reset_password = false;     // gives root a new password
  bool time_zones = true;          // fills the named time zones when the system is made; takes seconds
};

// Makes the system if there is none, starts it if it is down, and waits until it answers. Returns its status then.
// Errors: kIo with the error log's end, kAlreadyExists (port in use, or up on another port), kTimeout.
Result<SystemStatus> UpSystem(const System& system, const UpOptions& options);

// Shuts the server down and waits for its end. Returns false if it was not up. Errors: kTimeout.
Result<bool> DownSystem(const System& system, unsigned timeout_seconds);

// Removes a system and all its data. Errors: kUnavailable if it is up and not `force`, else as DownSystem; kIo.
Result<void> DestroySystem(const System& system, bool force);

}  // namespace sirocco::cli
