// A table or view that a routine reads, as the caller sees it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "plugin/routines/invoker_session.h"
#include "plugin/routines/operations.h"
#include "wire/ml_messages.h"

namespace sirocco::plugin {

struct QualifiedName {
  std::string schema, table;

  std::string Quoted() const;  // `schema`.`table`
  std::string Text() const { return schema + "." + table; }
  bool operator==(const QualifiedName&) const = default;
};

// "schema.table", either part in backquotes if it must. `what` names the argument in errors.
Result<QualifiedName> ParseTableName(const Argument& text, const char* what);

struct SourceColumn {
  wire::MlColumn ml;
  bool is_supported = true;  // by machine learning; ml.kind counts only then
  bool is_invisible = false;
  bool is_generated = false;
  bool is_primary_key = false;
  bool is_binary = false;  // its text form is bytes, not characters
  // The expression that reads it in the form of ml.kind.
  std::string select;
};

struct SourceTable {
  QualifiedName name;
  std::vector<SourceColumn> columns;  // in the table's order
  std::vector<std::string> primary_key;
  uint64_t num_rows = 0;  // the server's estimate

  // nullptr: no such column. Names compare as the server's column names do.
  const SourceColumn* Find(std::string_view column) const;
};

// The server's own errors if the table does not exist or the caller may not read it.
Result<SourceTable> DescribeTable(InvokerSession* session, const QualifiedName& name);

// Whether there is a table or view of the name.
Result<bool> TableExists(InvokerSession* session, const QualifiedName& name);

bool SameColumnName(std::string_view a, std::string_view b);

}  // namespace sirocco::plugin
