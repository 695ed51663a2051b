// Makes and refreshes the files of a system: folders, option files, password, data folder, plugins.
// All functions expect the caller to hold the system's lock.
#pragma once

#include <cstdint>
#include <optional>

#include "cli/installation.h"
#include "cli/system.h"
#include "common/error.h"

namespace sirocco::cli {

struct NewSystemOptions {
  std::optional<uint16_t> port;  // none: the first free one from 3306 on that no other system has
  uint64_t memory_bytes = 0;     // for InnoDB's buffer pool and the engine together; 0: 70 % of the machine's
};

// Makes the folders (mode 0700). Errors: kIo, also if a folder in /tmp belongs to somebody else.
Result<void> MakeFolders(const System& system);

// Writes client.cnf with a new password and run/set_password.sql, which the next start of the server executes.
Result<void> MakePassword(const System& system);

// The file with the statement that sets root's password; it exists until a start of the server has executed it.
std::filesystem::path PasswordStatementFile(const System& system);

// Initialises data/ (mysqld --initialize-insecure). The folder appears only when complete. Errors: kIo with the log's end.
Result<void> InitialiseData(const System& system, const Installation& installation);

// Writes my.cnf for a new system. It is written last: a folder with my.cnf is a system.
Result<void> WriteServerConfig(const System& system, const NewSystemOptions& options);

// Changes the port in my.cnf; none: to one that is free. Errors: as CheckPort.
Result<void> ChangePort(const System& system, const std::optional<uint16_t>& port);

// Writes sirocco.cnf and brings plugins/ and programs/ up to date with the server and the build. Files in use are replaced by
// renaming, never overwritten.
Result<void> RefreshPrograms(const System& system, const Installation& installation);

// True if the plugin the system has is the one of the build (or there is none).
bool HasCurrentPlugin(const System& system, const Installation& installation);

// Fills the server's time zone tables from the machine's zone files, so that CONVERT_TZ and time_zone know names. The server
// is up. Errors: kNotFound (no zone files on this machine), kIo.
Result<void> LoadTimeZones(const System& system, const Installation& installation);

// Errors: kAlreadyExists if another system is configured for the port, or a program listens on it.
Result<void> CheckPort(const System& system, uint16_t port);

// True if nobody listens on 127.0.0.1:port.
bool IsPortFree(uint16_t port);

}  // namespace sirocco::cli
