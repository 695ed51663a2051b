#include "sql/runner/test_file.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <regex>
#include <sstream>

namespace sirocco::sqltest {
namespace {

std::string_view Trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())))
    text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
    text.remove_suffix(1);
  return text;
}

std::string FirstWord(std::string_view sql) {
  sql = Trim(sql);
  std::string word;
  for (const char c : sql) {
    if (!std::isalpha(static_cast<unsigned char>(c))) break;
    word.push_back(static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
  }
  return word;
}

// Statements that give rows from tables are compared unless a directive says otherwise.
bool IsQuery(std::string_view sql) {
  if (Trim(sql).starts_with("(")) return true;
  const std::string word = FirstWord(sql);
  return word == "SELECT" || word == "WITH" || word == "TABLE" || word == "VALUES";
}

class Parser {
 public:
  Parser(std::filesystem::path folder, std::string name)
      : folder_(std::move(folder)), name_(std::move(name)) {}

  Result<void> Parse(std::string_view text) {
    std::istringstream lines{std::string(text)};
    std::string line;
    std::string sql;
    int line_number = 0, first_line = 0;
    while (std::getline(lines, line)) {
      ++line_number;
      const std::string_view content = Trim(line);
      if (sql.empty()) {
        if (content.empty() || content.starts_with("#")) continue;
        if (content.starts_with("--")) {
          if (auto done = Directive(Trim(content.substr(2)), line_number); !done) return done;
          continue;
        }
        first_line = line_number;
      }
      sql.append(line).push_back('\n');
      if (content.ends_with(";")) {
        Finish(std::string(Trim(sql)), first_line);
        sql.clear();
      }
    }
    if (!Trim(sql).empty()) return Wrong(first_line, "statement without semicolon");
    if (touched_) return Wrong(line_number, "directives without statement");
    return {};
  }

  std::vector<Statement> Take() { return std::move(statements_); }

 private:
  std::unexpected<Error> Wrong(int line, const std::string& what) const {
    return MakeError(ErrorCode::kInvalidArgument, name_ + ":" + std::to_string(line) + ": " + what);
  }

  void Finish(std::string sql, int line) {
    sql.pop_back();  // the semicolon
    next_.sql = std::string(Trim(sql));
    next_.line = line;
    next_.file = name_;
    if (next_.action == Action::kRun && (IsQuery(next_.sql) || compare_))
      next_.action = Action::kCompare;
    statements_.push_back(std::move(next_));
    next_ = Statement();
    touched_ = compare_ = false;
  }

  Result<void> Parameters(std::string_view list, int line) {
    // Values separated by commas: NULL, an integer, a number with a point or exponent, or 'text'.
    static const std::regex kValue(
        R"re(\s*(NULL|'((?:[^']|'')*)'|[-+]?[0-9.]+(?:e[-+]?[0-9]+)?)\s*(,|$))re",
        std::regex::icase);
    std::string rest(list);
    std::smatch match;
    while (!rest.empty()) {
      if (!std::regex_search(rest, match, kValue, std::regex_constants::match_continuous)) {
        return Wrong(line, "cannot read parameters at: " + rest);
      }
      Parameter parameter;
      const std::string value = match[1];
      if (value.starts_with("'")) {
        parameter.type = Parameter::Type::kString;
        parameter.text = std::regex_replace(std::string(match[2]), std::regex("''"), "'");
      } else if (FirstWord(value) != "NULL") {
        parameter.type = value.find_first_of(".eE") == std::string::npos ? Parameter::Type::kInteger
                                                                         : Parameter::Type::kDouble;
        parameter.text = value;
      }
      next_.parameters.push_back(parameter);
      rest = match.suffix();
    }
    next_.prepared = true;
    return {};
  }

  Result<void> Directive(std::string_view text, int line) {
    const size_t space = text.find(' ');
    const std::string word(text.substr(0, space));
    const std::string_view rest = space == std::string_view::npos ? "" : Trim(text.substr(space));
    if (word == "include") return Include(rest, line);
    if (word == "load" || word == "unload") {
      Statement load;
      load.action = word == "load" ? Action::kLoad : Action::kUnload;
      load.line = line;
      load.file = name_;
      std::istringstream names{std::string(rest)};
      for (std::string name; names >> name;) load.tables.push_back(name);
      if (load.tables.empty()) return Wrong(line, word + ": which tables?");
      statements_.push_back(std::move(load));
      return {};
    }
    touched_ = true;
    if (word == "offloaded") {
      compare_ = true;
    } else if (word == "unordered") {
      next_.order = Order::kMultiset;
    } else if (word == "ordered") {
      next_.order = rest.empty() ? Order::kExact : Order::kKeys;
      std::istringstream columns{std::string(rest)};
      for (int column; columns >> column;) {
        next_.key_columns.push_back(column);
        if (columns.peek() == ',') columns.ignore();
      }
    } else if (word == "refused") {
      next_.refused = true;
      next_.reason = std::string(rest);
      try {
        std::regex check(next_.reason, std::regex::icase);
      } catch (const std::regex_error&) {
        return Wrong(line, "refused: not a regular expression: " + next_.reason);
      }
    } else if (word == "may-refuse") {
      next_.may_refuse = true;
    } else if (word == "not-offered") {
      next_.not_offered = true;
      compare_ = true;
    } else if (word == "prepared") {
      next_.prepared = true;
    } else if (word == "params") {
      return Parameters(rest, line);
    } else if (word == "error") {
      next_.error = std::atoi(std::string(rest).c_str());
      if (next_.error == 0) return Wrong(line, "error: which number?");
    } else if (word == "approximate") {
      next_.approximate = true;
    } else if (word == "rows") {
      next_.expected_rows = std::atol(std::string(rest).c_str());
    } else if (word == "into") {
      next_.action = Action::kInto;
      next_.target = std::string(rest);
      if (next_.target.empty()) return Wrong(line, "into: which table?");
    } else {
      return Wrong(line, "unknown directive: " + word);
    }
    return {};
  }

  Result<void> Include(std::string_view name, int line) {
    const std::filesystem::path path = folder_ / std::string(name);
    std::ifstream file(path);
    if (!file) return Wrong(line, "cannot read " + path.string());
    std::ostringstream text;
    text << file.rdbuf();
    ASSIGN_OR_RETURN(auto included, ParseTests(text.str(), path.parent_path(), path.string()));
    for (Statement& statement : included) statements_.push_back(std::move(statement));
    return {};
  }

  const std::filesystem::path folder_;
  const std::string name_;
  std::vector<Statement> statements_;
  Statement next_;
  bool touched_ = false;  // a directive waits for its statement
  bool compare_ = false;
};

}  // namespace

Result<std::vector<Statement>> ParseTests(std::string_view text,
                                          const std::filesystem::path& folder,
                                          const std::string& name) {
  Parser parser(folder, name);
  if (auto done = parser.Parse(text); !done) return std::unexpected(done.error());
  return parser.Take();
}

Result<TestFile> ReadTestFile(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) return MakeError(ErrorCode::kIo, "cannot read " + path.string());
  std::ostringstream text;
  text << file.rdbuf();
  TestFile test;
  test.path = path;
  test.slow = path.stem().extension() == ".slow";
  ASSIGN_OR_RETURN(test.statements, ParseTests(text.str(), path.parent_path(), path.string()));
  return test;
}

}  // namespace sirocco::sqltest
