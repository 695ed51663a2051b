#include "cli/bench/query_set.h"

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <iterator>
#include <set>

namespace sirocco::bench {
namespace {

constexpr std::string_view kFractionOfScaleOne = "0.0001000000";

// ORDER BY columns of the queries whose order leaves ties, by position in the result.
std::vector<size_t> TieColumns(int number) {
  switch (number) {
    case 3:
      return {1, 2};
    case 5:
      return {1};
    case 10:
      return {2};
    case 11:
      return {1};
    case 18:
      return {4, 3};
    default:
      return {};
  }
}

Result<int> ParseQueryNumber(std::string_view text) {
  int number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || end != text.data() + text.size() || number < 1 || number > 22) {
    return MakeError(ErrorCode::kInvalidArgument,
                     fmt::format("not a query number from 1 to 22: '{}'", text));
  }
  return number;
}

}  // namespace

Result<std::vector<int>> ParseQueryList(std::string_view text) {
  if (text.empty()) text = "1-22";
  std::set<int> numbers;
  while (true) {
    const size_t comma = text.find(',');
    const std::string_view item = text.substr(0, comma);
    const size_t dash = item.find('-');
    ASSIGN_OR_RETURN(const int first, ParseQueryNumber(item.substr(0, dash)));
    int last = first;
    if (dash != std::string_view::npos) {
      ASSIGN_OR_RETURN(last, ParseQueryNumber(item.substr(dash + 1)));
    }
    for (int number = first; number <= last; ++number) numbers.insert(number);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  if (numbers.empty()) return MakeError(ErrorCode::kInvalidArgument, "no query selected");
  return std::vector<int>(numbers.begin(), numbers.end());
}

Result<std::string> ReadTextFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return MakeError(ErrorCode::kIo, fmt::format("cannot read {}", path));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<std::vector<BenchQuery>> ReadQueries(const std::string& folder,
                                            const std::vector<int>& numbers, double scale_factor) {
  std::vector<BenchQuery> queries;
  for (int number : numbers) {
    ASSIGN_OR_RETURN(std::string sql, ReadTextFile(fmt::format("{}/q{:02}.sql", folder, number)));
    while (!sql.empty() && (sql.back() == '\n' || sql.back() == ';')) sql.pop_back();
    if (number == 11) {
      const size_t at = sql.find(kFractionOfScaleOne);
      if (at == std::string::npos) return MakeError(ErrorCode::kIo, "query 11 lacks its fraction");
      sql.replace(at, kFractionOfScaleOne.size(), fmt::format("{:.10f}", 0.0001 / scale_factor));
    }
    queries.push_back({number, std::move(sql), TieColumns(number)});
  }
  return queries;
}

}  // namespace sirocco::bench
