// A DB system: one MySQL server with its own folder. This header knows where everything of a system lies and how to
// log in to it; it starts nothing. Shape of the folder ${SIROCCO_HOME:-$HOME/.sirocco}/systems/NAME (mode 0700):
//
//   my.cnf        the user's server settings, written once; includes sirocco.cnf first, so that the user's lines win
//   sirocco.cnf   paths, plugin and engine settings; written anew by every `up`
//   client.cnf    option file (mode 0600) for any MySQL client: user, password, socket in group [client]
//   data/ logs/ run/ plugins/ programs/
//
// Use: auto system = OpenSystem(name); auto account = ReadAccount(*system); mysql_real_connect(..., account->socket ...).
// Threads: values only, no shared state.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace sirocco::cli {

inline constexpr char kDefaultSystem[] = "main";

struct System {
  std::string name;
  std::filesystem::path folder;          // absolute
  std::filesystem::path runtime_folder;  // holds the sockets; folder/run unless that path is too long for a socket

  std::filesystem::path ServerConfig() const { return folder / "my.cnf"; }
  std::filesystem::path GeneratedConfig() const { return folder / "sirocco.cnf"; }
  std::filesystem::path ClientConfig() const { return folder / "client.cnf"; }
  std::filesystem::path DataFolder() const { return folder / "data"; }
  std::filesystem::path LogFolder() const { return folder / "logs"; }
  std::filesystem::path ErrorLog() const { return folder / "logs" / "mysqld.log"; }
  std::filesystem::path NodeLog() const { return folder / "logs" / "rapidd.log"; }
  std::filesystem::path RunFolder() const { return folder / "run"; }
  std::filesystem::path PidFile() const { return folder / "run" / "mysqld.pid"; }
  std::filesystem::path PluginFolder() const { return folder / "plugins"; }
  std::filesystem::path ProgramFolder() const { return folder / "programs"; }
  std::filesystem::path SocketFile() const { return runtime_folder / "mysqld.sock"; }
  std::filesystem::path NodeSocketFile() const { return runtime_folder / "rapidd.sock"; }
};

// What a client needs to log in as the system's root over its socket. TCP is 127.0.0.1:port with the same password.
struct Account {
  std::string user;
  std::string password;
  std::string socket;
  uint16_t port = 0;
};

// True for 1 to 32 of [A-Za-z0-9_-], not starting with '-'.
bool IsValidSystemName(std::string_view name);

// Returns ${SIROCCO_HOME:-$HOME/.sirocco}/systems as an absolute path; it may not exist yet.
// Errors: kNotFound if neither variable is set.
Result<std::filesystem::path> SystemsFolder();

// Returns where the system of that name is or would be. Errors: kInvalidArgument (name).
Result<System> LocateSystem(std::string_view name);

// As LocateSystem, for a system that exists. Errors: also kNotFound.
Result<System> OpenSystem(std::string_view name);

// All existing systems, sorted by name; empty if there are none.
Result<std::vector<System>> ListSystems();

// Reads client.cnf and the port of my.cnf. Errors: kNotFound, kIo, kInvalidArgument (incomplete file), each naming the file.
Result<Account> ReadAccount(const System& system);

}  // namespace sirocco::cli
