#include "cli/installation.h"

#include <fmt/format.h>

#include <cstdlib>
#include <initializer_list>
#include <system_error>

namespace sirocco::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLibraryFolder = "usr/lib/x86_64-linux-gnu";

bool Exists(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// The first of `candidates` below `root` that exists; empty if none does.
fs::path FirstBelow(const fs::path& root, std::initializer_list<const char*> candidates) {
  for (const char* candidate : candidates) {
    if (Exists(root / candidate)) return root / candidate;
  }
  return {};
}

fs::path Named(const char* variable, const fs::path& usual) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0' ? fs::absolute(value) : usual;
}

}  // namespace

fs::path OwnProgram() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error);
}

Result<Installation> FindInstallation() {
  const fs::path prefix = SIROCCO_PREFIX_PATH;
  const std::string_view configured = SIROCCO_MYSQL_BASEDIR_PATH;
  Installation found;
  found.basedir = Named("SIROCCO_MYSQL_BASEDIR", configured.empty() ? prefix / "usr" : fs::path(configured));
  found.mysqld = FirstBelow(found.basedir, {"bin/mysqld", "sbin/mysqld", "usr/sbin/mysqld"});
  if (found.mysqld.empty()) {
    return MakeError(ErrorCode::kIo,
                     fmt::format("no mysqld in {} (`./sirocco setup` fetches one)", found.basedir.string()));
  }
  if (found.mysqld.parent_path().parent_path().filename() == "usr") found.basedir = found.mysqld.parent_path().parent_path();
  found.mysql = FirstBelow(found.basedir, {"bin/mysql"});
  if (found.mysql.empty()) found.mysql = prefix / "usr/bin/mysql";
  const fs::path messages =
      FirstBelow(found.basedir, {"share/mysql/english/errmsg.sys", "share/english/errmsg.sys"});
  if (messages.empty()) {
    return MakeError(ErrorCode::kIo, fmt::format("no message files (errmsg.sys) in {}/share", found.basedir.string()));
  }
  found.share = messages.parent_path().parent_path();
  found.server_plugins = FirstBelow(found.basedir, {"lib/mysql/plugin", "lib/plugin", "lib64/mysql/plugin"});

  found.loader = prefix / "usr/lib64/ld-linux-x86-64.so.2";
  if (!Exists(found.loader)) {
    return MakeError(ErrorCode::kIo, fmt::format("the private prefix is gone: {} (`./sirocco setup` makes it again)",
                                                 prefix.string()));
  }
  found.library_path = (prefix / kLibraryFolder).string();
  // A server in a folder of its own may bring libraries; they fit it better than the prefix's.
  for (const char* own : {"lib", "lib/private"}) {
    if (found.basedir != prefix / "usr" && found.basedir != "/usr" && Exists(found.basedir / own)) {
      found.library_path = (found.basedir / own).string() + ":" + found.library_path;
    }
  }

  const fs::path build_source = OwnProgram().parent_path().parent_path();  // <build>/src
  found.rapid_plugin = Named("SIROCCO_PLUGIN", build_source / "plugin/ha_rapid.so");
  found.rapid_node = Named("SIROCCO_NODE", build_source / "node/rapidd");
  if (!Exists(found.rapid_plugin)) found.rapid_plugin.clear();
  if (!Exists(found.rapid_node)) found.rapid_node.clear();
  return found;
}

std::vector<std::string> MysqlCommand(const Installation& installation, const fs::path& program,
                                      const fs::path& loader_name) {
  return {loader_name.empty() ? installation.loader.string() : loader_name.string(), "--library-path",
          installation.library_path, program.string()};
}

}  // namespace sirocco::cli
