// Runs test files against a server and reports differences.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sql/runner/session.h"
#include "sql/runner/test_file.h"

namespace sirocco::sqltest {

struct RunOptions {
  ConnectOptions connect;
  bool off_only =
      false;  // no engine there: compare OFF with OFF (checks the statements and this program)
  bool all_prepared = false;  // every query through the binary protocol too
  bool verbose = false;       // print each statement with its time
  bool keep = false;          // keep the databases of files with failures
  std::string filter;         // only statements that contain this text
};

struct Summary {
  int files = 0, statements = 0, compared = 0, offloaded = 0, refused = 0, failures = 0;
  double seconds = 0;
};

// Each file runs in a database of its own, dropped afterwards. Differences go to standard output.
// Returns false if the server cannot be reached at all.
bool RunFiles(const std::vector<std::filesystem::path>& files, const RunOptions& options,
              Summary* summary);

}  // namespace sirocco::sqltest
