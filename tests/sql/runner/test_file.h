// Test files: statements in SQL with directives in comments. The format is documented in
// tests/sql/README.md.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace sirocco::sqltest {

// What to do with a statement.
enum class Action {
  kRun,      // once; must succeed (set-up)
  kCompare,  // with offload off and forced; everything must be equal
  kInto,    // INSERT .. SELECT or CREATE TABLE .. SELECT: both ways, the target tables are compared
  kLoad,    // ALTER TABLE .. SECONDARY_LOAD of the tables named (skipped when there is no engine)
  kUnload,  // ALTER TABLE .. SECONDARY_UNLOAD of the tables named (likewise)
};

enum class Order {
  kMultiset,  // rows may come in any order
  kExact,     // rows in exactly the same order
  kKeys,      // the named columns are equal row by row, the rows as a multiset
};

// One value bound to a `?`.
struct Parameter {
  enum class Type { kNull, kInteger, kDouble, kString } type = Type::kNull;
  std::string text;
};

struct Statement {
  std::string file;  // where it stands, which may be an included file
  int line = 0;      // of the first line of the statement
  std::string sql;   // without the terminating semicolon
  Action action = Action::kRun;
  Order order = Order::kMultiset;
  std::vector<int> key_columns;  // from 1, for Order::kKeys
  bool refused = false;
  std::string reason;       // regular expression the 3889 message must match, with `refused`
  bool may_refuse = false;  // refused or offloaded, both are fine
  bool not_offered =
      false;  // the server never offers it to a secondary engine: runs, but not offloaded
  bool prepared = false;              // also through the binary protocol, executed twice
  std::vector<Parameter> parameters;  // implies `prepared`, without the text protocol
  int error = 0;                      // error number both ways must give; 0: must succeed
  bool approximate = false;           // floating point columns may differ in the last digits
  long expected_rows = -1;            // -1: any
  std::string target;                 // table, with kInto
  std::vector<std::string> tables;    // with kLoad, kUnload
};

struct TestFile {
  std::filesystem::path path;
  std::vector<Statement> statements;
  bool slow = false;
};

// Reads a file, with its includes. Errors: kIo, kInvalidArgument with file and line.
Result<TestFile> ReadTestFile(const std::filesystem::path& path);
// The same from text; `folder` is where includes are looked up.
Result<std::vector<Statement>> ParseTests(std::string_view text,
                                          const std::filesystem::path& folder,
                                          const std::string& name);

}  // namespace sirocco::sqltest
