#include "sql/runner/comparison.h"

#include <mysql/field_types.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "sql/runner/metadata.h"

namespace sirocco::sqltest {
namespace {

constexpr size_t kShownRows = 5;
constexpr size_t kShownBytes = 120;
// Sums of doubles depend on the order of the additions; this allows for about a thousand units in
// the last place.
constexpr double kRelativeTolerance = 1e-12;

bool IsFloating(const Column& column) {
  return column.type == MYSQL_TYPE_DOUBLE || column.type == MYSQL_TYPE_FLOAT;
}

bool NearlyEqual(const Value& a, const Value& b) {
  if (!a || !b) return !a && !b;
  if (*a == *b) return true;
  const double x = std::strtod(a->c_str(), nullptr), y = std::strtod(b->c_str(), nullptr);
  return std::fabs(x - y) <= kRelativeTolerance * std::max(std::fabs(x), std::fabs(y));
}

// Floating columns last and rounded when they may differ, so that sorting brings equal rows
// together.
Row SortKey(const Row& row, const std::vector<Column>& columns, bool approximate) {
  if (!approximate) return row;
  Row key, floating;
  for (size_t i = 0; i < row.size(); ++i) {
    if (i < columns.size() && IsFloating(columns[i]) && row[i]) {
      char text[40];
      std::snprintf(text, sizeof(text), "%.9e", std::strtod(row[i]->c_str(), nullptr));
      floating.push_back(text);
    } else {
      key.push_back(row[i]);
    }
  }
  key.insert(key.end(), floating.begin(), floating.end());
  return key;
}

bool RowsEqual(const Row& a, const Row& b, const std::vector<Column>& columns, bool approximate) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;
    if (!approximate || i >= columns.size() || !IsFloating(columns[i]) || !NearlyEqual(a[i], b[i]))
      return false;
  }
  return true;
}

void SortRows(std::vector<Row>* rows, const std::vector<Column>& columns, bool approximate) {
  std::vector<std::pair<Row, size_t>> keys;
  for (size_t i = 0; i < rows->size(); ++i)
    keys.emplace_back(SortKey((*rows)[i], columns, approximate), i);
  std::sort(keys.begin(), keys.end());
  std::vector<Row> sorted;
  for (const auto& [key, index] : keys) sorted.push_back(std::move((*rows)[index]));
  *rows = std::move(sorted);
}

void ShowRows(const char* title, const std::vector<const Row*>& rows,
              std::vector<std::string>* lines) {
  if (rows.empty()) return;
  lines->push_back(std::string(title) + " (" + std::to_string(rows.size()) + "):");
  for (size_t i = 0; i < std::min(rows.size(), kShownRows); ++i)
    lines->push_back("  " + RowText(*rows[i]));
}

}  // namespace

std::string RowText(const Row& row) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text = "(";
  for (const Value& value : row) {
    if (text.size() > 1) text += ", ";
    if (!value) {
      text += "NULL";
      continue;
    }
    const bool printable = std::all_of(value->begin(), value->end(), [](char c) {
      return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F;
    });
    const std::string shown = value->substr(0, kShownBytes);
    if (printable) {
      text += "'" + shown + "'";
    } else {
      text += "x'";
      for (const char c : shown) {
        text.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
        text.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
      }
      text += "'";
    }
    if (value->size() > kShownBytes) text += "... " + std::to_string(value->size()) + " bytes";
  }
  return text + ")";
}

std::vector<std::string> CompareRows(const Statement& statement, const std::vector<Column>& columns,
                                     std::vector<Row> off, std::vector<Row> forced) {
  std::vector<std::string> lines;
  const bool approximate = statement.approximate;
  if (off.size() != forced.size()) {
    lines.push_back("rows: off " + std::to_string(off.size()) + ", forced " +
                    std::to_string(forced.size()));
  }
  const size_t common = std::min(off.size(), forced.size());
  if (statement.order == Order::kExact) {
    for (size_t i = 0; i < common; ++i) {
      if (RowsEqual(off[i], forced[i], columns, approximate)) continue;
      lines.push_back("row " + std::to_string(i + 1) + ": off    " + RowText(off[i]));
      lines.push_back("row " + std::to_string(i + 1) + ": forced " + RowText(forced[i]));
      if (lines.size() > 2 * kShownRows) break;
    }
    return lines;
  }
  if (statement.order == Order::kKeys) {
    for (size_t i = 0; i < common && lines.size() < kShownRows; ++i) {
      for (const int column : statement.key_columns) {
        const auto c = static_cast<size_t>(column - 1);
        if (c >= off[i].size() || c >= forced[i].size()) continue;
        if (off[i][c] == forced[i][c]) continue;
        if (approximate && c < columns.size() && IsFloating(columns[c]) &&
            NearlyEqual(off[i][c], forced[i][c]))
          continue;
        lines.push_back("order: row " + std::to_string(i + 1) + " column " +
                        std::to_string(column) + ": off " + RowText({off[i][c]}) + ", forced " +
                        RowText({forced[i][c]}));
      }
    }
  }
  SortRows(&off, columns, approximate);
  SortRows(&forced, columns, approximate);
  std::vector<const Row*> only_off, only_forced;
  size_t i = 0, j = 0;
  while (i < off.size() || j < forced.size()) {
    if (i < off.size() && j < forced.size() && RowsEqual(off[i], forced[j], columns, approximate)) {
      ++i;
      ++j;
    } else if (j == forced.size() ||
               (i < off.size() && SortKey(off[i], columns, approximate) <=
                                      SortKey(forced[j], columns, approximate))) {
      only_off.push_back(&off[i++]);
    } else {
      only_forced.push_back(&forced[j++]);
    }
  }
  ShowRows("only with offload off", only_off, &lines);
  ShowRows("only when forced", only_forced, &lines);
  return lines;
}

std::vector<std::string> CompareOutcomes(const Statement& statement, const Outcome& off,
                                         const Outcome& forced) {
  std::vector<std::string> lines;
  if (off.error != forced.error || (off.error != 0 && off.message != forced.message)) {
    const auto describe = [](const Outcome& outcome) {
      return outcome.error == 0 ? std::string("success")
                                : "error " + std::to_string(outcome.error) + ": " + outcome.message;
    };
    lines.push_back("off:    " + describe(off));
    lines.push_back("forced: " + describe(forced));
    return lines;
  }
  if (off.error != 0) return lines;
  lines = CompareColumns(off.columns, forced.columns);
  for (std::string& line : CompareRows(statement, off.columns, off.rows, forced.rows))
    lines.push_back(std::move(line));
  if (off.affected_rows != forced.affected_rows) {
    lines.push_back("affected rows: off " + std::to_string(off.affected_rows) + ", forced " +
                    std::to_string(forced.affected_rows));
  }
  // Rows are evaluated in any order, so warnings come in any order too.
  std::vector<std::string> a = off.warnings, b = forced.warnings;
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  if (a != b) {
    lines.push_back("warnings: off " + std::to_string(a.size()) + ", forced " +
                    std::to_string(b.size()));
    for (size_t i = 0; i < std::min(a.size(), kShownRows); ++i)
      lines.push_back("  off:    " + a[i]);
    for (size_t i = 0; i < std::min(b.size(), kShownRows); ++i)
      lines.push_back("  forced: " + b[i]);
  }
  return lines;
}

}  // namespace sirocco::sqltest
