// Where the programs are: MySQL's (from the private prefix or a folder the user named) and our own (from the build).
// Programs of MySQL always start through the prefix's dynamic loader, because the plugin is linked against the prefix's
// C library and one process has one C library.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/error.h"

namespace sirocco::cli {

struct Installation {
  std::filesystem::path basedir;          // of MySQL
  std::filesystem::path mysqld;
  std::filesystem::path mysql;            // the client
  std::filesystem::path share;            // holds english/errmsg.sys and charsets/
  std::filesystem::path server_plugins;   // the server's own *.so
  std::filesystem::path loader;           // the prefix's dynamic loader
  std::string library_path;               // for the loader
  std::filesystem::path rapid_plugin;     // ha_rapid.so; empty if not built
  std::filesystem::path rapid_node;       // rapidd; empty if not built
};

// Finds everything. The environment wins over what was configured at build time: SIROCCO_MYSQL_BASEDIR (MySQL),
// SIROCCO_PLUGIN (ha_rapid.so), SIROCCO_NODE (rapidd). Errors: kIo with what is missing and what to do.
Result<Installation> FindInstallation();

// Argument vector that starts `program` of MySQL. `loader_name`, if not empty, is a symbolic link to the loader: its file
// name is the process's name in ps and top.
std::vector<std::string> MysqlCommand(const Installation& installation, const std::filesystem::path& program,
                                      const std::filesystem::path& loader_name = {});

// Absolute path of the running sirocco program.
std::filesystem::path OwnProgram();

}  // namespace sirocco::cli
