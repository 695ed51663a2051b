// Test cases recorded from a MySQL server (testdata/*.tsv, written by testdata/record.py). Test
// code only.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sirocco::mysqlsem {

// Arguments of one case; the last column of the file is the server's answer.
using RecordedArgs = std::vector<std::string>;
// Computes the answer as text in the same form as the server's; "\\N" for NULL, "ERROR" for an
// error.
using RecordedFunction =
    std::function<std::string(const std::string& operation, const RecordedArgs& args)>;

// Runs all cases of testdata/<area>.tsv and reports each difference as a test failure. Returns the
// number of cases.
size_t RunRecorded(std::string_view area, const RecordedFunction& compute);

std::string FromHex(std::string_view hex);
std::string ToHex(std::string_view bytes);  // upper case, as HEX()

}  // namespace sirocco::mysqlsem
