// Generated tables of many shapes, written as files for every program of the benchmark.
#pragma once

#include <string>

namespace sirocco::bench {

// Tables NAME.csv with a line "task" each in tables.txt; series into series/.
void GenerateFiles(const std::string& folder);
// One large table for times: numbers, a class from a rule with noise.
void GenerateLarge(const std::string& path, size_t rows, size_t columns, size_t classes);

}  // namespace sirocco::bench
