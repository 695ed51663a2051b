#include "plugin/routines/source_table.h"

#include <cctype>
#include <map>

#include "my_inttypes.h"
#include "mysql/strings/m_ctype.h"
#include "plugin/node/internal_session.h"
#include "plugin/routines/ml_error.h"
#include "sql/mysqld_cs.h"

namespace sirocco::plugin {
namespace {

using wire::MlColumnKind;

struct TypeRule {
  MlColumnKind kind;
  const char* select;  // with %s for the quoted name; nullptr: the column itself
};

// By information_schema's DATA_TYPE.
const std::map<std::string, TypeRule, std::less<>>& TypeRules() {
  static const std::map<std::string, TypeRule, std::less<>> rules = {
      {"tinyint", {MlColumnKind::kInteger, nullptr}},
      {"smallint", {MlColumnKind::kInteger, nullptr}},
      {"mediumint", {MlColumnKind::kInteger, nullptr}},
      {"int", {MlColumnKind::kInteger, nullptr}},
      {"bigint", {MlColumnKind::kInteger, nullptr}},
      {"bit", {MlColumnKind::kUnsigned, "%s + 0"}},
      {"float", {MlColumnKind::kFloat, nullptr}},
      {"double", {MlColumnKind::kFloat, nullptr}},
      {"decimal", {MlColumnKind::kFloat, "CAST(%s AS DOUBLE)"}},
      {"char", {MlColumnKind::kString, nullptr}},
      {"varchar", {MlColumnKind::kString, nullptr}},
      {"enum", {MlColumnKind::kString, nullptr}},
      {"set", {MlColumnKind::kString, nullptr}},
      {"tinytext", {MlColumnKind::kText, nullptr}},
      {"text", {MlColumnKind::kText, nullptr}},
      {"mediumtext", {MlColumnKind::kText, nullptr}},
      {"longtext", {MlColumnKind::kText, nullptr}},
      {"date", {MlColumnKind::kDate, nullptr}},
      {"datetime", {MlColumnKind::kDateTime, nullptr}},
      {"timestamp", {MlColumnKind::kDateTime, nullptr}},
      {"time", {MlColumnKind::kTime, nullptr}},
      {"year", {MlColumnKind::kYear, nullptr}},
  };
  return rules;
}

// Reads one name, in backquotes or up to the next point, from the front of `text`.
bool TakeName(std::string_view* text, std::string* name) {
  if (!text->starts_with('`')) {
    const size_t end = text->find('.');
    *name = text->substr(0, end);
    text->remove_prefix(end == std::string_view::npos ? text->size() : end);
    return !name->empty();
  }
  for (size_t i = 1; i < text->size(); ++i) {
    if ((*text)[i] != '`') {
      name->push_back((*text)[i]);
    } else if (i + 1 < text->size() && (*text)[i + 1] == '`') {
      name->push_back('`');
      ++i;
    } else {
      text->remove_prefix(i + 1);
      return !name->empty();
    }
  }
  return false;
}

SourceColumn MakeColumn(const TextRow& row) {
  SourceColumn column;
  column.ml.name = row[0].value_or("");
  column.ml.type = row[2].value_or("");
  const std::string extra = row[3].value_or("");
  column.is_invisible = extra.find("INVISIBLE") != std::string::npos;
  column.is_generated = extra.find("GENERATED") != std::string::npos &&
                        extra.find("DEFAULT_GENERATED") == std::string::npos;
  column.is_primary_key = row[4].value_or("") == "PRI";
  const std::string type = row[1].value_or("");
  // Characters are those of the types above, and JSON.
  column.is_binary =
      type == "bit" || (TypeRules().find(type) == TypeRules().end() && type != "json");
  column.select = QuoteName(column.ml.name);
  const auto rule = TypeRules().find(type);
  column.is_supported = rule != TypeRules().end();
  if (!column.is_supported) return column;
  column.ml.kind = rule->second.kind;
  if (column.ml.kind == MlColumnKind::kInteger &&
      column.ml.type.find("unsigned") != std::string::npos)
    column.ml.kind = MlColumnKind::kUnsigned;
  if (rule->second.select != nullptr) {
    std::string select = rule->second.select;
    column.select = select.replace(select.find("%s"), 2, column.select);
  }
  return column;
}

std::string NameCondition(const QualifiedName& name) {
  return "TABLE_SCHEMA = " + QuoteText(name.schema) + " AND TABLE_NAME = " + QuoteText(name.table);
}

}  // namespace

std::string QualifiedName::Quoted() const { return QuoteName(schema) + "." + QuoteName(table); }

Result<QualifiedName> ParseTableName(const Argument& text, const char* what) {
  QualifiedName name;
  std::string_view rest = text.value_or("");
  if (rest.empty())
    return MlError(MlErrorNumber::kArgument, std::string(what) + " must not be NULL or empty.");
  if (!TakeName(&rest, &name.schema) || !rest.starts_with('.') ||
      (rest.remove_prefix(1), !TakeName(&rest, &name.table)) || !rest.empty())
    return MlError(
        MlErrorNumber::kArgument,
        std::string(what) + " must be of the form schema_name.table_name: " + std::string(*text));
  return name;
}

bool SameColumnName(std::string_view a, std::string_view b) {
  return my_strnncoll(system_charset_info, reinterpret_cast<const uchar*>(a.data()), a.size(),
                      reinterpret_cast<const uchar*>(b.data()), b.size()) == 0;
}

const SourceColumn* SourceTable::Find(std::string_view column) const {
  for (const SourceColumn& candidate : columns)
    if (SameColumnName(candidate.ml.name, column)) return &candidate;
  return nullptr;
}

Result<SourceTable> DescribeTable(InvokerSession* session, const QualifiedName& name) {
  // Opens it: a missing table and a missing privilege are the server's own errors.
  RETURN_IF_ERROR(session->Execute("SELECT 1 FROM " + name.Quoted() + " LIMIT 0"));
  SourceTable table;
  table.name = name;
  ASSIGN_OR_RETURN(
      const std::vector<TextRow> columns,
      session->Query("SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, EXTRA, COLUMN_KEY FROM "
                     "information_schema.COLUMNS WHERE " +
                     NameCondition(name) + " ORDER BY ORDINAL_POSITION"));
  bool has_primary_key = false;
  for (const TextRow& row : columns) {
    if (row.size() != 5) continue;
    table.columns.push_back(MakeColumn(row));
    has_primary_key = has_primary_key || table.columns.back().is_primary_key;
  }
  if (has_primary_key) {
    ASSIGN_OR_RETURN(
        const std::vector<TextRow> key,
        session->Query("SELECT COLUMN_NAME FROM information_schema.STATISTICS WHERE " +
                       NameCondition(name) + " AND INDEX_NAME = 'PRIMARY' ORDER BY SEQ_IN_INDEX"));
    for (const TextRow& row : key)
      if (row.size() == 1 && row[0]) table.primary_key.push_back(*row[0]);
  }
  ASSIGN_OR_RETURN(const std::vector<TextRow> rows,
                   session->Query("SELECT TABLE_ROWS FROM information_schema.TABLES WHERE " +
                                  NameCondition(name)));
  if (rows.size() == 1 && rows[0].size() == 1 && rows[0][0])
    table.num_rows = std::strtoull(rows[0][0]->c_str(), nullptr, 10);
  return table;
}

Result<bool> TableExists(InvokerSession* session, const QualifiedName& name) {
  ASSIGN_OR_RETURN(
      const std::vector<TextRow> rows,
      session->Query("SELECT 1 FROM information_schema.TABLES WHERE " + NameCondition(name)));
  return !rows.empty();
}

}  // namespace sirocco::plugin
