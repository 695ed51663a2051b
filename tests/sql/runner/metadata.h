// Column descriptions of a result set: reading and comparing them.
#pragma once

#include <string>
#include <vector>

#include "sql/runner/session.h"

struct MYSQL_RES;

namespace sirocco::sqltest {

std::vector<Column> ReadColumns(MYSQL_RES* result);
// "name type=NEWDECIMAL length=10 decimals=2 charset=63 flags=NOT_NULL,NUM".
std::string DescribeColumn(const Column& column);
// Differences a client could notice, one line each; empty if equal. Flags that describe indexes of
// a base table are not compared: a secondary engine has no indexes.
std::vector<std::string> CompareColumns(const std::vector<Column>& off,
                                        const std::vector<Column>& forced);

}  // namespace sirocco::sqltest
