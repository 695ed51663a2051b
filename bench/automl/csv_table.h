// Tables of the benchmark in files: comma-separated, a header with names, the target last; NA is
// NULL. A column is numeric if all of its values are.
#pragma once

#include <string>

#include "automl/table.h"

namespace sirocco::bench {

// Ends the program if the file cannot be read.
automl::Table ReadCsv(const std::string& path);
// Whether a row belongs to the test part: three of ten, by a hash of its number that peers repeat.
bool IsTestRow(size_t row);
// The rows of one part.
automl::Table TakePart(const automl::Table& table, bool is_test);

}  // namespace sirocco::bench
