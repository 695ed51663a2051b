#include "sql/random/random_schema.h"

#include <cstdio>

namespace sirocco::sqltest {
namespace {

struct ColumnType {
  const char* type;
  ValueKind kind;
  bool is_unsigned, exact_text;
};

const std::vector<ColumnType> kTypes = {
    {"TINYINT", ValueKind::kInteger, false, false},
    {"SMALLINT", ValueKind::kInteger, false, false},
    {"INT", ValueKind::kInteger, false, false},
    {"INT UNSIGNED", ValueKind::kInteger, true, false},
    {"BIGINT", ValueKind::kInteger, false, false},
    {"DECIMAL(6,2)", ValueKind::kDecimal, false, false},
    {"DECIMAL(18,4)", ValueKind::kDecimal, false, false},
    {"DECIMAL(30,6)", ValueKind::kDecimal, false, false},
    {"DECIMAL(45,10)", ValueKind::kDecimal, false, false},
    {"DOUBLE", ValueKind::kReal, false, false},
    {"VARCHAR(20) COLLATE utf8mb4_0900_ai_ci", ValueKind::kText, false, false},
    {"VARCHAR(20) COLLATE utf8mb4_bin", ValueKind::kText, false, false},
    {"VARCHAR(300) COLLATE utf8mb4_0900_bin", ValueKind::kText, false, true},
    {"CHAR(8) COLLATE utf8mb4_0900_as_cs", ValueKind::kText, false, true},
    {"VARBINARY(12)", ValueKind::kText, false, true},
    {"DATE", ValueKind::kDate, false, false},
    {"DATETIME", ValueKind::kDatetime, false, false},
    {"DATETIME(6)", ValueKind::kDatetime, false, false},
    {"TIMESTAMP", ValueKind::kDatetime, false, false},
    {"TIME(3)", ValueKind::kTime, false, false},
};

std::string Quote(const std::string& text) { return "'" + text + "'"; }

std::string Format(const char* format, long long a, long long b = 0, long long c = 0) {
  char text[96];
  std::snprintf(text, sizeof text, format, a, b, c);
  return text;
}

std::string Day(RandomSource* random) {
  return Format("%04lld-%02lld-%02lld",
                random->Chance(10) ? random->Between(1971, 2036) : random->Between(2020, 2022),
                random->Between(1, 12), random->Between(1, 28));
}

std::string Clock(RandomSource* random) {
  return Format("%02lld:%02lld:%02lld", random->Between(0, 23),
                random->Pick(std::vector<int64_t>{0, 30, 59}), random->Between(0, 59));
}

}  // namespace

std::string MakeLiteral(ValueKind kind, RandomSource* random) {
  switch (kind) {
    case ValueKind::kInteger:
      return random->Chance(85) ? std::to_string(random->Between(0, 20))
                                : std::to_string(random->Between(-100, 127));
    case ValueKind::kDecimal:
      return Format("%lld.%02lld", random->Between(-30, 60),
                    random->Chance(50) ? 0 : random->Between(0, 99));
    case ValueKind::kReal:
      return random->Pick({"0e0", "0.5e0", "1.5e0", "-2.25e0", "1e10", "3e0", "0.125e0", "7e0"});
    case ValueKind::kText:
      return Quote(random->Pick({"", "a", "A", "b", "abc", "ABC", "Straße", "strasse", "ä", "zz",
                                 "x y", "apple", "Apple", "日本", "a_b", "100%"}));
    case ValueKind::kDate:
      return "DATE" + Quote(Day(random));
    case ValueKind::kDatetime:
      return "TIMESTAMP" + Quote(Day(random) + " " + Clock(random));
    case ValueKind::kTime:
      return "TIME" + Quote((random->Chance(15) ? "-" : "") + Clock(random));
  }
  return "0";
}

std::string RandomTable::CreateStatement() const {
  std::string sql = "CREATE TABLE " + name + " (";
  for (const RandomColumn& column : columns) sql += column.name + " " + column.definition + ", ";
  return sql + "PRIMARY KEY (id))";
}

std::vector<RandomTable> MakeTables(RandomSource* random) {
  std::vector<RandomTable> tables;
  const std::vector<uint64_t> sizes = {0, 1, 40, 300, 2500};
  for (size_t t = 0; t < sizes.size(); ++t) {
    RandomTable table;
    table.name = "t" + std::to_string(t);
    table.num_rows = sizes[t];
    table.columns.push_back({"id", "INT NOT NULL", ValueKind::kInteger, false, false});
    const uint64_t num_columns = 6 + random->Below(8);
    for (uint64_t c = 0; c < num_columns; ++c) {
      const ColumnType& type = random->Pick(kTypes);
      table.columns.push_back(
          {"c" + std::to_string(c),
           std::string(type.type) + (random->Chance(25) ? " NOT NULL" : " NULL"), type.kind,
           type.is_unsigned, type.exact_text});
    }
    tables.push_back(std::move(table));
  }
  return tables;
}

std::string MakeRow(const RandomTable& table, uint64_t row, RandomSource* random) {
  std::string values = "(" + std::to_string(row);
  for (size_t c = 1; c < table.columns.size(); ++c) {
    const RandomColumn& column = table.columns[c];
    values += ", ";
    if (column.definition.ends_with(" NULL") && !column.definition.ends_with("NOT NULL") &&
        random->Chance(15)) {
      values += "NULL";
      continue;
    }
    std::string literal = MakeLiteral(column.kind, random);
    if (column.is_unsigned && literal[0] == '-') literal = literal.substr(1);
    values += literal;
  }
  return values + ")";
}

}  // namespace sirocco::sqltest
