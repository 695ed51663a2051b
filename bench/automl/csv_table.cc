#include "csv_table.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace sirocco::bench {

namespace {

bool ParseNumber(const std::string& text, double* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

std::vector<std::string> Fields(const std::string& line) {
  std::vector<std::string> fields;
  std::string field;
  bool is_quoted = false;
  for (const char c : line) {
    if (c == '"') {
      is_quoted = !is_quoted;
    } else if (c == ',' && !is_quoted) {
      fields.push_back(std::move(field));
      field.clear();
    } else if (c != '\r') {
      field.push_back(c);
    }
  }
  fields.push_back(std::move(field));
  return fields;
}

}  // namespace

automl::Table ReadCsv(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    std::exit(2);
  }
  const std::vector<std::string> names = Fields(line);
  std::vector<std::vector<std::string>> rows;
  while (std::getline(file, line)) {
    rows.push_back(Fields(line));
    if (rows.back().size() != names.size()) rows.pop_back();
  }
  std::vector<automl::ColumnSpec> specs;
  double number;
  for (size_t c = 0; c < names.size(); ++c) {
    bool is_numeric = true, is_long = false;
    for (const auto& row : rows) {
      is_numeric = is_numeric && (row[c] == "NA" || ParseNumber(row[c], &number));
      is_long = is_long || row[c].size() > 60;
    }
    specs.push_back({names[c],
                     is_numeric ? automl::ColumnKind::kFloat
                     : is_long  ? automl::ColumnKind::kText
                                : automl::ColumnKind::kString,
                     is_numeric ? "double" : "varchar"});
  }
  automl::Table table(specs);
  for (size_t c = 0; c < names.size(); ++c) {
    automl::Column& column = table.mutable_columns()[c];
    for (const auto& row : rows) {
      const bool is_null = row[c] == "NA";
      column.is_null.push_back(is_null);
      if (column.is_text()) {
        column.str.push_back(is_null ? "" : row[c]);
      } else {
        number = 0;
        if (!is_null) ParseNumber(row[c], &number);
        column.f64.push_back(number);
      }
    }
  }
  table.RowsAdded(rows.size());
  return table;
}

bool IsTestRow(size_t row) {
  return ((static_cast<uint32_t>(row) * 2654435761u) >> 16 & 1023) < 307;
}

automl::Table TakePart(const automl::Table& table, bool is_test) {
  std::vector<automl::ColumnSpec> specs;
  for (const automl::Column& column : table.columns()) specs.push_back(column.spec);
  automl::Table part(specs);
  size_t count = 0;
  for (size_t row = 0; row < table.num_rows(); ++row) {
    if (IsTestRow(row) != is_test) continue;
    ++count;
    for (size_t c = 0; c < specs.size(); ++c) {
      const automl::Column& from = table.columns()[c];
      automl::Column& to = part.mutable_columns()[c];
      to.is_null.push_back(from.is_null[row]);
      if (from.is_text())
        to.str.push_back(from.str[row]);
      else if (!from.f64.empty())
        to.f64.push_back(from.f64[row]);
      else
        to.i64.push_back(from.i64[row]);
    }
  }
  part.RowsAdded(count);
  return part;
}

}  // namespace sirocco::bench
