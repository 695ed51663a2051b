// Translation of an optimized MySQL statement (AccessPath tree plus Items) into a plan of the
// engine.
//
// Called from the handlerton's optimize_secondary_engine hook, after the hypergraph optimizer has
// built lex->unit->root_access_path(). With SecondaryEngineFlag::USE_EXTERNAL_EXECUTOR the Items
// still point at base-table fields and at the fields of derived TABLEs, which is what the
// translator works on; the statement is not changed.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/error.h"
#include "plan/node.h"
#include "plan/table_schema.h"

class THD;
struct LEX;
struct TABLE;

namespace sirocco::plugin {

// What the engine knows about one of the statement's tables. `schema` lives as long as the
// translation. Fields are found in it by ColumnSchema::field_index.
struct ResolvedTable {
  plan::TableId id = 0;
  const plan::TableSchema* schema = nullptr;
};

// Maps a TABLE of the secondary engine to the loaded table. Called once per table reference.
class TableResolver {
 public:
  virtual ~TableResolver() = default;
  // Errors: kNotSupported / kUnavailable / kStale with the reason why the table cannot be read
  // here.
  virtual Result<ResolvedTable> Resolve(const TABLE* table) const = 0;
};

struct TranslatedQuery {
  plan::Plan plan;
  // Base tables the plan scans: (the server's TABLE of the first reference, id), each loaded table
  // once. TABLEs stay valid for the execution of the statement.
  std::vector<std::pair<const TABLE*, plan::TableId>> tables;
  // SQL_CALC_FOUND_ROWS: the plan delivers all rows; the sender skips `found_rows_offset`, sends at
  // most `found_rows_limit` and reports the number of all rows as FOUND_ROWS(). Otherwise the plan
  // does its own limit.
  bool count_found_rows = false;
  uint64_t found_rows_offset = 0;
  uint64_t found_rows_limit = plan::kNoLimit;
};

// Translates the statement's query expression.
//
// Results: plan.results has one column per visible select item, in order. Types follow plan/type.h;
// TIMESTAMP results come as kDatetime in the session's time zone, ENUM and SET columns as their
// index or bitmap when selected plainly. Errors: kNotSupported with a reason for a DBA. A MySQL
// error may already be set in the THD when evaluating a constant failed (thd->is_error()).
Result<TranslatedQuery> TranslateQuery(THD* thd, LEX* lex, const TableResolver& resolver);

}  // namespace sirocco::plugin
