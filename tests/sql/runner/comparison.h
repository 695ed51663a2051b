// Differences between two executions of one statement.
#pragma once

#include <string>
#include <vector>

#include "sql/runner/session.h"
#include "sql/runner/test_file.h"

namespace sirocco::sqltest {

// Compares everything a client sees; lines that describe the differences, empty if there are none.
// At most a few rows of each kind are shown.
std::vector<std::string> CompareOutcomes(const Statement& statement, const Outcome& off,
                                         const Outcome& forced);

// Rows only: as Statement::order says.
std::vector<std::string> CompareRows(const Statement& statement, const std::vector<Column>& columns,
                                     std::vector<Row> off, std::vector<Row> forced);

// "(1, 'abc', NULL, x'00FF')".
std::string RowText(const Row& row);

}  // namespace sirocco::sqltest
