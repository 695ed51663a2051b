#include "mysqlsem/recorded.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

namespace sirocco::mysqlsem {

size_t RunRecorded(std::string_view area, const RecordedFunction& compute) {
  const std::string path =
      std::string(SIROCCO_MYSQLSEM_TESTDATA) + "/" + std::string(area) + ".tsv";
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  size_t cases = 0, line_number = 0;
  std::map<std::string, int> failures;
  std::string line;
  while (std::getline(file, line)) {
    ++line_number;
    std::vector<std::string> columns;
    size_t begin = 0;
    while (true) {
      const size_t tab = line.find('\t', begin);
      columns.push_back(line.substr(begin, tab == std::string::npos ? tab : tab - begin));
      if (tab == std::string::npos) break;
      begin = tab + 1;
    }
    if (columns.size() < 2) continue;
    const std::string operation = columns.front(), expected = columns.back();
    columns.pop_back();
    columns.erase(columns.begin());
    const std::string computed = compute(operation, columns);
    ++cases;
    if (computed != expected && ++failures[operation] <= 8) {
      ADD_FAILURE() << area << ".tsv:" << line_number << ": " << line << "\n  here: " << computed;
    }
  }
  for (const auto& [operation, count] : failures)
    ADD_FAILURE() << operation << ": " << count << " differences";
  return cases;
}

std::string FromHex(std::string_view hex) {
  const auto nibble = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(nibble(hex[i]) << 4 | nibble(hex[i + 1])));
  return bytes;
}

std::string ToHex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string hex;
  for (const char c : bytes) {
    hex.push_back(kDigits[static_cast<uint8_t>(c) >> 4]);
    hex.push_back(kDigits[static_cast<uint8_t>(c) & 15]);
  }
  return hex;
}

}  // namespace sirocco::mysqlsem
