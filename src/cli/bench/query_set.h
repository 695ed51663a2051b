// The 22 queries of TPC-H as files, and which of them to run.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace sirocco::bench {

struct BenchQuery {
  int number = 0;  // 1 .. 22
  std::string sql;
  std::vector<size_t> tie_columns;  // see FindDifference
};

// Reads "1,3,5-8"; "" is all. Result in ascending order without repetition. Errors:
// kInvalidArgument.
Result<std::vector<int>> ParseQueryList(std::string_view text);

// Reads q01.sql ... of a folder, without the final semicolon. The fraction in query 11 is that of
// scale factor 1 in the files and is divided by the scale factor, as the specification says.
// Errors: kIo.
Result<std::vector<BenchQuery>> ReadQueries(const std::string& folder,
                                            const std::vector<int>& numbers, double scale_factor);

// Reads a whole file. Errors: kIo.
Result<std::string> ReadTextFile(const std::string& path);

}  // namespace sirocco::bench
