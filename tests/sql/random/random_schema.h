// Random tables: definitions and rows.
#pragma once

#include <string>
#include <vector>

#include "sql/random/random_source.h"

namespace sirocco::sqltest {

// What expressions may do with a column.
enum class ValueKind { kInteger, kDecimal, kReal, kText, kDate, kDatetime, kTime };

struct RandomColumn {
  std::string name;
  std::string definition;  // type and NULL
  ValueKind kind = ValueKind::kInteger;
  bool is_unsigned = false;
  bool exact_text = false;  // text whose equal values have equal bytes
};

struct RandomTable {
  std::string name;
  std::vector<RandomColumn> columns;  // the first is `id`, the primary key
  uint64_t num_rows = 0;

  std::string CreateStatement() const;
};

// Tables t0, t1, ... of different sizes, among them an empty one and one of one row.
std::vector<RandomTable> MakeTables(RandomSource* random);
// Row number `row` (the id) as "(1, 'a', NULL)".
std::string MakeRow(const RandomTable& table, uint64_t row, RandomSource* random);
// A literal that is likely among the column's values.
std::string MakeLiteral(ValueKind kind, RandomSource* random);

}  // namespace sirocco::sqltest
