#include "sql/runner/metadata.h"

#include <mysql/mysql.h>

#include <map>

namespace sirocco::sqltest {
namespace {

constexpr uint32_t kComparedFlags = NOT_NULL_FLAG | BLOB_FLAG | UNSIGNED_FLAG | ZEROFILL_FLAG |
                                    BINARY_FLAG | ENUM_FLAG | SET_FLAG | TIMESTAMP_FLAG | NUM_FLAG;

std::string TypeName(int type) {
  static const std::map<int, std::string> kNames = {
      {MYSQL_TYPE_TINY, "TINY"},
      {MYSQL_TYPE_SHORT, "SHORT"},
      {MYSQL_TYPE_LONG, "LONG"},
      {MYSQL_TYPE_FLOAT, "FLOAT"},
      {MYSQL_TYPE_DOUBLE, "DOUBLE"},
      {MYSQL_TYPE_NULL, "NULL"},
      {MYSQL_TYPE_TIMESTAMP, "TIMESTAMP"},
      {MYSQL_TYPE_LONGLONG, "LONGLONG"},
      {MYSQL_TYPE_INT24, "INT24"},
      {MYSQL_TYPE_DATE, "DATE"},
      {MYSQL_TYPE_TIME, "TIME"},
      {MYSQL_TYPE_DATETIME, "DATETIME"},
      {MYSQL_TYPE_YEAR, "YEAR"},
      {MYSQL_TYPE_VARCHAR, "VARCHAR"},
      {MYSQL_TYPE_BIT, "BIT"},
      {MYSQL_TYPE_JSON, "JSON"},
      {MYSQL_TYPE_NEWDECIMAL, "NEWDECIMAL"},
      {MYSQL_TYPE_ENUM, "ENUM"},
      {MYSQL_TYPE_SET, "SET"},
      {MYSQL_TYPE_BLOB, "BLOB"},
      {MYSQL_TYPE_VAR_STRING, "VAR_STRING"},
      {MYSQL_TYPE_STRING, "STRING"},
      {MYSQL_TYPE_GEOMETRY, "GEOMETRY"},
  };
  const auto found = kNames.find(type);
  return found != kNames.end() ? found->second : std::to_string(type);
}

std::string FlagNames(uint32_t flags) {
  static constexpr std::pair<uint32_t, const char*> kNames[] = {
      {NOT_NULL_FLAG, "NOT_NULL"}, {BLOB_FLAG, "BLOB"},           {UNSIGNED_FLAG, "UNSIGNED"},
      {ZEROFILL_FLAG, "ZEROFILL"}, {BINARY_FLAG, "BINARY"},       {ENUM_FLAG, "ENUM"},
      {SET_FLAG, "SET"},           {TIMESTAMP_FLAG, "TIMESTAMP"}, {NUM_FLAG, "NUM"},
  };
  std::string names;
  for (const auto& [flag, name] : kNames) {
    if ((flags & flag) == 0) continue;
    if (!names.empty()) names += ",";
    names += name;
  }
  return names.empty() ? "none" : names;
}

// What the server says of an expression depends on whether its plan has a temporary table: BINARY
// of numbers (they have no collation) and the inner name. Neither tells a client anything.
bool SameColumn(const Column& a, const Column& b) {
  uint32_t flags = kComparedFlags;
  if ((a.flags & b.flags & NUM_FLAG) != 0) flags &= ~static_cast<uint32_t>(BINARY_FLAG);
  const bool is_expression = a.org_table.empty() && b.org_table.empty();
  return a.name == b.name && a.type == b.type && a.length == b.length && a.decimals == b.decimals &&
         a.charset == b.charset && (a.flags & flags) == (b.flags & flags) && a.table == b.table &&
         a.org_table == b.org_table && (is_expression || a.org_name == b.org_name);
}

}  // namespace

std::vector<Column> ReadColumns(MYSQL_RES* result) {
  std::vector<Column> columns;
  const unsigned count = mysql_num_fields(result);
  for (unsigned i = 0; i < count; ++i) {
    const MYSQL_FIELD& field = *mysql_fetch_field_direct(result, i);
    Column column;
    column.name = field.name;
    column.org_name = field.org_name;
    column.table = field.table;
    column.org_table = field.org_table;
    column.type = field.type;
    column.flags = field.flags;
    column.decimals = field.decimals;
    column.charset = field.charsetnr;
    column.length = field.length;
    columns.push_back(std::move(column));
  }
  return columns;
}

std::string DescribeColumn(const Column& column) {
  return "`" + column.name + "` type=" + TypeName(column.type) +
         " length=" + std::to_string(column.length) +
         " decimals=" + std::to_string(column.decimals) +
         " charset=" + std::to_string(column.charset) + " flags=" + FlagNames(column.flags) +
         " of `" + column.table + "`(`" + column.org_table + "`.`" + column.org_name + "`)";
}

std::vector<std::string> CompareColumns(const std::vector<Column>& off,
                                        const std::vector<Column>& forced) {
  std::vector<std::string> differences;
  if (off.size() != forced.size()) {
    differences.push_back("number of columns: off " + std::to_string(off.size()) + ", forced " +
                          std::to_string(forced.size()));
    return differences;
  }
  for (size_t i = 0; i < off.size(); ++i) {
    const Column &a = off[i], &b = forced[i];
    if (SameColumn(a, b)) continue;
    differences.push_back("column " + std::to_string(i + 1) + ": off    " + DescribeColumn(a));
    differences.push_back("column " + std::to_string(i + 1) + ": forced " + DescribeColumn(b));
  }
  return differences;
}

}  // namespace sirocco::sqltest
