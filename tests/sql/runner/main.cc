// sirocco-sqltest: runs the statements of test files with offload off and forced and compares what
// a client sees. Exit code: 0 all equal, 1 differences, 2 wrong usage or no server.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "sql/runner/run.h"

namespace {

namespace fs = std::filesystem;

// Files as given; folders are searched for *.test. Slow ones only when asked for or named.
std::vector<fs::path> FindTests(const std::vector<std::string>& paths, bool slow) {
  std::vector<fs::path> files;
  for (const std::string& path : paths) {
    if (!fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
      if (entry.path().extension() != ".test") continue;
      if (slow || entry.path().stem().extension() != ".slow") files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Runs SQL test files with offload off and forced and compares rows, types and warnings"};
  sirocco::sqltest::RunOptions options;
  std::vector<std::string> paths;
  bool slow = false;
  app.add_option("paths", paths, "Test files, or folders to search for *.test")->required();
  app.add_option("--defaults-file", options.connect.defaults_file,
                 "Option file of the client, group [client]");
  app.add_option("--socket", options.connect.socket, "Socket of the server");
  app.add_option("--host", options.connect.host);
  app.add_option("--port", options.connect.port);
  app.add_option("--user", options.connect.user);
  app.add_option("--password", options.connect.password);
  app.add_option("--timeout", options.connect.timeout_seconds, "Seconds a statement may take");
  app.add_option("--filter", options.filter, "Only compare statements that contain this text");
  app.add_flag("--off-only", options.off_only, "Server without the engine: compare OFF with OFF");
  app.add_flag("--prepared", options.all_prepared, "Every query through the binary protocol too");
  app.add_flag("--verbose", options.verbose, "Time of every statement");
  app.add_flag("--keep", options.keep, "Keep the databases of files with failures");
  app.add_flag("--slow", slow, "Files named *.slow.test too");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }

  sirocco::sqltest::Summary summary;
  if (!sirocco::sqltest::RunFiles(FindTests(paths, slow), options, &summary)) return 2;
  std::printf(
      "%d files, %d statements, %d compared, %d executions offloaded, %d refusals checked, %d "
      "failures, %.1f s\n",
      summary.files, summary.statements, summary.compared, summary.offloaded, summary.refused,
      summary.failures, summary.seconds);
  return summary.failures == 0 ? 0 : 1;
}
