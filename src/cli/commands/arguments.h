// Arguments and answers that several commands share.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cli/lifecycle.h"
#include "cli/system.h"

namespace sirocco::cli {

// Adds the optional argument NAME.
inline void AddName(CLI::App& command, std::string& name) {
  name = kDefaultSystem;
  command.add_option("NAME", name, "The DB system")->default_str(kDefaultSystem);
}

// Options of `up`, as the command line gives them.
struct UpArguments {
  std::string name;
  std::optional<uint16_t> port;
  std::string memory;
  unsigned timeout_seconds = 600;
  bool reset_password = false;
  bool no_time_zones = false;
};

void AddUpOptions(CLI::App& command, UpArguments& arguments);

// Checks the arguments and starts the system; prints what a user needs next on standard output. Returns the exit code.
int RunUp(const UpArguments& arguments);

// Stops a system; prints one line. Returns the exit code.
int RunDown(const std::string& name, unsigned timeout_seconds);

}  // namespace sirocco::cli
